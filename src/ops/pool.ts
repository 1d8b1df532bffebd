/** Pooling of images: the largest element or the mean of every window. */
import { track } from '../autograd/track.ts';
import { ArgumentError, describe, formatShape, ShapeError } from '../errors.ts';
import { AVG_POOL2D, AVG_POOL2D_BACKWARD, MAX_POOL2D, MAX_POOL2D_BACKWARD } from '../generated/opcodes.ts';
import { allocate, emit, operand } from '../tensor/create.ts';
import { resolveShape } from '../tensor/layout.ts';
import { listOf } from '../tensor/lists.ts';
import { dtypeOf, numelOf, shapeOf, storageOf, type Tensor } from '../tensor/tensor.ts';
import { contiguous, filled } from './convert.ts';
import { pick } from './index.ts';
import { named } from './params.ts';
import type { ValuesAndIndices } from './reduce.ts';
import { reshape } from './view.ts';
import { extentOf, flagOf, imagesOf, type Pair, pairOf, type Size2d } from './window.ts';

/** Options of `maxPool2d`. */
export interface MaxPool2dOptions {
  /** Steps between windows; the window's size by default. */
  stride?: Size2d | null;
  /** −∞ around the image, at most half of what a window reaches over; 0 by default. */
  padding?: Size2d | null;
  /** Steps between the places that one window looks at; 1 by default. */
  dilation?: Size2d | null;
  /** Whether a last window may reach beyond the padding. */
  ceilMode?: boolean | null;
  /** Whether to return where the largest elements are as well. */
  returnIndices?: boolean | null;
}

/** Options of `avgPool2d`. */
export interface AvgPool2dOptions {
  /** Steps between windows; the window's size by default. */
  stride?: Size2d | null;
  /** Zeros around the image, at most half of a window; 0 by default. */
  padding?: Size2d | null;
  /** Whether a last window may reach beyond the padding. */
  ceilMode?: boolean | null;
  /** Whether places in the padding count when sums are divided; true by default. */
  countIncludePad?: boolean | null;
  /** Divides the sums in the place of the number of places that count. */
  divisorOverride?: number | null;
}

/** Everything but the tensors. */
interface Form {
  image: Pair;
  result: Pair;
  kernel: Pair;
  params: readonly number[];
}

/** How many windows there are along one dimension; the last one begins within the image or the padding before it. */
function windows(size: number, reach: number, stride: number, padding: number, ceilMode: boolean): number {
  const room = size + 2 * padding - reach;
  const count = Math[ceilMode ? 'ceil' : 'floor'](room / stride) + 1;
  return ceilMode && (count - 1) * stride >= size + padding ? count - 1 : count;
}

/** Sizes and steps, checked; `dilation` is null where the op has none. */
function formOf(op: string, x: Tensor, kernelSize: unknown, given: Readonly<Record<string, unknown>>) {
  const image = shapeOf(x).slice(2) as unknown as Pair;
  const kernel = pairOf(op, 'kernelSize', kernelSize, 1);
  // An empty list stands for the default, as in PyTorch.
  const steps = listOf(op, given.stride);
  const own = steps?.length === 0 ? null : (steps ?? given.stride);
  const stride = pairOf(op, 'stride', own ?? kernel, 1);
  const padding = pairOf(op, 'padding', given.padding ?? 0, 0);
  const dilation = pairOf(op, 'dilation', given.dilation ?? 1, 1);
  const ceilMode = flagOf(op, 'ceilMode', given.ceilMode, false);
  const reach = kernel.map((k, d) => extentOf(k, dilation[d] as number)) as unknown as Pair;
  if (padding.some((p, d) => p > (reach[d] as number) / 2))
    throw new ArgumentError(
      op,
      `padding is at most half of what a window reaches over, [${reach.join(', ')}], got [${padding.join(', ')}]`,
    );
  const result = image.map((size, d) =>
    windows(size, reach[d] as number, stride[d] as number, padding[d] as number, ceilMode),
  ) as unknown as Pair;
  if (shapeOf(x).slice(1).includes(0) || result[0] < 1 || result[1] < 1)
    throw new ShapeError(
      op,
      `windows that reach over [${reach.join(', ')}] do not fit into images of shape ${formatShape(shapeOf(x).slice(1))}`,
    );
  return { image, result, kernel, stride, padding, dilation };
}

