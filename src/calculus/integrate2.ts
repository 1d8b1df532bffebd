/** Double integrals over a region given by bounds: adaptive cubature with products of Gauss–Kronrod rules. */
import { noGrad } from '../autograd/mode.ts';
import { ArgumentError, ConvergenceError, formatShape, ShapeError } from '../errors.ts';
import { scope } from '../memory/scope.ts';
import { tensor } from '../ops/creation.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type Elementwise, expectFunction, expectResult, valuesAt } from './call.ts';
import { expectBound, type Integral, type IntegrateOptions, RESOLVED, readOptions } from './integrate.ts';
import { allowed, KRONROD_15, largest, type Piece, pieces } from './quadrature.ts';

/** An end of the inner range: a number, ±Infinity, or a function of x that works elementwise. */
export type Bound = number | Elementwise;

/** A rectangle of the square [0, 1]² that two pieces are images of. */
interface Cell {
  outer: Piece;
  inner: Piece;
  /** [from, to] in either direction. */
  s: readonly [number, number];
  t: readonly [number, number];
  value: number;
  error: number;
  magnitude: number;
  /** Whether the coarse rule is worse along x than along y. */
  alongX: boolean;
}

const OP = 'integrate2';
/** Cells that a pair of pieces has at the start, in either direction. */
const START = 4;
const { nodes, kronrod, gauss } = KRONROD_15;
const m = nodes.length;

/** The inner range at x, as an affine image of one that is the same for all x. */
interface Inner {
  from: number;
  to: number;
  /** y = start + length · u, for u between `from` and `to`. */
  place(xs: Float64Array): { start: Float64Array; length: Float64Array };
}

function innerRange(lower: Bound, upper: Bound): Inner {
  const at = (bound: Bound, xs: Float64Array): Float64Array => {
    if (typeof bound === 'number') return new Float64Array(xs.length).fill(bound);
    const values = valuesAt(OP, bound, xs);
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw new ArgumentError(OP, `a bound of y is ${values[bad]} at x = ${xs[bad]}`);
    return values;
  };
  const one = (xs: Float64Array) => new Float64Array(xs.length).fill(1);
  if (lower === Number.NEGATIVE_INFINITY && upper === Number.POSITIVE_INFINITY)
    return { from: lower, to: upper, place: (xs) => ({ start: new Float64Array(xs.length), length: one(xs) }) };
  if (upper === Number.POSITIVE_INFINITY)
    return { from: 0, to: upper, place: (xs) => ({ start: at(lower, xs), length: one(xs) }) };
  if (lower === Number.NEGATIVE_INFINITY)
    return { from: lower, to: 0, place: (xs) => ({ start: at(upper, xs), length: one(xs) }) };
  return {
    from: 0,
    to: 1,
    place: (xs) => {
      const start = at(lower, xs);
      return { start, length: at(upper, xs).map((y, i) => y - (start[i] as number)) };
    },
  };
}

/** Applies the product rule to all cells in one call of f. */
function measure(f: (x: Tensor, y: Tensor) => Tensor, inner: Inner, cells: readonly Cell[]): void {
  const across = Float64Array.from(
    cells.flatMap(({ outer, s: [from, to] }) =>
      Array.from(nodes, (node) => outer.x(from + ((to - from) / 2) * (1 + node))),
    ),
  );
  const { start, length } = inner.place(across);
  const size = cells.length * m * m;
  const [xs, ys] = [new Float64Array(size), new Float64Array(size)];
  cells.forEach(({ inner: piece, t: [from, to] }, c) => {
    for (let j = 0; j < m; j++) {
      const u = piece.x(from + ((to - from) / 2) * (1 + (nodes[j] as number)));
      for (let i = 0; i < m; i++) {
        const k = (c * m + i) * m + j;
        xs[k] = across[c * m + i] as number;
        ys[k] = (start[c * m + i] as number) + (length[c * m + i] as number) * u;
      }
    }
  });
  const values = evaluate(f, xs, ys);
  cells.forEach((cell, c) => {
    const [half, width] = [(cell.s[1] - cell.s[0]) / 2, (cell.t[1] - cell.t[0]) / 2];
    let [fine, coarse, roughX, roughY, magnitude] = [0, 0, 0, 0, 0];
    for (let i = 0; i < m; i++) {
      const outerWeight =
        half * cell.outer.weight(cell.s[0] + half * (1 + (nodes[i] as number))) * (length[c * m + i] as number);
      for (let j = 0; j < m; j++) {
        const value = values[(c * m + i) * m + j] as number;
        const weight = outerWeight * width * cell.inner.weight(cell.t[0] + width * (1 + (nodes[j] as number)));
        const term = value === 0 ? 0 : value * weight;
        fine += (kronrod[i] as number) * (kronrod[j] as number) * term;
        coarse += (gauss[i] as number) * (gauss[j] as number) * term;
        roughX += (gauss[i] as number) * (kronrod[j] as number) * term;
        roughY += (kronrod[i] as number) * (gauss[j] as number) * term;
        magnitude += (kronrod[i] as number) * (kronrod[j] as number) * Math.abs(term);
      }
    }
    const known = Number.isFinite(magnitude);
    cell.value = known ? fine : 0;
    cell.error = known ? 2 * Math.abs(fine - coarse) : Number.POSITIVE_INFINITY;
    cell.magnitude = known ? magnitude : 0;
    cell.alongX = known ? Math.abs(fine - roughX) >= Math.abs(fine - roughY) : half >= width;
  });
}

