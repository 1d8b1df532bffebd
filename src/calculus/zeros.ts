/**
 * All zeros of a function of one variable in a range, for whoever knows its values and its slope: of f for roots, of f′ for
 * stationary points, of f″ for inflections.
 *
 * The range is sampled and halved where a cubic through values and slopes cannot vouch for the sign of the function; then
 * every change of sign is closed in by bisection, all of them in one call per step. Where the slope changes sign and the
 * function does not, it may touch zero, or cross it twice between two samples: that is looked at as well.
 */
import { ArgumentError } from '../errors.ts';

/** Values and slopes. Slopes may be NaN where there is none. */
export type Slopes = (xs: Float64Array) => readonly [Float64Array, Float64Array];

/** Where a function is zero. */
export interface Zeros {
  points: number[];
  /** Intervals throughout which it is exactly zero. */
  flats: [number, number][];
}

interface Sample {
  x: number;
  y: number;
  slope: number;
}

/** Points that sampling stops at, and rounds of halving. */
const MOST_SAMPLES = 200_000;
const ROUNDS = 14;

function measure(g: Slopes, xs: readonly number[]): Sample[] {
  const [ys, slopes] = g(Float64Array.from(xs));
  return xs.map((x, i) => ({ x, y: ys[i] as number, slope: slopes[i] as number }));
}

/**
 * Whether a cell may hide zeros: value and slope in its middle differ from the
 * cubic's through the ends by as much as it is away from zero.
 */
function isUncertain(left: Sample, middle: Sample, right: Sample, floor: number): boolean {
  const h = right.x - left.x;
  const cubic = (left.y + right.y) / 2 + (h * (left.slope - right.slope)) / 8;
  const slope = (1.5 * (right.y - left.y)) / h - (left.slope + right.slope) / 4;
  const off = Math.abs(middle.y - cubic) + (h * Math.abs(middle.slope - slope)) / 8;
  if (!Number.isFinite(off)) return true;
  return off > floor && Math.min(Math.abs(left.y), Math.abs(middle.y), Math.abs(right.y)) < 4 * off;
}

/** Samples that are dense enough, in order. */
function sample(g: Slopes, a: number, b: number, count: number): Sample[] {
  let samples = measure(
    g,
    Array.from({ length: count + 1 }, (_, i) => (i === count ? b : a + ((b - a) * i) / count)),
  );
  const size = samples.reduce((most, { y }) => (Number.isFinite(y) ? Math.max(most, Math.abs(y)) : most), 0);
  // Cells whose middle is not known yet; all of them at first.
  let open = samples.slice(1).map(() => true);
  for (let round = 0; round < ROUNDS && open.includes(true) && samples.length < MOST_SAMPLES; round++) {
    const middles = open.map((isOpen, i) => {
      const [left, right] = [samples[i] as Sample, samples[i + 1] as Sample];
      const x = left.x + (right.x - left.x) / 2;
      return isOpen && x > left.x && x < right.x ? x : null;
    });
    const measured = measure(
      g,
      middles.filter((x) => x !== null),
    );
    const next: Sample[] = [samples[0] as Sample];
    const nextOpen: boolean[] = [];
    let k = 0;
    middles.forEach((x, i) => {
      const [left, right] = [samples[i] as Sample, samples[i + 1] as Sample];
      if (x === null) nextOpen.push(false);
      else {
        const middle = measured[k++] as Sample;
        // Everything is halved twice, lest fast oscillation look smooth by chance.
        const uncertain = round < 2 || isUncertain(left, middle, right, 1e-14 * size);
        next.push(middle);
        nextOpen.push(uncertain, uncertain);
      }
      next.push(right);
    });
    samples = next;
    open = nextOpen;
  }
  const bends = samples.slice(1).flatMap((right, i) => bendsOf(samples[i] as Sample, right));
  return bends.length === 0 ? samples : [...samples, ...measure(g, bends)].sort((p, q) => p.x - q.x);
}

