/**
 * Training by compiled steps is training by eager steps: the same losses and the same weights, bit by bit where nothing but the
 * records of eager ops runs. With the passes sums are added up in another order, so that the last digits may differ.
 */
import * as ct from 'cotangent';
import { compile, crossEntropy, type Tensor, tensor } from 'cotangent';
import { Dropout, Embedding, GELU, LayerNorm, Linear, type Module, Sequential, TransformerBlock } from 'cotangent/nn';
import { Adagrad, Adam, AdamW, clipGradNorm, type Optimizer, RMSprop, SGD } from 'cotangent/optim';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Gpt } from '../../src/cli/gpt.ts';
import { setBuildOptions } from '../../src/compile/compiled.ts';
import { backends } from '../support/backends.ts';
import { random } from '../support/samples.ts';

const STEPS = 6;

/** What one training run is made of, built twice with the same seed. */
interface Training {
  parameters: readonly Tensor[];
  optimizer: Optimizer;
  loss(x: Tensor, y: Tensor): Tensor;
  /** Between backward and the step. */
  adjust?: () => unknown;
  batch(step: number): [Tensor, Tensor];
}

interface Run {
  losses: number[];
  weights: ct.TypedArray[];
}

/** Losses of all steps, and the weights after them. */
function train({ parameters, optimizer, loss, adjust, batch }: Training, compiled: boolean): Run {
  ct.manualSeed(11);
  const eager = (x: Tensor, y: Tensor) => {
    optimizer.zeroGrad();
    const value = loss(x, y);
    value.backward();
    adjust?.();
    optimizer.step();
    return value;
  };
  const step = compiled ? compile(eager) : eager;
  const losses = Array.from({ length: STEPS }, (_, i) => ct.scope(() => step(...batch(i)).item()));
  const weights = parameters.map((parameter) => parameter.data());
  if (compiled) expect((step as ct.Compiled<[Tensor, Tensor], Tensor>).recordings).toBe(1);
  optimizer.zeroGrad();
  optimizer.loadStateDict({ ...optimizer.stateDict(), state: {} });
  return { losses, weights };
}

const floats = (shape: number[], seed: number, dtype: 'float32' | 'float64' = 'float32') => {
  const next = random(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Array.from({ length: size }, () => 2 * next() - 1),
    { dtype },
  ).reshape(shape);
};
const classes = (shape: number[], n: number, seed: number) => {
  const next = random(seed + 1000);
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Array.from({ length: size }, () => BigInt(Math.floor(next() * n))),
    { dtype: 'int64' },
  ).reshape(shape);
};

/** Where passes are on, models are trained by SGD: Adam makes a step of the rounding of a gradient that is zero. */
type Build = (exact: boolean) => Training;
const regression =
  (make: (parameters: Tensor[]) => Optimizer, dtype: 'float32' | 'float64'): Build =>
  () => {
    const w = floats([3], 1, dtype).requiresGrad_();
    const b = tensor(0, { dtype }).requiresGrad_();
    return {
      parameters: [w, b],
      optimizer: make([w, b]),
      loss: (x, y) => x.matmul(w).add(b).sub(y).square().mean(),
      batch: (i) => [floats([16, 3], i, dtype), floats([16], 50 + i, dtype)],
    };
  };

function classifier(
  exact: boolean,
  model: Module & { forward(x: Tensor): Tensor },
  batch: Training['batch'],
): Training {
  return {
    parameters: model.parameters(),
    optimizer: exact ? new AdamW(model.parameters(), { lr: 0.02 }) : new SGD(model.parameters(), { lr: 0.1 }),
    loss: (x, y) => crossEntropy(ct.flatten(model(x) as Tensor, 0, -2), ct.flatten(y)),
    batch,
  };
}

