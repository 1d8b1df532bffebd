/**
 * Nonlinear least squares: the Levenberg–Marquardt method as a scaled trust region (Moré, "The Levenberg–Marquardt
 * Algorithm: Implementation and Theory", 1978). Variables are measured in units of the largest norm that their column of the
 * Jacobian has had, so that their scale does not matter.
 *
 * The model leaves out the residuals' own curvature. Where that decides (residuals that stay large, or a Jacobian that is singular at the
 * minimum), no step of the model helps in the end; then Newton's method takes over, as in NL2SOL (Dennis, Gay and Welsch 1981).
 */
import { type Decomposition, decompose } from './jacobi.ts';
import { newtonFrom } from './newton.ts';
import type { Objective } from './objective.ts';
import { Run, type Settings, type StopReason } from './run.ts';
import { trustRegionStep } from './trust.ts';
import { allFinite, dot, norm, plus, times, vanishes } from './vectors.ts';

const MAX_ITERATIONS = 2000;
/** In lengths of the first point; Moré proposes 0.1 to 100. With 3 all starts of NIST's problems lead to the certified answers. */
const FIRST_RADIUS = 3;
/** Moré's constants: what counts as a success, when the region changes. */
const ACCEPT = 1e-4;
const POOR = 0.25;
const GOOD = 0.75;
/** How many roundings of its terms a residual is taken to be wrong by. */
const ROUNDINGS = 16;
/** Of what a step promised before, the part that the next one may promise where values cannot tell any more. */
const PROGRESS = 0.8;

interface Local {
  x: Float64Array;
  residuals: Float64Array;
  /** [m, n] */
  jacobian: Float64Array;
  /** Sum of the squares. */
  value: number;
  /** Of the sum of the squares. */
  gradient: Float64Array;
}

function localAt(x: Float64Array, residuals: Float64Array, jacobian: Float64Array): Local {
  const n = x.length;
  const gradient = new Float64Array(n);
  for (const [i, r] of residuals.entries())
    for (let j = 0; j < n; j++) gradient[j] = (gradient[j] as number) + 2 * r * (jacobian[i * n + j] as number);
  return { x, residuals, jacobian, value: dot(residuals, residuals), gradient };
}

/**
 * What rounding may do to the sum of squares. A residual is a difference of terms that can be much larger than itself, such as measured and
 * fitted values; their size is told by what the variables contribute to it, Σ |Jᵢⱼ xⱼ|.
 */
function noiseOf({ x, residuals, jacobian }: Local): number {
  const n = x.length;
  let sum = 0;
  for (const [i, r] of residuals.entries()) {
    let size = Math.abs(r);
    for (let j = 0; j < n; j++) size += Math.abs((jacobian[i * n + j] as number) * (x[j] as number));
    const error = ROUNDINGS * Number.EPSILON * size;
    sum += error * (2 * Math.abs(r) + error);
  }
  return sum;
}

/** The linearised residuals around a point, in variables that are measured in the norms of the Jacobian's columns. */
class Model {
  readonly here: Local;
  /** What rounding may do to the value here. */
  readonly noise: number;
  /** By how much the model's minimum is lower; the same in all units, and zero only where the gradient is. */
  readonly full: number;
  readonly #unit: Float64Array;
  readonly #taken: Decomposition;

  constructor(here: Local, before: Model | null) {
    const n = here.x.length;
    this.here = here;
    this.noise = noiseOf(here);
    // Never less than before.
    this.#unit = here.x.map((_, j) => {
      const column = Float64Array.from(
        { length: here.jacobian.length / n },
        (_, i) => here.jacobian[i * n + j] as number,
      );
      const size = norm(column);
      return before === null ? size || 1 : Math.max(size, before.#unit[j] as number);
    });
    this.#taken = decompose(
      here.jacobian.map((d, k) => d / (this.#unit[k % n] as number)),
      here.residuals,
    );
    this.full = this.step(Number.POSITIVE_INFINITY).decrease;
  }

