/** Reductions over every set of dimensions and layout, against plain loops. */
import { describe, expect, test } from 'vitest';
import * as ct from '../../src/index.ts';
import { backends } from '../support/backends.ts';
import { difference, indices, Naive, sample } from '../support/naive.ts';

const FOLDS = {
  sum: (values: number[]) => values.reduce((a, b) => a + b, 0),
  prod: (values: number[]) => values.reduce((a, b) => a * b, 1),
  amax: (values: number[]) => Math.max(...values),
  amin: (values: number[]) => Math.min(...values),
  mean: (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length,
} as const;

const DIMS = [[0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]] as const;

/** Values of x along `dims`, for every index of the rest. */
function groups(x: Naive, dims: readonly number[]): { shape: number[]; values: number[][] } {
  const kept = x.shape.map((_, d) => d).filter((d) => !dims.includes(d));
  const shape = kept.map((d) => x.shape[d] as number);
  const values = [...indices(shape)].map((outer) =>
    [...indices(dims.map((d) => x.shape[d] as number))].map((inner) => {
      const index = x.shape.map(
        (_, d) => (dims.includes(d) ? inner[dims.indexOf(d)] : outer[kept.indexOf(d)]) as number,
      );
      return x.at(index);
    }),
  );
  return { shape, values };
}

describe.each(backends)('on %s', (backend) => {
  describe.each(Object.entries(FOLDS))('%s', (name, fold) => {
    const run = (x: ct.Tensor, dims: readonly number[]) => ct[name as keyof typeof FOLDS](x, dims);

    test.each(DIMS.map((dims) => [dims] as const))('over %j, in any layout and dtype', (dims) => {
      for (const [dtype, tolerance] of [
        ['float64', 1e-12],
        ['float32', 1e-4],
      ] as const) {
        const base = sample([5, 19, 33], 7, backend, dtype);
        const layouts = [
          base,
          base.permute(2, 0, 1),
          base.permute(1, 2, 0),
          base.slice(2, 1, null, 3),
          base.select(1, 3).unsqueeze(2).expand(5, 33, 4),
        ];
        for (const layout of layouts) {
          // Products of many numbers overflow what a tolerance relative to 1 means.
          const x = name === 'prod' ? layout.mul(0.05).add(1) : layout;
          const { shape, values } = groups(Naive.of(x), dims);
          expect(difference(run(x, dims), new Naive(shape, values.map(fold))), `shape [${x.shape}]`).toBeLessThan(
            tolerance,
          );
        }
      }
    });

    test('the gradient agrees with finite differences, to second order', () => {
      const x = sample([2, 3, 4], 5, backend).clone().requiresGrad_();
      expect(ct.gradcheck((v) => run(v, [0, 2]), [x])).toBe(true);
      expect(ct.gradgradcheck((v) => run(v, [1]), [x])).toBe(true);
    });

    test('keepdim leaves size 1', () => {
      const x = sample([2, 3, 4], 5, backend);
      const out = ct[name as keyof typeof FOLDS](x, [0, 2], { keepdim: true });
      expect(out.shape).toEqual([1, 3, 1]);
      expect(out.reshape(3).data()).toEqual(run(x, [0, 2]).data());
    });
  });

  test('the product has the right gradients where elements are zero', () => {
    for (const data of [
      [2, 0, 3],
      [0, 0, 3],
      [2, 4, 3],
    ]) {
      const x = ct.tensor(data, { dtype: 'float64', backend, requiresGrad: true });
      x.prod().backward();
      expect(x.grad?.toArray()).toEqual(data.map((_, i) => FOLDS.prod(data.filter((_, j) => j !== i))));
    }
  });

  test('a million float32 numbers are summed to nearly full precision', () => {
    const n = 1 << 20;
    const x = ct.full([n], 0.1, { backend });
    const exact = n * Math.fround(0.1);
    expect(Math.abs(x.sum().item() / exact - 1)).toBeLessThan(5e-7);
    expect(Math.abs(x.reshape(1024, 1024).sum(0).sum().item() / exact - 1)).toBeLessThan(1e-6);
  });

  test('the result does not depend on the number of threads', () => {
    const x = sample([1 << 18], 3, backend, 'float32');
    const sums = [1, 2, 3].map((threads) => {
      ct.setNumThreads(threads);
      return [x.sum().item(), x.reshape(512, 512).sum(0).sum().item()];
    });
    ct.setNumThreads(2);
    expect(sums[1]).toEqual(sums[0]);
    expect(sums[2]).toEqual(sums[0]);
  });

  test('integers and bools are summed as int64', () => {
    for (const dtype of ['int32', 'uint8', 'bool', 'int64'] as const) {
      const x = ct.ones([300], { dtype, backend });
      expect(x.sum().dtype).toBe('int64');
      expect(x.sum().item()).toBe(300);
    }
    expect(() => ct.ones([3], { dtype: 'int32', backend }).mean()).toThrow(ct.DTypeError);
  });

  test('arg-reductions give the first of equals, and NaN wins', () => {
    const x = ct.tensor(
      [
        [1, 5, 5],
        [Number.NaN, 7, -1],
      ],
      { backend },
    );
    expect(x.argmax(1).toArray()).toEqual([1, 0]);
    expect(x.argmin(1).toArray()).toEqual([0, 0]);
    expect(x.argmax().item()).toBe(3);
    expect(x.amax(1).toArray()).toEqual([5, Number.NaN]);
    expect(x.argmax(0, true).shape).toEqual([1, 3]);
    const { values, indices: where } = x.slice(0, 0, 1).max(1);
    expect([values.item(), where.item()]).toEqual([5, 1]);
  });

  test('amax shares the gradient among equals, max with a dimension gives it to one', () => {
    const leaf = () => ct.tensor([3, 3, 1], { dtype: 'float64', backend, requiresGrad: true });
    const [x, y] = [leaf(), leaf()];
    x.amax().backward();
    expect(x.grad?.toArray()).toEqual([0.5, 0.5, 0]);
    y.max(0).values.backward();
    expect(y.grad?.toArray()).toEqual([1, 0, 0]);
  });

  test('any and all over dimensions, over nothing, and of numbers', () => {
    const x = ct.tensor(
      [
        [0, 2],
        [0, 0],
      ],
      { backend },
    );
    expect(x.any(1).toArray()).toEqual([true, false]);
    expect(x.all(0).toArray()).toEqual([false, false]);
    expect(ct.zeros([0], { backend }).any().item()).toBe(0);
    expect(ct.zeros([0], { backend }).all().item()).toBe(1);
    expect(x.countNonzero().item()).toBe(1);
  });

  test('var and std use the correction asked for', () => {
    const x = ct.tensor([1, 2, 3, 4], { dtype: 'float64', backend });
    expect(x.var().item()).toBeCloseTo(5 / 3, 14);
    expect(x.var(null, { correction: 0 }).item()).toBeCloseTo(1.25, 14);
    expect(x.std().item()).toBeCloseTo(Math.sqrt(5 / 3), 14);
    expect(ct.gradcheck((v) => [v.var(0), v.std(0)], [sample([4, 2], 1, backend).clone().requiresGrad_()])).toBe(true);
  });

  test('logsumexp does not overflow, and takes infinities', () => {
    const inf = Number.POSITIVE_INFINITY;
    const x = ct.tensor(
      [
        [1000, 1000],
        [-inf, -inf],
        [inf, 0],
      ],
      { dtype: 'float64', backend },
    );
    expect(x.logsumexp(1).toArray()).toEqual([1000 + Math.log(2), -inf, inf]);
    const y = sample([3, 4], 2, backend).clone().requiresGrad_();
    expect(ct.gradcheck((v) => v.logsumexp(1), [y])).toBe(true);
    expect(ct.gradgradcheck((v) => v.logsumexp(0), [y])).toBe(true);
  });

  test.each([2, 1, 3, 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0])('norm with p = %d', (p) => {
    const x = sample([3, 5], 4, backend);
    const want = groups(Naive.of(x), [1]).values.map((row) => {
      const sizes = row.map(Math.abs);
      if (p === 0) return sizes.filter((v) => v !== 0).length;
      if (!Number.isFinite(p)) return p > 0 ? Math.max(...sizes) : Math.min(...sizes);
      return FOLDS.sum(sizes.map((v) => v ** p)) ** (1 / p);
    });
    expect(difference(x.norm(p, 1), new Naive([3], want))).toBeLessThan(1e-12);
  });

  test('dimensions that do not exist, and nothing to choose from', () => {
    const x = ct.zeros([2, 0], { backend });
    expect(() => x.sum(2)).toThrow('sum: dimension 2 is not in [-2, 1] for a tensor of 2 dimensions');
    expect(() => x.amax(1)).toThrow(ct.ShapeError);
    expect(() => x.argmax()).toThrow(/^argmax: no elements/);
    expect(() => x.sum([0, 0])).toThrow(/^sum: dimension repeated/);
    expect(x.sum(1).toArray()).toEqual([0, 0]);
    expect(x.prod(1).toArray()).toEqual([1, 1]);
  });
});
