/**
 * `uniform`, `normal`, `bernoulli`, `random_integers`, as docs/program-format.md defines them. The native
 * backend draws the same numbers bit for bit.
 */
import { BOOL, FLOAT32, FLOAT64, INT32, INT64, UINT8 } from '../generated/abi';
import { cos, log, sin } from '../generated/math_f64';
import { address, dtypeOf, elements, innerStride, operandDtype, param } from '../program/record';
import { splat, storeSome } from '../simd/partial';
import { BATCH, consume, digitsBelow, philox, word, wordAt } from './philox';

/** 2^-24, 2^-32 and 2^-53. */
const TO_24: f64 = 5.9604644775390625e-8;
const TO_32: f64 = 2.3283064365386963e-10;
const TO_53: f64 = 1.1102230246251565e-16;
const TWO_PI: f64 = 6.283185307179586;

/** Makes the next words when element i, of `each` words, starts a batch. */
// @ts-ignore: decorator
@inline
function refill(state: usize, i: i32, each: i32): void {
  if (((i * each) & (BATCH - 1)) == 0) philox(state, i / (4 / each));
}

export function uniform(r: usize): bool {
  const n = elements(r);
  const state = address(r, 1);
  let out = address(r, 0);
  if (dtypeOf(r) == FLOAT32) {
    for (let i = 0; i < n; i += 4, out += 16) {
      refill(state, i, 1);
      const bits = i32x4.shr_u(v128.load(wordAt(i)), 8);
      storeSome<f32>(out, f32x4.mul(f32x4.convert_i32x4_s(bits), splat<f32>(TO_24)), n - i);
    }
    consume(state, (n + 3) >> 2);
    return true;
  }
  if (dtypeOf(r) != FLOAT64) return false;
  for (let i = 0; i < n; i++, out += 8) {
    refill(state, i, 2);
    store<f64>(out, (<f64>(word(2 * i) >> 5) * 67108864.0 + <f64>(word(2 * i + 1) >> 6)) * TO_53);
  }
  consume(state, (n + 1) >> 1);
  return true;
}

/** Four normals from the words w … w + 3, by Box and Muller's method: cosine and sine for each pair of words. */
// @ts-ignore: decorator
@inline
function normals<T>(out: usize, w: i32, count: i32): void {
  const u = f64x2.mul(f64x2(<f64>word(w) + 1, <f64>word(w + 2) + 1), f64x2.splat(TO_32));
  const turns = f64x2.mul(f64x2(<f64>word(w + 1), <f64>word(w + 3)), f64x2.splat(TO_32));
  const angle = f64x2.mul(turns, f64x2.splat(TWO_PI));
  const radius = f64x2.sqrt(f64x2.mul(f64x2.splat(-2), log(u)));
  const c = f64x2.mul(radius, cos(angle));
  const s = f64x2.mul(radius, sin(angle));
  store<T>(out, <T>f64x2.extract_lane(c, 0));
  if (count > 1) store<T>(out + sizeof<T>(), <T>f64x2.extract_lane(s, 0));
  if (count > 2) store<T>(out + 2 * sizeof<T>(), <T>f64x2.extract_lane(c, 1));
  if (count > 3) store<T>(out + 3 * sizeof<T>(), <T>f64x2.extract_lane(s, 1));
}

function fillNormal<T>(r: usize): bool {
  const n = elements(r);
  const out = address(r, 0);
  const state = address(r, 1);
  for (let i = 0; i < n; i += 4) {
    refill(state, i, 1);
    normals<T>(out + <usize>i * sizeof<T>(), i, n - i);
  }
  consume(state, (n + 3) >> 2);
  return true;
}

export function normal(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return fillNormal<f32>(r);
  return dtypeOf(r) == FLOAT64 && fillNormal<f64>(r);
}

/**
 * One where the element's word, as the first 32 digits of a number in [0, 1), lies below the probability. Where these digits cannot tell (once in 2³²
 * elements), those of a second sequence do, so that no probability is too small or too near 1.
 */
function fillBernoulli<T, P>(r: usize): bool {
  const n = elements(r);
  const step = <usize>innerStride(r, 1) * sizeof<P>();
  const state = address(r, 2);
  let out = address(r, 0);
  let probability = address(r, 1);
  for (let i = 0; i < n; i++, out += sizeof<T>(), probability += step) {
    refill(state, i, 1);
    const p = <f64>load<P>(probability) * 4294967296;
    const w = <f64>word(i);
    let one = w < p;
    if (one && w + 1 > p) one = digitsBelow(state, i >> 2, i & 3) < p - w;
    store<T>(out, <T>one);
  }
  consume(state, (n + 3) >> 2);
  return true;
}

function bernoulliAs<T>(r: usize): bool {
  const dtype = operandDtype(r, 1);
  if (dtype == FLOAT32) return fillBernoulli<T, f32>(r);
  return dtype == FLOAT64 && fillBernoulli<T, f64>(r);
}

export function bernoulli(r: usize): bool {
  switch (operandDtype(r, 0)) {
    case FLOAT32:
      return bernoulliAs<f32>(r);
    case FLOAT64:
      return bernoulliAs<f64>(r);
    case INT32:
      return bernoulliAs<i32>(r);
    case INT64:
      return bernoulliAs<i64>(r);
    case UINT8:
    case BOOL:
      return bernoulliAs<u8>(r);
    default:
      return false;
  }
}

function fillIntegers<T>(r: usize): bool {
  const n = elements(r);
  const low = <i64>param(r, 0);
  const span = <u64>(<i64>param(r, 1) - low);
  const state = address(r, 1);
  let out = address(r, 0);
  for (let i = 0; i < n; i++, out += sizeof<T>()) {
    refill(state, i, 2);
    const bits = <u64>word(2 * i) | ((<u64>word(2 * i + 1)) << 32);
    store<T>(out, <T>(low + <i64>(bits % span)));
  }
  consume(state, (n + 1) >> 1);
  return true;
}

export function randomIntegers(r: usize): bool {
  switch (dtypeOf(r)) {
    case FLOAT32:
      return fillIntegers<f32>(r);
    case FLOAT64:
      return fillIntegers<f64>(r);
    case INT32:
      return fillIntegers<i32>(r);
    case INT64:
      return fillIntegers<i64>(r);
    case UINT8:
      return fillIntegers<u8>(r);
    default:
      return false;
  }
}
