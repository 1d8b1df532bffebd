/**
 * L-BFGS: Newton's method with an inverse Hessian that is remembered as the last steps and what they did to the
 * gradient (Nocedal 1980; Liu and Nocedal 1989; two-loop recursion of Nocedal and Wright 2006, algorithm 7.4).
 */
import { slopeSearch, strongWolfe, type Trial } from './linesearch.ts';
import type { Objective } from './objective.ts';
import { Run, type Settings, type StopReason } from './run.ts';
import { type Pair, twoLoop } from './twoloop.ts';
import { allFinite, dot, norm, plus, vanishes } from './vectors.ts';

const MAX_ITERATIONS = 10_000;
/** Steps remembered. Few variables are cheap to remember for long, which makes this the full BFGS method for them. */
const HISTORY = 20;
const MAX_TRIALS = 60;
/** When what is left to gain is less than this part of the value, the search goes by slopes. */
const CLOSE = 1e-11;
const CLOSE_TRIALS = 12;
/** So many steps of that kind are taken without finding a smaller gradient. */
const PATIENCE = 40;

export function lbfgs(objective: Objective, settings: Settings): { run: Run; reason: StopReason } {
  const evaluate = (x: Float64Array) =>
    objective.scalar(x, (value, tape) => ({
      x,
      value,
      gradient: Number.isFinite(value) ? tape.gradient() : new Float64Array(x.length).fill(Number.NaN),
    }));
  const run = new Run(objective, settings, MAX_ITERATIONS, evaluate(objective.start));
  let history: Pair[] = [];
  /** By how much the value should still fall, as far as the last history tells. */
  let promised = Number.POSITIVE_INFINITY;
  /** The value where the history was last forgotten. */
  let forgotten = Number.POSITIVE_INFINITY;
  /** The smallest norm of the gradient so far. */
  let flattest = Number.POSITIVE_INFINITY;
  let patience = PATIENCE;
  for (;;) {
    const { x, value, gradient } = run.place;
    const size = norm(gradient);
    if (size === 0) return { run, reason: 'gradient' };
    const direction = twoLoop(history, gradient).map((d) => -d);
    const slope = dot(direction, gradient);
    if (!(slope < 0) || !allFinite(direction)) {
      // Rounding has eaten the history.
      if (history.length === 0) return { run, reason: run.stuck(promised) };
      history = [];
      forgotten = value;
      continue;
    }
    if (history.length > 0) promised = -slope / 2;
    if (history.length > 0 && promised <= run.negligible) {
      // A history that underrates flat directions promises too little. Unless the gradient itself is small, a second one has to agree.
      const small = size <= settings.tol * Math.max(1, Math.abs(value));
      if (small || forgotten - value <= CLOSE * Math.abs(value)) return { run, reason: 'gradient' };
      [history, forgotten, patience] = [[], value, PATIENCE];
      continue;
    }
    run.expectMore();
    const origin: Trial = { t: 0, value, gradient, slope };
    const along = (t: number): Trial => {
      const there = evaluate(plus(x, direction, t));
      return { t, value: there.value, gradient: there.gradient, slope: dot(there.gradient, direction) };
    };
    const first = history.length === 0 ? Math.min(1, 1 / size) : 1;
    const slack = CLOSE * Math.abs(value);
    const found =
      history.length > 0 && promised <= slack
        ? slopeSearch(along, origin, first, { slack, maxTrials: CLOSE_TRIALS })
        : strongWolfe(along, origin, first, { size: 0, tolerance: 0, maxTrials: MAX_TRIALS });
    // Slopes lead no further either when none has been smaller for a while.
    flattest = Math.min(flattest, size);
    patience = promised > slack || size === flattest ? PATIENCE : patience - 1;
    if (patience === 0) return { run, reason: run.stuck(promised) };
    const step = direction.map((d) => d * found.t);
    if (found.t === 0 || vanishes(step, x)) {
      // A fresh start helps where the history was misleading; once more is only worth it if the last one brought something.
      if (history.length === 0 || forgotten - value <= CLOSE * Math.abs(value))
        return { run, reason: run.stuck(promised) };
      history = [];
      forgotten = value;
      continue;
    }
    const change = plus(found.gradient, gradient, -1);
    const curvature = dot(step, change);
    if (curvature > Number.EPSILON * norm(step) * norm(change)) {
      history.push({ step, change, curvature });
      if (history.length > HISTORY) history.shift();
    }
    if (!run.move({ x: plus(x, step), value: found.value, gradient: found.gradient }))
      return { run, reason: 'callback' };
  }
}
