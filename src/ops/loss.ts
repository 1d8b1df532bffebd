/**
 * Losses with special numerics: cross entropies, and the two means of differences. All are composed of differentiable
 * ops, but for the usual cross entropy (`crossentropy.ts`). Reductions are 'mean' (the default), 'sum' and 'none', as in PyTorch.
 */
import { noGrad } from '../autograd/mode.ts';
import { track, tracks } from '../autograd/track.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import {
  abs,
  add,
  clampMin,
  div,
  log,
  log1p,
  logit,
  logsigmoid,
  mul,
  ne,
  neg,
  square,
  sub,
} from '../generated/elementwise.ts';
import { CHECK_WITHIN } from '../generated/opcodes.ts';
import { commonHeap, emit, expectTensor, type Instruction, operand } from '../tensor/create.ts';
import { promoteTypes } from '../tensor/dtype.ts';
import { coalesce, type Shape, sameShape } from '../tensor/layout.ts';
import { checkOptions } from '../tensor/options.ts';
import { dtypeOf, ndimOf, numelOf, shapeOf, storageOf, stridesOf, type Tensor } from '../tensor/tensor.ts';
import { where } from './condition.ts';
import { castTo } from './convert.ts';
import { lossesOfClasses, weightsOf } from './crossentropy.ts';
import { gather } from './index.ts';
import { mean, sum } from './reduce.ts';
import { logSoftmax } from './softmax.ts';
import { reshape, squeeze, unsqueeze } from './view.ts';

/** What becomes of the losses of the elements. */
export type Reduction = 'mean' | 'sum' | 'none';

/** The option that all losses share. */
export interface ReductionOptions {
  /** 'mean' by default. */
  reduction?: Reduction;
}

function checkReduction(op: string, value: unknown): Reduction {
  if (value === undefined) return 'mean';
  if (value === 'mean' || value === 'sum' || value === 'none') return value;
  throw new ArgumentError(op, `reduction is 'mean', 'sum' or 'none', got ${describe(value)}`);
}

function reduced(losses: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return losses;
  return reduction === 'sum' ? sum(losses) : mean(losses);
}

function expectFloat(op: string, value: unknown, what: string): Tensor {
  const x = expectTensor(op, value, `a tensor as ${what}`);
  if (!x.isFloatingPoint) throw new DTypeError(op, `wants a floating point ${what}, got ${dtypeOf(x)}`);
  return x;
}

/** An optional tensor of factors in the dtype of the input. */
function factors(op: string, value: unknown, name: string, like: Tensor): Tensor | null {
  return value === undefined || value === null
    ? null
    : castTo(expectTensor(op, value, `a tensor as ${name}`), dtypeOf(like));
}

// ---- differences ----

function difference(op: string, input: Tensor, target: Tensor): Tensor {
  expectTensor(op, input);
  expectTensor(op, target, 'a tensor as target');
  return sub(input, target);
}

/** Mean squared error: the mean of (input − target)². */
export function mseLoss(input: Tensor, target: Tensor, options?: ReductionOptions): Tensor {
  const reduction = checkReduction('mseLoss', checkOptions('mseLoss', options, ['reduction']).reduction);
  return reduced(square(difference('mseLoss', input, target)), reduction);
}

/** Mean absolute error: the mean of |input − target|. */
export function l1Loss(input: Tensor, target: Tensor, options?: ReductionOptions): Tensor {
  const reduction = checkReduction('l1Loss', checkOptions('l1Loss', options, ['reduction']).reduction);
  return reduced(abs(difference('l1Loss', input, target)), reduction);
}

// ---- two classes ----

/** Options of `binaryCrossEntropy`. */
export interface BinaryCrossEntropyOptions extends ReductionOptions {
  /** Factor of every element's loss, broadcast. */
  weight?: Tensor | null;
}

/** Options of `binaryCrossEntropyWithLogits`. */
export interface LogitsOptions extends BinaryCrossEntropyOptions {
  /** Factor of the loss of positive targets, broadcast. */
  posWeight?: Tensor | null;
}

