/** What users hand to plots, as plain arrays of numbers: lists of values, lists of points, ranges. */
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { isTypedArray, plainArray } from '../tensor/bytes.ts';
import { listOf } from '../tensor/lists.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';

/** A list of numbers: a 1-d tensor, an array or a typed array. */
export type Values = Tensor | readonly number[] | Float32Array | Float64Array | Int32Array | Uint8Array;

/** Points of a plane: a tensor of shape [k, 2] or [2], one point as two numbers, or a list of such. */
export type Points = Tensor | readonly number[] | readonly (readonly number[])[];

/** Where an axis begins and ends. */
export type Range = readonly [from: number, to: number];

/** A point of a plane. */
export type Point2 = [x: number, y: number];

/** The elements of a tensor in row-major order, as numbers. */
export const numbersOf = (x: Tensor): number[] => Array.from(x.data(), Number);

/** A list of numbers. `what` names it in messages. */
export function toNumbers(op: string, values: unknown, what: string): number[] {
  if (isTensor(values)) {
    if (values.ndim !== 1)
      throw new ShapeError(op, `${what} is a tensor of shape [n], got ${formatShape(values.shape)}`);
    return numbersOf(values);
  }
  if (isTypedArray(values)) return Array.from<number | bigint, number>(plainArray(op, values), Number);
  const list = listOf(op, values);
  if (list === null) throw new ArgumentError(op, `${what} is a list of numbers, got ${describe(values)}`);
  const wrong = list.findIndex((value) => typeof value !== 'number');
  if (wrong >= 0) throw new ArgumentError(op, `${what} is a list of numbers, got ${describe(list[wrong])} in it`);
  return list as number[];
}

/** A list of numbers of which at least one can be drawn; those that are not finite are gaps. */
export function toDrawable(op: string, values: unknown, what: string): number[] {
  const numbers = toNumbers(op, values, what);
  expectDrawable(op, numbers, what);
  return numbers;
}

/** @throws ArgumentError when there is nothing, or nothing finite, to draw. */
export function expectDrawable(op: string, numbers: readonly number[], what: string): void {
  if (numbers.length === 0) throw new ArgumentError(op, `${what} is empty`);
  if (!numbers.some(Number.isFinite)) throw new ArgumentError(op, `${what} has no finite value`);
}

/** @throws ShapeError unless two lists have the same length. */
export function expectSameLength(op: string, a: readonly number[], b: readonly number[], what: string): void {
  if (a.length !== b.length) throw new ShapeError(op, `${what} have ${a.length} and ${b.length} values`);
}

/** A matrix as rows. */
export function toRows(op: string, x: Tensor, what: string): number[][] {
  const [rows, columns] = x.shape as [number, number];
  if (x.ndim !== 2 || rows < 2 || columns < 2)
    throw new ShapeError(
      op,
      `${what} is a tensor of shape [rows, columns], at least 2 each; got ${formatShape(x.shape)}`,
    );
  const flat = numbersOf(x);
  expectDrawable(op, flat, what);
  return Array.from({ length: rows }, (_, row) => flat.slice(row * columns, (row + 1) * columns));
}

/** Points of a plane, as pairs. */
export function toPoints(op: string, points: unknown, what: string): Point2[] {
  const wrong = (got: string) => new ShapeError(op, `${what} is points of two coordinates, shape [k, 2]; got ${got}`);
  if (isTensor(points)) {
    const { shape } = points;
    if (points.dtype === 'bool') throw new DTypeError(op, `${what} is points of numbers, got bool`);
    if (!(shape.at(-1) === 2 && points.ndim <= 2)) throw wrong(`shape ${formatShape(shape)}`);
    const flat = numbersOf(points);
    return pairs(op, flat, what);
  }
  if (!Array.isArray(points))
    throw new ArgumentError(op, `${what} is points of two coordinates, got ${describe(points)}`);
  const list: unknown[] = typeof points[0] === 'number' ? [points] : points;
  const flat = list.flatMap((point) => {
    if (!Array.isArray(point) || point.length !== 2) throw wrong(describe(point));
    return toNumbers(op, point, what);
  });
  return pairs(op, flat, what);
}

function pairs(op: string, flat: readonly number[], what: string): Point2[] {
  expectDrawable(op, flat, what);
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] as number, flat[2 * i + 1] as number]);
}

/**
 * A range of an axis.
 * @throws ArgumentError unless it is two finite numbers, the first below the second.
 */
export function toRange(op: string, range: unknown, what: string): [number, number] {
  const [from, to] = Array.isArray(range) && range.length === 2 ? (range as unknown[]) : [];
  if (typeof from !== 'number' || typeof to !== 'number' || !Number.isFinite(from) || !Number.isFinite(to))
    throw new ArgumentError(op, `${what} is a range [from, to] of finite numbers, got ${describe(range)}`);
  if (from >= to) throw new ArgumentError(op, `${what} is an empty range: it goes from ${from} to ${to}`);
  return [from, to];
}

/** A whole number of at least `least`. */
export function toCount(op: string, value: unknown, what: string, least = 2): number {
  if (!Number.isInteger(value) || (value as number) < least)
    throw new ArgumentError(op, `${what} is a whole number of at least ${least}, got ${describe(value)}`);
  return value as number;
}

/** Named things, in the order they were given. */
export function toEntries<T>(op: string, record: unknown, what: string): [string, T][] {
  if (typeof record !== 'object' || record === null || Array.isArray(record) || isTensor(record))
    throw new ArgumentError(op, `${what} is an object of named values, got ${describe(record)}`);
  const entries = Object.entries(record);
  if (entries.length === 0) throw new ArgumentError(op, `${what} is empty`);
  return entries as [string, T][];
}

/** `count` numbers from one to the other, both included; the ends are exact. */
export const spaced = ([from, to]: Range, count: number): number[] =>
  Array.from({ length: count }, (_, i) => (i === count - 1 ? to : from + ((to - from) * i) / (count - 1)));

/** The least and the greatest finite value. */
export function extent(values: Iterable<number>): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values)
    if (Number.isFinite(value)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  return [low, high];
}

/** Values as JSON has them: what is not finite is null, which Plotly draws as a gap. */
export const gaps = (values: readonly number[]): (number | null)[] =>
  values.map((value) => (Number.isFinite(value) ? value : null));
