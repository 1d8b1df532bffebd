/** Decision regions: which class a model gives to every point of a rectangle. */
import { noGrad } from '../autograd/mode.ts';
import { ArgumentError, describe, formatShape, ShapeError } from '../errors.ts';
import { scope } from '../memory/scope.ts';
import { fromArray } from '../ops/creation.ts';
import { expectTensor } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { planeLayout } from './contour.ts';
import { Figure, type Trace } from './figure.ts';
import { gridPoints, type PlaneOptions } from './grid.ts';
import { figureOptions } from './options.ts';
import { colour, symbol } from './template.ts';
import {
  expectSameLength,
  gaps,
  numbersOf,
  type Points,
  spaced,
  toCount,
  toNumbers,
  toPoints,
  toRange,
  type Values,
} from './values.ts';

/** Options of `decisionRegions`. */
export interface RegionsOptions extends PlaneOptions {
  /** Points with their classes, drawn over the regions: shapes [n, 2] and [n]. */
  samples?: { points: Points; labels: Values };
  /** Names of the classes; 'class 0', 'class 1', … by default. */
  classes?: readonly string[];
  /** Element type of the points that `predict` gets; float32 by default, as parameters are. */
  dtype?: 'float32' | 'float64';
  /** The same length for one unit on both axes. By default unless one range is five times the other. */
  equal?: boolean;
}

/** More classes could not be told apart. */
const MOST = 7;

/**
 * The regions of a rectangle that a model puts into one class each, coloured, with the points it was trained on.
 *
 * @param predict gets all points of a grid at once, shape [n, 2], and returns their classes, shape [n], or scores of shape [n, classes], of
 * which the highest wins. It is called without recording gradients.
 * @throws ShapeError when it returns another shape.
 * @throws ArgumentError for classes that are not whole numbers from 0 to 6, scores that are NaN, and empty ranges.
 */
export function decisionRegions(predict: (points: Tensor) => Tensor, options: RegionsOptions): Figure {
  const op = 'decisionRegions';
  const given = figureOptions(op, options, ['x', 'y', 'points', 'samples', 'classes', 'dtype', 'equal']);
  if (typeof predict !== 'function') throw new ArgumentError(op, `predict is a function, got ${describe(predict)}`);
  const dtype = given.dtype ?? 'float32';
  if (dtype !== 'float32' && dtype !== 'float64')
    throw new ArgumentError(op, `dtype is 'float32' or 'float64', got ${describe(dtype)}`);
  const count = toCount(op, given.points ?? 151, 'points');
  const [x, y] = [spaced(toRange(op, given.x, 'x'), count), spaced(toRange(op, given.y, 'y'), count)];
  const [xs, ys] = gridPoints(x, y);
  const flat = Float64Array.from({ length: 2 * xs.length }, (_, i) => (i % 2 === 0 ? xs : ys)[i >> 1] as number);
  const found = scope(() =>
    noGrad(() => classesOf(op, predict(fromArray(flat, [xs.length, 2], { dtype })), xs.length)),
  );
  const samples = samplesOf(op, given.samples);
  const n = 1 + [...found, ...samples.labels].reduce((a, b) => Math.max(a, b), 0);
  const names = namesOf(op, given.classes, n);
  const data: Trace[] = [
    {
      type: 'heatmap',
      x,
      y,
      z: y.map((_, row) => found.slice(row * count, (row + 1) * count)),
      zmin: -0.5,
      zmax: n - 0.5,
      colorscale: names.flatMap((_, i) => [
        [i / n, pale(colour(i))],
        [(i + 1) / n, pale(colour(i))],
      ]),
      showscale: false,
      hovertemplate: 'x %{x:.4g}<br>y %{y:.4g}<br>class %{z}<extra></extra>',
    },
    ...names.map((name, i): Trace => {
      const mine = samples.points.filter((_, k) => samples.labels[k] === i);
      return {
        type: 'scatter',
        mode: 'markers',
        name,
        // A class without samples still has its place in the legend.
        x: mine.length === 0 ? [null] : gaps(mine.map(([u]) => u)),
        y: mine.length === 0 ? [null] : gaps(mine.map(([, v]) => v)),
        marker: { color: colour(i), symbol: symbol(i), size: 8, line: { color: '#ffffff', width: 1 } },
      };
    }),
  ];
  return new Figure(data, planeLayout(op, given, true));
}

/** A light shade of a colour, below points of the colour itself. */
const pale = (hex: string): string =>
  `#${[1, 3, 5]
    .map((at) => Math.round(255 - 0.35 * (255 - Number.parseInt(hex.slice(at, at + 2), 16))))
    .map((part) => part.toString(16).padStart(2, '0'))
    .join('')}`;

function classesOf(op: string, result: unknown, n: number): number[] {
  const tensor = expectTensor(op, result, 'predict to return a tensor');
  const { shape } = tensor;
  const scores = tensor.ndim === 2 && (shape[1] as number) > 1;
  if (shape[0] !== n || !(tensor.ndim === 1 || (tensor.ndim === 2 && (shape[1] as number) > 0)))
    throw new ShapeError(
      op,
      `predict returns classes of shape [${n}] or scores of shape [${n}, classes], got ${formatShape(shape)}`,
    );
  const flat = numbersOf(tensor);
  if (!scores) return expectClasses(op, flat, 'predict returns');
  if (flat.some(Number.isNaN)) throw new ArgumentError(op, 'predict returns scores that are NaN');
  const width = shape[1] as number;
  const best = Array.from({ length: n }, (_, i) => {
    const row = flat.slice(i * width, (i + 1) * width);
    return row.reduce((at, value, k) => (value > (row[at] as number) ? k : at), 0);
  });
  return expectClasses(op, best, 'predict returns');
}

function expectClasses(op: string, classes: readonly number[], who: string): number[] {
  const wrong = classes.find((value) => !(Number.isInteger(value) && value >= 0 && value < MOST));
  if (wrong !== undefined)
    throw new ArgumentError(op, `${who} classes, whole numbers from 0 to ${MOST - 1}; got ${wrong}`);
  return [...classes];
}

function samplesOf(op: string, given: RegionsOptions['samples']) {
  if (given === undefined) return { points: [], labels: [] };
  if (typeof given !== 'object' || given === null)
    throw new ArgumentError(op, `samples is { points, labels }, got ${describe(given)}`);
  const points = toPoints(op, given.points, 'samples.points');
  const labels = expectClasses(op, toNumbers(op, given.labels, 'samples.labels'), 'samples.labels are');
  expectSameLength(
    op,
    points.flatMap(([u]) => u),
    labels,
    'samples.points and samples.labels',
  );
  return { points, labels };
}

function namesOf(op: string, given: unknown, n: number): string[] {
  if (given === undefined) return Array.from({ length: n }, (_, i) => `class ${i}`);
  if (!Array.isArray(given) || given.length < n || !given.every((name) => typeof name === 'string'))
    throw new ArgumentError(op, `classes are names of all ${n} classes, got ${describe(given)}`);
  return given as string[];
}
