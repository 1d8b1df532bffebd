/**
 * @internal How the functions of users are called here, and what is asked of their results. Everything is float64.
 *
 * A function of one variable works elementwise: it gets all points at once, in a tensor of any shape. A function of
 * several variables gets them as separate 0-d tensors, or as one vector where the point was given as a tensor.
 */
// Functions here are made of methods; whoever imports this path alone has to find them on the tensor as well.
import '../generated/methods.ts';
import '../autograd/methods.ts';
import { gradOf } from '../autograd/backward.ts';
import { taylorCoefficients } from '../autograd/jets.ts';
import { enableGrad, noGrad } from '../autograd/mode.ts';
import type { BackendName } from '../backend/registry.ts';
import { ArgumentError, AutogradError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { mul } from '../generated/elementwise.ts';
import { scope } from '../memory/scope.ts';
import { filled } from '../ops/convert.ts';
import { fromArray, tensor } from '../ops/creation.ts';
import { sum } from '../ops/reduce.ts';
import { reshape } from '../ops/view.ts';
import { silence } from '../program/setting.ts';
import { sameShape } from '../tensor/layout.ts';
import { listOf } from '../tensor/lists.ts';
import { checkOptions } from '../tensor/options.ts';
import { assertAlive, isTensor, type Tensor } from '../tensor/tensor.ts';

/** A function of one variable, applied to every element of a tensor. */
export type Elementwise = (x: Tensor) => Tensor;

/** A function of several variables: separate 0-d tensors, or one vector. */
export type Multivariate = (...variables: Tensor[]) => Tensor;

/** Where a function of several variables is looked at: separate variables as numbers, or one vector as a tensor [n]. */
export type Point = number | readonly number[] | Tensor;

/** A function of one variable on plain numbers. */
export type Sampler = (xs: Float64Array) => Float64Array;

export function expectFunction(op: string, f: unknown): void {
  if (typeof f !== 'function') throw new ArgumentError(op, `wants a function of tensors, got ${describe(f)}`);
}

export function expectFinite(op: string, name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new ArgumentError(op, `${name} is a finite number, got ${describe(value)}`);
  return value;
}

export function expectPositive(op: string, name: string, value: unknown): number {
  if (expectFinite(op, name, value) <= 0)
    throw new ArgumentError(op, `${name} is a positive number, got ${describe(value)}`);
  return value as number;
}

export function expectWhole(op: string, name: string, value: unknown, least: number, most: number): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most)
    throw new ArgumentError(op, `${name} is a whole number from ${least} to ${most}, got ${describe(value)}`);
  return value as number;
}

/** A range [a, b] of two finite numbers, a < b. */
export function expectRange(op: string, range: unknown): [number, number] {
  if (!Array.isArray(range) || range.length !== 2)
    throw new ArgumentError(op, `wants a range as [from, to], got ${describe(range)}`);
  const [a, b] = range.map((end) => expectFinite(op, 'an end of the range', end)) as [number, number];
  if (!(a < b)) throw new ArgumentError(op, `the range [${a}, ${b}] is empty`);
  return [a, b];
}

/** Options of a function, none of them unknown, each read once. */
export const expectOptions = <T extends object>(op: string, options: T, known: readonly (keyof T & string)[]): T =>
  checkOptions(op, options, known) as T;

/** What a function returned, if that is a float64 tensor. */
export function expectResult(op: string, y: unknown): Tensor {
  if (!isTensor(y)) {
    silence(y);
    throw new ArgumentError(op, `the function returned ${describe(y)}; it has to return a tensor`);
  }
  assertAlive(y, op);
  if (!y.isFloatingPoint) throw new DTypeError(op, `the function returned ${y.dtype}, wants float64`);
  if (y.dtype !== 'float64')
    throw new DTypeError(
      op,
      `the function returned ${y.dtype}: it was called with float64, so its own tensors have to be float64 as well`,
    );
  return y;
}

/** A float64 copy of a tensor that is part of no graph. */
export function toFloat64(op: string, x: Tensor): Float64Array {
  assertAlive(x, op);
  if (!x.isFloatingPoint) throw new DTypeError(op, `wants floats, got a tensor of ${x.dtype}; use to({ dtype })`);
  return Float64Array.from(x.data() as Float64Array);
}

// ---- one variable ----

