/** Derivatives of functions: the same tape, started and finished inside one call. */
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { mul } from '../generated/elementwise.ts';
import { detach, filled } from '../ops/convert.ts';
import { sum } from '../ops/reduce.ts';
import { reshape } from '../ops/view.ts';
import { expectTensor } from '../tensor/create.ts';
import { sameShape } from '../tensor/layout.ts';
import { dtypeOf, numelOf, shapeOf, type Tensor } from '../tensor/tensor.ts';
import { type GradOptions, gradOf } from './backward.ts';
import { enableGrad } from './mode.ts';

/** A function of tensors. */
export type TensorFunction = (...inputs: Tensor[]) => Tensor;

function expectFunction(op: string, f: unknown): void {
  if (typeof f !== 'function') throw new ArgumentError(op, `wants a function of tensors, got ${describe(f)}`);
}

/**
 * An input that can be differentiated with respect to. One that is already part of a graph stays connected to it, so
 * that derivatives nest.
 */
function variable(op: string, x: Tensor): Tensor {
  if (!expectTensor(op, x).isFloatingPoint)
    throw new DTypeError(
      op,
      `wants float32 or float64 inputs to differentiate by, got ${dtypeOf(x)}; use to({ dtype })`,
    );
  return x.requiresGrad ? reshape(x, shapeOf(x)) : detach(x).requiresGrad_();
}

function call(op: string, f: TensorFunction, inputs: Tensor[]): Tensor {
  const y = expectTensor(op, f(...inputs), 'the function to return a tensor');
  if (!y.isFloatingPoint) throw new DTypeError(op, `the function returned ${dtypeOf(y)}, which has no derivative`);
  return y;
}

function expectScalar(op: string, y: Tensor): Tensor {
  if (numelOf(y) !== 1)
    throw new ShapeError(op, `wants a function with one value, this one gives shape ${formatShape(shapeOf(y))}`);
  return y;
}

/** The gradient, or zeros where the output does not depend on the input. */
function gradOrZeros(y: Tensor, x: Tensor, options: GradOptions): Tensor {
  if (!y.requiresGrad) return filled('grad', shapeOf(x), 0, x);
  return gradOf(y, x, { ...options, allowUnused: true })[0] ?? filled('grad', shapeOf(x), 0, x);
}

/** Gradients of outputs with respect to inputs; `.grad` is not touched. */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options?: GradOptions,
): (Tensor | null)[];
/** The function that computes the gradient of a scalar function with respect to its argument number `argnum`. Nests. */
export function grad(f: TensorFunction, argnum?: number): TensorFunction;
export function grad(
  first: TensorFunction | Tensor | readonly Tensor[],
  second?: Tensor | readonly Tensor[] | number,
  options?: GradOptions,
): (Tensor | null)[] | TensorFunction {
  if (typeof first !== 'function') return gradOf(first, second as Tensor, options ?? {});
  const both = gradientFunction('grad', first, (second as number | undefined) ?? 0);
  return (...inputs) => both(...inputs)[1];
}

/** Like `grad(f)`, but the function gives the value as well: `[value, gradient]`. */
export const valueAndGrad = (f: TensorFunction, argnum = 0): ((...inputs: Tensor[]) => [Tensor, Tensor]) =>
  gradientFunction('valueAndGrad', f, argnum);

/** @internal `valueAndGrad` under the name of whoever asks. */
export function gradientFunction(
  op: string,
  f: TensorFunction,
  argnum: number,
): (...inputs: Tensor[]) => [Tensor, Tensor] {
  expectFunction(op, f);
  if (!Number.isInteger(argnum) || argnum < 0)
    throw new ArgumentError(op, `argnum is a whole number, got ${describe(argnum)}`);
  return (...inputs) =>
    enableGrad(() => {
      const given = inputs[argnum];
      if (given === undefined) throw new ArgumentError(op, `argument ${argnum} is missing`);
      const nested = inputs.some((input) => expectTensor(op, input).requiresGrad);
      const x = variable(op, given);
      const y = expectScalar(op, call(op, f, inputs.with(argnum, x)));
      return [y, gradOrZeros(y, x, { createGraph: nested, retainGraph: true })];
    });
}

/**
 * Value of `f` at the inputs, and the function that multiplies a vector with its Jacobian from the left: it takes the cotangent
 * of the value and returns that of every input.
 */
