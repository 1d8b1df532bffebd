/**
 * Ops that draw random numbers. They take a `generator` option; where numbers come from is in
 * `src/random/generator.ts`, how kernels make them in `docs/program-format.md`.
 */
import { noGrad } from '../autograd/mode.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import {
  add,
  add_,
  clamp_,
  div,
  floorDivide,
  ge,
  gt,
  isfinite,
  le,
  log,
  logicalAnd,
  minimum,
  mul,
  mul_,
  neg,
} from '../generated/elementwise.ts';
import { BERNOULLI, CHECK_NONZERO, NORMAL, RANDOM_INTEGERS, UNIFORM } from '../generated/opcodes.ts';
import { NOT_WEIGHTS, type Operand, TOO_FEW_WEIGHTS } from '../program/encode.ts';
import { type Generator, resolveGenerator, stateOn } from '../random/generator.ts';
import { allocate, emit, expectTensor, immediate, operand } from '../tensor/create.ts';
import { atLeast, below, type DType } from '../tensor/dtype.ts';
import { checkOptions } from '../tensor/options.ts';
import { dtypeOf, isRowMajor, ndimOf, numelOf, shapeOf, storageOf, type Tensor } from '../tensor/tensor.ts';
import { where } from './condition.ts';
import { castTo, constantOf, contiguous, copyInto, filled } from './convert.ts';
import { gather } from './index.ts';
import { checkInPlace, overwritten } from './inplace.ts';
import { all, amin, sum } from './reduce.ts';
import { cumsum } from './scan.ts';
import { topk } from './sort.ts';
import { narrow } from './view.ts';

/** Option of everything that draws. */
export interface RandomOptions {
  /** Where the numbers come from; the default generator unless given. */
  generator?: Generator | undefined;
}

const generatorOf = (op: string, options: RandomOptions | undefined): Generator =>
  resolveGenerator(op, checkOptions(op, options, ['generator']).generator);

/** Draws into a contiguous tensor. */
function draw(
  op: string,
  opcode: number,
  out: Tensor,
  generator: Generator,
  inputs: readonly Operand[],
  params: readonly number[] = [],
): void {
  const { heap } = storageOf(out);
  emit(op, heap, {
    opcode,
    dtype: dtypeOf(out),
    shape: [numelOf(out)],
    operands: [operand(out, [1]), ...inputs, operand(stateOn(generator, heap), [0])],
    params,
  });
}

/** @internal Numbers in [0, 1). */
export const drawUniform = (op: string, out: Tensor, generator: Generator): void =>
  draw(op, UNIFORM, out, generator, []);
/** @internal Numbers of mean 0 and standard deviation 1. */
export const drawNormal = (op: string, out: Tensor, generator: Generator): void => draw(op, NORMAL, out, generator, []);
/** @internal Whole numbers in [low, high). */
export const drawIntegers = (op: string, out: Tensor, generator: Generator, low: number, high: number): void =>
  draw(op, RANDOM_INTEGERS, out, generator, [], [low, high]);
/** @internal Types that `drawIntegers` has kernels for. */
export const INTEGER_TARGETS: readonly DType[] = ['float32', 'float64', 'int32', 'int64', 'uint8'];

/** Fills a tensor in place by a function that wants a contiguous one. */
function fillInPlace(op: string, x: Tensor, fill: (out: Tensor) => void): Tensor {
  checkInPlace(op, x);
  if (isRowMajor(x)) fill(x);
  else {
    const values = allocate(op, storageOf(x).heap, dtypeOf(x), shapeOf(x));
    fill(values);
    copyInto(op, x, values);
    values.dispose();
  }
  overwritten(op, x, null);
  return x;
}

/** Scales and shifts what was drawn. */
function affine(out: Tensor, scale: number, shift: number): void {
  noGrad(() => {
    if (scale !== 1) mul_(out, scale);
    if (shift !== 0) add_(out, shift);
  });
}

/** Spreads numbers from [0, 1) over [from, to): rounding may lead out of it, and its width may be larger than any number. */
function spread(out: Tensor, from: number, to: number): void {
  const dtype = dtypeOf(out);
  const [least, most] = [atLeast(from, dtype), below(to, dtype)];
  const width = to - from;
  if (Number.isFinite(dtype === 'float32' ? Math.fround(width) : width)) affine(out, width, from);
  else {
    affine(out, to / 2 - from / 2, from / 2);
    affine(out, 2, 0);
  }
  // Where no number lies between the two, it is the one next to them.
  if (from !== 0 || to !== 1) noGrad(() => clamp_(out, Math.min(least, from), Math.max(most, Math.min(least, from))));
}

