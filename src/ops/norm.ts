/** Layer and root mean square normalisation. The backward kernels serve where the gradient is not differentiated again. */
import { track, tracks } from '../autograd/track.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { add, mul, rsqrt, square, sub } from '../generated/elementwise.ts';
import {
  LAYER_NORM,
  LAYER_NORM_BACKWARD,
  LAYER_NORM_BACKWARD_AFFINE,
  RMS_NORM,
  RMS_NORM_BACKWARD,
  RMS_NORM_BACKWARD_AFFINE,
} from '../generated/opcodes.ts';
import { allocate, commonHeap, emit, expectTensor, operand } from '../tensor/create.ts';
import { resolveShape, type Shape, sameShape, sizeOf } from '../tensor/layout.ts';
import { dtypeOf, ndimOf, numelOf, shapeOf, storageOf, type Tensor } from '../tensor/tensor.ts';
import { contiguous, filled } from './convert.ts';
import { named } from './params.ts';
import { centred, mean, sum } from './reduce.ts';
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

/** Options of `rmsNorm`. */
export interface RMSNormOptions {
  /** Factor of every feature. */
  weight?: Tensor | null;
  /** Added to the mean of the squares; the machine epsilon of the dtype by default. */
  eps?: number | null;
}

const PER_ROW = [1, 0] as const;
const PER_FEATURE = [0, 1] as const;

/** The sizes of the dimensions that are normalised. */
function featuresOf(op: string, x: Tensor, normalizedShape: number | Shape): number[] {
  expectTensor(op, x);
  if (!x.isFloatingPoint) throw new DTypeError(op, `wants a floating point tensor, got ${dtypeOf(x)}`);
  const features = resolveShape(op, typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape);
  if (features.length === 0 || !sameShape(shapeOf(x).slice(-features.length), features))
    throw new ShapeError(op, `an input of shape ${formatShape(shapeOf(x))} does not end in ${formatShape(features)}`);
  return features;
}

function affine(op: string, x: Tensor, shape: Shape, name: string, value: unknown): Tensor | null {
  if (value === null) return null;
  const tensor = expectTensor(op, value, `a tensor as ${name}`);
  if (!sameShape(shapeOf(tensor), shape))
    throw new ShapeError(op, `wants a ${name} of shape ${formatShape(shape)}, got ${formatShape(shapeOf(tensor))}`);
  if (dtypeOf(tensor) !== dtypeOf(x))
    throw new DTypeError(
      op,
      `the input is ${dtypeOf(x)} and the ${name} ${dtypeOf(tensor)}; convert one with to({ dtype })`,
    );
  return contiguous(tensor);
}

function epsilon(op: string, value: unknown, fallback: number): number {
  if (value === null) return fallback;
  if (typeof value !== 'number') throw new ArgumentError(op, `eps is a number, got ${describe(value)}`);
  return value;
}

/** The iteration space, and operands that walk all of it, its rows, or its features. */
function spaceOf(x: Tensor, features: Shape) {
  const n = sizeOf(features);
  const whole = [n, 1] as const;
  return {
    shape: [n === 0 ? 0 : numelOf(x) / n, n] as const,
    all: (tensor: Tensor) => operand(tensor, whole),
    perRow: (tensor: Tensor) => operand(tensor, PER_ROW),
    perFeature: (tensor: Tensor | null | undefined) => (tensor ? operand(tensor, PER_FEATURE) : null),
  };
}

/** Room for the gradient of a weight or bias. The kernel writes nothing where there are no rows. */
const roomFor = (op: string, features: Shape, x: Tensor): Tensor =>
  numelOf(x) === 0 ? filled(op, features, 0, x) : allocate(op, storageOf(x).heap, dtypeOf(x), features);

/** Sums over the dimensions before the features. */
function overRows(terms: Tensor, features: Shape): Tensor {
  const lead = ndimOf(terms) - features.length;
  return lead === 0
    ? terms
    : reshape(
        sum(
          terms,
          Array.from({ length: lead }, (_, d) => d),
        ),
        features,
      );
}

