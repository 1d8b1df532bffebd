/**
 * @internal Nonlinear least squares: the Levenberg–Marquardt method as a scaled trust region (Moré, "The Levenberg–Marquardt
 * Algorithm: Implementation and Theory", 1978). Variables are measured in units of the largest norm that their column of the
 * Jacobian has had, so that their scale does not matter.
 *
 * The model leaves out the residuals' own curvature. Where that decides (residuals that stay large, or a Jacobian that is singular at the
 * minimum), no step of the model helps in the end; then Newton's method takes over, as in NL2SOL (Dennis, Gay and Welsch 1981).
 */
import { decompose } from './jacobi.ts';
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
const NOISE = 64 * Number.EPSILON;

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

/** Norms of the Jacobian's columns, never less than before. */
function scales({ jacobian, x }: Local, before: Float64Array | null): Float64Array {
  const n = x.length;
  return x.map((_, j) => {
    const column = Float64Array.from({ length: jacobian.length / n }, (_, i) => jacobian[i * n + j] as number);
    const size = norm(column);
    return before === null ? size || 1 : Math.max(size, before[j] as number);
  });
}

export function marquardt(
  objective: Objective,
  settings: Settings,
): { run: Run; reason: StopReason; residuals: Float64Array } {
  const start = objective.start;
  let here = objective.vector(start, (residuals, tape) => localAt(start, residuals, tape.jacobian()));
  const run = new Run(objective, settings, MAX_ITERATIONS, here);
  const end = (reason: StopReason) => ({ run, reason, residuals: here.residuals });
  const byNewton = () => {
    const reason = newtonFrom(run, (x, use) => objective.sumOfSquares(x, use));
    return { run, reason, residuals: objective.vector(run.place.x, (residuals) => residuals) };
  };
  let scale: Float64Array | null = null;
  let radius = 0;
  for (;;) {
    const unit: Float64Array = scales(here, scale);
    scale = unit;
    const length = (step: Float64Array) => norm(step.map((s, j) => s * (unit[j] as number)));
    if (radius === 0) radius = FIRST_RADIUS * (length(here.x) || 1);
    const n = unit.length;
    const { values, vectors, slope } = decompose(
      here.jacobian.map((d, k) => d / (unit[k % n] as number)),
      here.residuals,
    );
    /** What a step in the basis of the singular vectors takes from the sum of squares of the linearised residuals. */
    const decreaseOf = (p: Float64Array) =>
      p.reduce((sum, u, i) => sum - 2 * u * (slope[i] as number) - u * u * (values[i] as number), 0);
    const full = decreaseOf(trustRegionStep(values, slope, Number.POSITIVE_INFINITY));
    if (norm(here.gradient) === 0 || full <= run.negligible) return end('gradient');
    run.expectMore();
    let next: Local | null = null;
    while (next === null) {
      const p = trustRegionStep(values, slope, radius);
      const step = times(vectors, p).map((u, j) => u / (unit[j] as number));
      const decrease = decreaseOf(p);
      if (vanishes(step, here.x)) return byNewton();
      const x = plus(here.x, step);
      const noise = NOISE * here.value;
      const trial = objective.vector(x, (residuals, tape) => {
        const value = dot(residuals, residuals);
        const gain = here.value - value;
        const acceptable = decrease <= noise ? gain >= -noise : gain >= ACCEPT * decrease;
        if (!acceptable || !Number.isFinite(value)) return { value, local: null };
        const local = localAt(x, residuals, tape.jacobian());
        return { value, local: allFinite(local.jacobian) && allFinite(local.gradient) ? local : null };
      });
      const size = length(step);
      const ratio = (here.value - trial.value) / decrease;
      if (trial.local === null || (ratio < POOR && decrease > noise)) {
        const descent = dot(here.gradient, step);
        const best = -descent / 2 / (trial.value - here.value - descent);
        const factor = !(trial.value < 100 * here.value) ? 0.1 : Math.min(Math.max(best, 0.1), 0.5);
        radius = factor * Math.min(radius, 10 * size);
      } else if (ratio > GOOD || size < 0.99 * radius) radius = 2 * size;
      // Where values cannot tell any more, the gradient must.
      if (trial.local !== null && decrease <= noise && steepness(trial.local, unit) > 0.9 * steepness(here, unit))
        return byNewton();
      next = trial.local;
    }
    here = next;
    if (!run.move(here)) return end('callback');
  }
}

/** Norm of the gradient in scaled variables. */
const steepness = ({ gradient }: Local, unit: Float64Array): number =>
  norm(gradient.map((g, j) => g / (unit[j] as number)));
