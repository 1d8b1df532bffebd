/** Scaled dot-product attention (Vaswani et al., "Attention Is All You Need", 2017), composed of products and softmax. */
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { add, eq, mul } from '../generated/elementwise.ts';
import { commonHeap, expectTensor } from '../tensor/create.ts';
import { checkOptions } from '../tensor/options.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { maskedFill, triangle, where } from './condition.ts';
import { matmul } from './matmul.ts';
import { dropout } from './random.ts';
import { all } from './reduce.ts';
import { softmax } from './softmax.ts';
import { transpose } from './view.ts';

/** Options of `scaledDotProductAttention`. */
export interface AttentionOptions {
  /** Broadcast to the scores [..., L, S]: bool, true where attention is allowed; or numbers that are added to the scores. */
  attnMask?: Tensor | null;
  /** Probability with which an attention weight is dropped; 0 by default. It applies whenever it is not 0. */
  dropoutP?: number;
  /** Let position i attend to positions up to i only. */
  isCausal?: boolean;
  /** Factor of the scores; 1 / √E by default. */
  scale?: number | null;
}

const NAMES = ['attnMask', 'dropoutP', 'isCausal', 'scale'] as const;

/** The options with their defaults; `features` is E. */
function resolve(op: string, options: AttentionOptions | undefined, features: number) {
  const { attnMask = null, dropoutP = 0, isCausal = false, scale = null } = checkOptions(op, options, NAMES);
  const mask = attnMask === null ? null : expectTensor(op, attnMask, 'a tensor as attnMask');
  if (typeof dropoutP !== 'number' || !(dropoutP >= 0 && dropoutP <= 1))
    throw new ArgumentError(op, `dropoutP lies between 0 and 1, got ${describe(dropoutP)}`);
  if (typeof isCausal !== 'boolean') throw new ArgumentError(op, `isCausal is a boolean, got ${describe(isCausal)}`);
  if (isCausal && mask !== null) throw new ArgumentError(op, 'takes either attnMask or isCausal, not both');
  if (scale !== null && typeof scale !== 'number')
    throw new ArgumentError(op, `scale is a number, got ${describe(scale)}`);
  return { mask, dropoutP, isCausal, scale: scale ?? 1 / Math.sqrt(features) };
}

function checkShapes(op: string, query: Tensor, key: Tensor, value: Tensor): void {
  const all = [query, key, value];
  const shapes = `query ${formatShape(query.shape)}, key ${formatShape(key.shape)}, value ${formatShape(value.shape)}`;
  if (all.some((x) => x.ndim < 2) || query.shape.at(-1) !== key.shape.at(-1) || key.shape.at(-2) !== value.shape.at(-2))
    throw new ShapeError(op, `wants [..., L, E], [..., S, E] and [..., S, V], got ${shapes}`);
  if (!query.isFloatingPoint || all.some((x) => x.dtype !== query.dtype))
    throw new DTypeError(
      op,
      `wants three floating point tensors of one dtype, got ${all.map((x) => x.dtype).join(', ')}`,
    );
}

/** softmax along the last dimension, with zeros for rows of −∞: queries that may attend to nothing. */
function maskedSoftmax(scores: Tensor): Tensor {
  const blocked = all(eq(scores, Number.NEGATIVE_INFINITY), -1, true);
  return maskedFill(softmax(maskedFill(scores, blocked, 0), -1), blocked, 0);
}

/**
 * softmax(query · keyᵀ · scale) · value, the softmax taken over the keys; leading dimensions are broadcast.
 * @param query [..., L, E]
 * @param key [..., S, E]
 * @param value [..., S, V]
 * @returns [..., L, V]; zeros for a query that the mask keeps from every key
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options?: AttentionOptions,
): Tensor {
  const op = 'scaledDotProductAttention';
  for (const x of [query, key, value]) expectTensor(op, x);
  const heap = commonHeap(op, [query, key, value]);
  checkShapes(op, query, key, value);
  const { mask, dropoutP, isCausal, scale } = resolve(op, options, query.shape.at(-1) as number);
  const scores = matmul(mul(query, scale), transpose(key, -2, -1));
  let weights: Tensor;
  if (isCausal) {
    const seen = triangle(op, heap, query.shape.at(-2) as number, key.shape.at(-2) as number, 0, true);
    weights = softmax(where(seen, scores, Number.NEGATIVE_INFINITY), -1);
  } else if (mask === null) weights = softmax(scores, -1);
  else if (mask.dtype === 'bool') weights = maskedSoftmax(where(mask, scores, Number.NEGATIVE_INFINITY));
  else if (mask.isFloatingPoint) weights = maskedSoftmax(add(scores, mask));
  else throw new DTypeError(op, `attnMask is bool or floating point, got ${mask.dtype}`);
  return matmul(dropoutP === 0 ? weights : dropout(weights, dropoutP), value);
}
