/** Views share memory, carry gradients back, and refuse what strides cannot express. */
import { describe, expect, test } from 'vitest';
import * as ct from '../../src/index.ts';
import { storageOf } from '../../src/tensor/tensor.ts';
import { backends } from '../support/backends.ts';
import { sample } from '../support/naive.ts';

const VIEWS: Record<string, (x: ct.Tensor) => ct.Tensor> = {
  reshape: (x) => x.reshape(6, -1),
  view: (x) => x.view(2, 12),
  permute: (x) => x.permute(2, 0, 1),
  transpose: (x) => x.transpose(0, -1),
  movedim: (x) => x.movedim(0, 2),
  expand: (x) => x.unsqueeze(1).expand(2, 5, 3, 4),
  slice: (x) => x.slice(2, 1, 4, 2),
  select: (x) => x.select(1, -1),
  narrow: (x) => x.narrow(1, 1, 2),
  squeeze: (x) => x.unsqueeze(1).squeeze(1),
  flatten: (x) => x.flatten(1),
  unflatten: (x) => x.unflatten(2, [2, -1]),
  diagonal: (x) => x.diagonal(1, 1, 2),
};

describe.each(backends)('on %s', (backend) => {
  const x = () => ct.arange(24, { backend, dtype: 'float64' }).reshape(2, 3, 4);

  test.each(Object.entries(VIEWS))('%s shares memory and its gradient finds its way back', (_, f) => {
    const base = x();
    const view = f(base);
    expect(storageOf(view)).toBe(storageOf(base));
    const leaf = sample([2, 3, 4], 1, backend).clone().requiresGrad_();
    expect(ct.gradcheck(f, [leaf])).toBe(true);
    expect(ct.gradgradcheck((v) => f(v).square(), [leaf])).toBe(true);
  });

  test('a change through a view shows in the base, and in its version', () => {
    const base = x();
    base.select(0, 1).fill_(-1);
    base.slice(2, 0, null, 2).mul_(10);
    expect(base.flatten().toArray()).toEqual([
      0, 1, 20, 3, 40, 5, 60, 7, 80, 9, 100, 11, -10, -1, -10, -1, -10, -1, -10, -1, -10, -1, -10, -1,
    ]);
    expect(base.version).toBe(2);
  });

  test('values are those of the indices', () => {
    expect(x().permute(2, 0, 1).select(0, 3).flatten().toArray()).toEqual([3, 7, 11, 15, 19, 23]);
    expect(x().slice(1, -2, null).select(2, 0).flatten().toArray()).toEqual([4, 8, 16, 20]);
    expect(x().diagonal(0, 1, 2).flatten().toArray()).toEqual([0, 5, 10, 12, 17, 22]);
    expect(
      x()
        .split([1, 2], 1)
        .map((part) => part.shape[1]),
    ).toEqual([1, 2]);
    expect(
      x()
        .chunk(3, 2)
        .map((part) => part.shape[2]),
    ).toEqual([2, 2]);
    expect(x().unbind(1).length).toBe(3);
  });

  test('reshape copies only where it must; view refuses to', () => {
    const transposed = x().transpose(0, 1);
    expect(storageOf(transposed.reshape(24))).not.toBe(storageOf(transposed));
    expect(transposed.reshape(24).data()).toEqual(transposed.contiguous().data());
    expect(() => transposed.view(24)).toThrow(/^view: a tensor of shape \[3, 2, 4\] with strides \[4, 12, 1\]/);
  });

  test('cat and stack join values and split gradients', () => {
    const [a, b] = [
      sample([2, 3], 1, backend).clone().requiresGrad_(),
      sample([2, 1], 2, backend).clone().requiresGrad_(),
    ];
    expect(ct.cat([a, b], 1).shape).toEqual([2, 4]);
    expect(ct.stack([a, a], -1).shape).toEqual([2, 3, 2]);
    expect(ct.gradcheck((u, v) => ct.cat([u as ct.Tensor, v as ct.Tensor, u as ct.Tensor], -1), [a, b])).toBe(true);
    expect(ct.gradcheck((u) => ct.stack([u, u.mul(2)], 1), [a])).toBe(true);
    expect(ct.cat([ct.ones([1], { backend, dtype: 'int32' }), ct.ones([1], { backend })]).dtype).toBe('float32');
    expect(() => ct.cat([a, b])).toThrow('cat: shapes [2, 3] and [2, 1] differ in more than dimension 0');
    expect(() => ct.cat([])).toThrow(ct.ArgumentError);
  });

  test('conversions round like PyTorch', () => {
    const f = ct.tensor([1.9, -1.9, Number.NaN, 300], { backend });
    expect(f.to('int32').toArray()).toEqual([1, -1, 0, 300]);
    expect(f.to('bool').toArray()).toEqual([true, true, true, true]);
    expect(ct.tensor([0, 2], { backend }).to('bool').toArray()).toEqual([false, true]);
    expect(ct.tensor([2n ** 53n + 1n], { backend }).toArray()).toEqual([2n ** 53n + 1n]);
    expect(f.to('float64').to('float32').data()).toEqual(f.data());
    const other = backends.find((name) => name !== backend);
    if (other) expect(f.to({ backend: other, dtype: 'float64' }).toArray()).toEqual(f.to('float64').toArray());
  });

  test.each([
    [() => x().reshape(5, 5), 'reshape: 24 elements of shape [2, 3, 4] do not fit the shape [5, 5]'],
    [() => x().permute(0, 1), 'permute: wants each of the 3 dimensions once, got [0, 1]'],
    [() => x().expand(4, 3, 4), 'expand: the shape [2, 3, 4] does not expand to [4, 3, 4] (dimension 0)'],
    [() => x().select(0, 2), 'select: index 2 is out of range for dimension 0 of size 2'],
    [() => x().narrow(1, 2, 2), 'narrow: 2 elements from 2 do not lie within dimension 1 of size 3'],
    [() => x().split([1, 1], 1), 'split: the sizes [1, 1] do not add up to 3, the size of dimension 1'],
    [() => x().slice(0, 0, null, 0), 'slice: step is a positive whole number, got 0'],
    [
      () => x().expand(2, 2, 3, 4).add_(1),
      'add_: several elements of the expanded tensor [2, 2, 3, 4] share memory; clone() it first',
    ],
  ])('bad arguments are refused: %#', (f, message) => {
    expect(f).toThrow(message);
    expect(f).toThrow(ct.CotangentError);
  });
});