/** The iteration space of windows, and how images and results are walked in it. */
function space({ image, result, kernel }: Form, images: number) {
  const [pixels, points] = [image[0] * image[1], result[0] * result[1]];
  return {
    shape: [images, ...result, ...kernel],
    image: (x: Tensor) => operand(x, [pixels, 0, 0, 0, 0]),
    result: (g: Tensor) => operand(g, [points, result[1], 1, 0, 0]),
  };
}

/** The number of images: batch and channels are alike to pooling. */
const countOf = (x: Tensor): number => (shapeOf(x)[0] as number) * (shapeOf(x)[1] as number);

const resized = (op: string, x: Tensor, size: Pair): number[] => resolveShape(op, [...shapeOf(x).slice(0, 2), ...size]);

// ---- max ----

/** Adds g up in images of zeros, at the places in `index`. */
function unpool(op: string, g: Tensor, index: Tensor, form: Form): Tensor {
  const slope = contiguous(g);
  const out = allocate(op, storageOf(g).heap, dtypeOf(g), resized(op, g, form.image));
  const [pixels, points] = [form.image[0] * form.image[1], form.result[0] * form.result[1]];
  const own = [points, form.result[1], 1];
  emit(op, storageOf(g).heap, {
    opcode: MAX_POOL2D_BACKWARD,
    dtype: dtypeOf(g),
    shape: [countOf(g), ...form.result],
    operands: [operand(out, [pixels, 0, 0]), operand(slope, own), operand(index, own)],
    params: form.image,
  });
  track(op, [slope], [out], [index], ([grad], [places]) => [pooledAt(op, grad as Tensor, places as Tensor)]);
  return out;
}

/** The elements of images at the places in `index`. */
function pooledAt(op: string, x: Tensor, index: Tensor): Tensor {
  const flat = (tensor: Tensor) => reshape(tensor, [...shapeOf(tensor).slice(0, 2), numelOf(tensor) / countOf(tensor)]);
  return countOf(x) === 0
    ? filled(op, shapeOf(index), 0, x)
    : reshape(pick(op, flat(x), 2, flat(index)), shapeOf(index));
}

/** @throws ArgumentError where the steps of a window jump over the whole image. */
function checkCovered(op: string, { image, result, kernel, stride, padding, dilation }: ReturnType<typeof formOf>) {
  for (const d of [0, 1] as const) {
    if (dilation[d] === 1) continue;
    for (let i = 0; i < result[d]; i++) {
      const start = i * stride[d] - padding[d];
      const steps = Math.max(0, Math.ceil(-start / dilation[d]));
      if (steps >= kernel[d] || start + steps * dilation[d] >= image[d])
        throw new ArgumentError(op, `window ${i} in direction ${d} sees nothing but padding`);
    }
  }
}

/**
 * The largest element of every window, NaN if there is one; the gradient goes to the first of equals.
 * @param x [N, C, H, W] or [C, H, W], float32 or float64
 * @param kernelSize the size of a window: a number or [vertical, horizontal], as stride, padding and dilation
 * @param stride the window's size by default; it and what follows may be given in an options object
 * @returns [N, C, H', W'] with H' = ⌊(H + 2 · padding − dilation · (height − 1) − 1) / stride⌋ + 1, W' alike; with
 * `returnIndices` that and the places of the elements, row · W + column (int64)
 * @throws ShapeError for images that are too small, DTypeError for integers, ArgumentError for other arguments out of range
 */
