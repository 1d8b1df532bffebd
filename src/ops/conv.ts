/**
 * Convolution of images. As a function of images and filters it is bilinear, so there are three maps between images,
 * results and filters, and each has the other two as its derivatives: `forward`, `toInput` and `toWeight` each run
 * one kernel, whatever the order of the derivative.
 */
import { track } from '../autograd/track.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { add } from '../generated/elementwise.ts';
import { CONV2D, CONV2D_BACKWARD_INPUT, CONV2D_BACKWARD_WEIGHT } from '../generated/opcodes.ts';
import type { Operand } from '../program/encode.ts';
import { allocate, commonHeap, emit, expectTensor, operand } from '../tensor/create.ts';
import { resolveShape, sizeOf } from '../tensor/layout.ts';
import { dtypeOf, ndimOf, numelOf, shapeOf, type Tensor } from '../tensor/tensor.ts';
import { contiguous, filled } from './convert.ts';
import { named } from './params.ts';
import { sum } from './reduce.ts';
import { reshape } from './view.ts';
import { extentOf, imagesOf, type Pair, pairOf, type Size2d } from './window.ts';

/** Options of `conv2d`. */
export interface Conv2dOptions {
  /** [outChannels] */
  bias?: Tensor | null;
  /** Steps between windows; 1 by default. */
  stride?: Size2d | null;
  /**
   * Zeros around the image, 0 by default. 'valid' is 0; 'same' gives results of the image's size (stride 1 only), an odd
   * zero going below and to the right.
   */
  padding?: Size2d | 'same' | 'valid' | null;
  /** Steps between the places that one window looks at; 1 by default. */
  dilation?: Size2d | null;
  /** Into how many groups the channels fall that have nothing to do with each other; 1 by default. */
  groups?: number | null;
}

/** Options of `convTranspose2d`. */
export interface ConvTranspose2dOptions {
  /** [outChannels] */
  bias?: Tensor | null;
  /** Steps between windows of the result; 1 by default. */
  stride?: Size2d | null;
  /** Cut off around the result; 0 by default. */
  padding?: Size2d | null;
  /** Added to the result below and to the right, where the stride leaves its size open; 0 by default. */
  outputPadding?: Size2d | null;
  /** Into how many groups the channels fall that have nothing to do with each other; 1 by default. */
  groups?: number | null;
  /** Steps between the places of one window; 1 by default. */
  dilation?: Size2d | null;
}

/** Everything but the tensors: all three maps have the same. */
interface Form {
  groups: number;
  stride: Pair;
  padding: Pair;
  dilation: Pair;
  /** Height and width of x, of the result, and of the filters. */
  image: Pair;
  result: Pair;
  kernel: Pair;
}

/** The iteration space, and how images, results, filters and a bias are walked in it. */
function space(form: Form, images: number, o: number, c: number) {
  const { groups, image, result, kernel } = form;
  const [pixels, points, taps] = [image, result, kernel].map(([h, w]) => h * w) as [number, number, number];
  return {
    shape: [images, groups, o, c, ...result, ...kernel],
    params: [...image, ...form.stride, ...form.padding, ...form.dilation],
    image: (x: Tensor): Operand => operand(x, [groups * c * pixels, c * pixels, 0, pixels, 0, 0, 0, 0]),
    result: (g: Tensor): Operand => operand(g, [groups * o * points, o * points, points, 0, result[1], 1, 0, 0]),
    filter: (w: Tensor): Operand => operand(w, [0, o * c * taps, c * taps, taps, 0, 0, kernel[1], 1]),
    bias: (b: Tensor): Operand => operand(b, [0, o, 1, 0, 0, 0, 0, 0]),
  };
}