/**
 * Where the cubic through a cell with a change of sign goes up and down again: such a cell may hold three zeros close
 * together.
 */
function bendsOf(left: Sample, right: Sample): number[] {
  const h = right.x - left.x;
  if (!(left.y * right.y < 0 && left.slope * right.slope > 0)) return [];
  // The slope is c + bt + at², t from 0 to 1.
  const c = left.slope * h;
  const a = 3 * (c + right.slope * h) - 6 * (right.y - left.y);
  const b = right.slope * h - c - a;
  const root = Math.sqrt(b * b - 4 * a * c);
  if (!(root > 0)) return [];
  const q = -(b + Math.sign(b) * root) / 2;
  return [q / a, c / q].filter((t) => t > 0 && t < 1).map((t) => left.x + t * h);
}

/** An interval at whose ends a function has different signs. */
interface Bracket {
  from: number;
  to: number;
  /** The sign at `from`. */
  sign: number;
}

/** Halves all brackets until nothing lies between their ends that could be told from them. */
export function bisect(g: (xs: Float64Array) => Float64Array, brackets: readonly Bracket[], floor: number): Bracket[] {
  const closed = brackets.map((bracket) => ({ ...bracket }));
  for (let step = 0; step < 200; step++) {
    const open = closed.filter(
      ({ from, to }) => to - from > Math.max(floor, 2 * Number.EPSILON * Math.min(Math.abs(from), Math.abs(to))),
    );
    if (open.length === 0) break;
    const ys = g(Float64Array.from(open, ({ from, to }) => from + (to - from) / 2));
    open.forEach((bracket, i) => {
      const middle = bracket.from + (bracket.to - bracket.from) / 2;
      const sign = Math.sign(ys[i] as number);
      if (sign === 0) {
        bracket.from = middle;
        bracket.to = middle;
      } else if (sign === bracket.sign) bracket.from = middle;
      else bracket.to = middle;
    });
  }
  return closed;
}

/** Where exact zeros in neighbouring samples begin and end. */
function findFlats(g: Slopes, samples: readonly Sample[], floor: number): [number, number][] {
  const flats: [number, number][] = [];
  const edge = (zero: number, other: number): number => {
    const isZero = (xs: Float64Array) => g(xs)[0].map((y) => (y === 0 ? 1 : -1));
    const [from, to] = zero < other ? [zero, other] : [other, zero];
    const [found] = bisect(isZero, [{ from, to, sign: zero < other ? 1 : -1 }], floor) as [Bracket];
    return zero < other ? found.from : found.to;
  };
  for (let i = 0; i < samples.length; ) {
    let end = i;
    while (end < samples.length && (samples[end] as Sample).y === 0) end++;
    if (end - i >= 3) {
      const [first, last] = [samples[i] as Sample, samples[end - 1] as Sample];
      const [before, after] = [samples[i - 1], samples[end]];
      flats.push([before ? edge(first.x, before.x) : first.x, after ? edge(last.x, after.x) : last.x]);
    }
    i = Math.max(end, i + 1);
  }
  return flats;
}

/** How much the function changes among the nearest neighbours of x that float64 can tell apart comfortably. */
function jitter(g: Slopes, x: number, a: number, b: number): number {
  const step = 4 * Number.EPSILON * Math.max(Math.abs(x), 2 ** -8 * (b - a));
  const xs = Float64Array.from({ length: 9 }, (_, i) => Math.min(Math.max(x + (i - 4) * step, a), b));
  const ys = g(xs)[0];
  return Math.max(...ys) - Math.min(...ys);
}

