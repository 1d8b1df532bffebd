/** Arrows of a gradient. */
import { ArgumentError } from '../errors.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { type Function2, slopes } from './evaluate.ts';
import type { Trace } from './figure.ts';
import { type Grid, gridPoints } from './grid.ts';
import { spaced, toCount } from './values.ts';

/** How arrows look. */
interface FieldStyle {
  direction: 'ascent' | 'descent';
  arrows: number;
}

/** Length and half width of an arrow's head, as parts of the longest arrow. */
const [HEAD, HALF] = [0.32, 0.13];

/**
 * All arrows as one line with gaps. The longest is as long as the arrows are apart; lengths grow with the square root of the steepness, so
 * that flat parts can be seen beside steep ones.
 */
export function fieldTrace(op: string, f: Function2 | Tensor, grid: Grid, { direction, arrows }: FieldStyle): Trace {
  if (isTensor(f))
    throw new ArgumentError(op, 'the gradient is that of a function: for a tensor of values there are no arrows');
  const count = toCount(op, arrows, 'arrows');
  const [left, right] = [grid.x[0] as number, grid.x.at(-1) as number];
  const [bottom, top] = [grid.y[0] as number, grid.y.at(-1) as number];
  const gap = Math.max(right - left, top - bottom) / count;
  // Axes of very different units: arrows are laid out, and measured, in parts of each.
  const wide = Math.max(right - left, top - bottom) > 5 * Math.min(right - left, top - bottom);
  const [dx, dy] = wide ? [(right - left) / count, (top - bottom) / count] : [gap, gap];
  const centres = (from: number, to: number, step: number) => {
    const n = Math.max(1, Math.round((to - from) / step));
    return n === 1 ? [(from + to) / 2] : spaced([from + (to - from) / (2 * n), to - (to - from) / (2 * n)], n);
  };
  const [xs, ys] = gridPoints(centres(left, right, dx), centres(bottom, top, dy));
  const [gx, gy] = slopes(op, f, 'f', [xs, ys]) as [number[], number[]];
  const sign = direction === 'ascent' ? 1 : -1;
  // In units of the gaps, so that an arrow of length one reaches from one point to the next.
  const steep = xs.map((_, i) => Math.hypot((gx[i] as number) * dx, (gy[i] as number) * dy));
  const steepest = steep.reduce((a, b) => (Number.isFinite(b) && b > a ? b : a), 0);
  const line = { x: [] as (number | null)[], y: [] as (number | null)[] };
  for (const [i, slope] of steep.entries()) {
    if (!(slope > 0 && Number.isFinite(slope))) continue;
    const length = 0.95 * Math.sqrt(slope / steepest);
    const [u, v] = [(sign * (gx[i] as number) * dx) / slope, (sign * (gy[i] as number) * dy) / slope];
    const head = Math.min(HEAD, length);
    const half = (head / HEAD) * HALF;
    const at = (along: number, across: number): [number, number] => [
      (xs[i] as number) + (along * u - across * v) * dx,
      (ys[i] as number) + (along * v + across * u) * dy,
    ];
    const tip = length / 2;
    for (const point of [at(-tip, 0), at(tip, 0), at(tip - head, half), at(tip, 0), at(tip - head, -half)]) {
      line.x.push(point[0]);
      line.y.push(point[1]);
    }
    line.x.push(null);
    line.y.push(null);
  }
  return {
    type: 'scatter',
    mode: 'lines',
    name: direction === 'ascent' ? 'gradient' : 'negative gradient',
    ...line,
    line: { color: '#34495e', width: 1.4 },
    hoverinfo: 'skip',
  };
}