/** Calls f on a tensor: the result has its shape. */
export function callElementwise(op: string, f: Elementwise, x: Tensor): Tensor {
  const y = expectResult(op, f(x));
  if (!sameShape(y.shape, x.shape))
    throw new ShapeError(
      op,
      `the function works elementwise: for ${formatShape(x.shape)} it has to return that shape, not ${formatShape(y.shape)}`,
    );
  return y;
}

/** Throws if a value is NaN, and says where. Infinite ones pass. */
export function refuseNaN(op: string, what: string, values: Float64Array, xs: Float64Array): void {
  const at = values.findIndex(Number.isNaN);
  if (at >= 0) throw new ArgumentError(op, `${what} NaN at ${xs[at]}`);
}

/** f on plain numbers, in one call. NaN passes: some callers look for where a function is defined. */
export const valuesAt = (op: string, f: Elementwise, xs: Float64Array, backend?: BackendName): Float64Array =>
  noGrad(() =>
    scope(
      () =>
        callElementwise(op, f, tensor(xs, { dtype: 'float64', ...(backend && { backend }) })).data() as Float64Array,
    ),
  );

/** f on plain numbers, in one call; NaN is an error. */
export function sampler(op: string, f: Elementwise): Sampler {
  return (xs) => {
    const values = valuesAt(op, f, xs);
    refuseNaN(op, 'the function returned', values, xs);
    return values;
  };
}

/** Makes sure that values which come without a graph do not depend on the input all the same. */
function expectIndependent(op: string, f: Elementwise, x: Tensor, y: Tensor): void {
  const moved = Float64Array.from(x.data() as Float64Array, (value) => value + 2 ** -10 * (1 + Math.abs(value)));
  const before = y.data();
  const after = noGrad(() =>
    scope(() => callElementwise(op, f, fromArray(moved, x.shape, { backend: x.backend })).data()),
  );
  if (before.some((value, i) => !Object.is(value, after[i])))
    throw new AutogradError(
      op,
      'the function returned a tensor that is cut off from its input (by detach(), item() or data()), so it cannot be differentiated',
    );
}

/**
 * f and its first `order` derivatives at every element of x, which has to require grad; they can be differentiated again if
 * `createGraph` says so. In Taylor mode, where every op of f has a rule for that.
 */
export function jet(op: string, f: Elementwise, x: Tensor, order: number, createGraph = false): Tensor[] {
  if (order > 1) {
    const line = createGraph ? x : x.detach();
    const series = taylorCoefficients((variable) => callElementwise(op, f, variable), line, order);
    if (series !== null) {
      const { coefficients, varies } = series;
      if (!varies) expectIndependent(op, f, x, coefficients[0] as Tensor);
      let factorial = 1;
      return coefficients.map((c, k) => {
        factorial *= Math.max(k, 1);
        return mul(c, factorial);
      });
    }
  }
  return nestedJet(op, f, x, order, createGraph);
}

/** The same by one backward pass through another. */
function nestedJet(op: string, f: Elementwise, x: Tensor, order: number, createGraph: boolean): Tensor[] {
  return enableGrad(() => {
    const jets = [callElementwise(op, f, x)];
    for (let n = 1; n <= order; n++) {
      const y = jets[n - 1] as Tensor;
      if (!y.requiresGrad) {
        if (n === 1) expectIndependent(op, f, x, y);
        jets.push(filled(op, x.shape, 0, x));
        continue;
      }
      const options = { createGraph: createGraph || n < order, allowUnused: true };
      jets.push(gradOf(y.ndim === 0 ? y : sum(y), x, options)[0] ?? filled(op, x.shape, 0, x));
    }
    return jets;
  });
}

/** f and its first derivatives on plain numbers. NaN is an error that says where. */
export function jetSampler(op: string, f: Elementwise, order: number): (xs: Float64Array) => Float64Array[] {
  return (xs) => {
    const values = scope(() => {
      const x = tensor(xs, { dtype: 'float64' }).requiresGrad_();
      return jet(op, f, x, order).map((y) => y.data() as Float64Array);
    });
    values.forEach((value, n) => {
      refuseNaN(op, n === 0 ? 'the function returned' : `derivative ${n} of the function is`, value, xs);
    });
    return values;
  };
}

// ---- several variables ----

/** A point, read and checked. */
export interface Place {
  readonly values: Float64Array;
  /** Whether the function takes its variables one by one. */
  readonly separate: boolean;
  readonly backend: BackendName | undefined;
}

