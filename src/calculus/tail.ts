/**
 * Integrals that oscillate for ever towards an end of their range, like ∫ sin(x)/x dx to infinity or sin(1/x) at 0: the
 * integrals between sign changes (or, where there are none, between valleys) are terms of a series, which is summed with
 * the transformations of `series.ts` (I. M. Longman, "Note on a method for computing infinite integrals of oscillatory functions",
 * Proc. Camb. Phil. Soc. 52, 1956; D. Levin 1973).
 */

import type { Estimate } from './adaptive.ts';
import type { Sampler } from './call.ts';
import { KRONROD_21, type Piece } from './quadrature.ts';
import { epsilon, levin } from './series.ts';

/** Points looked at from one sign change to the next. */
const PER_GAP = 32;
/** Terms of the series. */
const TERMS = 64;

/** f along the piece in t = 1/s², from 1 to infinity: what oscillates evenly in x, or in 1/x, does so in t. */
function along(f: Sampler, piece: Piece): Sampler {
  return (ts) => {
    const values = f(ts.map((t) => piece.x(t ** -0.5)));
    return values.map((y, i) => {
      const t = ts[i] as number;
      return y === 0 ? 0 : (y * piece.weight(t ** -0.5)) / (2 * t ** 1.5);
    });
  };
}

/** Where the samples change sign, or else where their size has a valley, by its place between them. */
function marks(ts: Float64Array, ys: Float64Array, signs: boolean): number[] {
  const found: number[] = [];
  for (let i = 1; i + 1 < ts.length; i++) {
    const [before, here, after] = [ys[i - 1] as number, ys[i] as number, ys[i + 1] as number];
    const [t, step] = [ts[i] as number, (ts[i + 1] as number) - (ts[i] as number)];
    if (signs) {
      if (here === 0 && before !== 0) found.push(t);
      else if (here * after < 0) found.push(t + (step * here) / (here - after));
    } else if (Math.abs(here) <= Math.abs(before) && Math.abs(here) < Math.abs(after)) {
      const curve = before - 2 * here + after;
      found.push(t + (curve === 0 ? 0 : (step * (before - after)) / (2 * curve)));
    }
  }
  return found;
}

/** Evenly spaced points from a to b. */
const spread = (a: number, b: number, n: number): Float64Array =>
  Float64Array.from({ length: n + 1 }, (_, i) => a + ((b - a) * i) / n);

/** Marks beyond t = 1, as many as the series needs; null where f does not keep oscillating. */
function findMarks(g: Sampler): number[] | null {
  for (let length = 4; length <= 2 ** 16; length *= 4) {
    // The first stretch in which there are several, told apart well enough.
    const ts = spread(1, 1 + length, 2048);
    const ys = g(ts);
    if (!ys.every(Number.isFinite)) return null;
    for (const signs of [true, false]) {
      const first = marks(ts, ys, signs);
      if (first.length < 6) continue;
      const found = first.slice(0, Math.max(6, first.length >> 1)).slice(0, TERMS + 1);
      while (found.length < TERMS + 1) {
        const last = found[found.length - 1] as number;
        const gap = (last - (found[found.length - 4] as number)) / 3;
        const more = spread(last + gap / 4, last + 4 * gap, 4 * PER_GAP);
        const values = g(more);
        if (!values.every(Number.isFinite)) return null;
        const next = marks(more, values, signs);
        if (next.length < 2) return null;
        found.push(...next.slice(0, Math.max(1, next.length - 1)));
      }
      return found.slice(0, TERMS + 1);
    }
  }
  return null;
}

/** Integrals of g between neighbouring marks, each in `pieces` parts, in one call. */
function termsBetween(g: Sampler, places: readonly number[], parts: number): Float64Array {
  const { nodes, kronrod } = KRONROD_21;
  const [m, terms] = [nodes.length, places.length - 1];
  const ts = new Float64Array(terms * parts * m);
  const half = (k: number) => ((places[k + 1] as number) - (places[k] as number)) / parts / 2;
  for (let k = 0; k < terms; k++)
    for (let p = 0; p < parts; p++)
      for (let i = 0; i < m; i++)
        ts[(k * parts + p) * m + i] = (places[k] as number) + half(k) * (2 * p + 1 + (nodes[i] as number));
  const values = g(ts);
  const sums = new Float64Array(terms);
  values.forEach((y, j) => {
    const k = Math.floor(j / (parts * m));
    sums[k] = (sums[k] as number) + half(k) * (kronrod[j % m] as number) * y;
  });
  return sums;
}

/**
 * The most trustworthy of several ways to continue the partial sums: the one whose last results agree best. Its error is how far
 * others that look nearly as good are from it.
 */
function accelerate(sums: Float64Array): { value: number; error: number } {
  const found: { value: number; error: number }[] = [];
  const consider = (most: number, transform: (n: number) => number) => {
    for (const n of [10, 12, 14, 16, 20, 24, 32, 48, 64].filter((n) => n <= most)) {
      const values = [n, n - 1, n - 2].map(transform);
      const value = values[0] as number;
      const error = 2 * Math.max(...values.map((other) => Math.abs(other - value)));
      if (Number.isFinite(error)) found.push({ value, error });
    }
  };
  // A period may hold several terms: sums after each of them, after every second, third, fourth.
  for (const stride of [1, 2, 3, 4]) {
    const some = sums.filter((_, i) => (i + 1) % stride === 0);
    consider(some.length, (n) => levin(some.subarray(0, n), 1));
    consider(some.length, (n) => levin(some.subarray(Math.max(0, n - 14), n), Math.max(1, n - 13)));
    consider(some.length, (n) => epsilon(some.subarray(Math.max(0, n - 15), n)));
  }
  found.sort((a, b) => a.error - b.error);
  const [best] = found;
  if (best === undefined) return { value: Number.NaN, error: Number.POSITIVE_INFINITY };
  const rivals = found.slice(1, 6).map(({ value, error }) => Math.max(Math.abs(value - best.value) - error, 0));
  return { value: best.value, error: Math.max(best.error, ...rivals) };
}

/** The integral over a piece whose integrand oscillates towards s = 0; null if it does not do so, or does not die out. */
export function oscillating(
  f: Sampler,
  piece: Piece,
  head: (g: Sampler, from: number, to: number) => Estimate,
): (Estimate & { evaluations: number }) | null {
  let evaluations = 0;
  const g = along((xs) => {
    evaluations += xs.length;
    return f(xs);
  }, piece);
  const places = findMarks(g);
  if (places === null) return null;
  const terms = termsBetween(g, places, 2);
  const finer = termsBetween(g, places, 3);
  const size = (from: number, to: number) =>
    finer.subarray(from, to).reduce((sum, term) => sum + Math.abs(term), 0) / (to - from);
  // A series whose terms do not fall has no sum, whatever the transformations make of it.
  if (!(size(TERMS - 8, TERMS) < 0.95 * size(TERMS / 2 - 8, TERMS / 2))) return null;
  const before = head(g, 1, places[0] as number);
  let sum = before.value;
  const sums = finer.map((term) => {
    sum += term;
    return sum;
  });
  const rounding = terms.reduce((worst, term, k) => worst + Math.abs(term - (finer[k] as number)), 0);
  const { value, error } = accelerate(sums);
  const magnitude = before.magnitude + size(0, TERMS) * TERMS;
  return {
    piece,
    value,
    error: 4 * error + before.error + rounding + 20 * Number.EPSILON * magnitude,
    magnitude,
    evaluations,
  };
}
