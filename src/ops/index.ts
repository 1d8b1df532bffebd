/**
 * Picking elements by index and putting them back. Two kernels carry all of it: `pick` (gather) and
 * `accumulate` (scatter_add into zeros), each the other's derivative. Whole slices are picked by an
 * index that is expanded, with stride 0, over the other dimensions. Start with `pick`.
 */
import { track } from '../autograd/track.ts';
import { ArgumentError, DTypeError, describe, formatShape, IndexError, ShapeError } from '../errors.ts';
import { eq, mul } from '../generated/elementwise.ts';
import { CHECK_INDEX, GATHER, SCATTER, SCATTER_ADD } from '../generated/opcodes.ts';
import { allocate, commonHeap, emit, expectTensor, type Instruction, operand } from '../tensor/create.ts';
import { broadcastShapes, broadcastStrides, coalesce, resolveDim, resolveShape, type Shape } from '../tensor/layout.ts';
import { checkOptions } from '../tensor/options.ts';
import {
  dtypeOf,
  ndimOf,
  numelOf,
  shapeOf,
  storageOf,
  stridesOf,
  type Tensor,
  type TensorLike,
} from '../tensor/tensor.ts';
import { checkFits, choose, positions } from './condition.ts';
import { castTo, clone, copyInto, filled, fillWith } from './convert.ts';
import { amax } from './reduce.ts';
import { expand, narrow, reshape, slice } from './view.ts';

/** An index tensor as the kernels take it. */
function expectIndex(op: string, value: unknown): Tensor {
  const index = expectTensor(op, value, 'a tensor of indices');
  if (dtypeOf(index) === 'int64' || dtypeOf(index) === 'int32' || dtypeOf(index) === 'uint8')
    return castTo(index, 'int64');
  throw new DTypeError(op, `wants int64 indices, got ${dtypeOf(index)}`);
}

/**
 * @internal The record that stops the program where an index is outside [0, n), unless it is `exempt`. Repeated elements
 * are looked at once.
 */
export function checkIndex(index: Tensor, n: number, exempt?: number): Instruction {
  const once = shapeOf(index).map((size, d) => (stridesOf(index)[d] === 0 ? Math.min(size, 1) : size));
  const { shape, strides } = coalesce(once, [stridesOf(index)]);
  return {
    opcode: CHECK_INDEX,
    dtype: 'int64',
    shape,
    operands: [operand(index, strides[0] as Shape)],
    params: exempt === undefined || (exempt >= 0 && exempt < n) ? [0, n] : [0, n, exempt],
  };
}

/** The record that moves between `whole`, indexed along `dim`, and `parts`, both walked in the shape of the index. */
function move(opcode: number, whole: Tensor, dim: number, index: Tensor, parts: Tensor): Instruction {
  // Every index into nothing is out of range; the check before this record says so.
  if (numelOf(whole) === 0) return { opcode, dtype: dtypeOf(whole), shape: [0], operands: [] };
  const { shape, strides } = coalesce(shapeOf(index), [
    stridesOf(whole).with(dim, 0),
    stridesOf(index),
    broadcastStrides(shapeOf(parts), stridesOf(parts), shapeOf(index)),
  ]);
  const [a, b, c] = strides as [number[], number[], number[]];
  const [indexed, indices, items] = [operand(whole, a), operand(index, b), operand(parts, c)];
  const operands = opcode === GATHER ? [items, indexed, indices] : [indexed, indices, items];
  return { opcode, dtype: dtypeOf(whole), shape, operands, params: [stridesOf(whole)[dim] as number] };
}

/** @internal x[…, index, …] along `dim`, in the shape of the index (int64, as many dimensions as x). */
export function pick(op: string, x: Tensor, dim: number, index: Tensor, ignored: number | null = null): Tensor {
  const heap = commonHeap(op, [x, index]);
  const out = allocate(op, heap, dtypeOf(x), shapeOf(index));
  emit(op, heap, checkIndex(index, shapeOf(x)[dim] as number), move(GATHER, x, dim, index, out));
  const shape = shapeOf(x);
  track(op, [x], [out], [index], ([g], [places]) => {
    let grad = g as Tensor;
    if (ignored !== null) grad = choose(op, eq(slice(places as Tensor, -1, 0, 1), ignored), 0, grad, dtypeOf(grad));
    return [accumulate(op, shape, dim, places as Tensor, grad)];
  });
  return out;
}

