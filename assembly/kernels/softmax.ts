/**
 * `softmax`, `log_softmax` and their backward passes along the last, contiguous dimension. A row's
 * greatest element is subtracted first, so that exp cannot overflow; sums are float64 over blocks of vectors.
 */
import { FLOAT32, FLOAT64 } from '../generated/abi';
import { dtypeOf, innerSize, rankOf } from '../program/record';
import { begin, next, pointer } from '../program/walk';
import {
  loadPadded,
  loadSome,
  maxLanes,
  splat,
  storeHead,
  storeSome,
  sumLanes,
  width,
} from '../simd/partial';
import { BLOCK, sumProducts } from '../simd/sums';
import { exp, logOf } from '../simd/transcendental';

/** The greatest element. NaN is passed over (one instruction less a vector): it spoils the sum anyway. */
export function greatest<T>(x: usize, n: i32): f64 {
  const lowest = splat<T>(-Infinity);
  let best = lowest;
  let i = 0;
  for (; i + width<T>() <= n; i += width<T>(), x += 16) best = v128.pmax<T>(best, v128.load(x));
  if (i < n) best = v128.pmax<T>(best, loadPadded<T>(x, n - i, lowest));
  return maxLanes<T>(best);
}

/** Stores exp(x − top) unless `out` is 0, and returns the sum. */
export function exponentials<T>(out: usize, x: usize, n: i32, top: f64): f64 {
  const shift = splat<T>(top);
  const whole = n & -width<T>();
  let total: f64 = 0;
  for (let i = 0; i < whole; ) {
    let sum = splat<T>(0);
    for (const end = min<i32>(whole, i + BLOCK); i < end; i += width<T>(), x += 16) {
      const e = exp<T>(v128.sub<T>(v128.load(x), shift));
      sum = v128.add<T>(sum, e);
      if (out != 0) {
        v128.store(out, e);
        out += 16;
      }
    }
    total += sumLanes<T>(sum);
  }
  const left = n - whole;
  if (left > 0) {
    const e = exp<T>(v128.sub<T>(loadPadded<T>(x, left, splat<T>(-Infinity)), shift));
    total += sumLanes<T>(e);
    if (out != 0) storeHead<T>(out, e, left);
  }
  return total;
}

function softmaxRows<T>(r: usize): bool {
  const n = innerSize(r);
  begin(r);
  do {
    let out = pointer(0);
    const x = pointer(1);
    const scale = splat<T>(1 / exponentials<T>(out, x, n, greatest<T>(x, n)));
    for (let i = 0; i < n; i += width<T>(), out += 16) {
      storeSome<T>(out, v128.mul<T>(loadSome<T>(out, n - i), scale), n - i);
    }
  } while (next(r, rankOf(r) - 1));
  return true;
}

function logSoftmaxRows<T>(r: usize): bool {
  const n = innerSize(r);
  begin(r);
  do {
    let out = pointer(0);
    let x = pointer(1);
    const top = greatest<T>(x, n);
    const shift = splat<T>(top);
    const logSum = splat<T>(logOf(exponentials<T>(0, x, n, top)));
    for (let i = 0; i < n; i += width<T>(), out += 16, x += 16) {
      storeSome<T>(out, v128.sub<T>(v128.sub<T>(loadSome<T>(x, n - i), shift), logSum), n - i);
    }
  } while (next(r, rankOf(r) - 1));
  return true;
}

/** dx = y·(g − Σ g·y) */
function softmaxBackwardRows<T>(r: usize): bool {
  const n = innerSize(r);
  begin(r);
  do {
    let dx = pointer(0);
    let g = pointer(1);
    let y = pointer(2);
    const dot = splat<T>(sumProducts<T>(g, y, n));
    for (let i = 0; i < n; i += width<T>(), dx += 16, g += 16, y += 16) {
      const centred = v128.sub<T>(loadSome<T>(g, n - i), dot);
      storeSome<T>(dx, v128.mul<T>(loadSome<T>(y, n - i), centred), n - i);
    }
  } while (next(r, rankOf(r) - 1));
  return true;
}

/** dx = g − exp(y)·Σ g */
function logSoftmaxBackwardRows<T>(r: usize): bool {
  const n = innerSize(r);
  begin(r);
  do {
    let dx = pointer(0);
    let g = pointer(1);
    let y = pointer(2);
    const sum = splat<T>(sumProducts<T>(g, 0, n));
    for (let i = 0; i < n; i += width<T>(), dx += 16, g += 16, y += 16) {
      const share = v128.mul<T>(exp<T>(loadSome<T>(y, n - i)), sum);
      storeSome<T>(dx, v128.sub<T>(loadSome<T>(g, n - i), share), n - i);
    }
  } while (next(r, rankOf(r) - 1));
  return true;
}

export function softmax(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return softmaxRows<f32>(r);
  return dtypeOf(r) == FLOAT64 && softmaxRows<f64>(r);
}

export function logSoftmax(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return logSoftmaxRows<f32>(r);
  return dtypeOf(r) == FLOAT64 && logSoftmaxRows<f64>(r);
}

export function softmaxBackward(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return softmaxBackwardRows<f32>(r);
  return dtypeOf(r) == FLOAT64 && softmaxBackwardRows<f64>(r);
}

export function logSoftmaxBackward(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return logSoftmaxBackwardRows<f32>(r);
  return dtypeOf(r) == FLOAT64 && logSoftmaxBackwardRows<f64>(r);
}
