/**
 * Sums over contiguous arrays of f32 or f64 that stay accurate however long these are: lanes of T collect a
 * block of elements, blocks are added in float64.
 */
import { loadHead, splat, sumLanes, width } from './partial';

/** Elements in a block. */
export const BLOCK: i32 = 512;

/** x·y, or x when y is 0. */
// @ts-ignore: decorator
@inline
function term<T>(x: usize, y: usize, at: usize): v128 {
  return y == 0 ? v128.load(x + at) : v128.mul<T>(v128.load(x + at), v128.load(y + at));
}

/** Σ x·y, or Σ x when y is 0. Two sums at a time, as an addition takes several cycles. */
export function sumProducts<T>(x: usize, y: usize, n: i32): f64 {
  const whole = n & -width<T>();
  const bytes = <usize>whole * sizeof<T>();
  let total: f64 = 0;
  for (let at: usize = 0; at < bytes; ) {
    let even = splat<T>(0);
    let odd = splat<T>(0);
    const end = min<usize>(bytes, at + BLOCK * sizeof<T>());
    for (; at + 32 <= end; at += 32) {
      even = v128.add<T>(even, term<T>(x, y, at));
      odd = v128.add<T>(odd, term<T>(x, y, at + 16));
    }
    for (; at < end; at += 16) even = v128.add<T>(even, term<T>(x, y, at));
    total += sumLanes<T>(v128.add<T>(even, odd));
  }
  if (whole < n) {
    let last = loadHead<T>(x + bytes, n - whole);
    if (y != 0) last = v128.mul<T>(last, loadHead<T>(y + bytes, n - whole));
    total += sumLanes<T>(last);
  }
  return total;
}
