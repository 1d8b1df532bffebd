/** How figures look: one set of fonts, colours and axes for all of them. */
import type { FigureOptions } from './options.ts';
import { extent } from './values.ts';

/**
 * Colours that colour-blind people can tell apart, those that stand out on white first.
 * Okabe and Ito, "Color Universal Design" (2008); their yellow is left out, as it cannot be read on white.
 */
export const COLOURS = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000'] as const;

/** The colour of series number `i`. */
export const colour = (i: number): string => COLOURS[i % COLOURS.length] as string;

/** The dash of series number `i`: a second round of colours differs by its dash. */
export const dash = (i: number): string =>
  (['solid', 'dash', 'dot', 'dashdot'] as const)[Math.floor(i / COLOURS.length) % 4] as string;

/** The width of line number `i` of `n`: later ones are thinner, so that a line below another shows on both sides of it. */
export const width = (i: number, n: number): number => (n === 1 ? 2.5 : 4 - (2 * i) / (n - 1));

/** The marker of series number `i`. */
export const symbol = (i: number): string =>
  (['circle', 'square', 'diamond', 'cross', 'triangle-up', 'star', 'x'] as const)[i % 7] as string;

/** Colours of surfaces: Viridis (Smith and van der Walt, 2015) rises evenly in lightness. */
export const SURFACE_COLOURS = 'Viridis';

/** Pale colours below contour lines, so that paths, arrows and marks stand out; low is darker. */
export const CONTOUR_COLOURS: readonly (readonly [number, string])[] = [
  [0, '#9fbfdc'],
  [0.25, '#c3d9ea'],
  [0.5, '#e0ecf4'],
  [0.75, '#f5f4ee'],
  [1, '#fbe9d0'],
];

const INK = '#222222';
const GRID = '#e3e3e3';
const FONT = 'system-ui, "Segoe UI", "Liberation Sans", "DejaVu Sans", Arial, sans-serif';

/** Part of a layout. */
export type Layout = Record<string, unknown>;

/** What all axes have. */
export const axis = (label: string, more: Layout = {}): Layout => ({
  title: { text: label, standoff: 10 },
  automargin: true,
  showline: true,
  linecolor: INK,
  gridcolor: GRID,
  zeroline: false,
  ticks: 'outside',
  tickcolor: INK,
  exponentformat: 'power',
  ...more,
});

/** A logarithmic axis: over many powers of ten only these are labelled. */
export function logAxis(values: Iterable<number>): Layout {
  const [low, high] = extent(values);
  const decades = Math.log10(high / low);
  return { type: 'log', ...(decades >= 3 ? { dtick: Math.ceil(decades / 10) } : {}) };
}

/** An axis of a surface. */
export const sceneAxis = (label: string, more: Layout = {}): Layout => ({
  title: { text: label },
  gridcolor: '#cccccc',
  zeroline: false,
  showbackground: true,
  backgroundcolor: '#f7f7f7',
  exponentformat: 'power',
  ...more,
});

/** The layout that all figures start from. */
export function baseLayout(options: FigureOptions, height = 460): Layout {
  const { title, width } = options;
  return {
    ...(title === undefined ? {} : { title: { text: title, x: 0.5, xanchor: 'center', font: { size: 18 } } }),
    font: { family: FONT, size: 14, color: INK },
    colorway: [...COLOURS],
    paper_bgcolor: '#ffffff',
    plot_bgcolor: '#ffffff',
    ...(width === undefined ? { autosize: true } : { width }),
    height: options.height ?? height,
    margin: { l: 70, r: 30, t: title === undefined ? 30 : 60, b: 60 },
    hovermode: 'closest',
    legend: { bgcolor: 'rgba(255,255,255,0.8)', bordercolor: GRID, borderwidth: 1 },
  };
}
