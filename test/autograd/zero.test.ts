/** Results that do not change with their inputs, and inputs without elements: gradients are zeros or empty there, not missing. */
import * as ct from 'cotangent';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';
import { poison } from '../support/poison.ts';

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));
  const leaf = (shape: readonly number[]) => ct.full(shape, 0.5, { dtype: 'float64' }).requiresGrad_();

  /** The gradients of the leaves after backward, in memory that was full of NaN. */
  const gradients = (leaves: readonly ct.Tensor[], f: () => ct.Tensor): (ct.TypedArray | undefined)[] => {
    poison(backend);
    const y = f();
    expect(y.requiresGrad).toBe(true);
    poison(backend);
    y.sum().backward();
    for (const x of leaves) expect(x.grad?.shape).toEqual(x.shape);
    return leaves.map((x) => x.grad?.data());
  };

  test.each<[string, (x: ct.Tensor) => ct.Tensor]>([
    ['norm(0)', (x) => x.norm(0)],
    ['norm(0) of rows', (x) => x.norm(0, 1, true)],
    ['pow(0)', (x) => x.pow(0)],
    ['sign', (x) => x.sign()],
    ['round', (x) => x.round()],
    ['round to decimals', (x) => x.round({ decimals: 1 })],
    ['floor', (x) => x.floor()],
    ['ceil', (x) => x.ceil()],
    ['trunc', (x) => x.trunc()],
    ['div with a rounding mode', (x) => x.div(0.2, { roundingMode: 'trunc' })],
    ['bernoulli', (x) => x.bernoulli()],
    ['heaviside', (x) => x.heaviside(1)],
    ['dropout of everything', (x) => ct.dropout(x, 1)],
    ['clamp to nothing', (x) => x.clamp(2, 1)],
    ['mul by 0', (x) => x.mul(0)],
    ['a mask over everything', (x) => x.maskedFill(ct.ones([2, 3], { dtype: 'bool' }), 1)],
    ['no slice', (x) => x.narrow(0, 0, 0)],
    ['gather of nothing', (x) => x.gather(0, ct.zeros([0, 3], { dtype: 'int64' }))],
    ['topk of none', (x) => x.topk(0).values],
    [
      'addmm without its base',
      (x) => ct.addmm(x, ct.ones([2, 2], { dtype: 'float64' }), ct.ones([2, 3], { dtype: 'float64' }), { beta: 0 }),
    ],
  ])('%s', (_, f) => {
    const x = leaf([2, 3]);
    expect(gradients([x], () => f(x))).toEqual([new Float64Array(6)]);
    const slope = ct.compile((x: ct.Tensor) => ct.grad((x) => f(x).sum())(x));
    for (let i = 0; i < 2; i++) expect(slope(x.detach()).data()).toEqual(new Float64Array(6));
  });

  test('an empty vector among tensors of another rank that are joined', () => {
    const [a, b] = [leaf([0]), leaf([2, 3])];
    expect(gradients([a, b], () => ct.cat([a, b, a], 1))).toEqual([new Float64Array(0), new Float64Array(6).fill(1)]);
    expect(ct.grad(ct.cat([b, a]).sum(), [a])[0]?.shape).toEqual([0]);
  });

  test.each<[string, number[][], (...xs: ct.Tensor[]) => ct.Tensor]>([
    [
      'conv2d of no images',
      [[0, 1, 3, 3], [2, 1, 2, 2], [2]],
      (x, w, b) => ct.conv2d(x as ct.Tensor, w as ct.Tensor, b),
    ],
    [
      'convTranspose2d of no images',
      [[0, 1, 3, 3], [1, 2, 2, 2], [2]],
      (x, w, b) => ct.convTranspose2d(x as ct.Tensor, w as ct.Tensor, b),
    ],
    ['linear of no rows', [[0, 3], [2, 3], [2]], (x, w, b) => ct.linear(x as ct.Tensor, w as ct.Tensor, b)],
    ['layerNorm of no rows', [[0, 3], [3], [3]], (x, w, b) => ct.layerNorm(x as ct.Tensor, 3, w, b)],
    [
      'matmul over nothing',
      [
        [2, 0],
        [0, 3],
      ],
      (x, w) => (x as ct.Tensor).matmul(w as ct.Tensor),
    ],
    ['sums over nothing', [[2, 0]], (x) => (x as ct.Tensor).sum(1)],
    ['products over nothing', [[2, 0]], (x) => (x as ct.Tensor).prod(1)],
    ['a sum of nothing with something', [[0, 3], [3]], (x, b) => (x as ct.Tensor).add(b as ct.Tensor)],
  ])('%s', (_, shapes, f) => {
    const leaves = shapes.map(leaf);
    const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
    expect(gradients(leaves, () => f(...leaves))).toEqual(shapes.map((shape) => new Float64Array(size(shape))));
  });

  test('results without elements that no convolution has are refused', () => {
    const x = leaf([1, 1, 1, 1]);
    expect(() => ct.convTranspose2d(x, leaf([1, 1, 2, 2]), { padding: 1 })).toThrow(
      /^convTranspose2d: images of \[1, 1\] would become \[0, 0\]/,
    );
    expect(() => ct.convTranspose2d(x, leaf([1, 0, 2, 2]))).toThrow(
      /^convTranspose2d: wants a weight of four dimensions, each at least 1/,
    );
    expect(() => ct.conv2d(x, leaf([0, 1, 1, 1]))).toThrow(
      /^conv2d: wants a weight of four dimensions, each at least 1/,
    );
    expect(() => ct.norm(leaf([0]), -1)).toThrow(/^norm: of order -1 has no value for no elements/);
  });

  test('no probability is an error, eager and compiled, and no step is taken', () => {
    const loss = (x: ct.Tensor) => ct.binaryCrossEntropy(x, ct.zerosLike(x));
    const message = (value: string) =>
      new RegExp(`^binaryCrossEntropy: wants all elements to lie between 0 and 1, got ${value}$`);
    for (const dtype of ['float32', 'float64'] as const) {
      const of = (data: number[]) => ct.tensor(data, { dtype });
      expect(
        loss(of([0, 0.5, 1]))
          .isfinite()
          .item(),
      ).toBe(1);
      expect(() => loss(of([0.5, 1.5]))).toThrow(message('1.5'));
      expect(() => loss(of([-0.5]))).toThrow(ct.ArgumentError);
      expect(() => loss(of([Number.NaN, 0]))).toThrow(message('NaN'));
      expect(() => loss(of([0, 1, 0, 2]).reshape([2, 2]).t())).toThrow(message('2'));
      expect(() => ct.vmap(loss)(of([0, 1, 0, 3]).reshape([2, 2]))).toThrow(message('3'));
      expect(loss(of([])).size).toBe(1);
      const w = of([0]);
      const step = ct.compile((x: ct.Tensor) => {
        const value = loss(x.add(w));
        ct.noGrad(() => w.add_(0.25));
        return value;
      });
      step(of([0.5]));
      expect(() => step(of([1]))).toThrow(message('1.25'));
      expect(w.item()).toBe(0.25);
      expect(step(of([0.5])).item()).toBeCloseTo(-Math.log(0.25), 5);
    }
  });
});
