/** Stationary points under equality constraints, by Newton's method on the gradient of the Lagrangian. */
import { ArgumentError, ConvergenceError, describe } from '../errors.ts';
import { fromArray } from '../ops/creation.ts';
import { solve } from '../optim/linalg.ts';
import { listOf } from '../tensor/lists.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  expectFunction,
  expectOptions,
  expectPositive,
  expectWhole,
  formatPoint,
  type Multivariate,
  type Point,
  readPoint,
} from './call.ts';
import { evaluate, freeEigenvalues, gram, norm, pseudoSolve, type State } from './kkt.ts';
import { kindOf, type StationaryKind } from './stationary.ts';

/** A stationary point under constraints. */
export interface LagrangeResult {
  /** [n] */
  point: Tensor;
  value: number;
  /** λ with ∇f = Σ λᵢ ∇gᵢ: how fast the value changes when a constraint is moved to gᵢ = c. */
  multipliers: number[];
  /** By the Hessian of the Lagrangian along the constraints; 'degenerate' also where they leave no way to go. */
  kind: StationaryKind;
}

/** Options of `lagrange`. */
export interface LagrangeOptions {
  /** How small ∇L and the constraints have to become, as a fraction of the size of their terms; 1e-10 by default. */
  tol?: number;
  /** Steps from each start; 100 by default. */
  maxIterations?: number;
}

const OP = 'lagrange';

/** Where an iteration ended. */
interface Outcome {
  state: State;
  steps: number;
  converged: boolean;
  /** The size of the second derivatives at the start. */
  curvature: number;
}

/**
 * Newton's method. Steps are halved, then damped (Levenberg–Marquardt), until the residual shrinks: that keeps to the neighbourhood of
 * the start, but may get stuck in a curved valley. Undamped steps are taken as they are, wherever the functions are defined.
 */
function iterate(
  at: (x: Float64Array, lambda: Float64Array | null) => State,
  start: Float64Array,
  tol: number,
  most: number,
  damped: boolean,
): Outcome {
  const n = start.length;
  let state = at(start, null);
  const isDone = ({ residual, scale, jacobian, x }: State) =>
    norm(residual.subarray(0, n)) <= tol * Math.max(scale, Number.MIN_VALUE) &&
    norm(residual.subarray(n)) <= tol * Math.max(norm(jacobian) * Math.max(norm(x), 1), Number.MIN_VALUE);
  // Where ∇f itself goes to 0, its terms are no measure; then the steps have to become small as well.
  const [first, violated, steep] = [state.scale, norm(state.residual.subarray(n)), norm(state.jacobian)];
  const isFlat = ({ residual, x, jacobian }: State, before: Float64Array) =>
    norm(jacobian) > 1e-3 * steep &&
    norm(residual.subarray(0, n)) <= 1e-3 * tol * first &&
    norm(residual.subarray(n)) <= tol * Math.max(violated, Number.MIN_VALUE) &&
    norm(x.map((v, i) => v - (before[i] as number))) <= 1e-4 * (1 + norm(x));
  let converged = isDone(state);
  const curvature = norm(state.matrix.filter((_, k) => k % state.residual.length < n && k < n * state.residual.length));
  let stalled = 0;
  for (let steps = 0; steps < most; steps++) {
    const right = state.residual.map((r) => -r);
    const direct = solve(state.matrix, right);
    const newton = direct?.every(Number.isFinite) ? direct : pseudoSolve(state.matrix, right);
    const tries: (() => Float64Array)[] = [1, 0.5, 0.25, 0.1, 0.01].map((t) => () => newton.map((d) => t * d));
    for (const damping of [1e-6, 1e-4, 1e-2, 1, 100]) tries.push(() => pseudoSolve(state.matrix, right, damping));
    let next: State | null = null;
    for (const attempt of tries) {
      const trial = tryAt(at, state, attempt(), n);
      const isFree = !damped && !converged;
      if (trial !== null && (isFree || norm(trial.residual) < norm(state.residual))) {
        next = trial;
        break;
      }
    }
    // Once it has converged, steps are taken for as long as they help.
    if (next === null) return { state, steps, converged, curvature };
    const gain = norm(next.residual) / norm(state.residual);
    const before = state.x;
    state = next;
    if (converged && gain > 0.5) return { state, steps, converged, curvature };
    converged = isDone(state) || isFlat(state, before);
    stalled = damped && gain > 0.99 ? stalled + 1 : 0;
    if (stalled >= 8) return { state, steps, converged, curvature };
    if (norm(state.residual) === 0) return { state, steps, converged: true, curvature };
  }
  return { state, steps: most, converged, curvature };
}

/** The state after a step; null where a function is not defined there. */
function tryAt(
  at: (x: Float64Array, lambda: Float64Array) => State,
  { x, lambda }: State,
  step: Float64Array,
  n: number,
): State | null {
  try {
    const trial = at(
      x.map((v, i) => v + (step[i] as number)),
      lambda.map((v, k) => v + (step[n + k] as number)),
    );
    return trial.residual.every(Number.isFinite) && trial.matrix.every(Number.isFinite) ? trial : null;
  } catch (error) {
    if (error instanceof ArgumentError && error.op === OP) return null;
    throw error;
  }
}

