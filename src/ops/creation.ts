/**
 * Making tensors: from data, filled with constants, or evenly spaced. Random ones are in
 * `src/random/create.ts`. Options (`dtype`, `requiresGrad`, `backend`) come last everywhere.
 */
import { ArgumentError, DTypeError, describe, ShapeError } from '../errors.ts';
import { ARANGE } from '../generated/opcodes.ts';
import { isTypedArray, type SourceArray } from '../tensor/bytes.ts';
import { allocate, allocateOne, emit, expectTensor, operand } from '../tensor/create.ts';
import type { DType, TypedArray } from '../tensor/dtype.ts';
import { MAX_ELEMENTS, type Shape } from '../tensor/layout.ts';
import { convertElement, isScalar, type NestedData, readNested, type Scalar } from '../tensor/nested.ts';
import {
  checkShape,
  finish,
  optionsLike,
  type Resolved,
  resolveOptions,
  resolveSizes,
  type Sizes,
  type TensorOptions,
} from '../tensor/options.ts';
import { dtypeOf, isTensor, makeTensor, numelOf, shapeOf, storageOf, type Tensor } from '../tensor/tensor.ts';
import { clone, detach, fillWith, fromTypedArray, to } from './convert.ts';

/**
 * A tensor of the given data, always copied: a number, bigint or boolean, nested arrays of them, a typed array
 * (also as a row of an array), or another tensor.
 *
 * The dtype is that of the data: booleans give bool, bigints int64, numbers float32 (a JavaScript number has
 * no integer type: ask for `{ dtype: 'int64' }`), typed arrays the type closest to theirs.
 * @throws ShapeError for ragged arrays, ArgumentError for anything that is not a number; both name the place.
 */
export function tensor(data: NestedData | Tensor, options?: TensorOptions): Tensor {
  if (isTensor(data)) return copyOf(data, options);
  if (isTypedArray(data)) return fromTypedArray('tensor', data, null, options);
  const { shape, values, dtype: found } = readNested('tensor', data);
  const resolved = resolveOptions('tensor', options, found);
  const { dtype } = resolved;
  const converted = values.map((value, i) => convertElement('tensor', value, dtype, i));
  const out = allocateOne('tensor', resolved.heap, dtype, shape);
  storageOf(out)
    .view(dtype, 0, numelOf(out))
    .set(converted as never);
  return finish(out, resolved);
}

function copyOf(data: Tensor, options: unknown): Tensor {
  expectTensor('tensor', data);
  const resolved = optionsLike('tensor', data, options);
  const source = detach(data);
  const moved = to(source, { dtype: resolved.dtype, backend: resolved.heap.backend.name });
  const out = moved === source ? clone(source) : moved;
  source.dispose();
  return finish(out, resolved);
}

/**
 * The elements of a typed array, in row-major order, as a tensor of the given shape. Copies.
 * @throws ShapeError when the number of elements differs.
 */
export function fromArray(array: SourceArray, shape?: Shape, options?: TensorOptions): Tensor {
  if (!isTypedArray(array)) throw new ArgumentError('fromArray', `wants a typed array, got ${describe(array)}`);
  return fromTypedArray('fromArray', array, shape === undefined ? null : checkShape('fromArray', shape), options);
}

/** A new tensor in which every element is `value`. */
function constant(op: string, shape: Shape, value: Scalar, resolved: Resolved): Tensor {
  const { dtype, heap } = resolved;
  const element = convertElement(op, value, dtype);
  // The kernel takes the value as a float64, which not every int64 fits.
  const exact = typeof element !== 'bigint' || Number.isSafeInteger(Number(element));
  const out = exact ? allocate(op, heap, dtype, shape) : allocateOne(op, heap, dtype, shape);
  if (exact) fillWith(op, out, Number(element));
  else (storageOf(out).view(dtype, 0, numelOf(out)) as BigInt64Array).fill(element as bigint);
  return finish(out, resolved);
}

