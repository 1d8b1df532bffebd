/** Adam and AdamW: the same step, apart from what weight decay means. */
import { adamStep } from '../ops/update.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { amsgradStep } from './amsgrad.ts';
import { betas, flag, nonNegative, type Parameters } from './arguments.ts';
import {
  type BaseOptions,
  type Checks,
  type GroupOptions,
  Optimizer,
  type ParamGroup,
  type ParamState,
} from './optimizer.ts';

/** Settings of `Adam` and `AdamW`. */
export interface AdamOptions extends BaseOptions {
  /** Decay of the running means of the gradient and of its square. */
  betas?: readonly [number, number];
  /** Added to the denominator. */
  eps?: number;
  weightDecay?: number;
  /** Divide by the largest second moment so far instead of the present one. */
  amsgrad?: boolean;
}

const DEFAULTS: Required<AdamOptions> = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
  maximize: false,
};

const CHECKS: Checks<AdamOptions> = {
  lr: nonNegative,
  betas,
  eps: nonNegative,
  weightDecay: nonNegative,
  amsgrad: flag,
  maximize: flag,
};

abstract class AdamFamily extends Optimizer<AdamOptions> {
  protected abstract readonly decoupled: boolean;

  protected buffers({ amsgrad }: ParamGroup<AdamOptions>): readonly string[] {
    return amsgrad ? ['expAvg', 'expAvgSq', 'maxExpAvgSq'] : ['expAvg', 'expAvgSq'];
  }

  protected update(
    parameter: Tensor,
    gradient: Tensor,
    state: ParamState,
    rate: Tensor,
    group: ParamGroup<AdamOptions>,
  ): void {
    const [beta1, beta2] = group.betas;
    const { eps, weightDecay } = group;
    const settings = { beta1, beta2, eps, weightDecay, decoupled: this.decoupled };
    const { expAvg, expAvgSq, maxExpAvgSq, step } = state as Record<string, Tensor> & {
      expAvg: Tensor;
      expAvgSq: Tensor;
      step: Tensor;
    };
    if (group.amsgrad) amsgradStep(parameter, gradient, expAvg, expAvgSq, maxExpAvgSq as Tensor, step, rate, settings);
    else adamStep(parameter, gradient, expAvg, expAvgSq, step, rate, settings);
  }
}

/** Adam (Kingma and Ba 2015), as torch.optim.Adam: weight decay is added to the gradient. */
export class Adam extends AdamFamily {
  protected readonly decoupled = false;

  /**
   * @param params Tensors, or groups `{ params, lr, … }` of them with settings of their own.
   * @throws ArgumentError for settings out of range, for parameters that are none or appear twice.
   */
  constructor(params: Parameters | Iterable<GroupOptions<AdamOptions>>, options: AdamOptions = {}) {
    super('Adam', params, options, DEFAULTS, CHECKS);
  }
}

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019), as torch.optim.AdamW: parameters shrink by lr · weightDecay. */
export class AdamW extends AdamFamily {
  protected readonly decoupled = true;

  /**
   * @param params Tensors, or groups `{ params, lr, … }` of them with settings of their own.
   * @param options As for Adam, but `weightDecay` is 0.01 by default.
   * @throws ArgumentError for settings out of range, for parameters that are none or appear twice.
   */
  constructor(params: Parameters | Iterable<GroupOptions<AdamOptions>>, options: AdamOptions = {}) {
    super('AdamW', params, options, { ...DEFAULTS, weightDecay: 1e-2 }, CHECKS);
  }
}
