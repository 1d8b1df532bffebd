/** Order along a dimension: one kernel that sorts contiguous rows stably, NaN being the greatest value. */
import { track } from '../autograd/track.ts';
import { ArgumentError, describe, ShapeError } from '../errors.ts';
import { SORT } from '../generated/opcodes.ts';
import { allocate, emit, expectTensor, operand } from '../tensor/create.ts';
import { resolveDim } from '../tensor/layout.ts';
import { checkOptions } from '../tensor/options.ts';
import { dtypeOf, ndimOf, shapeOf, storageOf, type Tensor } from '../tensor/tensor.ts';
import { clone, detach } from './convert.ts';
import { accumulate } from './index.ts';
import type { ValuesAndIndices } from './reduce.ts';
import { fromRows, rowSpace, toRows } from './rows.ts';
import { narrow, reshape } from './view.ts';

/** The first `count` elements in order along `dim`, and where they were. */
function inOrder(op: string, x: Tensor, dim: number, descending: boolean, count: number): ValuesAndIndices {
  if (ndimOf(x) === 0) {
    const { values, indices } = inOrder(op, reshape(x, [1]), 0, descending, 1);
    return { values: reshape(values, []), indices: reshape(indices, []) };
  }
  const { heap } = storageOf(x);
  const rows = toRows(op, x, dim);
  const { shape, strides } = rowSpace(rows);
  const sorted = allocate(op, heap, dtypeOf(x), shapeOf(rows));
  const order = allocate(op, heap, 'int64', shapeOf(rows));
  const space = allocate(op, heap, 'int64', [2 * shape[1]]);
  emit(op, heap, {
    opcode: SORT,
    dtype: dtypeOf(x),
    shape,
    operands: [operand(sorted, strides), operand(order, strides), operand(rows, strides), operand(space, [0, 1])],
    params: [Number(descending)],
  });
  space.dispose();
  // A copy, so that the part does not hold on to the whole.
  const first = (all: Tensor) => fromRows(op, count === shape[1] ? all : clone(narrow(all, -1, 0, count)), dim);
  const [values, indices] = [first(sorted), first(order)];
  const whole = shapeOf(x);
  track(op, [x], [values, indices], [indices], ([g], [places]) => [
    g ? accumulate(op, whole, dim, places as Tensor, g) : null,
  ]);
  return { values, indices };
}

function expectFlag(op: string, name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new ArgumentError(op, `${name} is a boolean, got ${describe(value)}`);
  return value;
}

/** Options of `sort` and `argsort`. */
export interface SortOptions {
  dim?: number;
  /** Largest first. */
  descending?: boolean;
  /** Keep the order of equal elements. It is always kept. */
  stable?: boolean;
}

/** Options of `topk`. */
export interface TopkOptions {
  dim?: number;
  /** The largest elements, otherwise the smallest. */
  largest?: boolean;
  /** In order. They always are. */
  sorted?: boolean;
}

/** Arguments given one by one or, from any of them on, in an object. */
function named(
  op: string,
  names: readonly string[],
  given: readonly unknown[],
  defaults: readonly unknown[],
): unknown[] {
  const at = given.findIndex((value) => typeof value === 'object' && value !== null);
  const options = at < 0 ? {} : checkOptions(op, given[at], names);
  return names.map((name, i) => (i === at ? undefined : given[i]) ?? options[name] ?? defaults[i]);
}

function sorted(op: string, x: Tensor, given: readonly unknown[]): ValuesAndIndices {
  const [dim, descending, stable] = named(op, ['dim', 'descending', 'stable'], given, [-1, false, true]);
  expectFlag(op, 'stable', stable);
  const d = resolveDim(op, dim as number, ndimOf(x));
  return inOrder(op, x, d, expectFlag(op, 'descending', descending), shapeOf(x)[d] ?? 1);
}

/**
 * The elements in order along `dim`, and their indices (int64). Equal elements keep their order.
 * @param dim the dimension, or all options in one object
 */
export const sort = (
  x: Tensor,
  dim?: number | SortOptions,
  descending?: boolean | SortOptions,
  stable?: boolean | SortOptions,
): ValuesAndIndices => sorted('sort', expectTensor('sort', x), [dim, descending, stable]);

/** The indices (int64) that put `dim` in order. */
export const argsort = (
  x: Tensor,
  dim?: number | SortOptions,
  descending?: boolean | SortOptions,
  stable?: boolean | SortOptions,
): Tensor => sorted('argsort', detach(expectTensor('argsort', x)), [dim, descending, stable]).indices;

/**
 * The k largest (or smallest) elements along `dim` in order, and their indices (int64).
 * @throws ShapeError when the dimension has fewer than k elements.
 */
export function topk(
  x: Tensor,
  k: number,
  dim?: number | TopkOptions,
  largest?: boolean | TopkOptions,
  inOrderOnly?: boolean | TopkOptions,
): ValuesAndIndices {
  expectTensor('topk', x);
  const names = ['dim', 'largest', 'sorted'];
  const [along, greatest, ordered] = named('topk', names, [dim, largest, inOrderOnly], [-1, true, true]);
  expectFlag('topk', 'sorted', ordered);
  const d = resolveDim('topk', along as number, ndimOf(x));
  const n = shapeOf(x)[d] ?? 1;
  if (!Number.isInteger(k) || k < 0) throw new ArgumentError('topk', `k is a whole number, got ${describe(k)}`);
  if (k > n) throw new ShapeError('topk', `k is ${k}, but dimension ${d} has only ${n} elements`);
  if (ndimOf(x) === 0 && k === 0) return topk(reshape(x, [1]), 0);
  return inOrder('topk', x, d, expectFlag('topk', 'largest', greatest), k);
}
