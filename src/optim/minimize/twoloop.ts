/** The inverse Hessian of L-BFGS, which is never formed (Nocedal 1980; Nocedal and Wright 2006, algorithm 7.4). */
import { dot, plus } from './vectors.ts';

/** A step, and what it did to the gradient. */
export interface Pair {
  step: Float64Array;
  change: Float64Array;
  /** step · change */
  curvature: number;
}

/** The inverse Hessian that the history stands for, oldest pair first, times a vector. */
export function twoLoop(history: readonly Pair[], gradient: Float64Array): Float64Array {
  let q = gradient;
  const alphas = new Float64Array(history.length);
  for (let i = history.length - 1; i >= 0; i--) {
    const { step, change, curvature } = history[i] as Pair;
    alphas[i] = dot(step, q) / curvature;
    q = plus(q, change, -(alphas[i] as number));
  }
  const last = history.at(-1);
  if (last) {
    const scale = last.curvature / dot(last.change, last.change);
    q = q.map((value) => value * scale);
  }
  for (const [i, { step, change, curvature }] of history.entries())
    q = plus(q, step, (alphas[i] as number) - dot(change, q) / curvature);
  return q;
}
