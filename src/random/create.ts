/** Tensors of random numbers, made in one call. */
import { ArgumentError, DTypeError, describe } from '../errors.ts';
import { castTo } from '../ops/convert.ts';
import { drawIntegers, drawNormal, drawUniform, INTEGER_TARGETS } from '../ops/random.ts';
import { argsort } from '../ops/sort.ts';
import { allocate } from '../tensor/create.ts';
import { type DType, wholeNumbers } from '../tensor/dtype.ts';
import { MAX_ELEMENTS, type Shape } from '../tensor/layout.ts';
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
import { shapeOf, type Tensor } from '../tensor/tensor.ts';
import { type Generator, resolveGenerator } from './generator.ts';

/** Options of functions that create random tensors. */
export interface RandomTensorOptions extends TensorOptions {
  /** Where the numbers come from; the default generator unless given. */
  generator?: Generator | undefined;
}

const EXTRA = ['generator'] as const;

type Draw = (op: string, out: Tensor, generator: Generator) => void;

function drawn(op: string, shape: Shape, resolved: Resolved, options: unknown, draw: Draw): Tensor {
  const generator = resolveGenerator(op, (options as RandomTensorOptions | undefined)?.generator);
  const out = allocate(op, resolved.heap, resolved.dtype, shape);
  draw(op, out, generator);
  return finish(out, resolved);
}

function floating(op: string, resolved: Resolved): Resolved {
  if (resolved.dtype !== 'float32' && resolved.dtype !== 'float64')
    throw new DTypeError(op, `makes float32 or float64 tensors, not ${resolved.dtype}`);
  return resolved;
}

function fromSizes(op: string, sizes: readonly unknown[], draw: Draw): Tensor {
  const { shape, options } = resolveSizes(op, sizes);
  return drawn(op, shape, floating(op, resolveOptions(op, options, 'float32', EXTRA)), options, draw);
}

/** Numbers drawn uniformly from [0, 1). */
export const rand = (...sizes: Sizes<RandomTensorOptions>): Tensor => fromSizes('rand', sizes, drawUniform);

/** Normally distributed numbers of mean 0 and standard deviation 1. */
export const randn = (...sizes: Sizes<RandomTensorOptions>): Tensor => fromSizes('randn', sizes, drawNormal);

/** As `rand`, in the shape, dtype and backend of `x`. */
export const randLike = (x: Tensor, options?: RandomTensorOptions): Tensor => {
  const resolved = floating('randLike', optionsLike('randLike', x, options, EXTRA));
  return drawn('randLike', shapeOf(x), resolved, options, drawUniform);
};

/** As `randn`, in the shape, dtype and backend of `x`. */
export const randnLike = (x: Tensor, options?: RandomTensorOptions): Tensor => {
  const resolved = floating('randnLike', optionsLike('randnLike', x, options, EXTRA));
  return drawn('randnLike', shapeOf(x), resolved, options, drawNormal);
};

/** @throws ArgumentError unless a dtype holds all whole numbers from one to another. */
function expectWhole(op: string, dtype: DType, from: number, to: number): void {
  const [least, most] = wholeNumbers(dtype);
  if (from < least || to > most)
    throw new ArgumentError(op, `draws from ${from} to ${to}; ${dtype} holds whole numbers from ${least} to ${most}`);
}

function integers(op: string, low: unknown, high: unknown, shape: Shape, resolved: Resolved, options: unknown): Tensor {
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || (low as number) >= (high as number))
    throw new ArgumentError(op, `wants whole numbers low < high, got ${describe(low)} and ${describe(high)}`);
  if (!INTEGER_TARGETS.includes(resolved.dtype)) throw new DTypeError(op, `does not make ${resolved.dtype} tensors`);
  expectWhole(op, resolved.dtype, low as number, (high as number) - 1);
  return drawn(op, shape, resolved, options, (name, out, generator) =>
    drawIntegers(name, out, generator, low as number, high as number),
  );
}

/** Whole numbers drawn uniformly from [0, high); int64 unless `dtype` says otherwise. */
export function randint(high: number, shape: Shape, options?: RandomTensorOptions): Tensor;
/** Whole numbers drawn uniformly from [low, high); int64 unless `dtype` says otherwise. */
export function randint(low: number, high: number, shape: Shape, options?: RandomTensorOptions): Tensor;
export function randint(low: number, ...rest: readonly unknown[]): Tensor {
  const [from, to, shape, options] = typeof rest[0] === 'number' ? [low, ...rest] : [0, low, ...rest];
  return integers(
    'randint',
    from,
    to,
    checkShape('randint', shape),
    resolveOptions('randint', options, 'int64', EXTRA),
    options,
  );
}

/** As `randint`, in the shape, dtype and backend of `x`. */
export function randintLike(x: Tensor, high: number, options?: RandomTensorOptions): Tensor;
export function randintLike(x: Tensor, low: number, high: number, options?: RandomTensorOptions): Tensor;
export function randintLike(x: Tensor, low: number, ...rest: readonly unknown[]): Tensor {
  const [from, to, options] = typeof rest[0] === 'number' ? [low, ...rest] : [0, low, ...rest];
  const resolved = optionsLike('randintLike', x, options, EXTRA);
  return integers('randintLike', from, to, shapeOf(x), resolved, options);
}

/** The whole numbers 0 … n − 1 in random order; int64 unless `dtype` says otherwise. */
export function randperm(n: number, options?: RandomTensorOptions): Tensor {
  if (!Number.isInteger(n) || n < 0 || n > MAX_ELEMENTS)
    throw new ArgumentError('randperm', `n is a whole number from 0 to ${MAX_ELEMENTS}, got ${describe(n)}`);
  const resolved = resolveOptions('randperm', options, 'int64', EXTRA);
  if (resolved.dtype === 'bool') throw new DTypeError('randperm', 'does not make bool tensors');
  if (n > 0) expectWhole('randperm', resolved.dtype, 0, n - 1);
  // 53 random bits each: ties, which would keep their order, are out of the question.
  const keys = drawn('randperm', [n], { ...resolved, dtype: 'float64', requiresGrad: false }, options, drawUniform);
  return finish(castTo(argsort(keys), resolved.dtype), resolved);
}
