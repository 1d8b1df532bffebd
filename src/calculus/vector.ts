/** Derivatives of functions of several variables: gradient, Jacobian, Hessian and what is made of them. */
import { gradOf } from '../autograd/backward.ts';
import { enableGrad } from '../autograd/mode.ts';
import { derivativeRows } from '../autograd/rows.ts';
import { ArgumentError, formatShape, ShapeError } from '../errors.ts';
import { scope } from '../memory/scope.ts';
import { filled } from '../ops/convert.ts';
import { fromArray } from '../ops/creation.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import {
  callScalar,
  expectFunction,
  expectResult,
  expectUnused,
  expectWhole,
  flatten,
  formatPoint,
  gradientsOf,
  type Multivariate,
  moved,
  type Place,
  type Point,
  readPoint,
  scalarAt,
  toFloat64,
  variablesAt,
} from './call.ts';

function refuseNaN(op: string, what: string, values: Float64Array, place: Place): Float64Array {
  if (values.some(Number.isNaN)) throw new ArgumentError(op, `${what} is NaN at ${formatPoint(place.values)}`);
  return values;
}

/** @internal Value and gradient at a point, as numbers. */
export function gradientAt(op: string, f: Multivariate, place: Place): { value: number; gradient: Float64Array } {
  return scope(() =>
    enableGrad(() => {
      const variables = variablesAt(place, true);
      const y = callScalar(op, f, variables, place);
      const gradient = flatten(gradientsOf(op, f, place, y, variables, false));
      return { value: y.item(), gradient: refuseNaN(op, 'the gradient', gradient, place) };
    }),
  );
}

/** @internal Value, gradient and Hessian (row-major) at a point, as numbers. */
export function hessianAt(
  op: string,
  f: Multivariate,
  place: Place,
): { value: number; gradient: Float64Array; hessian: Float64Array } {
  return scope(() =>
    enableGrad(() => {
      const n = place.values.length;
      const variables = variablesAt(place, true);
      const y = callScalar(op, f, variables, place);
      const gradients = gradientsOf(op, f, place, y, variables, true);
      const hessian = new Float64Array(n * n);
      let row = 0;
      // Separate variables one by one: an infinite derivative of one is nothing to the others. A vector's at once.
      for (const gradient of gradients) {
        if (gradient.requiresGrad) hessian.set(derivativeRows(gradient, variables).data() as Float64Array, row * n);
        row += gradient.size;
      }
      const gradient = refuseNaN(op, 'the gradient', flatten(gradients), place);
      return { value: y.item(), gradient, hessian: refuseNaN(op, 'the Hessian', hessian, place) };
    }),
  );
}

/** @internal Values [m] and Jacobian [m, n] (row-major) of a function with several values. */
export function jacobianAt(
  op: string,
  f: Multivariate,
  place: Place,
): { values: Float64Array; shape: readonly number[]; jacobian: Float64Array } {
  return scope(() =>
    enableGrad(() => {
      const n = place.values.length;
      const variables = variablesAt(place, true);
      const y = expectResult(op, f(...variables));
      const values = refuseNaN(op, 'the value of the function', y.data() as Float64Array, place);
      const jacobian = new Float64Array(y.size * n);
      const used = variables.map(() => false);
      if (y.requiresGrad) {
        const options = { gradOutputs: filled(op, y.shape, 1, y), retainGraph: true, allowUnused: true };
        gradOf(y, variables, options).forEach((gradient, j) => {
          used[j] = gradient !== null;
        });
        jacobian.set(derivativeRows(y, variables).data() as Float64Array);
      }
      used.forEach((isUsed, j) => {
        if (!isUsed && y.size > 0) expectUnused(op, f, place, Array.from(values), j);
      });
      return { values, shape: y.shape, jacobian: refuseNaN(op, 'the Jacobian', jacobian, place) };
    }),
  );
}

const like = (place: Place) => (place.backend ? { backend: place.backend } : {});

/**
 * The gradient of a scalar function of n variables: a float64 tensor [n].
 * @param point numbers, and f takes its variables one by one (0-d tensors); or a vector, and f takes that
 * @throws AutogradError where the result is cut off from the variables; ShapeError for a function with several values;
 * ArgumentError for NaN.
 */
export function gradient(f: Multivariate, point: Point): Tensor {
  expectFunction('gradient', f);
  const place = readPoint('gradient', point);
  return fromArray(gradientAt('gradient', f, place).gradient, [place.values.length], like(place));
}

