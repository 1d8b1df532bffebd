/**
 * `sum`, `prod`, `amax` and `amin` over any set of dimensions. Where a reduced dimension is contiguous, rows are
 * folded one after the other; where a kept one is (a bias gradient), whole rows are folded into a row of
 * accumulators. Floats accumulate in float64, fed by vectors of partial results over a few hundred
 * elements; integers in int64, which wraps alike.
 */
import { FLOAT32, FLOAT64, INT32, INT64, UINT8 } from '../generated/abi';
import * as nest from '../program/nest';
import { address, dtypeOf, param, rankOf, size, stride } from '../program/record';
import { workspace } from '../program/workspace';
import { width } from '../simd/partial';

/** Kept indices that are folded side by side. */
const TILE: i32 = 512;
/** Elements that partial results in four vectors may stand for: few, for the rounding errors in float32. */
const BLOCK: i32 = 256;
/** Rows that a row of partial results may stand for. */
const BLOCK_ROWS: i32 = 64;

const KEPT: usize = memory.data(nest.NEST_BYTES, 8);
const REDUCED: usize = memory.data(nest.NEST_BYTES, 8);

@unmanaged
class Sum {
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
class Prod {
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
class Greatest {
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
class Least {
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
function foldRow<OP, T, A>(total: A, x: usize, n: i32, step: i32): A {
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

/** Every kept index for itself. */
function reduceRows<OP, T, A>(out: usize, x: usize): void {
  const n = nest.lastSize(REDUCED);
  const step = nest.lastInputStep(REDUCED);
  nest.drop(REDUCED);
  do {
    let total = changetype<OP>(0).start<A>();
    const base = x + nest.inputOffset(KEPT);
    do total = foldRow<OP, T, A>(total, base + nest.inputOffset(REDUCED), n, step);
    while (nest.advance(REDUCED));
    store<T>(out + nest.outputOffset(KEPT), <T>total);
  } while (nest.advance(KEPT));
}

/** Folds n contiguous elements into as many accumulators. */
function foldInto<OP, T, A>(totals: usize, x: usize, n: i32): void {
  let i = 0;
  if (isFloat<T>() && sizeof<T>() == sizeof<A>()) {
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

function startAll<OP, A>(totals: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<A>(totals + <usize>i * sizeof<A>(), changetype<OP>(0).start<A>());
}

/** A run of n ≤ TILE kept indices at once; the totals are left at the start of the workspace. */
function reduceTile<OP, T, A>(x: usize, n: i32): usize {
  const totals = workspace();
  const partial = totals + TILE * 8;
  startAll<OP, A>(totals, n);
  if (!isFloat<T>() || sizeof<T>() == sizeof<A>() || !changetype<OP>(0).partials<T>()) {
    do foldInto<OP, T, A>(totals, x + nest.inputOffset(REDUCED), n);
    while (nest.advance(REDUCED));
    return totals;
  }
  let more = true;
  while (more) {
    startAll<OP, T>(partial, n);
    for (let rows = 0; more && rows < BLOCK_ROWS; rows++) {
      foldInto<OP, T, T>(partial, x + nest.inputOffset(REDUCED), n);
      more = nest.advance(REDUCED);
    }
    foldInto<OP, T, A>(totals, partial, n);
  }
  return totals;
}

/** Runs of contiguous kept indices side by side. */
function reduceColumns<OP, T, A>(out: usize, x: usize): void {
  const n = nest.lastSize(KEPT);
  const outStep = nest.lastOutputStep(KEPT);
  nest.drop(KEPT);
  do {
    for (let start = 0; start < n; start += TILE) {
      const count = min<i32>(n - start, TILE);
      const totals = reduceTile<OP, T, A>(x + nest.inputOffset(KEPT) + <usize>start * sizeof<T>(), count);
      let to = out + nest.outputOffset(KEPT) + start * outStep;
      for (let i = 0; i < count; i++, to += outStep)
        store<T>(to, <T>load<A>(totals + <usize>i * sizeof<A>()));
    }
  } while (nest.advance(KEPT));
}

function reduceAs<OP, T, A>(r: usize): bool {
  const kept = <i32>param(r, 0);
  const bytes = <i32>sizeof<T>();
  nest.clear(KEPT);
  nest.clear(REDUCED);
  for (let d = 0, rank = rankOf(r); d < rank; d++) {
    const group = d < kept ? KEPT : REDUCED;
    nest.push(group, size(r, d), stride(r, 1, d) * bytes, stride(r, 0, d) * bytes);
  }
  nest.merge(KEPT);
  nest.merge(REDUCED);
  const out = address(r, 0);
  const x = address(r, 1);
  if (nest.lastInputStep(REDUCED) != bytes && nest.lastInputStep(KEPT) == bytes) {
    reduceColumns<OP, T, A>(out, x);
  } else {
    reduceRows<OP, T, A>(out, x);
  }
  return true;
}

function reduce<OP>(r: usize): bool {
  switch (dtypeOf(r)) {
    case FLOAT32:
      return reduceAs<OP, f32, f64>(r);
    case FLOAT64:
      return reduceAs<OP, f64, f64>(r);
    case INT32:
      return reduceAs<OP, i32, i64>(r);
    case INT64:
      return reduceAs<OP, i64, i64>(r);
    case UINT8:
      return reduceAs<OP, u8, i64>(r);
    default:
      return false;
  }
}

export function sum(r: usize): bool {
  return reduce<Sum>(r);
}

export function prod(r: usize): bool {
  return reduce<Prod>(r);
}

export function amax(r: usize): bool {
  return reduce<Greatest>(r);
}

export function amin(r: usize): bool {
  return reduce<Least>(r);
}
