/** Layers: initial values, options and refusals. Their numbers are compared with PyTorch in `test/conformance`. */
import {
  ArgumentError,
  arange,
  CotangentError,
  IndexError,
  manualSeed,
  ones,
  randint,
  randn,
  ShapeError,
  type Tensor,
  tensor,
  zeros,
} from 'cotangent';
import * as nn from 'cotangent/nn';
import { AdamW } from 'cotangent/optim';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const numbers = (x: Tensor): number[] => Array.from(x.data() as ArrayLike<number>);
const largest = (x: Tensor): number => x.abs().max().item();
const deviation = (x: Tensor): number => x.std().item();

describe('initial values are those of PyTorch', () => {
  test('Linear: uniform within 1 / √inFeatures', () => {
    manualSeed(1);
    const layer = new nn.Linear(64, 500);
    for (const x of [layer.weight, layer.bias as Tensor]) {
      expect(largest(x)).toBeLessThanOrEqual(1 / 8);
      expect(deviation(x)).toBeCloseTo(1 / 8 / Math.sqrt(3), 2);
    }
    expect(new nn.Linear(2, 3, false).bias).toBeNull();
    expect(new nn.Linear(2, 3, { bias: false, dtype: 'float64' }).weight.dtype).toBe('float64');
  });

  test('Embedding: standard normal, zeros in the padding row, which gets no gradient', () => {
    const layer = new nn.Embedding(1000, 8, { paddingIdx: -1 });
    expect(deviation(layer.weight)).toBeCloseTo(1, 1);
    expect(numbers(layer(tensor([999], { dtype: 'int64' })))).toEqual(new Array(8).fill(0));
    layer(tensor([999, 0, 0], { dtype: 'int64' }))
      .sum()
      .backward();
    const grad = layer.weight.grad as Tensor;
    expect([grad.select(0, 999).sum().item(), grad.select(0, 0).sum().item()]).toEqual([0, 16]);
    expect(() => new nn.Embedding(3, 2, { paddingIdx: 3 })).toThrow(IndexError);
  });

  test('RMSNorm: ones, or no weight at all', () => {
    const layer = new nn.RMSNorm([2, 3], { eps: 1e-3, dtype: 'float64' });
    expect([layer.weight?.shape, numbers(layer.weight as Tensor)]).toEqual([[2, 3], new Array(6).fill(1)]);
    expect(`${layer}`).toBe('RMSNorm([2, 3], eps=0.001, elementwiseAffine=true)');
    expect(new nn.RMSNorm(4, null, false).weight).toBeNull();
    // Without eps, a row of zeros is divided by the root of the machine epsilon, not by 0.
    expect(numbers(new nn.RMSNorm(2)(zeros([1, 2])))).toEqual([0, 0]);
    expect(() => new nn.RMSNorm(0)).toThrow(ArgumentError);
    expect(() => layer(ones([2, 3]))).toThrow(CotangentError);
  });

  test('MultiheadAttention: Xavier, biases zero', () => {
    const layer = new nn.MultiheadAttention(32, 4);
    expect(largest(layer.inProjWeight as Tensor)).toBeLessThanOrEqual(Math.sqrt(6 / 128));
    expect([layer.inProjBias, layer.outProj.bias].map((b) => largest(b as Tensor))).toEqual([0, 0]);
    expect(() => new nn.MultiheadAttention(32, 5)).toThrow(ArgumentError);
  });
});

describe('init', () => {
  const { init } = nn;
  test.each([
    ['xavierUniform_', (x: Tensor) => init.xavierUniform_(x, 2), 2 * Math.sqrt(2 / 300)],
    ['xavierNormal_', (x: Tensor) => init.xavierNormal_(x), Math.sqrt(2 / 300)],
    ['kaimingUniform_', (x: Tensor) => init.kaimingUniform_(x, 0, 'fanIn', 'relu'), Math.sqrt(2 / 200)],
    ['kaimingNormal_', (x: Tensor) => init.kaimingNormal_(x, 1, 'fanOut'), Math.sqrt(1 / 100)],
    ['normal_', (x: Tensor) => init.normal_(x, 0, 3), 3],
    ['uniform_', (x: Tensor) => init.uniform_(x, -1, 1), 1 / Math.sqrt(3)],
    // The variance of a standard normal distribution cut off at ±2.
    ['truncNormal_', (x: Tensor) => init.truncNormal_(x), Math.sqrt(0.77374)],
  ] as const)('%s has the right spread', (_name, fill, std) => {
    manualSeed(3);
    const x = zeros(100, 200, { requiresGrad: true });
    expect(fill(x)).toBe(x);
    expect(Math.abs(deviation(x) / std - 1)).toBeLessThan(0.02);
    expect(Math.abs(x.mean().item()) / std).toBeLessThan(0.03);
    expect(x.isLeaf).toBe(true);
  });

  test('truncNormal_ keeps its bounds', () => {
    const x = init.truncNormal_(zeros(10000), 1, 2, 0, 1.5);
    expect(x.min().item()).toBeGreaterThanOrEqual(0);
    expect(x.max().item()).toBeLessThanOrEqual(1.5);
  });

  test('constants, the identity, gains', () => {
    expect(numbers(init.constant_(zeros(2), 3))).toEqual([3, 3]);
    expect(init.eye_(ones(2, 3)).toArray()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ]);
    expect(init.calculateGain('leakyRelu', 1)).toBe(1);
    expect(() => init.calculateGain('swish' as never)).toThrow(ArgumentError);
    expect(() => init.xavierUniform_(zeros(3))).toThrow(ShapeError);
    expect(() => init.kaimingNormal_(zeros(3, 3), 0, 'out' as never)).toThrow(ArgumentError);
  });
});

