/** Transformer layers: attention and a feed-forward part, each with a residual connection and layer normalisation. */
import { add, relu } from '../generated/elementwise.ts';
import { gelu } from '../generated/functions.ts';
import { checkOptions } from '../tensor/options.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { count, factory, flag, type Kind, number, optional, probability, readArguments } from './arguments.ts';
import { MultiheadAttention } from './attention.ts';
import { Dropout, LayerNorm, Linear } from './layers.ts';
import { Module } from './module.ts';
import type { LayerOptions } from './parameter.ts';

/** What stands between the two linear layers. */
export type Activation = 'relu' | 'gelu' | ((x: Tensor) => Tensor);

const activationKind: Kind<Activation> = {
  test: (v) => v === 'relu' || v === 'gelu' || typeof v === 'function',
  range: "'relu', 'gelu' or a function",
  fallback: 'relu',
};

/** Options of `TransformerEncoderLayer`. */
export interface TransformerEncoderLayerOptions extends LayerOptions {
  /** Features between the two linear layers; 2048 by default. */
  dimFeedforward?: number;
  /** 0.1 by default. */
  dropout?: number;
  /** 'relu' by default. */
  activation?: Activation;
  /** 1e-5 by default. */
  layerNormEps?: number;
  /** Inputs are [N, L, E] instead of [L, N, E]. */
  batchFirst?: boolean;
  /** Normalise before attention and feed-forward instead of after. */
  normFirst?: boolean;
  /** Whether linear layers and norms have biases; true by default. */
  bias?: boolean;
}

/** Masks of a call; see `MultiheadAttention`. */
export interface EncoderCallOptions {
  srcMask?: Tensor | null;
  srcKeyPaddingMask?: Tensor | null;
  isCausal?: boolean;
}

/** Self-attention and feed-forward (Vaswani et al. 2017), with the parameters of torch.nn.TransformerEncoderLayer. */
export class TransformerEncoderLayer extends Module {
  selfAttn: MultiheadAttention;
  linear1: Linear;
  dropout: Dropout;
  linear2: Linear;
  norm1: LayerNorm;
  norm2: LayerNorm;
  dropout1: Dropout;
  dropout2: Dropout;
  readonly normFirst: boolean;
  readonly activation: (x: Tensor) => Tensor;

  constructor(
    dModel: number,
    nhead: number,
    dimFeedforward?: number | TransformerEncoderLayerOptions,
    options?: TransformerEncoderLayerOptions,
  ) {
    super();
    const given = readArguments('TransformerEncoderLayer', [dModel, nhead, dimFeedforward, options], {
      dModel: count,
      nhead: count,
      dimFeedforward: { ...count, fallback: 2048 },
      dropout: probability(0.1),
      activation: activationKind,
      layerNormEps: number(1e-5),
      batchFirst: flag(false),
      normFirst: flag(false),
      bias: flag(true),
      ...factory,
    });
    const { dtype, backend, bias, dropout, batchFirst } = given;
    const place: LayerOptions = { dtype, ...(backend && { backend }) };
    this.selfAttn = new MultiheadAttention(given.dModel, given.nhead, { dropout, bias, batchFirst, ...place });
    this.linear1 = new Linear(given.dModel, given.dimFeedforward, { bias, ...place });
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(given.dimFeedforward, given.dModel, { bias, ...place });
    this.norm1 = new LayerNorm(given.dModel, { eps: given.layerNormEps, bias, ...place });
    this.norm2 = new LayerNorm(given.dModel, { eps: given.layerNormEps, bias, ...place });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.normFirst = given.normFirst;
    const { activation } = given;
    this.activation = activation === 'relu' ? (x) => relu(x) : activation === 'gelu' ? (x) => gelu(x) : activation;
  }

  forward(src: Tensor, options?: EncoderCallOptions): Tensor {
    const given: EncoderCallOptions = checkOptions('TransformerEncoderLayer', options, [
      'srcMask',
      'srcKeyPaddingMask',
      'isCausal',
    ]);
    if (this.normFirst) {
      const x = add(src, this.#attend(this.norm1(src), given));
      return add(x, this.#feed(this.norm2(x)));
    }
    const x = this.norm1(add(src, this.#attend(src, given)));
    return this.norm2(add(x, this.#feed(x)));
  }

  #attend(x: Tensor, { srcMask = null, srcKeyPaddingMask = null, isCausal = false }: EncoderCallOptions): Tensor {
    const options = { attnMask: srcMask, keyPaddingMask: srcKeyPaddingMask, isCausal, needWeights: false };
    return this.dropout1(this.selfAttn(x, x, x, options)[0]);
  }

  #feed(x: Tensor): Tensor {
    return this.dropout2(this.linear2(this.dropout(this.activation(this.linear1(x)))));
  }
}

/** Options of `TransformerBlock`. */
export interface TransformerBlockOptions extends LayerOptions {
  /** Features between the two linear layers; 4 · embedDim by default. */
  dimFeedforward?: number | null;
  /** 0 by default. */
  dropout?: number;
  /** 'gelu' by default. */
  activation?: Activation;
  layerNormEps?: number;
  bias?: boolean;
  /** Let position i attend to positions up to i only; true by default. */
  causal?: boolean;
}

/** The block of GPT-2 (Radford et al. 2019): normalisation first, causal attention, GELU; [N, L, embedDim] stays. */
export class TransformerBlock extends TransformerEncoderLayer {
  readonly causal: boolean;

  constructor(embedDim: number, numHeads: number, options?: TransformerBlockOptions) {
    const {
      causal,
      embedDim: e,
      numHeads: heads,
      ...given
    } = readArguments('TransformerBlock', [embedDim, numHeads, options], {
      embedDim: count,
      numHeads: count,
      dimFeedforward: optional(count),
      dropout: probability(0),
      activation: { ...activationKind, fallback: 'gelu' as Activation },
      layerNormEps: number(1e-5),
      bias: flag(true),
      causal: flag(true),
      ...factory,
    });
    const { backend, dimFeedforward, ...rest } = given;
    super(e, heads, {
      ...rest,
      ...(backend && { backend }),
      dimFeedforward: dimFeedforward ?? 4 * e,
      batchFirst: true,
      normFirst: true,
    });
    this.causal = causal;
  }

  override forward(x: Tensor, options?: EncoderCallOptions): Tensor {
    return super.forward(x, {
      isCausal: this.causal,
      ...checkOptions('TransformerBlock', options, ['srcMask', 'srcKeyPaddingMask', 'isCausal']),
    });
  }
}