const optimizers: [string, (parameters: Tensor[]) => Optimizer][] = [
  ['SGD', (p) => new SGD(p, { lr: 0.1 })],
  [
    'SGD with momentum, dampening and weight decay',
    (p) => new SGD(p, { lr: 0.1, momentum: 0.9, dampening: 0.5, weightDecay: 0.1 }),
  ],
  ['SGD with Nesterov momentum', (p) => new SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true })],
  ['Adam with weight decay', (p) => new Adam(p, { lr: 0.1, weightDecay: 0.1 })],
  ['AdamW', (p) => new AdamW(p, { lr: 0.1 })],
  ['AMSGrad', (p) => new Adam(p, { lr: 0.1, amsgrad: true })],
  [
    'Adagrad with decay',
    (p) => new Adagrad(p, { lr: 0.1, lrDecay: 0.1, weightDecay: 0.1, initialAccumulatorValue: 0.1 }),
  ],
  ['RMSprop', (p) => new RMSprop(p, { lr: 0.1, weightDecay: 0.1 })],
  ['centered RMSprop with momentum', (p) => new RMSprop(p, { lr: 0.1, momentum: 0.5, centered: true })],
  ['climbing', (p) => new AdamW(p, { lr: 0.1, maximize: true })],
];

/** The largest difference of two lists. */
function largest(got: ArrayLike<unknown>, want: ArrayLike<unknown> = []): number {
  expect(got.length).toBe(want.length);
  return Math.max(...Array.from(got, (value, i) => Math.abs(Number(value) - Number(want[i]))));
}

const models: [string, Build][] = [
  [
    'a perceptron with dropout and layer norm',
    (exact) =>
      classifier(
        exact,
        new Sequential(new Linear(5, 16), new LayerNorm(16), new GELU(), new Dropout(0.5), new Linear(16, 3)),
        (i) => [floats([8, 5], i), classes([8], 3, i)],
      ),
  ],
  [
    'an embedding',
    (exact) =>
      classifier(exact, new Sequential(new Embedding(7, 4), new Linear(4, 7)), (i) => [
        classes([4, 6], 7, i),
        classes([4, 6], 7, i + 1),
      ]),
  ],
  [
    'a transformer block with dropout',
    (exact) =>
      classifier(
        exact,
        new Sequential(new TransformerBlock(8, 2, { causal: true, dropout: 0.2 }), new Linear(8, 5)),
        (i) => [floats([2, 6, 8], i), classes([2, 6], 5, i)],
      ),
  ],
  [
    'a small GPT with clipped gradients',
    (exact) => {
      const gpt = new Gpt({ vocabulary: 11, context: 8, layers: 2, width: 16, heads: 2 });
      const training = classifier(exact, gpt, (i) => [classes([3, 8], 11, i), classes([3, 8], 11, i + 1)]);
      return { ...training, adjust: () => clipGradNorm(gpt.parameters(), 0.5) };
    },
  ],
];

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));

  const run = (build: Build, exact: boolean, compiled: boolean) => {
    ct.manualSeed(7);
    return train(build(exact), compiled);
  };

  const compare = (build: Build, { dtype = 'float32' }: { dtype?: string } = {}) => {
    setBuildOptions({ raw: true });
    expect(run(build, true, true)).toEqual(run(build, true, false));
    const eager = run(build, false, false);
    const limit = dtype === 'float64' ? 1e-13 : 1e-5;
    for (const poison of [false, true]) {
      setBuildOptions({ poison });
      const { losses, weights } = run(build, false, true);
      expect(largest(losses, eager.losses)).toBeLessThan(limit);
      for (const [i, weight] of weights.entries()) expect(largest(weight, eager.weights[i])).toBeLessThan(limit);
    }
  };
  afterEach(() => setBuildOptions({}));

  describe.each(['float32', 'float64'] as const)('a linear regression in %s', (dtype) => {
    test.each(optimizers)('by %s', (_, make) => compare(regression(make, dtype), { dtype }));
  });

  test.each(models)('%s', (_, build) => compare(build));

  test('inference without gradients', () => {
    const model = new Sequential(new TransformerBlock(8, 2), new Linear(8, 3)).eval();
    const step = compile((x: Tensor) => ct.noGrad(() => model(x).softmax(-1)), { reuseOutputs: true });
    for (let i = 0; i < 3; i++) {
      const x = floats([2, 5, 8], i);
      expect(step(x).data()).toEqual(ct.noGrad(() => model(x).softmax(-1)).data());
    }
  });
});
