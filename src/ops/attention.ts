/**
 * Scaled dot-product attention (Vaswani et al., "Attention Is All You Need", 2017). The kernels, which never store the
 * scores, serve where no weights are dropped; products and softmax serve otherwise, and where the gradient is
 * differentiated again.
 */
import { track, tracks } from '../autograd/track.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { add, eq, mul, sub } from '../generated/elementwise.ts';
import { ATTENTION, ATTENTION_BACKWARD } from '../generated/opcodes.ts';
import type { Operand } from '../program/encode.ts';
import { allocate, commonHeap, emit, expectTensor, operand } from '../tensor/create.ts';
import { broadcastShapes, broadcastStrides, coalesce, type Shape, sizeOf } from '../tensor/layout.ts';
import { checkOptions } from '../tensor/options.ts';
import { dtypeOf, makeTensor, ndimOf, shapeOf, storageOf, stridesOf, type Tensor } from '../tensor/tensor.ts';
import { maskedFill, triangle, where } from './condition.ts';
import { sumTo } from './convert.ts';
import { matmul } from './matmul.ts';
import { dropout } from './random.ts';
import { all, sum } from './reduce.ts';
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
  const shapes = `query ${formatShape(shapeOf(query))}, key ${formatShape(shapeOf(key))}, value ${formatShape(shapeOf(value))}`;
  if (
    all.some((x) => ndimOf(x) < 2) ||
    shapeOf(query).at(-1) !== shapeOf(key).at(-1) ||
    shapeOf(key).at(-2) !== shapeOf(value).at(-2)
  )
    throw new ShapeError(op, `wants [..., L, E], [..., S, E] and [..., S, V], got ${shapes}`);
  if (!query.isFloatingPoint || all.some((x) => dtypeOf(x) !== dtypeOf(query)))
    throw new DTypeError(
      op,
      `wants three floating point tensors of one dtype, got ${all.map((x) => dtypeOf(x)).join(', ')}`,
    );
}

/** What the kernels and the composed form have in common. */
interface Form {
  mask: Tensor | null;
  isCausal: boolean;
  scale: number;
}

/** softmax along the last dimension, with zeros for rows of −∞: queries that may attend to nothing. */
function maskedSoftmax(scores: Tensor): Tensor {
  const blocked = all(eq(scores, Number.NEGATIVE_INFINITY), -1, true);
  return maskedFill(softmax(maskedFill(scores, blocked, 0), -1), blocked, 0);
}

/** The attention weights [..., L, S] in differentiable ops. */
function weightsOf(op: string, query: Tensor, key: Tensor, { mask, isCausal, scale }: Form): Tensor {
  const scores = matmul(mul(query, scale), transpose(key, -2, -1));
  if (isCausal) {
    const [rows, columns] = [shapeOf(query).at(-2) as number, shapeOf(key).at(-2) as number];
    const seen = triangle(op, storageOf(query).heap, rows, columns, 0, true);
    return softmax(where(seen, scores, Number.NEGATIVE_INFINITY), -1);
  }
  if (mask === null) return softmax(scores, -1);
  if (dtypeOf(mask) === 'bool') return maskedSoftmax(where(mask, scores, Number.NEGATIVE_INFINITY));
  return maskedSoftmax(add(scores, mask));
}

/** Longest rows of queries, keys and values for which the kernels have room; above them products dominate anyway. */
const MAX_FEATURES = 256;

/** A record's iteration space, and each operand as it is walked there. */
interface Space {
  shape: number[];
  operands: (Operand | null)[];
}

/** Where a tensor's last two dimensions are among L, S, E and Eᵥ; −1 for none. */
const PLACES = {
  query: [0, 2],
  key: [1, 2],
  value: [1, 3],
  out: [0, 3],
  lse: [0, -1],
  mask: [0, 1],
} as const;

type Place = keyof typeof PLACES;

/** Lays tensors of shape [..., rows, columns] (lse: [..., rows, 1]) out over [batch…, L, S, E, Eᵥ]. */
function space(batch: Shape, sizes: Shape, given: readonly (readonly [Place, Tensor | null])[]): Space {
  const strides = given.map(([place, x]) => {
    if (x === null) return new Array<number>(batch.length + 4).fill(0);
    const [row, column] = PLACES[place];
    const within = [sizes[row] as number, column < 0 ? 1 : (sizes[column] as number)];
    const spread = broadcastStrides(shapeOf(x), stridesOf(x), [...batch, ...within]);
    const inner = [0, 0, 0, 0];
    inner[row] = spread[batch.length] as number;
    if (column >= 0) inner[column] = spread[batch.length + 1] as number;
    return [...spread.slice(0, batch.length), ...inner];
  });
  const outer = coalesce(
    batch,
    strides.map((s) => s.slice(0, batch.length)),
  );
  const operands = given.map(([, x], i) =>
    x === null
      ? null
      : operand(x, [...(outer.strides[i] as number[]), ...(strides[i] as number[]).slice(batch.length)]),
  );
  return { shape: [...outer.shape, ...sizes], operands };
}