export function maxPool2d(
  x: Tensor,
  kernelSize: Size2d,
  options: MaxPool2dOptions & { returnIndices: true },
): ValuesAndIndices;
export function maxPool2d(
  x: Tensor,
  kernelSize: Size2d,
  stride?: Size2d | null | (MaxPool2dOptions & { returnIndices?: false | null }),
  padding?: Size2d | null | MaxPool2dOptions,
  dilation?: Size2d | null | MaxPool2dOptions,
  ceilMode?: boolean | null | MaxPool2dOptions,
  returnIndices?: false | null,
): Tensor;
export function maxPool2d(
  x: Tensor,
  kernelSize: Size2d,
  stride?: Size2d | null | MaxPool2dOptions,
  padding?: Size2d | null | MaxPool2dOptions,
  dilation?: Size2d | null | MaxPool2dOptions,
  ceilMode?: boolean | null | MaxPool2dOptions,
  returnIndices?: boolean | null,
): Tensor | ValuesAndIndices;
export function maxPool2d(x: Tensor, kernelSize: Size2d, ...rest: readonly unknown[]): Tensor | ValuesAndIndices {
  const op = 'maxPool2d';
  const { batch, restore } = imagesOf(op, x);
  const given = named(op, ['stride', 'padding', 'dilation', 'ceilMode', 'returnIndices'] as const, rest);
  const withIndices = flagOf(op, 'returnIndices', given.returnIndices, false);
  const fit = formOf(op, batch, kernelSize, given);
  checkCovered(op, fit);
  const form = { ...fit, params: [...fit.image, ...fit.stride, ...fit.padding, ...fit.dilation] };
  const images = contiguous(batch);
  const { heap } = storageOf(batch);
  const shape = resized(op, batch, form.result);
  const out = allocate(op, heap, dtypeOf(batch), shape);
  const index = allocate(op, heap, 'int64', shape);
  const at = space(form, countOf(batch));
  const operands = [at.result(out), at.result(index), at.image(images)];
  emit(op, heap, { opcode: MAX_POOL2D, dtype: dtypeOf(batch), shape: at.shape, operands, params: form.params });
  track(op, [images], [out], [index], ([g], [places]) => [unpool(op, g as Tensor, places as Tensor, form)]);
  return withIndices ? { values: restore(out), indices: restore(index) } : restore(out);
}

// ---- mean ----

/** The mean of every window. It is linear: this and `spread` are each other's transposes, and derivatives. */
function average(op: string, x: Tensor, form: Form): Tensor {
  const images = contiguous(x);
  const { heap } = storageOf(x);
  const out = allocate(op, heap, dtypeOf(x), resized(op, x, form.result));
  const at = space(form, countOf(x));
  const operands = [at.result(out), at.image(images)];
  emit(op, heap, { opcode: AVG_POOL2D, dtype: dtypeOf(x), shape: at.shape, operands, params: form.params });
  track(op, [images], [out], [], ([g]) => [spread(op, g as Tensor, form)]);
  return out;
}

/** Every element of g in equal parts over the places of its window. */
function spread(op: string, g: Tensor, form: Form): Tensor {
  const slope = contiguous(g);
  const { heap } = storageOf(g);
  const out = allocate(op, heap, dtypeOf(g), resized(op, g, form.image));
  const at = space(form, countOf(g));
  const operands = [at.image(out), at.result(slope)];
  emit(op, heap, { opcode: AVG_POOL2D_BACKWARD, dtype: dtypeOf(g), shape: at.shape, operands, params: form.params });
  track(op, [slope], [out], [], ([h]) => [average(op, h as Tensor, form)]);
  return out;
}

/**
 * The mean of every window, zeros around the image included.
 * @param x [N, C, H, W] or [C, H, W], float32 or float64
 * @param kernelSize the size of a window: a number or [vertical, horizontal], as stride and padding
 * @param stride the window's size by default; it and what follows may be given in an options object
 * @returns [N, C, H', W'] with H' = ⌊(H + 2 · padding − height) / stride⌋ + 1, W' alike
 * @throws ShapeError for images that are too small, DTypeError for integers, ArgumentError for other arguments out of range
 */
export function avgPool2d(
  x: Tensor,
  kernelSize: Size2d,
  stride?: Size2d | null | AvgPool2dOptions,
  padding?: Size2d | null | AvgPool2dOptions,
  ceilMode?: boolean | null | AvgPool2dOptions,
  countIncludePad?: boolean | null | AvgPool2dOptions,
  divisorOverride?: number | null | AvgPool2dOptions,
): Tensor {
  const op = 'avgPool2d';
  const { batch, restore } = imagesOf(op, x);
  const names = ['stride', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride'] as const;
  const given = named(op, names, [stride, padding, ceilMode, countIncludePad, divisorOverride]);
  const counts = flagOf(op, 'countIncludePad', given.countIncludePad, true);
  const divisor = given.divisorOverride ?? 0;
  if (!Number.isInteger(divisor) || given.divisorOverride === 0)
    throw new ArgumentError(
      op,
      `divisorOverride is a whole number other than 0, got ${describe(given.divisorOverride)}`,
    );
  const fit = formOf(op, batch, kernelSize, given);
  const params = [...fit.image, ...fit.stride, ...fit.padding, Number(counts), divisor as number];
  return restore(average(op, batch, { ...fit, params }));
}
