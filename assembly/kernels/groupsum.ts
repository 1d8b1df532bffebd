/**
 * The sums of a group. Each writes an operand with stride 0 along what is summed: everything, the elements of each
 * row, or the rows. They accumulate like the `sum` kernel (fold.ts) while tiles come by. Sums over the rows have
 * one accumulator per column in the workspace; where there are more columns than that has room for,
 * the group goes over blocks of columns, one after the other.
 */
import { FLOAT32, FLOAT64, MAX_STEPS, TILE } from '../generated/abi';
import { innerSize, innerStride, rankOf, size, stride } from '../program/record';
import { bytesOf, pointer } from '../program/walk';
import { WORKSPACE_BYTES, workspace } from '../program/workspace';
import { Sum, foldInto, foldRow, wideSum } from './fold';
import { TILES_BYTES } from './tiles';

/** What is summed. */
const ALL: i32 = 0;
const ROW: i32 = 1;
const COLUMNS: i32 = 2;

/**
 * A sum: kind, operand, dtype, stride along the columns; its total, or the address of its totals, at 16; how many elements it is the mean
 * of, or 0, at 24.
 */
const SUM_BYTES: usize = 32;
const SUMS: usize = memory.data(MAX_STEPS * 32, 8);
/** Accumulators of 8 bytes behind the tiles. */
const CAPACITY: i32 = (<i32>WORKSPACE_BYTES - <i32>TILES_BYTES) / 8;

let columnSums: i32 = 0;
let end: usize = SUMS;

// @ts-ignore: decorator
@inline
function kindOf(sum: usize): i32 {
  return load<i32>(sum);
}

// @ts-ignore: decorator
@inline
function operandOf(sum: usize): i32 {
  return load<i32>(sum, 4);
}

// @ts-ignore: decorator
@inline
function dtypeOf(sum: usize): i32 {
  return load<i32>(sum, 8);
}

export function clear(): void {
  end = SUMS;
  columnSums = 0;
}

/** The elements that one total of a kind stands for. */
function countOf(r: usize, kind: i32): f64 {
  const last = rankOf(r) - 1;
  if (kind == ROW) return <f64>innerSize(r);
  let count: f64 = kind == ALL ? <f64>innerSize(r) : 1;
  for (let d = 0; d < last; d++) count *= <f64>size(r, d);
  return count;
}

/** Adds the sum or mean that writes operand `out`; sums keep the order of their steps. */
export function add(r: usize, out: i32, dtype: i32, mean: bool): void {
  const step = innerStride(r, out);
  let kind = step != 0 ? COLUMNS : ALL;
  if (kind == COLUMNS) columnSums++;
  else {
    for (let d = rankOf(r) - 2; d >= 0; d--) if (stride(r, out, d) != 0) kind = ROW;
  }
  store<i32>(end, kind);
  store<i32>(end, out, 4);
  store<i32>(end, dtype, 8);
  store<i32>(end, step, 12);
  store<u64>(end, 0, 16);
  store<f64>(end, mean ? countOf(r, kind) : 0, 24);
  end += SUM_BYTES;
}

/** Columns that are run over all rows before the next ones. */
export function blockWidth(n: i32): i32 {
  return columnSums == 0 ? n : min<i32>(n, (CAPACITY / columnSums) & -TILE);
}

/** Clears the totals of `width` columns. */
export function startBlock(width: i32): void {
  let totals = workspace() + TILES_BYTES;
  for (let sum = SUMS; sum < end; sum += SUM_BYTES) {
    if (kindOf(sum) != COLUMNS) continue;
    store<usize>(sum, totals, 16);
    memory.fill(totals, 0, (<usize>width) << 3);
    totals += (<usize>width) << 3;
  }
}

function accumulate<T>(sum: usize, column: i32, x: usize, n: i32): bool {
  if (kindOf(sum) == COLUMNS) foldInto<Sum, T, f64>(load<usize>(sum, 16) + ((<usize>column) << 3), x, n);
  else if (sizeof<T>() == 4 && load<f64>(sum, 24) != 0) store<f64>(sum, load<f64>(sum, 16) + wideSum(x, n), 16);
  else store<f64>(sum, foldRow<Sum, T, f64>(load<f64>(sum, 16), x, n, sizeof<T>()), 16);
  return true;
}

/** Adds a tile of n elements that starts at `column` of the block; false when there is no sum of its dtype. */
export function addTile(index: i32, column: i32, x: usize, n: i32): bool {
  const sum = SUMS + <usize>index * SUM_BYTES;
  switch (dtypeOf(sum)) {
    case FLOAT32:
      return accumulate<f32>(sum, column, x, n);
    case FLOAT64:
      return accumulate<f64>(sum, column, x, n);
    default:
      return false;
  }
}

/** Writes n totals, over `count` where they make means, or adds them to what is there. */
function settle<T>(out: usize, outStride: i32, totals: usize, n: i32, count: f64, more: bool): void {
  const step = <usize>outStride * sizeof<T>();
  for (; n > 0; n--, out += step, totals += 8) {
    const total = count != 0 ? load<f64>(totals) / count : load<f64>(totals);
    store<T>(out, <T>(more ? <f64>load<T>(out) + total : total));
  }
}

function settleAs(sum: usize, out: usize, outStride: i32, totals: usize, n: i32, more: bool): void {
  const count = load<f64>(sum, 24);
  if (dtypeOf(sum) == FLOAT32) settle<f32>(out, outStride, totals, n, count, more);
  else settle<f64>(out, outStride, totals, n, count, more);
}

/** Writes the sums of the present row; `more` when earlier blocks wrote to them. */
export function finishRow(more: bool): void {
  for (let sum = SUMS; sum < end; sum += SUM_BYTES) {
    if (kindOf(sum) != ROW) continue;
    settleAs(sum, pointer(operandOf(sum)), 0, sum + 16, 1, more);
    store<u64>(sum, 0, 16);
  }
}

/** Writes the sums of `width` columns from column `from` on. */
export function finishBlock(from: i32, width: i32): void {
  for (let sum = SUMS; sum < end; sum += SUM_BYTES) {
    if (kindOf(sum) != COLUMNS) continue;
    const step = load<i32>(sum, 12);
    const out = pointer(operandOf(sum)) + <usize>from * step * bytesOf(operandOf(sum));
    settleAs(sum, out, step, load<usize>(sum, 16), width, false);
  }
}

/** Writes the sums of everything. */
export function finish(): void {
  for (let sum = SUMS; sum < end; sum += SUM_BYTES) {
    if (kindOf(sum) == ALL) settleAs(sum, pointer(operandOf(sum)), 0, sum + 16, 1, false);
  }
}
