/** Copies and conversions: the `copy` kernel in its many roles. */
import { track } from '../autograd/track.ts';
import { type BackendName, heapOf } from '../backend/registry.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { COPY } from '../generated/opcodes.ts';
import type { SourceArray } from '../tensor/bytes.ts';
import { allocate, allocateOne, emit, expectTensor, immediate, operand } from '../tensor/create.ts';
import { type DType, dtypeInfo, isDType, isFloating } from '../tensor/dtype.ts';
import { broadcastStrides, coalesce, type Shape, sameShape, sizeOf } from '../tensor/layout.ts';
import { elementsOf, typeOfArray } from '../tensor/nested.ts';
import { checkOptions, finish, resolveOptions } from '../tensor/options.ts';
import {
  dtypeOf,
  isRowMajor,
  isTensor,
  makeTensor,
  ndimOf,
  numelOf,
  offsetOf,
  shapeOf,
  storageOf,
  stridesOf,
  type Tensor,
  type TensorLike,
} from '../tensor/tensor.ts';
import { checkInPlace, overwritten, writeOver } from './inplace.ts';
import { sum } from './reduce.ts';
import { expand, reshape } from './view.ts';

/** Writes `source`, broadcast and converted, into `target`. */
export function copyInto(op: string, target: Tensor, source: Tensor): void {
  const { shape, strides } = coalesce(shapeOf(target), [
    stridesOf(target),
    broadcastStrides(shapeOf(source), stridesOf(source), shapeOf(target)),
  ]);
  emit(op, storageOf(target).heap, {
    opcode: COPY,
    dtype: dtypeOf(target),
    shape,
    operands: [operand(target, strides[0] as Shape), operand(source, strides[1] as Shape)],
  });
}

/** Writes a constant into every element of `target`. */
export function fillWith(op: string, target: Tensor, value: number): void {
  const { shape, strides } = coalesce(shapeOf(target), [stridesOf(target)]);
  // A value that int64 immediates or uint8 cannot hold is converted by the kernel, from float64.
  const from: DType = isFloating(dtypeOf(target)) ? dtypeOf(target) : 'float64';
  emit(op, storageOf(target).heap, {
    opcode: COPY,
    dtype: dtypeOf(target),
    shape,
    operands: [operand(target, strides[0] as Shape), immediate(value, from, shape.length)],
  });
}

/** A new constant tensor on the backend and of the dtype of `like`. */
export function filled(op: string, shape: Shape, value: number, like: Tensor): Tensor {
  const out = allocate(op, storageOf(like).heap, dtypeOf(like), shape);
  fillWith(op, out, value);
  return out;
}

/** The tensor in another dtype; itself if it has that dtype. */
export function castTo(x: Tensor, dtype: DType): Tensor {
  if (dtypeOf(x) === dtype) return x;
  const out = allocate('to', storageOf(x).heap, dtype, shapeOf(x));
  copyInto('to', out, x);
  const from = dtypeOf(x);
  track('to', [x], [out], [], ([g]) => [castTo(g as Tensor, from)]);
  return out;
}

/** @internal Makes `out` a function of `x` that is constant: a gradient flows through it, and is zero. */
export function constantOf(op: string, x: Tensor, out: Tensor): Tensor {
  const shape = shapeOf(x);
  track(op, [x], [out], [], ([g]) => [filled(op, shape, 0, g as Tensor)]);
  return out;
}

/** Sums a gradient over the dimensions that were broadcast, so that it has the input's shape again. */
export function sumTo(g: Tensor, shape: Shape): Tensor {
  if (sameShape(shapeOf(g), shape)) return g;
  const lead = ndimOf(g) - shape.length;
  const dims: number[] = [];
  for (let d = 0; d < ndimOf(g); d++) if (d < lead || (shape[d - lead] === 1 && shapeOf(g)[d] !== 1)) dims.push(d);
  return reshape(dims.length === 0 ? g : sum(g, dims), shape);
}

/** Options of `to`. */
export interface ToOptions {
  dtype?: DType;
  /** The backend to copy to. Gradients do not cross over. */
  backend?: BackendName;
}

/**
 * The tensor in another dtype or on another backend; itself if nothing changes.
 * @throws DTypeError for an unknown dtype, BackendError for a backend that is not available.
 */
