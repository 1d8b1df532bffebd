/** In-place changes where gradients flow: of results, of their views, and of what shares memory with them. */
import { describe, expect, test } from 'vitest';
import * as ct from '../../src/index.ts';
import { backends } from '../support/backends.ts';
import { sample } from '../support/naive.ts';

describe.each(backends)('on %s', (backend) => {
  const leaf = (shape: readonly number[], seed = 1) => sample(shape, seed, backend).clone().requiresGrad_();

  /** Functions that change things in place, and what they amount to without. */
  const PAIRS: Record<string, [(x: ct.Tensor, y: ct.Tensor) => ct.Tensor, (x: ct.Tensor, y: ct.Tensor) => ct.Tensor]> =
    {
      'a result': [(x, y) => x.mul(2).mul_(y).add_(x), (x, y) => x.mul(2).mul(y).add(x)],
      'a row of a result': [
        (x, y) => {
          const z = x.mul(2);
          z.select(0, 1).mul_(y.select(0, 0));
          return z.square();
        },
        (x, y) => ct.stack([x.select(0, 0).mul(2), x.select(0, 1).mul(2).mul(y.select(0, 0))]).square(),
      ],
      'a constant row': [
        (x) => {
          const z = x.mul(2);
          z.select(0, 0).fill_(3);
          return z.square();
        },
        (x) => ct.stack([ct.full([3], 3, { dtype: 'float64', backend }), x.select(0, 1).mul(2)]).square(),
      ],
      'a view of a view': [
        (x, y) => {
          const z = x.mul(2);
          z.t()
            .narrow(0, 1, 2)
            .copy_(y.t().narrow(0, 0, 2));
          return z.mul(x);
        },
        (x, y) => ct.cat([x.narrow(1, 0, 1).mul(2), y.narrow(1, 0, 2)], 1).mul(x),
      ],
      'a buffer, piece by piece': [
        (x, y) => {
          const z = ct.zeros([2, 6], { dtype: 'float64', backend });
          z.narrow(1, 0, 3).copy_(x);
          z.narrow(1, 3, 3).copy_(y);
          return z.exp();
        },
        (x, y) => ct.cat([x, y], 1).exp(),
      ],
      'the base, seen through an older view': [
        (x) => {
          const z = x.mul(2);
          const view = z.select(0, 1);
          z.square_();
          return view.mul(3);
        },
        (x) => x.select(0, 1).mul(2).square().mul(3),
      ],
      'the base, seen through an older expanded view': [
        (x) => {
          const z = x.select(0, 0).mul(2);
          const view = z.unsqueeze(0).expand(4, 3);
          z.square_();
          return view.mul(3);
        },
        (x) => x.select(0, 0).mul(2).square().unsqueeze(0).expand(4, 3).mul(3),
      ],
      'one view, seen through another': [
        (x, y) => {
          const z = x.mul(2);
          const [a, b] = [z.narrow(1, 0, 2), z.narrow(1, 1, 2)];
          a.mul_(y.narrow(1, 0, 2));
          return b.square();
        },
        (x, y) =>
          ct
            .cat(
              [
                x
                  .narrow(1, 1, 1)
                  .mul(2)
                  .mul(y.narrow(1, 1, 1)),
                x.narrow(1, 2, 1).mul(2),
              ],
              1,
            )
            .square(),
      ],
    };

  test.each(Object.entries(PAIRS))('changing %s gives the gradients of the same without', (_, [changed, plain]) => {
    const inputs = () => [leaf([2, 3], 1), leaf([2, 3], 2)] as const;
    const [x, y] = inputs();
    const [u, v] = inputs();
    const [got, want] = [changed(x, y), plain(u, v)];
    expect(got.data()).toEqual(want.data());
    got.sum().backward();
    want.sum().backward();
    // Adding 0 makes -0 the same as 0.
    const numbers = (grad: ct.Tensor | null) => grad?.add(0).data();
    expect(numbers(x.grad)).toEqual(numbers(u.grad));
    expect(numbers(y.grad)).toEqual(numbers(v.grad));
    expect(ct.gradcheck(changed, [...inputs()])).toBe(true);
    expect(ct.gradgradcheck(changed, [...inputs()])).toBe(true);
  });

  describe('retainGrad before a change in place keeps the gradient of what the tensor holds then, as in PyTorch', () => {
    const vector = () => ct.tensor([1, 2], { dtype: 'float64', backend, requiresGrad: true });
    interface Tensors {
      x: ct.Tensor;
      y: ct.Tensor;
      /** The first element of y. */
      view: ct.Tensor;
    }

    test.each<[string, 'y' | 'view', (tensors: Tensors) => void, 'y' | 'view', ct.NestedArray | null]>([
      ['once', 'y', ({ y, x }) => y.mul_(x), 'y', [2, 2]],
      ['twice', 'y', ({ y, x }) => y.mul_(x).mul_(x), 'y', [2, 2]],
      ['by a view', 'y', ({ view }) => view.mul_(5), 'y', [2, 2]],
      ['of a view whose base changes, and is used', 'view', ({ y }) => y.mul_(5), 'y', null],
      ['of a view whose base changes', 'view', ({ y }) => y.mul_(5), 'view', [2]],
      ['of a view, and its base is used', 'view', ({ view }) => view.mul_(5), 'y', null],
      ['of a view', 'view', ({ view }) => view.mul_(5), 'view', [2]],
      ['outside of the graph', 'y', ({ y }) => ct.noGrad(() => y.mul_(5)), 'y', [2, 2]],
    ])('%s', (_, retained, change, used, want) => {
      const x = vector();
      const y = x.mul(3);
      const tensors = { x, y, view: y.narrow(0, 0, 1) };
      tensors[retained].retainGrad();
      change(tensors);
      tensors[used].mul(2).sum().backward();
      expect(tensors[retained].grad?.toArray() ?? null).toEqual(want);
    });

    test('what was computed before the change does not count', () => {
      const x = vector();
      const y = x.mul(3);
      y.retainGrad();
      const before = y.mul(7);
      y.mul_(x).mul(2).add(before).sum().backward();
      expect(y.grad?.toArray()).toEqual([2, 2]);
      expect(x.grad?.toArray()).toEqual([33, 45]);
    });

    test('a hook stays with the value that it was registered for', () => {
      const x = vector();
      const y = x.mul(3);
      const seen: ct.NestedArray[] = [];
      y.registerHook((g) => void seen.push(g.toArray()));
      y.mul_(x).mul(2).sum().backward();
      expect(seen).toEqual([[2, 4]]);
    });
  });

  test('leaves that require grad, and their views, are left alone while recording', () => {
    const x = leaf([2, 3]);
    expect(() => x.select(0, 0).fill_(1)).toThrow(/^fill_: a view of a leaf that requires grad/);
    expect(() => x.zero_()).toThrow(ct.AutogradError);
    ct.noGrad(() => x.select(0, 0).fill_(1));
    expect(x.select(0, 0).toArray()).toEqual([1, 1, 1]);
  });

  test('a saved tensor that changes through a view is noticed', () => {
    const x = leaf([2, 3]);
    const y = x.mul(2);
    const z = y.square();
    y.select(0, 0).add_(1);
    expect(() => z.sum().backward()).toThrow(/'square' needs.*changed in place/);
  });

  test('results of the wrong dtype or shape are refused before anything is written', () => {
    const x = ct.ones([3], { dtype: 'int32', backend });
    expect(() => x.add_(0.5)).toThrow('add_: the result is float32 and cannot be stored in a int32 tensor');
    expect(() => x.add_(ct.ones([2, 3], { dtype: 'int32', backend }))).toThrow(ct.ShapeError);
    expect([x.toArray(), x.version]).toEqual([[1, 1, 1], 0]);
  });

  test('memory that overlaps is read before it is written', () => {
    const x = ct.arange(6, { dtype: 'float32', backend });
    x.narrow(0, 1, 5).add_(x.narrow(0, 0, 5));
    expect(x.toArray()).toEqual([0, 1, 3, 5, 7, 9]);
  });
});
