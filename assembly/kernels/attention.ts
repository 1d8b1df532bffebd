/**
 * `attention` without keeping the scores: a block of queries meets the keys block by block, and what has
 * been summed is scaled down when a greater score turns up (Dao et al., "FlashAttention", 2022). Its backward pass
 * computes the scores again. The products are those of matmul.ts.
 */
import { BOOL, FLOAT32, FLOAT64 } from '../generated/abi';
import { address, dtypeOf, operandDtype, param, rankOf, size, stride } from '../program/record';
import { begin, next, pointer } from '../program/walk';
import { loadPadded, loadSome, maxLanes, splat, storeSome, sumLanes, width } from '../simd/partial';
import { sumProducts } from '../simd/sums';
import { exp, logOf } from '../simd/transcendental';
import { behindProducts, multiplyMatrices } from './matmul';

/** Queries and keys of a block; fewer queries where causality leaves out what lies behind the last of them. */
const QUERIES: i32 = 64;
const CAUSAL_QUERIES: i32 = 32;
const KEYS: i32 = 64;

/** Dimensions of the iteration space behind the batch. */
const L: i32 = 0;
const S: i32 = 1;
const E: i32 = 2;
const EV: i32 = 3;

/** Scores or weights of a block, KEYS a row. */
// @ts-ignore: decorator
@inline
function scoresAt(): usize {
  return behindProducts();
}

/** Of the backward pass: gradients of the scores, laid out like these. */
// @ts-ignore: decorator
@inline
function slopesAt(): usize {
  return scoresAt() + QUERIES * KEYS * 8;
}

/** Running maximum and sum of each query of a block, float64 both. */
// @ts-ignore: decorator
@inline
function stateAt(query: i32): usize {
  return scoresAt() + QUERIES * KEYS * 8 + (<usize>query << 4);
}

/** The byte step of an operand along L, S, E or EV. */
// @ts-ignore: decorator
@inline
function step<T>(r: usize, operand: i32, dimension: i32): usize {
  return <usize>stride(r, operand, rankOf(r) - 4 + dimension) * sizeof<T>();
}

// @ts-ignore: decorator
@inline
function sizeOf(r: usize, dimension: i32): i32 {
  return size(r, rankOf(r) - 4 + dimension);
}

// @ts-ignore: decorator
@inline
function blockOfQueries(causal: bool): i32 {
  return causal ? CAUSAL_QUERIES : QUERIES;
}

/** Keys that a query sees of the `n` from `key` on. */
// @ts-ignore: decorator
@inline
function seen(causal: bool, query: i32, key: i32, n: i32): i32 {
  return causal ? max<i32>(0, min<i32>(n, query + 1 - key)) : n;
}

/** x·factor for n contiguous elements. */
function scale<T>(x: usize, n: i32, factor: f64): void {
  const f = splat<T>(factor);
  for (let i = 0; i < n; i += width<T>(), x += 16) storeSome<T>(x, v128.mul<T>(loadSome<T>(x, n - i), f), n - i);
}

/** Scales n scores of a query and adds its mask, −∞ wherever that forbids, even over NaN. */
function finishScores<T>(r: usize, mask: i32, query: i32, key: i32, x: usize, n: i32): void {
  scale<T>(x, n, param(r, 0));
  if (address(r, mask) == 0) return;
  const base = rankOf(r) - 4;
  const along = stride(r, mask, base + S);
  const first = query * stride(r, mask, base + L) + key * along;
  const bools = operandDtype(r, mask) == BOOL;
  const from = pointer(mask);
  for (let j = 0; j < n; j++, x += sizeof<T>()) {
    const at = <usize>(first + j * along);
    const bias: T = bools ? (load<u8>(from + at) ? 0 : <T>-Infinity) : load<T>(from + at * sizeof<T>());
    store<T>(x, bias == <T>-Infinity ? bias : load<T>(x) + bias);
  }
}

/** The greatest of n ≥ 1 scores. NaN is passed over: it spoils the sum anyway. */
function greatest<T>(x: usize, n: i32): f64 {
  const lowest = splat<T>(-Infinity);
  let best = lowest;
  let i = 0;
  for (; i + width<T>() <= n; i += width<T>(), x += 16) best = v128.pmax<T>(best, v128.load(x));
  if (i < n) best = v128.pmax<T>(best, loadPadded<T>(x, n - i, lowest));
  return maxLanes<T>(best);
}

/** x = exp(x − shift) for n elements, and their sum. */
function exponentials<T>(x: usize, n: i32, shift: f64): f64 {
  const top = splat<T>(shift);
  const lowest = splat<T>(-Infinity);
  let sum = splat<T>(0);
  let i = 0;
  for (; i + width<T>() <= n; i += width<T>(), x += 16) {
    const e = exp<T>(v128.sub<T>(v128.load(x), top));
    v128.store(x, e);
    sum = v128.add<T>(sum, e);
  }
  if (i < n) {
    const e = exp<T>(v128.sub<T>(loadPadded<T>(x, n - i, lowest), top));
    storeSome<T>(x, e, n - i);
    sum = v128.add<T>(sum, e);
  }
  return sumLanes<T>(sum);
}

