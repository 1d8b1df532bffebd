/** Losses as modules: the settings of a loss function, kept. The functions are in `src/ops/loss.ts`. */
import {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  crossEntropy,
  l1Loss,
  mseLoss,
  nllLoss,
  type Reduction,
  type ReductionOptions,
} from '../ops/loss.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { choice, optional, probability, readArguments, tensor, whole } from './arguments.ts';
import { Module } from './module.ts';

const reduction = choice<Reduction>(['mean', 'sum', 'none']);

/** What compares an input with a target. */
abstract class Loss extends Module {
  abstract readonly reduction: Reduction;
  abstract override forward(input: Tensor, target: Tensor): Tensor;

  override extraRepr(): string {
    return `reduction='${this.reduction}'`;
  }
}

/** A loss whose elements or classes have weights of their own. */
abstract class WeightedLoss extends Loss {
  declare weight: Tensor | null;

  constructor(weight: Tensor | null) {
    super();
    this.registerBuffer('weight', weight);
  }
}

/** Mean squared error. */
export class MSELoss extends Loss {
  readonly reduction: Reduction;

  constructor(options?: ReductionOptions) {
    super();
    this.reduction = readArguments('MSELoss', [options], { reduction }).reduction;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target, { reduction: this.reduction });
  }
}

/** Mean absolute error. */
export class L1Loss extends Loss {
  readonly reduction: Reduction;

  constructor(options?: ReductionOptions) {
    super();
    this.reduction = readArguments('L1Loss', [options], { reduction }).reduction;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, { reduction: this.reduction });
  }
}

/** Options of `BCELoss`. */
export interface BCELossOptions extends ReductionOptions {
  /** Factor of every element's loss, broadcast. */
  weight?: Tensor | null;
}

/** Binary cross entropy of probabilities. */
export class BCELoss extends WeightedLoss {
  readonly reduction: Reduction;

  constructor(options?: BCELossOptions) {
    const given = readArguments('BCELoss', [options], { weight: optional(tensor), reduction });
    super(given.weight);
    this.reduction = given.reduction;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropy(input, target, { weight: this.weight, reduction: this.reduction });
  }
}

/** Options of `BCEWithLogitsLoss`. */
export interface BCEWithLogitsLossOptions extends BCELossOptions {
  /** Factor of the loss of positive targets, broadcast. */
  posWeight?: Tensor | null;
}

/** Binary cross entropy of logits, computed stably. */
export class BCEWithLogitsLoss extends WeightedLoss {
  readonly reduction: Reduction;
  declare posWeight: Tensor | null;

  constructor(options?: BCEWithLogitsLossOptions) {
    const given = readArguments('BCEWithLogitsLoss', [options], {
      weight: optional(tensor),
      reduction,
      posWeight: optional(tensor),
    });
    super(given.weight);
    this.reduction = given.reduction;
    this.registerBuffer('posWeight', given.posWeight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropyWithLogits(input, target, {
      weight: this.weight,
      posWeight: this.posWeight,
      reduction: this.reduction,
    });
  }
}

/** Options of `NLLLoss`. */
export interface NLLLossOptions extends ReductionOptions {
  /** Factor of each class: [C]. */
  weight?: Tensor | null;
  /** Targets of this class do not count; −100 by default. */
  ignoreIndex?: number;
}

const classes = { weight: optional(tensor), ignoreIndex: whole(-100), reduction };

/** Negative log likelihood: of log probabilities [N, C, …] and classes [N, …]. */
export class NLLLoss extends WeightedLoss {
  readonly reduction: Reduction;
  readonly ignoreIndex: number;

  constructor(options?: NLLLossOptions) {
    const given = readArguments('NLLLoss', [options], classes);
    super(given.weight);
    this.reduction = given.reduction;
    this.ignoreIndex = given.ignoreIndex;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    return nllLoss(input, target, { weight: this.weight, ignoreIndex: this.ignoreIndex, reduction: this.reduction });
  }
}

/** Options of `CrossEntropyLoss`. */
export interface CrossEntropyLossOptions extends NLLLossOptions {
  /** In [0, 1]: so much of the target is spread evenly over all classes. */
  labelSmoothing?: number;
}

/** Cross entropy: of logits [N, C, …] and classes [N, …], or class probabilities [N, C, …]. */
export class CrossEntropyLoss extends WeightedLoss {
  readonly reduction: Reduction;
  readonly ignoreIndex: number;
  readonly labelSmoothing: number;

  constructor(options?: CrossEntropyLossOptions) {
    const given = readArguments('CrossEntropyLoss', [options], { ...classes, labelSmoothing: probability(0) });
    super(given.weight);
    this.reduction = given.reduction;
    this.ignoreIndex = given.ignoreIndex;
    this.labelSmoothing = given.labelSmoothing;
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction, labelSmoothing } = this;
    return crossEntropy(input, target, { weight, ignoreIndex, reduction, labelSmoothing });
  }
}
