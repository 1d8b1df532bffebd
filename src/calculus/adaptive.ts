/** Adaptive quadrature over pieces of a range: all intervals that need it are halved and evaluated in one call of f. */
import { ArgumentError } from '../errors.ts';
import type { Sampler } from './call.ts';
import { allowed, KRONROD_21, largest, type Piece } from './quadrature.ts';

/** A part of a piece, with the integral over it by both rules. */
interface Part {
  piece: Piece;
  from: number;
  to: number;
  value: number;
  error: number;
  /** ∫|f|. */
  magnitude: number;
  /** How much the value changed when the part that this one is half of was halved, and the same for that one. */
  change: number;
  changeBefore: number;
  /** For how many generations halving has not helped against errors of the size of rounding. */
  noisy: number;
  /** For how many generations halving at the end of the range has not helped at all. */
  growing: number;
}

/** What is known about the integral over one piece. */
export interface Estimate {
  piece: Piece;
  value: number;
  error: number;
  magnitude: number;
}

/** What `adaptive` found. */
export interface Adaptive {
  estimates: Estimate[];
  evaluations: number;
  rounds: number;
  /** Whether the wanted accuracy was reached; if not, what is in the way: rounding, an infinite end, or `maxEvaluations`. */
  end: 'converged' | 'resolved' | 'diverging' | 'exhausted';
}

/** Parts that a piece has at the start: narrow enough to see a bell curve of 1e-5 of the range. */
const START = 128;
/** Parts of a function that was 0 at all nodes of those. */
const CLOSER = 8192;
/** Rounds after which it is not going to end. */
const ROUNDS = 600;
/** Generations after which an end of the range is taken to be infinite. */
const GROWING = 40;
const { nodes, kronrod, gauss } = KRONROD_21;
const m = nodes.length;

/**
 * Where f is NaN far out, because something in it overflowed, it is taken to be 0 if it has died out before: the values
 * nearest to there are negligible. Anywhere else NaN is an error.
 */
function settleNaN(op: string, piece: Piece, xs: Float64Array, values: Float64Array, weights: Float64Array): void {
  let at = -1;
  for (let i = 0; i < xs.length; i++)
    if (Number.isNaN(values[i]) && (at < 0 || Math.abs(xs[i] as number) < Math.abs(xs[at] as number))) at = i;
  if (at < 0) return;
  const edge = Math.abs(xs[at] as number);
  let [largest, near, nearest] = [0, Number.POSITIVE_INFINITY, 0];
  for (let i = 0; i < xs.length; i++) {
    const [distance, value] = [Math.abs(xs[i] as number), Math.abs(values[i] as number)];
    if (Number.isNaN(value) || distance > edge) continue;
    largest = Math.max(largest, value);
    if (distance > nearest) [nearest, near] = [distance, value * (weights[i] as number)];
  }
  if (!(piece.infinite && edge > 100 && near < 1e-30 * largest))
    throw new ArgumentError(op, `the function returned NaN at ${xs[at]}`);
  for (let i = 0; i < xs.length; i++) if (Number.isNaN(values[i])) values[i] = 0;
}

/** Applies the rule to all parts in one call of f. */
function measure(op: string, f: Sampler, parts: Part[]): void {
  const xs = new Float64Array(parts.length * m);
  const weights = new Float64Array(xs.length);
  parts.forEach(({ piece, from, to }, p) => {
    const half = (to - from) / 2;
    for (let i = 0; i < m; i++) {
      const s = from + half * (1 + (nodes[i] as number));
      xs[p * m + i] = piece.x(s);
      weights[p * m + i] = half * piece.weight(s);
    }
  });
  const values = f(xs);
  // Parts of a piece stand together.
  for (let start = 0; start < parts.length; ) {
    const { piece } = parts[start] as Part;
    let end = start + 1;
    while (parts[end]?.piece === piece) end++;
    const range = [start * m, end * m] as const;
    settleNaN(op, piece, xs.subarray(...range), values.subarray(...range), weights.subarray(...range));
    start = end;
  }
  parts.forEach((part, p) => {
    let [value, coarse, magnitude] = [0, 0, 0];
    for (let i = 0; i < m; i++) {
      const y = values[p * m + i] as number;
      const term = y === 0 ? 0 : y * (weights[p * m + i] as number);
      value += (kronrod[i] as number) * term;
      coarse += (gauss[i] as number) * term;
      magnitude += (kronrod[i] as number) * Math.abs(term);
    }
    // Where f is smooth the difference is far too large, at kinks and singularities it is somewhat small: hence ten times
    // as much. At a pole nothing is known; halving makes it an end of two parts, where f is not evaluated.
    const known = Number.isFinite(magnitude);
    part.value = known ? value : 0;
    part.error = known ? 10 * Math.abs(value - coarse) : Number.POSITIVE_INFINITY;
    part.magnitude = known ? magnitude : 0;
  });
}