/** x [N, groups · c, …image] and weight [groups · o, c, …kernel] → [N, groups · o, …result]. */
function forward(op: string, x: Tensor, weight: Tensor, bias: Tensor | null, form: Form): Tensor {
  const heap = commonHeap(op, [x, weight, bias]);
  const [images, filters, shift] = [contiguous(x), contiguous(weight), bias && contiguous(bias)];
  const [n, c, outChannels] = [shapeOf(x)[0] as number, shapeOf(weight)[1] as number, shapeOf(weight)[0] as number];
  const shape = resolveShape(op, [n, outChannels, ...form.result]);
  const at = space(form, n, outChannels / form.groups, c);
  const out = sizeOf(at.shape) === 0 ? filled(op, shape, 0, x) : allocate(op, heap, dtypeOf(x), shape);
  const operands = [at.result(out), at.image(images), at.filter(filters), shift && at.bias(shift)];
  emit(op, heap, { opcode: CONV2D, dtype: dtypeOf(x), shape: at.shape, operands, params: at.params });
  track(op, [images, filters, shift], [out], [images, filters], ([grad], [input, taps], needs) => {
    const [g, a, w] = [grad, input, taps] as [Tensor, Tensor, Tensor];
    return [
      needs[0] ? toInput(op, g, w, form) : null,
      needs[1] ? toWeight(op, g, a, form) : null,
      needs[2] ? sum(g, [0, 2, 3]) : null,
    ];
  });
  return out;
}

/** The transpose of `forward` with respect to x: g [N, groups · o, …result] → [N, groups · c, …image]. */
function toInput(op: string, g: Tensor, weight: Tensor, form: Form): Tensor {
  const heap = commonHeap(op, [g, weight]);
  const [slope, filters] = [contiguous(g), contiguous(weight)];
  const [n, c, outChannels] = [shapeOf(g)[0] as number, shapeOf(weight)[1] as number, shapeOf(weight)[0] as number];
  const shape = resolveShape(op, [n, c * form.groups, ...form.image]);
  const at = space(form, n, outChannels / form.groups, c);
  const out = sizeOf(at.shape) === 0 ? filled(op, shape, 0, g) : allocate(op, heap, dtypeOf(g), shape);
  const operands = [at.image(out), at.result(slope), at.filter(filters)];
  emit(op, heap, { opcode: CONV2D_BACKWARD_INPUT, dtype: dtypeOf(g), shape: at.shape, operands, params: at.params });
  track(op, [slope, filters], [out], [slope, filters], ([grad], [input, taps], needs) => {
    const [h, a, w] = [grad, input, taps] as [Tensor, Tensor, Tensor];
    return [needs[0] ? forward(op, h, w, null, form) : null, needs[1] ? toWeight(op, a, h, form) : null];
  });
  return out;
}

/** The transpose of `forward` with respect to the weight. */
function toWeight(op: string, g: Tensor, x: Tensor, form: Form): Tensor {
  const heap = commonHeap(op, [g, x]);
  const [slope, images] = [contiguous(g), contiguous(x)];
  const [n, outChannels] = [shapeOf(g)[0] as number, shapeOf(g)[1] as number];
  const c = (shapeOf(x)[1] as number) / form.groups;
  const shape = [outChannels, c, ...form.kernel];
  const at = space(form, n, outChannels / form.groups, c);
  const out = sizeOf(at.shape) === 0 ? filled(op, shape, 0, g) : allocate(op, heap, dtypeOf(g), shape);
  const operands = [at.filter(out), at.result(slope), at.image(images)];
  emit(op, heap, { opcode: CONV2D_BACKWARD_WEIGHT, dtype: dtypeOf(g), shape: at.shape, operands, params: at.params });
  track(op, [slope, images], [out], [slope, images], ([grad], [left, right], needs) => {
    const [v, a, b] = [grad, left, right] as [Tensor, Tensor, Tensor];
    return [needs[0] ? forward(op, b, v, null, form) : null, needs[1] ? toInput(op, a, v, form) : null];
  });
  return out;
}

function groupsOf(op: string, value: unknown): number {
  if (value === null) return 1;
  if (!Number.isInteger(value) || (value as number) < 1)
    throw new ArgumentError(op, `groups is a positive whole number, got ${describe(value)}`);
  return value as number;
}

