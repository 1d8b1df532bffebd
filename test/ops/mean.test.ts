/** Means lie within the data: they are sums divided by counts, not multiplied by their reciprocals, and are rounded once. */
import { compile, crossEntropy, full, mseLoss, ones, scope, setBackend, type Tensor, tensor } from 'cotangent';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

const numbers = (x: Tensor): number[] => Array.from(x.data(), Number);
const COUNTS = [1, 2, 3, 5, 7, 10, 41, 100, 513, 1000, 4097];
const VALUES = [0.1, 1 / 3, 16777213, 1e-40, -7.7, 1.9999999];

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => setBackend(backend));

  test('of ones are one', () => {
    for (const n of COUNTS) expect(ones(n).mean().item()).toBe(1);
    expect(tensor([16777213, 16777213, 16777213]).mean().item()).toBe(16777213);
  });

  test.each(['float32', 'float64'] as const)(
    'of equal elements are that element, along every dimension, in %s',
    (dtype) => {
      const compiled = [undefined, 0, 1].map((dim) => compile((x: Tensor) => x.mul(1).mean(dim)));
      for (const n of COUNTS)
        for (const value of VALUES)
          scope(() => {
            const x = full([n, 3], value, { dtype });
            const [element] = numbers(x.narrow(0, 0, 1));
            const means = [
              x.mean(),
              x.mean(0),
              x.mean(1),
              x.t().mean(1),
              x.t().mean(0),
              full([3, n], value, { dtype }).mean(1),
            ];
            for (const mean of [...means, ...compiled.map((step) => step(x))])
              for (const m of numbers(mean)) expect(m).toBe(element);
            for (const step of compiled.slice(1))
              for (const m of numbers(step(full([3, n], value, { dtype })))) expect(m).toBe(element);
          });
    },
  );

  test.each(['float32', 'float64'] as const)('of elements next to each other lie between them, in %s', (dtype) => {
    const step = dtype === 'float32' ? 2 ** -23 : 2 ** -52;
    const compiled = compile((x: Tensor) => x.mul(1).mean());
    for (const n of COUNTS) {
      const values = Array.from({ length: n }, (_, i) => 1.75 + step * (i % 2));
      const x = tensor(values, { dtype });
      for (const mean of [x.mean(), compiled(x)]) {
        expect(mean.item()).toBeGreaterThanOrEqual(Math.min(...values));
        expect(mean.item()).toBeLessThanOrEqual(Math.max(...values));
      }
    }
  });

  test('what no finite mean has keeps what it is, and an empty one is NaN', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      expect(tensor([Infinity, 1, 2], { dtype }).mean().item()).toBe(Infinity);
      expect(tensor([Infinity, -Infinity], { dtype }).mean().item()).toBeNaN();
      expect(tensor([1, Number.NaN], { dtype }).mean().item()).toBeNaN();
      expect(ones([0], { dtype }).mean().item()).toBeNaN();
      expect(numbers(ones([2, 0], { dtype }).mean(1))).toEqual([Number.NaN, Number.NaN]);
    }
    // A sum that float32 cannot hold.
    expect(full([4], 3e38).mean().item()).toBe(Math.fround(3e38));
  });

  test('gradients are divided as well', () => {
    const x = ones([41], { requiresGrad: true });
    x.mean().backward();
    expect(numbers(x.grad as Tensor)).toEqual(new Array(41).fill(Math.fround(1 / 41)));
    const step = compile(() => {
      x.grad = null;
      x.mul(1).mean().backward();
    });
    step();
    expect(numbers(x.grad as Tensor)).toEqual(new Array(41).fill(Math.fround(1 / 41)));
  });

  test('losses that are means are exact where their terms are equal', () => {
    for (const n of [3, 41, 49, 1000]) {
      expect(mseLoss(full([n], 3), ones(n)).item()).toBe(4);
      const logits = full([n, 1], 5);
      expect(crossEntropy(logits, ones([n], { dtype: 'int64' }).sub(1)).item()).toBe(0);
      const two = full([n, 2], 1);
      const one = crossEntropy(two.narrow(0, 0, 1), ones([1], { dtype: 'int64' })).item();
      expect(crossEntropy(two, ones([n], { dtype: 'int64' })).item()).toBe(one);
    }
  });
});
