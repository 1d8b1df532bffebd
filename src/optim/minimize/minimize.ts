/**
 * Minimising functions and sums of squares: `minimize(f, [-1.2, 1])`. Derivatives come from the tape, everything is float64.
 * The methods are functions over plain arrays in files of their own; start with `objective.ts` and `run.ts`.
 */
import { ArgumentError, describe } from '../../errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { gradientDescent } from './descent.ts';
import { lbfgs } from './lbfgs.ts';
import { marquardt } from './marquardt.ts';
import { newton } from './newton.ts';
import { Objective, type ObjectiveFunction, type Point } from './objective.ts';
import { checkSettings, type IterationOptions, type MinimizeResult } from './run.ts';

const METHODS = { newton, lbfgs, 'gradient-descent': gradientDescent, 'levenberg-marquardt': null } as const;

/** How `minimize` searches. */
export type MinimizeMethod = keyof typeof METHODS;

/** Options of `minimize`. */
export interface MinimizeOptions extends IterationOptions {
  /** 'lbfgs' unless said otherwise. */
  method?: MinimizeMethod;
}

/** What `leastSquares` has found. */
export interface LeastSquaresResult extends MinimizeResult {
  /** The residuals at the point, [m], float64. */
  residuals: Tensor;
}

/**
 * Searches for a local minimum of a function.
 *
 * - `'lbfgs'` (the default): quasi-Newton with a strong Wolfe line search; asks for gradients only, for any number of variables.
 * - `'newton'`: exact Hessians, damped by a trust region; few evaluations for up to some hundred variables; leaves saddle points.
 * - `'gradient-descent'`: along the gradient with backtracking; mostly to compare with.
 * - `'levenberg-marquardt'`: f returns a vector of residuals, and the sum of their squares is minimised; see `leastSquares`.
 *
 * @param f Takes its variables as separate 0-d float64 tensors where the start is an array of numbers, as one float64 [n] tensor
 *   where it is a tensor; returns a tensor of one element. Points where it is NaN or infinite are stepped back from.
 * @param start Where the search starts: finite, and f and its gradient are finite there.
 * @returns The point, the path to it, and what it took.
 * @throws ArgumentError, ShapeError, DTypeError for a start, a function value or an option of the wrong kind; AutogradError for a
 *   value that does not depend on the variables; ConvergenceError, whose `best` is the result so far, where no minimum is found;
 *   whatever the signal's reason is.
 * @example
 * const { point } = minimize((x, y) => x.sub(1).square().add(y.sub(x.square()).square().mul(100)), [-1.2, 1], { method: 'newton' });
 */
export function minimize(f: ObjectiveFunction, start: Point, options: MinimizeOptions = {}): MinimizeResult {
  const op = 'minimize';
  const settings = checkSettings(op, options, ['method']);
  const { method = 'lbfgs' } = options;
  if (!Object.hasOwn(METHODS, method))
    throw new ArgumentError(op, `method is one of ${Object.keys(METHODS).join(', ')}, got ${describe(method)}`);
  const search = METHODS[method];
  const objective = new Objective(op, f, start, settings.signal);
  const { run, reason } = (search ?? marquardt)(objective, settings);
  return run.result(reason);
}

/**
 * Searches for a local minimum of a sum of squares by the Levenberg–Marquardt method (Moré 1978). `value` is the sum of the
 * squares, and `gradientNorm` the norm of its gradient.
 * @param residuals Returns a float vector [m]; variables are given as to `minimize`.
 * @throws As `minimize` does.
 * @example
 * const { point } = leastSquares((a, b) => a.mul(x.mul(b).exp()).sub(y), [1, 0]); // fits y ≈ a eᵇˣ
 */
export function leastSquares(
  residuals: ObjectiveFunction,
  start: Point,
  options: IterationOptions = {},
): LeastSquaresResult {
  const op = 'leastSquares';
  const settings = checkSettings(op, options);
  const objective = new Objective(op, residuals, start, settings.signal);
  const { run, reason, residuals: last } = marquardt(objective, settings);
  return { ...run.result(reason), residuals: objective.tensor(last) };
}