/** The filters, after checks of everything but their channels. */
function filtersOf(op: string, x: Tensor, value: unknown): Tensor {
  const weight = expectTensor(op, value, 'a tensor as weight');
  if (ndimOf(weight) !== 4 || numelOf(weight) === 0)
    throw new ShapeError(op, `wants a weight of four dimensions, each at least 1, got ${formatShape(shapeOf(weight))}`);
  if (dtypeOf(weight) !== dtypeOf(x))
    throw new DTypeError(
      op,
      `the input is ${dtypeOf(x)} and the weight ${dtypeOf(weight)}; convert one with to({ dtype })`,
    );
  return weight;
}

function biasOf(op: string, x: Tensor, channels: number, value: unknown): Tensor | null {
  if (value === null) return null;
  const bias = expectTensor(op, value, 'a tensor as bias');
  if (ndimOf(bias) !== 1 || shapeOf(bias)[0] !== channels)
    throw new ShapeError(op, `wants a bias of shape [${channels}], got ${formatShape(shapeOf(bias))}`);
  if (dtypeOf(bias) !== dtypeOf(x))
    throw new DTypeError(
      op,
      `the input is ${dtypeOf(x)} and the bias ${dtypeOf(bias)}; convert one with to({ dtype })`,
    );
  return bias;
}

const both = (f: (axis: 0 | 1) => number): Pair => [f(0), f(1)];

/** Padding above and to the left, and the size of the result. */
function placed(op: string, padding: unknown, image: Pair, kernel: Pair, stride: Pair, dilation: Pair) {
  const reach = both((d) => extentOf(kernel[d], dilation[d]));
  if (padding === 'same') {
    if (stride[0] !== 1 || stride[1] !== 1)
      throw new ArgumentError(op, `padding 'same' wants a stride of 1, got [${stride.join(', ')}]`);
    return { padding: both((d) => Math.floor((reach[d] - 1) / 2)), result: image };
  }
  if (typeof padding === 'string' && padding !== 'valid')
    throw new ArgumentError(op, `padding is 'same', 'valid' or numbers, got ${describe(padding)}`);
  const pad = pairOf(op, 'padding', padding === 'valid' ? 0 : (padding ?? 0), 0);
  const padded = both((d) => image[d] + 2 * pad[d]);
  if (reach[0] > padded[0] || reach[1] > padded[1])
    throw new ShapeError(
      op,
      `filters that reach over [${reach.join(', ')}] do not fit into padded images of [${padded.join(', ')}]`,
    );
  return { padding: pad, result: both((d) => Math.floor((padded[d] - reach[d]) / stride[d]) + 1) };
}

/**
 * Cross-correlation of images with filters.
 * @param x [N, C, H, W] or one image [C, H, W], float32 or float64
 * @param weight [outChannels, C / groups, height, width]
 * @param bias [outChannels]; it and what follows may be given in an options object
 * @param stride a number or [vertical, horizontal], as padding and dilation
 * @returns [N, outChannels, H', W'] with H' = ⌊(H + 2 · padding − dilation · (height − 1) − 1) / stride⌋ + 1, W' alike
 * @throws ShapeError for shapes that do not fit together, DTypeError for integers or two dtypes, ArgumentError for other
 * arguments out of range
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null | Conv2dOptions,
  stride?: Size2d | null | Conv2dOptions,
  padding?: Size2d | 'same' | 'valid' | null | Conv2dOptions,
  dilation?: Size2d | null | Conv2dOptions,
  groups?: number | null | Conv2dOptions,
): Tensor {
  const op = 'conv2d';
  const { batch, restore } = imagesOf(op, x);
  const filters = filtersOf(op, batch, weight);
  const names = ['bias', 'stride', 'padding', 'dilation', 'groups'] as const;
  const given = named(op, names, [bias, stride, padding, dilation, groups]);
  const parts = groupsOf(op, given.groups);
  const [, channels, ...image] = shapeOf(batch) as readonly [number, number, number, number];
  const [outChannels, c, ...kernel] = shapeOf(filters) as readonly [number, number, number, number];
  if (channels === 0 || image[0] === 0 || image[1] === 0)
    throw new ShapeError(op, `wants images of at least one channel and one place, got ${formatShape(shapeOf(batch))}`);
  if (c * parts !== channels || outChannels % parts !== 0)
    throw new ShapeError(
      op,
      `images of ${channels} channels in ${parts} groups do not fit a weight of shape ${formatShape(shapeOf(filters))}: ` +
        `wants [a multiple of ${parts}, ${channels / parts}, height, width]`,
    );
  const shift = biasOf(op, batch, outChannels, given.bias);
  const steps = {
    stride: pairOf(op, 'stride', given.stride ?? 1, 1),
    dilation: pairOf(op, 'dilation', given.dilation ?? 1, 1),
  };
  const fit = placed(op, given.padding, image, kernel, steps.stride, steps.dilation);
  return restore(forward(op, batch, filters, shift, { groups: parts, image, kernel, ...steps, ...fit }));
}

/** A row of one number per channel, to be added to images. */
const perChannel = (bias: Tensor): Tensor => reshape(bias, [1, numelOf(bias), 1, 1]);