function evaluate(f: (x: Tensor, y: Tensor) => Tensor, xs: Float64Array, ys: Float64Array): Float64Array {
  return noGrad(() =>
    scope(() => {
      const y = expectResult(OP, f(tensor(xs), tensor(ys)));
      if (y.ndim !== 1 || y.size !== xs.length)
        throw new ShapeError(
          OP,
          `the function works elementwise: for two tensors of shape [${xs.length}] it returned ${formatShape(y.shape)}`,
        );
      const values = y.data() as Float64Array;
      const bad = values.findIndex(Number.isNaN);
      if (bad >= 0) throw new ArgumentError(OP, `the function returned NaN at (${xs[bad]}, ${ys[bad]})`);
      return values;
    }),
  );
}

const cellOf = (outer: Piece, inner: Piece, s: Cell['s'], t: Cell['t']): Cell => ({
  outer,
  inner,
  s,
  t,
  value: 0,
  error: 0,
  magnitude: 0,
  alongX: true,
});

const halves = ([from, to]: readonly [number, number]): [number, number][] => {
  const middle = from + (to - from) / 2;
  return [
    [from, middle],
    [middle, to],
  ];
};

/**
 * ∫∫ f(x, y) dy dx, x from a to b, and y between two bounds that may be functions of x. Ranges may be infinite; with bounds in
 * the wrong order a range counts negative.
 *
 * The region becomes a square, on which cells are halved in the direction that is harder, and all cells of a round are evaluated
 * in one call with 15 × 15 nodes each. The error is the difference to the Gauss rule with 7 × 7, summed over all cells.
 * @param f works elementwise on two float64 tensors of the same shape
 * @param bounds of y: numbers, or elementwise functions of x
 * @throws ConvergenceError where the error does not become small enough: `best` is the value so far; ArgumentError for NaN.
 */
export function integrate2(
  f: (x: Tensor, y: Tensor) => Tensor,
  range: readonly [number, number],
  bounds: readonly [Bound, Bound],
  options: IntegrateOptions = {},
): Integral {
  expectFunction(OP, f);
  for (const [pair, name] of [
    [range, 'x'],
    [bounds, 'y'],
  ] as const)
    if (!Array.isArray(pair) || pair.length !== 2)
      throw new ArgumentError(OP, `wants the range of ${name} as [from, to]`);
  const [a, b] = range.map((end) => expectBound(OP, 'a bound of x', end)) as [number, number];
  for (const bound of bounds) if (typeof bound !== 'function') expectBound(OP, 'a bound of y', bound);
  const { tol, maxEvaluations } = readOptions(OP, options, 1e-8, 8_000_000);
  let [lower, upper] = bounds;
  if (a === b || (typeof lower === 'number' && lower === upper)) {
    if (
      [a, lower].some((end) => typeof end === 'number' && !Number.isFinite(end)) &&
      (a === b ? !Number.isFinite(a) : true)
    )
      throw new ArgumentError(OP, 'the range is empty');
    return { value: 0, error: 0, evaluations: 0 };
  }
  let sign = a < b ? 1 : -1;
  if (lower === Number.POSITIVE_INFINITY || upper === Number.NEGATIVE_INFINITY) {
    [lower, upper] = [upper, lower];
    sign = -sign;
  }
  const inner = innerRange(lower, upper);
  let cells: Cell[] = [];
  for (const outer of pieces(Math.min(a, b), Math.max(a, b)))
    for (const piece of pieces(inner.from, inner.to))
      for (let i = 0; i < START; i++)
        for (let j = 0; j < START; j++)
          cells.push(cellOf(outer, piece, [i / START, (i + 1) / START], [j / START, (j + 1) / START]));
  let fresh = cells;
  let evaluations = 0;
  for (let rounds = 1; ; rounds++) {
    measure(f, inner, fresh);
    evaluations += fresh.length * m * m;
    let [value, error, magnitude] = [0, 0, 0];
    for (const cell of cells) {
      value += cell.value;
      error += cell.error + 10 * Number.EPSILON * cell.magnitude;
      magnitude += cell.magnitude;
    }
    const target = allowed(tol, value, magnitude);
    const result = { value: sign * value, error, evaluations };
    if (error <= target) return result;
    const chosen = new Set(
      largest(
        cells.map((cell) => cell.error),
        target,
      ).filter((i) => canSplit(cells[i] as Cell)),
    );
    if (chosen.size === 0 && options.tol === undefined && error <= allowed(RESOLVED, value, magnitude)) return result;
    if (chosen.size === 0 || evaluations + 2 * chosen.size * m * m > maxEvaluations)
      throw new ConvergenceError(
        OP,
        `does not converge: after ${evaluations} evaluations the value is ${sign * value} and the error estimate ${error}; the integral may not exist`,
        { best: sign * value, iterations: rounds },
      );
    fresh = cells.flatMap((cell, i) => {
      if (!chosen.has(i)) return [];
      const { outer, inner: piece, s, t } = cell;
      return cell.alongX
        ? halves(s).map((part) => cellOf(outer, piece, part, t))
        : halves(t).map((part) => cellOf(outer, piece, s, part));
    });
    cells = [...cells.filter((_, i) => !chosen.has(i)), ...fresh];
  }
}

/** Whether halving a cell can still tell anything. */
function canSplit({ outer, inner, s, t, error, magnitude, alongX }: Cell): boolean {
  const [[from, to], piece] = alongX ? [s, outer] : [t, inner];
  return error > 100 * Number.EPSILON * magnitude && to > piece.smallest && (to - from) / 2 > Number.EPSILON * to;
}
