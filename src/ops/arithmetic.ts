/**
 * The public forms of elementwise ops that take more than tensors: scale factors, rounding modes, bounds
 * that may be tensors, exponents with short cuts. They are composed of the rows of the table, which
 * are imported here under their raw names.
 */
import { tracks } from '../autograd/track.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import * as raw from '../generated/elementwise.ts';
import { commonHeap, expectTensor } from '../tensor/create.ts';
import { type DType, dtypeInfo, isFloating, typeOfScalar } from '../tensor/dtype.ts';
import { sameShape } from '../tensor/layout.ts';
import { argumentsByName, checkOptions } from '../tensor/options.ts';
import { dtypeOf, shapeOf, storageOf, type Tensor, type TensorLike } from '../tensor/tensor.ts';
import { commonType, expectOperand, where } from './condition.ts';
import { castTo, clone, constantOf, filled } from './convert.ts';
import { checkInPlace, writeOver } from './inplace.ts';

// ---- sums and quotients ----

/** Options of `add`, `sub` and `rsub`. */
export interface AlphaOptions {
  /** Factor of the second operand; 1 by default. */
  alpha?: number;
}

/** The second operand of a sum times `alpha`, in the dtype of the result. */
function scaled(op: string, x: TensorLike, y: TensorLike, options: AlphaOptions | undefined): TensorLike {
  const { alpha = 1 } = checkOptions(op, options, ['alpha']);
  if (typeof alpha !== 'number') throw new ArgumentError(op, `alpha is a number, got ${describe(alpha)}`);
  if (alpha === 1) return y;
  const dtype = commonType([expectOperand(op, x), expectOperand(op, y)]);
  if (isFloating(typeOfScalar(alpha)) && !isFloating(dtype))
    throw new DTypeError(op, `alpha is a whole number for ${dtype} operands, got ${alpha}`);
  return typeof y === 'number' ? y * alpha : raw.mul(castTo(y, dtype), alpha);
}

/** x + alpha · y. */
export const add = (x: TensorLike, y: TensorLike, options?: AlphaOptions): Tensor =>
  raw.add(x, options === undefined ? y : scaled('add', x, y, options));

/** x - alpha · y. */
export const sub = (x: TensorLike, y: TensorLike, options?: AlphaOptions): Tensor =>
  raw.sub(x, options === undefined ? y : scaled('sub', x, y, options));

/** y - alpha · x. */
export const rsub = (x: TensorLike, y: TensorLike, options?: AlphaOptions): Tensor =>
  raw.sub(y, scaled('rsub', y, x, options));

/** Adds alpha · y to x, in place. */
export const add_ = (x: Tensor, y: TensorLike, options?: AlphaOptions): Tensor =>
  raw.add_(x, options === undefined ? y : scaled('add_', x, y, options));

/** Takes alpha · y from x, in place. */
export const sub_ = (x: Tensor, y: TensorLike, options?: AlphaOptions): Tensor =>
  raw.sub_(x, options === undefined ? y : scaled('sub_', x, y, options));

/** Options of `div`. */
export interface DivOptions {
  /** 'floor' rounds the quotient down, 'trunc' towards zero; both keep integers. Without it integers give float32. */
  roundingMode?: 'floor' | 'trunc' | null;
}

/**
 * x / y.
 * @throws ArgumentError when an integer is divided by zero with a rounding mode.
 */
export function div(x: TensorLike, y: TensorLike, options?: DivOptions): Tensor {
  const mode = roundingModeOf('div', options);
  return mode === null ? raw.div(x, y) : mode === 'floor' ? raw.floorDivide(x, y) : raw.truncDivide(x, y);
}

/** Divides x by y, in place. */
export function div_(x: Tensor, y: TensorLike, options?: DivOptions): Tensor {
  const mode = roundingModeOf('div_', options);
  return mode === null ? raw.div_(x, y) : mode === 'floor' ? raw.floorDivide_(x, y) : raw.truncDivide_(x, y);
}

function roundingModeOf(op: string, options: DivOptions | undefined): 'floor' | 'trunc' | null {
  if (options === undefined) return null;
  const { roundingMode = null } = checkOptions(op, options, ['roundingMode']);
  if (roundingMode === null || roundingMode === 'floor' || roundingMode === 'trunc') return roundingMode;
  throw new ArgumentError(op, `roundingMode is 'floor', 'trunc' or null, got ${describe(roundingMode)}`);
}