/**
 * The transpose of `conv2d` as a linear map of images: every element of x scales a copy of its filter, and the copies are added up.
 * @param x [N, C, H, W] or one image [C, H, W], float32 or float64
 * @param weight [C, outChannels / groups, height, width]
 * @param bias [outChannels]; it and what follows may be given in an options object
 * @param stride a number or [vertical, horizontal], as padding, outputPadding and dilation
 * @returns [N, outChannels, H', W'] with H' = (H − 1) · stride − 2 · padding + dilation · (height − 1) + outputPadding + 1, W' alike
 * @throws ShapeError for shapes that do not fit together, DTypeError for integers or two dtypes, ArgumentError for other
 * arguments out of range
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null | ConvTranspose2dOptions,
  stride?: Size2d | null | ConvTranspose2dOptions,
  padding?: Size2d | null | ConvTranspose2dOptions,
  outputPadding?: Size2d | null | ConvTranspose2dOptions,
  groups?: number | null | ConvTranspose2dOptions,
  dilation?: Size2d | null | ConvTranspose2dOptions,
): Tensor {
  const op = 'convTranspose2d';
  const { batch, restore } = imagesOf(op, x);
  const filters = filtersOf(op, batch, weight);
  const names = ['bias', 'stride', 'padding', 'outputPadding', 'groups', 'dilation'] as const;
  const given = named(op, names, [bias, stride, padding, outputPadding, groups, dilation]);
  const parts = groupsOf(op, given.groups);
  const [, channels, ...result] = shapeOf(batch) as readonly [number, number, number, number];
  const [inChannels, c, ...kernel] = shapeOf(filters) as readonly [number, number, number, number];
  if (inChannels !== channels || channels % parts !== 0)
    throw new ShapeError(
      op,
      `images of ${channels} channels in ${parts} groups do not fit a weight of shape ${formatShape(shapeOf(filters))}: ` +
        `wants [${channels}, outChannels / groups, height, width], and channels in whole groups`,
    );
  const shift = biasOf(op, batch, c * parts, given.bias);
  const steps = pairOf(op, 'stride', given.stride ?? 1, 1);
  const pad = pairOf(op, 'padding', given.padding ?? 0, 0);
  const extra = pairOf(op, 'outputPadding', given.outputPadding ?? 0, 0);
  const spread = pairOf(op, 'dilation', given.dilation ?? 1, 1);
  if (extra.some((n, d) => n >= Math.max(steps[d] as number, spread[d] as number)))
    throw new ArgumentError(
      op,
      `outputPadding is less than the stride or the dilation, got [${extra.join(', ')}] for a stride of [${steps.join(', ')}]`,
    );
  const image = both((d) => (result[d] - 1) * steps[d] - 2 * pad[d] + extentOf(kernel[d], spread[d]) + extra[d]);
  if (result[0] === 0 || result[1] === 0 || image[0] < 1 || image[1] < 1)
    throw new ShapeError(op, `images of [${result.join(', ')}] would become [${image.join(', ')}]`);
  const form = { groups: parts, image, result, kernel, stride: steps, padding: pad, dilation: spread };
  const out = toInput(op, batch, filters, form);
  return restore(shift === null ? out : add(out, perChannel(shift)));
}
