/** Stationary points: where all derivatives of first order vanish, and what the second order says about them. */
import { ArgumentError } from '../errors.ts';
import { fromArray } from '../ops/creation.ts';
import { solve, symmetricEigen } from '../optim/linalg.ts';
import { listOf } from '../tensor/lists.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type Batch, batchAt } from './batch.ts';
import {
  type Elementwise,
  expectFunction,
  expectOptions,
  expectPositive,
  expectRange,
  expectWhole,
  jetSampler,
  type Multivariate,
  moved,
  readPoint,
} from './call.ts';
import { slopesOf } from './roots.ts';
import { gradientAt } from './vector.ts';
import { zeros } from './zeros.ts';

/** What the Hessian's eigenvalues say: all positive, all negative, both; degenerate if one of them is zero. */
export type StationaryKind = 'minimum' | 'maximum' | 'saddle' | 'degenerate';

/** A stationary point. */
export interface StationaryPoint {
  /** [n] */
  point: Tensor;
  value: number;
  kind: StationaryKind;
  /** Of the Hessian, ascending. */
  eigenvalues: number[];
}

/** Options of `stationaryPoints`. */
export interface StationaryOptions {
  /** From how many points of the region Newton's method starts; 256 by default. One variable: how many intervals are sampled. */
  starts?: number;
  /** Points closer than this fraction of the region's size count as one; 1e-6 by default. */
  tol?: number;
  /** Whether f takes one vector rather than separate variables. */
  vector?: boolean;
}

const OP = 'stationaryPoints';
const STEPS = 120;

/** @internal Eigenvalues below this fraction of the largest count as zero. */
export const DEGENERATE = 1e-8;

/** @internal What kind of point has these eigenvalues of the Hessian, where Hessians are of the size of `curvature`. */
export function kindOf(eigenvalues: ArrayLike<number>, curvature = 0): StationaryKind {
  const values = Array.from(eigenvalues);
  const size = Math.max(...values.map(Math.abs), 0.1 * curvature);
  if (values.length === 0 || size === 0 || values.some((value) => Math.abs(value) <= DEGENERATE * size))
    return 'degenerate';
  if (values.every((value) => value > 0)) return 'minimum';
  return values.every((value) => value < 0) ? 'maximum' : 'saddle';
}

function univariate(f: Elementwise, range: readonly [number, number], samples: number): StationaryPoint[] {
  const [a, b] = expectRange(OP, range);
  const { points, flats } = zeros(OP, slopesOf(OP, f, 1), a, b, samples);
  const [flat] = flats;
  if (flat) throw new ArgumentError(OP, `the function is constant throughout [${flat[0]}, ${flat[1]}]`);
  if (points.length === 0) return [];
  const [values, , curves] = jetSampler(OP, f, 2)(Float64Array.from(points)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  // What a second derivative of this size does is lost in the others over the range.
  const largest = (jetSampler(OP, f, 2)(Float64Array.of(a, (a + b) / 2, b))[2] as Float64Array).map(Math.abs);
  const size = Math.max(...largest.filter(Number.isFinite), ...curves.map(Math.abs));
  return points.map((x, i) => {
    const curve = curves[i] as number;
    const kind = Math.abs(curve) <= DEGENERATE * size ? 'degenerate' : curve > 0 ? 'minimum' : 'maximum';
    return { point: fromArray(Float64Array.of(x), [1]), value: values[i] as number, kind, eigenvalues: [curve] };
  });
}

/** Points that fill the region evenly (M. Roberts' R-sequence: multiples of powers of the root of gⁿ⁺¹ = g + 1), and its middle. */
function spread(region: readonly (readonly [number, number])[], count: number): Float64Array {
  const n = region.length;
  let g = 1.5;
  for (let i = 0; i < 60; i++) g = (1 + g) ** (1 / (n + 1));
  const points = new Float64Array(count * n);
  for (let p = 0; p < count; p++)
    region.forEach(([a, b], i) => {
      const t = p === 0 ? 0.5 : (0.5 + p * g ** -(i + 1)) % 1;
      points[p * n + i] = a + t * (b - a);
    });
  return points;
}

const row = (all: Float64Array, p: number, size: number): Float64Array => all.subarray(p * size, (p + 1) * size);
const norm = (v: Float64Array): number => Math.hypot(...v);

/** The Newton step for ∇f = 0, or that of Levenberg and Marquardt where the Hessian is singular. */
function stepFor(hessian: Float64Array, gradient: Float64Array): Float64Array | null {
  const n = gradient.length;
  const newton = solve(hessian, gradient);
  if (newton?.every(Number.isFinite)) return newton.map((x) => -x);
  const normal = new Float64Array(n * n);
  const right = new Float64Array(n);
  let trace = 0;
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) {
      right[i] = (right[i] as number) - (hessian[k * n + i] as number) * (gradient[k] as number);
      for (let j = 0; j < n; j++)
        normal[i * n + j] =
          (normal[i * n + j] as number) + (hessian[k * n + i] as number) * (hessian[k * n + j] as number);
    }
  for (let i = 0; i < n; i++) trace += normal[i * (n + 1)] as number;
  for (let i = 0; i < n; i++) normal[i * (n + 1)] = (normal[i * (n + 1)] as number) + 1e-10 * trace;
  return solve(normal, right);
}

