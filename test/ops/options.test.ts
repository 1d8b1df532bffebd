/** What options and optional arguments in their places mean: PyTorch's overloads, and the same by name. */
import * as ct from 'cotangent';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

type T = ct.Tensor;
const { tensor } = ct;
const numbers = (x: T): number[] => Array.from(x.data(), Number);
const x = (): T =>
  tensor(
    [
      [1, 2, 4],
      [3, 7, 5],
    ],
    { dtype: 'float64' },
  );

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));

  test('keepdim means the same in its place and by name', () => {
    for (const name of ['sum', 'mean', 'prod', 'amax', 'amin', 'logsumexp'] as const)
      for (const keepdim of [true, false]) {
        const reduce = ct[name] as (y: T, dim: number, options: unknown) => T;
        for (const options of [keepdim, { keepdim }])
          expect(reduce(x(), 1, options).shape).toEqual(keepdim ? [2, 1] : [2]);
      }
    for (const name of ['argmax', 'argmin', 'any', 'all'] as const)
      for (const keepdim of [true, false]) {
        expect(x()[name](1, keepdim).shape).toEqual(keepdim ? [2, 1] : [2]);
        expect(x()[name](1, { keepdim }).shape).toEqual(keepdim ? [2, 1] : [2]);
      }
    for (const name of ['max', 'min'] as const)
      for (const keepdim of [true, false])
        for (const { values, indices } of [x()[name](0, keepdim), x()[name](0, { keepdim })]) {
          expect(values.shape).toEqual(keepdim ? [1, 3] : [3]);
          expect(indices.shape).toEqual(keepdim ? [1, 3] : [3]);
        }
    expect(x().norm(2, 1, { keepdim: true }).shape).toEqual([2, 1]);
  });

  const biased = [Math.sqrt(14 / 9), Math.sqrt(8 / 3)];
  const unbiased = [Math.sqrt(7 / 3), 2];
  const close = (y: T, want: readonly number[], shape: readonly number[]) => {
    expect(y.shape).toEqual(shape);
    for (const [i, value] of numbers(y).entries()) expect(value).toBeCloseTo(want[i] as number, 12);
  };

  test('std(dim, unbiased, keepdim) is that of PyTorch, and so are its options', () => {
    close(x().std(1), unbiased, [2]);
    close(x().std(1, true), unbiased, [2]);
    close(x().std(1, false), biased, [2]);
    close(x().std(1, true, true), unbiased, [2, 1]);
    close(x().std(1, false, true), biased, [2, 1]);
    close(x().std(1, false, { keepdim: true }), biased, [2, 1]);
    close(x().std(1, { unbiased: false }), biased, [2]);
    close(x().std(1, { unbiased: true, keepdim: true }), unbiased, [2, 1]);
    close(x().std(1, { correction: 0, keepdim: true }), biased, [2, 1]);
    close(x().std(1, { correction: 1 }), unbiased, [2]);
    close(ct.compile((y: T) => y.std(1, false))(x()), biased, [2]);
  });

  test('unbiased alone is over everything', () => {
    const mean = 22 / 6;
    const squares = [1, 2, 4, 3, 7, 5].reduce((sum, v) => sum + (v - mean) ** 2, 0);
    close(x().var(true), [squares / 5], []);
    close(x().var(false), [squares / 6], []);
    close(x().std(false), [Math.sqrt(squares / 6)], []);
    close(x().var(null, { unbiased: false }), [squares / 6], []);
    close(x().var(undefined, { correction: 2, keepdim: true }), [squares / 4], [1, 1]);
    for (const [v, m] of [ct.varMean(x(), 1, false), ct.varMean(x(), 1, { unbiased: false })]) {
      close(
        v,
        biased.map((s) => s * s),
        [2],
      );
      close(m, [7 / 3, 5], [2]);
    }
    close(ct.stdMean(x(), false)[0], [Math.sqrt(squares / 6)], []);
  });

  test('contradictions and wrong places are refused', () => {
    const wrong: (() => unknown)[] = [
      () => x().std(1, { unbiased: true, correction: 0 }),
      () => x().std(1, false, { unbiased: true }),
      () => x().std(1, 0 as never),
      () => x().std(1, { keepdim: 1 } as never),
      () => x().std(1, { correction: '1' } as never),
      () => x().max(0, { keepDim: false } as never),
      () => x().max(0, 1 as never),
      () => ct.max(x(), x() as never, true as never),
      () => x().max({ keepdim: true } as never),
      () => x().amax(0, { dtype: 'float32' } as never),
      () => x().any(0, { dtype: 'bool' } as never),
      () => x().sum(0, { keepdim: 'yes' } as never),
      () => ct.hardtanh(x(), 1, { minVal: 0 }),
      () => ct.hardtanh(x(), { minVal: 0 }, 2),
      () => ct.conv2d(ct.ones([1, 1, 4, 4]), ct.ones([1, 1, 2, 2]), { stride: 1 }, { padding: 1 } as never),
      () => ct.maxPool2d(ct.ones([1, 1, 4, 4]), 2, { stride: 1 }, 1 as never),
      () => ct.maxPool2d(ct.ones([1, 1, 4, 4]), 2, 1, { stride: 2 } as never),
      () => ct.scaledDotProductAttention(x(), x(), x(), x() as never),
      () => ct.bernoulli(x(), { generator: new ct.Generator(1) }, { generator: new ct.Generator(2) }),
      () => ct.nanToNum(x(), { nan: 1 }, 2),
      () => ct.clamp(x(), { min: 1 }, 2),
      () => x().backward({ retain_graph: true } as never),
    ];
    for (const call of wrong) expect(call, String(call)).toThrow(ct.ArgumentError);
  });

  test('forms in place take what the others take', () => {
    const y = () => tensor([1.25, -2.5, 9]);
    expect(numbers(y().add_(1, { alpha: 2 }))).toEqual([3.25, -0.5, 11]);
    expect(numbers(y().sub_(y(), { alpha: 2 }))).toEqual([-1.25, 2.5, -9]);
    expect(numbers(y().div_(2, { roundingMode: 'floor' }))).toEqual([0, -2, 4]);
    expect(numbers(tensor([7, -7], { dtype: 'int32' }).div_(2, { roundingMode: 'trunc' }))).toEqual([3, -3]);
    expect(numbers(y().round_({ decimals: 1 }))).toEqual(numbers(y().round({ decimals: 1 })));
    expect(numbers(y().clamp_({ max: 1 }))).toEqual([1, -2.5, 1]);
    expect(numbers(y().clamp_(tensor([2, 2, 2])))).toEqual([2, 2, 9]);
    expect(numbers(y().clamp_(0, tensor([1, 1, 1])))).toEqual([1, 0, 1]);
    expect(numbers(y().clampMin_(0))).toEqual([1.25, 0, 9]);
    expect(numbers(tensor([0.5, 2]).logit_({ eps: 0.25 }))).toEqual(numbers(tensor([0.5, 2]).logit({ eps: 0.25 })));
    expect(() => y().clamp_(tensor([[1], [2]]))).toThrow(ct.ShapeError);
    expect(() => tensor([1], { dtype: 'int32' }).clamp_(0.5)).toThrow(ct.CotangentError);
    const w = tensor([1.5, -2, 9], { requiresGrad: true });
    const z = w.mul(2);
    z.clamp_(tensor([0, 0, 0]), 5);
    z.mul(3).sum().backward();
    expect(numbers(w.grad as T)).toEqual([6, 0, 0]);
  });

  test('options of functions that build nothing', () => {
    const data = x();
    expect(data.to({}).dtype).toBe('float64');
    expect(() => data.to({ dtyp: 'float32' } as never)).toThrow(/unknown option "dtyp"; knows dtype, backend/);
  });
});
