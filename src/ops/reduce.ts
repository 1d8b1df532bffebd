/**
 * Reductions. Kernels exist for sum, prod, amax, amin and the two arg-reductions; the rest is
 * composed of them and so inherits its derivatives.
 */
import { noGrad } from '../autograd/mode.ts';
import { track, tracks } from '../autograd/track.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import {
  abs,
  add,
  div,
  eq,
  exp,
  isinf,
  isnan,
  log,
  logicalOr,
  maximum,
  minimum,
  mul,
  ne,
  pow,
  sqrt,
  square,
  sub,
} from '../generated/elementwise.ts';
import { AMAX, AMIN, ARGMAX, ARGMIN, MEAN, PROD, SUM } from '../generated/opcodes.ts';
import { allocate, emit, expectTensor, operand } from '../tensor/create.ts';
import { type DType, isDType, isFloating } from '../tensor/dtype.ts';
import { coalesce, resolveDim, resolveDims, type Shape, sizeOf } from '../tensor/layout.ts';
import { listOf } from '../tensor/lists.ts';
import { argumentsByName, checkOptions, expectFlag } from '../tensor/options.ts';
import {
  dtypeOf,
  makeTensor,
  ndimOf,
  numelOf,
  offsetOf,
  shapeOf,
  storageOf,
  stridesOf,
  type Tensor,
} from '../tensor/tensor.ts';
import { where } from './condition.ts';
import { castTo, constantOf, detach, fillWith } from './convert.ts';
import { gather } from './index.ts';
import { cat } from './join.ts';
import { expand, narrow, reshape, squeeze, unsqueeze } from './view.ts';

/** One dimension, several, or (null, undefined) all of them. */
export type Dims = number | Shape | null | undefined;

/** Option of all reductions. */
export interface KeepdimOptions {
  /** Keep the reduced dimensions with size 1. */
  keepdim?: boolean;
}

/** Options of reductions that compute. */
export interface ReduceOptions extends KeepdimOptions {
  /** Convert to this dtype first. */
  dtype?: DType;
}

/** @internal Takes `keepdim` given alone or in an options object with it and what else is known. */
export function reduceOptions(
  op: string,
  options: boolean | ReduceOptions | undefined,
  known: readonly ('keepdim' | 'dtype')[] = ['keepdim'],
): ReduceOptions & { keepdim: boolean } {
  const { keepdim = false, dtype } =
    typeof options === 'boolean' ? { keepdim: options } : checkOptions(op, options, known);
  if (dtype !== undefined && !isDType(dtype)) throw new DTypeError(op, `unknown dtype ${describe(dtype)}`);
  const kept = { keepdim: expectFlag(op, 'keepdim', keepdim) };
  return dtype === undefined ? kept : { ...kept, dtype };
}

const KEEPDIM_AND_DTYPE = ['keepdim', 'dtype'] as const;

/** Without the reduced dimensions, or with size 1 in their place. */
export const reducedShape = (shape: Shape, dims: Shape, keepdim: boolean): number[] =>
  keepdim ? shape.map((n, d) => (dims.includes(d) ? 1 : n)) : shape.filter((_, d) => !dims.includes(d));

/** Brings a reduced tensor back to the rank of what it came from, so that the two broadcast. */
function restore(reduced: Tensor, shape: Shape, dims: Shape): Tensor {
  return reshape(reduced, reducedShape(shape, dims, true));
}

/** Emits a reduction of `x` over `dims`; elements of bool tensors are taken as bytes. */
function reduceKernel(op: string, opcode: number, x: Tensor, dims: Shape, outType: DType, empty: number): Tensor {
  const kept = shapeOf(x)
    .map((_, d) => d)
    .filter((d) => !dims.includes(d));
  const out = allocate(
    op,
    storageOf(x).heap,
    outType,
    kept.map((d) => shapeOf(x)[d] as number),
  );
  if (numelOf(x) === 0) {
    fillWith(op, out, empty);
    return out;
  }
  const part = (list: Shape, outStrides: Shape) =>
    coalesce(
      list.map((d) => shapeOf(x)[d] as number),
      [outStrides, list.map((d) => stridesOf(x)[d] as number)],
    );
  // Kept dimensions in row-major order of the result; reduced ones by falling stride, so that the inner loop is the tightest.
  const first = part(kept, stridesOf(out));
  const sorted = [...dims].sort((a, b) => (stridesOf(x)[b] as number) - (stridesOf(x)[a] as number));
  const second = part(sorted, new Array<number>(sorted.length).fill(0));
  const strides = [0, 1].map((k) => [...(first.strides[k] as number[]), ...(second.strides[k] as number[])]);
  emit(op, storageOf(x).heap, {
    opcode,
    dtype: dtypeOf(x) === 'bool' ? 'uint8' : dtypeOf(x),
    shape: [...first.shape, ...second.shape],
    operands: [operand(out, strides[0] as Shape), operand(x, strides[1] as Shape)],
    params: [first.shape.length],
  });
  return out;
}

