/** Activations as modules: one elementwise function each, with its settings kept. The functions are rows of `src/ops/table/activations.ts`. */
import {
  celu,
  elu,
  hardshrink,
  hardsigmoid,
  hardswish,
  hardtanh,
  leakyRelu,
  logsigmoid,
  mish,
  relu,
  relu6,
  selu,
  sigmoid,
  silu,
  softplus,
  softshrink,
  softsign,
  tanh,
  tanhshrink,
  threshold,
} from '../generated/elementwise.ts';
import { gelu } from '../ops/arithmetic.ts';
import { logSoftmax, softmax } from '../ops/softmax.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { choice, type Kind, number, readArguments, requiredNumber, whole } from './arguments.ts';
import { Module } from './module.ts';

/** max(x, 0). */
export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/** min(max(x, 0), 6). */
export class ReLU6 extends Module {
  forward(x: Tensor): Tensor {
    return relu6(x);
  }
}

/** Scaled ELU (Klambauer et al. 2017). */
export class SELU extends Module {
  forward(x: Tensor): Tensor {
    return selu(x);
  }
}

/** x · σ(x), also known as swish. */
export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return silu(x);
  }
}

/** x · tanh(softplus(x)) (Misra 2019). */
export class Mish extends Module {
  forward(x: Tensor): Tensor {
    return mish(x);
  }
}

/** 1 / (1 + e⁻ˣ). */
export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

/** log σ(x), computed stably. */
export class LogSigmoid extends Module {
  forward(x: Tensor): Tensor {
    return logsigmoid(x);
  }
}

/** The hyperbolic tangent. */
export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/** x − tanh(x). */
export class Tanhshrink extends Module {
  forward(x: Tensor): Tensor {
    return tanhshrink(x);
  }
}

/** x / (1 + |x|). */
export class Softsign extends Module {
  forward(x: Tensor): Tensor {
    return softsign(x);
  }
}

/** σ approximated by three straight pieces. */
export class Hardsigmoid extends Module {
  forward(x: Tensor): Tensor {
    return hardsigmoid(x);
  }
}

/** x · hardsigmoid(x). */
export class Hardswish extends Module {
  forward(x: Tensor): Tensor {
    return hardswish(x);
  }
}

/** x where positive, negativeSlope · x elsewhere. */
export class LeakyReLU extends Module {
  readonly negativeSlope: number;

  constructor(negativeSlope?: number | { negativeSlope?: number }) {
    super();
    const given = readArguments('LeakyReLU', [negativeSlope], { negativeSlope: number(0.01) });
    this.negativeSlope = given.negativeSlope;
  }

  forward(x: Tensor): Tensor {
    return leakyRelu(x, this.negativeSlope);
  }

  override extraRepr(): string {
    return `negativeSlope=${this.negativeSlope}`;
  }
}

/** x where positive, alpha · (eˣ − 1) elsewhere (Clevert et al. 2015). */
export class ELU extends Module {
  readonly alpha: number;

  constructor(alpha?: number | { alpha?: number }) {
    super();
    const given = readArguments('ELU', [alpha], { alpha: number(1) });
    this.alpha = given.alpha;
  }

  forward(x: Tensor): Tensor {
    return elu(x, this.alpha);
  }

  override extraRepr(): string {
    return `alpha=${this.alpha}`;
  }
}

/** ELU made continuously differentiable (Barron 2017). */
export class CELU extends Module {
  readonly alpha: number;

  constructor(alpha?: number | { alpha?: number }) {
    super();
    const given = readArguments('CELU', [alpha], { alpha: number(1) });
    this.alpha = given.alpha;
  }

  forward(x: Tensor): Tensor {
    return celu(x, this.alpha);
  }

  override extraRepr(): string {
    return `alpha=${this.alpha}`;
  }
}

/** log(1 + e^(beta · x)) / beta; x itself where beta · x exceeds the threshold. */
export class Softplus extends Module {
  readonly beta: number;
  readonly threshold: number;