describe('attention', () => {
  const causal = (n: number) => ones(n, n, { dtype: 'bool' }).triu(1);

  test('weights are optional and do not change the output', () => {
    const layer = new nn.MultiheadAttention(8, 2, { batchFirst: true });
    const x = randn(3, 5, 8);
    const mask = causal(5);
    const [out, weights] = layer(x, x, x, { attnMask: mask });
    expect([out.shape, weights?.shape]).toEqual([
      [3, 5, 8],
      [3, 5, 5],
    ]);
    expect(layer(x, x, x, { attnMask: mask, averageAttnWeights: false })[1]?.shape).toEqual([3, 2, 5, 5]);
    for (const options of [
      { attnMask: mask },
      { isCausal: true },
      { isCausal: true, keyPaddingMask: zeros(3, 5, { dtype: 'bool' }) },
    ]) {
      const [fast, none] = layer(x, x, x, { ...options, needWeights: false });
      expect(none).toBeNull();
      expect(largest(fast.sub(out))).toBeLessThan(1e-5);
    }
    expect(largest(layer(x, x, x, { isCausal: true })[0].sub(out))).toBeLessThan(1e-5);
  });

  test('padding keys are not seen', () => {
    const layer = new nn.MultiheadAttention(4, 1);
    const [a, b] = [randn(3, 1, 4), randn(3, 1, 4)];
    const query = randn(2, 1, 4);
    const mixed = a.clone();
    mixed.narrow(0, 2, 1).copy_(b.narrow(0, 2, 1));
    const keyPaddingMask = tensor([[false, false, true]]);
    const [one, two] = [a, mixed].map((x) => layer(query, x, x, { keyPaddingMask })[0]);
    expect(largest((one as Tensor).sub(two as Tensor))).toBe(0);
  });

  test('keys and values of other sizes have projections of their own', () => {
    const layer = new nn.MultiheadAttention(4, 2, { kdim: 3, vdim: 5 });
    expect(Object.keys(layer.stateDict()).slice(0, 3)).toEqual(['q_proj_weight', 'k_proj_weight', 'v_proj_weight']);
    expect(layer(randn(2, 1, 4), randn(6, 1, 3), randn(6, 1, 5))[0].shape).toEqual([2, 1, 4]);
    expect(() => layer(randn(2, 1, 4), randn(6, 1, 4), randn(6, 1, 5))).toThrow(ShapeError);
  });

  test('a causal block does not look ahead', () => {
    const block = new nn.TransformerBlock(8, 2);
    const x = randn(1, 4, 8);
    const y = x.clone();
    y.select(1, 3).fill_(9);
    const [a, b] = [block(x), block(y)].map((out) => out.narrow(1, 0, 3));
    expect(largest((a as Tensor).sub(b as Tensor))).toBe(0);
    const open = new nn.TransformerBlock(8, 2, { causal: false });
    expect(largest(open(x).sub(open(y)).narrow(1, 0, 3))).toBeGreaterThan(0);
  });
});

test('a small transformer learns to copy the token before', () => {
  manualSeed(11);
  class Model extends nn.Module {
    tokens = new nn.Embedding(6, 16);
    places = new nn.Embedding(8, 16);
    block = new nn.TransformerBlock(16, 2);
    head = new nn.Linear(16, 6);
    forward(x: Tensor): Tensor {
      return this.head(this.block(this.tokens(x).add(this.places(arange(8)))));
    }
  }
  const model = new Model();
  const optimizer = new AdamW(model.parameters(), { lr: 1e-2 });
  const lossOf = new nn.CrossEntropyLoss();
  let loss = Number.POSITIVE_INFINITY;
  for (let step = 0; step < 80; step++) {
    const x = randint(6, [16, 8]);
    const value = lossOf(model(x).slice(1, 1).reshape(-1, 6), x.slice(1, 0, 7).reshape(-1));
    optimizer.zeroGrad();
    value.backward();
    optimizer.step();
    loss = value.item();
  }
  expect(loss).toBeLessThan(0.3);
});

describe('junk is a typed error', () => {
  const constructors = Object.entries(nn).filter(
    ([, value]) => typeof value === 'function' && value !== nn.Module,
  ) as unknown as [string, new (...args: unknown[]) => nn.Module][];
  const small = fc.oneof(fc.anything({ withBigInt: true, withMap: true, withSparseArray: true }), fc.nat(8));
  const tame = (value: unknown) => (typeof value === 'number' && Math.abs(value) > 64 ? value % 64 : value);
  const typed = (fn: () => unknown): unknown => {
    try {
      return fn();
    } catch (error) {
      if (!(error instanceof CotangentError)) throw error;
      return undefined;
    }
  };

  test('in constructors and calls', () => {
    fc.assert(
      fc.property(
        fc.nat(constructors.length - 1),
        fc.array(small, { maxLength: 3 }),
        fc.array(small, { maxLength: 3 }),
        (which, args, inputs) => {
          const [, Layer] = constructors[which] as (typeof constructors)[number];
          const layer = typed(() => new Layer(...args.map(tame)));
          if (layer instanceof nn.Module)
            typed(() => (layer as unknown as (...inputs: unknown[]) => unknown)(...inputs));
        },
      ),
      { numRuns: 3000, seed: 5 },
    );
  });
});
