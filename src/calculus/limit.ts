/** Limits of functions of one and of several variables, by extrapolation. */
import { noGrad } from '../autograd/mode.ts';
import { vmap } from '../autograd/vmap.ts';
import { ArgumentError, ConvergenceError, describe } from '../errors.ts';
import { scope } from '../memory/scope.ts';
import { tensor } from '../ops/creation.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type Approach, approach, OFFSETS } from './approach.ts';
import {
  type Elementwise,
  expectFunction,
  expectOptions,
  expectPositive,
  formatPoint,
  type Multivariate,
  type Place,
  readPoint,
  scalarFunction,
  valuesAt,
} from './call.ts';
import { directions } from './paths.ts';

/** Options of `limit`. */
export interface LimitOptions {
  /** From which side; 'both' by default, and then both have to give the same. One variable only. */
  side?: 'both' | 'left' | 'right';
  /** The largest error that a limit may have, as a fraction of the size of the values; 1e-6 by default. */
  tol?: number;
}

/** A limit. */
export interface Limit {
  value: number;
  /** An estimate of |value − limit|. */
  error: number;
}

const OP = 'limit';
/** Octaves that are looked at: as far as neighbours of the point can be told apart. */
const OCTAVES = { zero: 80, point: 32, infinity: 51 };

const reasons: Record<Approach['verdict'], string> = {
  converged: '',
  growing: 'the values grow without bound',
  oscillating: 'the values do not settle',
  hidden: 'rounding hides what the values tend to',
  undefined: 'the function is not defined there',
};

function diverges(where: string, { value, error, scale, verdict }: Approach): never {
  const guessed = verdict === 'oscillating' && error < scale / 10;
  throw new ConvergenceError(
    OP,
    `does not converge ${where}: ${reasons[verdict]}${guessed ? `; the best guess is ${value}, off by ${error} or so` : ''}`,
    { best: guessed ? value : undefined, iterations: OCTAVES.point },
  );
}

/** Samples x(h) for h = c·2⁻ᵏ as rows of one octave each. */
function rowsOf(values: Float64Array, width: number): number[][] {
  return Array.from({ length: values.length / width }, (_, k) =>
    Array.from(values.subarray(k * width, (k + 1) * width)),
  );
}

/** The limit at `at` from one side: sign −1 is from the left. */
function oneSided(f: Elementwise, at: number, sign: number, tol: number): Approach {
  const infinite = !Number.isFinite(at);
  const octaves = infinite ? OCTAVES.infinity : at === 0 ? OCTAVES.zero : OCTAVES.point;
  const scale = at === 0 ? 1 : Math.abs(at) / 2;
  const width = OFFSETS.length;
  const xs = Float64Array.from({ length: octaves * width }, (_, i) => {
    const h = (OFFSETS[i % width] as number) * 2 ** -Math.floor(i / width);
    return infinite ? Math.sign(at) / h : at + sign * scale * h;
  });
  return approach(rowsOf(valuesAt(OP, f, xs), width), tol, 7);
}

function univariate(f: Elementwise, at: number, side: 'both' | 'left' | 'right', tol: number): Limit {
  const infinite = !Number.isFinite(at);
  const signs = infinite ? [1] : side === 'both' ? [-1, 1] : [side === 'left' ? -1 : 1];
  const name = (sign: number) => (infinite ? `at ${at}` : `at ${at} from the ${sign < 0 ? 'left' : 'right'}`);
  const found = signs.map((sign) => oneSided(f, at, sign, tol));
  found.forEach((result, i) => {
    if (result.verdict !== 'undefined') return;
    const hint = signs.length === 2 ? ` (side: '${i === 0 ? 'right' : 'left'}' looks at the other side alone)` : '';
    throw new ArgumentError(OP, `the function returned NaN ${name(signs[i] as number)}${hint}`);
  });
  found.forEach((result, i) => {
    if (result.verdict !== 'converged') diverges(name(signs[i] as number), result);
  });
  const [one, other = one] = found as [Approach, Approach?];
  const gap = Math.abs(one.value - other.value);
  if (gap > 2 * (one.error + other.error) + tol * Math.max(one.scale, other.scale) * 1e-3)
    throw new ConvergenceError(
      OP,
      `does not converge at ${at}: from the left it is ${one.value}, from the right ${other.value}`,
      { best: undefined, iterations: OCTAVES.point },
    );
  const better = one.error <= other.error ? one : other;
  return { value: better.value, error: Math.max(better.error, gap) };
}