/** Zeros of a function in [a, b], in order. */
export function zeros(op: string, g: Slopes, a: number, b: number, count: number): Zeros {
  const samples = sample(g, a, b, count);
  const floor = Number.EPSILON * 2 ** -10 * (b - a);
  const flats = findFlats(g, samples, floor);
  const inFlat = (x: number) => flats.some(([from, to]) => x >= from && x <= to);
  const values = (xs: Float64Array) => g(xs)[0];
  const points: number[] = [];
  const crossings: Bracket[] = [];
  const turns: (Bracket & { y: number })[] = [];
  const touches: number[] = [];
  samples.forEach((left, i) => {
    if (left.y === 0 && !inFlat(left.x)) points.push(left.x);
    const right = samples[i + 1];
    if (right === undefined) return;
    const sign = Math.sign(left.y);
    if (sign * Math.sign(right.y) < 0) crossings.push({ from: left.x, to: right.x, sign });
    else if (sign !== 0 && sign * left.slope < 0 && sign * right.slope > 0)
      turns.push({ from: left.x, to: right.x, sign: -sign, y: left.y });
  });
  // Turning points towards zero: f crosses twice, touches, or stays away.
  const closed = bisect((xs) => g(xs)[1], turns, floor);
  const tips = closed.map(({ from, to }) => from + (to - from) / 2);
  const heights = tips.length > 0 ? values(Float64Array.from(tips)) : [];
  tips.forEach((tip, i) => {
    const turn = turns[i] as Bracket & { y: number };
    const height = heights[i] as number;
    if (Math.abs(height) <= 4 * jitter(g, tip, a, b)) touches.push(tip);
    else if (height * turn.y < 0)
      crossings.push(
        { from: turn.from, to: tip, sign: Math.sign(turn.y) },
        { from: tip, to: turn.to, sign: -Math.sign(turn.y) },
      );
  });
  for (const end of [samples[0] as Sample, samples.at(-1) as Sample])
    if (end.y !== 0 && Math.abs(end.y) <= 2 * jitter(g, end.x, a, b) && Math.abs(end.y) < 1e-9 * sizeOf(samples))
      touches.push(end.x);
  points.push(...touches, ...settle(g, crossings, floor));
  if (points.some(Number.isNaN)) throw new ArgumentError(op, 'a zero came out as NaN');
  return { points: merge(points, a, b), flats };
}

const sizeOf = (samples: readonly Sample[]): number =>
  samples.reduce((most, { y }) => (Number.isFinite(y) ? Math.max(most, Math.abs(y)) : most), 0);

/** The zeros in brackets, without the poles and jumps, across which a function changes sign as well. */
function settle(g: Slopes, brackets: readonly Bracket[], floor: number): number[] {
  if (brackets.length === 0) return [];
  const closed = bisect((xs) => g(xs)[0], brackets, floor);
  const before = g(Float64Array.from(brackets.flatMap(({ from, to }) => [from, to])))[0];
  const [ends, slopes] = g(Float64Array.from(closed.flatMap(({ from, to }) => [from, to])));
  const found: number[] = [];
  closed.forEach(({ from, to }, i) => {
    const [left, right] = [Math.abs(ends[2 * i] as number), Math.abs(ends[2 * i + 1] as number)];
    const start = Math.min(Math.abs(before[2 * i] as number), Math.abs(before[2 * i + 1] as number));
    const rest = Math.min(left, right);
    if (rest > 0.1 * start && rest > 0) return;
    const [x, y, slope] =
      left <= right
        ? [from, ends[2 * i] as number, slopes[2 * i] as number]
        : [to, ends[2 * i + 1] as number, slopes[2 * i + 1] as number];
    // One step of Newton for zeros near 0, where bisection stops at a distance of the range's rounding.
    const polished = x - y / slope;
    found.push(y !== 0 && Math.abs(polished - x) <= 4 * floor ? polished : x);
  });
  return found;
}

/** Puts zeros in order; those that rounding cannot tell apart become one. */
function merge(points: readonly number[], a: number, b: number): number[] {
  const merged: number[] = [];
  for (const x of points.toSorted((p, q) => p - q)) {
    const last = merged.at(-1);
    const near = 32 * Number.EPSILON * Math.max(Math.abs(x), 2 ** -20 * (b - a));
    if (last === undefined || x - last > near) merged.push(x);
  }
  return merged;
}
