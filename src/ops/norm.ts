/** Layer normalisation. Its backward kernels serve where the gradient is not differentiated again. */
import { track, tracks } from '../autograd/track.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { add, mul, rsqrt, square, sub } from '../generated/elementwise.ts';
import { LAYER_NORM, LAYER_NORM_BACKWARD, LAYER_NORM_BACKWARD_AFFINE } from '../generated/opcodes.ts';
import { allocate, commonHeap, emit, expectTensor, operand } from '../tensor/create.ts';
import { resolveShape, type Shape, sameShape, sizeOf } from '../tensor/layout.ts';
import { checkOptions } from '../tensor/options.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { contiguous, filled } from './convert.ts';
import { mean, sum } from './reduce.ts';
import { reshape } from './view.ts';

/** Options of `layerNorm`. */
export interface LayerNormOptions {
  /** Factor of every feature. */
  weight?: Tensor | null;
  /** Added to every feature. */
  bias?: Tensor | null;
  /** Added to the variance; 1e-5 by default. */
  eps?: number;
}

/** The iteration space, and the strides of an operand that fills it. */
interface Rows {
  shape: [rows: number, features: number];
  whole: [number, number];
}

const PER_ROW = [1, 0] as const;
const PER_FEATURE = [0, 1] as const;
const NAMES = ['weight', 'bias', 'eps'] as const;

const isOptions = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** What follows the shape: given one by one, or in an options object in the place of any of them. */
function parameters(
  op: string,
  x: Tensor,
  shape: Shape,
  given: readonly unknown[],
): { weight: Tensor | null; bias: Tensor | null; eps: number } {
  const at = given.findIndex(isOptions);
  const options = at < 0 ? {} : checkOptions(op, given[at], NAMES);
  const [weight, bias, eps] = NAMES.map((name, i) => (i === at ? undefined : given[i]) ?? options[name] ?? null);
  const affine = (name: string, value: unknown): Tensor | null => {
    if (value === null) return null;
    const tensor = expectTensor(op, value, `a tensor as ${name}`);
    if (!sameShape(tensor.shape, shape))
      throw new ShapeError(op, `wants a ${name} of shape ${formatShape(shape)}, got ${formatShape(tensor.shape)}`);
    if (tensor.dtype !== x.dtype)
      throw new DTypeError(
        op,
        `the input is ${x.dtype} and the ${name} ${tensor.dtype}; convert one with to({ dtype })`,
      );
    return contiguous(tensor);
  };
  if (eps !== null && typeof eps !== 'number') throw new ArgumentError(op, `eps is a number, got ${describe(eps)}`);
  return { weight: affine('weight', weight), bias: affine('bias', bias), eps: eps ?? 1e-5 };
}

/**
 * (x − mean) / √(variance + eps) · weight + bias, the statistics taken over the last dimensions (Ba, Kiros and Hinton,
 * "Layer Normalization", 2016).
 * @param x [..., normalizedShape]
 * @param normalizedShape the sizes of the last dimensions, or the size of the last one
 * @param weight of shape normalizedShape; it and what follows may be given in an options object
 * @param bias of shape normalizedShape
 */
