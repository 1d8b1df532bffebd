/** Roots of functions of one variable. */
import { ArgumentError } from '../errors.ts';
import { scope } from '../memory/scope.ts';
import { tensor } from '../ops/creation.ts';
import { type Elementwise, expectFunction, expectOptions, expectRange, expectWhole, jet, refuseNaN } from './call.ts';
import { type Slopes, zeros } from './zeros.ts';

/** Options of `findRoots`. */
export interface RootOptions {
  /** Intervals that the range is looked at in to begin with; 1024 by default. They are halved where f is not clear. */
  samples?: number;
}

/** @internal Derivative number n of f and the one after it. Only the former has to be a number everywhere. */
export function slopesOf(op: string, f: Elementwise, n: number): Slopes {
  return (xs) => {
    const jets = scope(() => jet(op, f, tensor(xs).requiresGrad_(), n + 1).map((y) => y.data() as Float64Array));
    jets.slice(0, n + 1).forEach((values, k) => {
      refuseNaN(op, k === 0 ? 'the function returned' : `derivative ${k} of the function is`, values, xs);
    });
    return [jets[n] as Float64Array, jets[n + 1] as Float64Array];
  };
}

/**
 * All roots of f in [a, b], in order, each to the last digit or so: where f changes sign, and where it touches zero (roots of even
 * multiplicity). Poles and jumps are no roots.
 *
 * f is sampled with its derivative, more densely where these leave its sign open; every bracket is then bisected, all of them
 * in one call per step. Roots closer together than a few units in the last place count as one. Where rounding blurs f itself, as
 * of (x − 1)² multiplied out, roots are as uncertain as f.
 * @param f works elementwise on float64 tensors
 * @throws ArgumentError for an empty range, for NaN, and where f is zero throughout an interval.
 */
export function findRoots(f: Elementwise, range: readonly [number, number], options: RootOptions = {}): number[] {
  const op = 'findRoots';
  expectFunction(op, f);
  const [a, b] = expectRange(op, range);
  const { samples = 1024 } = expectOptions(op, options, ['samples']);
  expectWhole(op, 'samples', samples, 2, 1_000_000);
  const { points, flats } = zeros(op, slopesOf(op, f, 0), a, b, samples);
  const [flat] = flats;
  if (flat) throw new ArgumentError(op, `the function is zero throughout [${flat[0]}, ${flat[1]}]`);
  return points;
}
