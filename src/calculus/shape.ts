/** The shape of a curve: where it rises and falls, and which way it is bent. */
import { ArgumentError } from '../errors.ts';
import { type Elementwise, expectFunction, expectRange, jetSampler, type Sampler, valuesAt } from './call.ts';
import { slopesOf } from './roots.ts';
import { zeros } from './zeros.ts';

/** A stretch on which a function does the same throughout. */
export interface Stretch {
  from: number;
  to: number;
  kind: 'rising' | 'falling' | 'constant';
}

/** How a curve is bent. */
export interface Convexity {
  /** 'linear' if it is not bent at all. */
  kind: 'convex' | 'concave' | 'neither' | 'linear';
  /** Where the second derivative changes sign. */
  inflections: number[];
}

/** Intervals that a derivative is sampled in. */
const SAMPLES = 1024;
/** Points that an interval without a change of sign is looked at in. */
const WITHIN = [0.5, 0.137, 0.291, 0.713, 0.871];

interface SignRun {
  from: number;
  to: number;
  sign: number;
}

/** Neighbouring stretches of the same sign become one. */
function join(runs: readonly SignRun[]): SignRun[] {
  const joined: SignRun[] = [];
  for (const run of runs) {
    const last = joined.at(-1);
    if (last?.sign === run.sign) last.to = run.to;
    else joined.push({ ...run });
  }
  return joined;
}

/** Where derivative number n of f is positive, negative, and zero throughout. */
function signsOf(op: string, f: Elementwise, n: number, a: number, b: number): SignRun[] {
  const slopes = slopesOf(op, f, n);
  const { points, flats } = zeros(op, slopes, a, b, SAMPLES);
  const edges = [...new Set([a, ...points, ...flats.flat(), b])].sort((p, q) => p - q);
  const runs = edges.slice(1).map((to, i) => ({ from: edges[i] as number, to, sign: 0 }));
  const xs = runs.flatMap(({ from, to }) => WITHIN.map((t) => from + t * (to - from)));
  const values = slopes(Float64Array.from(xs))[0];
  runs.forEach((run, i) => {
    const isFlat = flats.some(([from, to]) => run.from >= from && run.to <= to);
    const signs = values.subarray(i * WITHIN.length, (i + 1) * WITHIN.length).map(Math.sign);
    run.sign = isFlat ? 0 : (signs.find((sign) => sign !== 0) ?? 0);
  });
  return join(runs);
}

/** Places in a stretch where f jumps against the sign of its slope, as at a pole; closed in on by bisection. */
function findJumps(f: Sampler, { from, to, sign }: SignRun, floor: number): number[] {
  const xs = Float64Array.from({ length: SAMPLES - 1 }, (_, i) => from + ((to - from) * (i + 1)) / SAMPLES);
  const ys = f(xs);
  const jumps: number[] = [];
  for (let i = 1; i < xs.length; i++) {
    const [before, after] = [ys[i - 1] as number, ys[i] as number];
    const noise = 64 * Number.EPSILON * Math.max(Math.abs(before), Math.abs(after));
    if (!((after - before) * sign < -noise)) continue;
    let [left, right] = [xs[i - 1] as number, xs[i] as number];
    while (right - left > Math.max(floor, 2 * Number.EPSILON * Math.abs(left))) {
      const middle = left + (right - left) / 2;
      if (((f(Float64Array.of(middle))[0] as number) - before) * sign < 0) right = middle;
      else left = middle;
    }
    jumps.push(left + (right - left) / 2);
  }
  return jumps;
}

/**
 * Where f rises, falls and is constant on [a, b], from the sign of its derivative: stretches in order that cover the range.
 * At a pole or a jump against the slope, a stretch ends and another one of the same kind may begin.
 * @param f works elementwise on float64 tensors
 * @throws ArgumentError for an empty range and for NaN.
 */
export function monotonicity(f: Elementwise, range: readonly [number, number]): Stretch[] {
  const op = 'monotonicity';
  expectFunction(op, f);
  const [a, b] = expectRange(op, range);
  const values: Sampler = (xs) => valuesAt(op, f, xs);
  const floor = Number.EPSILON * 2 ** -10 * (b - a);
  const runs = signsOf(op, f, 1, a, b).flatMap((run) => {
    const edges = [run.from, ...(run.sign === 0 ? [] : findJumps(values, run, floor)), run.to];
    return edges.slice(1).map((to, i) => ({ ...run, from: edges[i] as number, to }));
  });
  // An edge that is 0 up to rounding of the range.
  const tidy = (x: number) => (Math.abs(x) <= 4 * floor ? 0 : x);
  const kinds = { '-1': 'falling', '0': 'constant', '1': 'rising' } as const;
  return runs.map(({ from, to, sign }) => ({ from: tidy(from), to: tidy(to), kind: kinds[`${sign as -1 | 0 | 1}`] }));
}

/**
 * Whether f is convex or concave on [a, b], from the sign of its second derivative, and its inflections. Kinks count as well: |x| is
 * convex, because its slope grows there.
 * @param f works elementwise on float64 tensors
 * @throws ArgumentError for an empty range and for NaN.
 */
export function convexity(f: Elementwise, range: readonly [number, number]): Convexity {
  const op = 'convexity';
  expectFunction(op, f);
  const [a, b] = expectRange(op, range);
  const runs = signsOf(op, f, 2, a, b);
  const bent = join(runs.filter(({ sign }) => sign !== 0));
  const inflections = bent.slice(1).map(({ from }) => from);
  // What the second derivative cannot see: a slope that jumps.
  const xs = Float64Array.from({ length: 2 * SAMPLES + 1 }, (_, i) => a + ((b - a) * i) / (2 * SAMPLES));
  const slopes = jetSampler(op, f, 1)(xs)[1] as Float64Array;
  const size = slopes.reduce((most, slope) => Math.max(most, Math.abs(slope)), 0);
  if (!Number.isFinite(size)) throw new ArgumentError(op, 'the slope of the function is infinite in the range');
  let [up, down] = [bent.some(({ sign }) => sign > 0), bent.some(({ sign }) => sign < 0)];
  for (let i = 1; i < slopes.length; i++) {
    const step = (slopes[i] as number) - (slopes[i - 1] as number);
    up ||= step > 1e-12 * size;
    down ||= step < -1e-12 * size;
  }
  return { kind: up ? (down ? 'neither' : 'convex') : down ? 'concave' : 'linear', inflections };
}
