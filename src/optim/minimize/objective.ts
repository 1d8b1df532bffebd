/**
 * The function that is minimised, as the methods see it: points and derivatives are plain float64 arrays, and every
 * evaluation frees its tensors before the next one begins. Checks what the function gives, and counts.
 */
import { gradOf } from '../../autograd/backward.ts';
import { enableGrad } from '../../autograd/mode.ts';
import { derivativeRows, joinGradients } from '../../autograd/rows.ts';
import { ArgumentError, AutogradError, DTypeError, describe, formatShape, ShapeError } from '../../errors.ts';
import { square } from '../../generated/elementwise.ts';
import { scope } from '../../memory/scope.ts';
import { filled } from '../../ops/convert.ts';
import { fromArray, tensor } from '../../ops/creation.ts';
import { sum } from '../../ops/reduce.ts';
import { silence } from '../../program/setting.ts';
import { isFloating } from '../../tensor/dtype.ts';
import { listOf } from '../../tensor/lists.ts';
import { assertAlive, isTensor, type Tensor } from '../../tensor/tensor.ts';
import type { AbortSignalLike } from '../../webtypes.ts';

/** Where a search starts: numbers for a function of separate variables, a 1-d tensor for a function of one vector. */
export type Point = number | readonly number[] | Tensor;

/** A function of separate variables (0-d float64 tensors), or of one vector (float64 [n]), depending on how the point is given. */
export type ObjectiveFunction = (...variables: Tensor[]) => Tensor;

/** How often what was computed. */
export interface Evaluations {
  /** Calls of the function. */
  value: number;
  /** Gradients; Jacobians of residuals. */
  gradient: number;
  hessian: number;
}

/** The function at one point, while its tape lives: each derivative may be asked for once. */
export interface Tape {
  /** [n] */
  gradient(): Float64Array;
  /** [n] and [n, n] */
  curvature(): { gradient: Float64Array; hessian: Float64Array };
  /** [m, n] */
  jacobian(): Float64Array;
}

const numbers = (x: Tensor): Float64Array => Float64Array.from(x.data() as Float64Array, Number);

/** @throws ArgumentError, DTypeError or ShapeError unless it is one. */
function checkStart(op: string, start: unknown): { values: Float64Array; separate: boolean } {
  if (isTensor(start)) {
    assertAlive(start, op);
    if (!isFloating(start.dtype))
      throw new DTypeError(op, `the start is a floating tensor or an array of numbers, got ${start.dtype}`);
    if (start.ndim !== 1) throw new ShapeError(op, `the start is a 1-d tensor, got shape ${formatShape(start.shape)}`);
    return { values: numbers(start), separate: false };
  }
  const list = typeof start === 'number' ? [start] : listOf(op, start);
  if (list === null || !list.every((value) => typeof value === 'number'))
    throw new ArgumentError(op, `the start is an array of numbers or a 1-d tensor, got ${describe(start)}`);
  return { values: Float64Array.from(list), separate: true };
}

/** A function with the point it starts from. */
export class Objective {
  readonly op: string;
  readonly start: Float64Array;
  readonly counts: Evaluations = { value: 0, gradient: 0, hessian: 0 };
  readonly #f: ObjectiveFunction;
  readonly #separate: boolean;
  readonly #backend: Tensor['backend'] | undefined;
  readonly #signal: AbortSignalLike | undefined;
  /** How many residuals there are. */
  #length: number | undefined;

  /** @throws ArgumentError, DTypeError, ShapeError for anything but a function and a start that is finite. */
  constructor(op: string, f: unknown, start: unknown, signal: AbortSignalLike | undefined) {
    if (typeof f !== 'function') throw new ArgumentError(op, `wants a function of tensors, got ${describe(f)}`);
    const { values, separate } = checkStart(op, start);
    if (values.length === 0) throw new ArgumentError(op, 'the start has no variables');
    if (!values.every(Number.isFinite))
      throw new ArgumentError(op, `the start is finite, got ${describe(Array.from(values))}`);
    this.op = op;
    this.start = values;
    this.#f = f as ObjectiveFunction;
    this.#separate = separate;
    this.#backend = isTensor(start) ? start.backend : undefined;
    this.#signal = signal;
  }