/** Writes what `f` makes of a tensor over it; gradients are those of its former value. */
function inPlace(op: string, x: Tensor, f: (former: Tensor) => Tensor): Tensor {
  checkInPlace(op, expectTensor(op, x));
  const value = f(tracks([x]) ? clone(x) : x);
  if (dtypeOf(value) !== dtypeOf(x))
    throw new DTypeError(op, `the result is ${dtypeOf(value)} and cannot be stored in a ${dtypeOf(x)} tensor`);
  if (!sameShape(shapeOf(value), shapeOf(x)))
    throw new ShapeError(
      op,
      `the result has shape ${formatShape(shapeOf(value))} and cannot be stored in ${formatShape(shapeOf(x))}`,
    );
  writeOver(op, x, storageOf(value) === storageOf(x) ? clone(value) : value);
  return x;
}

// ---- bounds ----

/** A bound of `clamp`: a number, a tensor that is broadcast, or none. */
export type Bound = TensorLike | null | undefined;

/** Options of `clamp`. */
export interface ClampOptions {
  min?: Bound;
  max?: Bound;
}

type Comparison = (x: TensorLike, y: TensorLike) => Tensor;

/**
 * x where `within` finds it within the bound, and the bound where `beyond` finds it beyond. Where neither does one of the two is NaN,
 * and so is the result, of which neither gets a gradient.
 */
function limit(x: Tensor, bound: TensorLike, within: Comparison, beyond: Comparison): Tensor {
  const other = x.isFloatingPoint ? where(beyond(x, bound), bound, Number.NaN) : bound;
  return where(within(x, bound), x, other);
}

function clampAs(op: string, x: Tensor, min: Bound, max: Bound): Tensor {
  expectTensor(op, x);
  const bounds = [min, max]
    .filter((bound) => bound !== null && bound !== undefined)
    .map((bound) => expectOperand(op, bound));
  if (bounds.length === 0) throw new ArgumentError(op, 'wants at least one of min and max');
  commonHeap(op, [x, ...bounds]);
  const dtype = commonType([x, ...bounds]);
  if (dtype === 'bool') throw new DTypeError(op, 'does not take bool tensors; convert with to({ dtype })');
  const source = castTo(x, dtype);
  if (bounds.every((bound) => typeof bound === 'number' && !Number.isNaN(bound))) {
    if (typeof min !== 'number') return raw.clampMax(source, max as number);
    return typeof max === 'number' ? raw.clamp(source, min, max) : raw.clampMin(source, min);
  }
  const raised = min === null || min === undefined ? source : limit(source, min, raw.ge, raw.lt);
  return max === null || max === undefined ? raised : limit(raised, max, raw.le, raw.gt);
}

/**
 * The input limited to [min, max]; max wins where they cross. Bounds may be tensors, one may be missing, and
 * both may come in an options object.
 */
export const clamp = (x: Tensor, min?: Bound | ClampOptions, max?: Bound | ClampOptions): Tensor =>
  clampAs('clamp', x, ...boundsOf('clamp', min, max));

/** Limits x to [min, max], in place. */
export function clamp_(x: Tensor, min?: Bound | ClampOptions, max?: Bound | ClampOptions): Tensor {
  const [low, high] = boundsOf('clamp_', min, max);
  if (typeof low === 'number' && typeof high === 'number') return raw.clamp_(x, low, high);
  if (typeof low === 'number' && (high ?? null) === null) return clampMin_(x, low);
  if (typeof high === 'number' && (low ?? null) === null) return clampMax_(x, high);
  return inPlace('clamp_', x, (former) => clampAs('clamp_', former, low, high));
}

/** Bounds given one by one, or in an options object in the place of either. */
function boundsOf(op: string, min: Bound | ClampOptions, max: Bound | ClampOptions): [Bound, Bound] {
  const bounds = argumentsByName(op, ['min', 'max'], [min, max]);
  return [bounds.min as Bound, bounds.max as Bound];
}

/** The input, but at least `min`, which may be a tensor. */
export const clampMin = (x: Tensor, min: TensorLike): Tensor => clampAs('clampMin', x, min, null);

