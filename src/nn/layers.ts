/** Layers with parameters: Linear, Embedding, LayerNorm, RMSNorm; and those that only pass on or reshape. Activations are in `activations.ts`. */
import { noGrad } from '../autograd/mode.ts';
import { IndexError } from '../errors.ts';
import { fill_ } from '../ops/convert.ts';
import { embedding } from '../ops/index.ts';
import { linear } from '../ops/matmul.ts';
import { layerNorm, rmsNorm } from '../ops/norm.ts';
import { dropout } from '../ops/random.ts';
import { flatten, select } from '../ops/view.ts';
import { MAX_DIMS, type Shape } from '../tensor/layout.ts';
import { isList } from '../tensor/lists.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { count, factory, flag, type Kind, number, optional, probability, readArguments, whole } from './arguments.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { emptyParameter, type LayerOptions, type Parameter } from './parameter.ts';

/** Options of `Linear`. */
export interface LinearOptions extends LayerOptions {
  /** Whether there is one; true by default. */
  bias?: boolean;
}

/** x · weightᵀ + bias: [..., inFeatures] → [..., outFeatures]. Starts from U(−k, k) with k = 1 / √inFeatures. */
export class Linear extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** [outFeatures, inFeatures] */
  weight: Parameter;
  /** [outFeatures] */
  bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, bias?: boolean | LinearOptions, options?: LinearOptions) {
    super();
    const spec = { inFeatures: count, outFeatures: count, bias: flag(true), ...factory };
    const given = readArguments('Linear', [inFeatures, outFeatures, bias, options], spec);
    this.inFeatures = given.inFeatures;
    this.outFeatures = given.outFeatures;
    this.weight = emptyParameter('Linear', [this.outFeatures, this.inFeatures], given);
    this.bias = given.bias ? emptyParameter('Linear', [this.outFeatures], given) : null;
    this.resetParameters();
  }

  /** Draws new initial values. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.inFeatures);
    init.uniform_(this.weight, -bound, bound);
    if (this.bias !== null) init.uniform_(this.bias, -bound, bound);
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }

  override extraRepr(): string {
    return `inFeatures=${this.inFeatures}, outFeatures=${this.outFeatures}, bias=${this.bias !== null}`;
  }
}

/** Options of `Embedding`. */
export interface EmbeddingLayerOptions extends LayerOptions {
  /** The row that starts as zeros and gets no gradient. May be negative. */
  paddingIdx?: number | null;
}

/** Rows of a table, picked by index: [...] (int64) → [..., embeddingDim]. Starts from the standard normal distribution. */
export class Embedding extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | null;
  /** [numEmbeddings, embeddingDim] */
  weight: Parameter;

  constructor(
    numEmbeddings: number,
    embeddingDim: number,
    paddingIdx?: number | null | EmbeddingLayerOptions,
    options?: EmbeddingLayerOptions,
  ) {
    super();
    const spec = { numEmbeddings: count, embeddingDim: count, paddingIdx: optional(whole(0)), ...factory };
    const given = readArguments('Embedding', [numEmbeddings, embeddingDim, paddingIdx, options], spec);
    const rows = given.numEmbeddings;
    const padding = given.paddingIdx;
    if (padding !== null && (padding >= rows || padding < -rows))
      throw new IndexError('Embedding', `paddingIdx ${padding} is out of range for ${rows} rows`);
    this.numEmbeddings = rows;
    this.embeddingDim = given.embeddingDim;
    this.paddingIdx = padding === null ? null : (padding + rows) % rows;
    this.weight = emptyParameter('Embedding', [rows, this.embeddingDim], given);
    this.resetParameters();
  }

  /** Draws new initial values. */
  resetParameters(): void {
    init.normal_(this.weight);
    const { paddingIdx } = this;
    if (paddingIdx !== null) noGrad(() => fill_(select(this.weight, 0, paddingIdx), 0));
  }

  forward(indices: Tensor): Tensor {
    return embedding(indices, this.weight, { paddingIdx: this.paddingIdx });
  }

  override extraRepr(): string {
    return `${this.numEmbeddings}, ${this.embeddingDim}${this.paddingIdx === null ? '' : `, paddingIdx=${this.paddingIdx}`}`;
  }
}

/** Options of `LayerNorm`. */
export interface LayerNormLayerOptions extends LayerOptions {
  /** Added to the variance; 1e-5 by default. */
  eps?: number;
  /** Whether there are a weight and a bias; true by default. */
  elementwiseAffine?: boolean;
  /** Whether there is a bias besides the weight; true by default. */
  bias?: boolean;
}

const sizes: Kind<number | Shape> = {
  test: (v) => count.test(v) || (isList(v) && v.length > 0 && v.length <= MAX_DIMS && v.every(count.test)),
  range: 'a positive whole number, or an array of them',
};

