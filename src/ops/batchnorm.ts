/** Batch normalisation. The backward kernel serves where the gradient is not differentiated again. */
import { noGrad } from '../autograd/mode.ts';
import { track, tracks } from '../autograd/track.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { add, lerp_, mul, rsqrt, square, sub } from '../generated/elementwise.ts';
import { BATCH_NORM, BATCH_NORM_BACKWARD } from '../generated/opcodes.ts';
import { allocate, commonHeap, emit, expectTensor, operand } from '../tensor/create.ts';
import { dtypeOf, ndimOf, numelOf, shapeOf, storageOf, type Tensor } from '../tensor/tensor.ts';
import { clone, contiguous, detach } from './convert.ts';
import { named } from './params.ts';
import { centred, mean, sum } from './reduce.ts';
import { reshape } from './view.ts';
import { flagOf } from './window.ts';

/** Options of `batchNorm`. */
export interface BatchNormOptions {
  /** Factor of every channel. */
  weight?: Tensor | null;
  /** Added to every channel. */
  bias?: Tensor | null;
  /** Whether to take the statistics of x, and move the running ones towards them; false by default. */
  training?: boolean | null;
  /** How far the running statistics move; 0.1 by default. */
  momentum?: number | null;
  /** Added to the variance; 1e-5 by default. */
  eps?: number | null;
}

/** @internal What `batchNorm` takes besides x, as a module hands it over. */
export interface BatchNormSetting {
  runningMean: Tensor | null;
  runningVar: Tensor | null;
  weight: Tensor | null;
  bias: Tensor | null;
  training: boolean;
  /** A 0-d tensor where it changes from step to step. */
  momentum: number | Tensor;
  eps: number;
}

/** x as [n, c, l], and operands that walk all of it or its channels. */
function spaceOf(x: Tensor) {
  const [n, c] = shapeOf(x) as readonly [number, number];
  const l = numelOf(x) / (n * c);
  const whole = [c * l, l, 1] as const;
  return {
    shape: [n, c, l] as const,
    all: (tensor: Tensor) => operand(tensor, whole),
    perChannel: (tensor: Tensor | null | undefined) => (tensor ? operand(tensor, [0, 1, 0]) : null),
  };
}

/** One number per channel, so that it broadcasts against `x`. */
const spread = (channels: Tensor, x: Tensor): Tensor =>
  reshape(
    channels,
    shapeOf(x).map((n, d) => (d === 1 ? n : 1)),
  );

/** All dimensions but that of the channels. */
const others = (x: Tensor): number[] =>
  shapeOf(x)
    .map((_, d) => d)
    .filter((d) => d !== 1);

/** Gradients by the backward kernel. */
function fused(
  op: string,
  g: Tensor,
  x: Tensor,
  average: Tensor,
  variance: Tensor,
  weight: Tensor | undefined,
  eps: number,
  [needsX, needsWeight, needsBias]: readonly boolean[],
): (Tensor | null)[] {
  const { heap } = storageOf(g);
  const { shape, all, perChannel } = spaceOf(x);
  const dx = needsX ? allocate(op, heap, dtypeOf(g), shapeOf(x)) : null;
  const [dweight, dbias] = [average, average].map(() => allocate(op, heap, dtypeOf(g), shapeOf(average))) as [
    Tensor,
    Tensor,
  ];
  emit(op, heap, {
    opcode: BATCH_NORM_BACKWARD,
    dtype: dtypeOf(g),
    shape,
    operands: [
      dx && all(dx),
      ...[dweight, dbias].map(perChannel),
      ...[g, x].map(all),
      ...[average, variance, weight].map(perChannel),
    ],
    params: [eps],
  });
  return [dx, needsWeight ? dweight : null, needsBias ? dbias : null];
}

/** The same gradients in differentiable ops, the statistics computed anew. */
function composed(
  g: Tensor,
  x: Tensor,
  weight: Tensor | undefined,
  eps: number,
  [needsX, needsWeight, needsBias]: readonly boolean[],
): (Tensor | null)[] {
  const dims = others(x);
  const deviations = centred(x, dims);
  const rstd = rsqrt(add(mean(square(deviations), dims, true), eps));
  const normal = mul(deviations, rstd);
  const slope = weight ? mul(g, spread(weight, x)) : g;
  const along = () => mul(normal, mean(mul(slope, normal), dims, true));
  return [
    needsX ? mul(rstd, sub(sub(slope, mean(slope, dims, true)), along())) : null,
    needsWeight ? sum(mul(g, normal), dims) : null,
    needsBias ? sum(g, dims) : null,
  ];
}