  constructor(beta?: number | { beta?: number; threshold?: number }, threshold?: number) {
    super();
    const given = readArguments('Softplus', [beta, threshold], { beta: number(1), threshold: number(20) });
    this.beta = given.beta;
    this.threshold = given.threshold;
  }

  forward(x: Tensor): Tensor {
    return softplus(x, this.beta, this.threshold);
  }

  override extraRepr(): string {
    return `beta=${this.beta}, threshold=${this.threshold}`;
  }
}

/** x cut off at minVal and maxVal. */
export class Hardtanh extends Module {
  readonly minVal: number;
  readonly maxVal: number;

  constructor(minVal?: number | { minVal?: number; maxVal?: number }, maxVal?: number) {
    super();
    const given = readArguments('Hardtanh', [minVal, maxVal], { minVal: number(-1), maxVal: number(1) });
    this.minVal = given.minVal;
    this.maxVal = given.maxVal;
  }

  forward(x: Tensor): Tensor {
    return hardtanh(x, this.minVal, this.maxVal);
  }

  override extraRepr(): string {
    return `minVal=${this.minVal}, maxVal=${this.maxVal}`;
  }
}

/** x where |x| > lambd, 0 elsewhere. */
export class Hardshrink extends Module {
  readonly lambd: number;

  constructor(lambd?: number | { lambd?: number }) {
    super();
    const given = readArguments('Hardshrink', [lambd], { lambd: number(0.5) });
    this.lambd = given.lambd;
  }

  forward(x: Tensor): Tensor {
    return hardshrink(x, this.lambd);
  }

  override extraRepr(): string {
    return `lambd=${this.lambd}`;
  }
}

/** x moved towards 0 by lambd, 0 within it. */
export class Softshrink extends Module {
  readonly lambd: number;

  constructor(lambd?: number | { lambd?: number }) {
    super();
    const given = readArguments('Softshrink', [lambd], { lambd: number(0.5) });
    this.lambd = given.lambd;
  }

  forward(x: Tensor): Tensor {
    return softshrink(x, this.lambd);
  }

  override extraRepr(): string {
    return `lambd=${this.lambd}`;
  }
}

/** x where it exceeds the threshold, value elsewhere. */
export class Threshold extends Module {
  readonly threshold: number;
  readonly value: number;

  constructor(threshold: number, value: number) {
    super();
    const given = readArguments('Threshold', [threshold, value], { threshold: requiredNumber, value: requiredNumber });
    this.threshold = given.threshold;
    this.value = given.value;
  }

  forward(x: Tensor): Tensor {
    return threshold(x, this.threshold, this.value);
  }

  override extraRepr(): string {
    return `threshold=${this.threshold}, value=${this.value}`;
  }
}

/** x · Φ(x) with Φ the normal distribution function, or an approximation by way of tanh (Hendrycks and Gimpel 2016). */
export class GELU extends Module {
  readonly approximate: 'none' | 'tanh';

  constructor(approximate?: 'none' | 'tanh' | { approximate?: 'none' | 'tanh' }) {
    super();
    this.approximate = readArguments('GELU', [approximate], {
      approximate: choice<'none' | 'tanh'>(['none', 'tanh']),
    }).approximate;
  }

  forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate });
  }

  override extraRepr(): string {
    return `approximate='${this.approximate}'`;
  }
}

/** The dimension to normalise over, which has no sensible default. */
const dimension: Kind<number> = { test: whole(0).test, range: 'a whole number' };

/** Exponentials divided by their sum along `dim`. */
export class Softmax extends Module {
  readonly dim: number;

  constructor(dim: number | { dim: number }) {
    super();
    this.dim = readArguments('Softmax', [dim], { dim: dimension }).dim;
  }

  forward(x: Tensor): Tensor {
    return softmax(x, this.dim);
  }

  override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}

/** Logarithm of softmax along `dim`, computed stably. */
export class LogSoftmax extends Module {
  readonly dim: number;

  constructor(dim: number | { dim: number }) {
    super();
    this.dim = readArguments('LogSoftmax', [dim], { dim: dimension }).dim;
  }

  forward(x: Tensor): Tensor {
    return logSoftmax(x, this.dim);
  }

  override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}