/** Input and target of one shape and dtype. */
function pair(op: string, input: Tensor, target: Tensor): [Tensor, Tensor] {
  const x = expectFloat(op, input, 'input');
  const y = expectTensor(op, target, 'a tensor as target');
  commonHeap(op, [x, y]);
  if (!sameShape(shapeOf(x), shapeOf(y)))
    throw new ShapeError(
      op,
      `wants input and target of one shape, got ${formatShape(shapeOf(x))} and ${formatShape(shapeOf(y))}`,
    );
  const dtype = promoteTypes(dtypeOf(x), dtypeOf(y));
  return [castTo(x, dtype), castTo(y, dtype)];
}

/** The record that stops the program where an element is no probability. */
function checkProbabilities(x: Tensor): Instruction {
  const { shape, strides } = coalesce(shapeOf(x), [stridesOf(x)]);
  return {
    opcode: CHECK_WITHIN,
    dtype: dtypeOf(x),
    shape,
    operands: [operand(x, strides[0] as Shape)],
    params: [0, 1],
  };
}

/**
 * Binary cross entropy of probabilities: −(y·log x + (1 − y)·log(1 − x)), the logarithms being at least −100, as
 * in PyTorch, so that no loss is infinite.
 * @param input numbers between 0 and 1
 * @param target of the same shape
 * @throws ArgumentError for an element of the input outside [0, 1]; ShapeError for two shapes
 */
export function binaryCrossEntropy(input: Tensor, target: Tensor, options?: BinaryCrossEntropyOptions): Tensor {
  const op = 'binaryCrossEntropy';
  const given = checkOptions(op, options, ['weight', 'reduction']);
  const reduction = checkReduction(op, given.reduction);
  const [x, y] = pair(op, input, target);
  const weight = factors(op, given.weight, 'weight', x);
  emit(op, storageOf(x).heap, checkProbabilities(x));
  const losses = noGrad(() => {
    const [hit, miss] = [clampMin(log(x), -100), clampMin(log1p(neg(x)), -100)];
    return sub(mul(sub(y, 1), miss), mul(y, hit));
  });
  track(op, [x, y], [losses], [x, y], ([g], saved, [needsInput, needsTarget]) => {
    const [probability, wanted] = saved as [Tensor, Tensor];
    return [
      needsInput ? mul(g as Tensor, slopeOf(op, probability, wanted)) : null,
      needsTarget ? neg(mul(g as Tensor, logit(probability))) : null,
    ];
  });
  return reduced(weight === null ? losses : mul(losses, weight), reduction);
}

/** At 0 and 1 slopes are steep but finite: PyTorch's bound. */
const STEEP = 1e-12;

/** x(1 − x), but no less than the bound. */
const spreadOf = (x: Tensor): Tensor => clampMin(mul(x, sub(1, x)), STEEP);

/**
 * (x − y) / (x(1 − x)), the slope of binary cross entropy. Its own is (x² − 2xy + y) / (x(1 − x))² also where x(1 − x) is kept from
 * being zero, by adding the bound to both factors as PyTorch does.
 */
function slopeOf(op: string, x: Tensor, y: Tensor): Tensor {
  const slope = noGrad(() => div(sub(x, y), spreadOf(x)));
  track(op, [x, y], [slope], [x, y], ([g], saved, [needsX, needsY]) => {
    const [p, wanted] = saved as [Tensor, Tensor];
    const curvature = (): Tensor =>
      div(
        add(sub(square(p), mul(mul(p, wanted), 2)), wanted),
        mul(square(add(p, STEEP)), square(add(sub(1, p), STEEP))),
      );
    return [needsX ? mul(g as Tensor, curvature()) : null, needsY ? neg(div(g as Tensor, spreadOf(p))) : null];
  });
  return slope;
}