/** A search under way: which start, and how much of the step is tried. */
interface Search {
  x: Float64Array;
  gradient: Float64Array;
  hessian: Float64Array;
  value: number;
  step: Float64Array;
  fraction: number;
}

/** Newton's method on ∇f from all points at once, cutting steps that do not make |∇f| smaller; `length` is that of the region. */
function searchAll(
  at: (points: Float64Array) => Batch,
  starts: Float64Array,
  n: number,
  length: number,
  reach: (x: Float64Array) => boolean,
): { found: Search[]; curvature: number } {
  const read = (batch: Batch, p: number) => ({
    value: batch.values[p] as number,
    gradient: row(batch.gradients, p, n).slice(),
    hessian: row(batch.hessians, p, n * n).slice(),
  });
  const first = at(starts);
  if (first.values.every(Number.isNaN)) throw new ArgumentError(OP, 'the function returned NaN at every start');
  let active: Search[] = [];
  const done: Search[] = [];
  const begin = (search: Search) => {
    if (![search.value, ...search.gradient, ...search.hessian].every(Number.isFinite)) return;
    const step = norm(search.gradient) === 0 ? null : stepFor(search.hessian, search.gradient);
    if (step === null) done.push(search);
    // The last step: Newton's method squares what is left of the way.
    else if (norm(step) <= 1e-10 * length) done.push({ ...search, x: search.x.map((v, i) => v + (step[i] as number)) });
    else active.push({ ...search, step, fraction: 1 });
  };
  for (let p = 0; p < first.values.length; p++)
    begin({ x: row(starts, p, n).slice(), ...read(first, p), step: new Float64Array(n), fraction: 1 });
  for (let round = 0; round < STEPS && active.length > 0; round++) {
    const trials = Float64Array.from(
      active.flatMap(({ x, step, fraction }) => Array.from(x, (v, i) => v + fraction * (step[i] as number))),
    );
    const batch = at(trials);
    const before = active;
    active = [];
    before.forEach((search, p) => {
      const trial = { ...search, x: row(trials, p, n).slice(), ...read(batch, p) };
      if (norm(trial.gradient) < (1 - 1e-4 * search.fraction) * norm(search.gradient)) {
        if (reach(trial.x)) begin(trial);
      } else if (search.fraction > 2 ** -30) active.push({ ...search, fraction: search.fraction / 4 });
      else done.push(search);
    });
  }
  const sizes = Array.from(first.values, (_, p) => norm(row(first.hessians, p, n * n)))
    .filter(Number.isFinite)
    .sort((p, q) => p - q);
  return { found: [...done, ...active], curvature: sizes[sizes.length >> 1] ?? 0 };
}

