/** Numeric derivatives: difference quotients, for those who want to see them, and to check the others. */

import { noGrad } from '../autograd/mode.ts';
import { vmap } from '../autograd/vmap.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { scope } from '../memory/scope.ts';
import { fromArray, tensor } from '../ops/creation.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import {
  type Elementwise,
  expectFinite,
  expectFunction,
  expectOptions,
  expectPositive,
  expectResult,
  formatPoint,
  readPoint,
  refuseNaN,
  scalarFunction,
} from './call.ts';

/** Difference quotients. */
export type DifferenceMethod = 'forward' | 'backward' | 'central' | 'five-point';

/** Options of `difference`. */
export interface DifferenceOptions {
  /** 'central' by default. */
  method?: DifferenceMethod;
  /** The distance h of the points, or 'optimal' (the default): where truncation and rounding together are least. */
  step?: number | 'optimal';
  /** The dtype that f is evaluated in; float64 by default. */
  dtype?: 'float32' | 'float64';
}

/** A difference quotient. */
export interface Difference {
  value: number;
  /** An estimate of its distance from the derivative: of truncation and rounding together. */
  error: number;
  /** The step that was used. */
  step: number;
}

/** The quotient (Σ wᵢ f(x + kᵢh)) / h, and the power of h that its truncation error falls with. */
interface Stencil {
  readonly offsets: readonly number[];
  readonly weights: readonly number[];
  readonly order: number;
}

const stencils: Record<DifferenceMethod, Stencil> = {
  forward: { offsets: [0, 1], weights: [-1, 1], order: 1 },
  backward: { offsets: [-1, 0], weights: [-1, 1], order: 1 },
  central: { offsets: [-1, 1], weights: [-1 / 2, 1 / 2], order: 2 },
  'five-point': { offsets: [-2, -1, 1, 2], weights: [1 / 12, -2 / 3, 2 / 3, -1 / 12], order: 4 },
};

function stencilOf(op: string, method: unknown): Stencil {
  if (typeof method === 'string' && Object.hasOwn(stencils, method)) return stencils[method as DifferenceMethod];
  throw new ArgumentError(op, `method is 'forward', 'backward', 'central' or 'five-point', got ${describe(method)}`);
}

/** Half a unit in the last place of 1. */
const unit = { float32: 2 ** -24, float64: 2 ** -53 };

/** f at all points in one call, in the dtype wanted. */
function evaluate(f: Elementwise, xs: Float64Array, dtype: 'float32' | 'float64'): Float64Array {
  return noGrad(() =>
    scope(() => {
      const x = tensor(xs, { dtype });
      const y = f(x);
      if (dtype === 'float64') expectResult('difference', y);
      else if (!isTensor(y))
        throw new ArgumentError('difference', `the function returned ${describe(y)}; it has to return a tensor`);
      else if (y.dtype !== dtype)
        throw new DTypeError('difference', `the function returned ${y.dtype}, wants ${dtype}`);
      if (y.ndim !== 1 || y.size !== xs.length)
        throw new ShapeError(
          'difference',
          `the function works elementwise: it returned shape ${formatShape(y.shape)} for [${xs.length}]`,
        );
      return Float64Array.from(y.data() as Float64Array);
    }),
  );
}

/**
 * The derivative of f at a point from differences of its values.
 *
 * The error is the change of the quotient when the step is halved, as much of it as truncation explains, and what rounding of
 * the values and of the points can do. An optimal step is looked for among powers of two: truncation falls and rounding
 * grows as the step shrinks, and their sum is least where one overtakes the other (R. S. Stepleman, N. D. Winarsky, "Adaptive
 * numerical differentiation", Math. Comp. 33, 1979).
 * @param f works elementwise; all its values are computed in one call
 * @throws ArgumentError for NaN, or a step that is not positive.
 */