/** Raises x to `min`, in place. */
export const clampMin_ = (x: Tensor, min: TensorLike): Tensor =>
  typeof min === 'number'
    ? raw.clampMin_(x, min)
    : inPlace('clampMin_', x, (former) => clampAs('clampMin_', former, min, null));

/** The input, but at most `max`, which may be a tensor. */
export const clampMax = (x: Tensor, max: TensorLike): Tensor => clampAs('clampMax', x, null, max);

/** Lowers x to `max`, in place. */
export const clampMax_ = (x: Tensor, max: TensorLike): Tensor =>
  typeof max === 'number'
    ? raw.clampMax_(x, max)
    : inPlace('clampMax_', x, (former) => clampAs('clampMax_', former, null, max));

/** Options of `nanToNum`. */
export interface NanToNumOptions {
  nan?: number | null;
  posinf?: number | null;
  neginf?: number | null;
}

const LARGEST: Readonly<Partial<Record<DType, number>>> = { float32: 3.4028234663852886e38, float64: Number.MAX_VALUE };

/**
 * NaN replaced by `nan` (0) and the infinities by `posinf` and `neginf` (the largest and the smallest finite number of
 * the dtype). What is replaced gets no gradient.
 */
export function nanToNum(
  x: Tensor,
  nan?: number | null | NanToNumOptions,
  posinf?: number | null,
  neginf?: number | null,
): Tensor {
  expectTensor('nanToNum', x);
  const names = ['nan', 'posinf', 'neginf'] as const;
  const given = argumentsByName('nanToNum', names, [nan, posinf, neginf]);
  const largest = LARGEST[dtypeOf(x)] ?? 0;
  const [forNan, forPositive, forNegative] = names.map((name, i) => {
    const value = given[name] ?? [0, largest, -largest][i];
    if (typeof value !== 'number') throw new ArgumentError('nanToNum', `${name} is a number, got ${describe(value)}`);
    return value;
  }) as [number, number, number];
  if (!x.isFloatingPoint) return clone(x);
  const finite = where(raw.isposinf(x), forPositive, where(raw.isneginf(x), forNegative, x));
  return where(raw.isnan(x), forNan, finite);
}

// ---- powers ----

/** Powers that a faster op computes, with the same derivatives; null for the others. */
function shortcut(x: Tensor, exponent: number): Tensor | null {
  switch (exponent) {
    case 0:
      // Also of NaN and where 1/x overflows, without a derivative that is 0 · ∞.
      return constantOf('pow', x, filled('pow', shapeOf(x), 1, x));
    case 1:
      return raw.positive(x);
    case 2:
      return raw.square(x);
    case 3:
      return raw.mul(raw.square(x), x);
    case 0.5:
      return raw.sqrt(x);
    case -0.5:
      return raw.rsqrt(x);
    case -1:
      return raw.reciprocal(x);
    case -2:
      // The square last: the derivative -2/x³ is then a product of the reciprocal alone, ∞ at 0 and 0 at ∞.
      return raw.square(raw.reciprocal(x));
    default:
      return null;
  }
}

/**
 * An exponent within an integer dtype with the same powers. From as many bits on as the integers have, those of even numbers are zero, and those of odd ones
 * repeat after a quarter of all (the exponent of the group of odd numbers modulo 2ⁿ).
 * @throws ArgumentError for a negative one.
 */
function wholePower(op: string, y: number, dtype: DType): number {
  if (y < 0)
    throw new ArgumentError(
      op,
      `an integer cannot be raised to the power of ${y}; convert with to({ dtype: 'float32' })`,
    );
  const bits = 8 * dtypeInfo[dtype].bytes;
  if (y < 2 ** (bits - 1)) return y;
  const period = 1n << BigInt(bits - 2);
  return Number((BigInt(y) % period) + period);
}

/**
 * x to the power of y. Integers to integer powers stay integers and wrap; negative exponents in a tensor give 1 / xⁿ rounded towards zero.
 * @throws ArgumentError for integers and a negative whole number as exponent.
 */