export const vjp = (f: TensorFunction, ...inputs: Tensor[]): [Tensor, (cotangent: Tensor) => Tensor[]] =>
  pullback('vjp', f, inputs);

/** @internal `vjp` under the name of whoever asks. */
export function pullback(
  op: string,
  f: TensorFunction,
  inputs: readonly Tensor[],
): [Tensor, (cotangent: Tensor) => Tensor[]] {
  expectFunction(op, f);
  return enableGrad(() => {
    const nested = inputs.some((input) => expectTensor(op, input).requiresGrad);
    const xs = inputs.map((input) => variable(op, input));
    const y = call(op, f, xs);
    const pull = (cotangent: Tensor): Tensor[] => {
      expectTensor(op, cotangent);
      if (!y.requiresGrad) return xs.map((x) => filled(op, shapeOf(x), 0, x));
      const grads = gradOf(y, xs, {
        gradOutputs: cotangent,
        createGraph: nested || cotangent.requiresGrad,
        retainGraph: true,
        allowUnused: true,
      });
      return grads.map((g, i) => g ?? filled(op, shapeOf(xs[i] as Tensor), 0, xs[i] as Tensor));
    };
    return [y, pull];
  });
}

/**
 * Value of `f` at x, and its derivative there as a linear function: it takes a tangent of x's shape and returns that of the value.
 * `f` runs once, however many tangents there are.
 *
 * Computed by differentiating the vector-Jacobian product, which is linear in the cotangent (Townsend, "A new trick for
 * calculating Jacobian vector products", 2017).
 * @throws ArgumentError for what is no function or no tensor, DTypeError where the value is not floating point,
 * AutogradError for a value that was detached from x; ShapeError for a tangent of another shape.
 */
export function linearize(f: TensorFunction, x: Tensor): [Tensor, (tangent: Tensor) => Tensor] {
  return linearized('linearize', f, x);
}

/** @internal `linearize` under the name of whoever asks. */
export function linearized(op: string, f: TensorFunction, x: Tensor): [Tensor, (tangent: Tensor) => Tensor] {
  expectFunction(op, f);
  expectTensor(op, x);
  return enableGrad(() => {
    const [y, pull] = pullback(op, f, [x]);
    const cotangent = filled(op, shapeOf(y), 0, y).requiresGrad_();
    const [pulled] = pull(cotangent) as [Tensor];
    const push = (tangent: Tensor): Tensor => {
      expectTensor(op, tangent);
      if (!sameShape(shapeOf(x), shapeOf(tangent)))
        throw new ShapeError(
          op,
          `the tangent has shape ${formatShape(shapeOf(tangent))}, the input ${formatShape(shapeOf(x))}`,
        );
      const pushed = !pulled.requiresGrad
        ? null
        : gradOf(pulled, cotangent, {
            gradOutputs: tangent,
            createGraph: x.requiresGrad || tangent.requiresGrad,
            retainGraph: true,
            allowUnused: true,
          })[0];
      return pushed ?? filled(op, shapeOf(y), 0, y);
    };
    return [y, push];
  });
}

/**
 * Value of `f` at x, and its Jacobian times the vector `tangent`: the derivative along it. See `linearize`.
 * @param tangent of the shape of x
 * @throws as `linearize`
 */
export function jvp(f: TensorFunction, x: Tensor, tangent: Tensor): [Tensor, Tensor] {
  const [y, push] = linearized('jvp', f, x);
  return [y, push(tangent)];
}

/** Value of a scalar function at x, and its Hessian times the vector v, without building the Hessian. */
export function hvp(f: TensorFunction, x: Tensor, v: Tensor): [Tensor, Tensor] {
  expectFunction('hvp', f);
  expectTensor('hvp', v);
  if (!sameShape(shapeOf(expectTensor('hvp', x)), shapeOf(v)))
    throw new ShapeError(
      'hvp',
      `the vector has shape ${formatShape(shapeOf(v))}, the input ${formatShape(shapeOf(x))}`,
    );
  return enableGrad(() => {
    const point = variable('hvp', x);
    const y = expectScalar('hvp', call('hvp', f, [point]));
    const gradient = gradOrZeros(y, point, { createGraph: true });
    const product = gradOrZeros(sum(mul(gradient, v)), point, { createGraph: x.requiresGrad });
    return [y, product];
  });
}