function constantFrom(op: string, value: number, args: readonly unknown[]): Tensor {
  const { shape, options } = resolveSizes(op, args);
  return constant(op, shape, value, resolveOptions(op, options, 'float32'));
}

/** Zeros; float32 unless `dtype` says otherwise. */
export const zeros = (...sizes: Sizes): Tensor => constantFrom('zeros', 0, sizes);

/** Ones; float32 unless `dtype` says otherwise. */
export const ones = (...sizes: Sizes): Tensor => constantFrom('ones', 1, sizes);

/** Uninitialised; but a bool is 0 or 1, which leftover bytes need not be. */
function uninitialised(op: string, shape: Shape, resolved: Resolved): Tensor {
  if (resolved.dtype === 'bool') return constant(op, shape, 0, resolved);
  return finish(allocate(op, resolved.heap, resolved.dtype, shape), resolved);
}

/** A tensor whose elements are whatever the memory held: for results that are written in full. */
export function empty(...sizes: Sizes): Tensor {
  const { shape, options } = resolveSizes('empty', sizes);
  return uninitialised('empty', shape, resolveOptions('empty', options, 'float32'));
}

function expectScalar(op: string, value: unknown): Scalar {
  if (!isScalar(value)) throw new ArgumentError(op, `the value is a number, bigint or boolean, got ${describe(value)}`);
  return value;
}

/** A tensor full of `value`. A boolean gives bool, a bigint int64, a number float32, unless `dtype` says otherwise. */
export function full(shape: Shape, value: Scalar, options?: TensorOptions): Tensor {
  const sizes = checkShape('full', shape);
  expectScalar('full', value);
  const natural: DType = typeof value === 'boolean' ? 'bool' : typeof value === 'bigint' ? 'int64' : 'float32';
  return constant('full', sizes, value, resolveOptions('full', options, natural));
}

/** Zeros of the shape, dtype and backend of `x`. */
export const zerosLike = (x: Tensor, options?: TensorOptions): Tensor => {
  const resolved = optionsLike('zerosLike', x, options);
  return constant('zerosLike', shapeOf(x), 0, resolved);
};

/** Ones of the shape, dtype and backend of `x`. */
export const onesLike = (x: Tensor, options?: TensorOptions): Tensor => {
  const resolved = optionsLike('onesLike', x, options);
  return constant('onesLike', shapeOf(x), 1, resolved);
};

/** A tensor full of `value`, of the shape, dtype and backend of `x`. */
export function fullLike(x: Tensor, value: Scalar, options?: TensorOptions): Tensor {
  const resolved = optionsLike('fullLike', x, options);
  return constant('fullLike', shapeOf(x), expectScalar('fullLike', value), resolved);
}

/** A tensor of the shape, dtype and backend of `x`, whose elements are whatever the memory held. */
export function emptyLike(x: Tensor, options?: TensorOptions): Tensor {
  const resolved = optionsLike('emptyLike', x, options);
  return uninitialised('emptyLike', shapeOf(x), resolved);
}

function expectFinite(op: string, name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new ArgumentError(op, `${name} is a finite number, got ${describe(value)}`);
  return value;
}

function expectCount(op: string, name: string, value: unknown): number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > MAX_ELEMENTS)
    throw new ArgumentError(op, `${name} is a whole number from 0 to ${MAX_ELEMENTS}, got ${describe(value)}`);
  return value as number;
}

