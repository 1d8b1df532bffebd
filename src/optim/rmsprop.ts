/** RMSprop, composed of ops: one step is a handful of them, and `compile` makes them one. */
import { add, add_, div, mul, mul_, sqrt, square, sub, sub_ } from '../generated/elementwise.ts';
import { scope } from '../memory/scope.ts';
import { castTo } from '../ops/convert.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { flag, nonNegative, type Parameters } from './arguments.ts';
import {
  type BaseOptions,
  type Checks,
  type GroupOptions,
  Optimizer,
  type ParamGroup,
  type ParamState,
} from './optimizer.ts';

/** Settings of `RMSprop`. */
export interface RMSpropOptions extends BaseOptions {
  /** Decay of the running mean of the squared gradient. */
  alpha?: number;
  /** Added to the denominator. */
  eps?: number;
  /** Added to the gradient, times the parameter. */
  weightDecay?: number;
  /** How much of the last step is kept; 0 for none. */
  momentum?: number;
  /** Divide by the gradient's running standard deviation: the mean of the squares less the square of the mean. */
  centered?: boolean;
}

const DEFAULTS: Required<RMSpropOptions> = {
  lr: 1e-2,
  alpha: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0,
  centered: false,
  maximize: false,
};

const CHECKS: Checks<RMSpropOptions> = {
  lr: nonNegative,
  alpha: nonNegative,
  eps: nonNegative,
  weightDecay: nonNegative,
  momentum: nonNegative,
  centered: flag,
  maximize: flag,
};

/** RMSprop (Tieleman and Hinton 2012; centered: Graves 2013), as torch.optim.RMSprop. */
export class RMSprop extends Optimizer<RMSpropOptions> {
  /**
   * @param params Tensors, or groups `{ params, lr, … }` of them with settings of their own.
   * @throws ArgumentError for settings out of range, for parameters that are none or appear twice.
   */
  constructor(params: Parameters | Iterable<GroupOptions<RMSpropOptions>>, options: RMSpropOptions = {}) {
    super('RMSprop', params, options, DEFAULTS, CHECKS);
  }

  protected buffers({ momentum, centered }: ParamGroup<RMSpropOptions>): readonly string[] {
    return ['squareAvg', ...(momentum > 0 ? ['momentumBuffer'] : []), ...(centered ? ['gradAvg'] : [])];
  }

  protected update(
    parameter: Tensor,
    gradient: Tensor,
    state: ParamState,
    rate: Tensor,
    { alpha, eps, weightDecay, momentum, centered }: ParamGroup<RMSpropOptions>,
  ): void {
    const { step, squareAvg, momentumBuffer, gradAvg } = state as Record<string, Tensor> & {
      step: Tensor;
      squareAvg: Tensor;
    };
    scope(() => {
      add_(step, 1);
      const g = weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
      add_(mul_(squareAvg, alpha), mul(square(g), 1 - alpha));
      let variance = squareAvg;
      if (centered) {
        const mean = gradAvg as Tensor;
        add_(mul_(mean, alpha), mul(g, 1 - alpha));
        variance = sub(squareAvg, square(mean));
      }
      let direction = div(g, add(sqrt(variance), eps));
      if (momentum > 0) direction = add_(mul_(momentumBuffer as Tensor, momentum), direction);
      // The rate stays a float64 tensor up to where it meets the parameter, whose dtype would otherwise change.
      sub_(parameter, mul(direction, castTo(rate, parameter.dtype)));
    });
  }
}