export function readPoint(op: string, point: unknown, name = 'the point'): Place {
  let values: Float64Array;
  let backend: BackendName | undefined;
  if (isTensor(point)) {
    if (point.ndim > 1) throw new ShapeError(op, `${name} has shape ${formatShape(point.shape)}, wants a vector`);
    values = toFloat64(op, point);
    backend = point.backend;
  } else if (typeof point === 'number') values = Float64Array.of(point);
  else {
    const list = listOf(op, point);
    if (list === null)
      throw new ArgumentError(op, `${name} is a number, an array of numbers or a vector, got ${describe(point)}`);
    values = Float64Array.from(list.map((value) => expectFinite(op, name, value)));
  }
  if (values.length === 0) throw new ShapeError(op, `${name} is empty`);
  values.forEach((value) => {
    expectFinite(op, name, value);
  });
  return { values, separate: !isTensor(point), backend };
}

export const formatPoint = (values: ArrayLike<number>): string =>
  values.length === 1
    ? String(values[0])
    : `(${Array.from(values).slice(0, 6).join(', ')}${values.length > 6 ? ', …' : ''})`;

/** The same kind of point elsewhere. */
export const moved = (place: Place, values: Float64Array): Place => ({ ...place, values });

/** The variables that a function is called with: leaves of a graph where gradients are wanted. */
export function variablesAt(place: Place, requiresGrad: boolean): Tensor[] {
  const options = { dtype: 'float64', requiresGrad, ...(place.backend && { backend: place.backend }) } as const;
  return place.separate ? Array.from(place.values, (value) => tensor(value, options)) : [tensor(place.values, options)];
}

/** f, whose result is checked to be one value, as a 0-d tensor. */
export const scalarFunction =
  (op: string, f: Multivariate): Multivariate =>
  (...variables) => {
    const y = expectResult(op, f(...variables));
    if (y.size !== 1)
      throw new ShapeError(op, `wants a function with one value, this one returned shape ${formatShape(y.shape)}`);
    return y.ndim === 0 ? y : reshape(y, []);
  };

/** Calls f, which has one value. NaN is an error. */
export function callScalar(op: string, f: Multivariate, variables: Tensor[], place: Place): Tensor {
  const y = scalarFunction(op, f)(...variables);
  if (Number.isNaN(y.item())) throw new ArgumentError(op, `the function returned NaN at ${formatPoint(place.values)}`);
  return y;
}

export const scalarAt = (op: string, f: Multivariate, place: Place): number =>
  noGrad(() => scope(() => callScalar(op, f, variablesAt(place, false), place).item()));

/**
 * Throws if y depends on a variable that the graph knows nothing of: it was cut off by `detach()`, or read as a number.
 * A value that truly does not depend on it stays the same when the variable moves.
 */
export function expectUnused(op: string, f: Multivariate, place: Place, y: readonly number[], variable: number): void {
  const values = place.separate
    ? place.values.map((value, i) => (i === variable ? value + 2 ** -10 * (1 + Math.abs(value)) : value))
    : place.values.map((value) => value + 2 ** -10 * (1 + Math.abs(value)));
  const after = noGrad(() => scope(() => expectResult(op, f(...variablesAt(moved(place, values), false))).data()));
  if (after.length === y.length && y.every((value, i) => Object.is(value, after[i]))) return;
  throw new AutogradError(
    op,
    'the function returned a tensor that is cut off from its input (by detach(), item() or data()), so it cannot be differentiated',
  );
}

/** Gradients of y with respect to the variables; zeros for those that it does not depend on. */
export function gradientsOf(
  op: string,
  f: Multivariate,
  place: Place,
  y: Tensor,
  variables: readonly Tensor[],
  createGraph: boolean,
): Tensor[] {
  const grads = y.requiresGrad ? gradOf(y, variables, { createGraph, retainGraph: true, allowUnused: true }) : [];
  return variables.map((x, i) => {
    const grad = grads[i];
    if (grad) return grad;
    expectUnused(op, f, place, [y.item()], i);
    return filled(op, x.shape, 0, x);
  });
}

/** Elements of several tensors in one list. */
export const flatten = (tensors: readonly Tensor[]): Float64Array =>
  Float64Array.from(tensors.flatMap((x) => Array.from(x.data() as Float64Array)));