/** f at many points [m, n], in one batched call. */
function valuesAtPoints(f: Multivariate, points: Float64Array, place: Place): Float64Array {
  const n = place.values.length;
  const m = points.length / n;
  return noGrad(() =>
    scope(() => {
      const batch = tensor(points, place.backend ? { backend: place.backend } : {}).reshape(m, n);
      const args = place.separate ? Array.from({ length: n }, (_, i) => batch.select(1, i)) : [batch];
      const y = vmap(scalarFunction(OP, f))(...args);
      return Float64Array.from(y.data() as Float64Array);
    }),
  );
}

function multivariate(f: Multivariate, place: Place, tol: number): Limit {
  const { values: at } = place;
  const n = at.length;
  const size = Math.hypot(...at);
  const scale = size === 0 ? 1 : size / 4;
  const octaves = OCTAVES.point;
  const offsets = OFFSETS.slice(0, 2);
  const paths = directions(n);
  const points = new Float64Array(paths.length * octaves * offsets.length * n);
  let row = 0;
  for (const path of paths)
    for (let k = 0; k < octaves; k++)
      for (const offset of offsets) {
        const step = path(offset * 2 ** -k);
        for (let i = 0; i < n; i++) points[row++] = (at[i] as number) + scale * (step[i] as number);
      }
  const values = valuesAtPoints(f, points, place);
  const width = octaves * offsets.length;
  const found = paths.map((_, p) =>
    approach(rowsOf(values.subarray(p * width, (p + 1) * width), offsets.length), tol, 7, true),
  );
  // The function need not be defined on every path, nor computable, but on most.
  const defined = found.filter(({ verdict }) => verdict !== 'undefined' && verdict !== 'hidden');
  const where = `at ${formatPoint(at)}`;
  if (2 * defined.length < found.length)
    throw new ArgumentError(OP, `the function returned NaN on most ways to ${formatPoint(at)}`);
  const clear = defined.filter((result) => {
    if (result.verdict === 'converged') return true;
    // Rounding blurs some paths more than others: a rough guess will do there.
    if (result.verdict !== 'oscillating' || !(result.error < 1e-2 * result.scale)) diverges(where, result);
    return false;
  });
  if (2 * clear.length < found.length) diverges(where, defined.find((result) => !clear.includes(result)) as Approach);
  const best = clear.reduce((one, other) => (other.error < one.error ? other : one));
  let error = best.error;
  for (const result of defined) {
    const gap = Math.abs(result.value - best.value);
    if (gap > 2 * (best.error + result.error) + 0.1 * tol * Math.max(result.scale, best.scale))
      throw new ConvergenceError(
        OP,
        `does not converge ${where}: it is ${best.value} along one path and ${result.value} along another`,
        { best: undefined, iterations: OCTAVES.point },
      );
    if (clear.includes(result)) error = Math.max(error, gap);
  }
  return { value: best.value, error };
}

/**
 * The limit of f at a point, at ±Infinity, or at a point of several variables.
 *
 * f is evaluated, in one call, at distances that halve again and again, in several sequences; each is extrapolated (Richardson's
 * polynomials, Wynn's epsilon algorithm, Levin's u-transform), and the error is how far they disagree. Both sides have to
 * agree; in several variables, straight and curved paths from many directions.
 *
 * It looks at finitely many points: a limit that fails only on paths or scales that are not among them is not noticed.
 * @param f works elementwise; or, for a point of several variables, takes them separately (numbers) or as a vector (tensor)
 * @throws ConvergenceError where the values grow, oscillate, or differ from side to side or path to path; ArgumentError for NaN.
 */
export function limit(f: Elementwise, at: number, options?: LimitOptions): Limit;
export function limit(f: Multivariate, at: readonly number[] | Tensor, options?: LimitOptions): Limit;
export function limit(f: Multivariate, at: number | readonly number[] | Tensor, options: LimitOptions = {}): Limit {
  expectFunction(OP, f);
  const { side = 'both', tol = 1e-6 } = expectOptions(OP, options, ['side', 'tol']);
  if (side !== 'both' && side !== 'left' && side !== 'right')
    throw new ArgumentError(OP, `side is 'both', 'left' or 'right', got ${describe(side)}`);
  expectPositive(OP, 'tol', tol);
  if (typeof at === 'number') {
    if (Number.isNaN(at)) throw new ArgumentError(OP, 'the point is NaN');
    return univariate(f, at, side, tol);
  }
  if (side !== 'both') throw new ArgumentError(OP, `side '${side}' has a meaning for one variable only`);
  return multivariate(f, readPoint(OP, at), tol);
}
