/** Arithmetic on shapes and strides; knows nothing of tensors, memory or ops. */
import { describe, formatShape, IndexError, ShapeError } from '../errors.ts';
import { listOf } from './lists.ts';

export type Shape = readonly number[];

/** Records hold sizes and strides as int32. */
export const MAX_ELEMENTS = 2 ** 31 - 1;
export const MAX_DIMS = 8;

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i] as number;
  return size;
}

/** Row-major strides, in elements. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= Math.max(shape[i] as number, 1);
  }
  return strides;
}

/** Whether the elements lie in row-major order without gaps; strides of dimensions of size 1 do not matter. */
export function isContiguous(shape: Shape, strides: Shape): boolean {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const n = shape[i] as number;
    if (n === 0) return true;
    if (n !== 1) {
      if (strides[i] !== step) return false;
      step *= n;
    }
  }
  return true;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The shape that all of them broadcast to. */
export function broadcastShapes(op: string, shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 1; i <= shape.length; i++) {
      const n = shape[shape.length - i] as number;
      if (n === 1) continue;
      const have = out[rank - i] as number;
      if (have !== 1 && have !== n)
        throw new ShapeError(
          op,
          `shapes ${shapes.map(formatShape).join(' and ')} do not broadcast: ${have} against ${n} in dimension ${rank - i}`,
        );
      out[rank - i] = n;
    }
  }
  if (sizeOf(out) > MAX_ELEMENTS)
    throw new ShapeError(op, `the result's shape ${formatShape(out)} has more than ${MAX_ELEMENTS} elements`);
  return out;
}

/** Strides of a tensor seen as the larger shape `to`; 0 where it repeats. */
export function broadcastStrides(shape: Shape, strides: Shape, to: Shape): number[] {
  const out = new Array<number>(to.length).fill(0);
  const lead = to.length - shape.length;
  for (let i = 0; i < shape.length; i++) if (shape[i] !== 1) out[lead + i] = strides[i] as number;
  return out;
}

/**
 * Drops dimensions of size 1 and merges neighbours that every operand walks through as one,
 * so that kernels see few long loops. Returns new arrays.
 */
export function coalesce(shape: Shape, strides: readonly Shape[]): { shape: number[]; strides: number[][] } {
  const outShape: number[] = [];
  const outStrides: number[][] = strides.map(() => []);
  for (let d = 0; d < shape.length; d++) {
    const n = shape[d] as number;
    if (n === 1) continue;
    const last = outShape.length - 1;
    if (last >= 0 && strides.every((s, k) => (outStrides[k] as number[])[last] === (s[d] as number) * n)) {
      outShape[last] = (outShape[last] as number) * n;
      for (let k = 0; k < strides.length; k++) (outStrides[k] as number[])[last] = (strides[k] as Shape)[d] as number;
    } else {
      outShape.push(n);
      for (let k = 0; k < strides.length; k++) (outStrides[k] as number[]).push((strides[k] as Shape)[d] as number);
    }
  }
  return { shape: outShape, strides: outStrides };
}

/** A dimension counted from either end, as a number in [0, rank). A 0-d tensor takes 0 and -1. */
export function resolveDim(op: string, dim: number, rank: number): number {
  const n = Math.max(rank, 1);
  if (!Number.isInteger(dim) || dim < -n || dim >= n)
    throw new IndexError(
      op,
      `dimension ${describe(dim)} is not in [${-n}, ${n - 1}] for a tensor of ${rank} dimensions`,
    );
  return dim < 0 ? dim + n : dim;
}

/** Several distinct dimensions; null or undefined stands for all of them. */
export function resolveDims(op: string, dims: number | Shape | null | undefined, rank: number): number[] {
  if (dims === null || dims === undefined) return Array.from({ length: rank }, (_, i) => i);
  const given: readonly unknown[] = listOf(op, dims) ?? [dims];
  const list = given.map((d) => resolveDim(op, d as number, rank));
  if (new Set(list).size !== list.length) throw new ShapeError(op, `dimension repeated in ${describe(dims)}`);
  return rank === 0 ? [] : list;
}

/** An index into a dimension of size n, counted from either end. */
export function resolveIndex(op: string, index: number, n: number, dim: number): number {
  if (!Number.isInteger(index) || index < -n || index >= n)
    throw new IndexError(op, `index ${describe(index)} is out of range for dimension ${dim} of size ${n}`);
  return index < 0 ? index + n : index;
}

/** Checks that a value is a shape, one entry of which may be -1 if `size` is known, and fills that in. */
export function resolveShape(op: string, shape: unknown, size?: number): number[] {
  const result = listOf(op, shape) as number[] | null;
  if (result === null || !result.every((n) => Number.isInteger(n) && n >= (size === undefined ? 0 : -1)))
    throw new ShapeError(op, `a shape is an array of non-negative integers, got ${describe(shape)}`);
  const open = result.indexOf(-1);
  if (open >= 0 && size !== undefined) {
    if (result.indexOf(-1, open + 1) >= 0)
      throw new ShapeError(op, `only one dimension may be -1, got ${formatShape(result)}`);
    const rest = sizeOf(result.filter((_, i) => i !== open));
    if (rest === 0 ? size !== 0 : size % rest !== 0)
      throw new ShapeError(op, `${size} elements do not fit the shape ${formatShape(result)}`);
    if (rest === 0) throw new ShapeError(op, `-1 is ambiguous in ${formatShape(result)} for a tensor without elements`);
    result[open] = size / rest;
  }
  if (result.length > MAX_DIMS)
    throw new ShapeError(op, `${result.length} dimensions, at most ${MAX_DIMS} are supported`);
  // Each size as well as their product: beside a size of 0 any other would pass.
  if (sizeOf(result) > MAX_ELEMENTS || result.some((n) => n > MAX_ELEMENTS))
    throw new ShapeError(op, `the shape ${formatShape(result)} has more than ${MAX_ELEMENTS} elements`);
  return result;
}

/**
 * Strides for `shape` over the same memory, or null when that needs a copy
 * (the merging rule of `reshape` in NumPy and PyTorch).
 */
export function viewStrides(oldShape: Shape, oldStrides: Shape, shape: Shape): number[] | null {
  const size = sizeOf(oldShape);
  if (size === 0) return contiguousStrides(shape);
  const strides = new Array<number>(shape.length).fill(1);
  let to = shape.length - 1;
  let chunk = 1;
  let viewed = 1;
  const rank = oldShape.length;
  if (rank === 0) return strides;
  let base = oldStrides[rank - 1] as number;
  for (let d = rank - 1; d >= 0; d--) {
    chunk *= oldShape[d] as number;
    const breaks = d === 0 || (oldShape[d - 1] !== 1 && oldStrides[d - 1] !== chunk * base);
    if (!breaks) continue;
    while (to >= 0 && (viewed < chunk || shape[to] === 1)) {
      strides[to] = viewed * base;
      viewed *= shape[to] as number;
      to--;
    }
    if (viewed !== chunk) return null;
    if (d > 0) {
      base = oldStrides[d - 1] as number;
      chunk = 1;
      viewed = 1;
    }
  }
  return to < 0 ? strides : null;
}
