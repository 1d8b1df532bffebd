/** Gradient descent with a step length found by backtracking (Armijo 1966; Nocedal and Wright 2006, algorithm 3.1). */
import type { Objective } from './objective.ts';
import { Run, type Settings, type StopReason } from './run.ts';
import { allFinite, dot, norm, plus, vanishes } from './vectors.ts';

const MAX_ITERATIONS = 100_000;
const DECREASE = 1e-4;
/** Relative to the value, what rounding may do to a difference of two of them. */
const NOISE = 64 * Number.EPSILON;
/** The next search starts with a longer step than the last one ended with. */
const GROWTH = 2;

export function gradientDescent(objective: Objective, settings: Settings): { run: Run; reason: StopReason } {
  const start = objective.start;
  const run = new Run(
    objective,
    settings,
    MAX_ITERATIONS,
    objective.scalar(start, (value, tape) => ({ x: start, value, gradient: tape.gradient() })),
  );
  let rate = 1 / Math.max(norm(run.place.gradient), 1);
  for (;;) {
    const { x, value, gradient } = run.place;
    const square = dot(gradient, gradient);
    // The rate stands in for the inverse of the curvature.
    if (square === 0 || (run.iterations > 0 && (rate * square) / 2 <= run.negligible))
      return { run, reason: 'gradient' };
    if (run.iterations > 0 && rate * square <= NOISE * Math.abs(value))
      return { run, reason: run.stuck((rate * square) / 2) };
    run.expectMore();
    let next = null;
    for (rate *= GROWTH; next === null; ) {
      const step = gradient.map((g) => -rate * g);
      if (vanishes(step, x)) return { run, reason: run.stuck((rate * square) / 2) };
      const there = plus(x, step);
      next = objective.scalar(there, (found, tape) => {
        if (!Number.isFinite(found) || found > value - DECREASE * rate * square) return null;
        const slope = tape.gradient();
        return allFinite(slope) ? { x: there, value: found, gradient: slope } : null;
      });
      if (next === null) rate /= 2 * GROWTH;
    }
    if (!run.move(next)) return { run, reason: 'callback' };
  }
}
