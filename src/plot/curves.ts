/** Curves: functions and lists of values over one axis. */
import { ArgumentError, describe } from '../errors.ts';
import { isTensor } from '../tensor/tensor.ts';
import { evaluate, type Function1 } from './evaluate.ts';
import { Figure, type Trace } from './figure.ts';
import { type FigureOptions, figureOptions, toChoice, toFlag } from './options.ts';
import { axis, baseLayout, colour, dash, symbol, width } from './template.ts';
import {
  expectDrawable,
  expectSameLength,
  extent,
  gaps,
  type Range,
  spaced,
  toCount,
  toDrawable,
  toEntries,
  toNumbers,
  toRange,
  type Values,
} from './values.ts';

/** Values over values. */
export interface CurveValues {
  x: Values;
  y: Values;
  /** How they are drawn: 'lines' by default. */
  mode?: 'lines' | 'markers' | 'lines+markers';
}

/** Options of `curves`. */
export interface CurvesOptions extends FigureOptions {
  /** Where functions are drawn: over the values that are given by default, over [-5, 5] when there are none. */
  x?: Range;
  /** The part of the y axis to show: all by default. */
  y?: Range;
  /** At how many points functions are evaluated: 401 by default. */
  points?: number;
  /** A logarithmic x axis. */
  logX?: boolean;
  /** A logarithmic y axis: values that are not positive are gaps. */
  logY?: boolean;
}

interface Curve {
  name: string;
  x: number[];
  y: number[];
  mode: string;
}

/** The exponents of a range, which is what Plotly wants on logarithmic axes. */
function axisRange(op: string, range: Range, log: boolean, name: string): number[] {
  if (log && range[0] <= 0) throw new ArgumentError(op, `${name} begins at ${range[0]}, but the axis is logarithmic`);
  return log ? range.map(Math.log10) : [...range];
}

/**
 * Curves of functions and of values, with a legend. Values that are not finite are gaps.
 *
 * @param series functions of one variable, or `{ x, y }` of shapes [n] each, by name.
 * @throws ArgumentError for ranges that are empty, functions that return no number, and series without a finite value.
 * @throws ShapeError when x and y differ in length.
 * @example
 * curves({ sin: (x) => x.sin(), data: { x: [0, 1, 2], y: [0, 0.8, 0.9], mode: 'markers' } }, { x: [0, 6] });
 */
export function curves(series: Record<string, Function1 | CurveValues>, options?: CurvesOptions): Figure {
  const op = 'curves';
  const given = figureOptions(op, options, ['x', 'y', 'points', 'logX', 'logY']);
  const [logX, logY] = [toFlag(op, given.logX, 'logX'), toFlag(op, given.logY, 'logY')];
  const points = toCount(op, given.points ?? 401, 'points');
  const entries = toEntries<unknown>(op, series, 'series');
  const lists = entries.map(([name, one]) => (typeof one === 'function' ? null : listed(op, name, one)));
  const span = given.x === undefined ? spanOf(lists, logX) : toRange(op, given.x, 'x');
  const all = entries.map(([name, one], i): Curve => {
    const list = lists[i];
    if (list) return list;
    const ends = axisRange(op, span, logX, 'x') as [number, number];
    const x = spaced(ends, points).map((value) => (logX ? 10 ** value : value));
    return { name, x, y: evaluate(op, one, name, [x]), mode: 'lines' };
  });
  if (logX) for (const { name, x } of all) expectDrawable(op, x.map(Math.log10), `x of ${name} on a logarithmic axis`);
  if (logY) for (const { name, y } of all) expectDrawable(op, y.map(Math.log10), `${name} on a logarithmic axis`);
  const shown = (log: boolean, values: number[]) => gaps(log ? values.map((v) => (v > 0 ? v : Number.NaN)) : values);
  const data = all.map(
    ({ name, x, y, mode }, i): Trace => ({
      type: 'scatter',
      mode,
      name,
      x: shown(logX, x),
      y: shown(logY, y),
      line: { color: colour(i), width: width(i, all.length), dash: dash(i) },
      marker: { color: colour(i), size: 8, symbol: symbol(i) },
    }),
  );
  const scale = (log: boolean, range: Range | undefined, name: string) => ({
    type: log ? 'log' : 'linear',
    ...(range === undefined ? {} : { range: axisRange(op, toRange(op, range, name), log, name) }),
  });
  return new Figure(data, {
    ...baseLayout(given),
    showlegend: all.length > 1,
    xaxis: axis(given.xLabel ?? 'x', scale(logX, given.x, 'x')),
    yaxis: axis(given.yLabel ?? (all.length === 1 ? (all[0] as Curve).name : 'y'), scale(logY, given.y, 'y')),
  });
}

function listed(op: string, name: string, given: unknown): Curve {
  if (typeof given !== 'object' || given === null || isTensor(given) || !('x' in given) || !('y' in given))
    throw new ArgumentError(op, `${name} is a function or { x, y }, got ${describe(given)}`);
  const x = toNumbers(op, given.x, `x of ${name}`);
  const y = toDrawable(op, given.y, `y of ${name}`);
  expectSameLength(op, x, y, `x and y of ${name}`);
  expectDrawable(op, x, `x of ${name}`);
  const mode = (given as CurveValues).mode;
  return { name, x, y, mode: toChoice(op, mode, `mode of ${name}`, ['lines', 'markers', 'lines+markers']) };
}

/** What the values span; on a logarithmic axis the positive ones. */
function spanOf(lists: readonly (Curve | null)[], log: boolean): [number, number] {
  const [low, high] = extent(lists.flatMap((list) => list?.x ?? []).filter((value) => !log || value > 0));
  if (low < high) return [low, high];
  return log ? [0.01, 100] : [-5, 5];
}
