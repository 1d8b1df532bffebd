/** Surfaces in three dimensions. */
import type { Tensor } from '../tensor/tensor.ts';
import type { Function2 } from './evaluate.ts';
import { Figure } from './figure.ts';
import { gridOf, type PlaneOptions } from './grid.ts';
import { figureOptions, toFlag } from './options.ts';
import { markTrace3d, OVERLAY, type Overlay, overlayOf, pathTrace3d } from './overlay.ts';
import { baseLayout, type Layout, logAxis, SURFACE_COLOURS, sceneAxis } from './template.ts';
import { expectDrawable, extent, gaps } from './values.ts';

/** Options of `surface`. */
export interface SurfaceOptions extends PlaneOptions, Overlay {
  /** A logarithmic z axis: values that are not positive are gaps. */
  logZ?: boolean;
}

/**
 * The surface z = f(x, y) over a rectangle, which can be turned with the mouse, with paths and marks on it.
 *
 * @param f a function of two variables, or its values on an even grid: a tensor of shape [rows, columns], rows from the lowest y up.
 * @throws ArgumentError for empty ranges, for functions that return no number, and when there is no finite value.
 * @throws ShapeError for tensors and paths of other shapes.
 */
export function surface(f: Function2 | Tensor, options: SurfaceOptions): Figure {
  const op = 'surface';
  const given = figureOptions(op, options, ['x', 'y', 'points', 'logZ', ...OVERLAY]);
  const log = toFlag(op, given.logZ, 'logZ');
  const grid = gridOf(op, f, given, 61);
  const { paths, marks } = overlayOf(op, given);
  const heights = grid.z.map((row) => (log ? row.map((value) => (value > 0 ? value : Number.NaN)) : row));
  if (log) expectDrawable(op, heights.flat(), 'f on a logarithmic axis');
  const zLabel = given.zLabel ?? 'f(x, y)';
  const colorbar = { title: { text: zLabel }, len: 0.75, thickness: 16 };
  const trace = {
    type: 'surface',
    name: zLabel,
    x: grid.x,
    y: grid.y,
    z: heights.map(gaps),
    colorscale: SURFACE_COLOURS,
    opacity: paths.length > 0 || marks.length > 0 ? 0.85 : 1,
    ...(log
      ? logColours(heights, colorbar)
      : { colorbar, contours: { z: { show: true, color: '#ffffff80', width: 1 } } }),
  };
  const overlay = [
    ...paths.map(([name, points], i) => pathTrace3d(name, points, i, grid)),
    ...marks.map(([name, points], i) => markTrace3d(name, points, i, grid)),
  ];
  return new Figure([trace, ...overlay], {
    ...baseLayout(given, 560),
    margin: { l: 10, r: 10, t: given.title === undefined ? 10 : 50, b: 10 },
    showlegend: overlay.length > 0,
    legend: { x: 0, y: 1, bgcolor: 'rgba(255,255,255,0.8)' },
    scene: {
      xaxis: sceneAxis(given.xLabel ?? 'x'),
      yaxis: sceneAxis(given.yLabel ?? 'y'),
      zaxis: sceneAxis(zLabel, log ? logAxis(heights.flat()) : {}),
      aspectmode: 'manual',
      aspectratio: { x: 1, y: 1, z: 0.75 },
      camera: { eye: { x: -1.35, y: -1.5, z: 1.05 } },
    },
  });
}

/** Colours by the exponents of the heights. */
function logColours(heights: readonly (readonly number[])[], colorbar: Layout): Layout {
  const exponents = heights.map((row) => row.map(Math.log10));
  const [low, high] = extent(exponents.flat());
  const step = Math.max(1, Math.ceil((high - low) / 8));
  const ticks = Array.from(
    { length: Math.floor(high / step) - Math.ceil(low / step) + 1 },
    (_, i) => (Math.ceil(low / step) + i) * step,
  );
  return {
    surfacecolor: exponents.map(gaps),
    colorbar: { ...colorbar, tickmode: 'array', tickvals: ticks, ticktext: ticks.map((k) => `10<sup>${k}</sup>`) },
  };
}
