/** The tape: accumulation, freeing, hooks, versions, and every way of using it wrongly. */
import { describe, expect, test } from 'vitest';
import * as ct from '../../src/index.ts';
import { backends } from '../support/backends.ts';

describe.each(backends)('on %s', (backend) => {
  const leaf = (data: ct.NestedArray) => ct.tensor(data, { dtype: 'float64', backend, requiresGrad: true });

  test('gradients of a leaf used twice add up', () => {
    const x = leaf([1, 2, 3]);
    x.mul(x).add(x).sum().backward();
    expect(x.grad?.toArray()).toEqual([3, 5, 7]);
  });

  test('gradients accumulate over backwards', () => {
    const x = leaf([1, 2]);
    x.sum().backward();
    x.mul(2).sum().backward();
    expect(x.grad?.toArray()).toEqual([3, 3]);
  });

  test('a chain of 20,000 ops needs no recursion', () => {
    const x = leaf([1]);
    let y: ct.Tensor = x;
    for (let i = 0; i < 20_000; i++) y = y.add(1);
    y.backward();
    expect(x.grad?.item()).toBe(1);
  });

  test('a diamond of shared nodes is walked once per node', () => {
    const x = leaf([1]);
    let y: ct.Tensor = x;
    for (let i = 0; i < 40; i++) y = y.add(y);
    y.backward();
    expect(x.grad?.item()).toBe(2 ** 40);
  });

  test('a vector wants a gradient to start from', () => {
    const x = leaf([1, 2]);
    expect(() => x.mul(2).backward()).toThrow(/^backward: wants a tensor of one element.*\[2\]/);
    x.mul(2).backward({ gradient: ct.tensor([1, 10], { dtype: 'float64', backend }) });
    expect(x.grad?.toArray()).toEqual([2, 20]);
  });

  test('backward twice is an error that says so, and works with retainGraph', () => {
    const x = leaf([3]);
    const y = x.square();
    y.backward();
    expect(() => y.backward()).toThrow(/^backward: the graph was already used \(at 'square'\)/);
    const z = x.square();
    z.backward({ retainGraph: true });
    z.backward();
    expect(x.grad?.item()).toBe(18);
  });

  test('a tensor that needs no gradient cannot be differentiated', () => {
    expect(() => ct.ones([1], { backend }).backward()).toThrow(ct.AutogradError);
    const x = leaf([1]);
    expect(() => ct.noGrad(() => x.mul(2)).backward()).toThrow(/does not require grad/);
    expect(() => x.detach().mul(2).backward()).toThrow(ct.AutogradError);
  });

  test('a saved tensor that was changed in place is an error that names the op', () => {
    const x = leaf([1, 2]);
    const y = x.mul(1);
    const z = y.square();
    y.add_(1);
    expect(() => z.sum().backward()).toThrow(/'square' needs.*changed in place/);
  });

  test('in-place ops on results are differentiated, those on leaves refused', () => {
    const x = leaf([1, 2]);
    const y = x.mul(3);
    y.mul_(x).add_(1);
    y.sum().backward();
    expect(x.grad?.toArray()).toEqual([6, 12]);
    expect(() => x.add_(1)).toThrow(/^add_: a leaf that requires grad/);
    ct.noGrad(() => x.add_(1));
    expect(x.toArray()).toEqual([2, 3]);
  });

  test('a copy into a buffer carries the gradient of what was copied', () => {
    const x = leaf([1, 2]);
    const buffer = ct.zeros([2, 2], { dtype: 'float64', backend });
    buffer.copy_(x);
    buffer.mul(2).sum().backward();
    expect(x.grad?.toArray()).toEqual([4, 4]);
  });

  test('hooks see gradients and may replace them', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    const seen: ct.NestedArray[] = [];
    const remove = y.registerHook((g) => {
      seen.push(g.toArray());
      return g.mul(10);
    });
    y.sum().backward({ retainGraph: true });
    remove();
    y.sum().backward();
    expect(seen).toEqual([[1, 1]]);
    expect(x.grad?.toArray()).toEqual([22, 22]);
    const z = leaf([1]);
    z.registerHook((g) => g.neg());
    z.mul(5).backward();
    expect(z.grad?.item()).toBe(-5);
  });

  test('retainGrad keeps the gradient of an intermediate result', () => {
    const x = leaf([1, 2]);
    const y = x.square();
    y.retainGrad();
    y.mul(3).sum().backward();
    expect(y.grad?.toArray()).toEqual([3, 3]);
  });

  test('grad gives gradients without touching .grad, and null for unused inputs on request', () => {
    const [x, z] = [leaf([2]), leaf([5])];
    const y = x.square();
    expect(() => ct.grad(y, [x, z], { retainGraph: true })).toThrow(/do not depend on input 1/);
    const [gx, gz] = ct.grad(y, [x, z], { allowUnused: true });
    expect(gx?.item()).toBe(4);
    expect(gz).toBeNull();
    expect(x.grad).toBeNull();
  });

  test('derivatives of derivatives: sin and its first four', () => {
    const x = leaf(0.7);
    let y = x.sin();
    for (const want of [Math.cos(0.7), -Math.sin(0.7), -Math.cos(0.7), Math.sin(0.7)]) {
      y = ct.grad(y, x, { createGraph: true })[0] as ct.Tensor;
      expect(y.item()).toBeCloseTo(want, 12);
    }
  });

  test('functional forms nest and agree with each other', () => {
    const x = ct.tensor([1, 2], { dtype: 'float64', backend });
    const f = (v: ct.Tensor) => v.pow(3).sum();
    expect(ct.grad(f)(x).toArray()).toEqual([3, 12]);
    expect(
      ct
        .grad((v) => ct.grad(f)(v).sum())(x)
        .toArray(),
    ).toEqual([6, 12]);
    expect(ct.hessian(f, x).toArray()).toEqual([
      [6, 0],
      [0, 12],
    ]);
    expect(ct.jacobian((v) => v.mul(v), x).toArray()).toEqual([
      [2, 0],
      [0, 4],
    ]);
    const v = ct.tensor([1, -1], { dtype: 'float64', backend });
    expect(ct.hvp(f, x, v)[1].toArray()).toEqual([6, -12]);
    expect(ct.jvp((u) => u.mul(u), x, v)[1].toArray()).toEqual([2, -4]);
    expect(
      ct
        .vjp((u) => u.mul(u), x)[1](v)[0]
        ?.toArray(),
    ).toEqual([2, -4]);
    const [value, gradient] = ct.valueAndGrad(f)(x);
    expect([value.item(), gradient.toArray()]).toEqual([9, [3, 12]]);
  });

  test('a custom function has the derivative it says', () => {
    const cube = ct.customFunction({
      name: 'cube',
      forward(context, x: ct.Tensor) {
        context.saveForBackward(x);
        return x.mul(x).mul(x);
      },
      backward(context, g) {
        const [x] = context.savedTensors as [ct.Tensor];
        return g.mul(x.square()).mul(3);
      },
    });
    const x = leaf([0.5, -2]);
    expect(ct.gradcheck(cube, [x])).toBe(true);
    expect(ct.gradgradcheck(cube, [x])).toBe(true);
    const wrong = ct.customFunction({
      name: 'wrong',
      forward: (_, y: ct.Tensor) => y.mul(2),
      backward: (_, g) => [g, g],
    });
    expect(() => wrong(x).sum().backward()).toThrow(/^wrong: backward returned 2 gradients for 1/);
  });

  test('gradcheck finds a wrong derivative', () => {
    const wrong = ct.customFunction({
      name: 'wrong',
      forward: (_, y: ct.Tensor) => y.mul(2),
      backward: (_, g) => g.mul(3),
    });
    expect(() => ct.gradcheck(wrong, [leaf([1])])).toThrow(/element 0: .*by finite differences/);
  });

  test('a step inside a scope leaves nothing but the gradient', () => {
    const x = leaf([
      [1, 2],
      [3, 4],
    ]);
    const before = ct.memory(backend).bytes;
    ct.scope(() => x.matmul(x).tanh().sum().backward());
    expect(x.grad?.shape).toEqual([2, 2]);
    expect(ct.memory(backend).bytes - before).toBeLessThanOrEqual(64);
  });

  test('an error in the middle of backward frees what was under way', () => {
    const fails = ct.customFunction({
      name: 'fails',
      forward: (_, y: ct.Tensor) => y.mul(2),
      backward: () => {
        throw new Error('mine');
      },
    });
    const x = leaf([1, 2, 3]);
    const before = ct.memory(backend).bytes;
    expect(() => ct.scope(() => fails(x.exp()).mul(2).sum().backward())).toThrow('mine');
    expect(ct.memory(backend).bytes).toBe(before);
  });
});
