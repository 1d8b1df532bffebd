/**
 * Newton's method. Where the Hessian is positive definite, Newton's step is tried as it is; one that fails to lower
 * the function enough is damped by a trust region, as is every step where the Hessian is not positive definite (Nocedal and
 * Wright, "Numerical Optimization", 2006, §4; Conn, Gould and Toint 2000, §6). Lengths are measured in units of √|Hᵢᵢ|, so that the scale of
 * the variables does not matter.
 */
import { cholesky, choleskySolve, symmetricEigen } from '../linalg.ts';
import type { Objective } from './objective.ts';
import { Run, type Settings, type StopReason } from './run.ts';
import { trustRegionStep } from './trust.ts';
import { allFinite, dot, norm, plus, times, transposeTimes, vanishes } from './vectors.ts';

const MAX_ITERATIONS = 1000;
/** A step counts as a success when it brings at least this part of what the model promised. */
const ACCEPT = 1e-4;
/** Below, the region shrinks; above `GOOD`, it grows. */
const POOR = 0.25;
const GOOD = 0.75;
/**
 * As a part of the value, what rounding may do to a difference of two of them: values are mostly sums in which much cancels. What L-BFGS
 * calls close as well.
 */
const NOISE = 1e-11;
/** Of what a step promised before, the part that the next one may promise where values cannot tell any more. */
const PROGRESS = 0.8;

interface Local {
  x: Float64Array;
  value: number;
  gradient: Float64Array;
  hessian: Float64Array;
}

/** The quadratic model around a point, in variables u = D x for which the Hessian has ones on its diagonal. */
class Model {
  readonly #scale: Float64Array;
  readonly #slope: Float64Array;
  readonly #matrix: Float64Array;
  readonly #factor: Float64Array | null;
  #eigen: ReturnType<typeof symmetricEigen> | undefined;

  constructor({ gradient, hessian }: Local) {
    const n = gradient.length;
    const rows = Float64Array.from({ length: n }, (_, i) =>
      hessian.subarray(i * n, (i + 1) * n).reduce((most, value) => Math.max(most, Math.abs(value)), 0),
    );
    const largest = rows.reduce((most, value) => Math.max(most, value), 0);
    // Where a variable has hardly any curvature of its own, that of its row, or of the matrix, stands in.
    this.#scale = rows.map((row, i) => {
      const own = Math.abs(hessian[i * n + i] as number);
      return Math.sqrt(own > Number.EPSILON * row ? own : row > 0 ? row : largest > 0 ? largest : 1);
    });
    this.#slope = gradient.map((g, i) => g / (this.#scale[i] as number));
    this.#matrix = hessian.map(
      (h, k) => h / (this.#scale[Math.floor(k / n)] as number) / (this.#scale[k % n] as number),
    );
    this.#factor = cholesky(this.#matrix);
  }

  /** Length of a step in the model's variables. */
  length(step: Float64Array): number {
    return norm(step.map((s, i) => s * (this.#scale[i] as number)));
  }

  #eigenOf(): ReturnType<typeof symmetricEigen> {
    this.#eigen ??= symmetricEigen(this.#matrix);
    return this.#eigen;
  }

  /** Whether the Hessian is positive definite to working precision. */
  get positive(): boolean {
    return this.#factor !== null;
  }

  /** Whether the Hessian has a negative eigenvalue that is more than rounding. */
  get indefinite(): boolean {
    if (this.#factor !== null) return false;
    const { values } = this.#eigenOf();
    return (values[0] as number) < -values.length * Number.EPSILON * Math.abs(values.at(-1) as number);
  }

  /** The best step within a radius, and by how much it should lower the value. */
  step(radius: number): { step: Float64Array; decrease: number } {
    const own = (u: Float64Array) => u.map((value, i) => value / (this.#scale[i] as number));
    if (this.#factor !== null) {
      const u = choleskySolve(this.#factor, this.#slope).map((value) => -value);
      if (norm(u) <= radius) return { step: own(u), decrease: -dot(this.#slope, u) / 2 };
    }
    const { values, vectors } = this.#eigenOf();
    const slope = transposeTimes(vectors, this.#slope);
    const p = trustRegionStep(values, slope, radius);
    const decrease = p.reduce((sum, u, i) => sum - u * (slope[i] as number) - (u * u * (values[i] as number)) / 2, 0);
    return { step: own(times(vectors, p)), decrease };
  }
}

/** How far along a step that failed the next one should reach: the minimum of the parabola through what is known. */
function shrink(slope: number, before: number, after: number): number {
  const best = -slope / 2 / (after - before - slope);
  return best > 0.1 ? Math.min(best, 0.5) : 0.1;
}

/** The function, as `Objective.scalar` gives it. */
type Evaluate = Objective['scalar'];

const localAt = (evaluate: Evaluate, x: Float64Array): Local =>
  evaluate(x, (value, tape) => ({ x, value, ...tape.curvature() }));

/**
 * Goes on with Newton's method from where the run is.
 * @param known the function there, and what rounding may do to its values as a part of them, where that is known
 */
export function newtonFrom(run: Run, evaluate: Evaluate, known: { start?: Local; noise?: number } = {}): StopReason {
  const { start = localAt(evaluate, run.place.x), noise: relative = NOISE } = known;
  let here = start;
  let radius = Number.POSITIVE_INFINITY;
  for (;;) {
    const model = new Model(here);
    const { indefinite } = model;
    // Without curvature to bound it, the first step is as long as the variables.
    if (!model.positive && radius === Number.POSITIVE_INFINITY) radius = model.length(here.x) || 1;
    const full = model.step(radius);
    if (!indefinite && norm(here.gradient) === 0) return 'gradient';
    if (!indefinite && full.decrease <= run.negligible && model.length(full.step) < radius) return 'gradient';
    run.expectMore();
    let next: Local | null = null;
    for (let proposal = full; next === null; proposal = model.step(radius)) {
      const { step, decrease } = proposal;
      if (vanishes(step, here.x)) return run.stuck(full.decrease);
      const noise = relative * Math.abs(here.value);
      const x = plus(here.x, step);
      const trial = evaluate(x, (value, tape) => {
        const gain = here.value - value;
        const acceptable = decrease <= noise ? gain >= -noise : gain >= ACCEPT * decrease;
        if (!acceptable || !Number.isFinite(value)) return { value, local: null };
        const local: Local = { x, value, ...tape.curvature() };
        return { value, local: allFinite(local.gradient) && allFinite(local.hessian) ? local : null };
      });
      const length = model.length(step);
      const ratio = (here.value - trial.value) / decrease;
      if (trial.local === null) radius = length * shrink(dot(here.gradient, step), here.value, trial.value);
      else if (decrease > noise) {
        if (ratio < POOR) radius = length / 2;
        else if (ratio > GOOD && length > 0.9 * radius) radius = 2 * length;
      } else if (new Model(trial.local).step(radius).decrease > PROGRESS * full.decrease) {
        // Where values cannot tell any more, the gradient must.
        return run.stuck(decrease);
      }
      next = trial.local;
    }
    here = next;
    if (!run.move(here)) return 'callback';
  }
}

export function newton(objective: Objective, settings: Settings): { run: Run; reason: StopReason } {
  const evaluate: Evaluate = (x, use) => objective.scalar(x, use);
  const start = localAt(evaluate, objective.start);
  const run = new Run(objective, settings, MAX_ITERATIONS, start);
  return { run, reason: newtonFrom(run, evaluate, { start }) };
}
