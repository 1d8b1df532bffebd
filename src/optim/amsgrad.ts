/** The AMSGrad variant of Adam, composed of ops: it is rare enough to go without a kernel. */
import { add, add_, div, maximum_, mul, mul_, pow, sqrt, square, sub, sub_ } from '../generated/elementwise.ts';
import { scope } from '../memory/scope.ts';
import { castTo } from '../ops/convert.ts';
import type { AdamSettings } from '../ops/update.ts';
import type { Tensor } from '../tensor/tensor.ts';

/**
 * One step of Adam that divides by the largest second moment so far (Reddi, Kale and Kumar, "On the Convergence of Adam and
 * Beyond", 2018). Arguments are those of `adamStep`, besides `largest`. Called without recording.
 */
export function amsgradStep(
  parameter: Tensor,
  gradient: Tensor,
  first: Tensor,
  second: Tensor,
  largest: Tensor,
  step: Tensor,
  rate: Tensor,
  { beta1, beta2, eps, weightDecay, decoupled }: AdamSettings,
): void {
  scope(() => {
    // Scalars stay float64 tensors up to where they meet the parameter, whose dtype would otherwise change.
    const scalar = (x: Tensor) => castTo(x, parameter.dtype);
    add_(step, 1);
    let g = gradient;
    if (weightDecay !== 0) {
      if (decoupled) mul_(parameter, scalar(sub(1, mul(rate, weightDecay))));
      else g = add(gradient, mul(parameter, weightDecay));
    }
    add_(mul_(first, beta1), mul(g, 1 - beta1));
    add_(mul_(second, beta2), mul(square(g), 1 - beta2));
    maximum_(largest, second);
    const unbias = sqrt(sub(1, pow(beta2, step)));
    const size = div(rate, sub(1, pow(beta1, step)));
    const scale = add(div(sqrt(largest), scalar(unbias)), eps);
    sub_(parameter, mul(div(first, scale), scalar(size)));
  });
}