/** The dimensions of the features. */
const featureDims = (x: Tensor, features: Shape): number[] => features.map((_, i) => ndimOf(x) - features.length + i);

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
  const features = featuresOf(op, x, normalizedShape);
  const given = named(op, ['weight', 'bias', 'eps'], [weight, bias, eps]);
  const [factor, shift] = [
    affine(op, x, features, 'weight', given.weight),
    affine(op, x, features, 'bias', given.bias),
  ];
  const e = epsilon(op, given.eps, 1e-5);
  const heap = commonHeap(op, [x, factor, shift]);
  const source = contiguous(x);
  const { shape, all, perRow, perFeature } = spaceOf(source, features);
  const out = allocate(op, heap, dtypeOf(x), shapeOf(x));
  const [average, rstd] = [allocate(op, heap, dtypeOf(x), [shape[0]]), allocate(op, heap, dtypeOf(x), [shape[0]])];
  emit(op, heap, {
    opcode: LAYER_NORM,
    dtype: dtypeOf(x),
    shape,
    operands: [all(out), perRow(average), perRow(rstd), all(source), perFeature(factor), perFeature(shift)],
    params: [e],
  });
  const saved = [source, average, rstd, ...(factor ? [factor] : [])];
  track(op, [source, factor, shift], [out], saved, ([g], [input, mu, scale, w], needs) => {
    const [grad, values] = [g as Tensor, input as Tensor];
    return tracks([grad, values, w])
      ? composedLayerNorm(grad, values, w, features, e, needs)
      : fusedLayerNorm(contiguous(grad), values, mu as Tensor, scale as Tensor, w, features, needs);
  });
  return out;
}

/** Gradients by the backward kernels. */
function fusedLayerNorm(
  g: Tensor,
  x: Tensor,
  mu: Tensor,
  rstd: Tensor,
  weight: Tensor | undefined,
  features: Shape,
  [needsX, needsWeight, needsBias]: readonly boolean[],
): (Tensor | null)[] {
  const op = 'layerNorm';
  const { heap } = storageOf(g);
  const { shape, all, perRow, perFeature } = spaceOf(x, features);
  const given = [all(g), all(x), perRow(mu), perRow(rstd)];
  const dx = needsX ? allocate(op, heap, dtypeOf(g), shapeOf(x)) : null;
  if (dx !== null) {
    const operands = [all(dx), ...given, perFeature(weight)];
    emit(op, heap, { opcode: LAYER_NORM_BACKWARD, dtype: dtypeOf(g), shape, operands });
  }
  if (!needsWeight && !needsBias) return [dx, null, null];
  const [dweight, dbias] = [needsWeight, needsBias].map((needs) => (needs ? roomFor(op, features, x) : null)) as [
    Tensor | null,
    Tensor | null,
  ];
  const operands = [perFeature(dweight), perFeature(dbias), ...given];
  emit(op, heap, { opcode: LAYER_NORM_BACKWARD_AFFINE, dtype: dtypeOf(g), shape, operands });
  return [dx, dweight, dbias];
}

/** The same gradients in differentiable ops, the statistics computed anew. */
function composedLayerNorm(
  g: Tensor,
  x: Tensor,
  weight: Tensor | undefined,
  features: Shape,
  eps: number,
  [needsX, needsWeight, needsBias]: readonly boolean[],
): (Tensor | null)[] {
  const dims = featureDims(x, features);
  const deviations = centred(x, dims);
  const rstd = rsqrt(add(mean(square(deviations), dims, true), eps));
  const normal = mul(deviations, rstd);
  const slope = weight ? mul(g, weight) : g;
  const along = () => mul(normal, mean(mul(slope, normal), dims, true));
  return [
    needsX ? mul(rstd, sub(sub(slope, mean(slope, dims, true)), along())) : null,
    needsWeight ? overRows(mul(g, normal), features) : null,
    needsBias ? overRows(g, features) : null,
  ];
}