export function difference(f: Elementwise, at: number, options: DifferenceOptions = {}): Difference {
  const op = 'difference';
  expectFunction(op, f);
  const given = expectOptions(op, options, ['method', 'step', 'dtype']);
  const stencil = stencilOf(op, given.method ?? 'central');
  const { step = 'optimal', dtype = 'float64' } = given;
  if (dtype !== 'float32' && dtype !== 'float64')
    throw new ArgumentError(op, `dtype is 'float32' or 'float64', got ${describe(dtype)}`);
  const x = dtype === 'float32' ? Math.fround(expectFinite(op, 'at', at)) : expectFinite(op, 'at', at);
  const scale = 2 ** Math.round(Math.log2(Math.max(Math.abs(x), 2 ** -4)));
  const count = dtype === 'float32' ? 24 : 50;
  const steps =
    step === 'optimal'
      ? Array.from({ length: count }, (_, k) => scale * 2 ** (-1 - k))
      : [expectPositive(op, 'step', step), step / 2];
  const { offsets, weights, order } = stencil;
  const m = offsets.length;
  const xs = Float64Array.from({ length: steps.length * m }, (_, i) => {
    const point = x + (offsets[i % m] as number) * (steps[Math.floor(i / m)] as number);
    return dtype === 'float32' ? Math.fround(point) : point;
  });
  const values = evaluate(f, xs, dtype);
  // An optimal step is looked for far out as well, where f need not be defined.
  refuseNaN(op, 'the function returned', step === 'optimal' ? values.subarray(-m) : values, xs.subarray(-m));
  const quotient = (k: number) =>
    offsets.reduce((sum, _, i) => sum + (weights[i] as number) * (values[k * m + i] as number), 0) /
    (steps[k] as number);
  const quotients = steps.map((_, k) => quotient(k));
  const size = weights.reduce((sum, w) => sum + Math.abs(w), 0);
  const estimates = steps.slice(0, -1).map((h, k) => {
    const largest = Math.max(...offsets.map((_, i) => Math.abs(values[k * m + i] as number)));
    // Every value is off by a unit or so, and the points themselves are rounded.
    const rounding = (unit[dtype] * (2 * size * largest + Math.abs(x * (quotients[k] as number)))) / h;
    const change = Math.abs((quotients[k] as number) - (quotients[k + 1] as number));
    // The leading term, and half as much for those that follow.
    const truncation = 1.5 * change * (2 ** order / (2 ** order - 1));
    return { value: quotients[k] as number, error: truncation + rounding, step: h };
  });
  const finite = estimates.filter(({ error }) => Number.isFinite(error));
  if (finite.length === 0) throw new ArgumentError(op, `the function is not finite around ${at}`);
  return finite.reduce((best, next) => (next.error < best.error ? next : best));
}

/** Options of `numericGradient`. */
export interface NumericGradientOptions {
  /** 'central' by default. */
  method?: DifferenceMethod;
  /** The distance h of the points: by default near the best for values and derivatives of the size of the point. */
  step?: number;
}

/**
 * The gradient of a function of one vector [n] from differences along every axis: a float64 tensor [n]. All points go through
 * f in one batched call, by `vmap`.
 * @throws ArgumentError for NaN; ShapeError where f has more than one value.
 */
export function numericGradient(f: (x: Tensor) => Tensor, x: Tensor, options: NumericGradientOptions = {}): Tensor {
  const op = 'numericGradient';
  expectFunction(op, f);
  const { values: point, backend } = readPoint(op, x);
  const given = expectOptions(op, options, ['method', 'step']);
  const { offsets, weights, order } = stencilOf(op, given.method ?? 'central');
  const [n, m] = [point.length, offsets.length];
  const fixed = given.step === undefined ? null : expectPositive(op, 'step', given.step);
  // Truncation ~ hᵖ and rounding ~ ε/h balance at ε to the power of 1/(p + 1).
  const steps = point.map(
    (value) => fixed ?? 2 ** Math.round(Math.log2(Math.max(Math.abs(value), 1)) - 52 / (order + 1)),
  );
  const points = new Float64Array(n * m * n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < m; k++) {
      const row = (i * m + k) * n;
      points.set(point, row);
      points[row + i] = (point[i] as number) + (offsets[k] as number) * (steps[i] as number);
    }
  return noGrad(() =>
    scope(() => {
      const batch = fromArray(points, [n * m, n], { ...(backend && { backend }) });
      const y = vmap(scalarFunction(op, f))(batch);
      const values = y.data() as Float64Array;
      const bad = values.findIndex(Number.isNaN);
      if (bad >= 0)
        throw new ArgumentError(
          op,
          `the function returned NaN at ${formatPoint(points.subarray(bad * n, bad * n + n))}`,
        );
      const slopes = point.map((_, i) => {
        const sum = offsets.reduce((total, _, k) => total + (weights[k] as number) * (values[i * m + k] as number), 0);
        return sum / (steps[i] as number);
      });
      return fromArray(slopes, [n], { ...(backend && { backend }) });
    }),
  );
}

/**
 * The difference quotients (yᵢ₊₁ − yᵢ)/h of values sampled at distance h: velocities from places. A float64 tensor that is one
 * shorter.
 */
export function differenceQuotients(values: Tensor | readonly number[], h: number): Tensor {
  const op = 'differenceQuotients';
  const { values: ys, backend } = readPoint(op, values, 'the list of values');
  expectPositive(op, 'the distance h', h);
  if (ys.length < 2) throw new ShapeError(op, 'wants at least two values');
  const quotients = Float64Array.from(
    { length: ys.length - 1 },
    (_, i) => ((ys[i + 1] as number) - (ys[i] as number)) / h,
  );
  return fromArray(quotients, [quotients.length], { ...(backend && { backend }) });
}
