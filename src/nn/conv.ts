/** Convolutional layers. */
import { ShapeError } from '../errors.ts';
import { conv2d, convTranspose2d } from '../ops/conv.ts';
import type { Pair, Size2d } from '../ops/window.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { count, factory, flag, type Kind, pair, readArguments, size2d } from './arguments.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { emptyParameter, type LayerOptions, type Parameter } from './parameter.ts';

/** Options of `Conv2d`; all sizes are a number or [vertical, horizontal]. */
export interface Conv2dLayerOptions extends LayerOptions {
  /** Steps between windows; 1 by default. */
  stride?: Size2d;
  /** Zeros around the image, 0 by default; 'same' keeps its size (stride 1 only), 'valid' is 0. */
  padding?: Size2d | 'same' | 'valid';
  /** Steps between the places that one window looks at; 1 by default. */
  dilation?: Size2d;
  /** Into how many groups the channels fall that have nothing to do with each other; 1 by default. */
  groups?: number;
  /** Whether there is one; true by default. */
  bias?: boolean;
}

/** Options of `ConvTranspose2d`; all sizes are a number or [vertical, horizontal]. */
export interface ConvTranspose2dLayerOptions extends LayerOptions {
  /** Steps between windows of the result; 1 by default. */
  stride?: Size2d;
  /** Cut off around the result; 0 by default. */
  padding?: Size2d;
  /** Added to the result below and to the right; 0 by default. */
  outputPadding?: Size2d;
  /** Into how many groups the channels fall that have nothing to do with each other; 1 by default. */
  groups?: number;
  /** Whether there is one; true by default. */
  bias?: boolean;
  /** Steps between the places of one window; 1 by default. */
  dilation?: Size2d;
}

const sizes = size2d(0);
const padding: Kind<Size2d | 'same' | 'valid'> = {
  test: (v) => v === 'same' || v === 'valid' || sizes.test(v),
  range: `${sizes.range}, 'same' or 'valid'`,
  fallback: 0,
};

/** @throws ShapeError unless the groups take up all channels. */
function checkGroups(op: string, inChannels: number, outChannels: number, groups: number): void {
  if (inChannels % groups !== 0 || outChannels % groups !== 0)
    throw new ShapeError(op, `${inChannels} and ${outChannels} channels do not fall into ${groups} groups`);
}

/** U(−k, k) with k = 1 / √(elements of one filter), for weight and bias. */
function drawInitial(weight: Parameter, bias: Parameter | null): void {
  const bound = 1 / Math.sqrt(weight.size / (weight.shape[0] as number));
  init.uniform_(weight, -bound, bound);
  if (bias !== null) init.uniform_(bias, -bound, bound);
}

/**
 * Cross-correlation with learned filters: [N, inChannels, H, W] → [N, outChannels, H', W'], or without N. Starts from U(−k, k)
 * with k = 1 / √(inChannels / groups · height · width).
 */
export class Conv2d extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: Pair;
  readonly stride: Pair;
  readonly padding: Pair | 'same' | 'valid';
  readonly dilation: Pair;
  readonly groups: number;
  /** [outChannels, inChannels / groups, height, width] */
  weight: Parameter;
  /** [outChannels] */
  bias: Parameter | null;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size2d,
    stride?: Size2d | Conv2dLayerOptions,
    padding_?: Size2d | 'same' | 'valid' | Conv2dLayerOptions,
    dilation?: Size2d | Conv2dLayerOptions,
    groups?: number | Conv2dLayerOptions,
    bias?: boolean | Conv2dLayerOptions,
    options?: Conv2dLayerOptions,
  ) {
    super();
    const op = 'Conv2d';
    const spec = {
      inChannels: count,
      outChannels: count,
      kernelSize: size2d(1),
      stride: size2d(1, 1),
      padding,
      dilation: size2d(1, 1),
      groups: { ...count, fallback: 1 },
      bias: flag(true),
      ...factory,
    };
    const list = [inChannels, outChannels, kernelSize, stride, padding_, dilation, groups, bias, options];
    const given = readArguments(op, list, spec);
    checkGroups(op, given.inChannels, given.outChannels, given.groups);
    this.inChannels = given.inChannels;
    this.outChannels = given.outChannels;
    this.kernelSize = pair(given.kernelSize);
    this.stride = pair(given.stride);
    this.padding = typeof given.padding === 'string' ? given.padding : pair(given.padding);
    this.dilation = pair(given.dilation);
    this.groups = given.groups;
    const c = this.inChannels / this.groups;
    this.weight = emptyParameter(op, [this.outChannels, c, ...this.kernelSize], given);
    this.bias = given.bias ? emptyParameter(op, [this.outChannels], given) : null;
    this.resetParameters();
  }

  /** Draws new initial values. */
  resetParameters(): void {
    drawInitial(this.weight, this.bias);
  }

  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, this.bias, this.stride, this.padding, this.dilation, this.groups);
  }

  override extraRepr(): string {
    const { padding: pad } = this;
    return [
      `${this.inChannels}, ${this.outChannels}, kernelSize=[${this.kernelSize.join(', ')}]`,
      `stride=[${this.stride.join(', ')}], padding=${typeof pad === 'string' ? pad : `[${pad.join(', ')}]`}`,
      `dilation=[${this.dilation.join(', ')}], groups=${this.groups}, bias=${this.bias !== null}`,
    ].join(', ');
  }
}

