/** Adagrad, composed of ops: one step is a handful of them, and `compile` makes them one. */
import { add, add_, div, mul, sqrt, square, sub, sub_ } from '../generated/elementwise.ts';
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

/** Settings of `Adagrad`. */
export interface AdagradOptions extends BaseOptions {
  /** The rate of step k, counted from 0, is lr / (1 + k · lrDecay). */
  lrDecay?: number;
  /** Added to the gradient, times the parameter. */
  weightDecay?: number;
  /** What the sums of squares start with. */
  initialAccumulatorValue?: number;
  /** Added to the denominator. */
  eps?: number;
}

const DEFAULTS: Required<AdagradOptions> = {
  lr: 1e-2,
  lrDecay: 0,
  weightDecay: 0,
  initialAccumulatorValue: 0,
  eps: 1e-10,
  maximize: false,
};

const CHECKS: Checks<AdagradOptions> = {
  lr: nonNegative,
  lrDecay: nonNegative,
  weightDecay: nonNegative,
  initialAccumulatorValue: nonNegative,
  eps: nonNegative,
  maximize: flag,
};

/** Adagrad (Duchi, Hazan and Singer 2011), as torch.optim.Adagrad: steps shrink with the root of the sum of all squared gradients. */
export class Adagrad extends Optimizer<AdagradOptions> {
  /**
   * @param params Tensors, or groups `{ params, lr, … }` of them with settings of their own.
   * @throws ArgumentError for settings out of range, for parameters that are none or appear twice.
   */
  constructor(params: Parameters | Iterable<GroupOptions<AdagradOptions>>, options: AdagradOptions = {}) {
    super('Adagrad', params, options, DEFAULTS, CHECKS);
  }

  protected buffers(): readonly string[] {
    return ['sum'];
  }

  protected override initial(_name: string, { initialAccumulatorValue }: ParamGroup<AdagradOptions>): number {
    return initialAccumulatorValue;
  }

  protected update(
    parameter: Tensor,
    gradient: Tensor,
    state: ParamState,
    rate: Tensor,
    { lrDecay, weightDecay, eps }: ParamGroup<AdagradOptions>,
  ): void {
    const { step, sum } = state as { step: Tensor; sum: Tensor };
    scope(() => {
      add_(step, 1);
      const g = weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
      add_(sum, square(g));
      const size = lrDecay === 0 ? rate : div(rate, add(mul(sub(step, 1), lrDecay), 1));
      // The rate stays a float64 tensor up to where it meets the parameter, whose dtype would otherwise change.
      sub_(parameter, mul(div(g, add(sqrt(sum), eps)), castTo(size, parameter.dtype)));
    });
  }
}
