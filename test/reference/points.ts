/** Where the accuracy of elementwise ops is looked at in float64, and what is asked of slopes near their zeros. */
import type { ElementwiseRow } from '../../src/ops/formula.ts';
import { samplesOf } from '../support/samples.ts';

/** Beyond an op's domain of samples, wherever it is defined. */
const WIDE = [1e-9, 1e-3, 0.31, 0.83, 1.7, 4.4, 5.2, 8.2, 9.7, 17.1, 40.3, 300.3];
const FAR = [1e10, 1e20, 1e160, 1e300];
/** Its value cancels near zero, as in PyTorch. */
const CANCELS_BELOW: Readonly<Record<string, number>> = { tanhshrink: 0.8 };
const inside = (low: number, high: number) => (x: number) => x > low && x < high;
/** Where ops of one input are defined, if not everywhere. */
const DEFINED: Readonly<Record<string, (x: number) => boolean>> = {
  sqrt: inside(0, Infinity),
  rsqrt: inside(0, Infinity),
  log: inside(0, Infinity),
  log2: inside(0, Infinity),
  log10: inside(0, Infinity),
  log1p: inside(-1, Infinity),
  asin: inside(-1, 1),
  acos: inside(-1, 1),
  atanh: inside(-1, 1),
  erfinv: inside(-1, 1),
  acosh: inside(1, Infinity),
  logit: inside(0, 1),
};
/** Neither overflow nor vanish far out. */
const REACHES_FAR = new Set(['asinh', 'acosh', 'log', 'log2', 'log10', 'log1p', 'sqrt', 'rsqrt', 'reciprocal', 'abs']);

/** Inputs within the domain of samples and, of ops of one input, far beyond it. */
export function pointsOf(row: ElementwiseRow): number[][] {
  const columns = Array.from({ length: row.arity }, (_, i) => samplesOf(row, i, 12, true));
  const points = Array.from({ length: 12 }, (_, n) => columns.map((column) => column[n] as number));
  if (row.arity > 1) return points;
  const wide = [...WIDE, ...(REACHES_FAR.has(row.name) ? FAR : [])].filter((x) => x >= (CANCELS_BELOW[row.name] ?? 0));
  return [...points, ...[...wide, ...wide.map((x) => -x)].filter(DEFINED[row.name] ?? (() => true)).map((x) => [x])];
}

/** Slopes with zeros have an absolute error there. */
export const SLOPE_FLOORS: Readonly<Record<string, number>> = {
  sinc: 0.5,
  gelu: 0.25,
  geluTanh: 0.25,
  silu: 0.25,
  mish: 0.25,
  hardswish: 0.25,
};
