/** Scopes, dispose, and what they give back. */
import { describe, expect, test } from 'vitest';
import * as ct from '../../src/index.ts';
import { backends } from '../support/backends.ts';

describe.each(backends)('on %s', (backend) => {
  const make = () => ct.ones([100], { backend });
  const bytes = () => ct.memory(backend).bytes;

  test('a scope frees what does not leave it, and keeps what does', () => {
    const before = bytes();
    const kept = ct.scope(() => {
      make().add(1);
      return { list: [make().mul(2)], map: new Map([['a', make()]]) };
    });
    expect(kept.list[0]?.toArray()).toEqual(new Array(100).fill(2));
    expect(bytes() - before).toBeLessThanOrEqual(2 * 512);
    kept.list[0]?.dispose();
    kept.map.get('a')?.dispose();
    expect(bytes()).toBe(before);
  });

  test('memory is reused: a thousand scopes take no more than one', () => {
    const step = () => ct.scope(() => void make().add(1).mul(2).exp());
    step();
    const reserved = ct.memory(backend).reserved;
    for (let i = 0; i < 1000; i++) step();
    expect(ct.memory(backend).reserved).toBe(reserved);
  });

  test('an error inside a scope frees everything too', () => {
    const before = bytes();
    expect(() =>
      ct.scope(() => {
        make();
        throw new Error('mine');
      }),
    ).toThrow('mine');
    expect(bytes()).toBe(before);
  });

  test('an async scope closes when its promise settles', async () => {
    const before = bytes();
    const kept = await ct.scope(async () => {
      const x = make();
      await Promise.resolve();
      make();
      return x.add(1);
    });
    expect(kept.toArray()).toEqual(new Array(100).fill(2));
    kept.dispose();
    expect(bytes()).toBe(before);
  });

  test('views keep the memory alive; the last handle frees it', () => {
    const before = bytes();
    const x = make();
    const y = x.reshape(10, 10);
    x.dispose();
    expect(y.isContiguous && y.sum().item()).toBe(100);
    y.dispose();
    y.dispose();
    expect(y.disposed).toBe(true);
    expect(() => y.add(1)).toThrow(ct.DisposedError);
    expect(() => y.add(1)).toThrow(/^add: a tensor of shape \[10, 10\] was used after dispose/);
    expect(bytes() - before).toBeLessThanOrEqual(64);
  });

  test('using disposes at the end of the block', () => {
    const before = bytes();
    {
      using x = make();
      expect(x.size).toBe(100);
    }
    expect(bytes()).toBe(before);
  });

  test('dispose of a saved tensor does not spoil backward', () => {
    const x = ct.tensor([1, 2, 3], { backend, requiresGrad: true });
    const h = x.mul(2);
    const loss = h.square().sum();
    h.dispose();
    loss.backward();
    expect(x.grad?.toArray()).toEqual([8, 16, 24]);
  });

  test('a graph that leaves its scope can still be differentiated', () => {
    const x = ct.tensor([1, 2], { backend, requiresGrad: true });
    const loss = ct.scope(() => x.exp().mul(x).sum());
    loss.backward();
    expect(x.grad?.select(0, 0).item()).toBeCloseTo(2 * Math.E, 5);
  });

  test('keep lets a tensor outlive every scope', () => {
    const state: { x?: ct.Tensor } = {};
    ct.scope(() => {
      ct.scope(() => {
        state.x = ct.keep(make());
      });
    });
    expect(state.x?.sum().item()).toBe(100);
  });
});

test('more memory than there is: an error that says what to do', () => {
  expect(() => ct.zeros([1 << 16, 1 << 14], { dtype: 'float64', backend: 'wasm' })).toThrow(ct.OutOfMemoryError);
  expect(() => ct.zeros([1 << 16, 1 << 14], { dtype: 'float64', backend: 'wasm' })).toThrow(/scope\(\(\) => …\)/);
});

test('free neighbours of many sizes merge when linear memory runs short of one', () => {
  ct.setBackend('wasm');
  const reserved = () => ct.memory('wasm').reserved;
  for (let i = 1; i <= 40; i++) ct.empty([10_000 * i]).dispose();
  ct.emptyCache();
  const before = reserved();
  const x = ct.empty([400_000]);
  expect(reserved() - before).toBeLessThanOrEqual(4 * 400_000 * 1.25);
  x.dispose();
});

test('tensors of two backends do not mix', () => {
  const [a, b] = [ct.ones([2], { backend: 'native' }), ct.ones([2], { backend: 'wasm' })];
  expect(() => a.add(b)).toThrow(ct.BackendError);
  expect(() => a.add(b)).toThrow(/^add: tensors of the native and the wasm backend/);
  expect(a.add(b.to({ backend: 'native' })).toArray()).toEqual([2, 2]);
});
