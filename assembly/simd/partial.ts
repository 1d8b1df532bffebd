/**
 * Loads, stores and horizontal sums of a vector of T (f32 or f64), including vectors of which
 * only the first `left` lanes are in memory: what lies behind them is neither read nor written.
 * Arithmetic is AssemblyScript's `v128.add<T>` and its like; formulas use f32.ts and f64.ts.
 */

/** Lanes of T in a vector. */
// @ts-ignore: decorator
@inline
export function width<T>(): i32 {
  return 16 / <i32>sizeof<T>();
}

/** The first `left` lanes (fewer than a vector has), zero in the others. */
export function loadHead<T>(from: usize, left: i32): v128 {
  if (sizeof<T>() == 8) return v128.load64_zero(from);
  if (left == 1) return v128.load32_zero(from);
  const low = v128.load64_zero(from);
  return left == 2 ? low : v128.load_lane<u32>(from, low, 2, 8);
}

/** Stores the first `left` lanes (fewer than a vector has). */
export function storeHead<T>(to: usize, v: v128, left: i32): void {
  if (sizeof<T>() == 8) {
    v128.store_lane<u64>(to, v, 0);
  } else if (left == 1) {
    v128.store_lane<u32>(to, v, 0);
  } else {
    v128.store_lane<u64>(to, v, 0);
    if (left == 3) v128.store_lane<u32>(to, v, 2, 8);
  }
}

/** A vector of which `left` lanes or more are in memory; missing lanes are zero. */
// @ts-ignore: decorator
@inline
export function loadSome<T>(from: usize, left: i32): v128 {
  return left >= width<T>() ? v128.load(from) : loadHead<T>(from, left);
}

// @ts-ignore: decorator
@inline
export function storeSome<T>(to: usize, v: v128, left: i32): void {
  if (left >= width<T>()) v128.store(to, v);
  else storeHead<T>(to, v, left);
}

/** The first `left` lanes (fewer than a vector has), those of `padding` behind them. */
export function loadPadded<T>(from: usize, left: i32, padding: v128): v128 {
  const present =
    sizeof<T>() == 4
      ? i32x4.gt_s(i32x4.splat(left), i32x4(0, 1, 2, 3))
      : i64x2.gt_s(i64x2.splat(left), i64x2(0, 1));
  return v128.bitselect(loadHead<T>(from, left), padding, present);
}

/** Sum of the lanes in float64. */
// @ts-ignore: decorator
@inline
export function sumLanes<T>(v: v128): f64 {
  if (sizeof<T>() == 8) return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
  const pairs = f64x2.add(
    f64x2.promote_low_f32x4(v),
    f64x2.promote_low_f32x4(i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)),
  );
  return f64x2.extract_lane(pairs, 0) + f64x2.extract_lane(pairs, 1);
}

/** The greatest lane, in float64. */
// @ts-ignore: decorator
@inline
export function maxLanes<T>(v: v128): f64 {
  const half = v128.pmax<T>(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  if (sizeof<T>() == 8) return f64x2.extract_lane(half, 0);
  return f32x4.extract_lane(
    v128.pmax<T>(half, i8x16.shuffle(half, half, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)),
    0,
  );
}

/** The number in every lane, rounded to T. */
// @ts-ignore: decorator
@inline
export function splat<T>(value: f64): v128 {
  return v128.splat<T>(<T>value);
}