/**
 * Sum over dimensions, all by default. Integers and bools are summed as int64; as bools (`dtype: 'bool'`) the sum is `any`.
 * @param options `keepdim`, or an object with `keepdim` and `dtype`.
 */
export function sum(x: Tensor, dim?: Dims, options?: boolean | ReduceOptions): Tensor {
  expectTensor('sum', x);
  const { keepdim, dtype } = reduceOptions('sum', options, KEEPDIM_AND_DTYPE);
  const dims = dimsOrAll('sum', x, dim);
  if (dtype === 'bool') return reduceTruth('sum', AMAX, x, dims, keepdim, 0);
  const source = castTo(x, dtype ?? (x.isFloatingPoint ? dtypeOf(x) : 'int64'));
  const out = reduceKernel('sum', SUM, source, dims, dtypeOf(source), 0);
  const shape = shapeOf(x);
  track('sum', [source], [out], [], ([g]) => [expand(restore(g as Tensor, shape, dims), shape)]);
  return keepdim ? restore(out, shape, dims) : out;
}

/** PyTorch takes an empty list of dimensions to mean all of them. */
const dimsOrAll = (op: string, x: Tensor, dim: Dims) => {
  const list = listOf(op, dim) as Shape | null;
  return resolveDims(op, list?.length === 0 ? null : (list ?? dim), ndimOf(x));
};

/** Number of elements that are reduced to one. */
const countOf = (x: Tensor, dims: Shape) => sizeOf(dims.map((d) => shapeOf(x)[d] as number));

/**
 * Float32 is added up in float64 by the kernel. For float64 there is nothing wider: what the rounding of its sum and of the division takes out
 * of the data's range is brought back.
 */
function within(average: Tensor, x: Tensor, dims: Shape): Tensor {
  if (dtypeOf(x) !== 'float64' || countOf(x, dims) < 2) return average;
  return noGrad(() => {
    const least = reduceKernel('mean', AMIN, x, dims, dtypeOf(x), Number.NaN);
    const most = reduceKernel('mean', AMAX, x, dims, dtypeOf(x), Number.NaN);
    return minimum(maximum(average, least), most);
  });
}

/**
 * Arithmetic mean over dimensions, all by default. It lies within the data: the mean of equal elements is that element.
 * @throws DTypeError for integers, unless `dtype` says what to compute in.
 */
export function mean(x: Tensor, dim?: Dims, options?: boolean | ReduceOptions): Tensor {
  expectTensor('mean', x);
  const { keepdim, dtype = dtypeOf(x) } = reduceOptions('mean', options, KEEPDIM_AND_DTYPE);
  if (!isFloating(dtype))
    throw new DTypeError('mean', `wants a floating point tensor, got ${dtype}; pass { dtype: 'float32' }`);
  const dims = dimsOrAll('mean', x, dim);
  const source = castTo(x, dtype);
  const shape = shapeOf(x);
  const count = countOf(x, dims);
  const out = within(reduceKernel('mean', MEAN, source, dims, dtype, Number.NaN), source, dims);
  track('mean', [source], [out], [], ([g]) => [expand(div(restore(g as Tensor, shape, dims), count), shape)]);
  return keepdim ? restore(out, shape, dims) : out;
}

