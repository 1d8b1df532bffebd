/** Stochastic gradient descent. */
import { ArgumentError } from '../errors.ts';
import { sgdStep } from '../ops/update.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { finite, flag, nonNegative, type Parameters } from './arguments.ts';
import {
  type BaseOptions,
  type Checks,
  type GroupOptions,
  Optimizer,
  type ParamGroup,
  type ParamState,
} from './optimizer.ts';

/** Settings of `SGD`. */
export interface SGDOptions extends BaseOptions {
  /** How much of the last step is kept; 0 for none. */
  momentum?: number;
  /** How much of the gradient is left out of the running average. */
  dampening?: number;
  /** Added to the gradient, times the parameter. */
  weightDecay?: number;
  /** Nesterov's momentum. */
  nesterov?: boolean;
}

const DEFAULTS: Required<SGDOptions> = {
  lr: 1e-3,
  momentum: 0,
  dampening: 0,
  weightDecay: 0,
  nesterov: false,
  maximize: false,
};

const CHECKS: Checks<SGDOptions> = {
  lr: nonNegative,
  momentum: nonNegative,
  dampening: finite,
  weightDecay: nonNegative,
  nesterov: flag,
  maximize: flag,
};

/** Stochastic gradient descent with momentum (Sutskever et al. 2013), as torch.optim.SGD. */
export class SGD extends Optimizer<SGDOptions> {
  /**
   * @param params Tensors, or groups `{ params, lr, … }` of them with settings of their own.
   * @throws ArgumentError for settings out of range, for parameters that are none or appear twice.
   */
  constructor(params: Parameters | Iterable<GroupOptions<SGDOptions>>, options: SGDOptions = {}) {
    super('SGD', params, options, DEFAULTS, CHECKS);
  }

  protected override checkTogether({ nesterov, momentum, dampening }: Required<SGDOptions>): void {
    if (nesterov && (momentum === 0 || dampening !== 0))
      throw new ArgumentError('SGD', `nesterov needs a momentum and no dampening, got ${momentum} and ${dampening}`);
  }

  protected buffers({ momentum }: ParamGroup<SGDOptions>): readonly string[] {
    return momentum === 0 ? [] : ['momentumBuffer'];
  }

  protected update(
    parameter: Tensor,
    gradient: Tensor,
    state: ParamState,
    rate: Tensor,
    group: ParamGroup<SGDOptions>,
  ): void {
    const buffer = group.momentum === 0 ? null : (state.momentumBuffer as Tensor);
    sgdStep(parameter, gradient, buffer, state.step as Tensor, rate, group);
  }
}