function expectFloating(op: string, x: Tensor): Tensor {
  expectTensor(op, x);
  if (!x.isFloatingPoint) throw new DTypeError(op, `wants a float32 or float64 tensor, got ${dtypeOf(x)}`);
  return x;
}

function expectNumber(op: string, name: string, value: unknown, ok: (n: number) => boolean, range: string): number {
  if (typeof value !== 'number' || !ok(value))
    throw new ArgumentError(op, `${name} is ${range}, got ${describe(value)}`);
  return value;
}

const isProbability = (p: number) => p >= 0 && p <= 1;

/**
 * Fills `x` with numbers drawn uniformly from [from, to). Returns `x`.
 * @throws ArgumentError for bounds that are no numbers of the tensor's dtype, or the wrong way round.
 */
export function uniform_(x: Tensor, from = 0, to = 1, options?: RandomOptions): Tensor {
  expectFloating('uniform_', x);
  const fits = (n: number) => Number.isFinite(dtypeOf(x) === 'float32' ? Math.fround(n) : n);
  expectNumber('uniform_', 'from', from, fits, `a finite number of ${dtypeOf(x)}`);
  expectNumber(
    'uniform_',
    'to',
    to,
    (n) => fits(n) && n >= from,
    `a finite number of ${dtypeOf(x)} and at least ${from}`,
  );
  const generator = generatorOf('uniform_', options);
  return fillInPlace('uniform_', x, (out) => {
    drawUniform('uniform_', out, generator);
    spread(out, from, to);
  });
}

/** Fills `x` with normally distributed numbers. Returns `x`. */
export function normal_(x: Tensor, mean = 0, std = 1, options?: RandomOptions): Tensor {
  expectFloating('normal_', x);
  expectNumber('normal_', 'mean', mean, Number.isFinite, 'a finite number');
  expectNumber('normal_', 'std', std, (n) => Number.isFinite(n) && n >= 0, 'a finite number of at least 0');
  const generator = generatorOf('normal_', options);
  return fillInPlace('normal_', x, (out) => {
    drawNormal('normal_', out, generator);
    affine(out, std, mean);
  });
}

/** Draws ones with the given probability into a contiguous tensor. */
function drawBernoulli(op: string, out: Tensor, p: Tensor | number, generator: Generator): void {
  const probability = typeof p === 'number' ? immediate(p, 'float64', 1) : operand(p, [1]);
  draw(op, BERNOULLI, out, generator, [probability]);
}

/**
 * Ones with probability x, zeros otherwise, in the dtype of x; or with probability `p` everywhere, in the shape of x.
 * Probabilities in a tensor are not checked: below 0 counts as 0, above 1 as 1. The gradient is zero.
 */
export function bernoulli(x: Tensor, p?: number | RandomOptions | null, options?: RandomOptions): Tensor {
  expectTensor('bernoulli', x);
  const given = typeof p === 'object' && p !== null;
  if (given && options !== undefined)
    throw new ArgumentError('bernoulli', `options come last, got ${describe(options)} after them`);
  const generator = generatorOf('bernoulli', given ? p : options);
  const everywhere = given || p === null ? undefined : p;
  if (everywhere !== undefined) expectNumber('bernoulli', 'p', everywhere, isProbability, 'a number from 0 to 1');
  else expectFloating('bernoulli', x);
  const out = allocate('bernoulli', storageOf(x).heap, dtypeOf(x), shapeOf(x));
  drawBernoulli('bernoulli', out, everywhere ?? noGrad(() => contiguous(x)), generator);
  return constantOf('bernoulli', x, out);
}

/** Fills `x` with ones, each with probability `p`, and zeros. Returns `x`. */
export function bernoulli_(x: Tensor, p = 0.5, options?: RandomOptions): Tensor {
  expectTensor('bernoulli_', x);
  expectNumber('bernoulli_', 'p', p, isProbability, 'a number from 0 to 1');
  const generator = generatorOf('bernoulli_', options);
  return fillInPlace('bernoulli_', x, (out) => drawBernoulli('bernoulli_', out, p, generator));
}

/**
 * Elements set to zero with probability `p`, the others scaled by 1 / (1 − p) so that the expectation stays
 * (Srivastava et al. 2014). Returns `x` itself unless `training`.
 */
