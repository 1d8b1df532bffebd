/**
 * The driver of all elementwise kernels; it knows no op. The generated rows compute over contiguous
 * arrays. Operands that are not contiguous along the last dimension pass through tiles of 512 elements:
 * strided ones are gathered (or scattered, for the output), broadcast ones filled once per address.
 */
import { FLOAT32, FLOAT64, INT32, INT64, MAX_OPERANDS, UINT8 } from '../generated/abi';
import { row as rowF32 } from '../generated/elementwise_f32';
import { row as rowF64 } from '../generated/elementwise_f64';
import { row as rowI32 } from '../generated/elementwise_i32';
import { row as rowI64 } from '../generated/elementwise_i64';
import { row as rowU8 } from '../generated/elementwise_u8';
import {
  dtypeOf,
  innerSize,
  innerStride,
  opcodeOf,
  operandsOf,
  paramsAt,
  rankOf,
  stridesAt,
} from '../program/record';
import { begin, bytesOf, next, pointer } from '../program/walk';
import { TILE, workspace } from '../program/workspace';
import { move } from './copy';

/** What the present tile of each operand is read from. */
const ROW: usize = memory.data(MAX_OPERANDS * 4, 8);
/** The address whose value fills the tile of a broadcast operand; 0 at first. */
const FILLED: usize = memory.data(MAX_OPERANDS * 4, 8);

// @ts-ignore: decorator
@inline
function rowOf(i: i32): usize {
  return load<usize>(ROW + ((<usize>i) << 2));
}

function run(r: usize, dtype: i32, n: i32, out: usize, x: usize, y: usize, z: usize, w: usize): bool {
  const op = opcodeOf(r);
  const p = paramsAt(r);
  switch (dtype) {
    case FLOAT32:
      return rowF32(op, n, out, x, y, z, w, p);
    case FLOAT64:
      return rowF64(op, n, out, x, y, z, w, p);
    case INT32:
      return rowI32(op, n, out, x, y, z, w, p);
    case INT64:
      return rowI64(op, n, out, x, y, z, w, p);
    case UINT8:
      return rowU8(op, n, out, x, y, z, w, p);
    default:
      return false;
  }
}

/** Whether all operands are contiguous along the last dimension. */
function contiguous(r: usize, n: i32): bool {
  if (n == 1) return true;
  const step = rankOf(r) << 2;
  let at = stridesAt(r, 1) - 4;
  for (let i = operandsOf(r); i > 0; i--, at += step) {
    if (load<i32>(at) != 1) return false;
  }
  return true;
}

/** Fills the tile with the one value at `at`, in whole vectors. */
function fill(tile: usize, bytes: i32, count: i32, at: usize): void {
  const v = bytes == 4 ? v128.load32_splat(at) : bytes == 8 ? v128.load64_splat(at) : v128.load8_splat(at);
  for (let to = tile, end = tile + <usize>(count * bytes); to < end; to += 16) v128.store(to, v);
}

/** Prepares `count` elements of an operand from element `start` on, and notes where they are. */
function prepare(r: usize, i: i32, start: i32, count: i32, n: i32): void {
  const bytes = bytesOf(i);
  const stride = innerStride(r, i);
  const at = pointer(i) + <usize>start * stride * bytes;
  const slot = (<usize>i) << 2;
  if (stride == 1) {
    store<usize>(ROW + slot, at);
    return;
  }
  const tile = workspace() + <usize>i * TILE * 8;
  store<usize>(ROW + slot, tile);
  if (i == 0) return;
  if (stride != 0) {
    move(bytes, count, tile, 1, at, stride);
  } else if (load<usize>(FILLED + slot) != at) {
    fill(tile, bytes, min<i32>(n, TILE), at);
    store<usize>(FILLED + slot, at);
  }
}

export function elementwise(r: usize): bool {
  const n = innerSize(r);
  const outer = rankOf(r) - 1;
  const dtype = dtypeOf(r);
  begin(r);
  if (contiguous(r, n)) {
    do if (!run(r, dtype, n, pointer(0), pointer(1), pointer(2), pointer(3), pointer(4))) return false;
    while (next(r, outer));
    return true;
  }
  const operands = operandsOf(r);
  for (let i = 0; i < operands; i++) store<usize>(FILLED + ((<usize>i) << 2), 0);
  do {
    for (let start = 0; start < n; start += TILE) {
      const count = min<i32>(n - start, TILE);
      for (let i = 0; i < operands; i++) prepare(r, i, start, count, n);
      if (!run(r, dtype, count, rowOf(0), rowOf(1), rowOf(2), rowOf(3), rowOf(4))) return false;
      const stride = innerStride(r, 0);
      if (stride != 1) {
        move(bytesOf(0), count, pointer(0) + <usize>start * stride * bytesOf(0), stride, rowOf(0), 1);
      }
    }
  } while (next(r, outer));
  return true;
}