const part = (piece: Piece, from: number, to: number): Part => ({
  piece,
  from,
  to,
  value: 0,
  error: 0,
  magnitude: 0,
  change: 0,
  changeBefore: 0,
  noisy: 0,
  growing: 0,
});

/** What the halves of a part say about each other, once they are measured. */
function compare(parent: Part, left: Part, right: Part): void {
  const change = parent.value - left.value - right.value;
  const worse = left.error >= right.error ? left : right;
  worse.change = change;
  worse.changeBefore = parent.change;
  // At a singularity what is missing shrinks by the same factor each time; the two rules need not see all of it.
  const ratio = Math.abs(change / parent.change);
  if (worse.from === 0 && parent.change !== 0 && worse.error > 500 * Number.EPSILON * worse.magnitude) {
    const missing = ratio < 1 ? Math.abs(change) * (ratio / (1 - ratio)) : Number.POSITIVE_INFINITY;
    worse.error = Math.max(worse.error, missing);
    worse.growing = ratio > 1 - 1e-6 ? parent.growing + 1 : 0;
  }
  const isNoise = (half: Part) => half.error > parent.error / 5 && half.error < 1e-7 * half.magnitude;
  const noisy = isNoise(left) && isNoise(right) ? parent.noisy + 1 : 0;
  for (const half of [left, right]) {
    half.noisy = noisy;
    // What cannot be halved any more around a singularity may hold anything of its size.
    if (!isWide(half) && half.error > 500 * Number.EPSILON * half.magnitude)
      half.error = Math.max(half.error, half.magnitude);
  }
}

/** Whether a part has an inside. */
const isWide = ({ piece, from, to }: Part) => to > piece.smallest && (to - from) / 2 > Number.EPSILON * to;

/** Whether halving a part can still tell anything: not once it is as good as rounding allows, or has no inside. */
const canSplit = (item: Part) => item.error > 500 * Number.EPSILON * item.magnitude && item.noisy < 2 && isWide(item);

/** Integrals of f over the pieces, until their sum is known to a fraction `tol`. */
export function adaptive(
  op: string,
  f: Sampler,
  range: readonly Piece[],
  tol: number,
  maxEvaluations: number,
): Adaptive {
  let parts: Part[] = [];
  let evaluations = 0;
  for (const n of [START, CLOSER]) {
    if (n * m * range.length > maxEvaluations && parts.length > 0) break;
    parts = range.flatMap((piece) => Array.from({ length: n }, (_, i) => part(piece, i / n, (i + 1) / n)));
    measure(op, f, parts);
    evaluations += parts.length * m;
    if (parts.some(({ magnitude, error }) => magnitude > 0 || error > 0)) break;
  }
  for (let rounds = 1; ; rounds++) {
    const estimates = range.map((piece) => ({ piece, value: 0, error: 0, magnitude: 0 }));
    for (const { piece, value, error, magnitude } of parts) {
      const sum = estimates[range.indexOf(piece)] as Estimate;
      sum.value += value;
      sum.error += error + 10 * Number.EPSILON * magnitude;
      sum.magnitude += magnitude;
    }
    const [value, error, magnitude] = total(estimates);
    const target = allowed(tol, value, magnitude);
    if (error <= target) return { estimates, evaluations, rounds, end: 'converged' };
    const errors = parts.map((item) => item.error);
    const chosen = new Set(largest(errors, target).filter((i) => canSplit(parts[i] as Part)));
    if (chosen.size === 0) return { estimates, evaluations, rounds, end: 'resolved' };
    if (parts.some(({ growing }) => growing >= GROWING)) return { estimates, evaluations, rounds, end: 'diverging' };
    if (rounds >= ROUNDS || evaluations + 2 * chosen.size * m > maxEvaluations)
      return { estimates, evaluations, rounds, end: 'exhausted' };
    const parents = parts.filter((_, i) => chosen.has(i));
    const halves = parents.flatMap(({ piece, from, to }) => {
      const middle = from + (to - from) / 2;
      return [part(piece, from, middle), part(piece, middle, to)];
    });
    halves.sort((a, b) => range.indexOf(a.piece) - range.indexOf(b.piece));
    parents.sort((a, b) => range.indexOf(a.piece) - range.indexOf(b.piece));
    measure(op, f, halves);
    evaluations += halves.length * m;
    parents.forEach((parent, i) => {
      compare(parent, halves[2 * i] as Part, halves[2 * i + 1] as Part);
    });
    parts = [...parts.filter((_, i) => !chosen.has(i)), ...halves];
  }
}

/** Value, error and ∫|f| of all pieces together. */
export function total(estimates: readonly Estimate[]): [number, number, number] {
  let [value, error, magnitude] = [0, 0, 0];
  for (const estimate of estimates) {
    value += estimate.value;
    error += estimate.error;
    magnitude += estimate.magnitude;
  }
  return [value, error, magnitude];
}
