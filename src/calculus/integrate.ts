/** Integrals over a range by adaptive Gauss–Kronrod quadrature. */
import { ArgumentError, ConvergenceError, describe } from '../errors.ts';
import { type Adaptive, adaptive, type Estimate, total } from './adaptive.ts';
import {
  type Elementwise,
  expectFunction,
  expectOptions,
  expectPositive,
  expectWhole,
  type Sampler,
  valuesAt,
} from './call.ts';
import { allowed, pieces } from './quadrature.ts';
import { oscillating } from './tail.ts';

/** Options of `integrate` and `integrate2`. */
export interface IntegrateOptions {
  /**
   * Wanted error as a fraction of the integral; where positive and negative parts cancel, of a thousandth of ∫|f|. By default
   * 1e-10 (1e-8 for double integrals), and where rounding keeps f from being resolved as well as that, 1e-6.
   */
  tol?: number;
  /** How often f may be evaluated. */
  maxEvaluations?: number;
}

/** An integral. */
export interface Integral {
  value: number;
  /** An estimate of |value − integral| that rather errs on the large side. */
  error: number;
  /** At how many points f was evaluated. */
  evaluations: number;
}

/** Wanted accuracy, where nobody says. */
const TOL = 1e-10;
/** What is good enough where rounding is in the way, and nobody says. */
export const RESOLVED = 1e-6;
/** After so many evaluations an oscillation without end is looked for. */
const PATIENCE = 100_000;

/** @internal A bound of a range: any number but NaN. */
export function expectBound(op: string, name: string, value: unknown): number {
  if (typeof value !== 'number' || Number.isNaN(value))
    throw new ArgumentError(op, `${name} is a number or ±Infinity, got ${describe(value)}`);
  return value;
}

/** @internal */
export function readOptions(
  op: string,
  options: IntegrateOptions,
  tol: number,
  most: number,
): Required<IntegrateOptions> {
  const given = expectOptions(op, options, ['tol', 'maxEvaluations']);
  return {
    tol: expectPositive(op, 'tol', given.tol ?? tol),
    maxEvaluations: expectWhole(op, 'maxEvaluations', given.maxEvaluations ?? most, 1, 2 ** 40),
  };
}

/** Puts sums of oscillating tails in the place of the pieces that did not converge. */
function sumTails(op: string, f: Sampler, found: Adaptive, tol: number): Adaptive {
  const [value, , magnitude] = total(found.estimates.filter(({ error, magnitude }) => error < 1e-6 * magnitude));
  const target = Math.max(allowed(tol, value, magnitude) / 4, Number.MIN_VALUE);
  let { evaluations } = found;
  const head = (g: Sampler, from: number, to: number): Estimate => {
    const part = adaptive(op, g, pieces(from, to), tol / 10, PATIENCE);
    const [value, error, magnitude] = total(part.estimates);
    return { piece: pieces(from, to)[0] as Estimate['piece'], value, error, magnitude };
  };
  const estimates = found.estimates.map((estimate) => {
    if (estimate.error <= target) return estimate;
    const sum = oscillating(f, estimate.piece, head);
    if (sum === null || !(sum.error < estimate.error)) return estimate;
    evaluations += sum.evaluations;
    return sum;
  });
  const [sum, error, size] = total(estimates);
  return { ...found, estimates, evaluations, end: error <= allowed(tol, sum, size) ? 'converged' : found.end };
}

/**
 * ∫ f(x) dx from a to b; either may be infinite. With a > b it is the negative of the integral from b to a.
 *
 * Adaptive Gauss–Kronrod quadrature (10 and 21 nodes, Piessens et al. 1983) in which each round evaluates all nodes of all
 * intervals that need it in one call of f (Shampine, "Vectorized adaptive quadrature in MATLAB", J. Comput. Appl. Math. 211,
 * 2008). Ends may be singular: f is not evaluated there. The error is the difference of the two rules, summed over all intervals.
 * Oscillations without end, as of sin(x)/x at infinity, are summed as series of the integrals between sign changes.
 * @param f works elementwise on float64 tensors
 * @throws ConvergenceError where the error does not become small enough: `best` is the value so far; ArgumentError for NaN.
 */
export function integrate(f: Elementwise, a: number, b: number, options: IntegrateOptions = {}): Integral {
  const op = 'integrate';
  expectFunction(op, f);
  expectBound(op, 'the lower bound', a);
  expectBound(op, 'the upper bound', b);
  const { tol, maxEvaluations } = readOptions(op, options, TOL, 4_000_000);
  if (a === b) {
    if (!Number.isFinite(a)) throw new ArgumentError(op, `the range from ${a} to ${b} is empty`);
    return { value: 0, error: 0, evaluations: 0 };
  }
  const sign = a < b ? 1 : -1;
  const range = pieces(Math.min(a, b), Math.max(a, b));
  const sample: Sampler = (xs) => valuesAt(op, f, xs);
  let found = adaptive(op, sample, range, tol, Math.min(PATIENCE, maxEvaluations));
  /** Whether that is good enough. */
  const suffices = ({ end, estimates }: Adaptive): boolean => {
    const [value, error, magnitude] = total(estimates);
    return end === 'converged' || (options.tol === undefined && error <= allowed(RESOLVED, value, magnitude));
  };
  if (found.end === 'exhausted' || found.end === 'diverging') found = sumTails(op, sample, found, tol);
  if (found.end === 'exhausted' && !suffices(found) && maxEvaluations > PATIENCE) {
    // More of the same; not much more of it on a way to infinity of which nothing is known yet.
    const lost = found.estimates.some(({ piece, error, magnitude }) => piece.infinite && error > magnitude / 100);
    const again = adaptive(op, sample, range, tol, Math.min(lost ? 6 * PATIENCE : maxEvaluations, maxEvaluations));
    if (total(again.estimates)[1] < total(found.estimates)[1])
      found = { ...again, evaluations: again.evaluations + found.evaluations };
  }
  const { evaluations, rounds } = found;
  const [value, error] = total(found.estimates);
  if (suffices(found)) return { value: sign * value, error, evaluations };
  throw new ConvergenceError(
    op,
    `does not converge: after ${evaluations} evaluations the value is ${sign * value} and the error estimate ${error}; the integral may not exist`,
    { best: sign * value, iterations: rounds },
  );
}
