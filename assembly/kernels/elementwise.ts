/**
 * The driver of all elementwise kernels; it knows no op. The generated rows compute over contiguous
 * arrays; operands that are not contiguous along the last dimension pass through tiles (tiles.ts).
 */
import { FLOAT32, FLOAT64, INT32, INT64, TILE, UINT8 } from '../generated/abi';
import { row as rowF32 } from '../generated/elementwise_f32';
import { row as rowF64 } from '../generated/elementwise_f64';
import { row as rowI32 } from '../generated/elementwise_i32';
import { row as rowI64 } from '../generated/elementwise_i64';
import { row as rowU8 } from '../generated/elementwise_u8';
import { dtypeOf, innerSize, opcodeOf, operandsOf, paramsAt, rankOf, stridesAt } from '../program/record';
import { begin, next, pointer } from '../program/walk';
import { deliver, forgetFilled, prepare, rowOf } from './tiles';

/** Applies an elementwise opcode to n contiguous elements; false when it does not take the dtype. */
export function applyRow(
  op: i32,
  dtype: i32,
  n: i32,
  out: usize,
  x: usize,
  y: usize,
  z: usize,
  w: usize,
  params: usize,
): bool {
  switch (dtype) {
    case FLOAT32:
      return rowF32(op, n, out, x, y, z, w, params);
    case FLOAT64:
      return rowF64(op, n, out, x, y, z, w, params);
    case INT32:
      return rowI32(op, n, out, x, y, z, w, params);
    case INT64:
      return rowI64(op, n, out, x, y, z, w, params);
    case UINT8:
      return rowU8(op, n, out, x, y, z, w, params);
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

export function elementwise(r: usize): bool {
  const n = innerSize(r);
  const outer = rankOf(r) - 1;
  const op = opcodeOf(r);
  const dtype = dtypeOf(r);
  const params = paramsAt(r);
  begin(r);
  if (contiguous(r, n)) {
    do {
      if (!applyRow(op, dtype, n, pointer(0), pointer(1), pointer(2), pointer(3), pointer(4), params)) return false;
    } while (next(r, outer));
    return true;
  }
  const operands = operandsOf(r);
  forgetFilled(operands);
  do {
    for (let start = 0; start < n; start += TILE) {
      const count = min<i32>(n - start, TILE);
      for (let i = 0; i < operands; i++) prepare(r, i, start, count, n, i > 0);
      if (!applyRow(op, dtype, count, rowOf(0), rowOf(1), rowOf(2), rowOf(3), rowOf(4), params)) return false;
      deliver(r, 0, start, count, n);
    }
  } while (next(r, outer));
  return true;
}