function multivariate(
  f: Multivariate,
  region: readonly (readonly [number, number])[],
  options: StationaryOptions,
): StationaryPoint[] {
  const { starts = 256, tol = 1e-6, vector = false } = options;
  const n = region.length;
  const box = region.map((range) => expectRange(OP, range));
  const sizes = box.map(([a, b]) => b - a);
  const length = Math.max(...sizes);
  const inside = (x: Float64Array, slack: number) =>
    x.every((v, i) => {
      const [a, b] = box[i] as [number, number];
      return v >= a - slack * (b - a) && v <= b + slack * (b - a);
    });
  const at = (points: Float64Array) => batchAt(OP, f, points, n, !vector);
  const startPoints = spread(box, starts);
  // A result that is cut off from the variables shows at the first start.
  const place = readPoint(OP, Array.from(startPoints.subarray(0, n)));
  const probe = { ...moved(place, place.values), separate: !vector };
  if (batchAt(OP, f, place.values, n, !vector).values.every((value) => !Number.isNaN(value))) gradientAt(OP, f, probe);
  const { found, curvature } = searchAll(at, startPoints, n, length, (x) => inside(x, 1));
  const kept: (Search & { rest: number })[] = [];
  for (const search of found) {
    const rest = norm(search.gradient);
    // Gradients are compared with what they change by across the region.
    const scale = length * Math.max(norm(search.hessian), 1e-9 * curvature);
    if (!(rest <= 1e-9 * scale || rest === 0) || !inside(search.x, 1e-9)) continue;
    const twin = kept.findIndex(({ x }) =>
      x.every((v, i) => Math.abs(v - (search.x[i] as number)) <= tol * (sizes[i] as number)),
    );
    if (twin < 0) kept.push({ ...search, rest });
    else if (rest < (kept[twin] as { rest: number }).rest) kept[twin] = { ...search, rest };
  }
  if (starts >= 16 && 2 * kept.length > starts)
    throw new ArgumentError(
      OP,
      `the stationary points are not isolated: ${kept.length} of ${starts} searches ended in different places`,
    );
  return kept
    .sort((p, q) => p.value - q.value || (p.x[0] as number) - (q.x[0] as number))
    .map(({ x, value, hessian }) => {
      const { values } = symmetricEigen(hessian);
      const kind = kindOf(values, curvature);
      return { point: fromArray(x, [n]), value, kind, eigenvalues: Array.from(values) };
    });
}

/**
 * The stationary points of f in a region, classified by the eigenvalues of the Hessian.
 *
 * One variable: the roots of f′ as `findRoots` finds them, in order. Several: damped Newton's method on ∇f from many points of the
 * region, all in one batched evaluation per step, and what arrives at the same place counts once; sorted by value. More
 * `starts` find what few miss.
 * @param f elementwise for one range [a, b]; otherwise of as many separate variables as there are ranges
 * @throws ArgumentError for empty ranges, NaN everywhere, and stationary points that fill an interval, a curve or an area;
 * AutogradError where f cuts its result off from the variables.
 */
export function stationaryPoints(
  f: Multivariate,
  region: readonly [number, number] | readonly (readonly [number, number])[],
  options: StationaryOptions = {},
): StationaryPoint[] {
  expectFunction(OP, f);
  const given = expectOptions(OP, options, ['starts', 'tol', 'vector']);
  if (given.starts !== undefined) expectWhole(OP, 'starts', given.starts, 1, 1_000_000);
  if (given.tol !== undefined) expectPositive(OP, 'tol', given.tol);
  const list = listOf(OP, region);
  if (list === null || list.length === 0)
    throw new ArgumentError(OP, 'wants a region as [from, to], or as a list of these');
  if (typeof list[0] === 'number') return univariate(f as Elementwise, list as [number, number], given.starts ?? 1024);
  return multivariate(f, list as [number, number][], given);
}
