/** Lists longer than any that is real are refused by their length: nobody walks, copies or prints them. */
import { ArgumentError, CotangentError, gradcheck, ones, type Tensor } from 'cotangent';
import { directionalDerivative, gradient, lagrange, stationaryPoints } from 'cotangent/calculus';
import { LayerNorm, RMSNorm } from 'cotangent/nn';
import { Adagrad, Adam, AdamW, LBFGS, RMSprop, SGD } from 'cotangent/optim';
import { animation, bars } from 'cotangent/plot';
import { describe, expect, test } from 'vitest';

const longest = new Array(2 ** 32 - 1);
const f = (x: Tensor) => x.sum();

describe('the longest array there is', () => {
  test('holds no parameters to optimize', () => {
    for (const Optimizer of [SGD, Adam, AdamW, RMSprop, Adagrad, LBFGS])
      expect(() => new Optimizer(longest, { lr: 0.1 })).toThrow(ArgumentError);
  });

  test('is no shape, and no list of inputs or outputs', () => {
    expect(() => new LayerNorm(longest)).toThrow(ArgumentError);
    expect(() => new RMSNorm(longest)).toThrow(ArgumentError);
    expect(() => ones([2]).sum(longest)).toThrow(CotangentError);
    expect(() => gradcheck(f, longest)).toThrow(ArgumentError);
    const x = ones([1], { dtype: 'float64', requiresGrad: true });
    expect(() => gradcheck(() => longest, [x])).toThrow(ArgumentError);
  });

  test('is no point, no region and no list of constraints', () => {
    expect(() => gradient(f, longest)).toThrow(ArgumentError);
    expect(() => directionalDerivative(f, longest, [1])).toThrow(ArgumentError);
    expect(() => stationaryPoints(f, longest as never)).toThrow(ArgumentError);
    expect(() => lagrange(f, longest, [1])).toThrow(ArgumentError);
  });

  test('holds no figures and no numbers to draw', () => {
    expect(() => animation(longest)).toThrow(ArgumentError);
    expect(() => bars(longest as never)).toThrow(ArgumentError);
  });
});

test('what has the prototype of a tensor is no options object', () => {
  const fakes = [Object.create(Object.getPrototypeOf(ones([1]))), new Proxy(ones([1]), {}), ones([1])];
  for (const fake of fakes) {
    expect(() => ones([2], fake)).toThrow(CotangentError);
    expect(() => ones([2]).sum(0, fake)).toThrow(ArgumentError);
  }
});
