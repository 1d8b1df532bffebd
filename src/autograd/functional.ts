/** Derivatives of functions: the same tape, started and finished inside one call. */
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { mul } from '../generated/elementwise.ts';
import { detach, filled, fillWith } from '../ops/convert.ts';
import { stack } from '../ops/join.ts';
import { sum } from '../ops/reduce.ts';
import { narrow, reshape } from '../ops/view.ts';
import { allocate, expectTensor } from '../tensor/create.ts';
import { sameShape } from '../tensor/layout.ts';
import type { Tensor } from '../tensor/tensor.ts';
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
  expectTensor(op, x);
  return x.requiresGrad ? reshape(x, x.shape) : detach(x).requiresGrad_();
}

function call(op: string, f: TensorFunction, inputs: Tensor[]): Tensor {
  const y = expectTensor(op, f(...inputs), 'the function to return a tensor');
  if (!y.isFloatingPoint) throw new DTypeError(op, `the function returned ${y.dtype}, which has no derivative`);
  return y;
}

function expectScalar(op: string, y: Tensor): Tensor {
  if (y.size !== 1)
    throw new ShapeError(op, `wants a function with one value, this one gives shape ${formatShape(y.shape)}`);
  return y;
}

/** The gradient, or zeros where the output does not depend on the input. */
function gradOrZeros(y: Tensor, x: Tensor, options: GradOptions): Tensor {
  if (!y.requiresGrad) return filled('grad', x.shape, 0, x);
  return gradOf(y, x, { ...options, allowUnused: true })[0] ?? filled('grad', x.shape, 0, x);
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
  const both = valueAndGrad(first, second as number | undefined);
  return (...inputs) => both(...inputs)[1];
}

/** Like `grad(f)`, but the function gives the value as well: `[value, gradient]`. */
export function valueAndGrad(f: TensorFunction, argnum = 0): (...inputs: Tensor[]) => [Tensor, Tensor] {
  expectFunction('valueAndGrad', f);
  if (!Number.isInteger(argnum) || argnum < 0)
    throw new ArgumentError('valueAndGrad', `argnum is a whole number, got ${describe(argnum)}`);
  return (...inputs) =>
    enableGrad(() => {
      const given = inputs[argnum];
      if (given === undefined) throw new ArgumentError('valueAndGrad', `argument ${argnum} is missing`);
      const nested = inputs.some((input) => expectTensor('valueAndGrad', input).requiresGrad);
      const x = variable('valueAndGrad', given);
      const y = expectScalar('valueAndGrad', call('valueAndGrad', f, inputs.with(argnum, x)));
      return [y, gradOrZeros(y, x, { createGraph: nested, retainGraph: true })];
    });
}

/**
 * Value of `f` at the inputs, and the function that multiplies a vector with its Jacobian from the left: it takes the cotangent
 * of the value and returns that of every input.
 */
export function vjp(f: TensorFunction, ...inputs: Tensor[]): [Tensor, (cotangent: Tensor) => Tensor[]] {
  expectFunction('vjp', f);
  return enableGrad(() => {
    const nested = inputs.some((input) => expectTensor('vjp', input).requiresGrad);
    const xs = inputs.map((input) => variable('vjp', input));
    const y = call('vjp', f, xs);
    const pull = (cotangent: Tensor): Tensor[] => {
      expectTensor('vjp', cotangent);
      if (!y.requiresGrad) return xs.map((x) => filled('vjp', x.shape, 0, x));
      const grads = gradOf(y, xs, {
        gradOutputs: cotangent,
        createGraph: nested || cotangent.requiresGrad,
        retainGraph: true,
        allowUnused: true,
      });
      return grads.map((g, i) => g ?? filled('vjp', (xs[i] as Tensor).shape, 0, xs[i] as Tensor));
    };
    return [y, pull];
  });
}

/**
 * Value of `f` at x, and its Jacobian times the vector `tangent`. Computed by differentiating the vector-Jacobian
 * product, which is linear in the cotangent (Townsend 2017).
 */
export function jvp(f: TensorFunction, x: Tensor, tangent: Tensor): [Tensor, Tensor] {
  expectFunction('jvp', f);
  expectTensor('jvp', tangent);
  if (!sameShape(expectTensor('jvp', x).shape, tangent.shape))
    throw new ShapeError(
      'jvp',
      `the tangent has shape ${formatShape(tangent.shape)}, the input ${formatShape(x.shape)}`,
    );
  return enableGrad(() => {
    const [y, pull] = vjp(f, x);
    const dummy = filled('jvp', y.shape, 0, y).requiresGrad_();
    const [pulled] = pull(dummy) as [Tensor];
    if (!pulled.requiresGrad) return [y, filled('jvp', y.shape, 0, y)];
    const [pushed] = gradOf(pulled, dummy, { gradOutputs: tangent, createGraph: x.requiresGrad, allowUnused: true });
    return [y, pushed ?? filled('jvp', y.shape, 0, y)];
  });
}

/** The Jacobian of f at x, of shape [...output, ...input], one row after the other. */
export function jacobian(f: TensorFunction, x: Tensor): Tensor {
  expectFunction('jacobian', f);
  const [y, pull] = vjp(f, expectTensor('jacobian', x));
  const shape = [...y.shape, ...x.shape];
  if (y.size === 0 || x.size === 0) return allocate('jacobian', x.storage.heap, x.dtype, shape);
  const rows = Array.from({ length: y.size }, (_, i) => {
    const basis = filled('jacobian', [y.size], 0, y);
    fillWith('jacobian', narrow(basis, 0, i, 1), 1);
    return pull(reshape(basis, y.shape))[0] as Tensor;
  });
  return reshape(stack(rows), shape);
}

/** The matrix of second derivatives of a scalar function at x, of shape [...x, ...x]. */
export function hessian(f: TensorFunction, x: Tensor): Tensor {
  expectFunction('hessian', f);
  const gradient = valueAndGrad(f);
  return jacobian((point) => gradient(point)[1], expectTensor('hessian', x));
}

/** Value of a scalar function at x, and its Hessian times the vector v, without building the Hessian. */
export function hvp(f: TensorFunction, x: Tensor, v: Tensor): [Tensor, Tensor] {
  expectFunction('hvp', f);
  expectTensor('hvp', v);
  if (!sameShape(expectTensor('hvp', x).shape, v.shape))
    throw new ShapeError('hvp', `the vector has shape ${formatShape(v.shape)}, the input ${formatShape(x.shape)}`);
  return enableGrad(() => {
    const point = variable('hvp', x);
    const y = expectScalar('hvp', call('hvp', f, [point]));
    const gradient = gradOrZeros(y, point, { createGraph: true });
    const product = gradOrZeros(sum(mul(gradient, v)), point, { createGraph: x.requiresGrad });
    return [y, product];
  });
}
