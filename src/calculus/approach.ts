/**
 * What values tend to as h → 0, from samples at h = c·2⁻ᵏ for several c. Each c gives a sequence, which is continued by
 * Richardson's polynomials in h and by the transformations of `series.ts`; how well the sequences agree with each other
 * tells how far the result can be trusted, and what each of them says by itself does not matter.
 */
import { epsilon, levin } from './series.ts';

/** Factors c of the sequences: with no simple ratio, so that nothing periodic can look constant to all of them. */
export const OFFSETS = [0.9637261, 0.8192437, 0.6973519, 0.5794213] as const;

/** What was found out about a limit. */
export interface Approach {
  /** The best guess at the limit; NaN where there is none. */
  value: number;
  error: number;
  /** The size of the values it was made from, which errors are to be compared with. */
  scale: number;
  verdict: 'converged' | 'growing' | 'oscillating' | 'hidden' | 'undefined';
}

/** Interpolates in h by a polynomial and takes it at 0, for h halved at every step (Richardson 1911, Neville's scheme). */
function richardson(terms: Float64Array): number {
  const table = Float64Array.from(terms);
  for (let power = 1; power < table.length; power++) {
    const factor = 2 ** power - 1;
    for (let i = table.length - 1; i >= power; i--)
      table[i] = (table[i] as number) + ((table[i] as number) - (table[i - 1] as number)) / factor;
  }
  return table[table.length - 1] as number;
}

/** Ways to continue a sequence from its last `length` terms, of which the last is number `i`. */
const continuations: readonly { length: number; limit(terms: Float64Array, i: number): number }[] = [
  { length: 1, limit: (terms) => terms[0] as number },
  ...[4, 6, 9, 12].map((length) => ({ length, limit: richardson })),
  ...[5, 9, 13].map((length) => ({ length, limit: epsilon })),
  ...[8, 13].map((length) => ({
    length,
    limit: (terms: Float64Array, i: number) => levin(terms, Math.max(1, i - length + 2)),
  })),
];

/** Whether samples, in order of h, go up and down like noise rather than like a curve. */
function isJagged(samples: readonly number[]): boolean {
  let turns = 0;
  let before = 0;
  for (let i = 1; i < samples.length; i++) {
    const sign = Math.sign((samples[i] as number) - (samples[i - 1] as number));
    if (sign * before < 0) turns++;
    if (sign !== 0) before = sign;
  }
  return turns >= 3;
}

/** The octaves [first, last) in which all values are finite: the first such run that is long enough. */
function definedRun(rows: readonly (readonly number[])[], least: number): [number, number] | null {
  for (let first = 0; first < rows.length; ) {
    let last = first;
    while (last < rows.length && (rows[last] as readonly number[]).every(Number.isFinite)) last++;
    if (last - first >= least) return [first, last];
    first = last + 1;
  }
  return null;
}

/**
 * The limit of the rows: row k holds the values at h = c·2⁻ᵏ, one for each c. Scanned from large h to small. Rounding
 * makes values worse again where h is very small; where that begins, the scan ends.
 * @param tol the error at which a limit counts as found, as a fraction of the values
 * @param least how many octaves without NaN there have to be
 * @param abrupt whether to take a jump to a constant for rounding: on paths where terms shrink by many powers of h it is
 */