/**
 * x / √(mean(x²) + eps) · weight, the mean taken over the last dimensions (Zhang and Sennrich, "Root Mean Square Layer
 * Normalization", 2019).
 * @param x [..., normalizedShape]
 * @param normalizedShape the sizes of the last dimensions, or the size of the last one
 * @param weight of shape normalizedShape; it and what follows may be given in an options object
 * @param eps the machine epsilon of the dtype by default
 */
export function rmsNorm(
  x: Tensor,
  normalizedShape: number | Shape,
  weight?: Tensor | null | RMSNormOptions,
  eps?: number | null | RMSNormOptions,
): Tensor {
  const op = 'rmsNorm';
  const features = featuresOf(op, x, normalizedShape);
  const given = named(op, ['weight', 'eps'], [weight, eps]);
  const factor = affine(op, x, features, 'weight', given.weight);
  const e = epsilon(op, given.eps, dtypeOf(x) === 'float32' ? 2 ** -23 : 2 ** -52);
  const heap = commonHeap(op, [x, factor]);
  const source = contiguous(x);
  const { shape, all, perRow, perFeature } = spaceOf(source, features);
  const [out, rstd] = [allocate(op, heap, dtypeOf(x), shapeOf(x)), allocate(op, heap, dtypeOf(x), [shape[0]])];
  const operands = [all(out), perRow(rstd), all(source), perFeature(factor)];
  emit(op, heap, { opcode: RMS_NORM, dtype: dtypeOf(x), shape, operands, params: [e] });
  const saved = [source, rstd, ...(factor ? [factor] : [])];
  track(op, [source, factor], [out], saved, ([g], [input, scale, w], needs) => {
    const [grad, values] = [g as Tensor, input as Tensor];
    return tracks([grad, values, w])
      ? composedRmsNorm(grad, values, w, features, e, needs)
      : fusedRmsNorm(contiguous(grad), values, scale as Tensor, w, features, needs);
  });
  return out;
}

function fusedRmsNorm(
  g: Tensor,
  x: Tensor,
  rstd: Tensor,
  weight: Tensor | undefined,
  features: Shape,
  [needsX, needsWeight]: readonly boolean[],
): (Tensor | null)[] {
  const op = 'rmsNorm';
  const { heap } = storageOf(g);
  const { shape, all, perRow, perFeature } = spaceOf(x, features);
  const given = [all(g), all(x), perRow(rstd)];
  const dx = needsX ? allocate(op, heap, dtypeOf(g), shapeOf(x)) : null;
  if (dx !== null) {
    const operands = [all(dx), ...given, perFeature(weight)];
    emit(op, heap, { opcode: RMS_NORM_BACKWARD, dtype: dtypeOf(g), shape, operands });
  }
  const dweight = needsWeight ? roomFor(op, features, x) : null;
  if (dweight !== null) {
    const operands = [perFeature(dweight), ...given];
    emit(op, heap, { opcode: RMS_NORM_BACKWARD_AFFINE, dtype: dtypeOf(g), shape, operands });
  }
  return [dx, dweight];
}

function composedRmsNorm(
  g: Tensor,
  x: Tensor,
  weight: Tensor | undefined,
  features: Shape,
  eps: number,
  [needsX, needsWeight]: readonly boolean[],
): (Tensor | null)[] {
  const dims = featureDims(x, features);
  const rstd = rsqrt(add(mean(square(x), dims, true), eps));
  const normal = mul(x, rstd);
  const slope = weight ? mul(g, weight) : g;
  return [
    needsX ? mul(rstd, sub(slope, mul(normal, mean(mul(slope, normal), dims, true)))) : null,
    needsWeight ? overRows(mul(g, normal), features) : null,
  ];
}