export function dropout(x: Tensor, p = 0.5, training = true, options?: RandomOptions): Tensor {
  expectTensor('dropout', x);
  expectNumber('dropout', 'p', p, isProbability, 'a number from 0 to 1');
  if (typeof training !== 'boolean')
    throw new ArgumentError('dropout', `training is a boolean, got ${describe(training)}`);
  const generator = generatorOf('dropout', options);
  if (!training || p === 0) return x;
  expectFloating('dropout', x);
  if (p === 1) return mul(x, 0);
  const mask = allocate('dropout', storageOf(x).heap, dtypeOf(x), shapeOf(x));
  drawBernoulli('dropout', mask, 1 - p, generator);
  affine(mask, 1 / (1 - p), 0);
  return mul(x, mask);
}

/**
 * Indices (int64) drawn with probabilities proportional to the rows of `probs`: [n] → [numSamples], [rows, n] → [rows, numSamples].
 * Without replacement a row's indices are distinct.
 * @throws ArgumentError for weights that are negative or not finite, for rows without any, and for more samples without
 * replacement than there are categories of positive weight.
 */
export function multinomial(probs: Tensor, numSamples: number, replacement = false, options?: RandomOptions): Tensor {
  const op = 'multinomial';
  expectFloating(op, probs);
  if (ndimOf(probs) < 1 || ndimOf(probs) > 2 || shapeOf(probs).at(-1) === 0)
    throw new ShapeError(op, `wants [n] or [rows, n] with n at least 1, got ${formatShape(shapeOf(probs))}`);
  expectNumber(op, 'numSamples', numSamples, (n) => Number.isInteger(n) && n >= 1, 'a positive whole number');
  if (typeof replacement !== 'boolean')
    throw new ArgumentError(op, `replacement is a boolean, got ${describe(replacement)}`);
  const generator = generatorOf(op, options);
  return noGrad(() => {
    const weights = castTo(contiguous(probs), 'float64');
    if (numelOf(weights) > 0) checkWeights(op, weights, replacement ? 1 : numSamples);
    if (!replacement || numSamples === 1) return exponentialRace(op, weights, numSamples, generator);
    return inverseCdf(op, weights, numSamples, generator);
  });
}

/** Stops with the error of a condition (`CONDITIONS` in program/encode.ts) unless a 0-d bool tensor is true; can be recorded. */
function demand(op: string, ok: Tensor, condition: number, about = 0): void {
  const operands = [operand(ok, [0])];
  emit(op, storageOf(ok).heap, {
    opcode: CHECK_NONZERO,
    dtype: 'uint8',
    shape: [1],
    operands,
    params: [condition, about],
  });
}

function checkWeights(op: string, weights: Tensor, numSamples: number): void {
  demand(op, all(logicalAnd(isfinite(weights), ge(weights, 0))), NOT_WEIGHTS);
  demand(op, ge(amin(sum(gt(weights, 0), -1)), numSamples), TOO_FEW_WEIGHTS, numSamples);
}

/** The k largest of wᵢ / Eᵢ with Eᵢ exponential are a sample without replacement (Efraimidis and Spirakis 2006). */
function exponentialRace(op: string, weights: Tensor, numSamples: number, generator: Generator): Tensor {
  const uniform = allocate(op, storageOf(weights).heap, 'float64', shapeOf(weights));
  drawUniform(op, uniform, generator);
  return topk(div(weights, neg(log(uniform))), numSamples, -1).indices;
}

/** How many partial sums lie at or below a uniform share of the total: found by halving what is left of them. */
function inverseCdf(op: string, weights: Tensor, numSamples: number, generator: Generator): Tensor {
  const partial = cumsum(weights, -1);
  const n = shapeOf(weights).at(-1) as number;
  const total = narrow(partial, -1, n - 1, 1);
  const shares = allocate(op, storageOf(weights).heap, 'float64', [...shapeOf(weights).slice(0, -1), numSamples]);
  drawUniform(op, shares, generator);
  const aims = mul(shares, total);
  const everywhere = (place: number) => castTo(filled(op, shapeOf(aims), place, aims), 'int64');
  let [low, high] = [everywhere(0), everywhere(n - 1)];
  for (let left = n; left > 1; left = Math.ceil(left / 2)) {
    const middle = floorDivide(add(low, high), 2);
    const beyond = le(gather(partial, -1, middle), aims);
    [low, high] = [where(beyond, minimum(add(middle, 1), high), low), where(beyond, high, middle)];
  }
  return low;
}
