/**
 * Sums over contiguous arrays of f32 or f64 that stay accurate however long these are: lanes of T collect a
 * block of elements, blocks are added in float64.
 */
import { loadSome, splat, sumLanes, width } from './partial';

/** Elements in a block. */
export const BLOCK: i32 = 512;

/** Σ x·y, or Σ x when y is 0. */
export function sumProducts<T>(x: usize, y: usize, n: i32): f64 {
  let total: f64 = 0;
  for (let i = 0; i < n; ) {
    let sum = splat<T>(0);
    for (const end = min<i32>(n, i + BLOCK); i < end; i += width<T>(), x += 16) {
      let term = loadSome<T>(x, n - i);
      if (y != 0) {
        term = v128.mul<T>(term, loadSome<T>(y, n - i));
        y += 16;
      }
      sum = v128.add<T>(sum, term);
    }
    total += sumLanes<T>(sum);
  }
  return total;
}
