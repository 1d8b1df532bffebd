/** What arguments are bound to: which calls share a program, and that aliasing arguments mean what they mean in eager code. */
import * as ct from 'cotangent';
import { compile, DisposedError, type Tensor, tensor } from 'cotangent';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { backends } from '../support/backends.ts';

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));

  test('tensors of one signature share a program, wherever they lie', () => {
    const step = compile((x: Tensor, { y, list }: { y: Tensor; list: Tensor[] }, map: Map<string, Tensor>) =>
      x
        .mul(y)
        .add(list[1] as Tensor)
        .sub(map.get('z') as Tensor),
    );
    for (let i = 0; i < 4; i++) {
      const at = (value: number) => ct.full([2], value);
      const got = step(at(i), { y: at(3), list: [at(0), at(10)] }, new Map([['z', at(1)]]));
      expect(got.toArray()).toEqual([3 * i + 9, 3 * i + 9]);
    }
    expect(step.recordings).toBe(1);
  });

  test('a proxy of a Map is a value like any other', () => {
    const step = compile((x: Tensor, _map: unknown) => x.mul(2));
    const proxy = new Proxy(new Map([['a', ct.ones([1])]]), {});
    for (const value of [1, 2]) expect(step(ct.full([1], value), proxy).item()).toBe(2 * value);
    expect(step.recordings).toBe(1);
    const returns = compile((x: Tensor, map: unknown) => [x.mul(2), map]);
    expect(() => returns(ct.ones([1]), proxy)).toThrow(ct.ArgumentError);
  });

  test('views are read where they begin, of whatever storage', () => {
    const step = compile((x: Tensor) => x.mul(2));
    const base = ct.arange(12).to('float32');
    for (const start of [3, 0, 9]) {
      expect(step(base.narrow(0, start, 3)).toArray()).toEqual([2 * start, 2 * start + 2, 2 * start + 4]);
    }
    expect(step(tensor([1, 2, 3])).toArray()).toEqual([2, 4, 6]);
    expect(step.recordings).toBe(1);
  });

  test('another shape, dtype or layout is another program, and all of them go on working', () => {
    const step = compile((x: Tensor) => x.sum(0));
    const square = tensor([
      [1, 2],
      [3, 4],
    ]);
    for (let i = 0; i < 3; i++) {
      expect(step(square).toArray()).toEqual([4, 6]);
      expect(step(square.t()).toArray()).toEqual([3, 7]);
      expect(step(square.to('float64')).toArray()).toEqual([4, 6]);
      expect(step(ct.ones(3, 2)).toArray()).toEqual([3, 3]);
    }
    expect(step.recordings).toBe(4);
  });

  test('plain values are part of the signature', () => {
    const step = compile((x: Tensor, factor: number | string | boolean | null) => x.mul(Number(factor)));
    const x = tensor([1, 2]);
    for (const factor of [2, 3, '4', true, null, Number.NaN, 2, '4', true])
      expect(step(x, factor).toArray()).toEqual([Number(factor), 2 * Number(factor)]);
    expect(step.recordings).toBe(6);
  });

  test('the same tensor twice, two views of one storage, and tensors apart are different calls', () => {
    const step = compile((x: Tensor, y: Tensor) => {
      x.add_(1);
      return y.mul(10);
    });
    for (let i = 0; i < 2; i++) {
      const [a, b] = [tensor([1, 2]), tensor([5, 6])];
      expect(step(a, b).toArray()).toEqual([50, 60]);
      expect(step(a, a).toArray()).toEqual([30, 40]);
      const base = tensor([1, 2, 3, 4]);
      expect(step(base.narrow(0, 0, 2), base.narrow(0, 1, 2)).toArray()).toEqual([30, 30]);
      expect(step(base.narrow(0, 0, 2), base.narrow(0, 2, 2)).toArray()).toEqual([30, 40]);
      expect(base.toArray()).toEqual([3, 4, 3, 4]);
    }
    expect(step.recordings).toBe(4);
  });

  test('an argument that the function also reaches by itself', () => {
    const shared = tensor([1, 2]);
    const step = compile((x: Tensor) => {
      shared.add_(1);
      const first = x.mul(10);
      x.add_(1);
      return [first, shared.mul(100)];
    });
    const run = (x: Tensor) => step(x).map((t) => t.toArray());
    expect(run(tensor([0, 0]))).toEqual([
      [0, 0],
      [200, 300],
    ]);
    expect(run(shared)).toEqual([
      [30, 40],
      [400, 500],
    ]);
    expect(run(tensor([1, 1]))).toEqual([
      [10, 10],
      [500, 600],
    ]);
    expect(run(shared)).toEqual([
      [60, 70],
      [700, 800],
    ]);
  });

  test('a parameter as an argument gets its gradient, also when the function reaches it by itself', () => {
    const w = tensor([1, 2], { requiresGrad: true });
    const step = compile((x: Tensor) => {
      x.mul(w).sum().backward();
    });
    for (let i = 1; i <= 4; i++) {
      step(w);
      expect(w.grad?.toArray()).toEqual([2 * i, 4 * i]);
    }
    const other = tensor([5, 6], { requiresGrad: true });
    step(other);
    expect(other.grad?.toArray()).toEqual([1, 2]);
    expect(w.grad?.toArray()).toEqual([13, 22]);
    for (const t of [w, other]) t.grad = null;
  });

  test('changes in place are seen outside, by values and by versions', () => {
    const step = compile((x: Tensor, y: Tensor) => {
      x.add_(y);
      return undefined;
    });
    const x = tensor([0, 0]);
    for (let i = 1; i <= 3; i++) {
      const before = x.version;
      step(x, tensor([1, 2]));
      expect(x.toArray()).toEqual([i, 2 * i]);
      expect(x.version).toBeGreaterThan(before);
    }
  });

  test('an output fed back as an input', () => {
    for (const reuseOutputs of [false, true]) {
      const step = compile((x: Tensor) => x.mul(2).add(1), { reuseOutputs });
      let x = tensor([0, 1]);
      for (let i = 0; i < 5; i++) x = step(x);
      expect(x.toArray()).toEqual([31, 63]);
    }
  });

  test('outputs that are fed back crosswise', () => {
    for (const reuseOutputs of [false, true]) {
      const step = compile((x: Tensor, y: Tensor) => [y.add(0), x.add(y)] as const, { reuseOutputs });
      let [a, b] = [tensor([0]), tensor([1])];
      for (let i = 0; i < 10; i++) [a, b] = step(a, b);
      expect([a.item(), b.item()]).toEqual([55, 89]);
    }
  });

  test('an argument that was disposed of', () => {
    const step = compile((x: Tensor) => x.add(1));
    const x = tensor([1]);
    step(x);
    x.dispose();
    expect(() => step(x)).toThrow(DisposedError);
    expect(step(tensor([2])).item()).toBe(3);
  });

  test('arguments that never settle are warned about once, by name', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const step = compile((x: Tensor, { rate }: { rate: number }) => x.mul(rate), { cacheSize: 2, name: 'mine' });
    for (let i = 0; i < 8; i++) expect(step(tensor([1]), { rate: i }).item()).toBe(i);
    expect(step.recordings).toBe(8);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(String(warn.mock.calls[0]?.[0])).toMatch(
      /'mine' was recorded 3 times.*arguments\[1\]\.rate changed from 1 to 2/,
    );
    warn.mockRestore();
  });

  test('an argument that the function reaches by itself as well is bound, and changes by either way are seen', () => {
    const weights = tensor([1, 2]);
    const step = compile((x: Tensor) => {
      x.add_(1);
      return weights.mul(x);
    });
    const other = tensor([5, 5]);
    for (const [x, want] of [
      [weights, [4, 9]],
      [weights, [9, 16]],
      [other, [18, 24]],
      [weights, [16, 25]],
    ] as [Tensor, number[]][])
      expect(step(x).toArray()).toEqual(want);
    expect(step.recordings).toBe(2);
    step.dispose();
  });

  test('a tensor that the function itself frees is missed by the next call', () => {
    const [x, once] = [tensor([1, 2]), tensor([3, 4])];
    const step = compile((y: Tensor) => {
      const sum = y.add(once);
      once.dispose();
      return sum;
    });
    expect(step(x).toArray()).toEqual([4, 6]);
    expect(() => step(x)).toThrow(DisposedError);
    step.dispose();
  });
});
