/** What is drawn over a rectangle of the plane: where the grid points are, and the values there. */
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { evaluate, type Function2 } from './evaluate.ts';
import type { FigureOptions } from './options.ts';
import { type Point2, type Range, spaced, toCount, toRange, toRows } from './values.ts';

/** Options of figures over a rectangle. */
export interface PlaneOptions extends FigureOptions {
  /** The rectangle's x. */
  x: Range;
  /** The rectangle's y. */
  y: Range;
  /** Grid points along each axis, for functions: 101 by default, 61 for surfaces. */
  points?: number;
}

/** Values over a rectangle: `z[row][column]` belongs to `y[row]` and `x[column]`. */
export interface Grid {
  x: number[];
  y: number[];
  z: number[][];
  /** The values at points of the rectangle. */
  at(points: readonly Point2[]): number[];
}

/** The grid points of a rectangle, row by row. */
export function gridPoints(x: readonly number[], y: readonly number[]): [number[], number[]] {
  return [y.flatMap(() => x), y.flatMap((value) => x.map(() => value))];
}

/** Evaluates a function on a grid, or takes a tensor of shape [rows, columns] as its values. */
export function gridOf(op: string, f: Function2 | Tensor, options: PlaneOptions, points: number): Grid {
  const [xRange, yRange] = [toRange(op, options.x, 'x'), toRange(op, options.y, 'y')];
  if (isTensor(f)) {
    const z = toRows(op, f, 'z');
    const [x, y] = [spaced(xRange, (z[0] as number[]).length), spaced(yRange, z.length)];
    return { x, y, z, at: (where) => where.map((point) => between(x, y, z, point)) };
  }
  const count = toCount(op, options.points ?? points, 'points');
  const [x, y] = [spaced(xRange, count), spaced(yRange, count)];
  const flat = evaluate(op, f, 'f', gridPoints(x, y));
  const z = y.map((_, row) => flat.slice(row * count, (row + 1) * count));
  const at = (where: readonly Point2[]) => evaluate(op, f, 'f', [where.map(([u]) => u), where.map(([, v]) => v)]);
  return { x, y, z, at };
}

/** Bilinear interpolation; NaN outside. */
function between(x: readonly number[], y: readonly number[], z: readonly number[][], [u, v]: Point2): number {
  const place = (values: readonly number[], value: number): [number, number] => {
    const [from, to] = [values[0] as number, values.at(-1) as number];
    const at = ((value - from) / (to - from)) * (values.length - 1);
    if (!(at >= 0 && at <= values.length - 1)) return [0, Number.NaN];
    const cell = Math.min(Math.floor(at), values.length - 2);
    return [cell, at - cell];
  };
  const [[column, s], [row, t]] = [place(x, u), place(y, v)];
  const [below, above] = [z[row] as number[], z[row + 1] as number[]];
  const mix = (line: number[]) => (line[column] as number) * (1 - s) + (line[column + 1] as number) * s;
  return mix(below) * (1 - t) + mix(above) * t;
}