/** Product over dimensions, all by default. Integers and bools are multiplied as int64; as bools (`dtype: 'bool'`) the product is `all`. */
export function prod(x: Tensor, dim?: Dims, options?: boolean | ReduceOptions): Tensor {
  expectTensor('prod', x);
  const { keepdim, dtype } = reduceOptions('prod', options, KEEPDIM_AND_DTYPE);
  const dims = dimsOrAll('prod', x, dim);
  if (dtype === 'bool') return reduceTruth('prod', AMIN, x, dims, keepdim, 1);
  const source = castTo(x, dtype ?? (x.isFloatingPoint ? dtypeOf(x) : 'int64'));
  if (tracks([source])) {
    // Multiplying halves keeps every derivative right where elements are zero.
    let out = source;
    for (const d of dims) out = productTree(out, d);
    return keepdim ? out : reshape(out, reducedShape(shapeOf(x), dims, false));
  }
  const out = reduceKernel('prod', PROD, source, dims, dtypeOf(source), 1);
  return keepdim ? restore(out, shapeOf(x), dims) : out;
}

function productTree(x: Tensor, dim: number): Tensor {
  const n = shapeOf(x)[dim] as number;
  if (n === 0) return add(sum(x, dim, true), 1);
  if (n === 1) return x;
  const half = n >> 1;
  const pairs = mul(narrow(x, dim, 0, half), narrow(x, dim, half, half));
  return productTree(n % 2 === 0 ? pairs : cat([pairs, narrow(x, dim, n - 1, 1)], dim), dim);
}

function extremum(
  op: 'amax' | 'amin',
  opcode: number,
  x: Tensor,
  dim: Dims,
  options: boolean | KeepdimOptions | undefined,
): Tensor {
  expectTensor(op, x);
  const { keepdim } = reduceOptions(op, options);
  const dims = dimsOrAll(op, x, dim);
  if (countOf(x, dims) === 0)
    throw new ShapeError(op, `no elements to choose from in shape ${formatShape(shapeOf(x))}`);
  const out = reduceKernel(op, opcode, x, dims, dtypeOf(x), 0);
  const shape = shapeOf(x);
  // Equal elements share the gradient; so do the elements that are NaN, which is then the result.
  track(op, [x], [out], [x, out], ([g], [input, result]) => {
    const best = eq(input as Tensor, restore(result as Tensor, shape, dims));
    const mask = castTo(logicalOr(best, isnan(input as Tensor)), dtypeOf(g as Tensor));
    const share = div(mask, sum(mask, dims, true));
    return [mul(share, restore(g as Tensor, shape, dims))];
  });
  return keepdim ? restore(out, shape, dims) : out;
}

/** Largest element over dimensions, all by default; equal ones share the gradient. NaN wins. */
export const amax = (x: Tensor, dim?: Dims, options?: boolean | KeepdimOptions): Tensor =>
  extremum('amax', AMAX, x, dim, options);

/** Smallest element over dimensions, all by default; equal ones share the gradient. NaN wins. */
export const amin = (x: Tensor, dim?: Dims, options?: boolean | KeepdimOptions): Tensor =>
  extremum('amin', AMIN, x, dim, options);

function argReduce(
  op: string,
  opcode: number,
  x: Tensor,
  dim: number | null | undefined,
  options: boolean | KeepdimOptions | undefined,
): Tensor {
  expectTensor(op, x);
  const { keepdim } = reduceOptions(op, options);
  if (dim === null || dim === undefined) {
    const flat = argReduce(
      op,
      opcode,
      reshape(x, [-1].slice(0, numelOf(x) === 0 ? 0 : 1).concat(numelOf(x) === 0 ? [0] : [])),
      0,
      false,
    );
    return keepdim
      ? reshape(
          flat,
          shapeOf(x).map(() => 1),
        )
      : flat;
  }
  const d = resolveDim(op, dim, ndimOf(x));
  if (ndimOf(x) === 0) return fillInt64(op, x);
  if (shapeOf(x)[d] === 0)
    throw new ShapeError(op, `no elements to choose from in dimension ${d} of shape ${formatShape(shapeOf(x))}`);
  const kept = shapeOf(x)
    .map((_, i) => i)
    .filter((i) => i !== d);
  const out = allocate(
    op,
    storageOf(x).heap,
    'int64',
    kept.map((i) => shapeOf(x)[i] as number),
  );
  const pick = (values: Shape, last: number) => [...kept.map((i) => values[i] as number), last];
  emit(op, storageOf(x).heap, {
    opcode,
    dtype: dtypeOf(x) === 'bool' ? 'uint8' : dtypeOf(x),
    shape: pick(shapeOf(x), shapeOf(x)[d] as number),
    operands: [operand(out, [...stridesOf(out), 0]), operand(x, pick(stridesOf(x), stridesOf(x)[d] as number))],
  });
  return keepdim ? unsqueeze(out, d) : out;
}