export function layerNorm(
  x: Tensor,
  normalizedShape: number | Shape,
  weight?: Tensor | null | LayerNormOptions,
  bias?: Tensor | null | LayerNormOptions,
  eps?: number | LayerNormOptions,
): Tensor {
  const op = 'layerNorm';
  expectTensor(op, x);
  if (!x.isFloatingPoint) throw new DTypeError(op, `wants a floating point tensor, got ${x.dtype}`);
  const features = resolveShape(op, typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape);
  if (features.length === 0 || !sameShape(x.shape.slice(-features.length), features))
    throw new ShapeError(op, `an input of shape ${formatShape(x.shape)} does not end in ${formatShape(features)}`);
  const given = parameters(op, x, features, [weight, bias, eps]);
  const heap = commonHeap(op, [x, given.weight, given.bias]);
  const source = contiguous(x);
  const n = sizeOf(features);
  const rows: Rows = { shape: [n === 0 ? 0 : x.size / n, n], whole: [n, 1] };
  const out = allocate(op, heap, x.dtype, x.shape);
  const average = allocate(op, heap, x.dtype, [rows.shape[0]]);
  const scale = allocate(op, heap, x.dtype, [rows.shape[0]]);
  const perFeature = (tensor: Tensor | null) => (tensor === null ? null : operand(tensor, PER_FEATURE));
  emit(op, heap, {
    opcode: LAYER_NORM,
    dtype: x.dtype,
    shape: rows.shape,
    operands: [
      operand(out, rows.whole),
      operand(average, PER_ROW),
      operand(scale, PER_ROW),
      operand(source, rows.whole),
      perFeature(given.weight),
      perFeature(given.bias),
    ],
    params: [given.eps],
  });
  const saved = [source, average, scale, ...(given.weight ? [given.weight] : [])];
  const epsilon = given.eps;
  track(op, [source, given.weight, given.bias], [out], saved, ([g], [input, mu, rstd, factor], needs) => {
    const [grad, values] = [g as Tensor, input as Tensor];
    if (tracks([grad, values, factor])) return composed(grad, values, factor, features, epsilon, needs);
    return fused(contiguous(grad), values, mu as Tensor, rstd as Tensor, factor, features, rows, needs);
  });
  return out;
}

/** Gradients by the backward kernels. */
function fused(
  g: Tensor,
  x: Tensor,
  mu: Tensor,
  rstd: Tensor,
  weight: Tensor | undefined,
  features: Shape,
  { shape, whole }: Rows,
  [needsX, needsWeight, needsBias]: readonly boolean[],
): (Tensor | null)[] {
  const { heap } = g.storage;
  const given = [operand(g, whole), operand(x, whole), operand(mu, PER_ROW), operand(rstd, PER_ROW)];
  let dx: Tensor | null = null;
  if (needsX) {
    dx = allocate('layerNorm', heap, g.dtype, x.shape);
    const operands = [operand(dx, whole), ...given, weight ? operand(weight, PER_FEATURE) : null];
    emit('layerNorm', heap, { opcode: LAYER_NORM_BACKWARD, dtype: g.dtype, shape, operands });
  }
  if (!needsWeight && !needsBias) return [dx, null, null];
  // The kernel writes nothing where there are no rows.
  const fresh = () =>
    x.size === 0 ? filled('layerNorm', features, 0, g) : allocate('layerNorm', heap, g.dtype, features);
  const [dweight, dbias] = [needsWeight ? fresh() : null, needsBias ? fresh() : null];
  emit('layerNorm', heap, {
    opcode: LAYER_NORM_BACKWARD_AFFINE,
    dtype: g.dtype,
    shape,
    operands: [...[dweight, dbias].map((result) => (result === null ? null : operand(result, PER_FEATURE))), ...given],
  });
  return [dx, dweight, dbias];
}

/** The same gradients in differentiable ops, the statistics computed anew. */
function composed(
  g: Tensor,
  x: Tensor,
  weight: Tensor | undefined,
  features: Shape,
  eps: number,
  [needsX, needsWeight, needsBias]: readonly boolean[],
): (Tensor | null)[] {
  const lead = x.ndim - features.length;
  const dims = features.map((_, i) => lead + i);
  const others = Array.from({ length: lead }, (_, i) => i);
  const overRows = (terms: Tensor) => (lead === 0 ? terms : reshape(sum(terms, others), features));
  const centred = sub(x, mean(x, dims, true));
  const rstd = rsqrt(add(mean(square(centred), dims, true), eps));
  const normal = mul(centred, rstd);
  const slope = weight ? mul(g, weight) : g;
  const along = () => mul(normal, mean(mul(slope, normal), dims, true));
  return [
    needsX ? mul(rstd, sub(sub(slope, mean(slope, dims, true)), along())) : null,
    needsWeight ? overRows(mul(g, normal)) : null,
    needsBias ? overRows(g) : null,
  ];
}
