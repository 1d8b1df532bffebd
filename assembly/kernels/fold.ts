/**
 * Folding runs of elements into accumulators: what the reductions and the sums of a group have in common. Floats
 * accumulate in float64, fed by vectors of partial results over a few hundred elements; integers in int64,
 * which wraps alike.
 */
import { width } from '../simd/partial';

/** Elements that partial results in four vectors may stand for: few, for the rounding errors in float32. */
const BLOCK: i32 = 256;

@unmanaged
export class Sum {
  /** Whether float partial results may be of type T. */
  @inline
  partials<T>(): bool {
    return true;
  }
  @inline
  start<A>(): A {
    return <A>0;
  }
  @inline
  fold<A>(a: A, b: A): A {
    return a + b;
  }
  @inline
  lanes<T>(a: v128, b: v128): v128 {
    return v128.add<T>(a, b);
  }
}

@unmanaged
export class Prod {
  /** A product of float32 could leave their range half-way. */
  @inline
  partials<T>(): bool {
    return sizeof<T>() == 8;
  }
  @inline
  start<A>(): A {
    return <A>1;
  }
  @inline
  fold<A>(a: A, b: A): A {
    return a * b;
  }
  @inline
  lanes<T>(a: v128, b: v128): v128 {
    return v128.mul<T>(a, b);
  }
}

/** Vectors, because V8 compiles max and min of scalars to branches, which random data mispredict. */
// @ts-ignore: decorator
@inline
function inLane<A>(v: v128): A {
  return v128.extract_lane<A>(v, 0);
}

@unmanaged
export class Greatest {
  @inline
  partials<T>(): bool {
    return true;
  }
  @inline
  start<A>(): A {
    return isFloat<A>() ? <A>-Infinity : i64.MIN_VALUE;
  }
  @inline
  fold<A>(a: A, b: A): A {
    return isFloat<A>() ? inLane<A>(v128.max<A>(v128.splat<A>(a), v128.splat<A>(b))) : select<A>(a, b, a > b);
  }
  @inline
  lanes<T>(a: v128, b: v128): v128 {
    return v128.max<T>(a, b);
  }
}

@unmanaged
export class Least {
  @inline
  partials<T>(): bool {
    return true;
  }
  @inline
  start<A>(): A {
    return isFloat<A>() ? <A>Infinity : i64.MAX_VALUE;
  }
  @inline
  fold<A>(a: A, b: A): A {
    return isFloat<A>() ? inLane<A>(v128.min<A>(v128.splat<A>(a), v128.splat<A>(b))) : select<A>(a, b, a < b);
  }
  @inline
  lanes<T>(a: v128, b: v128): v128 {
    return v128.min<T>(a, b);
  }
}

/** All lanes of a vector folded into an accumulator. */
// @ts-ignore: decorator
@inline
function foldLanes<OP, T, A>(total: A, v: v128): A {
  if (sizeof<T>() == 8) {
    const low = changetype<OP>(0).fold<A>(total, <A>f64x2.extract_lane(v, 0));
    return changetype<OP>(0).fold<A>(low, <A>f64x2.extract_lane(v, 1));
  }
  const low = changetype<OP>(0).fold<A>(<A>f32x4.extract_lane(v, 0), <A>f32x4.extract_lane(v, 1));
  const high = changetype<OP>(0).fold<A>(<A>f32x4.extract_lane(v, 2), <A>f32x4.extract_lane(v, 3));
  return changetype<OP>(0).fold<A>(total, changetype<OP>(0).fold<A>(low, high));
}

/** One contiguous or strided run of elements. */
export function foldRow<OP, T, A>(total: A, x: usize, n: i32, step: i32): A {
  let i = 0;
  if (isFloat<T>() && changetype<OP>(0).partials<T>() && step == <i32>sizeof<T>()) {
    const chunk = 4 * width<T>();
    while (n - i >= chunk) {
      let a = v128.load(x);
      let b = v128.load(x, 16);
      let c = v128.load(x, 32);
      let d = v128.load(x, 48);
      const end = min<i32>(i + BLOCK, n);
      for (i += chunk, x += 64; i + chunk <= end; i += chunk, x += 64) {
        a = changetype<OP>(0).lanes<T>(a, v128.load(x));
        b = changetype<OP>(0).lanes<T>(b, v128.load(x, 16));
        c = changetype<OP>(0).lanes<T>(c, v128.load(x, 32));
        d = changetype<OP>(0).lanes<T>(d, v128.load(x, 48));
      }
      a = changetype<OP>(0).lanes<T>(a, b);
      c = changetype<OP>(0).lanes<T>(c, d);
      total = foldLanes<OP, T, A>(total, changetype<OP>(0).lanes<T>(a, c));
    }
    if (n - i >= width<T>()) {
      let v = v128.load(x);
      for (i += width<T>(), x += 16; i + width<T>() <= n; i += width<T>(), x += 16) {
        v = changetype<OP>(0).lanes<T>(v, v128.load(x));
      }
      total = foldLanes<OP, T, A>(total, v);
    }
  }
  for (; i < n; i++, x += step) total = changetype<OP>(0).fold<A>(total, <A>load<T>(x));
  return total;
}

/** The sum of n contiguous float32 numbers in float64 throughout: of that a mean is made, so that it lies within the data. */
export function wideSum(x: usize, n: i32): f64 {
  let a = f64x2.splat(0);
  let b = a;
  let i = 0;
  for (; i + 4 <= n; i += 4, x += 16) {
    a = f64x2.add(a, f64x2.promote_low_f32x4(v128.load64_zero(x)));
    b = f64x2.add(b, f64x2.promote_low_f32x4(v128.load64_zero(x, 8)));
  }
  a = f64x2.add(a, b);
  let total = f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
  for (; i < n; i++, x += 4) total += <f64>load<f32>(x);
  return total;
}

/** Folds n contiguous elements into as many accumulators. */
export function foldInto<OP, T, A>(totals: usize, x: usize, n: i32): void {
  let i = 0;
  if (isFloat<T>() && sizeof<T>() < sizeof<A>()) {
    for (; i + 2 <= n; i += 2) {
      const at = totals + ((<usize>i) << 3);
      const wide = f64x2.promote_low_f32x4(v128.load64_zero(x + ((<usize>i) << 2)));
      v128.store(at, changetype<OP>(0).lanes<A>(v128.load(at), wide));
    }
  } else if (isFloat<T>()) {
    for (; i + width<T>() <= n; i += width<T>()) {
      const at = <usize>i * sizeof<T>();
      v128.store(totals + at, changetype<OP>(0).lanes<T>(v128.load(totals + at), v128.load(x + at)));
    }
  }
  for (; i < n; i++) {
    const at = totals + <usize>i * sizeof<A>();
    store<A>(at, changetype<OP>(0).fold<A>(load<A>(at), <A>load<T>(x + <usize>i * sizeof<T>())));
  }
}

export function startAll<OP, A>(totals: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<A>(totals + <usize>i * sizeof<A>(), changetype<OP>(0).start<A>());
}
