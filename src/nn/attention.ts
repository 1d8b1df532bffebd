/** Multi-head attention (Vaswani et al., "Attention Is All You Need", 2017), with the parameters and options of torch.nn.MultiheadAttention. */
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { add, mul } from '../generated/elementwise.ts';
import { dropout, mean, scaledDotProductAttention, softmax, triu, where } from '../generated/functions.ts';
import { filled } from '../ops/convert.ts';
import { cat } from '../ops/join.ts';
import { linear, matmul } from '../ops/matmul.ts';
import { chunk, expand, narrow, reshape, squeeze, transpose, unsqueeze } from '../ops/view.ts';
import { expectTensor } from '../tensor/create.ts';
import { type Shape, sameShape } from '../tensor/layout.ts';
import { checkOptions } from '../tensor/options.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { count, factory, flag, optional, probability, readArguments } from './arguments.ts';
import * as init from './init.ts';
import { Linear } from './layers.ts';
import { Module } from './module.ts';
import { emptyParameter, type LayerOptions, type Parameter } from './parameter.ts';

/** Options of `MultiheadAttention`. */
export interface MultiheadAttentionOptions extends LayerOptions {
  /** Probability with which an attention weight is dropped in training; 0 by default. */
  dropout?: number;
  /** Whether the projections have biases; true by default. */
  bias?: boolean;
  /** Append a learnt key and value to the sequence. */
  addBiasKv?: boolean;
  /** Append a key and value of zeros to the sequence. */
  addZeroAttn?: boolean;
  /** Features of the keys; embedDim by default. */
  kdim?: number | null;
  /** Features of the values; embedDim by default. */
  vdim?: number | null;
  /** Inputs are [N, L, E] instead of [L, N, E]. */
  batchFirst?: boolean;
}

/** Options of a call. */
export interface AttentionCallOptions {
  /** [N, S]: bool, true for keys to ignore; or numbers that are added to the scores. */
  keyPaddingMask?: Tensor | null;
  /** [L, S] or [N · numHeads, L, S]: bool, true where attention is not allowed; or numbers that are added to the scores. */
  attnMask?: Tensor | null;
  /** Return the attention weights as well; true by default. Without them the call is faster. */
  needWeights?: boolean;
  /** Return the mean of the heads' weights rather than each; true by default. */
  averageAttnWeights?: boolean;
  /** Let position i attend to positions up to i only. */
  isCausal?: boolean;
}

const CALL_OPTIONS = ['keyPaddingMask', 'attnMask', 'needWeights', 'averageAttnWeights', 'isCausal'] as const;
const OP = 'MultiheadAttention';

/** A mask as numbers to add to scores. */
function additive(name: string, mask: Tensor, like: Tensor): Tensor {
  if (mask.dtype === 'bool')
    return where(mask, filled(OP, [], Number.NEGATIVE_INFINITY, like), filled(OP, [], 0, like));
  if (mask.dtype !== like.dtype) throw new DTypeError(OP, `${name} is bool or ${like.dtype}, got ${mask.dtype}`);
  return mask;
}

export class MultiheadAttention extends Module {
  readonly embedDim: number;
  readonly numHeads: number;
  readonly dropout: number;
  readonly batchFirst: boolean;
  readonly addZeroAttn: boolean;
  /** [3 · embedDim, embedDim]: queries, keys, values; null where keys or values have other sizes. */
  inProjWeight: Parameter | null = null;
  qProjWeight: Parameter | null = null;
  kProjWeight: Parameter | null = null;
  vProjWeight: Parameter | null = null;
  /** [3 · embedDim] */
  inProjBias: Parameter | null;
  outProj: Linear;
  /** [1, 1, embedDim] */
  biasK: Parameter | null;
  biasV: Parameter | null;

