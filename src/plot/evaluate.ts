/**
 * Values of functions on grids. A function of tensors gets the whole grid in one call, in float64; a function of plain numbers is
 * called point by point.
 */

import { gradOf } from '../autograd/backward.ts';
import { enableGrad, noGrad } from '../autograd/mode.ts';
import { ArgumentError, AutogradError, CotangentError, describe, formatShape, ShapeError } from '../errors.ts';
import { scope } from '../memory/scope.ts';
import { fromArray } from '../ops/creation.ts';
import { sameShape } from '../tensor/layout.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { expectDrawable, numbersOf } from './values.ts';

/**
 * A function of one variable: of tensors, elementwise, or of plain numbers; which one is found out by calling it. (A union with
 * `(x: number) => number` would leave `x` without a type in an arrow function; any other function is an error when it is called.)
 */
export type Function1 = ((x: Tensor) => Tensor | number) | CallableFunction;
/** A function of two variables: of tensors, elementwise, or of plain numbers; which one is found out by calling it. */
export type Function2 = ((x: Tensor, y: Tensor) => Tensor | number) | CallableFunction;

type Call = (...inputs: unknown[]) => unknown;

const column = (values: readonly number[]): Tensor => fromArray(Float64Array.from(values), [values.length]);

/** Points, one list per variable. */
type Columns = readonly (readonly number[])[];

/** Whether a function takes tensors; `values` is what it gave for all points when it does. */
type Tried = { values: Tensor } | { values: null };

/** Calls `f` with tensors of all points; what that does tells which kind of function it is. */
function tryTensors(op: string, name: string, f: Call, inputs: readonly Tensor[], first: readonly number[]): Tried {
  let result: unknown;
  try {
    result = f(...inputs);
  } catch (error) {
    // What our ops throw is meant for the user; anything else may come from a function of numbers.
    if (error instanceof CotangentError) throw error;
    try {
      if (typeof f(...first) === 'number') return { values: null };
    } catch {
      throw error;
    }
    throw error;
  }
  if (isTensor(result)) {
    const { shape } = inputs[0] as Tensor;
    if (result.size !== 1 && !sameShape(result.shape, shape))
      throw new ShapeError(
        op,
        `${name} works elementwise: for inputs of shape ${formatShape(shape)} it returned ${formatShape(result.shape)}`,
      );
    return { values: result };
  }
  const value: unknown = f(...first);
  if (isTensor(value))
    throw new ArgumentError(op, `${name} returned a tensor for numbers, and ${describe(result)} for tensors`);
  if (typeof value !== 'number')
    throw new ArgumentError(op, `${name} returns a tensor or a number, got ${describe(value)}`);
  return { values: null };
}

const expectFunction = (op: string, f: unknown, name: string): Call => {
  if (typeof f !== 'function') throw new ArgumentError(op, `${name} is a function, got ${describe(f)}`);
  return f as Call;
};

const firstOf = (columns: Columns): number[] => columns.map((values) => values[0] as number);

function pointwise(op: string, name: string, f: Call, columns: Columns): number[] {
  const [first] = columns as [readonly number[]];
  return first.map((_, i) => {
    const value = f(...columns.map((values) => values[i]));
    if (typeof value !== 'number') throw new ArgumentError(op, `${name} returns a number, got ${describe(value)}`);
    return value;
  });
}

/**
 * Values of `f` at all points.
 * @throws ArgumentError when f is no function, returns neither tensors nor numbers, or has no finite value.
 * @throws ShapeError when a function of tensors is not elementwise.
 */
export function evaluate(op: string, f: unknown, name: string, columns: Columns): number[] {
  const call = expectFunction(op, f, name);
  const values = scope(() =>
    noGrad(() => {
      const tried = tryTensors(op, name, call, columns.map(column), firstOf(columns));
      if (tried.values === null) return pointwise(op, name, call, columns);
      const flat = numbersOf(tried.values);
      return flat.length === 1
        ? new Array<number>((columns[0] as readonly number[]).length).fill(flat[0] as number)
        : flat;
    }),
  );
  expectDrawable(op, values, `what ${name} returns`);
  return values;
}

/** The step of central differences that balances truncation and rounding: the cube root of the unit roundoff. */
const STEP = Number.EPSILON ** (1 / 3);

/**
 * Partial derivatives of `f` at all points, one list per variable: by automatic differentiation for a function of tensors, by central
 * differences for one of plain numbers.
 * @throws AutogradError when a function of tensors returns something that was cut off its inputs.
 */
export function slopes(op: string, f: unknown, name: string, columns: Columns): number[][] {
  const call = expectFunction(op, f, name);
  return scope(() =>
    enableGrad(() => {
      const inputs = columns.map((values) => column(values).requiresGrad_());
      const { values } = tryTensors(op, name, call, inputs, firstOf(columns));
      if (values === null) return centralDifferences(op, name, call, columns);
      if (!values.requiresGrad)
        throw new AutogradError(op, `${name} returned a tensor that does not depend on its inputs, or was detached`);
      return gradOf(values.sum(), inputs, { allowUnused: true }).map((slope, i) =>
        slope === null ? (columns[i] as readonly number[]).map(() => 0) : numbersOf(slope),
      );
    }),
  );
}

function centralDifferences(op: string, name: string, f: Call, columns: Columns): number[][] {
  return columns.map((values, axis) => {
    const steps = values.map((value) => STEP * Math.max(1, Math.abs(value)));
    const shifted = (sign: number) =>
      columns.with(
        axis,
        values.map((value, i) => value + sign * (steps[i] as number)),
      );
    const [above, below] = [pointwise(op, name, f, shifted(1)), pointwise(op, name, f, shifted(-1))];
    return above.map((value, i) => (value - (below[i] as number)) / (2 * (steps[i] as number)));
  });
}