/**
 * The partial derivative of f with respect to its variable number `index`, as a function of the point: of separate numbers,
 * `partial(f, 0)(1, 2)`, or of one vector.
 */
export function partial(f: Multivariate, index: number): (...point: number[] | [Tensor]) => number {
  expectFunction('partial', f);
  expectWhole('partial', 'the index of a variable', index, 0, 2 ** 31);
  return (...point) => {
    const place = readPoint('partial', isTensor(point[0]) ? point[0] : point);
    if (index >= place.values.length)
      throw new ArgumentError('partial', `there is no variable ${index}, the point has ${place.values.length}`);
    return gradientAt('partial', f, place).gradient[index] as number;
  };
}

/**
 * How fast f changes per unit of length in the given direction, which is normalised: ∇f · d/|d|.
 * @param direction as many numbers as there are variables; or a tensor [k, n] of k directions, and the result is a tensor [k]
 * @throws ArgumentError for a direction of length 0.
 */
export function directionalDerivative(f: Multivariate, point: Point, direction: readonly number[]): number;
export function directionalDerivative(f: Multivariate, point: Point, direction: Tensor): number | Tensor;
export function directionalDerivative(
  f: Multivariate,
  point: Point,
  direction: readonly number[] | Tensor,
): number | Tensor {
  const op = 'directionalDerivative';
  expectFunction(op, f);
  const place = readPoint(op, point);
  const n = place.values.length;
  const many = isTensor(direction) && direction.ndim === 2;
  const rows = many ? toFloat64(op, direction) : readPoint(op, direction, 'the direction').values;
  if (many ? direction.shape[1] !== n : rows.length !== n)
    throw new ShapeError(
      op,
      `directions of ${n} components are wanted, got ${many ? formatShape(direction.shape) : rows.length}`,
    );
  const slope = gradientAt(op, f, place).gradient;
  const along = Float64Array.from({ length: rows.length / n }, (_, i) => {
    const row = rows.subarray(i * n, (i + 1) * n);
    const length = Math.hypot(...row);
    if (!(length > 0 && length < Number.POSITIVE_INFINITY))
      throw new ArgumentError(op, `direction ${formatPoint(row)} has no length that one could divide by`);
    return row.reduce((total, component, j) => total + (component / length) * (slope[j] as number), 0);
  });
  return many ? fromArray(along, [along.length], like(place)) : (along[0] as number);
}

/** The Jacobian of a function with values of shape [...m] at a point of n variables: a float64 tensor [...m, n]. */
export function jacobian(f: Multivariate, point: Point): Tensor {
  expectFunction('jacobian', f);
  const place = readPoint('jacobian', point);
  const { shape, jacobian } = jacobianAt('jacobian', f, place);
  return fromArray(jacobian, [...shape, place.values.length], like(place));
}

/** The matrix of second derivatives of a scalar function: a float64 tensor [n, n]. */
export function hessian(f: Multivariate, point: Point): Tensor {
  expectFunction('hessian', f);
  const place = readPoint('hessian', point);
  const n = place.values.length;
  return fromArray(hessianAt('hessian', f, place).hessian, [n, n], like(place));
}

/** The sum of the second derivatives with respect to each variable: the trace of the Hessian. */
export function laplacian(f: Multivariate, point: Point): number {
  expectFunction('laplacian', f);
  const place = readPoint('laplacian', point);
  const n = place.values.length;
  const { hessian } = hessianAt('laplacian', f, place);
  let trace = 0;
  for (let i = 0; i < n; i++) trace += hessian[i * (n + 1)] as number;
  return trace;
}

/** What `totalDifferential` gives. */
export interface Differential {
  /** df = ∇f · Δ, linear in the change. */
  differential: number;
  /** Δf = f(point + Δ) − f(point). */
  increment: number;
}

/** The total differential of f for a change of the variables, beside the change of f that it approximates. */
export function totalDifferential(f: Multivariate, point: Point, delta: Point): Differential {
  const op = 'totalDifferential';
  expectFunction(op, f);
  const place = readPoint(op, point);
  const step = readPoint(op, delta, 'the change').values;
  if (step.length !== place.values.length)
    throw new ShapeError(op, `a change of ${step.length} components does not fit a point of ${place.values.length}`);
  const { value, gradient } = gradientAt(op, f, place);
  const end = moved(
    place,
    place.values.map((x, i) => x + (step[i] as number)),
  );
  return {
    differential: gradient.reduce((total, slope, i) => total + slope * (step[i] as number), 0),
    increment: scalarAt(op, f, end) - value,
  };
}