/** Binary cross entropy of logits: −(p·y·log σ(x) + (1 − y)·log σ(−x)), p being `posWeight`. */
export function binaryCrossEntropyWithLogits(input: Tensor, target: Tensor, options?: LogitsOptions): Tensor {
  const op = 'binaryCrossEntropyWithLogits';
  const given = checkOptions(op, options, ['weight', 'posWeight', 'reduction']);
  const reduction = checkReduction(op, given.reduction);
  const [x, y] = pair(op, input, target);
  const weight = factors(op, given.weight, 'weight', x);
  const positive = factors(op, given.posWeight, 'posWeight', x);
  // −log σ(−x) = x − log σ(x)
  const surprise = logsigmoid(x);
  const scaled = positive === null ? surprise : mul(add(mul(sub(positive, 1), y), 1), surprise);
  const losses = sub(mul(sub(1, y), x), scaled);
  return reduced(weight === null ? losses : mul(losses, weight), reduction);
}

// ---- many classes ----

/** Options of `nllLoss`. */
export interface NllLossOptions extends ReductionOptions {
  /** Factor of each class: [C]. */
  weight?: Tensor | null;
  /** Targets of this class do not count; −100 by default. */
  ignoreIndex?: number;
}

/** Options of `crossEntropy`. */
export interface CrossEntropyOptions extends NllLossOptions {
  /** In [0, 1]: so much of the target is spread evenly over all classes. */
  labelSmoothing?: number;
}

const CLASS_OPTIONS = ['weight', 'ignoreIndex', 'reduction'] as const;

interface ClassLoss {
  op: string;
  input: Tensor;
  /** The dimension of the classes, and how many there are. */
  dim: number;
  classes: number;
  weight: Tensor | null;
  ignoreIndex: number;
  reduction: Reduction;
}

function resolveClasses(op: string, input: Tensor, options: Record<string, unknown>): ClassLoss {
  expectFloat(op, input, 'input');
  if (ndimOf(input) === 0) throw new ShapeError(op, 'wants an input of shape [C], [N, C] or [N, C, d1, …], got []');
  const dim = ndimOf(input) === 1 ? 0 : 1;
  const classes = shapeOf(input)[dim] as number;
  const { ignoreIndex = -100 } = options;
  if (typeof ignoreIndex !== 'number' || !Number.isSafeInteger(ignoreIndex))
    throw new ArgumentError(op, `ignoreIndex is a whole number, got ${describe(ignoreIndex)}`);
  const weight = factors(op, options.weight, 'weight', input);
  if (weight !== null && !sameShape(shapeOf(weight), [classes]))
    throw new ShapeError(
      op,
      `wants a weight for each of the ${classes} classes, got shape ${formatShape(shapeOf(weight))}`,
    );
  return { op, input, dim, classes, weight, ignoreIndex, reduction: checkReduction(op, options.reduction) };
}

/** Class indices as the kernels take them. */
function resolveTarget({ op, input, dim }: ClassLoss, target: unknown): Tensor {
  const given = expectTensor(op, target, 'a tensor as target');
  if (given.isFloatingPoint || dtypeOf(given) === 'bool')
    throw new DTypeError(
      op,
      `wants class indices as int64, got ${dtypeOf(given)} of shape ${formatShape(shapeOf(given))}`,
    );
  const shape = shapeOf(input).toSpliced(dim, 1);
  if (!sameShape(shapeOf(given), shape))
    throw new ShapeError(
      op,
      `wants targets of shape ${formatShape(shape)} for input ${formatShape(shapeOf(input))}, got ${formatShape(shapeOf(given))}`,
    );
  return castTo(given, 'int64');
}

/** The sum of the losses divided by that of the weights of the targets that count: both as means, which are rounded once. */
const weightedMean = (losses: Tensor, weights: Tensor | null, counts: Tensor): Tensor =>
  div(mean(losses), mean(weights === null ? castTo(counts, dtypeOf(losses)) : where(counts, weights, 0)));

/** Which targets count, the targets with class 0 in the place of others, and the weights of their classes. */
function counted({ weight, ignoreIndex }: ClassLoss, target: Tensor) {
  const counts = ne(target, ignoreIndex);
  const index = where(counts, target, 0);
  return { counts, index, weights: weight === null ? null : weightsOf(weight, index) };
}