export function pow(x: TensorLike, y: TensorLike): Tensor {
  const [base, exponent] = [expectOperand('pow', x), expectOperand('pow', y)];
  const dtype = commonType([base, exponent]);
  if (dtype === 'bool') throw new DTypeError('pow', 'does not take bool tensors; convert with to({ dtype })');
  if (!isFloating(dtype)) {
    return raw.pow(base, typeof exponent === 'number' ? wholePower('pow', exponent, dtype) : exponent);
  }
  if (typeof exponent !== 'number' || typeof base === 'number') return raw.pow(base, exponent);
  const source = castTo(base, dtype);
  const fast = shortcut(source, exponent);
  if (fast !== null) return fast;
  // As a 0-d tensor the exponent keeps its digits through higher derivatives.
  const exact = dtype === 'float32' || Math.fround(exponent) === exponent;
  return raw.pow(source, exact ? exponent : filled('pow', [], exponent, source));
}

/** Raises x to the power of y, in place. */
export function pow_(x: Tensor, y: TensorLike): Tensor {
  const dtype = commonType([expectTensor('pow_', x), expectOperand('pow_', y)]);
  return raw.pow_(
    x,
    typeof y === 'number' && !isFloating(dtype) && dtype !== 'bool' ? wholePower('pow_', y, dtype) : y,
  );
}

// ---- with an option ----

/** Options of `round`. */
export interface RoundOptions {
  /** Digits after the decimal point to round to; negative for tens, hundreds, … */
  decimals?: number;
}

/** The nearest whole number, halves going to the even one; or the nearest with so many decimals. */
export const round = (x: TensorLike, options?: RoundOptions): Tensor => roundAs('round', x, options);

/** Rounds x, in place. */
export const round_ = (x: Tensor, options?: RoundOptions): Tensor =>
  options === undefined ? raw.round_(x) : inPlace('round_', x, (former) => roundAs('round_', former, options));

function roundAs(op: string, x: TensorLike, options: RoundOptions | undefined): Tensor {
  const { decimals = 0 } = checkOptions(op, options, ['decimals']);
  if (typeof decimals !== 'number' || !Number.isInteger(decimals))
    throw new ArgumentError(op, `decimals is a whole number, got ${describe(decimals)}`);
  if (decimals === 0) return raw.round(x);
  if (!isFloating(commonType([expectOperand(op, x)])))
    throw new DTypeError(op, 'decimals are for floating point tensors');
  const power = 10 ** Math.abs(decimals);
  return decimals > 0 ? raw.div(raw.round(raw.mul(x, power)), power) : raw.mul(raw.round(raw.div(x, power)), power);
}

/** Options of `gelu`. */
export interface GeluOptions {
  /** 'none' for x · Φ(x), 'tanh' for the approximation. */
  approximate?: 'none' | 'tanh';
}

/** x · Φ(x), Φ being the normal distribution function; or its approximation by way of tanh. */
export function gelu(x: TensorLike, options?: GeluOptions): Tensor {
  const { approximate = 'none' } = checkOptions('gelu', options, ['approximate']);
  if (approximate === 'none') return raw.gelu(x);
  if (approximate === 'tanh') return raw.geluTanh(x);
  throw new ArgumentError('gelu', `approximate is 'none' or 'tanh', got ${describe(approximate)}`);
}

/** Options of `logit`. */
export interface LogitOptions {
  /** Limits the input to [eps, 1 - eps] first. */
  eps?: number | null;
}

/** log(x / (1 - x)), the inverse of sigmoid; NaN outside [0, 1] unless `eps` limits the input. */
export const logit = (x: TensorLike, eps?: number | null | LogitOptions): Tensor => logitAs('logit', x, eps);

/** log(x / (1 - x)), in place. */
export const logit_ = (x: Tensor, eps?: number | null | LogitOptions): Tensor =>
  eps === undefined ? raw.logit_(x) : inPlace('logit_', x, (former) => logitAs('logit_', former, eps));

function logitAs(op: string, x: TensorLike, eps: number | null | LogitOptions | undefined): Tensor {
  const given = typeof eps === 'object' && eps !== null ? (checkOptions(op, eps, ['eps']).eps ?? null) : (eps ?? null);
  if (given === null) return raw.logit(x);
  if (typeof given !== 'number') throw new ArgumentError(op, `eps is a number, got ${describe(given)}`);
  const dtype = commonType([expectOperand('logit', x)]);
  const source = typeof x === 'number' || isFloating(dtype) ? x : castTo(x, 'float32');
  return raw.logit(raw.clamp(source, given, 1 - given));
}
