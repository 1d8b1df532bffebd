/** Where contour lines lie: evenly spaced, logarithmically spaced, or as given. */
import { ArgumentError } from '../errors.ts';
import type { Trace } from './figure.ts';
import type { Grid } from './grid.ts';
import { type FigureOptions, toChoice } from './options.ts';
import { CONTOUR_COLOURS } from './template.ts';
import { extent, gaps, spaced, toCount, toNumbers } from './values.ts';

/** Options of contour lines. */
export interface Levels {
  /** About how many lines, or their values in rising order. About 15 by default. */
  levels?: number | readonly number[];
  /**
   * 'log' spaces lines by equal ratios of the height above the lowest value: for functions with flat valleys between steep walls, such as
   * Rosenbrock's. 'linear' by default.
   */
  scale?: 'linear' | 'log';
}

/** A log scale spans this many powers of ten below the highest value. */
const DECADES = 3.5;

const short = (value: number): string => String(Number(value.toPrecision(3)));

/** The contour trace of a grid. */
export function levelled(op: string, grid: Grid, options: Levels & FigureOptions): Trace {
  const scale = toChoice(op, options.scale, 'scale', ['linear', 'log']);
  const title = { text: options.zLabel ?? 'f(x, y)' };
  const base = {
    type: 'contour',
    name: title.text,
    x: grid.x,
    y: grid.y,
    colorscale: CONTOUR_COLOURS,
    line: { color: '#8797a6', width: 1 },
  };
  const given = options.levels ?? 15;
  const values = grid.z.flat();
  const [low, high] = extent(values);
  const levels = Array.isArray(given)
    ? rising(op, given)
    : scale === 'log'
      ? logarithmic(low, high, toCount(op, given, 'levels'))
      : null;
  if (levels === null)
    return {
      ...base,
      z: grid.z.map(gaps),
      autocontour: true,
      ncontours: toCount(op, given, 'levels', 1) + 1,
      colorbar: { title, thickness: 16 },
      hovertemplate: 'x %{x:.4g}<br>y %{y:.4g}<br>%{z:.5g}<extra></extra>',
    };
  // Plotly spaces lines evenly only: so heights are counted in levels, and the scale beside the figure is labelled by hand.
  const stretch = counter(levels, low, high);
  const step = Math.ceil(levels.length / 16);
  const labelled = levels.map((_, i) => i).filter((i) => i % step === 0);
  return {
    ...base,
    z: grid.z.map((row) => gaps(row.map(stretch))),
    text: grid.z.map((row) => row.map((value) => String(Number(value.toPrecision(5))))),
    autocontour: false,
    contours: { start: 0, end: levels.length - 1, size: 1 },
    zmin: -1,
    zmax: levels.length,
    colorbar: {
      title,
      thickness: 16,
      tickmode: 'array',
      tickvals: labelled,
      ticktext: labelled.map((i) => short(levels[i] as number)),
    },
    hovertemplate: 'x %{x:.4g}<br>y %{y:.4g}<br>%{text}<extra></extra>',
  };
}

function rising(op: string, given: unknown): number[] {
  const levels = toNumbers(op, given, 'levels');
  if (
    levels.length === 0 ||
    !levels.every((level, i) => Number.isFinite(level) && (i === 0 || level > (levels[i - 1] as number)))
  )
    throw new ArgumentError(op, `levels are finite numbers in rising order, got [${levels.join(', ')}]`);
  return levels;
}

function logarithmic(low: number, high: number, count: number): number[] {
  const height = high > low ? high - low : 1;
  const top = Math.log10(height);
  return spaced([top - DECADES, top], count + 1)
    .slice(0, -1)
    .map((exponent) => low + 10 ** exponent);
}

/** Counts heights in levels: level i becomes i, linear in between, -1 at the lowest value and one more than the last level at the highest. */
function counter(levels: readonly number[], low: number, high: number): (value: number) => number {
  const [first, last, n] = [levels[0] as number, levels.at(-1) as number, levels.length];
  return (value) => {
    if (!Number.isFinite(value)) return Number.NaN;
    if (value < first) return low < first ? (value - first) / (first - low) : -1;
    if (value >= last) return n - 1 + (high > last ? (value - last) / (high - last) : 0);
    const above = levels.findIndex((level) => value < level);
    const [from, to] = [levels[above - 1] as number, levels[above] as number];
    return above - 1 + (value - from) / (to - from);
  };
}