// @ts-ignore: decorator
@inline
function clear<T>(x: usize, n: i32, columns: i32): void {
  if (n < columns) memory.fill(x + <usize>n * sizeof<T>(), 0, <usize>(columns - n) * sizeof<T>());
}

/** Scores of `queries` × `keys` to weights that wait for the division by their sum; scales down what `out` holds. */
function weigh<T>(r: usize, out: usize, query: i32, queries: i32, key: i32, keys: i32): void {
  const causal = param(r, 1) != 0;
  for (let i = 0; i < queries; i++) {
    const x = scoresAt() + <usize>(i * KEYS) * sizeof<T>();
    const n = seen(causal, query + i, key, keys);
    clear<T>(x, n, keys);
    if (n == 0) continue;
    finishScores<T>(r, 5, query + i, key, x, n);
    const state = stateAt(i);
    const before = load<f64>(state);
    const top = max<f64>(before, greatest<T>(x, n));
    // While nothing is allowed the maximum is −∞, and exponentials of −∞ are wanted, not of −∞ + ∞.
    const sum = exponentials<T>(x, n, top == -Infinity ? 0 : top);
    let factor: f64 = 1;
    if (before != top) {
      factor = f64x2.extract_lane(exp<f64>(f64x2.splat(before - top)), 0);
      if (key > 0) scale<T>(out + <usize>i * step<T>(r, 0, L), sizeOf(r, EV), factor);
    }
    store<f64>(state, top);
    store<f64>(state, load<f64>(state, 8) * factor + sum, 8);
  }
}

function forward<T>(r: usize): bool {
  const total = sizeOf(r, L);
  const e = sizeOf(r, E);
  const ev = sizeOf(r, EV);
  const s = sizeOf(r, S);
  const causal = param(r, 1) != 0;
  const block = blockOfQueries(causal);
  const pitch: usize = KEYS * sizeof<T>();
  begin(r);
  do {
    for (let query = 0; query < total; query += block) {
      const queries = min<i32>(block, total - query);
      const out = pointer(0) + <usize>query * step<T>(r, 0, L);
      for (let i = 0; i < queries; i++) {
        store<f64>(stateAt(i), -Infinity);
        store<f64>(stateAt(i), 0, 8);
      }
      for (let key = 0; key < s; key += KEYS) {
        const keys = seen(causal, query + queries - 1, key, min<i32>(KEYS, s - key));
        if (keys == 0) break;
        const q = pointer(2) + <usize>query * step<T>(r, 2, L);
        const k = pointer(3) + <usize>key * step<T>(r, 3, S);
        const v = pointer(4) + <usize>key * step<T>(r, 4, S);
        multiplyMatrices<T>(
          false, queries, keys, e, scoresAt(), pitch,
          q, step<T>(r, 2, L), step<T>(r, 2, E), k, step<T>(r, 3, E), step<T>(r, 3, S),
        );
        weigh<T>(r, out, query, queries, key, keys);
        multiplyMatrices<T>(
          key > 0, queries, ev, keys, out, step<T>(r, 0, L),
          scoresAt(), pitch, sizeof<T>(), v, step<T>(r, 4, S), step<T>(r, 4, EV),
        );
      }
      for (let i = 0; i < queries; i++) {
        const sum = load<f64>(stateAt(i), 8);
        // No key was allowed where nothing was summed.
        scale<T>(out + <usize>i * step<T>(r, 0, L), ev, sum == 0 ? 0 : 1 / sum);
        const at = pointer(1) + <usize>(query + i) * step<T>(r, 1, L);
        store<T>(at, <T>(sum == 0 ? -Infinity : load<f64>(stateAt(i)) + logOf(sum)));
      }
    }
  } while (next(r, rankOf(r) - 4));
  return true;
}

/** Σ x·y over n elements at byte steps. */
function dot<T>(n: i32, x: usize, xStep: usize, y: usize, yStep: usize): f64 {
  if (xStep == sizeof<T>() && yStep == sizeof<T>()) return sumProducts<T>(x, y, n);
  let sum: f64 = 0;
  for (; n > 0; n--, x += xStep, y += yStep) sum += <f64>load<T>(x) * <f64>load<T>(y);
  return sum;
}

