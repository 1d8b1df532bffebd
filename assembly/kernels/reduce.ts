/**
 * `sum`, `mean`, `prod`, `amax` and `amin` over any set of dimensions. Where a reduced dimension is contiguous, rows are
 * folded one after the other; where a kept one is (a bias gradient), whole rows are folded into a row of
 * accumulators.
 */
import { FLOAT32, FLOAT64, INT32, INT64, UINT8 } from '../generated/abi';
import * as nest from '../program/nest';
import { address, dtypeOf, param, rankOf, size, stride } from '../program/record';
import { workspace } from '../program/workspace';
import { Greatest, Least, Prod, Sum, foldInto, foldRow, startAll, wideSum } from './fold';

/** Kept indices that are folded side by side. */
const TILE: i32 = 512;
/** Rows that a row of partial results may stand for. */
const BLOCK_ROWS: i32 = 64;

const KEPT: usize = memory.data(nest.NEST_BYTES, 8);
const REDUCED: usize = memory.data(nest.NEST_BYTES, 8);

/** One run of elements; those of a mean of float32 are added up in float64. */
// @ts-ignore: decorator
@inline
function foldRun<OP, T, A>(total: A, x: usize, n: i32, step: i32, mean: bool): A {
  if (isFloat<T>() && sizeof<T>() == 4 && mean && step == 4) return total + <A>wideSum(x, n);
  return foldRow<OP, T, A>(total, x, n, step);
}

/** Every kept index for itself; totals are divided by `count` where that makes a mean. */
function reduceRows<OP, T, A>(out: usize, x: usize, mean: bool, count: A): void {
  const n = nest.lastSize(REDUCED);
  const step = nest.lastInputStep(REDUCED);
  nest.drop(REDUCED);
  do {
    let total = changetype<OP>(0).start<A>();
    const base = x + nest.inputOffset(KEPT);
    do total = foldRun<OP, T, A>(total, base + nest.inputOffset(REDUCED), n, step, mean);
    while (nest.advance(REDUCED));
    store<T>(out + nest.outputOffset(KEPT), <T>(mean ? total / count : total));
  } while (nest.advance(KEPT));
}

/** A run of n ≤ TILE kept indices at once; the totals are left at the start of the workspace. */
function reduceTile<OP, T, A>(x: usize, n: i32, mean: bool): usize {
  const totals = workspace();
  const partial = totals + TILE * 8;
  startAll<OP, A>(totals, n);
  if (!isFloat<T>() || sizeof<T>() == sizeof<A>() || !changetype<OP>(0).partials<T>()) {
    do foldInto<OP, T, A>(totals, x + nest.inputOffset(REDUCED), n);
    while (nest.advance(REDUCED));
    return totals;
  }
  let more = true;
  while (more && mean) {
    foldInto<OP, T, A>(totals, x + nest.inputOffset(REDUCED), n);
    more = nest.advance(REDUCED);
  }
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
function reduceColumns<OP, T, A>(out: usize, x: usize, mean: bool, count: A): void {
  const n = nest.lastSize(KEPT);
  const outStep = nest.lastOutputStep(KEPT);
  nest.drop(KEPT);
  do {
    for (let start = 0; start < n; start += TILE) {
      const width = min<i32>(n - start, TILE);
      const totals = reduceTile<OP, T, A>(x + nest.inputOffset(KEPT) + <usize>start * sizeof<T>(), width, mean);
      let to = out + nest.outputOffset(KEPT) + start * outStep;
      for (let i = 0; i < width; i++, to += outStep) {
        const total = load<A>(totals + <usize>i * sizeof<A>());
        store<T>(to, <T>(mean ? total / count : total));
      }
    }
  } while (nest.advance(KEPT));
}

function reduceAs<OP, T, A>(r: usize, mean: bool): bool {
  const kept = <i32>param(r, 0);
  const bytes = <i32>sizeof<T>();
  nest.clear(KEPT);
  nest.clear(REDUCED);
  let count = <A>1;
  for (let d = 0, rank = rankOf(r); d < rank; d++) {
    const group = d < kept ? KEPT : REDUCED;
    if (d >= kept) count *= <A>size(r, d);
    nest.push(group, size(r, d), stride(r, 1, d) * bytes, stride(r, 0, d) * bytes);
  }
  nest.merge(KEPT);
  nest.merge(REDUCED);
  const out = address(r, 0);
  const x = address(r, 1);
  if (nest.lastInputStep(REDUCED) != bytes && nest.lastInputStep(KEPT) == bytes) {
    reduceColumns<OP, T, A>(out, x, mean, count);
  } else {
    reduceRows<OP, T, A>(out, x, mean, count);
  }
  return true;
}

function reduce<OP>(r: usize, mean: bool = false): bool {
  switch (dtypeOf(r)) {
    case FLOAT32:
      return reduceAs<OP, f32, f64>(r, mean);
    case FLOAT64:
      return reduceAs<OP, f64, f64>(r, mean);
    case INT32:
      return reduceAs<OP, i32, i64>(r, false);
    case INT64:
      return reduceAs<OP, i64, i64>(r, false);
    case UINT8:
      return reduceAs<OP, u8, i64>(r, false);
    default:
      return false;
  }
}

export function sum(r: usize): bool {
  return reduce<Sum>(r);
}

export function mean(r: usize): bool {
  return dtypeOf(r) <= FLOAT64 && reduce<Sum>(r, true);
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