/** 0, 1, … up to but not including `end`. */
export function arange(end: number, options?: TensorOptions): Tensor;
/** start, start + step, … up to but not including `end`. int64 when all three are whole, else float32, unless `dtype` decides. */
export function arange(start: number, end: number, options?: TensorOptions): Tensor;
export function arange(start: number, end: number, step: number, options?: TensorOptions): Tensor;
export function arange(...args: readonly unknown[]): Tensor {
  const at = args.findIndex((value) => typeof value !== 'number');
  const count = at < 0 ? args.length : at;
  if (count === 0 || count > 3 || args.slice(count + 1).some((value) => value !== undefined))
    throw new ArgumentError(
      'arange',
      `wants end, or start and end, or start, end and step, and then options, got ${describe([...args])}`,
    );
  const names = count === 1 ? ['end'] : ['start', 'end', 'step'];
  const numbers = args.slice(0, count).map((value, i) => expectFinite('arange', names[i] as string, value));
  const [start, end] = (count === 1 ? [0, numbers[0]] : numbers) as [number, number];
  const step = numbers[2] ?? 1;
  if (step === 0) throw new ArgumentError('arange', 'step must not be 0');
  if ((end - start) * step < 0)
    throw new ArgumentError('arange', `a step of ${step} does not lead from ${start} to ${end}`);
  const resolved = resolveOptions(
    'arange',
    args[count],
    [start, end, step].every(Number.isInteger) ? 'int64' : 'float32',
  );
  const { dtype, heap } = resolved;
  if (dtype === 'bool') throw new DTypeError('arange', 'does not make bool tensors');
  const n = Math.max(0, Math.ceil((end - start) / step));
  if (n > MAX_ELEMENTS) throw new ShapeError('arange', `${n} elements, at most ${MAX_ELEMENTS} are supported`);
  const out = allocate('arange', heap, dtype, [n]);
  emit('arange', heap, { opcode: ARANGE, dtype, shape: [n], operands: [operand(out, [1])], params: [start, step] });
  return finish(out, resolved);
}

function spaced(op: string, steps: number, options: unknown, value: (i: number) => number): Tensor {
  const n = expectCount(op, 'steps', steps);
  const resolved = resolveOptions(op, options, 'float32');
  const { dtype, heap } = resolved;
  if (dtype === 'bool') throw new DTypeError(op, 'does not make bool tensors');
  const out = allocateOne(op, heap, dtype, [n]);
  const elements: TypedArray = storageOf(out).view(dtype, 0, n);
  for (let i = 0; i < n; i++) elements[i] = convertElement(op, value(i), dtype) as never;
  return finish(out, resolved);
}

/** Both halves are counted from their own end, so that the ends are exact and the values symmetric. */
function between(start: number, end: number, steps: number): (i: number) => number {
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  return (i) => (i < steps / 2 ? start + i * step : end - (steps - 1 - i) * step);
}

/** `steps` numbers from `start` to `end`, both included. */
export function linspace(start: number, end: number, steps: number, options?: TensorOptions): Tensor {
  expectFinite('linspace', 'start', start);
  expectFinite('linspace', 'end', end);
  return spaced('linspace', steps, options, between(start, end, expectCount('linspace', 'steps', steps)));
}

/** `steps` powers of `base` whose exponents run from `start` to `end`, both included. */
export function logspace(start: number, end: number, steps: number, base = 10, options?: TensorOptions): Tensor {
  expectFinite('logspace', 'start', start);
  expectFinite('logspace', 'end', end);
  expectFinite('logspace', 'base', base);
  const exponent = between(start, end, expectCount('logspace', 'steps', steps));
  return spaced('logspace', steps, options, (i) => base ** exponent(i));
}

/** The identity matrix of n rows. */
export function eye(n: number, options?: TensorOptions): Tensor;
/** n rows and m columns with ones on the diagonal. */
export function eye(n: number, m: number, options?: TensorOptions): Tensor;
export function eye(n: number, m?: number | TensorOptions, options?: TensorOptions): Tensor {
  const rows = expectCount('eye', 'n', n);
  const square = m === undefined || (typeof m === 'object' && m !== null);
  const columns = square ? rows : expectCount('eye', 'm', m);
  const resolved = resolveOptions('eye', options ?? (square ? m : undefined), 'float32');
  const shape = checkShape('eye', [rows, columns]);
  const out = constant('eye', shape, 0, { ...resolved, requiresGrad: false });
  const diagonal = makeTensor(storageOf(out), dtypeOf(out), [Math.min(rows, columns)], [columns + 1]);
  fillWith('eye', diagonal, 1);
  diagonal.dispose();
  return finish(out, resolved);
}
