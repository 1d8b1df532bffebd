/**
 * Whole matrices of derivatives: the product with every vector of a basis, all at once by `vmap`. Rows by reverse mode, for functions
 * with few values; columns by forward mode, for functions of few variables.
 */
import { ArgumentError, describe } from '../errors.ts';
import { eye } from '../ops/creation.ts';
import { reshape } from '../ops/view.ts';
import { allocate, expectTensor } from '../tensor/create.ts';
import { dtypeOf, numelOf, shapeOf, storageOf, type Tensor } from '../tensor/tensor.ts';
import { gradientFunction, linearized, pullback, type TensorFunction } from './functional.ts';
import { vmap } from './vmap.ts';

/** Every unit tensor of the shape of `like`, along a new first dimension. */
const basis = (like: Tensor): Tensor =>
  reshape(eye(numelOf(like), { dtype: dtypeOf(like), backend: like.backend }), [numelOf(like), ...shapeOf(like)]);

/** `f` as a function of its argument number `argnum`, the others as given, and that argument. */
function partial(op: string, f: TensorFunction, inputs: readonly Tensor[], argnum: number): [TensorFunction, Tensor] {
  for (const input of inputs) expectTensor(op, input);
  return [(x) => f(...inputs.with(argnum, x)), expectTensor(op, inputs[argnum], `a tensor as argument ${argnum}`)];
}

function check(op: string, f: unknown, argnum: unknown): void {
  if (typeof f !== 'function') throw new ArgumentError(op, `wants a function of tensors, got ${describe(f)}`);
  if (!Number.isInteger(argnum) || (argnum as number) < 0)
    throw new ArgumentError(op, `argnum is a whole number, got ${describe(argnum)}`);
}

const empty = (op: string, y: Tensor, x: Tensor): Tensor =>
  allocate(op, storageOf(y).heap, dtypeOf(y), [...shapeOf(y), ...shapeOf(x)]);

/**
 * The function that computes the Jacobian of `f` with respect to its argument number `argnum`, [...output, ...input], by reverse
 * mode: one vector-Jacobian product for every element of the output, all of them in one pass.
 * @throws ArgumentError for what is no function; when called, as `vjp`
 */
export function jacrev(f: TensorFunction, argnum = 0): TensorFunction {
  check('jacrev', f, argnum);
  return (...inputs) => {
    const [g, x] = partial('jacrev', f, inputs, argnum);
    const [y, pull] = pullback('jacrev', g, [x]);
    if (numelOf(y) === 0 || numelOf(x) === 0) return empty('jacrev', y, x);
    const rows = vmap((cotangent: Tensor) => pull(cotangent)[0] as Tensor)(basis(y));
    return reshape(rows, [...shapeOf(y), ...shapeOf(x)]);
  };
}

/**
 * The function that computes the Jacobian of `f` with respect to its argument number `argnum`, [...output, ...input], by forward
 * mode: one Jacobian-vector product for every element of the input, all of them in one pass.
 * @throws ArgumentError for what is no function; when called, as `linearize`
 */
export function jacfwd(f: TensorFunction, argnum = 0): TensorFunction {
  check('jacfwd', f, argnum);
  return (...inputs) => {
    const [g, x] = partial('jacfwd', f, inputs, argnum);
    const [y, push] = linearized('jacfwd', g, x);
    if (numelOf(y) === 0 || numelOf(x) === 0) return empty('jacfwd', y, x);
    return reshape(vmap(push, { outDims: -1 })(basis(x)), [...shapeOf(y), ...shapeOf(x)]);
  };
}

/** The Jacobian of `f` at x, of shape [...output, ...input], by reverse mode: `jacrev(f)(x)`. */
export const jacobian = (f: TensorFunction, x: Tensor): Tensor => jacrev(f)(x);

/** The matrix of second derivatives of a scalar function at x, of shape [...x, ...x]. */
export function hessian(f: TensorFunction, x: Tensor): Tensor {
  const both = gradientFunction('hessian', f, 0);
  return jacrev((v) => both(v)[1])(x);
}
