/**
 * The public forms of elementwise ops that take more than tensors: scale factors, rounding modes, bounds
 * that may be tensors, exponents with short cuts. They are composed of the rows of the table, which
 * are imported here under their raw names.
 */
import { ArgumentError, DTypeError, describe } from '../errors.ts';
import * as raw from '../generated/elementwise.ts';
import { commonHeap, expectTensor } from '../tensor/create.ts';
import { type DType, isFloating, typeOfScalar } from '../tensor/dtype.ts';
import { checkOptions } from '../tensor/options.ts';
import { dtypeOf, isTensor, shapeOf, type Tensor, type TensorLike } from '../tensor/tensor.ts';
import { commonType, expectOperand, where } from './condition.ts';
import { castTo, clone, constantOf, filled } from './convert.ts';

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
  const { roundingMode = null } = checkOptions('div', options, ['roundingMode']);
  if (roundingMode === null) return raw.div(x, y);
  if (roundingMode === 'floor') return raw.floorDivide(x, y);
  if (roundingMode === 'trunc') return raw.truncDivide(x, y);
  throw new ArgumentError('div', `roundingMode is 'floor', 'trunc' or null, got ${describe(roundingMode)}`);
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
export function clamp(x: Tensor, min?: Bound | ClampOptions, max?: Bound): Tensor {
  if (typeof min !== 'object' || min === null || isTensor(min)) return clampAs('clamp', x, min, max);
  const bounds = checkOptions('clamp', min, ['min', 'max']) as ClampOptions;
  return clampAs('clamp', x, bounds.min, bounds.max);
}

/** The input, but at least `min`, which may be a tensor. */
export const clampMin = (x: Tensor, min: TensorLike): Tensor => clampAs('clampMin', x, min, null);

/** The input, but at most `max`, which may be a tensor. */
export const clampMax = (x: Tensor, max: TensorLike): Tensor => clampAs('clampMax', x, null, max);

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
  const given =
    typeof nan === 'object' && nan !== null ? checkOptions('nanToNum', nan, names) : { nan, posinf, neginf };
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

/** The largest exponent that the integer kernel takes. */
const LARGEST_EXPONENT = 63;

/** An exponent of the same parity within the kernel's reach; beyond it only powers of -1, 0 and 1 fit any integer. */
const reachable = (y: number): number => (y > LARGEST_EXPONENT ? LARGEST_EXPONENT - 1 + (y % 2) : y);

/** Integers to integer powers from a tensor, which may be negative: 1 / xⁿ rounded towards zero, and 0 for x = 0. */
function integerPower(x: TensorLike, y: Tensor): Tensor {
  const parity = raw.remainder(y, 2);
  const exponent = where(raw.gt(y, LARGEST_EXPONENT), raw.add(parity, LARGEST_EXPONENT - 1), raw.clampMin(y, 0));
  const inverse = where(raw.eq(x, 1), 1, where(raw.eq(x, -1), raw.sub(1, raw.mul(parity, 2)), 0));
  return where(raw.lt(y, 0), inverse, raw.pow(x, exponent));
}

/**
 * x to the power of y. Integers to integer powers stay integers.
 * @throws ArgumentError for integers and a negative whole number as exponent.
 */
export function pow(x: TensorLike, y: TensorLike): Tensor {
  const [base, exponent] = [expectOperand('pow', x), expectOperand('pow', y)];
  const dtype = commonType([base, exponent]);
  if (dtype === 'bool') throw new DTypeError('pow', 'does not take bool tensors; convert with to({ dtype })');
  if (!isFloating(dtype)) {
    if (typeof exponent !== 'number') return castTo(integerPower(base, exponent), dtype);
    if (exponent >= 0) return raw.pow(base, reachable(exponent));
    throw new ArgumentError(
      'pow',
      `an integer cannot be raised to the power of ${exponent}; convert with to({ dtype: 'float32' })`,
    );
  }
  if (typeof exponent !== 'number' || typeof base === 'number') return raw.pow(base, exponent);
  const source = castTo(base, dtype);
  const fast = shortcut(source, exponent);
  if (fast !== null) return fast;
  // As a 0-d tensor the exponent keeps its digits through higher derivatives.
  const exact = dtype === 'float32' || Math.fround(exponent) === exponent;
  return raw.pow(source, exact ? exponent : filled('pow', [], exponent, source));
}

// ---- with an option ----

/** Options of `round`. */
export interface RoundOptions {
  /** Digits after the decimal point to round to; negative for tens, hundreds, … */
  decimals?: number;
}

/** The nearest whole number, halves going to the even one; or the nearest with so many decimals. */
export function round(x: TensorLike, options?: RoundOptions): Tensor {
  const { decimals = 0 } = checkOptions('round', options, ['decimals']);
  if (typeof decimals !== 'number' || !Number.isInteger(decimals))
    throw new ArgumentError('round', `decimals is a whole number, got ${describe(decimals)}`);
  if (decimals === 0) return raw.round(x);
  if (!isFloating(commonType([expectOperand('round', x)])))
    throw new DTypeError('round', 'decimals are for floating point tensors');
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
export function logit(x: TensorLike, eps?: number | null | LogitOptions): Tensor {
  const given =
    typeof eps === 'object' && eps !== null ? (checkOptions('logit', eps, ['eps']).eps ?? null) : (eps ?? null);
  if (given === null) return raw.logit(x);
  if (typeof given !== 'number') throw new ArgumentError('logit', `eps is a number, got ${describe(given)}`);
  const dtype = commonType([expectOperand('logit', x)]);
  const source = typeof x === 'number' || isFloating(dtype) ? x : castTo(x, 'float32');
  return raw.logit(raw.clamp(source, given, 1 - given));
}