/** @internal Zeros of the given shape, to which `parts` are added where the index says. */
export function accumulate(op: string, shape: Shape, dim: number, index: Tensor, parts: Tensor): Tensor {
  const out = filled(op, shape, 0, parts);
  emit(op, storageOf(parts).heap, move(SCATTER_ADD, out, dim, index, parts));
  track(op, [parts], [out], [index], ([g], [places]) => [pick(op, g as Tensor, dim, places as Tensor)]);
  return out;
}

/** A copy of `x` into which `parts` were written or added where the index says. Not recorded. */
function scattered(op: string, opcode: number, x: Tensor, dim: number, index: Tensor, parts: Tensor): Tensor {
  const heap = commonHeap(op, [x, index, parts]);
  const out = allocate(op, heap, dtypeOf(x), shapeOf(x));
  copyInto(op, out, x);
  emit(op, heap, checkIndex(index, shapeOf(x)[dim] as number), move(opcode, out, dim, index, parts));
  return out;
}

/** The index of `indexSelect` and `indexAdd`, repeated over the other dimensions of `shape`. */
function sliceIndex(op: string, value: unknown, shape: Shape, dim: number): Tensor {
  const index = expectIndex(op, value);
  if (ndimOf(index) > 1)
    throw new ShapeError(op, `the index has at most one dimension, got shape ${formatShape(shapeOf(index))}`);
  return expand(
    reshape(
      index,
      shape.map((_, d) => (d === dim ? numelOf(index) : 1)),
    ),
    shape.with(dim, numelOf(index)),
  );
}

/** Checks that index and tensor fit for `gather` and `scatter`; an empty index fits anything. */
function checkIndexShape(op: string, x: Tensor, dim: number, index: Tensor): void {
  const fits =
    ndimOf(index) === ndimOf(x) && shapeOf(index).every((n, d) => d === dim || n <= (shapeOf(x)[d] as number));
  if (!fits && numelOf(index) > 0)
    throw new ShapeError(
      op,
      `an index of shape ${formatShape(shapeOf(index))} does not fit ${formatShape(shapeOf(x))}: ` +
        `wants as many dimensions, and no more elements outside of dimension ${dim}`,
    );
}

/** A 0-d tensor as a vector of one element. */
const atLeast1d = (x: Tensor): Tensor => (ndimOf(x) === 0 ? reshape(x, [1]) : x);

/**
 * Elements picked along `dim`: out[i][j] = x[index[i][j]][j] for dim 0. The result has the shape of the index.
 * @throws IndexError for an index outside the dimension; negative ones are not taken.
 */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  expectTensor('gather', x);
  const places = expectIndex('gather', index);
  const d = resolveDim('gather', dim, ndimOf(x));
  const [whole, at] = [atLeast1d(x), atLeast1d(places)];
  checkIndexShape('gather', whole, d, at);
  if (numelOf(at) === 0) return reshape(narrow(reshape(x, [numelOf(x)]), 0, 0, 0), shapeOf(places));
  const out = pick('gather', whole, d, at);
  return ndimOf(places) === 0 ? reshape(out, []) : out;
}

/** The leading part of `source` that an index of the given shape covers. */
function cover(op: string, source: Tensor, shape: Shape): Tensor {
  if (ndimOf(source) !== shape.length || shape.some((n, d) => n > (shapeOf(source)[d] as number)))
    throw new ShapeError(
      op,
      `a source of shape ${formatShape(shapeOf(source))} is too small for the index ${formatShape(shape)}`,
    );
  return shape.reduce((part, n, d) => (n === shapeOf(part)[d] ? part : narrow(part, d, 0, n)), source);
}

function checkSource(op: string, x: Tensor, source: unknown): Tensor {
  const tensor = expectTensor(op, source, 'a tensor as source');
  if (dtypeOf(tensor) !== dtypeOf(x))
    throw new DTypeError(
      op,
      `the source is ${dtypeOf(tensor)} and the tensor ${dtypeOf(x)}; convert one with to({ dtype })`,
    );
  return tensor;
}

/** Which parts a scatter left visible: of several written to one place, the last. */
function survivors(op: string, shape: Shape, dim: number, index: Tensor): Tensor {
  const order = reshape(positions(op, storageOf(index).heap, 'int64', numelOf(index)), shapeOf(index));
  const out = filled(op, shape, 0, index);
  emit(op, storageOf(index).heap, move(SCATTER, out, dim, index, order));
  return eq(pick(op, out, dim, index), order);
}