/** Normalises over the last dimensions, then scales and shifts (Ba, Kiros and Hinton 2016): the shape stays. */
export class LayerNorm extends Module {
  readonly normalizedShape: Shape;
  readonly eps: number;
  /** Of the normalised shape. */
  weight: Parameter | null;
  bias: Parameter | null;

  constructor(
    normalizedShape: number | Shape,
    eps?: number | LayerNormLayerOptions,
    elementwiseAffine?: boolean | LayerNormLayerOptions,
    bias?: boolean | LayerNormLayerOptions,
    options?: LayerNormLayerOptions,
  ) {
    super();
    const spec = {
      normalizedShape: sizes,
      eps: number(1e-5),
      elementwiseAffine: flag(true),
      bias: flag(true),
      ...factory,
    };
    const given = readArguments('LayerNorm', [normalizedShape, eps, elementwiseAffine, bias, options], spec);
    const shape = given.normalizedShape;
    this.normalizedShape = typeof shape === 'number' ? [shape] : [...shape];
    this.eps = given.eps;
    const affine = given.elementwiseAffine;
    this.weight = affine ? emptyParameter('LayerNorm', this.normalizedShape, given) : null;
    this.bias = affine && given.bias ? emptyParameter('LayerNorm', this.normalizedShape, given) : null;
    this.resetParameters();
  }

  /** Back to ones and zeros. */
  resetParameters(): void {
    if (this.weight !== null) init.ones_(this.weight);
    if (this.bias !== null) init.zeros_(this.bias);
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.normalizedShape, this.weight, this.bias, this.eps);
  }

  override extraRepr(): string {
    return `[${this.normalizedShape.join(', ')}], eps=${this.eps}, elementwiseAffine=${this.weight !== null}`;
  }
}

/** Options of `RMSNorm`. */
export interface RMSNormLayerOptions extends LayerOptions {
  /** Added to the mean of the squares; the machine epsilon of the input's dtype by default. */
  eps?: number | null;
  /** Whether there is a weight; true by default. */
  elementwiseAffine?: boolean;
}

/** Divides by the root mean square of the last dimensions, then scales (Zhang and Sennrich 2019): the shape stays. */
export class RMSNorm extends Module {
  readonly normalizedShape: Shape;
  readonly eps: number | null;
  /** Of the normalised shape. */
  weight: Parameter | null;

  constructor(
    normalizedShape: number | Shape,
    eps?: number | null | RMSNormLayerOptions,
    elementwiseAffine?: boolean | RMSNormLayerOptions,
    options?: RMSNormLayerOptions,
  ) {
    super();
    const spec = { normalizedShape: sizes, eps: optional(number(0)), elementwiseAffine: flag(true), ...factory };
    const given = readArguments('RMSNorm', [normalizedShape, eps, elementwiseAffine, options], spec);
    const shape = given.normalizedShape;
    this.normalizedShape = typeof shape === 'number' ? [shape] : [...shape];
    this.eps = given.eps;
    this.weight = given.elementwiseAffine ? emptyParameter('RMSNorm', this.normalizedShape, given) : null;
    this.resetParameters();
  }

  /** Back to ones. */
  resetParameters(): void {
    if (this.weight !== null) init.ones_(this.weight);
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.normalizedShape, this.weight, this.eps);
  }

  override extraRepr(): string {
    return `[${this.normalizedShape.join(', ')}], eps=${this.eps}, elementwiseAffine=${this.weight !== null}`;
  }
}

/** In training, elements are set to zero with probability p and the others scaled by 1 / (1 − p) (Srivastava et al. 2014). */
export class Dropout extends Module {
  readonly p: number;

  constructor(p?: number | { p?: number }) {
    super();
    this.p = readArguments('Dropout', [p], { p: probability(0.5) }).p;
  }

  forward(x: Tensor): Tensor {
    return dropout(x, this.p, this.training);
  }

  override extraRepr(): string {
    return `p=${this.p}`;
  }
}

/** Returns its input. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}

/** Dimensions `startDim` to `endDim` as one; all but the first by default. */
export class Flatten extends Module {
  readonly startDim: number;
  readonly endDim: number;

  constructor(startDim?: number | { startDim?: number; endDim?: number }, endDim?: number) {
    super();
    const given = readArguments('Flatten', [startDim, endDim], { startDim: whole(1), endDim: whole(-1) });
    this.startDim = given.startDim;
    this.endDim = given.endDim;
  }

  forward(x: Tensor): Tensor {
    return flatten(x, this.startDim, this.endDim);
  }

  override extraRepr(): string {
    return `startDim=${this.startDim}, endDim=${this.endDim}`;
  }
}