export function to(x: Tensor, options: DType | ToOptions): Tensor {
  expectTensor('to', x);
  const { dtype = dtypeOf(x), backend = x.backend }: ToOptions =
    typeof options === 'string' ? { dtype: options } : checkOptions('to', options, ['dtype', 'backend']);
  if (!isDType(dtype)) throw new DTypeError('to', `unknown dtype ${describe(dtype)}`);
  if (backend === x.backend) return castTo(x, dtype);
  const elements = x.data();
  const moved = allocateOne('to', heapOf('to', backend), dtypeOf(x), shapeOf(x));
  storageOf(moved)
    .view(dtypeOf(x), 0, numelOf(x))
    .set(elements as never);
  return castTo(moved, dtype);
}

/** A copy in fresh memory; gradients flow through it. */
export function clone(x: Tensor): Tensor {
  expectTensor('clone', x);
  const out = allocate('clone', storageOf(x).heap, dtypeOf(x), shapeOf(x));
  copyInto('clone', out, x);
  track('clone', [x], [out], [], ([g]) => [g as Tensor]);
  return out;
}

/** The tensor itself if its elements lie in row-major order, otherwise a copy in that order. */
export function contiguous(x: Tensor): Tensor {
  return isRowMajor(expectTensor('contiguous', x)) ? x : clone(x);
}

/** The same data without its history: gradients stop here. Shares memory. */
export function detach(x: Tensor): Tensor {
  expectTensor('detach', x);
  return makeTensor(storageOf(x), dtypeOf(x), shapeOf(x), stridesOf(x), offsetOf(x));
}

/** Overwrites `x` with `source`, broadcast and converted. Returns `x`. */
export function copy_(x: Tensor, source: TensorLike): Tensor {
  expectTensor('copy_', x);
  if (typeof source === 'number') return fill_(x, source);
  expectTensor('copy_', source, 'a tensor or a number');
  checkInPlace('copy_', x);
  let value =
    storageOf(source).heap === storageOf(x).heap
      ? castTo(source, dtypeOf(x))
      : to(source, { dtype: dtypeOf(x), backend: x.backend });
  if (!sameShape(shapeOf(value), shapeOf(x))) value = expand(value, shapeOf(x));
  // A leaf has no node that x could take over, and overlapping memory must be read before it is written.
  if ((value === source && source.requiresGrad) || storageOf(value) === storageOf(x)) value = clone(value);
  writeOver('copy_', x, value);
  return x;
}

/** Sets every element to `value`, in place. Returns `x`. */
export function fill_(x: Tensor, value: TensorLike): Tensor {
  expectTensor('fill_', x);
  if (isTensor(value)) {
    if (ndimOf(value) !== 0)
      throw new ShapeError('fill_', `wants a number or a 0-d tensor, got shape ${formatShape(shapeOf(value))}`);
    return copy_(x, value);
  }
  if (typeof value !== 'number') throw new ArgumentError('fill_', `wants a number, got ${describe(value)}`);
  checkInPlace('fill_', x);
  fillWith('fill_', x, value);
  overwritten('fill_', x, null);
  return x;
}

/** Sets every element to 0, in place. Returns `x`. */
export const zero_ = (x: Tensor): Tensor => fill_(x, 0);

/** Size in bytes of one element. */
export const elementSize = (x: Tensor): number => dtypeInfo[dtypeOf(expectTensor('elementSize', x))].bytes;

/**
 * A copy of a typed array's elements in row-major order; without a shape, in one dimension.
 * @throws ShapeError when the number of elements differs.
 */
export function fromTypedArray(op: string, array: SourceArray, shape: Shape | null, options?: unknown): Tensor {
  const own = typeOfArray(op, array);
  const resolved = resolveOptions(op, options, own);
  // After whatever code of the user's there is.
  const elements = elementsOf(op, array);
  const sizes = shape ?? [elements.length];
  if (sizeOf(sizes) !== elements.length)
    throw new ShapeError(op, `${elements.length} elements do not fit the shape ${formatShape(sizes)}`);
  const out = allocateOne(op, resolved.heap, own, sizes);
  storageOf(out)
    .view(own, 0, elements.length)
    .set(elements as never);
  const result = castTo(out, resolved.dtype);
  if (result !== out) out.dispose();
  return finish(result, resolved);
}