/** Scores to weights P = exp(scores − lse), and D = g·vᵀ to slopes P∘(D − Σ g∘out). */
function slopes<T>(r: usize, query: i32, queries: i32, key: i32, keys: i32): void {
  const causal = param(r, 1) != 0;
  for (let i = 0; i < queries; i++) {
    const at = query + i;
    let p = scoresAt() + <usize>(i * KEYS) * sizeof<T>();
    let d = slopesAt() + <usize>(i * KEYS) * sizeof<T>();
    const logSum = <f64>load<T>(pointer(5) + <usize>at * step<T>(r, 5, L));
    const n = logSum == -Infinity ? 0 : seen(causal, at, key, keys);
    clear<T>(p, n, keys);
    clear<T>(d, n, keys);
    if (n == 0) continue;
    finishScores<T>(r, 9, at, key, p, n);
    exponentials<T>(p, n, logSum);
    const g = pointer(3) + <usize>at * step<T>(r, 3, L);
    const out = pointer(4) + <usize>at * step<T>(r, 4, L);
    const delta = splat<T>(dot<T>(sizeOf(r, EV), g, step<T>(r, 3, EV), out, step<T>(r, 4, EV)));
    for (let j = 0; j < n; j += width<T>(), p += 16, d += 16) {
      const slope = v128.sub<T>(loadSome<T>(d, n - j), delta);
      storeSome<T>(d, v128.mul<T>(loadSome<T>(p, n - j), slope), n - j);
    }
  }
}

function clearRows(x: usize, rows: i32, pitch: usize, bytes: usize): void {
  for (; rows > 0; rows--, x += pitch) memory.fill(x, 0, bytes);
}

function scaleRows<T>(x: usize, rows: i32, pitch: usize, columns: i32, factor: f64): void {
  for (; rows > 0; rows--, x += pitch) scale<T>(x, columns, factor);
}

function backwardBlock<T>(r: usize, query: i32, queries: i32, key: i32, keys: i32): void {
  const e = sizeOf(r, E);
  const ev = sizeOf(r, EV);
  const pitch: usize = KEYS * sizeof<T>();
  const item: usize = sizeof<T>();
  const dq = pointer(0) + <usize>query * step<T>(r, 0, L);
  const dk = pointer(1) + <usize>key * step<T>(r, 1, S);
  const dv = pointer(2) + <usize>key * step<T>(r, 2, S);
  const g = pointer(3) + <usize>query * step<T>(r, 3, L);
  const q = pointer(6) + <usize>query * step<T>(r, 6, L);
  const k = pointer(7) + <usize>key * step<T>(r, 7, S);
  const v = pointer(8) + <usize>key * step<T>(r, 8, S);
  const gl = step<T>(r, 3, L);
  const gv = step<T>(r, 3, EV);
  const ql = step<T>(r, 6, L);
  const qe = step<T>(r, 6, E);
  const ks = step<T>(r, 7, S);
  const ke = step<T>(r, 7, E);
  const p = scoresAt();
  const d = slopesAt();
  multiplyMatrices<T>(false, queries, keys, e, p, pitch, q, ql, qe, k, ke, ks);
  multiplyMatrices<T>(false, queries, keys, ev, d, pitch, g, gl, gv, v, step<T>(r, 8, EV), step<T>(r, 8, S));
  slopes<T>(r, query, queries, key, keys);
  multiplyMatrices<T>(true, keys, ev, queries, dv, step<T>(r, 2, S), p, item, pitch, g, gl, gv);
  multiplyMatrices<T>(true, keys, e, queries, dk, step<T>(r, 1, S), d, item, pitch, q, ql, qe);
  multiplyMatrices<T>(true, queries, e, keys, dq, step<T>(r, 0, L), d, pitch, item, k, ks, ke);
}

function backward<T>(r: usize): bool {
  const l = sizeOf(r, L);
  const s = sizeOf(r, S);
  const e = sizeOf(r, E);
  const ev = sizeOf(r, EV);
  const factor = param(r, 0);
  const causal = param(r, 1) != 0;
  const block = blockOfQueries(causal);
  begin(r);
  do {
    clearRows(pointer(0), l, step<T>(r, 0, L), <usize>e * sizeof<T>());
    clearRows(pointer(1), s, step<T>(r, 1, S), <usize>e * sizeof<T>());
    clearRows(pointer(2), s, step<T>(r, 2, S), <usize>ev * sizeof<T>());
    for (let query = 0; query < l; query += block) {
      const queries = min<i32>(block, l - query);
      for (let key = 0; key < s; key += KEYS) {
        const keys = seen(causal, query + queries - 1, key, min<i32>(KEYS, s - key));
        if (keys == 0) break;
        backwardBlock<T>(r, query, queries, key, keys);
      }
    }
    scaleRows<T>(pointer(0), l, step<T>(r, 0, L), e, factor);
    scaleRows<T>(pointer(1), s, step<T>(r, 1, S), e, factor);
  } while (next(r, rankOf(r) - 4));
  return true;
}

export function attention(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return forward<f32>(r);
  return dtypeOf(r) == FLOAT64 && forward<f64>(r);
}

export function attentionBackward(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return backward<f32>(r);
  return dtypeOf(r) == FLOAT64 && backward<f64>(r);
}
