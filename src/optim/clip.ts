/** Keeping gradients within bounds, in place, between backward and step. */
import { noGrad } from '../autograd/mode.ts';
import { ArgumentError, describe } from '../errors.ts';
import { add, div, maximum_, minimum, minimum_, mul_ } from '../generated/elementwise.ts';
import { scope } from '../memory/scope.ts';
import { to } from '../ops/convert.ts';
import { zeros } from '../ops/creation.ts';
import { stack } from '../ops/join.ts';
import { norm } from '../ops/reduce.ts';
import { expectChangeable } from '../tensor/create.ts';
import { checkOptions } from '../tensor/options.ts';
import { gradientOf, type Tensor } from '../tensor/tensor.ts';
import { listParameters, type Parameters } from './arguments.ts';

/** Options of `clipGradNorm`. */
export interface ClipOptions {
  /** Which norm: 2 by default, `Infinity` for the largest element. */
  normType?: number;
  /** Throw instead of scaling by a total that is not finite. */
  errorIfNonfinite?: boolean;
}

const gradients = (op: string, params: unknown): Tensor[] =>
  listParameters(op, params).flatMap((parameter) => gradientOf(parameter) ?? []);

/**
 * Scales all gradients by the same factor, such that their norm taken together is at most `maxNorm`
 * (Pascanu et al. 2013). Returns the norm before that, a 0-d tensor.
 */
export function clipGradNorm(params: Parameters, maxNorm: number, options?: ClipOptions): Tensor {
  const op = 'clipGradNorm';
  const { normType = 2, errorIfNonfinite = false } = checkOptions(op, options, ['normType', 'errorIfNonfinite']);
  if (typeof maxNorm !== 'number' || !(maxNorm >= 0))
    throw new ArgumentError(op, `maxNorm is a number of at least 0, got ${describe(maxNorm)}`);
  if (typeof normType !== 'number' || !(normType > 0))
    throw new ArgumentError(op, `normType is a positive number, got ${describe(normType)}`);
  if (typeof errorIfNonfinite !== 'boolean')
    throw new ArgumentError(op, `errorIfNonfinite is a boolean, got ${describe(errorIfNonfinite)}`);
  const grads = gradients(op, params).filter((grad) => grad.size > 0);
  const first = grads[0];
  if (first === undefined) return zeros([]);
  return noGrad(() =>
    scope(() => {
      expectChangeable(op, grads);
      const { backend, dtype } = first;
      const norms = grads.map((grad) => to(norm(grad, normType), { backend, dtype }));
      const total = norm(stack(norms), normType);
      if (errorIfNonfinite && !Number.isFinite(total.item()))
        throw new ArgumentError(op, `the total norm of the gradients is ${total.item()}`);
      // The small constant is PyTorch's.
      const factor = minimum(div(maxNorm, add(total, 1e-6)), 1);
      for (const grad of grads) mul_(grad, to(factor, { backend: grad.backend, dtype: grad.dtype }));
      return total;
    }),
  );
}

/** Cuts every element of the gradients off at −clipValue and clipValue. */
export function clipGradValue(params: Parameters, clipValue: number): void {
  if (typeof clipValue !== 'number' || !(clipValue >= 0))
    throw new ArgumentError('clipGradValue', `clipValue is a number of at least 0, got ${describe(clipValue)}`);
  noGrad(() => {
    const grads = gradients('clipGradValue', params);
    expectChangeable('clipGradValue', grads);
    for (const grad of grads) minimum_(maximum_(grad, -clipValue), clipValue);
  });
}