/** Cross entropy by the kernel. */
function kernelLoss(loss: ClassLoss, target: Tensor): Tensor {
  const { input, dim, weight, ignoreIndex, reduction } = loss;
  const losses = lossesOfClasses(input, dim, target, weight, ignoreIndex);
  if (reduction !== 'mean') return reduced(losses, reduction);
  if (weight === null) return weightedMean(losses, null, ne(target, ignoreIndex));
  const { counts, weights } = counted(loss, target);
  return weightedMean(losses, weights, counts);
}

/** Class weights in a shape that broadcasts against the input. */
const perClass = (weight: Tensor, shape: Shape, dim: number): Tensor =>
  reshape(
    weight,
    shape.map((_, d) => (d === dim ? numelOf(weight) : 1)),
  );

function classLoss(loss: ClassLoss, logProbabilities: Tensor, target: Tensor, smoothing: number): Tensor {
  const { op, dim, classes, weight, reduction } = loss;
  commonHeap(op, [logProbabilities, target, weight]);
  const { index, counts, weights } = counted(loss, target);
  const total = (losses: Tensor) =>
    reduction === 'mean' ? weightedMean(losses, weights, counts) : reduced(losses, reduction);
  const picked = neg(squeeze(gather(logProbabilities, dim, unsqueeze(index, dim)), dim));
  const hard = total(where(counts, weights === null ? picked : mul(picked, weights), 0));
  if (smoothing === 0) return hard;
  const terms =
    weight === null ? logProbabilities : mul(logProbabilities, perClass(weight, shapeOf(logProbabilities), dim));
  const soft = total(where(counts, neg(sum(terms, dim)), 0));
  return add(mul(hard, 1 - smoothing), mul(soft, smoothing / classes));
}

/** Cross entropy with class probabilities as targets. */
function softLoss(
  { dim, classes, weight, reduction }: ClassLoss,
  logProbabilities: Tensor,
  target: Tensor,
  smoothing: number,
): Tensor {
  const wanted = smoothing === 0 ? target : add(mul(target, 1 - smoothing), smoothing / classes);
  const terms = mul(logProbabilities, wanted);
  const losses = neg(sum(weight === null ? terms : mul(terms, perClass(weight, shapeOf(terms), dim)), dim));
  return reduced(losses, reduction);
}

/**
 * Negative log likelihood of log probabilities and classes.
 * @param input [C], [N, C] or [N, C, d1, …]
 * @param target [], [N] or [N, d1, …], class indices
 * @throws IndexError for a class outside [0, C), unless it is the one to ignore.
 */
export function nllLoss(input: Tensor, target: Tensor, options?: NllLossOptions): Tensor {
  const loss = resolveClasses('nllLoss', input, checkOptions('nllLoss', options, CLASS_OPTIONS));
  return classLoss(loss, input, resolveTarget(loss, target), 0);
}

/**
 * Cross entropy of logits and classes, or of logits and class probabilities.
 * @param input [C], [N, C] or [N, C, d1, …]
 * @param target class indices of shape [], [N] or [N, d1, …]; or probabilities of the shape of the input
 * @throws IndexError for a class outside [0, C), unless it is the one to ignore.
 */
export function crossEntropy(input: Tensor, target: Tensor, options?: CrossEntropyOptions): Tensor {
  const op = 'crossEntropy';
  const given = checkOptions(op, options, [...CLASS_OPTIONS, 'labelSmoothing']);
  const { labelSmoothing = 0 } = given;
  if (typeof labelSmoothing !== 'number' || !(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new ArgumentError(op, `labelSmoothing lies between 0 and 1, got ${describe(labelSmoothing)}`);
  const loss = resolveClasses(op, input, given);
  expectTensor(op, target, 'a tensor as target');
  if (target.isFloatingPoint && sameShape(shapeOf(target), shapeOf(input)))
    return softLoss(loss, logSoftmax(input, loss.dim), target, labelSmoothing);
  const classes = resolveTarget(loss, target);
  return labelSmoothing === 0 && loss.classes > 0 && !tracks([loss.weight])
    ? kernelLoss(loss, classes)
    : classLoss(loss, logSoftmax(input, loss.dim), classes, labelSmoothing);
}
