/** Pooling layers. */
import { avgPool2d, maxPool2d } from '../ops/pool.ts';
import type { ValuesAndIndices } from '../ops/reduce.ts';
import type { Pair, Size2d } from '../ops/window.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { flag, type Kind, optional, pair, readArguments, size2d } from './arguments.ts';
import { Module } from './module.ts';

/** Options of `MaxPool2d`; all sizes are a number or [vertical, horizontal]. */
export interface MaxPool2dLayerOptions<R extends boolean = boolean> {
  /** Steps between windows; the window's size by default. */
  stride?: Size2d | null;
  /** −∞ around the image, at most half of what a window reaches over; 0 by default. */
  padding?: Size2d;
  /** Steps between the places that one window looks at; 1 by default. */
  dilation?: Size2d;
  /** Whether to return where the largest elements are as well; false by default. */
  returnIndices?: R;
  /** Whether a last window may reach beyond the padding; false by default. */
  ceilMode?: boolean;
}

/** Options of `AvgPool2d`; all sizes are a number or [vertical, horizontal]. */
export interface AvgPool2dLayerOptions {
  /** Steps between windows; the window's size by default. */
  stride?: Size2d | null;
  /** Zeros around the image, at most half of a window; 0 by default. */
  padding?: Size2d;
  /** Whether a last window may reach beyond the padding; false by default. */
  ceilMode?: boolean;
  /** Whether places in the padding count when sums are divided; true by default. */
  countIncludePad?: boolean;
  /** Divides the sums in the place of the number of places that count. */
  divisorOverride?: number | null;
}

const divisor: Kind<number> = {
  test: (v) => Number.isInteger(v) && v !== 0,
  range: 'a whole number other than 0',
};

const list = (sizes: Pair): string => `[${sizes.join(', ')}]`;

/** The largest element of every window: [N, C, H, W] → [N, C, H', W'], or without N. */
export class MaxPool2d<R extends boolean = false> extends Module {
  readonly kernelSize: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation: Pair;
  readonly returnIndices: boolean;
  readonly ceilMode: boolean;

  constructor(
    kernelSize: Size2d,
    stride?: Size2d | null | MaxPool2dLayerOptions<R>,
    padding?: Size2d | MaxPool2dLayerOptions<R>,
    dilation?: Size2d | MaxPool2dLayerOptions<R>,
    returnIndices?: R | MaxPool2dLayerOptions<R>,
    ceilMode?: boolean | MaxPool2dLayerOptions<R>,
  ) {
    super();
    const spec = {
      kernelSize: size2d(1),
      stride: optional(size2d(1)),
      padding: size2d(0, 0),
      dilation: size2d(1, 1),
      returnIndices: flag(false),
      ceilMode: flag(false),
    };
    const args = [kernelSize, stride, padding, dilation, returnIndices, ceilMode];
    const given = readArguments('MaxPool2d', args, spec);
    this.kernelSize = pair(given.kernelSize);
    this.stride = pair(given.stride ?? given.kernelSize);
    this.padding = pair(given.padding);
    this.dilation = pair(given.dilation);
    this.returnIndices = given.returnIndices;
    this.ceilMode = given.ceilMode;
  }

  forward(x: Tensor): R extends true ? ValuesAndIndices : Tensor {
    const { kernelSize, stride, padding, dilation, ceilMode, returnIndices } = this;
    const out = maxPool2d(x, kernelSize, stride, padding, dilation, ceilMode, returnIndices);
    return out as R extends true ? ValuesAndIndices : Tensor;
  }

  override extraRepr(): string {
    return [
      `kernelSize=${list(this.kernelSize)}, stride=${list(this.stride)}, padding=${list(this.padding)}`,
      `dilation=${list(this.dilation)}, ceilMode=${this.ceilMode}`,
    ].join(', ');
  }
}

/** The mean of every window: [N, C, H, W] → [N, C, H', W'], or without N. */
export class AvgPool2d extends Module {
  readonly kernelSize: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;
  readonly divisorOverride: number | null;

  constructor(
    kernelSize: Size2d,
    stride?: Size2d | null | AvgPool2dLayerOptions,
    padding?: Size2d | AvgPool2dLayerOptions,
    ceilMode?: boolean | AvgPool2dLayerOptions,
    countIncludePad?: boolean | AvgPool2dLayerOptions,
    divisorOverride?: number | null | AvgPool2dLayerOptions,
  ) {
    super();
    const spec = {
      kernelSize: size2d(1),
      stride: optional(size2d(1)),
      padding: size2d(0, 0),
      ceilMode: flag(false),
      countIncludePad: flag(true),
      divisorOverride: optional(divisor),
    };
    const args = [kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride];
    const given = readArguments('AvgPool2d', args, spec);
    this.kernelSize = pair(given.kernelSize);
    this.stride = pair(given.stride ?? given.kernelSize);
    this.padding = pair(given.padding);
    this.ceilMode = given.ceilMode;
    this.countIncludePad = given.countIncludePad;
    this.divisorOverride = given.divisorOverride;
  }

  forward(x: Tensor): Tensor {
    const { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride } = this;
    return avgPool2d(x, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride);
  }

  override extraRepr(): string {
    return [
      `kernelSize=${list(this.kernelSize)}, stride=${list(this.stride)}, padding=${list(this.padding)}`,
      `ceilMode=${this.ceilMode}, countIncludePad=${this.countIncludePad}, divisorOverride=${this.divisorOverride}`,
    ].join(', ');
  }
}
