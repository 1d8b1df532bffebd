/** For kernels that work along contiguous rows: any dimension brought to the end, and back. Nothing here is recorded. */
import { allocate } from '../tensor/create.ts';
import type { Shape } from '../tensor/layout.ts';
import {
  dtypeOf,
  isRowMajor,
  makeTensor,
  ndimOf,
  numelOf,
  offsetOf,
  shapeOf,
  storageOf,
  stridesOf,
  type Tensor,
} from '../tensor/tensor.ts';
import { copyInto } from './convert.ts';

/** The same memory with dimension `from` moved to the place `to`. */
function moved(x: Tensor, from: number, to: number): Tensor {
  const move = (values: Shape) => values.toSpliced(from, 1).toSpliced(to, 0, values[from] as number);
  return makeTensor(storageOf(x), dtypeOf(x), move(shapeOf(x)), move(stridesOf(x)), offsetOf(x));
}

function copied(op: string, x: Tensor): Tensor {
  const out = allocate(op, storageOf(x).heap, dtypeOf(x), shapeOf(x));
  copyInto(op, out, x);
  return out;
}

/** `x` with dimension `dim` last, in row-major order; `x` itself if it is like that already. */
export function toRows(op: string, x: Tensor, dim: number): Tensor {
  const last = Math.max(ndimOf(x) - 1, 0);
  const rows = dim === last ? x : moved(x, dim, last);
  return isRowMajor(rows) ? rows : copied(op, rows);
}

/** Rows with their last dimension back at the place `dim`, in row-major order. */
export function fromRows(op: string, rows: Tensor, dim: number): Tensor {
  const last = Math.max(ndimOf(rows) - 1, 0);
  return dim === last ? rows : copied(op, moved(rows, last, dim));
}

/** The iteration space [rows, features] of contiguous rows, and the strides of an operand that fills it. */
export function rowSpace(rows: Tensor): { shape: [number, number]; strides: [number, number] } {
  const features = shapeOf(rows).at(-1) ?? 1;
  return { shape: [features === 0 ? 0 : numelOf(rows) / features, features], strides: [features, 1] };
}