  /** Length of a step in the model's units. */
  length(step: Float64Array): number {
    return norm(step.map((s, j) => s * (this.#unit[j] as number)));
  }

  /** The best step within a radius, and what it takes from the sum of squares of the linearised residuals. */
  step(radius: number): { step: Float64Array; decrease: number } {
    const { values, vectors, slope } = this.#taken;
    const p = trustRegionStep(values, slope, radius);
    const decrease = p.reduce((sum, u, i) => sum - 2 * u * (slope[i] as number) - u * u * (values[i] as number), 0);
    return { step: times(vectors, p).map((u, j) => u / (this.#unit[j] as number)), decrease };
  }
}

export function marquardt(
  objective: Objective,
  settings: Settings,
): { run: Run; reason: StopReason; residuals: Float64Array } {
  const start = objective.start;
  const first = objective.vector(start, (residuals, tape) => localAt(start, residuals, tape.jacobian()));
  const run = new Run(objective, settings, MAX_ITERATIONS, first);
  let model = new Model(first, null);
  const end = (reason: StopReason) => ({ run, reason, residuals: model.here.residuals });
  const byNewton = () => {
    const noise = model.noise / model.here.value;
    const reason = newtonFrom(run, (x, use) => objective.sumOfSquares(x, use), { noise });
    return { run, reason, residuals: objective.vector(run.place.x, (residuals) => residuals) };
  };
  /** The model after a step, if `accepts` says so to the sum of squares there. */
  const tryStep = (step: Float64Array, accepts: (value: number) => boolean) => {
    const x = plus(model.here.x, step);
    return objective.vector(x, (residuals, tape): { value: number; next: Model | null } => {
      const value = dot(residuals, residuals);
      if (!Number.isFinite(value) || !accepts(value)) return { value, next: null };
      const local = localAt(x, residuals, tape.jacobian());
      const usable = allFinite(local.jacobian) && allFinite(local.gradient);
      return { value, next: usable ? new Model(local, model) : null };
    });
  };
  let radius = FIRST_RADIUS * (model.length(start) || 1);
  let rate = 0;
  for (;;) {
    const { here, noise, full } = model;
    if (norm(here.gradient) === 0) return end('gradient');
    // Converging by a factor k per step, the sum of all steps is 1 / (1 − k) of the next one, and promises are squares of steps.
    const flat = full <= run.negligible * (1 - rate) ** 2;
    if (flat && run.exhausted) return end('gradient');
    run.expectMore();
    let next: Model | null = null;
    while (next === null) {
      const { step, decrease } = model.step(flat ? Number.POSITIVE_INFINITY : radius);
      // Where values cannot tell any more, the gradient must.
      const byGradient = decrease <= noise;
      if (vanishes(step, here.x)) return flat ? end('gradient') : byNewton();
      const trial = tryStep(step, (value) =>
        byGradient ? value <= here.value + noise : here.value - value >= ACCEPT * decrease,
      );
      const better = trial.next !== null && (!byGradient || trial.next.full <= PROGRESS * full);
      if (flat) {
        // The last step costs one evaluation, and may double the digits.
        if (better) {
          model = trial.next as Model;
          run.move(model.here);
        }
        return end('gradient');
      }
      const size = model.length(step);
      const ratio = (here.value - trial.value) / decrease;
      if (trial.next === null || (ratio < POOR && !byGradient)) {
        const descent = dot(here.gradient, step);
        const best = -descent / 2 / (trial.value - here.value - descent);
        const factor = !(trial.value < 100 * here.value) ? 0.1 : Math.min(Math.max(best, 0.1), 0.5);
        radius = factor * Math.min(radius, 10 * size);
      } else if (ratio > GOOD || size < 0.99 * radius) radius = 2 * size;
      if (trial.next !== null && !better) return byNewton();
      next = trial.next;
    }
    rate = Math.sqrt(Math.min(next.full / full, 1));
    model = next;
    if (!run.move(model.here)) return end('callback');
  }
}
