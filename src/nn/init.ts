/**
 * Filling parameters with initial values, in place and without recording. Import as a namespace: `import { init } from 'cotangent/nn'`.
 * Names and defaults are those of torch.nn.init.
 */
import { noGrad } from '../autograd/mode.ts';
import { ArgumentError, describe, formatShape, ShapeError } from '../errors.ts';
import { add_, clamp_, erf, erfinv_, mul_ } from '../generated/elementwise.ts';
import { fill_ } from '../ops/convert.ts';
import { tensor as toTensor } from '../ops/creation.ts';
import { normal_ as fillNormal, uniform_ as fillUniform, type RandomOptions } from '../ops/random.ts';
import { diagonal } from '../ops/view.ts';
import { expectTensor } from '../tensor/create.ts';
import { sizeOf } from '../tensor/layout.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Uniform numbers from [a, b). */
export const uniform_ = (x: Tensor, a = 0, b = 1, options?: RandomOptions): Tensor =>
  noGrad(() => fillUniform(x, a, b, options));

/** Normally distributed numbers. */
export const normal_ = (x: Tensor, mean = 0, std = 1, options?: RandomOptions): Tensor =>
  noGrad(() => fillNormal(x, mean, std, options));

/** The same number everywhere. */
export const constant_ = (x: Tensor, value: number): Tensor => noGrad(() => fill_(x, value));

export const zeros_ = (x: Tensor): Tensor => constant_(x, 0);

export const ones_ = (x: Tensor): Tensor => constant_(x, 1);

/** Ones on the diagonal of a matrix, zeros elsewhere. */
export function eye_(x: Tensor): Tensor {
  expectTensor('eye_', x);
  if (x.ndim !== 2) throw new ShapeError('eye_', `wants a matrix, got shape ${formatShape(x.shape)}`);
  return noGrad(() => {
    fill_(x, 0);
    fill_(diagonal(x), 1);
    return x;
  });
}

/** Φ, the distribution function of the standard normal distribution. */
const normalCdf = (z: number): number => (1 + erf(toTensor(z / Math.SQRT2, { dtype: 'float64' })).item()) / 2;

/** Normally distributed numbers, those outside [a, b] drawn again: by inverting the distribution function. */
export function truncNormal_(x: Tensor, mean = 0, std = 1, a = -2, b = 2, options?: RandomOptions): Tensor {
  const op = 'truncNormal_';
  expectTensor(op, x);
  for (const [name, value] of Object.entries({ mean, std, a, b }))
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new ArgumentError(op, `${name} is a finite number, got ${describe(value)}`);
  if (std <= 0 || a >= b) throw new ArgumentError(op, `wants std > 0 and a < b, got ${std}, ${a} and ${b}`);
  return noGrad(() => {
    const [low, high] = [normalCdf((a - mean) / std), normalCdf((b - mean) / std)];
    fillUniform(x, 2 * low - 1, 2 * high - 1, options);
    return clamp_(add_(mul_(erfinv_(x), std * Math.SQRT2), mean), a, b);
  });
}

/** Whether the variance of outputs (fan in) or of gradients (fan out) is kept. */
export type FanMode = 'fanIn' | 'fanOut';

/** Functions that follow a layer. */
export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu';

/** The factor that keeps the variance of activations behind a nonlinearity. `param` is the negative slope of leakyRelu. */
export function calculateGain(nonlinearity: Nonlinearity, param = 0.01): number {
  if (typeof param !== 'number' || Number.isNaN(param))
    throw new ArgumentError('calculateGain', `param is a number, got ${describe(param)}`);
  switch (nonlinearity) {
    case 'linear':
    case 'sigmoid':
      return 1;
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + param ** 2));
    case 'selu':
      return 3 / 4;
    default:
      throw new ArgumentError(
        'calculateGain',
        `knows linear, sigmoid, tanh, relu, leakyRelu, selu, got ${describe(nonlinearity)}`,
      );
  }
}

/** Inputs and outputs of one unit of a weight [out, in, …kernel]. */
function fans(op: string, x: Tensor): { fanIn: number; fanOut: number } {
  expectTensor(op, x);
  if (x.ndim < 2)
    throw new ShapeError(op, `wants a weight of at least two dimensions, got shape ${formatShape(x.shape)}`);
  const field = sizeOf(x.shape.slice(2));
  return { fanIn: (x.shape[1] as number) * field, fanOut: (x.shape[0] as number) * field };
}

function xavierStd(op: string, x: Tensor, gain: number): number {
  if (typeof gain !== 'number' || !(gain >= 0))
    throw new ArgumentError(op, `gain is a number of at least 0, got ${describe(gain)}`);
  const { fanIn, fanOut } = fans(op, x);
  return fanIn + fanOut === 0 ? 0 : gain * Math.sqrt(2 / (fanIn + fanOut));
}

/** Uniform, of variance 2 gain² / (fanIn + fanOut) (Glorot and Bengio 2010). */
export function xavierUniform_(x: Tensor, gain = 1, options?: RandomOptions): Tensor {
  const bound = Math.sqrt(3) * xavierStd('xavierUniform_', x, gain);
  return uniform_(x, -bound, bound, options);
}

/** Normal, of variance 2 gain² / (fanIn + fanOut) (Glorot and Bengio 2010). */
export const xavierNormal_ = (x: Tensor, gain = 1, options?: RandomOptions): Tensor =>
  normal_(x, 0, xavierStd('xavierNormal_', x, gain), options);

function kaimingStd(op: string, x: Tensor, a: number, mode: FanMode, nonlinearity: Nonlinearity): number {
  if (mode !== 'fanIn' && mode !== 'fanOut')
    throw new ArgumentError(op, `mode is 'fanIn' or 'fanOut', got ${describe(mode)}`);
  const fan = fans(op, x)[mode];
  const gain = calculateGain(nonlinearity, a);
  return fan === 0 ? 0 : gain / Math.sqrt(fan);
}

/** Uniform, of variance gain² / fan (He et al. 2015). @param a The negative slope of the leakyRelu that follows. */
export function kaimingUniform_(
  x: Tensor,
  a = 0,
  mode: FanMode = 'fanIn',
  nonlinearity: Nonlinearity = 'leakyRelu',
  options?: RandomOptions,
): Tensor {
  const bound = Math.sqrt(3) * kaimingStd('kaimingUniform_', x, a, mode, nonlinearity);
  return uniform_(x, -bound, bound, options);
}

/** Normal, of variance gain² / fan (He et al. 2015). @param a The negative slope of the leakyRelu that follows. */
export function kaimingNormal_(
  x: Tensor,
  a = 0,
  mode: FanMode = 'fanIn',
  nonlinearity: Nonlinearity = 'leakyRelu',
  options?: RandomOptions,
): Tensor {
  return normal_(x, 0, kaimingStd('kaimingNormal_', x, a, mode, nonlinearity), options);
}