/**
 * A copy of `x` with elements of `source` (or one number) written along `dim`: out[index[i][j]][j] = source[i][j]
 * for dim 0. Of several written to one place the last one stays, and only it gets the gradient.
 * @throws IndexError for an index outside the dimension.
 */
export function scatter(x: Tensor, dim: number, index: Tensor, source: TensorLike): Tensor {
  expectTensor('scatter', x);
  const places = atLeast1d(expectIndex('scatter', index));
  const d = resolveDim('scatter', dim, ndimOf(x));
  const whole = atLeast1d(x);
  checkIndexShape('scatter', whole, d, places);
  let parts: Tensor;
  if (typeof source === 'number') {
    checkFits('scatter', source, dtypeOf(x));
    parts = filled('scatter', [], source, x);
  } else parts = checkSource('scatter', x, source);
  if (numelOf(places) === 0) return clone(x);
  if (typeof source !== 'number') parts = cover('scatter', atLeast1d(parts), shapeOf(places));
  const out = scattered('scatter', SCATTER, whole, d, places, parts);
  track('scatter', [whole, parts], [out], [places], ([g], [at], [needsX, needsSource]) => {
    const [grad, index] = [g as Tensor, at as Tensor];
    const kept = () =>
      choose(
        'scatter',
        survivors('scatter', shapeOf(grad), d, index),
        pick('scatter', grad, d, index),
        0,
        dtypeOf(grad),
      );
    return [needsX ? scatter(grad, d, index, 0) : null, needsSource ? kept() : null];
  });
  return ndimOf(x) === 0 ? reshape(out, []) : out;
}

/** @throws DTypeError for bool, which cannot be added to. */
function checkAddable(op: string, x: Tensor): void {
  if (dtypeOf(x) === 'bool') throw new DTypeError(op, 'does not take bool tensors; convert with to({ dtype })');
}

function addAt(op: string, x: Tensor, dim: number, index: Tensor, parts: Tensor): Tensor {
  const out = scattered(op, SCATTER_ADD, x, dim, index, parts);
  track(op, [x, parts], [out], [index], ([g], [at], [needsX, needsParts]) => [
    needsX ? (g as Tensor) : null,
    needsParts ? pick(op, g as Tensor, dim, at as Tensor) : null,
  ]);
  return out;
}

/**
 * A copy of `x` with elements of `source` added along `dim`: out[index[i][j]][j] += source[i][j] for dim 0.
 * @throws IndexError for an index outside the dimension.
 */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  expectTensor('scatterAdd', x);
  checkAddable('scatterAdd', x);
  const places = atLeast1d(expectIndex('scatterAdd', index));
  const d = resolveDim('scatterAdd', dim, ndimOf(x));
  const whole = atLeast1d(x);
  checkIndexShape('scatterAdd', whole, d, places);
  const given = atLeast1d(checkSource('scatterAdd', x, source));
  if (numelOf(places) === 0) return clone(x);
  const out = addAt('scatterAdd', whole, d, places, cover('scatterAdd', given, shapeOf(places)));
  return ndimOf(x) === 0 ? reshape(out, []) : out;
}

/**
 * The slices of `x` at the positions in `index` (one dimension) along `dim`.
 * @throws IndexError for an index outside the dimension.
 */
export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  expectTensor('indexSelect', x);
  const d = resolveDim('indexSelect', dim, ndimOf(x));
  const whole = atLeast1d(x);
  const out = pick('indexSelect', whole, d, sliceIndex('indexSelect', index, shapeOf(whole), d));
  if (ndimOf(x) > 0) return out;
  if (numelOf(out) !== 1)
    throw new ShapeError('indexSelect', `one index is needed for a 0-d tensor, got ${numelOf(out)}`);
  return reshape(out, []);
}

/** Options of `indexAdd`. */
export interface IndexAddOptions {
  /** Factor of the source; 1 by default. */
  alpha?: number;
}

/**
 * A copy of `x` with the slices of `source` added at the positions in `index` (one dimension) along `dim`.
 * @throws IndexError for an index outside the dimension.
 */