/** The index of the only element of a 0-d tensor. */
function fillInt64(op: string, like: Tensor): Tensor {
  const out = allocate(op, storageOf(like).heap, 'int64', []);
  fillWith(op, out, 0);
  return out;
}

/** Index (int64) of the largest element along `dim`, or in the flattened tensor; the first of equals. NaN wins. */
export const argmax = (x: Tensor, dim?: number | null, options?: boolean | KeepdimOptions): Tensor =>
  argReduce('argmax', ARGMAX, x, dim, options);

/** Index (int64) of the smallest element along `dim`, or in the flattened tensor; the first of equals. NaN wins. */
export const argmin = (x: Tensor, dim?: number | null, options?: boolean | KeepdimOptions): Tensor =>
  argReduce('argmin', ARGMIN, x, dim, options);

/** Values and where they were found. */
export interface ValuesAndIndices {
  values: Tensor;
  indices: Tensor;
}

function pickAlong(x: Tensor, dim: number, keepdim: boolean, find: typeof argmax): ValuesAndIndices {
  const indices = find(x, dim, ndimOf(x) > 0);
  const values = ndimOf(x) === 0 ? reshape(x, []) : gather(x, dim, indices);
  if (keepdim || ndimOf(x) === 0) return { values, indices };
  return { values: squeeze(values, dim), indices: squeeze(indices, dim) };
}

/** The largest element of all. */
export function max(x: Tensor): Tensor;
/** Elementwise maximum of two tensors. */
export function max(x: Tensor, other: Tensor): Tensor;
/** The largest elements along a dimension, and their indices; the gradient goes to the chosen one. */
export function max(x: Tensor, dim: number, options?: boolean | KeepdimOptions): ValuesAndIndices;
export function max(x: Tensor, other?: Tensor | number, options?: boolean | KeepdimOptions): Tensor | ValuesAndIndices {
  expectTensor('max', x);
  if (typeof other === 'number') return pickAlong(x, other, reduceOptions('max', options).keepdim, argmax);
  if (options !== undefined) throw new ArgumentError('max', 'takes options only after a dimension');
  return other === undefined ? amax(x) : maximum(x, expectTensor('max', other, 'a dimension or a tensor'));
}

/** The smallest element of all. */
export function min(x: Tensor): Tensor;
/** Elementwise minimum of two tensors. */
export function min(x: Tensor, other: Tensor): Tensor;
/** The smallest elements along a dimension, and their indices; the gradient goes to the chosen one. */
export function min(x: Tensor, dim: number, options?: boolean | KeepdimOptions): ValuesAndIndices;
export function min(x: Tensor, other?: Tensor | number, options?: boolean | KeepdimOptions): Tensor | ValuesAndIndices {
  expectTensor('min', x);
  if (typeof other === 'number') return pickAlong(x, other, reduceOptions('min', options).keepdim, argmin);
  if (options !== undefined) throw new ArgumentError('min', 'takes options only after a dimension');
  return other === undefined ? amin(x) : minimum(x, expectTensor('min', other, 'a dimension or a tensor'));
}

/** The elements as bool: whether they differ from zero. */
const truth = (x: Tensor): Tensor => (dtypeOf(x) === 'bool' ? x : ne(x, 0));

/** Whether any element is non-zero, over dimensions or altogether. */
export function any(x: Tensor, dim?: Dims, options?: boolean | KeepdimOptions): Tensor {
  expectTensor('any', x);
  // Here, and in `all`, an empty list of dimensions means none, unlike in the sums.
  return reduceTruth('any', AMAX, x, resolveDims('any', dim, ndimOf(x)), reduceOptions('any', options).keepdim, 0);
}

/** Whether all elements are non-zero, over dimensions or altogether. */
export function all(x: Tensor, dim?: Dims, options?: boolean | KeepdimOptions): Tensor {
  expectTensor('all', x);
  return reduceTruth('all', AMIN, x, resolveDims('all', dim, ndimOf(x)), reduceOptions('all', options).keepdim, 1);
}