/** A new tensor whose dimensions lie in memory in the order of those of `like`, so that heads that were split off merge for nothing. */
function allocateLike(op: string, like: Tensor, shape: Shape): Tensor {
  const order = shape.map((_, d) => d);
  if (ndimOf(like) === shape.length)
    order.sort((a, b) => (stridesOf(like)[b] as number) - (stridesOf(like)[a] as number) || a - b);
  const dense = allocate(op, storageOf(like).heap, dtypeOf(like), shape);
  if (order.every((d, i) => d === i) || order.at(-1) !== shape.length - 1) return dense;
  const strides = new Array<number>(shape.length);
  order.reduceRight((step, d) => {
    strides[d] = step;
    return step * (shape[d] as number);
  }, 1);
  const ordered = makeTensor(storageOf(dense), dtypeOf(like), shape, strides);
  dense.dispose();
  return ordered;
}

/** The batch and [L, S, E, Eᵥ] where the kernels serve, null where they do not. */
function kernelSizes(op: string, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | null) {
  const [l, e] = shapeOf(query).slice(-2) as [number, number];
  const [s, v] = shapeOf(value).slice(-2) as [number, number];
  const given = [query, key, value, ...(mask === null ? [] : [mask])];
  const batch = broadcastShapes(
    op,
    given.map((x) => shapeOf(x).slice(0, -2)),
  );
  const sizes = [l, s, e, v];
  if (sizeOf([...batch, ...sizes]) === 0 || e > MAX_FEATURES || v > MAX_FEATURES) return null;
  if (mask !== null) {
    if (dtypeOf(mask) !== 'bool' && (dtypeOf(mask) !== dtypeOf(query) || tracks([mask]))) return null;
    const scores = [l, s].slice(Math.max(0, 2 - ndimOf(mask)));
    if (
      !shapeOf(mask)
        .slice(-2)
        .every((n, d) => n === 1 || n === scores[d])
    )
      return null;
  }
  return { batch, sizes };
}

/** Attention by the kernels. */
function fused(
  op: string,
  query: Tensor,
  key: Tensor,
  value: Tensor,
  form: Form,
  { batch, sizes }: { batch: Shape; sizes: Shape },
): Tensor {
  const { heap } = storageOf(query);
  const [l, , e, v] = sizes as [number, number, number, number];
  const params = [form.scale, Number(form.isCausal)];
  const dtype = dtypeOf(query);
  const out = allocateLike(op, query, [...batch, l, v]);
  const lse = allocate(op, heap, dtype, [...batch, l, 1]);
  const inputs = [
    ['query', query],
    ['key', key],
    ['value', value],
    ['mask', form.mask],
  ] as const;
  emit(op, heap, {
    opcode: ATTENTION,
    dtype,
    params,
    ...space(batch, sizes, [['out', out], ['lse', lse], ...inputs]),
  });
  const saved = [query, key, value, out, lse, ...(form.mask ? [form.mask] : [])];
  track(op, [query, key, value], [out], saved, ([grad], tensors, needs) => {
    const [g, q, k, x, result, logSums] = [grad, ...tensors] as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    const mask = tensors[5] ?? null;
    if (tracks([g, q, k, x])) return composedGradients(op, g, q, k, x, { ...form, mask }, needs);
    const [dq, dk, dv] = [q, k, x].map((input, i) =>
      allocateLike(op, input, [...batch, sizes[i && 1] as number, i === 2 ? v : e]),
    );
    const gradients = [dq, dk, dv] as [Tensor, Tensor, Tensor];
    emit(op, heap, {
      opcode: ATTENTION_BACKWARD,
      dtype,
      params,
      ...space(batch, sizes, [
        ['query', gradients[0]],
        ['key', gradients[1]],
        ['value', gradients[2]],
        ['out', g],
        ['out', result],
        ['lse', logSums],
        ['query', q],
        ['key', k],
        ['value', x],
        ['mask', mask],
      ]),
    });
    return gradients.map((gradient, i) => (needs[i] ? sumTo(gradient, shapeOf(tensors[i] as Tensor)) : null));
  });
  return out;
}

/** The same gradients in differentiable ops, the weights computed anew. */
function composedGradients(
  op: string,
  g: Tensor,
  query: Tensor,
  key: Tensor,
  value: Tensor,
  form: Form,
  [needsQuery, needsKey, needsValue]: readonly boolean[],
): (Tensor | null)[] {
  const weights = weightsOf(op, query, key, form);
  const slopes = () => {
    const terms = mul(weights, matmul(g, transpose(value, -2, -1)));
    return mul(sub(terms, mul(weights, sum(terms, -1, true))), form.scale);
  };
  const scores = needsQuery || needsKey ? slopes() : null;
  return [
    scores && needsQuery ? sumTo(matmul(scores, key), shapeOf(query)) : null,
    scores && needsKey ? sumTo(matmul(transpose(scores, -2, -1), query), shapeOf(key)) : null,
    needsValue ? sumTo(matmul(transpose(weights, -2, -1), g), shapeOf(value)) : null,
  ];
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
  commonHeap(op, [query, key, value]);
  checkShapes(op, query, key, value);
  const { dropoutP, ...form } = resolve(op, options, shapeOf(query).at(-1) as number);
  const { mask } = form;
  if (mask !== null && dtypeOf(mask) !== 'bool' && !mask.isFloatingPoint)
    throw new DTypeError(op, `attnMask is bool or floating point, got ${dtypeOf(mask)}`);
  commonHeap(op, [query, mask]);
  const sizes = dropoutP === 0 ? kernelSizes(op, query, key, value, mask) : null;
  if (sizes !== null) return fused(op, query, key, value, form, sizes);
  const weights = weightsOf(op, query, key, form);
  return matmul(dropoutP === 0 ? weights : dropout(weights, dropoutP), value);
}