/**
 * The transpose of a convolution, which makes images larger: [N, inChannels, H, W] → [N, outChannels, H', W'], or without N. Starts
 * from U(−k, k) with k = 1 / √(outChannels / groups · height · width).
 */
export class ConvTranspose2d extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
  readonly outputPadding: Pair;
  readonly groups: number;
  readonly dilation: Pair;
  /** [inChannels, outChannels / groups, height, width] */
  weight: Parameter;
  /** [outChannels] */
  bias: Parameter | null;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size2d,
    stride?: Size2d | ConvTranspose2dLayerOptions,
    padding_?: Size2d | ConvTranspose2dLayerOptions,
    outputPadding?: Size2d | ConvTranspose2dLayerOptions,
    groups?: number | ConvTranspose2dLayerOptions,
    bias?: boolean | ConvTranspose2dLayerOptions,
    dilation?: Size2d | ConvTranspose2dLayerOptions,
    options?: ConvTranspose2dLayerOptions,
  ) {
    super();
    const op = 'ConvTranspose2d';
    const spec = {
      inChannels: count,
      outChannels: count,
      kernelSize: size2d(1),
      stride: size2d(1, 1),
      padding: size2d(0, 0),
      outputPadding: size2d(0, 0),
      groups: { ...count, fallback: 1 },
      bias: flag(true),
      dilation: size2d(1, 1),
      ...factory,
    };
    const list = [
      inChannels,
      outChannels,
      kernelSize,
      stride,
      padding_,
      outputPadding,
      groups,
      bias,
      dilation,
      options,
    ];
    const given = readArguments(op, list, spec);
    checkGroups(op, given.inChannels, given.outChannels, given.groups);
    this.inChannels = given.inChannels;
    this.outChannels = given.outChannels;
    this.kernelSize = pair(given.kernelSize);
    this.stride = pair(given.stride);
    this.padding = pair(given.padding);
    this.outputPadding = pair(given.outputPadding);
    this.groups = given.groups;
    this.dilation = pair(given.dilation);
    const c = this.outChannels / this.groups;
    this.weight = emptyParameter(op, [this.inChannels, c, ...this.kernelSize], given);
    this.bias = given.bias ? emptyParameter(op, [this.outChannels], given) : null;
    this.resetParameters();
  }

  /** Draws new initial values. */
  resetParameters(): void {
    drawInitial(this.weight, this.bias);
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, stride, outputPadding, groups, dilation } = this;
    return convTranspose2d(x, weight, bias, stride, this.padding, outputPadding, groups, dilation);
  }

  override extraRepr(): string {
    return [
      `${this.inChannels}, ${this.outChannels}, kernelSize=[${this.kernelSize.join(', ')}]`,
      `stride=[${this.stride.join(', ')}], padding=[${this.padding.join(', ')}]`,
      `outputPadding=[${this.outputPadding.join(', ')}], groups=${this.groups}`,
      `bias=${this.bias !== null}, dilation=[${this.dilation.join(', ')}]`,
    ].join(', ');
  }
}
