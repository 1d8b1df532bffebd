/** Derivatives of functions of one variable, of any order, by automatic differentiation. */
import { enableGrad, isGradEnabled } from '../autograd/mode.ts';
import { ArgumentError, DTypeError, describe } from '../errors.ts';
import { scope } from '../memory/scope.ts';
import { castTo } from '../ops/convert.ts';
import { tensor } from '../ops/creation.ts';
import { reshape } from '../ops/view.ts';
import { assertAlive, isTensor, type Tensor } from '../tensor/tensor.ts';
import { type Elementwise, expectFinite, expectFunction, expectWhole, jet, refuseNaN } from './call.ts';

/** A derivative: a function of the same kind, for a number or for every element of a tensor. */
export interface Derivative {
  (x: number): number;
  (x: Tensor): Tensor;
}

/**
 * The n-th derivative of a function of one variable, as a function: of a number it gives a number, of a tensor of any shape a
 * float64 tensor of that shape. It can be differentiated again.
 *
 * Exact up to rounding, and of polynomial cost in n: tensors carry Taylor coefficients (`src/autograd/jets.ts`). Where f has an op without a
 * rule for those, every order differentiates the one before, and the cost grows geometrically.
 * @param f works elementwise on float64 tensors
 * @param n the order, at least 1
 * @throws AutogradError where f cuts its result off from x; ArgumentError where f or the derivative is NaN.
 */
export function derivative(f: Elementwise, n = 1): Derivative {
  expectFunction('derivative', f);
  expectWhole('derivative', 'the order n', n, 1, 20);
  const at = (x: Tensor): Tensor =>
    scope(() => {
      const nested = x.requiresGrad && isGradEnabled();
      const wide = castTo(x, 'float64');
      const variable = nested ? reshape(wide, x.shape) : wide.detach().requiresGrad_();
      const jets = enableGrad(() => jet('derivative', f, variable, n, nested));
      const xs = variable.data() as Float64Array;
      jets.forEach((y, k) => {
        const what = k === 0 ? 'the function returned' : `derivative ${k} of the function is`;
        refuseNaN('derivative', what, y.data() as Float64Array, xs);
      });
      return jets[n] as Tensor;
    });
  return ((x: number | Tensor) => {
    if (isTensor(x)) {
      if (!assertAlive(x, 'derivative').isFloatingPoint)
        throw new DTypeError('derivative', `wants floats, got a tensor of ${x.dtype}; use to({ dtype })`);
      return at(x);
    }
    if (typeof x !== 'number') throw new ArgumentError('derivative', `wants a number or a tensor, got ${describe(x)}`);
    return scope(() => at(tensor(expectFinite('derivative', 'x', x), { dtype: 'float64' })).item());
  }) as Derivative;
}
