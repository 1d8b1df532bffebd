/** Choosing elements by condition: `where` and what is made of it. */
import { track } from '../autograd/track.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { ge, le } from '../generated/elementwise.ts';
import { ARANGE, WHERE } from '../generated/opcodes.ts';
import type { Heap } from '../memory/storage.ts';
import { allocate, commonHeap, emit, expectTensor, immediate, operand } from '../tensor/create.ts';
import { type DType, isFloating, resultType, typeOfScalar } from '../tensor/dtype.ts';
import { broadcastShapes, broadcastStrides, coalesce, type Shape } from '../tensor/layout.ts';
import { dtypeOf, ndimOf, shapeOf, storageOf, stridesOf, type Tensor, type TensorLike } from '../tensor/tensor.ts';
import { castTo, sumTo } from './convert.ts';
import { promoted } from './elementwise.ts';
import { reshape } from './view.ts';

/** @internal Checks that an operand is a tensor or a number. */
export function expectOperand(op: string, value: unknown): TensorLike {
  return typeof value === 'number' ? value : expectTensor(op, value, 'a tensor or a number');
}

/** @internal The dtype that operands share, as PyTorch's `result_type`. */
export const commonType = (operands: readonly TensorLike[]): DType => resultType(operands.map(promoted));

/** @internal x where the condition holds, y elsewhere, both taken as `dtype`. */
export function choose(op: string, condition: Tensor, x: TensorLike, y: TensorLike, dtype: DType): Tensor {
  const heap = commonHeap(op, [condition, x, y]);
  const branches = [x, y].map((branch) => (typeof branch === 'number' ? branch : castTo(branch, dtype)));
  const shapeOfAny = (value: TensorLike): Shape => (typeof value === 'number' ? [] : shapeOf(value));
  const shape = broadcastShapes(op, [condition, ...branches].map(shapeOfAny));
  const out = allocate(op, heap, dtype, shape);
  const walked = coalesce(shape, [
    stridesOf(out),
    ...[condition, ...branches].map((value) =>
      typeof value === 'number' ? shape.map(() => 0) : broadcastStrides(shapeOf(value), stridesOf(value), shape),
    ),
  ]);
  emit(op, heap, {
    opcode: WHERE,
    dtype,
    shape: walked.shape,
    operands: [out, condition, ...branches].map((value, i) =>
      typeof value === 'number'
        ? immediate(value, dtype, walked.shape.length)
        : operand(value, walked.strides[i] as Shape),
    ),
  });
  const [shapeX, shapeY] = [shapeOfAny(x), shapeOfAny(y)];
  track(op, [null, ...branches], [out], [condition], ([g], [mask], [, needsX, needsY]) => [
    null,
    needsX ? sumTo(choose(op, mask as Tensor, g as Tensor, 0, dtype), shapeX) : null,
    needsY ? sumTo(choose(op, mask as Tensor, 0, g as Tensor, dtype), shapeY) : null,
  ]);
  return out;
}

function expectMask(op: string, value: unknown): Tensor {
  const mask = expectTensor(op, value, 'a bool tensor');
  if (dtypeOf(mask) !== 'bool') throw new DTypeError(op, `wants a bool tensor as condition, got ${dtypeOf(mask)}`);
  return mask;
}

/** Elements of `x` where `condition` (bool) holds and of `y` elsewhere; shapes are broadcast, dtypes promoted. */
export function where(condition: Tensor, x: TensorLike, y: TensorLike): Tensor {
  const mask = expectMask('where', condition);
  const branches = [expectOperand('where', x), expectOperand('where', y)] as const;
  return choose('where', mask, ...branches, commonType(branches));
}

/** @internal @throws DTypeError unless a tensor of this dtype can hold the value without changing its kind. */
export function checkFits(op: string, value: TensorLike, dtype: DType): void {
  const own = typeof value === 'number' ? typeOfScalar(value) : dtypeOf(value);
  if (isFloating(own) && !isFloating(dtype))
    throw new DTypeError(op, `the value ${typeof value === 'number' ? value : own} does not fit a tensor of ${dtype}`);
}

/** `value`, a number or a 0-d tensor, wherever `mask` (bool) holds, and `x` elsewhere. */
export function maskedFill(x: Tensor, mask: Tensor, value: TensorLike): Tensor {
  expectTensor('maskedFill', x);
  const condition = expectMask('maskedFill', mask);
  expectOperand('maskedFill', value);
  if (typeof value !== 'number' && ndimOf(value) !== 0)
    throw new ShapeError(
      'maskedFill',
      `the value is a number or a 0-d tensor, got shape ${formatShape(shapeOf(value))}`,
    );
  checkFits('maskedFill', value, dtypeOf(x));
  return choose('maskedFill', condition, value, x, dtypeOf(x));
}

/** @internal start, start + step, …: n whole numbers. */
export function positions(op: string, heap: Heap, dtype: DType, n: number, start = 0, step = 1): Tensor {
  const out = allocate(op, heap, dtype, [n]);
  emit(op, heap, { opcode: ARANGE, dtype, shape: [n], operands: [operand(out, [1])], params: [start, step] });
  return out;
}

/** @internal The bool matrix [rows, columns] that holds on and below (or above) a diagonal. */
export function triangle(
  op: string,
  heap: Heap,
  rows: number,
  columns: number,
  diagonal: number,
  lower: boolean,
): Tensor {
  const edge = reshape(positions(op, heap, 'int32', rows, diagonal), [rows, 1]);
  return (lower ? le : ge)(positions(op, heap, 'int32', columns), edge);
}

function keepTriangle(op: string, x: Tensor, diagonal: number, lower: boolean): Tensor {
  expectTensor(op, x);
  if (ndimOf(x) < 2) throw new ShapeError(op, `wants at least 2 dimensions, got shape ${formatShape(shapeOf(x))}`);
  if (!Number.isInteger(diagonal) || Math.abs(diagonal) > 2 ** 30)
    throw new ArgumentError(op, `diagonal is a whole number, got ${describe(diagonal)}`);
  const [rows, columns] = shapeOf(x).slice(-2) as [number, number];
  return choose(op, triangle(op, storageOf(x).heap, rows, columns, diagonal, lower), x, 0, dtypeOf(x));
}

/** The lower triangle of matrices [..., m, n], with zeros above the given diagonal. */
export const tril = (x: Tensor, diagonal = 0): Tensor => keepTriangle('tril', x, diagonal, true);

/** The upper triangle of matrices [..., m, n], with zeros below the given diagonal. */
export const triu = (x: Tensor, diagonal = 0): Tensor => keepTriangle('triu', x, diagonal, false);