/** By the statistics of x itself. */
function byBatch(op: string, x: Tensor, setting: BatchNormSetting): Tensor {
  const { runningMean, runningVar, weight, bias, momentum, eps } = setting;
  const heap = commonHeap(op, [x, weight, bias, runningMean, runningVar]);
  const source = contiguous(x);
  const [factor, shift] = [weight && contiguous(weight), bias && contiguous(bias)];
  const { shape, all, perChannel } = spaceOf(source);
  const [n, c, l] = shape;
  const out = allocate(op, heap, dtypeOf(x), shapeOf(x));
  const [average, variance] = [allocate(op, heap, dtypeOf(x), [c]), allocate(op, heap, dtypeOf(x), [c])];
  emit(op, heap, {
    opcode: BATCH_NORM,
    dtype: dtypeOf(x),
    shape,
    operands: [all(out), ...[average, variance].map(perChannel), all(source), ...[factor, shift].map(perChannel)],
    params: [eps],
  });
  noGrad(() => {
    if (runningMean !== null) lerp_(runningMean, average, momentum);
    if (runningVar !== null) lerp_(runningVar, mul(variance, (n * l) / (n * l - 1)), momentum);
  });
  const saved = [source, average, variance, ...(factor ? [factor] : [])];
  track(op, [source, factor, shift], [out], saved, ([g], [input, mu, squares, w], needs) => {
    const [grad, values] = [g as Tensor, input as Tensor];
    return tracks([grad, values, w])
      ? composed(grad, values, w, eps, needs)
      : fused(op, contiguous(grad), values, mu as Tensor, squares as Tensor, w, eps, needs);
  });
  return out;
}

/** By statistics that were given. */
function byRunning(x: Tensor, { runningMean, runningVar, weight, bias, eps }: BatchNormSetting): Tensor {
  const rstd = rsqrt(add(detach(runningVar as Tensor), eps));
  const scale = weight === null ? rstd : mul(rstd, weight);
  const out = mul(sub(x, spread(detach(runningMean as Tensor), x)), spread(scale, x));
  return bias === null ? out : add(out, spread(bias, x));
}

/** Checks that there is one number per channel, unless there is nothing. */
function checkChannels(op: string, x: Tensor, name: string, value: unknown): void {
  if (value === null) return;
  const tensor = expectTensor(op, value, `a tensor as ${name}`);
  const channels = shapeOf(x)[1] ?? 0;
  if (ndimOf(tensor) !== 1 || numelOf(tensor) !== channels)
    throw new ShapeError(op, `wants a ${name} of shape [${channels}], got ${formatShape(shapeOf(tensor))}`);
  if (dtypeOf(tensor) !== dtypeOf(x))
    throw new DTypeError(
      op,
      `the input is ${dtypeOf(x)} and the ${name} ${dtypeOf(tensor)}; convert one with to({ dtype })`,
    );
}

function numberOf(op: string, name: string, value: unknown, fallback: number): number {
  if (value === null) return fallback;
  if (typeof value !== 'number') throw new ArgumentError(op, `${name} is a number, got ${describe(value)}`);
  return value;
}

/** @internal `batchNorm` with its checks, of a momentum that may be a tensor. */
export function normalizeBatch(op: string, value: unknown, setting: BatchNormSetting): Tensor {
  const x = expectTensor(op, value);
  // PyTorch lets a vector pass that has no elements.
  if (ndimOf(x) < 2 && !(ndimOf(x) === 1 && numelOf(x) === 0))
    throw new ShapeError(op, `wants a tensor of shape [N, C] or [N, C, …], got ${formatShape(shapeOf(x))}`);
  if (!x.isFloatingPoint) throw new DTypeError(op, `wants a floating point tensor, got ${dtypeOf(x)}`);
  const { runningMean, runningVar, weight, bias, training } = setting;
  for (const [name, tensor] of Object.entries({ runningMean, runningVar, weight, bias }))
    checkChannels(op, x, name, tensor);
  if (!training && (runningMean === null || runningVar === null))
    throw new ArgumentError(op, 'wants runningMean and runningVar outside of training');
  if (numelOf(x) === 0) return clone(x);
  if (!training) return byRunning(x, setting);
  if (numelOf(x) === shapeOf(x)[1])
    throw new ShapeError(op, `wants more than one value per channel in training, got ${formatShape(shapeOf(x))}`);
  return byBatch(op, x, setting);
}

/**
 * (x − mean) / √(variance + eps) · weight + bias for every channel (Ioffe and Szegedy, "Batch Normalization", 2015). In
 * training the statistics are those of x, and the running ones move towards them in place, by `momentum`; the running variance
 * with Bessel's correction. Otherwise the running ones are used.
 * @param x [N, C] or [N, C, …], float32 or float64
 * @param runningMean [C]; may be null in training
 * @param runningVar [C]; may be null in training
 * @param weight [C]; it and what follows may be given in an options object
 * @param bias [C]
 * @throws ShapeError for shapes that do not fit and for a single value per channel in training, DTypeError for integers or
 * two dtypes, ArgumentError for missing running statistics
 */
export function batchNorm(
  x: Tensor,
  runningMean?: Tensor | null,
  runningVar?: Tensor | null,
  weight?: Tensor | null | BatchNormOptions,
  bias?: Tensor | null | BatchNormOptions,
  training?: boolean | null | BatchNormOptions,
  momentum?: number | null | BatchNormOptions,
  eps?: number | null | BatchNormOptions,
): Tensor {
  const op = 'batchNorm';
  const names = ['weight', 'bias', 'training', 'momentum', 'eps'] as const;
  const given = named(op, names, [weight, bias, training, momentum, eps]);
  return normalizeBatch(op, x, {
    runningMean: runningMean ?? null,
    runningVar: runningVar ?? null,
    weight: given.weight as Tensor | null,
    bias: given.bias as Tensor | null,
    training: flagOf(op, 'training', given.training, false),
    momentum: numberOf(op, 'momentum', given.momentum, 0.1),
    eps: numberOf(op, 'eps', given.eps, 1e-5),
  });
}