export function indexAdd(x: Tensor, dim: number, index: Tensor, source: Tensor, options?: IndexAddOptions): Tensor {
  expectTensor('indexAdd', x);
  checkAddable('indexAdd', x);
  const d = resolveDim('indexAdd', dim, ndimOf(x));
  const { alpha = 1 } = checkOptions('indexAdd', options, ['alpha']);
  if (typeof alpha !== 'number') throw new ArgumentError('indexAdd', `alpha is a number, got ${describe(alpha)}`);
  checkFits('indexAdd', alpha, dtypeOf(x));
  const [whole, parts] = [atLeast1d(x), atLeast1d(checkSource('indexAdd', x, source))];
  const at = sliceIndex('indexAdd', index, shapeOf(whole), d);
  if (ndimOf(parts) !== ndimOf(at) || shapeOf(parts).some((n, i) => n !== shapeOf(at)[i]))
    throw new ShapeError(
      'indexAdd',
      `wants a source of shape ${formatShape(shapeOf(at))}, got ${formatShape(shapeOf(parts))}`,
    );
  const out = addAt('indexAdd', whole, d, at, alpha === 1 ? parts : mul(parts, alpha));
  return ndimOf(x) === 0 ? reshape(out, []) : out;
}

/** `gather` with the other dimensions broadcast; without `dim`, from the flattened tensor. */
export function takeAlongDim(x: Tensor, indices: Tensor, dim?: number | null): Tensor {
  expectTensor('takeAlongDim', x);
  const index = expectIndex('takeAlongDim', indices);
  if (dim === null || dim === undefined) return gather(reshape(x, [numelOf(x)]), 0, reshape(index, [numelOf(index)]));
  const d = resolveDim('takeAlongDim', dim, ndimOf(x));
  if (ndimOf(x) !== ndimOf(index) || ndimOf(x) === 0)
    throw new ShapeError(
      'takeAlongDim',
      `wants as many dimensions of indices as of the tensor, at least one, got ${formatShape(shapeOf(index))} and ${formatShape(shapeOf(x))}`,
    );
  const shape = broadcastShapes('takeAlongDim', [shapeOf(x).with(d, 1), shapeOf(index).with(d, 1)]);
  return gather(
    expand(x, shape.with(d, shapeOf(x)[d] as number)),
    d,
    expand(index, shape.with(d, shapeOf(index)[d] as number)),
  );
}

/** Options of `embedding`. */
export interface EmbeddingOptions {
  /** The row of the table that gets no gradient. May be negative. */
  paddingIdx?: number | null;
}

/**
 * Rows of `weight` [rows, features] picked by `indices` [...]: [..., features].
 * @throws IndexError for an index outside the table.
 */
export function embedding(indices: Tensor, weight: Tensor, options?: EmbeddingOptions): Tensor {
  const index = expectIndex('embedding', indices);
  expectTensor('embedding', weight);
  if (ndimOf(weight) !== 2)
    throw new ShapeError('embedding', `wants a weight of shape [rows, features], got ${formatShape(shapeOf(weight))}`);
  const { paddingIdx = null } = checkOptions('embedding', options, ['paddingIdx']);
  const rows = shapeOf(weight)[0] as number;
  let padding: number | null = null;
  if (paddingIdx !== null) {
    if (!Number.isInteger(paddingIdx) || (paddingIdx as number) >= rows || (paddingIdx as number) < -rows)
      throw new IndexError('embedding', `paddingIdx ${describe(paddingIdx)} is out of range for ${rows} rows`);
    padding = ((paddingIdx as number) + rows) % rows;
  }
  const places = sliceIndex('embedding', reshape(index, [numelOf(index)]), shapeOf(weight), 0);
  return reshape(pick('embedding', weight, 0, places, padding), [...shapeOf(index), shapeOf(weight)[1] as number]);
}

/**
 * A vector of zeros with a one at each index: int64 of shape [..., numClasses].
 * @param numClasses one more than the largest index when -1
 * @throws IndexError for an index outside [0, numClasses).
 */
export function oneHot(indices: Tensor, numClasses = -1): Tensor {
  const index = expectIndex('oneHot', indices);
  if (!Number.isInteger(numClasses) || numClasses < -1 || numClasses === 0)
    throw new ArgumentError('oneHot', `numClasses is a positive whole number, or -1, got ${describe(numClasses)}`);
  if (numClasses === -1 && numelOf(index) === 0)
    throw new ArgumentError('oneHot', 'the number of classes cannot be told from no indices; pass numClasses');
  const classes = numClasses === -1 ? Math.max(amax(index).item() + 1, 0) : numClasses;
  const heap = storageOf(index).heap;
  const out = allocate('oneHot', heap, 'int64', resolveShape('oneHot', [...shapeOf(index), classes]));
  fillWith('oneHot', out, 0);
  const places = reshape(index, [...shapeOf(index), 1]);
  const ones = filled('oneHot', [], 1, index);
  emit('oneHot', heap, checkIndex(places, classes), move(SCATTER, out, ndimOf(index), places, ones));
  return out;
}
