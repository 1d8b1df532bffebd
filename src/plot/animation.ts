/** Animations: figures one after another, with a button and a slider. */

import { ArgumentError, describe } from '../errors.ts';
import { listOf } from '../tensor/lists.ts';
import { checkOptions } from '../tensor/options.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type ContourOptions, contour } from './contour.ts';
import type { Function2 } from './evaluate.ts';
import { Figure, type Frame, type Trace } from './figure.ts';
import { overlayOf, pathTrace } from './overlay.ts';
import type { Layout } from './template.ts';
import { extent, toCount } from './values.ts';

/** Options of `animation`. */
export interface AnimationOptions {
  /** What the slider says at each frame: 1, 2, … by default. */
  labels?: readonly string[];
  /** How long a frame is shown, in milliseconds: 200 by default. */
  frameMs?: number;
}

/**
 * Figures as the frames of one, with a play button and a slider. The axes are those of the first figure; where it leaves their range
 * open, they span what all frames show. All figures must have the same number and kinds of traces.
 *
 * @throws ArgumentError when there is no figure, or figures do not fit together.
 */
export function animation(figures: readonly Figure[], options: AnimationOptions = {}): Figure {
  const op = 'animation';
  checkOptions(op, options, ['labels', 'frameMs']);
  const given = listOf(op, figures);
  if (given === null || given.length === 0 || !given.every((figure) => figure instanceof Figure))
    throw new ArgumentError(op, `wants at least one figure in an array, got ${describe(figures)}`);
  const frames = given as Figure[];
  const [first] = frames as [Figure];
  const kinds = (figure: Figure) => figure.data.map((trace) => trace.type).join(', ');
  for (const [i, frame] of frames.entries())
    if (kinds(frame) !== kinds(first))
      throw new ArgumentError(op, `figure ${i} has traces ${kinds(frame)}, the first has ${kinds(first)}`);
  const layout = { ...first.layout };
  for (const name of ['xaxis', 'yaxis'] as const) {
    const range = fixedRange(layout[name], frames, name === 'xaxis' ? 'x' : 'y');
    if (range !== null) layout[name] = { ...(layout[name] as Layout), range };
  }
  const list = frames.map((figure, i): Frame => {
    const title = figure.layout.title;
    return { name: String(i), data: figure.data, ...(title === undefined ? {} : { layout: { title } }) };
  });
  return moving(op, first.data, layout, list, 0, options);
}

/** A range that holds every frame, for an axis of numbers that has none. */
function fixedRange(axis: unknown, frames: readonly Figure[], name: 'x' | 'y'): [number, number] | null {
  if (typeof axis !== 'object' || axis === null || 'range' in axis) return null;
  const { type } = axis as { type?: string };
  if (type === 'category') return null;
  const values = frames.flatMap(({ data }) => data.flatMap((trace) => (trace[name] as unknown[] | undefined) ?? []));
  const numbers = values.filter((value): value is number => typeof value === 'number');
  const bars = name === 'y' && frames.some(({ data }) => data.some((trace) => trace.type === 'bar'));
  const [low, high] = extent(
    type === 'log' ? numbers.filter((v) => v > 0).map(Math.log10) : bars ? [0, ...numbers] : numbers,
  );
  if (!(low < high)) return null;
  const margin = 0.05 * (high - low);
  return [bars && low === 0 ? 0 : low - margin, high + margin];
}

/** The figure that moves; until it does it shows what frame `active` does. */
function moving(
  op: string,
  data: Trace[],
  layout: Layout,
  frames: Frame[],
  active: number,
  options: AnimationOptions,
): Figure {
  const frameMs = toCount(op, options.frameMs ?? 200, 'frameMs', 1);
  const labels = options.labels ?? frames.map((_, i) => String(i + 1));
  if (!Array.isArray(labels) || labels.length !== frames.length || !labels.every((label) => typeof label === 'string'))
    throw new ArgumentError(op, `labels are ${frames.length} strings, one a frame; got ${describe(labels)}`);
  const go = {
    mode: 'immediate',
    fromcurrent: true,
    frame: { duration: frameMs, redraw: true },
    transition: { duration: 0 },
  };
  const margin = layout.margin as { b?: number } | undefined;
  const legend = layout.legend as { orientation?: string } | undefined;
  const below = layout.showlegend === true && legend?.orientation === 'h';
  return new Figure(
    data,
    {
      ...layout,
      height: ((layout.height as number | undefined) ?? 460) + 90,
      margin: { ...margin, b: (margin?.b ?? 60) + 90 },
      // The legend makes room for the slider.
      ...(below ? { legend: { ...legend, y: 1.01, yanchor: 'bottom' } } : {}),
      updatemenus: [
        {
          type: 'buttons',
          direction: 'left',
          showactive: false,
          x: 0,
          y: 0,
          xanchor: 'left',
          yanchor: 'top',
          pad: { t: 72, r: 10 },
          buttons: [
            { label: '▶', method: 'animate', args: [null, go] },
            { label: '❚❚', method: 'animate', args: [[null], { mode: 'immediate', frame: { duration: 0 } }] },
          ],
        },
      ],
      sliders: [
        {
          active,
          x: 0.26,
          len: 0.74,
          y: 0,
          yanchor: 'top',
          pad: { t: 58 },
          currentvalue: { visible: true, xanchor: 'right', font: { size: 14 } },
          steps: frames.map((frame, i) => ({
            label: labels[i],
            method: 'animate',
            args: [
              [frame.name],
              { mode: 'immediate', frame: { duration: 0, redraw: true }, transition: { duration: 0 } },
            ],
          })),
        },
      ],
    },
    frames,
  );
}

/** Options of `pathAnimation`. */
export interface PathAnimationOptions extends ContourOptions {
  /** How many frames at most: 60 by default. Long paths advance several steps a frame. */
  frames?: number;
  /** How long a frame is shown, in milliseconds: 200 by default. */
  frameMs?: number;
}

/**
 * Paths over contours that grow step by step, all at once: how optimizers race. Before it is played, the figure shows the paths whole.
 *
 * @param f a function of two variables, or its values: see `contour`.
 * @param options those of `contour`; `paths` of shapes [k, 2] are needed. A path that has ended stands still.
 * @throws ArgumentError without paths, and as `contour`.
 */
export function pathAnimation(f: Function2 | Tensor, options: PathAnimationOptions): Figure {
  const op = 'pathAnimation';
  if (typeof options !== 'object' || options === null)
    throw new ArgumentError(op, `wants options as an object, got ${describe(options)}`);
  const { frames: most = 60, frameMs, ...rest } = options;
  const figure = contour(f, rest);
  const { paths, marks } = overlayOf(op, rest);
  if (paths.length === 0) throw new ArgumentError(op, 'there are no paths to draw');
  const steps = paths.reduce((longest, [, points]) => Math.max(longest, points.length), 0);
  const count = Math.min(toCount(op, most, 'frames'), steps);
  const at = Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * (steps - 1)) / (count - 1))));
  // Contours, arrows and marks stay; only the paths' traces change.
  const firstPath = figure.data.length - marks.length - paths.length;
  const traces = paths.map((_, i) => firstPath + i);
  const list = at.map(
    (step, i): Frame => ({
      name: String(i),
      data: paths.map(([name, points], k) => pathTrace(name, points.slice(0, step + 1), k)),
      traces,
    }),
  );
  return moving(op, figure.data, figure.layout, list, count - 1, {
    labels: at.map((step) => `step ${step}`),
    ...(frameMs === undefined ? {} : { frameMs }),
  });
}