  /** A point as a tensor of the caller's. */
  tensor(values: Float64Array, shape: readonly number[] = [values.length]): Tensor {
    return fromArray(values, [...shape], this.#backend === undefined ? {} : { backend: this.#backend });
  }

  #variables(x: Float64Array): Tensor[] {
    const options = { dtype: 'float64', ...(this.#backend && { backend: this.#backend }) } as const;
    const inputs = this.#separate ? Array.from(x, (value) => tensor(value, options)) : [this.tensor(x)];
    return inputs.map((input) => input.requiresGrad_());
  }

  #call(variables: Tensor[]): Tensor {
    this.#signal?.throwIfAborted();
    this.counts.value++;
    const y: unknown = this.#f(...variables);
    if (!isTensor(y)) {
      silence(y);
      throw new ArgumentError(this.op, `the function returned ${describe(y)}, not a tensor`);
    }
    assertAlive(y, this.op);
    if (!y.isFloatingPoint) throw new DTypeError(this.op, `the function returned ${y.dtype}, which has no derivative`);
    if (!y.requiresGrad)
      throw new AutogradError(
        this.op,
        "the function's value does not depend on its variables: it is constant, was detached, or was made from item()",
      );
    return y;
  }

  /** What `use` makes of the value at x and, as long as it runs, of the derivatives there. */
  scalar<T>(x: Float64Array, use: (value: number, tape: Tape) => T): T {
    return scope(() =>
      enableGrad(() => {
        const variables = this.#variables(x);
        const y = this.#call(variables);
        if (y.size !== 1)
          throw new ShapeError(
            this.op,
            `the function has one value, this one gives shape ${formatShape(y.shape)}; residuals go to leastSquares`,
          );
        return use(y.item(), this.#tape(y, variables));
      }),
    );
  }

  /** The same for a function with a vector of values. */
  vector<T>(x: Float64Array, use: (values: Float64Array, tape: Tape) => T): T {
    return scope(() =>
      enableGrad(() => {
        const variables = this.#variables(x);
        const y = this.#vectorOf(variables);
        return use(numbers(y), this.#tape(y, variables));
      }),
    );
  }

  /** The sum of the squares of a vector of values, as if it were the function. */
  sumOfSquares<T>(x: Float64Array, use: (value: number, tape: Tape) => T): T {
    return scope(() =>
      enableGrad(() => {
        const variables = this.#variables(x);
        const y = sum(square(this.#vectorOf(variables)));
        return use(y.item(), this.#tape(y, variables));
      }),
    );
  }

  /** @throws ShapeError unless it is a vector, and as long as it was before. */
  #vectorOf(variables: Tensor[]): Tensor {
    const y = this.#call(variables);
    if (y.ndim !== 1 || y.size === 0)
      throw new ShapeError(this.op, `the residuals are a vector, got shape ${formatShape(y.shape)}`);
    this.#length ??= y.size;
    if (y.size !== this.#length)
      throw new ShapeError(this.op, `there were ${this.#length} residuals at the start, now there are ${y.size}`);
    return y;
  }

  #tape(y: Tensor, variables: Tensor[]): Tape {
    return {
      gradient: () => this.#flat(this.#gradients(y, variables, false), variables),
      curvature: () => {
        const gradients = this.#gradients(y, variables, true);
        this.counts.hessian++;
        const n = this.start.length;
        const whole = joinGradients(gradients, variables);
        const hessian = whole.requiresGrad ? numbers(derivativeRows(whole, variables)) : new Float64Array(n * n);
        return { gradient: numbers(whole), hessian };
      },
      jacobian: () => {
        this.counts.gradient++;
        return this.#jacobian(y, variables);
      },
    };
  }

  #gradients(y: Tensor, variables: Tensor[], createGraph: boolean): (Tensor | null)[] {
    this.counts.gradient++;
    const gradients = gradOf(y, variables, { createGraph, allowUnused: true });
    this.#expectSome(gradients);
    return gradients;
  }

  #expectSome(gradients: readonly (Tensor | null)[]): void {
    if (gradients.every((gradient) => gradient === null))
      throw new AutogradError(this.op, "the function's value does not depend on its variables, only on other tensors");
  }

  #flat(gradients: readonly (Tensor | null)[], variables: readonly Tensor[]): Float64Array {
    const out = new Float64Array(this.start.length);
    let at = 0;
    for (const [i, variable] of variables.entries()) {
      const gradient = gradients[i];
      if (gradient) out.set(gradient.data() as Float64Array, at);
      at += variable.size;
    }
    return out;
  }

  /** Row by row, or column by column where there are fewer: the pulled-back cotangent is linear in it (Townsend 2017). */
  #jacobian(y: Tensor, variables: Tensor[]): Float64Array {
    const [m, n] = [y.size, this.start.length];
    const cotangent = filled(this.op, y.shape, 0, y).requiresGrad_();
    const options = { gradOutputs: cotangent, createGraph: m > n, retainGraph: true, allowUnused: true };
    const pulled = gradOf(y, variables, options);
    this.#expectSome(pulled);
    if (m <= n) return numbers(derivativeRows(y, variables));
    const whole = joinGradients(pulled, variables);
    const out = new Float64Array(m * n);
    if (!whole.requiresGrad) return out;
    const columns = numbers(derivativeRows(whole, [cotangent]));
    for (let j = 0; j < n; j++) for (let i = 0; i < m; i++) out[i * n + j] = columns[j * m + i] as number;
    return out;
  }
}
