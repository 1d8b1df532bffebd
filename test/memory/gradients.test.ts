/** What becomes of a gradient that is replaced: its memory comes back at once, unless user code may still look at it. */
import { compile, DisposedError, keep, ones, scope, setBackend, type Tensor, tensor } from 'cotangent';
import { Linear } from 'cotangent/nn';
import { clipGradNorm, SGD } from 'cotangent/optim';
import { describe, expect, test } from 'vitest';
import { heapOf } from '../../src/backend/registry.ts';
import { outsideScopes } from '../../src/memory/scope.ts';
import { backends } from '../support/backends.ts';

const MIB = 2 ** 20;
const SIZE = MIB / 4;
const STEPS = 40;

describe.each(backends)('on %s', (backend) => {
  const weights = () => {
    setBackend(backend);
    return ones([SIZE]).requiresGrad_();
  };
  /** Bytes taken from the system by many synchronous runs of a step, after the first few. */
  const growth = (step: () => void) =>
    outsideScopes(() => {
      for (let i = 0; i < 3; i++) step();
      const { allocator } = heapOf('test', backend);
      const before = allocator.reservedBytes;
      for (let i = 0; i < STEPS; i++) step();
      return allocator.reservedBytes - before;
    });
  const backward = (w: Tensor) => w.mul(2).sum().backward();

  type Clear = (w: Tensor) => void;
  const set = (w: Tensor, grad: Tensor | null) => {
    w.grad = grad;
  };
  const clears: [string, Clear][] = [
    ['null', (w) => set(w, null)],
    ['another tensor', (w) => set(w, ones([SIZE]))],
    ['itself, clipped', (w) => set(w, w.grad?.mul(0.5) ?? null)],
    ['optimizer.zeroGrad', (w) => new SGD([w]).zeroGrad()],
    [
      'null, after a look',
      (w) => {
        w.grad?.norm();
        w.grad = null;
      },
    ],
    [
      'null, after a step by hand',
      (w) => {
        const { grad } = w;
        if (grad !== null) w.detach().sub_(grad.view(2, -1).mul(0.1).view(-1));
        w.grad = null;
      },
    ],
    [
      'null, after clipping and an optimizer step',
      (w) => {
        clipGradNorm([w], 1);
        new SGD([w], { lr: 1e-3 }).step();
        w.grad = null;
      },
    ],
  ];

  test.each(clears)('a gradient replaced by %s, in scopes and compiled', (_, clear) => {
    const w = weights();
    const step = () => {
      clear(w);
      backward(w);
    };
    expect(growth(() => scope(step))).toBeLessThan(MIB);
    w.grad = null;
    const compiled = compile(step);
    expect(growth(() => scope(compiled))).toBeLessThan(MIB);
  });

  test('unscoped, where nobody looked', () => {
    const w = weights();
    const large = ones([SIZE]);
    const step = () => {
      w.grad = null;
      w.backward(large);
    };
    expect(growth(step)).toBeLessThan(MIB);
    const compiled = compile(() => {
      w.grad = null;
      backward(w);
    });
    expect(growth(() => void compiled())).toBeLessThan(MIB);
    const accumulated = compile(() => backward(w));
    expect(
      growth(() => {
        w.grad = null;
        accumulated();
      }),
    ).toBeLessThan(MIB);
  });

  test('a look in a scope between compiled steps', () => {
    const w = weights();
    const step = compile(() => {
      w.grad = null;
      backward(w);
    });
    const looked = () =>
      scope(() => {
        step();
        return w.grad?.sum().item();
      });
    expect(growth(looked)).toBeLessThan(MIB);
    expect(looked()).toBe(2 * SIZE);
  });

  test('graphs of gradients, retained gradients, leaves and modules that come and go', () => {
    const w = weights();
    const double = () => {
      w.square().sum().backward({ createGraph: true });
      (w.grad as Tensor).square().sum().backward();
      w.grad = null;
    };
    expect(growth(() => scope(double))).toBeLessThan(MIB);
    const retained = () => {
      const y = w.mul(2);
      y.retainGrad();
      y.sum().backward();
      w.grad = null;
    };
    expect(growth(() => scope(retained))).toBeLessThan(MIB);
    expect(growth(() => scope(() => backward(weights())))).toBeLessThan(MIB);
    const leaf = () => {
      using x = ones([SIZE]).requiresGrad_();
      x.backward(w.detach());
    };
    expect(growth(leaf)).toBeLessThan(MIB);
    const layer = new Linear(512, 512);
    const x = ones([1, 512]);
    const module = () => {
      layer.zeroGrad();
      (layer(x) as Tensor).sum().backward();
    };
    expect(growth(() => scope(module))).toBeLessThan(MIB);
  });

  describe.each(['eager', 'compiled'] as const)('a gradient that is held stays what it was, %s', (way) => {
    const made = () => {
      setBackend(backend);
      const w = tensor([1, 2, 3], { requiresGrad: true });
      const pass = (x: Tensor) => w.mul(x).sum().backward();
      const run = way === 'eager' ? pass : compile(pass);
      return { w, step: (value: number) => run(ones([3]).mul(value)) };
    };
    const later = ({ w, step }: ReturnType<typeof made>) => {
      for (const value of [7, 8, 9]) {
        w.grad = null;
        step(value);
        scope(() => w.grad?.sum().item());
      }
      return (w.grad as Tensor).toArray();
    };

    test('by a variable', () => {
      const fit = made();
      fit.step(2);
      const g = fit.w.grad as Tensor;
      expect(fit.w.grad).toBe(g);
      fit.w.grad = null;
      expect(fit.w.grad).toBeNull();
      expect(later(fit)).toEqual([9, 9, 9]);
      expect(g.toArray()).toEqual([2, 2, 2]);
    });

    test('by a view, after its handle was disposed of', () => {
      const fit = made();
      fit.step(2);
      const view = (fit.w.grad as Tensor).view(3, 1);
      fit.w.grad?.dispose();
      expect(fit.w.grad?.toArray()).toEqual([2, 2, 2]);
      expect(later(fit)).toEqual([9, 9, 9]);
      expect(view.toArray()).toEqual([[2], [2], [2]]);
    });

    test('by leaving a scope, as a result or kept', () => {
      const fit = made();
      let kept: Tensor | null = null;
      const result = scope(() => {
        fit.step(2);
        kept = keep(fit.w.grad as Tensor);
        return kept;
      });
      const other = made();
      const returned = scope(() => {
        other.step(3);
        return other.w.grad as Tensor;
      });
      expect([later(fit), later(other)]).toEqual([
        [9, 9, 9],
        [9, 9, 9],
      ]);
      expect(result).toBe(kept);
      expect([result.toArray(), returned.toArray()]).toEqual([
        [2, 2, 2],
        [3, 3, 3],
      ]);
    });

    test('by the graph of its own', () => {
      const { w } = made();
      w.pow(3).sum().backward({ createGraph: true });
      const g = w.grad as Tensor;
      w.grad = null;
      g.sum().backward();
      expect((w.grad as unknown as Tensor).toArray()).toEqual([6, 12, 18]);
      expect(g.toArray()).toEqual([3, 12, 27]);
    });

    test('after its scope, while it is the gradient', () => {
      const fit = made();
      const seen: Tensor[] = [];
      const look = () => scope(() => void seen.push(fit.w.grad as Tensor));
      fit.step(2);
      look();
      expect(seen[0]?.toArray()).toEqual([2, 2, 2]);
      fit.step(3);
      look();
      expect(seen[1]).toBe(seen[0]);
      expect(seen[0]?.toArray()).toEqual([5, 5, 5]);
      fit.w.grad = null;
      expect(() => seen[0]?.toArray()).toThrow(DisposedError);
    });

    test('assigned, to two leaves', () => {
      const [a, b] = [made(), made()];
      const t = ones([3]);
      a.w.grad = t;
      b.w.grad = t;
      expect([a.w.grad, b.w.grad]).toEqual([t, t]);
      a.step(2);
      expect(t.toArray()).toEqual([3, 3, 3]);
      expect(b.w.grad).toBe(t);
      a.w.grad = null;
      expect(later(a)).toEqual([9, 9, 9]);
      expect([b.w.grad, t.toArray()]).toEqual([t, [3, 3, 3]]);
      expect(later(b)).toEqual([9, 9, 9]);
      expect(t.toArray()).toEqual([3, 3, 3]);
    });

    test('assigned in a scope, until it is replaced', () => {
      const fit = made();
      let t: Tensor | null = null;
      scope(() => {
        t = ones([3]);
        fit.w.grad = t;
      });
      expect(fit.w.grad).toBe(t);
      fit.step(2);
      expect(fit.w.grad?.toArray()).toEqual([3, 3, 3]);
      expect(later(fit)).toEqual([9, 9, 9]);
    });
  });

  test('a program that reads the gradient it replaces does not write over it', () => {
    setBackend(backend);
    const run = (wrap: (fn: (x: Tensor) => Tensor) => (x: Tensor) => Tensor) => {
      const w = tensor([1, 2, 3], { requiresGrad: true });
      const last = tensor([0, 0, 0]);
      const step = wrap((x) => {
        w.grad ??= ones([3]);
        const before = w.grad as Tensor;
        w.grad = null;
        w.mul(x).sum().backward();
        last.copy_((w.grad as unknown as Tensor).mul(10).add(before));
        return last.sum();
      });
      return [1, 2, 3, 4].map((value) => [step(tensor([value, 0, 1])).item(), last.toArray()]);
    };
    expect(run(compile)).toEqual(run((fn) => fn));
    expect(run(compile).at(-1)).toEqual([40 + 3 + 10 + 1, [43, 0, 11]]);
  });
});
