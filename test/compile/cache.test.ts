/** The programs that are kept: how many, which go first, and that their memory goes with them. */
import * as ct from 'cotangent';
import { compile, type Tensor } from 'cotangent';
import { SGD } from 'cotangent/optim';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { heapOf } from '../../src/backend/registry.ts';
import type { Storage } from '../../src/memory/storage.ts';
import { storageOf } from '../../src/tensor/tensor.ts';
import { backends } from '../support/backends.ts';

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));

  const bytes = () => ct.memory(backend).bytes;
  const ones = (n: number) => ct.ones(n);

  test('the program used least recently goes first', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const step = compile((x: Tensor) => x.exp().sum(), { cacheSize: 2 });
    const run = (...sizes: number[]) => {
      for (const n of sizes) expect(step(ones(n)).item()).toBeCloseTo(n * Math.E, 4);
      return step.recordings;
    };
    expect(run(1, 2, 1, 2)).toBe(2);
    expect(run(1, 3)).toBe(3);
    // 2 had to go, 1 and 3 are there.
    expect(run(1, 3)).toBe(3);
    expect(run(2)).toBe(4);
    expect(run(3, 2)).toBe(4);
    expect(run(1)).toBe(5);
    expect(step.programs).toHaveLength(2);
    expect(step.programs.at(-1)).toBe(step.program);
    warn.mockRestore();
  });

  test('a cache of one, and eight by default', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    for (const [options, size] of [
      [{ cacheSize: 1 }, 1],
      [{}, 8],
    ] as const) {
      const step = compile((x: Tensor) => x.add(1), options);
      for (let n = 1; n <= 10; n++) step(ones(n));
      expect(step.programs).toHaveLength(size);
      expect(step(ones(10)).shape).toEqual([10]);
      expect(step.recordings).toBe(10);
    }
    warn.mockRestore();
  });

  test('memory stays flat while programs come and go', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const w = ct.ones(1).requiresGrad_();
    const optimizer = new SGD([w]);
    const step = compile(
      (x: Tensor) => {
        optimizer.zeroGrad();
        const loss = x.mul(w).exp().mul(x).sum();
        loss.backward();
        return loss;
      },
      { cacheSize: 2 },
    );
    const round = () => {
      for (let n = 1; n <= 5; n++) ct.scope(() => void step(ones(1000 * n)));
      return bytes();
    };
    const after = round();
    for (let i = 0; i < 5; i++) expect(round()).toBeLessThanOrEqual(after);
    optimizer.zeroGrad();
    step.dispose();
    warn.mockRestore();
  });

  test('dispose frees everything, and the next call records again', () => {
    const data = ct.rand(1000);
    const made: Storage[] = [];
    const heap = heapOf('test', backend);
    const allocate = vi.spyOn(heap, 'allocate').mockImplementation((...args) => {
      const storage = (Object.getPrototypeOf(heap) as typeof heap).allocate.apply(heap, args);
      made.push(storage);
      return storage;
    });
    const step = compile((x: Tensor) => ({ y: data.mul(x).exp().sum(), c: x.add(ct.tensor([1, 2])) }), {
      name: 'mine',
    });
    for (let i = 0; i < 2; i++) {
      for (const n of [1, 1, 1]) ct.scope(() => void step(ones(n)));
      const { y, c } = ct.scope(() => step(ones(1)));
      step.dispose();
      step.dispose();
      expect(step.programs).toEqual([]);
      // What was returned is the caller's.
      expect(c.toArray()).toEqual([2, 3]);
      for (const result of [y, c]) result.dispose();
      expect(made.filter(({ freed }) => !freed)).toEqual([]);
      expect(storageOf(data).freed).toBe(false);
    }
    expect(step.recordings).toBe(2);
    allocate.mockRestore();
  });

  test('a replay with reused results allocates nothing, one without only its results', () => {
    const x = ones(100);
    for (const [reuseOutputs, allocations] of [
      [true, 0],
      [false, 1],
    ] as const) {
      const step = compile((a: Tensor) => a.exp().add(1).sum(), { reuseOutputs });
      step(x);
      const allocate = vi.spyOn(heapOf('test', backend), 'allocate');
      step(x);
      expect(allocate).toHaveBeenCalledTimes(allocations);
      step.repeat(50, x);
      expect(allocate.mock.calls.length).toBeLessThanOrEqual(3 * allocations);
      allocate.mockRestore();
    }
  });

  test('a failing replay gives back what it had made', () => {
    const step = compile((table: Tensor, index: Tensor) => ct.indexSelect(table, 0, index).add(1));
    const table = ones(10);
    const at = (i: number) => ct.tensor([i], { dtype: 'int64' });
    step(table, at(3));
    const bad = at(99);
    const before = bytes();
    for (let i = 0; i < 5; i++) expect(() => step(table, bad)).toThrow(ct.IndexError);
    expect(bytes()).toBe(before);
    expect(step(table, at(4)).item()).toBe(2);
  });
});
