/**
 * @internal A line search for the strong Wolfe conditions: the value falls enough, and the slope has flattened. Steps grow until
 * such a point is bracketed, then the bracket shrinks around it, both by cubic interpolation (Nocedal and Wright 2006, §3.5;
 * the safeguards are those of Schmidt's minFunc, 2005, which torch.optim.LBFGS follows as well).
 */

/** The function along the line. */
export interface Trial {
  /** Where on the line, in steps. */
  t: number;
  value: number;
  gradient: Float64Array;
  /** Derivative along the line. */
  slope: number;
}

/** Settings of the search. */
export interface LineSearchOptions {
  /** The longest element of the direction: brackets that move the point by less than `tolerance` are not searched. */
  size: number;
  tolerance: number;
  maxTrials: number;
}

/** Nocedal and Wright's constants for quasi-Newton directions. */
const DECREASE = 1e-4;
const CURVATURE = 0.9;

/** The minimum of the cubic with the values and slopes of two points (Nocedal and Wright 2006, 3.59), within bounds. */
export function cubicMinimum(a: Trial, b: Trial, low = Math.min(a.t, b.t), high = Math.max(a.t, b.t)): number {
  const [left, right] = a.t <= b.t ? [a, b] : [b, a];
  const d1 = left.slope + right.slope - (3 * (left.value - right.value)) / (left.t - right.t);
  const square = d1 * d1 - left.slope * right.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const t = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
  return Number.isNaN(t) ? (low + high) / 2 : Math.min(Math.max(t, low), high);
}

/**
 * Searches along a line from `start` (t = 0, slope negative).
 * @param evaluate the function at t
 * @param first the first t to try
 * @returns the best point found, which is `start` itself where nothing lower was found
 */
export function strongWolfe(
  evaluate: (t: number) => Trial,
  start: Trial,
  first: number,
  { size, tolerance, maxTrials }: LineSearchOptions,
): Trial {
  const tooHigh = (trial: Trial) => !(trial.value <= start.value + DECREASE * trial.t * start.slope);
  const flat = (trial: Trial) => Math.abs(trial.slope) <= -CURVATURE * start.slope;
  let before = start;
  let trial = evaluate(first);
  let trials = 0;
  let bracket: [Trial, Trial] | null = null;
  for (; trials < maxTrials; trials++) {
    if (!Number.isFinite(trial.value) || !Number.isFinite(trial.slope)) {
      // Outside the function's domain, or beyond the largest number: nothing there to interpolate.
      trial = evaluate((before.t + trial.t) / 2);
      continue;
    }
    const higher = trials > 1 && trial.value >= before.value;
    if (tooHigh(trial) || higher) {
      bracket = [before, trial];
      break;
    }
    if (flat(trial)) return trial;
    if (trial.slope >= 0) {
      bracket = [before, trial];
      break;
    }
    const t = cubicMinimum(before, trial, trial.t + 0.01 * (trial.t - before.t), 10 * trial.t);
    before = trial;
    trial = evaluate(t);
  }
  if (bracket === null) {
    const usable = Number.isFinite(trial.value) && Number.isFinite(trial.slope);
    return usable && trial.value < before.value ? trial : before;
  }

  let stalled = false;
  let low = bracket[0].value <= bracket[1].value ? 0 : 1;
  for (; trials < maxTrials; trials++) {
    const [a, b] = bracket;
    const [left, right] = [Math.min(a.t, b.t), Math.max(a.t, b.t)];
    if ((right - left) * size < tolerance || right - left <= Number.EPSILON * right) break;
    let t = cubicMinimum(a, b);
    const margin = 0.1 * (right - left);
    if (Math.min(right - t, t - left) < margin) {
      // Twice in a row close to an end of the bracket is no progress.
      if (stalled || t >= right || t <= left) {
        t = Math.abs(t - right) < Math.abs(t - left) ? right - margin : left + margin;
        stalled = false;
      } else stalled = true;
    } else stalled = false;
    trial = evaluate(t);
    const lowest = bracket[low] as Trial;
    if (tooHigh(trial) || trial.value >= lowest.value) {
      bracket[1 - low] = trial;
      low = bracket[0].value <= bracket[1].value ? 0 : 1;
      continue;
    }
    if (flat(trial)) return trial;
    if (trial.slope * ((bracket[1 - low] as Trial).t - lowest.t) >= 0) bracket[1 - low] = lowest;
    bracket[low] = trial;
  }
  return bracket[low] as Trial;
}

/**
 * The same close to a minimum, where rounding is larger than what is left to gain: the slope alone tells, and the value only
 * has to stay within `slack` (in the spirit of the approximate Wolfe conditions of Hager and Zhang 2005).
 * @returns `start` itself where the slope never flattened
 */
export function slopeSearch(
  evaluate: (t: number) => Trial,
  start: Trial,
  first: number,
  { slack, maxTrials }: { slack: number; maxTrials: number },
): Trial {
  let low = start;
  let high: Trial | null = null;
  let t = first;
  for (let trials = 0; trials < maxTrials; trials++) {
    const trial = evaluate(t);
    const usable = trial.value <= start.value + slack && Number.isFinite(trial.slope);
    if (usable && Math.abs(trial.slope) <= -CURVATURE * start.slope) return trial;
    if (!usable || trial.slope > 0) high = trial;
    else low = trial;
    // Where the slope would vanish if it were a straight line, kept away from the ends of what is known.
    if (high === null) {
      const bend = (low.slope - start.slope) / low.t;
      t = bend > 0 ? Math.min(low.t - low.slope / bend, 10 * low.t) : 10 * low.t;
    } else {
      const part = low.slope / (low.slope - high.slope);
      t = low.t + (high.t - low.t) * (usable && part > 0.1 && part < 0.9 ? part : 0.5);
    }
  }
  return low;
}