function reduceTruth(
  op: string,
  opcode: number,
  x: Tensor,
  dims: Shape,
  keepdim: boolean | undefined,
  empty: number,
): Tensor {
  const out = reduceKernel(op, opcode, truth(x), dims, 'bool', empty);
  return keepdim === true ? restore(out, shapeOf(x), dims) : out;
}

/** Number of elements that are not zero, over dimensions or altogether. */
export const countNonzero = (x: Tensor, dim?: Dims): Tensor => sum(truth(expectTensor('countNonzero', x)), dim);

/**
 * Deviations from a mean without what rounding left of it: that is the mean of the deviations, which are small enough to
 * have it exactly (Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance", 1983).
 */
const recentred = (deviations: Tensor, dims: Dims): Tensor => sub(deviations, mean(deviations, dims, true));

/** x without its mean over dimensions. */
export const centred = (x: Tensor, dims: Dims): Tensor => recentred(sub(x, mean(x, dims, true)), dims);

/** Options of variances. */
export interface VarianceOptions extends KeepdimOptions {
  /** Subtracted from the number of elements: 1 (Bessel's correction) by default, 0 for the whole population. */
  correction?: number;
  /** The same as a boolean: `false` for a correction of 0. Not together with `correction`. */
  unbiased?: boolean;
}

function readVariance(op: string, given: readonly unknown[]): { dim: Dims; keepdim: boolean; correction: number } {
  const [dim, ...rest] = typeof given[0] === 'boolean' ? [null, ...given] : given;
  const { unbiased, keepdim, correction } = argumentsByName(op, ['unbiased', 'keepdim', 'correction'], rest);
  if (unbiased !== undefined && correction !== undefined)
    throw new ArgumentError(op, 'takes unbiased or correction, not both');
  const free = correction ?? (expectFlag(op, 'unbiased', unbiased ?? true) ? 1 : 0);
  if (typeof free !== 'number' || Number.isNaN(free))
    throw new ArgumentError(op, `correction is a number, got ${describe(free)}`);
  return { dim: dim as Dims, keepdim: expectFlag(op, 'keepdim', keepdim ?? false), correction: free };
}

function moments(op: string, x: Tensor, given: readonly unknown[]): { variance: Tensor; mean: Tensor } {
  expectTensor(op, x);
  if (!x.isFloatingPoint) throw new DTypeError(op, `wants a floating point tensor, got ${dtypeOf(x)}`);
  const { dim, keepdim, correction } = readVariance(op, given);
  const dims = dimsOrAll(op, x, dim);
  const centre = mean(x, dims, true);
  const free = Math.max(countOf(x, dims) - correction, 0);
  const variance = div(sum(square(recentred(sub(x, centre), dims)), dims, keepdim), free);
  return { variance, mean: keepdim ? centre : reshape(centre, reducedShape(shapeOf(x), dims, false)) };
}

/**
 * Variance over dimensions, all by default, with Bessel's correction unless `correction` or `unbiased` say otherwise. As in PyTorch,
 * `unbiased` may stand alone or after the dimensions, and `keepdim` behind it; what comes last may be an options object.
 */
const variance = (
  x: Tensor,
  dim?: Dims | boolean,
  unbiased?: boolean | VarianceOptions,
  keepdim?: boolean | VarianceOptions,
): Tensor => moments('var', x, [dim, unbiased, keepdim]).variance;

export { variance as var };

/** Standard deviation over dimensions, all by default. Its derivatives are 0 where it is 0. */
export const std = (
  x: Tensor,
  dim?: Dims | boolean,
  unbiased?: boolean | VarianceOptions,
  keepdim?: boolean | VarianceOptions,
): Tensor => rootOfSquares(moments('std', x, [dim, unbiased, keepdim]).variance);

/** Variance and mean in one call. */
export function varMean(
  x: Tensor,
  dim?: Dims | boolean,
  unbiased?: boolean | VarianceOptions,
  keepdim?: boolean | VarianceOptions,
): [Tensor, Tensor] {
  const { variance: v, mean: m } = moments('varMean', x, [dim, unbiased, keepdim]);
  return [v, m];
}

/** Standard deviation and mean in one call. */
export function stdMean(
  x: Tensor,
  dim?: Dims | boolean,
  unbiased?: boolean | VarianceOptions,
  keepdim?: boolean | VarianceOptions,
): [Tensor, Tensor] {
  const { variance: v, mean: m } = moments('stdMean', x, [dim, unbiased, keepdim]);
  return [rootOfSquares(v), m];
}