/** The feasible point nearest to the start, or so: Gauss–Newton steps to g = 0. */
function project(at: (x: Float64Array, lambda: null) => State, start: Float64Array, m: number): Float64Array {
  const n = start.length;
  let x = start;
  let rest = Number.POSITIVE_INFINITY;
  for (let steps = 0; steps < 30; steps++) {
    const state = tryStart(at, x);
    if (state === null) break;
    const values = state.residual.subarray(n);
    if (!(norm(values) < rest)) break;
    rest = norm(values);
    const along = pseudoSolve(gram(state.jacobian, m, n), values);
    x = x.map((v, i) => v + along.reduce((sum, a, k) => sum + a * (state.jacobian[k * n + i] as number), 0));
  }
  return x;
}

/** From where, and how, until it leads somewhere: the start, the point of the constraints nearest to it, points around it. */
function* attempts(
  start: Float64Array,
  projected: () => Float64Array,
): Generator<{ from: Float64Array; damped: boolean }> {
  yield { from: start, damped: true };
  const feasible = projected();
  yield { from: feasible, damped: true };
  yield { from: start, damped: false };
  yield { from: feasible, damped: false };
  for (let k = 1; k <= 8; k++) {
    const from = start.map(
      (x, i) => x + 0.15 * Math.ceil(k / 2) * (1 + Math.abs(x)) * Math.sin(2.3999632 * k * (i + 1) + i),
    );
    yield { from, damped: true };
    yield { from, damped: false };
  }
}

/**
 * A stationary point of f where all constraints g are 0: solves ∇f = Σ λᵢ ∇gᵢ, g = 0 for the point and the multipliers by damped
 * Newton's method, from the start and, if that leads nowhere, from the nearest point of the constraints and others around it (Nocedal and Wright, "Numerical
 * Optimization", §18.1). Which of several stationary points is found depends on the start; `kind` says what it is.
 * @param constraints functions that are to be 0, of the same variables as f
 * @param start numbers, and functions take variables one by one; or a vector, and they take that
 * @throws ConvergenceError where no such point is found, as for constraints that contradict each other: `best` is the last point,
 * a tensor [n]. ArgumentError for NaN at the start; AutogradError for results that are cut off from the variables.
 */
export function lagrange(
  f: Multivariate,
  constraints: Multivariate | readonly Multivariate[],
  start: Point,
  options: LagrangeOptions = {},
): LagrangeResult {
  expectFunction(OP, f);
  const list =
    typeof constraints === 'function' ? [constraints] : (listOf(OP, constraints) as readonly Multivariate[] | null);
  if (list === null || list.length === 0)
    throw new ArgumentError(OP, `wants a constraint or a list of them, got ${describe(constraints)}`);
  for (const g of list) expectFunction(OP, g);
  const place = readPoint(OP, start, 'the start');
  const given = expectOptions(OP, options, ['tol', 'maxIterations']);
  const tol = expectPositive(OP, 'tol', given.tol ?? 1e-10);
  const most = expectWhole(OP, 'maxIterations', given.maxIterations ?? 100, 1, 1_000_000);
  const n = place.values.length;
  const at = (x: Float64Array, lambda: Float64Array | null) => evaluate(OP, f, list, place, x, lambda);
  let best: State | null = null;
  let iterations = 0;
  // The given start has to be one; others need not lie where the functions are defined.
  at(place.values, null);
  for (const { from, damped } of attempts(place.values, () => project(at, place.values, list.length))) {
    if (tryStart(at, from) === null) continue;
    const { state, steps, converged, curvature } = iterate(at, from, tol, damped ? most : Math.min(most, 60), damped);
    iterations += steps;
    if (converged)
      return {
        point: fromArray(state.x, [n], place.backend ? { backend: place.backend } : {}),
        value: state.value,
        multipliers: Array.from(state.lambda),
        kind: kindOf(freeEigenvalues(state, n, list.length), curvature),
      };
    if (best === null || norm(state.residual.subarray(n)) < norm(best.residual.subarray(n))) best = state;
  }
  const last = best as State;
  const violation = norm(last.residual.subarray(n));
  const isInfeasible = violation > 1e-6 * Math.max(1, norm(last.jacobian));
  throw new ConvergenceError(
    OP,
    isInfeasible
      ? `does not converge: no point was found that meets the constraints; at ${formatPoint(last.x)} they are off by ${violation}`
      : `does not converge: the constraints are met at ${formatPoint(last.x)}, but f has no stationary point near there`,
    { best: fromArray(last.x, [n]), iterations },
  );
}

/** The state at a start; null where a function is not defined there. */
function tryStart(at: (x: Float64Array, lambda: null) => State, x: Float64Array): State | null {
  try {
    const state = at(x, null);
    return state.residual.every(Number.isFinite) ? state : null;
  } catch (error) {
    if (error instanceof ArgumentError && error.op === OP) return null;
    throw error;
  }
}
