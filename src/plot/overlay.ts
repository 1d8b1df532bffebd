/** What is drawn over contours and surfaces: paths and marks. */
import type { Trace } from './figure.ts';
import type { Grid } from './grid.ts';
import { colour, dash } from './template.ts';
import { gaps, type Point2, type Points, toEntries, toPoints } from './values.ts';

/** Paths and marks by name. */
export interface Overlay {
  /** Paths of k points each: tensors of shape [k, 2]. */
  paths?: Record<string, Points>;
  /** Single points: `[x, y]`, several of them, or a tensor of shape [k, 2]. */
  marks?: Record<string, Points>;
}

/** The names of the options of an overlay. */
export const OVERLAY = ['paths', 'marks'] as const;

const named = (op: string, given: unknown, what: string): [string, Point2[]][] =>
  given === undefined
    ? []
    : toEntries<unknown>(op, given, what).map(([name, points]) => [name, toPoints(op, points, `${what}.${name}`)]);

/** Paths and marks, checked. */
export function overlayOf(op: string, options: Overlay): { paths: [string, Point2[]][]; marks: [string, Point2[]][] } {
  return { paths: named(op, options.paths, 'paths'), marks: named(op, options.marks, 'marks') };
}

const xOf = (points: readonly Point2[]) => gaps(points.map(([x]) => x));
const yOf = (points: readonly Point2[]) => gaps(points.map(([, y]) => y));

/** Symbols of marks, which differ from those of paths. */
const MARKS = ['star', 'x', 'diamond', 'triangle-up', 'cross', 'hexagon'] as const;
/** Colours of marks: from the other end than those of paths, to tell them apart. */
const MARK_COLOURS = ['#B2182B', '#000000', '#762A83', '#1B7837', '#8C510A', '#01665E'] as const;
const markColour = (i: number): string => MARK_COLOURS[i % MARK_COLOURS.length] as string;

/** A path as a line with a dot at each step, and a ring where it starts. */
export function pathTrace(name: string, points: readonly Point2[], i: number): Trace {
  const dots = points.length <= 60 ? 6 : 3;
  return {
    type: 'scatter',
    mode: 'lines+markers',
    name,
    x: xOf(points),
    y: yOf(points),
    line: { color: colour(i), width: 2.5, dash: dash(i) },
    marker: {
      color: colour(i),
      size: points.map((_, k) => (k === 0 ? 10 : dots)),
      symbol: points.map((_, k) => (k === 0 ? 'circle-open' : 'circle')),
      line: { width: points.map((_, k) => (k === 0 ? 2.5 : 0)) },
    },
  };
}

export const markTrace = (name: string, points: readonly Point2[], i: number): Trace => ({
  type: 'scatter',
  mode: 'markers',
  name,
  x: xOf(points),
  y: yOf(points),
  marker: {
    color: markColour(i),
    symbol: MARKS[i % MARKS.length],
    size: 14,
    line: { color: '#ffffff', width: 1.5 },
  },
});

/** A path on a surface. */
export function pathTrace3d(name: string, points: readonly Point2[], i: number, grid: Grid): Trace {
  return {
    type: 'scatter3d',
    mode: 'lines+markers',
    name,
    x: xOf(points),
    y: yOf(points),
    z: gaps(grid.at(points)),
    line: { color: colour(i), width: 5 },
    marker: { color: colour(i), size: 2.5 },
  };
}

export const markTrace3d = (name: string, points: readonly Point2[], i: number, grid: Grid): Trace => ({
  type: 'scatter3d',
  mode: 'markers',
  name,
  x: xOf(points),
  y: yOf(points),
  z: gaps(grid.at(points)),
  // Other symbols lose their shape where the surface hides a part of them.
  marker: { color: markColour(i), symbol: 'circle', size: 7, line: { color: '#ffffff', width: 1.5 } },
});