export function approach(rows: readonly (readonly number[])[], tol: number, least: number, abrupt = false): Approach {
  const run = definedRun(rows, least);
  const nothing = { value: Number.NaN, error: Number.POSITIVE_INFINITY, scale: 0 };
  if (run === null) {
    const grows = rows.some((row) => row.some((y) => Math.abs(y) === Number.POSITIVE_INFINITY));
    const isNaN = rows.at(-1)?.some(Number.isNaN);
    return { ...nothing, verdict: grows && !isNaN ? 'growing' : 'undefined' };
  }
  const [first, last] = run;
  const sequences = OFFSETS.slice(0, (rows[0] as readonly number[]).length).map((_, j) =>
    Float64Array.from(rows.slice(first, last), (row) => row[j] as number),
  );
  const n = last - first;
  let best: Approach = { ...nothing, verdict: 'oscillating' };
  let bestAt = 0;
  let [start, scale, worse] = [0, 0, 0];
  const before = continuations.map(() => [] as number[]);
  for (let i = 0; i < n; i++) {
    for (const sequence of sequences) scale = Math.max(scale, Math.abs(sequence[i] as number));
    // A limit that is as good as certain is only watched from here on.
    if (best.error > 1e-10 * best.scale) {
      const found = nearest(sequences, i, start, before);
      if (found === null) continue;
      const { value, error } = found;
      const window = Math.min(8, (i - start) >> 1);
      const middle = start + ((i - start) >> 1);
      const far = farthest(sequences, i - window, i, value);
      const approaches = far <= 4 * error || far <= 0.9 * farthest(sequences, middle - window, middle, value);
      if (approaches && error <= best.error) {
        best = { value, error, scale, verdict: 'converged' };
        bestAt = i;
      }
    }
    if (best.error > tol * best.scale) continue;
    const noise = best.error + 16 * Number.EPSILON * Math.abs(best.value);
    const near = farthest(sequences, bestAt - 2, bestAt, best.value) + noise;
    worse = farthest(sequences, i, i, best.value) > 4 * near ? worse + 1 : 0;
    if (worse < 4) continue;
    if (isJagged(samplesOf(sequences, i - 3, i))) return best;
    // Not noise, but something new at a smaller scale: what was found above it says nothing.
    best = { ...nothing, verdict: 'oscillating' };
    [start, scale, worse] = [i, 0, 0];
    for (const list of before) list.length = 0;
  }
  const stays =
    farthest(sequences, n - 8, n - 1, best.value) <=
    Math.max(4 * best.error, 0.9 * farthest(sequences, Math.max(start, bestAt - 8), bestAt, best.value));
  if (best.error > tol * best.scale || !(stays || bestAt >= n - 8))
    return { ...best, verdict: grows(sequences) ? 'growing' : 'oscillating' };
  return isLeftover(sequences, best, abrupt) ? { ...nothing, verdict: 'hidden' } : best;
}

/** Values of octaves from to `to`, in order of h. */
function samplesOf(sequences: readonly Float64Array[], from: number, to: number): number[] {
  const samples: number[] = [];
  for (let k = Math.max(0, from); k <= to; k++) for (const sequence of sequences) samples.push(sequence[k] as number);
  return samples;
}

/**
 * Whether the limit is nothing but what rounding left: the values end in one and the same number, to which they came not like
 * a curve but out of noise, as (1 − cos x)/x² ends in 0.
 */
function isLeftover(sequences: readonly Float64Array[], { value, scale }: Approach, abrupt: boolean): boolean {
  let last = (sequences[0] as Float64Array).length - 1;
  if (farthest(sequences, last - 3, last, value) > 0) return false;
  while (last > 0 && farthest(sequences, last, last, value) === 0) last--;
  return (
    last > 0 &&
    farthest(sequences, last - 3, last, value) > 1e-6 * scale &&
    (abrupt || isJagged(samplesOf(sequences, last - 3, last)))
  );
}

/** The continuation on which all sequences agree best, now and one octave ago. */
function nearest(
  sequences: readonly Float64Array[],
  i: number,
  start: number,
  before: number[][],
): { value: number; error: number } | null {
  let best: { value: number; error: number } | null = null;
  const isSlow = sequences.every((sequence) => {
    const [before, here, last] = sequence.subarray(Math.max(start, i - 2), i + 1);
    return (
      last !== undefined && Math.abs(last - (here as number)) > 0.8 * Math.abs((here as number) - (before as number))
    );
  });
  continuations.forEach(({ length, limit }, c) => {
    if (i - start + 1 < length) return;
    const now = sequences.map((sequence) => limit(sequence.subarray(i - length + 1, i + 1), i));
    const all = [...now, ...(before[c] as number[])];
    const hasHistory = all.length > now.length;
    before[c] = now;
    if (!hasHistory || !all.every(Number.isFinite)) return;
    const value = now.reduce((sum, y) => sum + y, 0) / now.length;
    const spread = Math.max(...all.map((y) => Math.abs(y - value)));
    // Steps that hardly shrink: like 1/ln h, of which extrapolation sees only a little part.
    const error = (isSlow ? 100 : 2) * spread + 4 * Number.EPSILON * Math.abs(value);
    if (best === null || error < best.error) best = { value, error };
  });
  return best;
}

/** How far values of octaves `from` to `to` are from a number, at most. */
function farthest(sequences: readonly Float64Array[], from: number, to: number, value: number): number {
  let far = 0;
  for (let k = Math.max(0, from); k <= to; k++)
    for (const sequence of sequences) far = Math.max(far, Math.abs((sequence[k] as number) - value));
  return far;
}

/** Whether the values keep their sign and grow in size, octave by octave, over the second half. */
function grows(sequences: readonly Float64Array[]): boolean {
  return sequences.every((sequence) => {
    const half = sequence.subarray(sequence.length >> 1);
    return half.every(
      (y, i) => i === 0 || (y * (half[i - 1] as number) > 0 && Math.abs(y) > Math.abs(half[i - 1] as number)),
    );
  });
}
