/** Batch normalisation layers. Running statistics are buffers: part of the state, changed by training and not by optimizers. */
import { noGrad } from '../autograd/mode.ts';
import { formatShape, ShapeError } from '../errors.ts';
import { add_, div } from '../generated/elementwise.ts';
import { normalizeBatch } from '../ops/batchnorm.ts';
import { castTo, fill_ } from '../ops/convert.ts';
import { allocate, expectTensor } from '../tensor/create.ts';
import { resolveHeap } from '../tensor/options.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { count, factory, flag, number, optional, readArguments } from './arguments.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { emptyParameter, type LayerOptions, type Parameter } from './parameter.ts';

/** Options of `BatchNorm1d` and `BatchNorm2d`. */
export interface BatchNormLayerOptions extends LayerOptions {
  /** Added to the variance; 1e-5 by default. */
  eps?: number;
  /** How far the running statistics move in a training step; 0.1 by default. Null: they are the mean over all steps. */
  momentum?: number | null;
  /** Whether there are a weight and a bias; true by default. */
  affine?: boolean;
  /** Whether there are running statistics; true by default. Without them evaluation uses those of the batch as well. */
  trackRunningStats?: boolean;
}

/** What the layers have in common; they differ in the number of dimensions they take. */
abstract class BatchNorm extends Module {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  readonly trackRunningStats: boolean;
  /** [numFeatures] */
  weight: Parameter | null;
  /** [numFeatures] */
  bias: Parameter | null;
  /** [numFeatures] */
  declare runningMean: Tensor | null;
  /** [numFeatures] */
  declare runningVar: Tensor | null;
  /** How many training steps went into the running statistics: int64, 0-d. */
  declare numBatchesTracked: Tensor | null;

  constructor(
    numFeatures: number,
    eps?: number | BatchNormLayerOptions,
    momentum?: number | null | BatchNormLayerOptions,
    affine?: boolean | BatchNormLayerOptions,
    trackRunningStats?: boolean | BatchNormLayerOptions,
    options?: BatchNormLayerOptions,
  ) {
    super();
    const op = new.target.name;
    const spec = {
      numFeatures: count,
      eps: number(1e-5),
      momentum: { ...optional(number(0)), fallback: 0.1 },
      affine: flag(true),
      trackRunningStats: flag(true),
      ...factory,
    };
    const given = readArguments(op, [numFeatures, eps, momentum, affine, trackRunningStats, options], spec);
    this.numFeatures = given.numFeatures;
    this.eps = given.eps;
    this.momentum = given.momentum;
    this.trackRunningStats = given.trackRunningStats;
    const shape = [this.numFeatures];
    this.weight = given.affine ? emptyParameter(op, shape, given) : null;
    this.bias = given.affine ? emptyParameter(op, shape, given) : null;
    const heap = resolveHeap(op, given.backend);
    const buffer = (name: string, dtype: 'float32' | 'float64' | 'int64', size: readonly number[]) =>
      this.registerBuffer(name, this.trackRunningStats ? allocate(op, heap, dtype, size) : null);
    buffer('runningMean', given.dtype, shape);
    buffer('runningVar', given.dtype, shape);
    buffer('numBatchesTracked', 'int64', []);
    this.resetParameters();
  }

  /** Weight and running variance back to ones, everything else to zeros. */
  resetParameters(): void {
    this.resetRunningStats();
    if (this.weight !== null) init.ones_(this.weight);
    if (this.bias !== null) init.zeros_(this.bias);
  }

  /** Forgets what was seen in training. */
  resetRunningStats(): void {
    const { runningMean, runningVar, numBatchesTracked } = this;
    noGrad(() => {
      if (runningMean !== null) fill_(runningMean, 0);
      if (runningVar !== null) fill_(runningVar, 1);
      if (numBatchesTracked !== null) fill_(numBatchesTracked, 0);
    });
  }

  /** @throws ShapeError for inputs of another number of dimensions. */
  protected abstract checkInput(x: Tensor): void;

  /** How far the statistics move in this step. A count that is read here would be a constant in a compiled step. */
  #factor(): number | Tensor {
    if (this.momentum !== null) return this.momentum;
    if (this.numBatchesTracked === null || this.runningMean === null) return 0;
    return div(1, castTo(this.numBatchesTracked, this.runningMean.dtype));
  }

  forward(x: Tensor): Tensor {
    this.checkInput(x);
    const { runningMean, runningVar, weight, bias, eps, numBatchesTracked } = this;
    const updates = this.training && this.trackRunningStats;
    if (updates && numBatchesTracked !== null) noGrad(() => add_(numBatchesTracked, 1));
    return normalizeBatch(this.constructor.name, x, {
      runningMean,
      runningVar,
      weight,
      bias,
      training: this.training || (runningMean === null && runningVar === null),
      momentum: updates ? noGrad(() => this.#factor()) : 0,
      eps,
    });
  }

  override extraRepr(): string {
    return [
      `${this.numFeatures}, eps=${this.eps}, momentum=${this.momentum}`,
      `affine=${this.weight !== null}, trackRunningStats=${this.trackRunningStats}`,
    ].join(', ');
  }
}

/** @throws ShapeError unless `x` has one of the given numbers of dimensions. */
function expectDims(op: string, x: Tensor, dims: readonly number[], wanted: string): void {
  expectTensor(op, x);
  if (!dims.includes(x.ndim))
    throw new ShapeError(op, `wants an input of shape ${wanted}, got ${formatShape(x.shape)}`);
}

/** Normalises every channel over the batch (Ioffe and Szegedy 2015): [N, C] or [N, C, L], the shape stays. */
export class BatchNorm1d extends BatchNorm {
  protected override checkInput(x: Tensor): void {
    expectDims('BatchNorm1d', x, [2, 3], '[N, C] or [N, C, L]');
  }
}

/** Normalises every channel of images over the batch (Ioffe and Szegedy 2015): [N, C, H, W], the shape stays. */
export class BatchNorm2d extends BatchNorm {
  protected override checkInput(x: Tensor): void {
    expectDims('BatchNorm2d', x, [4], '[N, C, H, W]');
  }
}
