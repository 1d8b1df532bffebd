/** What a compiled function returns: new tensors in every call, unless they are to be reused. */
import * as ct from 'cotangent';
import { compile, type Tensor, tensor } from 'cotangent';
import { Parameter } from 'cotangent/nn';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));

  test('results of earlier calls keep their values', () => {
    const step = compile((x: Tensor) => ({ twice: x.mul(2), row: ct.stack([x, x.add(1)]).select(0, 1) }));
    const kept = [1, 2, 3, 4].map((value) => step(tensor([value])));
    expect(kept.map(({ twice, row }) => [twice.item(), row.item()])).toEqual([
      [2, 2],
      [4, 3],
      [6, 4],
      [8, 5],
    ]);
  });

  test.each([true, false])(
    'a tensor that has been disposed of is an error in every call; requiresGrad %s',
    (requiresGrad) => {
      const outer = ct.ones([], { requiresGrad });
      outer.dispose();
      const inside = () => {
        const y = ct.ones([2], { requiresGrad }).mul(2);
        y.dispose();
        return y;
      };
      for (const make of [() => outer, inside])
        for (const wrap of [
          (y: Tensor) => y,
          (y: Tensor) => [y],
          (y: Tensor) => ({ y }),
          (y: Tensor) => new Map([[1, y]]),
        ]) {
          const step = compile(() => wrap(make()), { name: 'step' });
          for (let i = 0; i < 2; i++) expect(() => step()).toThrow(ct.DisposedError);
        }
    },
  );

  test('tensors where later calls could not put theirs are an error, which leaves nothing behind', () => {
    class Pair {
      constructor(readonly first: Tensor) {}
    }
    const bare = Object.assign(Object.create(null) as { y?: Tensor }, {});
    for (const hide of [(y: Tensor) => new Set([y]), (y: Tensor) => new Pair(y), (y: Tensor) => [{ a: new Pair(y) }]]) {
      const step = compile((x: Tensor) => hide(x.mul(2)), { name: 'step' });
      for (let i = 0; i < 2; i++)
        expect(() => step(tensor([1]))).toThrow(
          /^step: a result of shape \[1\] is in a Set or in an instance of a class/,
        );
      expect(step.recordings).toBe(0);
    }
    const later = tensor([5]);
    const kept = compile((x: Tensor) => [new Set([later]), new Pair(later), { ...bare, y: x.mul(2) }] as const);
    for (let i = 1; i < 4; i++) {
      const [set, pair, { y }] = kept(tensor([i]));
      expect([[...set][0]?.item(), pair.first.item(), y?.item()]).toEqual([5, 5, 2 * i]);
    }
    const plain = compile((x: Tensor) => Object.assign(Object.create(null) as { y?: Tensor }, { y: x.mul(2) }));
    expect([1, 2, 3].map((i) => plain(tensor([i])).y?.item())).toEqual([2, 4, 6]);
  });

  test('reused results are the same tensors with new contents', () => {
    const step = compile((x: Tensor) => [x.mul(2)], { reuseOutputs: true });
    const first = step(tensor([1]));
    const second = step(tensor([5]));
    expect(second).toBe(first);
    expect(first[0]?.item()).toBe(10);
    // One that was disposed of comes back as another handle.
    first[0]?.dispose();
    expect(step(tensor([6]))[0]?.item()).toBe(12);
    ct.scope(() => step(tensor([7])));
    expect(step(tensor([8]))[0]?.item()).toBe(16);
  });

  test('an argument is returned as itself, a view of it as a view', () => {
    for (const reuseOutputs of [false, true]) {
      const step = compile((x: Tensor) => [x, x.reshape(2, 2).select(0, 1)] as const, { reuseOutputs });
      for (let i = 0; i < 3; i++) {
        const x = tensor([i, 1, 2, 3]);
        const [same, view] = step(x);
        expect(same).toBe(x);
        view.add_(10);
        expect(x.toArray()).toEqual([i, 1, 12, 13]);
      }
      expect(step.recordings).toBe(1);
    }
  });

  test('a view of an argument that begins elsewhere', () => {
    const step = compile((x: Tensor) => x.narrow(0, 1, 1));
    const base = ct.arange(9).to('float32');
    for (const start of [2, 5]) expect(step(base.narrow(0, start, 3)).item()).toBe(start + 1);
    expect(step.recordings).toBe(1);
  });

  test('a parameter is returned as itself, a view of it without history', () => {
    const w = new Parameter(tensor([1, 2, 3, 4]));
    const step = compile(() => {
      ct.noGrad(() => w.add_(1));
      return { w, matrix: w.reshape(2, 2) };
    });
    for (let i = 1; i <= 3; i++) {
      const { w: same, matrix } = step();
      expect(same).toBe(w);
      expect(matrix.isLeaf).toBe(true);
      expect(matrix.toArray()).toEqual([
        [1 + i, 2 + i],
        [3 + i, 4 + i],
      ]);
    }
  });

  test('nothing, numbers, and tensors in Maps, arrays and objects', () => {
    const nothing = compile((x: Tensor) => void x.add(1));
    expect([nothing(tensor([1])), nothing(tensor([1]))]).toEqual([undefined, undefined]);
    const step = compile((x: Tensor) => ({ n: 3, name: 'a', none: null, map: new Map([['k', [x.add(1)]]]) }));
    for (let i = 0; i < 3; i++) {
      const { n, name, none, map } = step(tensor([i]));
      expect([n, name, none]).toEqual([3, 'a', null]);
      expect(map.get('k')?.[0]?.item()).toBe(i + 1);
    }
  });

  test('one tensor in two places, and two views of one result', () => {
    const step = compile((x: Tensor) => {
      const y = x.mul(2);
      return [y, y, y.narrow(0, 0, 1)] as const;
    });
    for (let i = 1; i <= 3; i++) {
      const [a, b, part] = step(tensor([i, i]));
      part.add_(1);
      expect([a.toArray(), b.toArray()]).toEqual([
        [2 * i + 1, 2 * i],
        [2 * i + 1, 2 * i],
      ]);
    }
  });

  test('constants are remembered, and belong to nobody outside', () => {
    const step = compile((x: Tensor) => {
      const counter = tensor([1, 2]);
      counter.add_(x);
      return [tensor([1, 2]), counter, x.add(tensor([10, 20]))] as const;
    });
    for (let i = 0; i < 4; i++) {
      const [constant, counter, sum] = step(tensor([1, 1]));
      // Memory that a constant gave up would be taken by these.
      const others = Array.from({ length: 8 }, () => ct.full([2], -7));
      expect(constant.toArray()).toEqual([1, 2]);
      expect(counter.toArray()).toEqual([2, 3]);
      expect(sum.toArray()).toEqual([11, 21]);
      constant.add_(100);
      for (const other of others) other.dispose();
    }
  });

  test('results belong to the scope of the caller', () => {
    const step = compile((x: Tensor) => x.add(1));
    const x = tensor([1]);
    for (let i = 0; i < 3; i++) {
      let inner: Tensor | undefined;
      const outer = ct.scope(() => {
        inner = step(x);
        return step(x);
      });
      expect(inner?.disposed).toBe(true);
      expect(outer.item()).toBe(2);
    }
  });

  test('a step inside a step is a part of it, and works alone', () => {
    const inner = compile((x: Tensor) => x.mul(3));
    const outer = compile((x: Tensor) => inner.repeat(2, x).add(1));
    for (let i = 0; i < 3; i++) {
      expect(inner(tensor([i])).item()).toBe(3 * i);
      expect(outer(tensor([i])).item()).toBe(3 * i + 1);
    }
    expect([inner.recordings, outer.recordings]).toEqual([1, 1]);
  });

  test('what runs under noGrad is another program than what does not', () => {
    const w = tensor([2], { requiresGrad: true });
    const step = compile(() => {
      const y = w.mul(w);
      return y.requiresGrad ? y : y.neg();
    });
    for (let i = 0; i < 2; i++) {
      expect(step().item()).toBe(4);
      expect(ct.noGrad(() => step()).item()).toBe(-4);
    }
    expect(step.recordings).toBe(2);
  });
});