  /**
   * @param dropout This and what follows in PyTorch's order (bias, addBiasKv, addZeroAttn, kdim, vdim, batchFirst) is given by name.
   * @throws ArgumentError unless numHeads divides embedDim.
   */
  constructor(
    embedDim: number,
    numHeads: number,
    dropout?: number | MultiheadAttentionOptions,
    options?: MultiheadAttentionOptions,
  ) {
    super();
    const given = readArguments(OP, [embedDim, numHeads, dropout, options], {
      embedDim: count,
      numHeads: count,
      dropout: probability(0),
      bias: flag(true),
      addBiasKv: flag(false),
      addZeroAttn: flag(false),
      kdim: optional(count),
      vdim: optional(count),
      batchFirst: flag(false),
      ...factory,
    });
    const e = given.embedDim;
    if (e % given.numHeads !== 0)
      throw new ArgumentError(OP, `embedDim ${e} is not a multiple of numHeads ${given.numHeads}`);
    this.embedDim = e;
    this.numHeads = given.numHeads;
    this.dropout = given.dropout;
    this.batchFirst = given.batchFirst;
    this.addZeroAttn = given.addZeroAttn;
    const [kdim, vdim] = [given.kdim ?? e, given.vdim ?? e];
    if (kdim === e && vdim === e) this.inProjWeight = emptyParameter(OP, [3 * e, e], given);
    else {
      this.qProjWeight = emptyParameter(OP, [e, e], given);
      this.kProjWeight = emptyParameter(OP, [e, kdim], given);
      this.vProjWeight = emptyParameter(OP, [e, vdim], given);
    }
    this.inProjBias = given.bias ? emptyParameter(OP, [3 * e], given) : null;
    this.outProj = new Linear(e, e, {
      bias: given.bias,
      dtype: given.dtype,
      ...(given.backend && { backend: given.backend }),
    });
    this.biasK = given.addBiasKv ? emptyParameter(OP, [1, 1, e], given) : null;
    this.biasV = given.addBiasKv ? emptyParameter(OP, [1, 1, e], given) : null;
    this.resetParameters();
  }

  /** Draws new initial values. */
  resetParameters(): void {
    for (const weight of [this.inProjWeight, this.qProjWeight, this.kProjWeight, this.vProjWeight])
      if (weight !== null) init.xavierUniform_(weight);
    this.outProj.resetParameters();
    for (const bias of [this.inProjBias, this.outProj.bias]) if (bias !== null) init.zeros_(bias);
    for (const bias of [this.biasK, this.biasV]) if (bias !== null) init.xavierNormal_(bias);
  }

