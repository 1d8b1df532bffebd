/** Matrix products against triple loops, in sizes around every block and vector width, with operands in any layout. */
import { describe, expect, test } from 'vitest';
import * as ct from '../../src/index.ts';
import { backends } from '../support/backends.ts';
import { difference, Naive, sample } from '../support/naive.ts';

function naiveProduct(a: ct.Tensor, b: ct.Tensor): Naive {
  const [x, y] = [Naive.of(a), Naive.of(b)];
  const [m, k] = x.shape as [number, number];
  const n = y.shape[1] as number;
  return Naive.build([m, n], ([i, j]) => {
    let sum = 0;
    for (let p = 0; p < k; p++) sum += x.at([i as number, p]) * y.at([p, j as number]);
    return sum;
  });
}

const SIZES = [
  [1, 1, 1],
  [1, 5, 3],
  [7, 1, 9],
  [4, 8, 1],
  [3, 17, 33],
  [14, 32, 16],
  [15, 33, 17],
  [64, 64, 64],
  [65, 31, 130],
  [130, 70, 260],
  [1, 300, 200],
  [200, 1, 300],
] as const;

describe.each(backends)('on %s', (backend) => {
  describe.each([
    ['float64', 1e-12],
    ['float32', 2e-4],
  ] as const)('%s', (dtype, tolerance) => {
    test.each(SIZES)('[%i, ·] × [·, %i] with %i terms', (m, n, k) => {
      const [a, b] = [sample([m, k], 1, backend, dtype), sample([k, n], 2, backend, dtype)];
      const want = naiveProduct(a, b);
      expect(difference(a.matmul(b), want)).toBeLessThan(tolerance);
      // The same numbers read in place through transposed and stepped strides.
      const at = a.t().contiguous().t();
      const bt = b.t().contiguous().t();
      expect(difference(at.matmul(bt), want)).toBeLessThan(tolerance);
      const stepped = ct
        .stack([a, a], 2)
        .reshape(m, 2 * k)
        .slice(1, 0, null, 2);
      expect(difference(stepped.matmul(b), want)).toBeLessThan(tolerance);
    });
  });

  test.each(['int32', 'int64', 'uint8'] as const)('%s products are exact', (dtype) => {
    const [a, b] = [
      ct.arange(12, { backend }).reshape(3, 4).to(dtype),
      ct.arange(8, { backend }).reshape(4, 2).to(dtype),
    ];
    expect(a.matmul(b).toArray()).toEqual([
      [28, 34],
      [76, 98],
      [124, 162],
    ]);
    expect(a.matmul(b).dtype).toBe(dtype);
  });

  test('batches broadcast', () => {
    const a = sample([2, 1, 3, 4], 3, backend);
    const b = sample([5, 4, 2], 4, backend);
    const out = a.matmul(b);
    expect(out.shape).toEqual([2, 5, 3, 2]);
    for (let i = 0; i < 2; i++)
      for (let j = 0; j < 5; j++) {
        const want = naiveProduct(a.select(0, i).select(0, 0), b.select(0, j));
        expect(difference(out.select(0, i).select(0, j), want)).toBeLessThan(1e-12);
      }
  });

  test('vectors count as a row or a column', () => {
    const v = ct.tensor([1, 2, 3], { backend });
    const m = ct.ones([3, 2], { backend });
    expect(v.matmul(v).item()).toBe(14);
    expect(v.matmul(m).toArray()).toEqual([6, 6]);
    expect(m.t().matmul(v).toArray()).toEqual([6, 6]);
  });

  test('no terms give zeros, no rows give nothing', () => {
    expect(
      ct
        .zeros([2, 0], { backend })
        .matmul(ct.zeros([0, 3], { backend }))
        .data(),
    ).toEqual(new Float32Array(6));
    expect(ct.zeros([0, 4], { backend }).matmul(ct.zeros([4, 3], { backend })).shape).toEqual([0, 3]);
  });

  test.each([
    [
      'matmul',
      [
        [3, 4],
        [4, 2],
      ],
    ],
    [
      'matmul',
      [
        [2, 3, 4],
        [4, 2],
      ],
    ],
    [
      'matmul',
      [
        [2, 1, 3, 4],
        [5, 4, 2],
      ],
    ],
    ['matmul', [[4], [3, 4, 2]]],
    ['matmul', [[3, 4], [4]]],
    [
      'bmm',
      [
        [2, 3, 4],
        [2, 4, 2],
      ],
    ],
    ['outer', [[3], [4]]],
    ['addmm', [[2], [3, 4], [4, 2]]],
    ['linear', [[2, 3, 4], [5, 4], [5]]],
  ] as const)('%s of %j has the gradients that finite differences find, to second order', (name, shapes) => {
    const inputs = shapes.map((shape, i) =>
      sample(shape, i + 1, backend)
        .clone()
        .requiresGrad_(),
    );
    const f = ct[name] as (...xs: ct.Tensor[]) => ct.Tensor;
    expect(ct.gradcheck((...xs) => f(...xs), inputs)).toBe(true);
    expect(ct.gradgradcheck((...xs) => f(...xs), inputs)).toBe(true);
  });

  test('shapes that do not fit are refused with both of them named', () => {
    const [a, b] = [ct.ones([2, 3], { backend }), ct.ones([4, 2], { backend })];
    expect(() => a.matmul(b)).toThrow('matmul: [2, 3] × [4, 2]: the inner sizes 3 and 4 differ');
    expect(() => a.mm(ct.ones([3], { backend }))).toThrow(ct.ShapeError);
    expect(() => a.bmm(b)).toThrow(/^bmm: wants tensors of 3 and 3 dimensions/);
    expect(() => ct.linear(a, b)).toThrow(/^linear: an input of shape \[2, 3\]/);
    expect(() => a.matmul(ct.ones([3, 2], { backend, dtype: 'bool' }))).toThrow(ct.DTypeError);
  });
});
