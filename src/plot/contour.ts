/** Contours of functions of two variables, with arrows of the gradient, paths and marks over them. */
import type { Tensor } from '../tensor/tensor.ts';
import type { Function2 } from './evaluate.ts';
import { fieldTrace } from './field.ts';
import { Figure, type Trace } from './figure.ts';
import { gridOf, type PlaneOptions } from './grid.ts';
import { type Levels, levelled } from './levels.ts';
import { figureOptions, toChoice, toFlag } from './options.ts';
import { markTrace, OVERLAY, type Overlay, overlayOf, pathTrace } from './overlay.ts';
import { axis, baseLayout } from './template.ts';
import { type Range, toRange } from './values.ts';

/** Options of `contour`. */
export interface ContourOptions extends PlaneOptions, Overlay, Levels {
  /** Arrows of the gradient. */
  field?: boolean;
  /** Which way the arrows point: along the gradient, or against it. 'ascent' by default. */
  direction?: 'ascent' | 'descent';
  /** Arrows along the longer side: 18 by default. */
  arrows?: number;
  /** The same length for one unit on both axes. By default unless one range is five times the other. */
  equal?: boolean;
}

const NAMES = ['x', 'y', 'points', 'levels', 'scale', 'field', 'direction', 'arrows', 'equal', ...OVERLAY] as const;

/**
 * Contours of f over a rectangle: coloured bands with lines between them; over them, if wanted, arrows of the gradient, paths and marks.
 *
 * @param f a function of two variables, or its values on an even grid: a tensor of shape [rows, columns], rows from the lowest y up.
 * @throws ArgumentError for empty ranges, for functions that return no number, and when there is no finite value.
 * @throws ShapeError for tensors and paths of other shapes.
 * @throws AutogradError when arrows are wanted of a function that returns detached tensors.
 * @example
 * contour((x, y) => x.square().add(y.square()), { x: [-4, 4], y: [-4, 4], paths: { descent: result.path } });
 */
export function contour(f: Function2 | Tensor, options: ContourOptions): Figure {
  return draw('contour', f, options);
}

/**
 * Contours with arrows of the gradient: `contour` with `field: true`. Arrows point uphill, or downhill with `direction: 'descent'`; their
 * lengths tell steep from flat.
 * @throws as `contour`
 */
export function gradientField(f: Function2 | Tensor, options: ContourOptions): Figure {
  return draw('gradientField', f, { field: true, ...options });
}

function draw(op: string, f: Function2 | Tensor, options: ContourOptions): Figure {
  const given = figureOptions(op, options, NAMES);
  const field = toFlag(op, given.field, 'field');
  const direction = toChoice(op, given.direction, 'direction', ['ascent', 'descent']);
  const grid = gridOf(op, f, given, 101);
  const { paths, marks } = overlayOf(op, given);
  const data: Trace[] = [levelled(op, grid, given)];
  if (field) data.push(fieldTrace(op, f, grid, { direction, arrows: given.arrows ?? 18 }));
  data.push(...paths.map(([name, points], i) => pathTrace(name, points, i)));
  data.push(...marks.map(([name, points], i) => markTrace(name, points, i)));
  return new Figure(data, planeLayout(op, given, data.length > 1));
}

/** The layout of what is drawn over a rectangle of the plane: the axes end where the rectangle does. */
export function planeLayout(op: string, given: PlaneOptions & { equal?: boolean }, legend: boolean) {
  const [x, y] = [toRange(op, given.x, 'x'), toRange(op, given.y, 'y')];
  const equal = toFlag(op, given.equal, 'equal', comparable(x, y));
  const base = baseLayout(given, HEIGHT);
  return {
    ...base,
    // With equal units the width follows from the height; the scale of colours then stands beside the plane.
    ...(equal && given.width === undefined ? { autosize: false, width: widthOf(x, y) } : {}),
    showlegend: legend,
    legend: { orientation: 'h', x: 0.5, xanchor: 'center', y: -0.14, yanchor: 'top' },
    xaxis: axis(given.xLabel ?? 'x', { range: x, constrain: 'domain' }),
    yaxis: axis(given.yLabel ?? 'y', {
      range: y,
      constrain: 'domain',
      ...(equal ? { scaleanchor: 'x', scaleratio: 1 } : {}),
    }),
  };
}

/** Pixels of a figure over a rectangle, and of what surrounds the rectangle. */
const [HEIGHT, ABOVE_AND_BELOW, BESIDE] = [560, 150, 210];
const widthOf = (x: Range, y: Range): number =>
  Math.round(Math.min(960, Math.max(440, BESIDE + ((HEIGHT - ABOVE_AND_BELOW) * (x[1] - x[0])) / (y[1] - y[0]))));

const comparable = (x: Range, y: Range): boolean => {
  const ratio = (x[1] - x[0]) / (y[1] - y[0]);
  return ratio <= 5 && ratio >= 1 / 5;
};