  /**
   * @param query [L, N, E]; [N, L, E] with batchFirst; or [L, E] for a single sequence.
   * @param key [S, N, kdim], in the same manner
   * @param value [S, N, vdim]
   * @returns The output, shaped like the query, and the attention weights: [N, L, S], [N, numHeads, L, S] unless averaged, or null.
   */
  forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options?: AttentionCallOptions,
  ): [output: Tensor, weights: Tensor | null] {
    const given = checkOptions(OP, options, CALL_OPTIONS);
    const { needWeights = true, averageAttnWeights = true, isCausal = false } = given;
    for (const [name, value] of Object.entries({ needWeights, averageAttnWeights, isCausal }))
      if (typeof value !== 'boolean') throw new ArgumentError(OP, `${name} is a boolean, got ${describe(value)}`);
    const single = this.#check(query, key, value);
    const [q, k, v] = this.#project(query, key, value, single);
    const mask = this.#mask(given, q, k, single, isCausal === true && needWeights === true);
    const dropoutP = this.training ? this.dropout : 0;
    const causal = isCausal === true && needWeights === false;
    let weights: Tensor | null = null;
    let heads: Tensor;
    if (needWeights === true) {
      const scores = matmul(mul(q, 1 / Math.sqrt(this.embedDim / this.numHeads)), transpose(k, -2, -1));
      weights = dropout(softmax(mask === null ? scores : add(scores, mask), -1), dropoutP);
      heads = matmul(weights, v);
      if (averageAttnWeights === true) weights = mean(weights, 1);
      if (single) weights = squeeze(weights, 0);
    } else heads = scaledDotProductAttention(q, k, v, { attnMask: mask, dropoutP, isCausal: causal && mask === null });
    const [n, , l] = heads.shape as [number, number, number];
    const out = this.outProj(reshape(transpose(heads, 1, 2), [n, l, this.embedDim]));
    return [single ? squeeze(out, 0) : this.batchFirst ? out : transpose(out, 0, 1), weights];
  }

  /** Checks the inputs; true for a single sequence without a batch. */
  #check(query: Tensor, key: Tensor, value: Tensor): boolean {
    for (const x of [query, key, value]) expectTensor(OP, x);
    const sequence = (x: Tensor) =>
      x.ndim === 3 && !this.batchFirst ? [x.shape[1], x.shape[0]] : x.shape.slice(0, -1);
    const sizes = [
      this.embedDim,
      (this.kProjWeight ?? this.inProjWeight)?.shape[1],
      (this.vProjWeight ?? this.inProjWeight)?.shape[1],
    ];
    const fits =
      (query.ndim === 2 || query.ndim === 3) &&
      [key, value].every((x) => x.ndim === query.ndim && (x.ndim === 2 || sequence(x)[0] === sequence(query)[0])) &&
      sequence(key).at(-1) === sequence(value).at(-1) &&
      [query, key, value].every((x, i) => x.shape.at(-1) === sizes[i]);
    if (fits) return query.ndim === 2;
    const form = this.batchFirst ? '[N, L, E]' : '[L, N, E]';
    throw new ShapeError(
      OP,
      `wants ${form} or [L, E] with ${sizes.join(', ')} features, got ${[query, key, value].map((x) => formatShape(x.shape)).join(', ')}`,
    );
  }

  /** Queries, keys and values of every head: [N, numHeads, L or S, E / numHeads]. */
  #project(query: Tensor, key: Tensor, value: Tensor, single: boolean): [Tensor, Tensor, Tensor] {
    const e = this.embedDim;
    const batched = (x: Tensor) => (single ? unsqueeze(x, 0) : this.batchFirst ? x : transpose(x, 0, 1));
    let parts: Tensor[];
    if (query === key && key === value && this.inProjWeight !== null) {
      parts = chunk(linear(batched(query), this.inProjWeight, this.inProjBias), 3, -1);
    } else {
      const own = [this.qProjWeight, this.kProjWeight, this.vProjWeight];
      parts = [query, key, value].map((x, i) => {
        const weight = own[i] ?? narrow(this.inProjWeight as Tensor, 0, i * e, e);
        return linear(batched(x), weight, this.inProjBias === null ? null : narrow(this.inProjBias, 0, i * e, e));
      });
    }
    let [q, k, v] = parts as [Tensor, Tensor, Tensor];
    const n = q.shape[0] as number;
    const append = (x: Tensor, row: Tensor) => cat([x, expand(row, [n, 1, e])], 1);
    if (this.biasK !== null && this.biasV !== null) [k, v] = [append(k, this.biasK), append(v, this.biasV)];
    if (this.addZeroAttn) [k, v] = [append(k, filled(OP, [1, 1, e], 0, k)), append(v, filled(OP, [1, 1, e], 0, v))];
    const split = (x: Tensor) =>
      transpose(reshape(x, [n, x.shape[1] as number, this.numHeads, e / this.numHeads]), 1, 2);
    return [split(q), split(k), split(v)];
  }

  /** All masks as numbers to add to the scores [N, numHeads, L, S]; null without any. */
  #mask(given: Record<string, unknown>, q: Tensor, k: Tensor, single: boolean, causal: boolean): Tensor | null {
    const [n, heads, l] = q.shape as [number, number, number];
    const extra = Number(this.biasK !== null) + Number(this.addZeroAttn);
    const s = (k.shape[2] as number) - extra;
    const masks: Tensor[] = [];
    const take = (name: string, shapes: readonly Shape[], full: readonly Shape[]): void => {
      const mask = given[name];
      if (mask === undefined || mask === null) return;
      const tensor = expectTensor(OP, mask, `a tensor as ${name}`);
      const at = shapes.findIndex((shape) => sameShape(shape, tensor.shape));
      if (at < 0)
        throw new ShapeError(
          OP,
          `${name} has shape ${formatShape(tensor.shape)}, wants ${shapes.map(formatShape).join(' or ')}`,
        );
      masks.push(reshape(additive(name, tensor, q), full[at] as Shape));
    };
    take(
      'attnMask',
      [
        [l, s],
        [n * heads, l, s],
      ],
      [
        [1, 1, l, s],
        [n, heads, l, s],
      ],
    );
    take('keyPaddingMask', [single ? [s] : [n, s]], [[n, 1, 1, s]]);
    const isCausal = given.isCausal === true && (causal || masks.length > 0 || extra > 0);
    if (isCausal) masks.push(reshape(triu(filled(OP, [l, s], Number.NEGATIVE_INFINITY, q), 1), [1, 1, l, s]));
    const first = masks[0];
    if (first === undefined) return null;
    const mask = masks.slice(1).reduce((sum, other) => add(sum, other), first);
    return extra === 0 ? mask : cat([mask, filled(OP, [...mask.shape.slice(0, -1), extra], 0, mask)], -1);
  }

  override extraRepr(): string {
    return `embedDim=${this.embedDim}, numHeads=${this.numHeads}, dropout=${this.dropout}, batchFirst=${this.batchFirst}`;
  }
}