/** log Σ eˣ over dimensions, without overflow. */
export function logsumexp(x: Tensor, dim: Dims, options?: boolean | KeepdimOptions): Tensor {
  expectTensor('logsumexp', x);
  const { keepdim } = reduceOptions('logsumexp', options);
  const source = x.isFloatingPoint ? x : castTo(x, 'float32');
  const dims = dimsOrAll('logsumexp', x, dim);
  if (countOf(source, dims) === 0) return log(sum(source, dims, keepdim));
  const peak = amax(
    makeTensor(storageOf(source), dtypeOf(source), shapeOf(source), stridesOf(source), offsetOf(source)),
    dims,
    true,
  );
  // An infinite peak would give ∞ − ∞.
  const shift = where(isinf(peak), 0, peak);
  const out = add(log(sum(exp(sub(source, shift)), dims, true)), shift);
  return keepdim ? out : reshape(out, reducedShape(shapeOf(x), dims, false));
}

/**
 * Vector norm over dimensions: (Σ |x|ᵖ)^(1/p). p may be ±Infinity (largest, smallest magnitude), 0 (how many are not zero),
 * or 'fro', which is 2.
 */
export function norm(x: Tensor, p: number | 'fro' = 'fro', dim?: Dims, options?: boolean | ReduceOptions): Tensor {
  expectTensor('norm', x);
  const { keepdim, dtype } = reduceOptions('norm', options, KEEPDIM_AND_DTYPE);
  const source = castTo(x, dtype ?? dtypeOf(x));
  if (!source.isFloatingPoint) throw new DTypeError('norm', `wants a floating point tensor, got ${dtypeOf(source)}`);
  const order = p === 'fro' ? 2 : p;
  if (typeof order !== 'number' || Number.isNaN(order))
    throw new ArgumentError('norm', `p is a number or 'fro', got ${describe(p)}`);
  const dims = dimsOrAll('norm', x, dim);
  if (order === 2) return rootOfSquares(sum(square(source), dims, keepdim));
  const size = abs(source);
  if (order === Number.POSITIVE_INFINITY) return amax(size, dims, keepdim);
  if (order === Number.NEGATIVE_INFINITY) return amin(size, dims, keepdim);
  if (order === 0) return constantOf('norm', source, sum(castTo(ne(source, 0), dtypeOf(source)), dims, keepdim));
  if (order === 1) return sum(size, dims, keepdim);
  if (order < 0 && countOf(source, dims) === 0)
    throw new ShapeError(
      'norm',
      `of order ${order} has no value for no elements, got shape ${formatShape(shapeOf(x))}`,
    );
  return powerNorm(source, order, dims, keepdim);
}

/**
 * Square root of a sum of squares. The root of 0 has the slope ∞, and the squares' slope is 0; the norm that they make up has a kink
 * there, and its derivatives are taken to be 0, of the first order and of all others.
 */
function rootOfSquares(squares: Tensor): Tensor {
  if (!tracks([squares])) return sqrt(squares);
  const zero = eq(squares, 0);
  return where(zero, 0, sqrt(where(zero, 1, squares)));
}

/**
 * (Σ |x|ᵖ)^(1/p) for any other p. Where the norm is 0 its derivatives are 0, as for p = 2: for p > 0 that is where all elements are
 * zero, for p < 0 where any is. For p < 1 the slope at a single zero is infinite, and taken to be 0 as well (PyTorch's choice);
 * for 1 < p < 2 the second derivative at a single zero is infinite, and NaN.
 */
function powerNorm(x: Tensor, p: number, dims: Shape, keepdim: boolean): Tensor {
  if (!tracks([x])) return pow(sum(pow(abs(x), p), dims, keepdim), 1 / p);
  // What the formula is kept away from: vectors of zeros, or every single one.
  const none = eq(p > 1 ? sum(abs(detach(x)), dims, true) : x, 0);
  const terms = where(none, p > 0 ? 0 : Number.POSITIVE_INFINITY, pow(where(none, 1, abs(x)), p));
  const total = sum(terms, dims, keepdim);
  const zero = p > 0 ? eq(total, 0) : isinf(total);
  return where(zero, 0, pow(where(zero, 1, total), 1 / p));
}
