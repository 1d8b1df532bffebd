/** vmap: a function of one example gives for many what a loop over them gives, and so do its derivatives. */
import * as ct from 'cotangent';
import {
  ArgumentError,
  AutogradError,
  grad,
  IndexError,
  ShapeError,
  setBackend,
  stack,
  type Tensor,
  vmap,
} from 'cotangent';
import { LayerNorm, Linear, Sequential, Tanh } from 'cotangent/nn';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';
import { cases, ints, numbers } from '../support/cases.ts';
import { elementwiseRows, paramsOf, samplesOf } from '../support/samples.ts';

const EXAMPLES = 3;

/** Sums may be taken in another order; nothing else may differ. */
function expectSame(got: Tensor, wanted: Tensor, what = 'result'): void {
  expect(got.shape, what).toEqual(wanted.shape);
  const [a, b] = [Array.from(got.data(), Number), Array.from(wanted.data(), Number)];
  for (const [i, value] of a.entries()) {
    const other = b[i] as number;
    if (Object.is(value, other) || value === other) continue;
    expect(Math.abs(value - other), `${what}, element ${i}: ${value}, by the loop ${other}`).toBeLessThanOrEqual(
      1e-12 * Math.max(1, Math.abs(other)),
    );
  }
}

/** One tensor of the results of one example each. */
const looped = (f: (...xs: Tensor[]) => Tensor, inputs: readonly Tensor[], dims: readonly (number | null)[]): Tensor =>
  stack(
    Array.from({ length: EXAMPLES }, (_, i) =>
      f(...inputs.map((x, k) => (dims[k] === null ? x : x.select(dims[k] as number, i)))),
    ),
  );

/** As many versions of an input as there are examples, along the last dimension: their strides are not those of a contiguous tensor. */
const versions = (x: Tensor): Tensor =>
  stack(
    Array.from({ length: EXAMPLES }, (_, i) => x.detach().mul(1 - 0.03 * i)),
    x.ndim,
  );

const first = (result: Tensor | Tensor[]): Tensor => (Array.isArray(result) ? (result[0] as Tensor) : result);

describe.each(backends)('on the %s backend', (backend) => {
  beforeEach(() => {
    setBackend(backend);
  });

  test('every elementwise op', () => {
    for (const row of elementwiseRows) {
      const op = ct[row.name as 'add'] as unknown as (...args: unknown[]) => Tensor;
      const input = (k: number, count: number) => ct.fromArray(samplesOf(row, k, count)).div(1);
      const params = paramsOf(row);
      const shared = Array.from({ length: row.arity }, (_, k) => (k === 0 ? input(0, 15).reshape(3, 5) : input(k, 5)));
      const dims = shared.map((_, k) => (k === 0 ? 0 : null));
      const each = Array.from({ length: row.arity }, (_, k) => input(k, 15).reshape(5, 3));
      const f = (...xs: Tensor[]) => op(...xs, ...params);
      expectSame(vmap(f, { inDims: dims })(...shared), looped(f, shared, dims), row.name);
      const last = each.map(() => 1);
      expectSame(vmap(f, { inDims: 1 })(...each), looped(f, each, last), row.name);
    }
  });

  describe('every structured op, its derivative, and the derivative of that', () => {
    test.each(cases)('%s', (_, f, inputs) => {
      const given = inputs();
      const dims = given.map((x) => x.ndim);
      const one = (...xs: Tensor[]) => first(f(...xs));
      expectSame(vmap(one, { inDims: dims })(...given.map(versions)), looped(one, given.map(versions), dims));
      // Through the examples, with an input that all of them share.
      const mixed = dims.map((d, k) => (k === dims.length - 1 && k > 0 ? null : d));
      const gradients = (run: (xs: readonly Tensor[]) => Tensor) => {
        const xs = given.map((x, k) => (mixed[k] === null ? x.detach() : versions(x)).requiresGrad_());
        const y = run(xs);
        if (!y.requiresGrad) return [];
        const slopes = ct.grad(y.mul(numbers(y.shape, 5).detach()).sum(), xs, { createGraph: true, allowUnused: true });
        const used = slopes.filter((g) => g?.requiresGrad).map((g) => (g as Tensor).square().sum());
        const second = used.length > 0 ? ct.grad(used, xs, { allowUnused: true }) : [];
        return [...slopes, ...second].map((g, i) => g?.detach() ?? ct.zeros((xs[i % xs.length] as Tensor).shape));
      };
      const got = gradients((xs) => vmap(one, { inDims: mixed })(...xs));
      const wanted = gradients((xs) => looped(one, xs, mixed));
      for (const [i, g] of got.entries()) expectSame(g, wanted[i] as Tensor);
    });
  });

  test('gradients of shared parameters are sums over the examples', () => {
    const model = new Sequential(new Linear(3, 4), new Tanh(), new LayerNorm(4), new Linear(4, 2));
    model.to('float64');
    const x = numbers([5, 3]).detach();
    vmap((one: Tensor) => model(one).square().sum())(x)
      .sum()
      .backward();
    const got = [...model.parameters()].map((p) => (p.grad as Tensor).clone());
    model.zeroGrad();
    model(x).square().sum().backward();
    for (const [i, p] of [...model.parameters()].entries()) expectSame(got[i] as Tensor, p.grad as Tensor);
    model.zeroGrad();
  });

  test('a gradient for every example, of what they share', () => {
    const w = numbers([3]).detach();
    const [x, y] = [numbers([4, 3], 1).detach(), numbers([4], 2).detach()];
    const loss = (weights: Tensor, input: Tensor, target: Tensor) => weights.dot(input).sub(target).square();
    const got = vmap(grad(loss), { inDims: [null, 0, 0] })(w, x, y);
    const residuals = x.mv(w).sub(y).mul(2);
    expectSame(got, residuals.unsqueeze(1).mul(x));
  });

  test('nests', () => {
    const [a, b] = [numbers([4, 3]).detach(), numbers([5, 3], 1).detach()];
    const dots = vmap((x: Tensor) => vmap((y: Tensor) => x.mul(y).sum())(b))(a);
    expectSame(dots, a.matmul(b.t()));
    const inner = vmap((x: Tensor, y: Tensor) => vmap((u: Tensor, v: Tensor) => u.sub(v), { inDims: [0, null] })(x, y));
    expectSame(inner(a, numbers([4], 2).detach()), a.sub(numbers([4, 1], 2).detach()));
  });

  test('examples along any dimension, in and out', () => {
    const x = numbers([2, 3, 4]).detach();
    expectSame(vmap((m: Tensor) => m.cumsum(0), { inDims: -1, outDims: 1 })(x), x.cumsum(0).movedim(-1, 1));
    const [low, high] = vmap((m: Tensor) => [m.amin(), m.amax(0)], { inDims: 1, outDims: [0, -1] })(x) as Tensor[];
    expectSame(low as Tensor, x.movedim(1, 0).amin([1, 2]));
    expectSame(high as Tensor, x.amax(0).t());
  });

  test('results that do not depend on the examples are repeated', () => {
    const x = numbers([3, 2]).detach();
    expect(vmap((_: Tensor) => ct.tensor(7))(x).toArray()).toEqual([7, 7, 7]);
    expect(vmap((_: Tensor, scale: number) => ct.ones([2]).mul(scale))(x, 3).toArray()).toEqual([
      [3, 3],
      [3, 3],
      [3, 3],
    ]);
  });

  test('no examples', () => {
    expect(vmap((x: Tensor) => x.exp().sum())(ct.zeros([0, 3])).shape).toEqual([0]);
    expect(vmap((x: Tensor) => x.softmax(0))(ct.zeros([0, 3])).shape).toEqual([0, 3]);
  });

  test('random numbers differ between examples, and the same seed gives the same', () => {
    const draw = () => vmap((x: Tensor) => x.add(ct.rand([2])).add(ct.randn([2])))(ct.zeros([4, 2]));
    ct.manualSeed(3);
    const [once, next] = [draw(), draw()];
    ct.manualSeed(3);
    expect(draw().toArray()).toEqual(once.toArray());
    expect(new Set([...once.data(), ...next.data()]).size).toBe(16);
  });

  test('changes in place inside stay inside', () => {
    const x = ct.ones([3, 2]);
    const doubled = vmap((one: Tensor) => {
      const own = ct.zeros([2]);
      own.add_(one);
      own.select(0, 1).mul_(2);
      return own;
    })(x);
    expect(doubled.toArray()).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
    expect(() => vmap((one: Tensor) => one.mul_(2))(x)).toThrow(/^mul_: .*clone\(\)/);
    expect(() => vmap((one: Tensor) => one.reshape(2, 1).zero_())(x)).toThrow(/^fill_: .*vmap/);
    const shared = ct.zeros([2]);
    expect(() => vmap((one: Tensor) => shared.add_(one))(x)).toThrow(/^add_: .*share/);
    expect(shared.toArray()).toEqual([0, 0]);
  });

  test('Jacobians of both modes', () => {
    const f = (x: Tensor) => ct.stack([x.prod(), x.square().sum(), x.select(0, 0).sin()]);
    const x = numbers([4]).detach();
    const loop = stack(Array.from({ length: 3 }, (_, i) => grad((v: Tensor) => f(v).select(0, i))(x)));
    expectSame(ct.jacrev(f)(x), loop);
    expectSame(ct.jacfwd(f)(x), loop);
    expectSame(ct.jacobian(f, x), loop);
    const bilinear = (a: Tensor, b: Tensor) => a.matmul(b);
    const [a, b] = [numbers([2, 3]).detach(), numbers([3, 2], 1).detach()];
    expect(ct.jacfwd(bilinear, 1)(a, b).shape).toEqual([2, 2, 3, 2]);
    expectSame(ct.jacfwd(bilinear, 1)(a, b), ct.jacrev(bilinear, 1)(a, b));
  });

  test('one linearization serves many tangents', () => {
    let runs = 0;
    const f = (x: Tensor) => {
      runs++;
      return x.sin().mul(x.sum());
    };
    const x = numbers([3]).detach();
    const [value, push] = ct.linearize(f, x);
    expectSame(value, f(x));
    const tangents = numbers([5, 3], 2).detach();
    expectSame(vmap(push)(tangents), tangents.matmul(ct.jacrev(f)(x).t()));
    expect(runs).toBe(3);
  });

  test('Hessians of many points at once', () => {
    const f = (p: Tensor) => p.select(0, 0).pow(3).mul(p.select(0, 1)).add(p.square().sum());
    const points = numbers([4, 2]).detach();
    expectSame(vmap((p: Tensor) => ct.hessian(f, p))(points), stack(points.unbind(0).map((p) => ct.hessian(f, p))));
  });

  test('inside compile, and around it', () => {
    const w = numbers([3]).detach();
    const loss = (v: Tensor, x: Tensor) => v.mul(x).sum().tanh();
    const perExample = (x: Tensor) => vmap(grad(loss), { inDims: [null, 0] })(w, x);
    const step = ct.compile(perExample);
    for (const salt of [1, 2]) {
      const x = numbers([4, 3], salt).detach();
      expectSame(step(x), perExample(x));
    }
    step.dispose();
    const inner = ct.compile((x: Tensor) => x.square().sum());
    expectSame(vmap((x: Tensor) => inner(x))(numbers([4, 3]).detach()), numbers([4, 3]).detach().square().sum(1));
    inner.dispose();
  });

  test('gradients that hooks and retainGrad see have an example each', () => {
    const x = numbers([3, 2]).detach().requiresGrad_();
    const shapes: (readonly number[])[] = [];
    vmap((one: Tensor) => {
      const y = one.mul(2);
      y.registerHook((g) => {
        shapes.push(g.shape);
        return g.mul(10);
      });
      return y.sum();
    })(x)
      .sum()
      .backward();
    expect(shapes).toEqual([[2]]);
    expect(x.grad?.toArray()).toEqual([
      [20, 20],
      [20, 20],
      [20, 20],
    ]);
  });

  test('what goes wrong is named', () => {
    const x = ct.ones([3, 2]);
    const id = (one: Tensor) => one;
    expect(() => vmap(3 as never)).toThrow(ArgumentError);
    expect(() => vmap(id, { inDim: 0 } as never)).toThrow(/inDim/);
    expect(() => vmap(id, { inDims: 0.5 })).toThrow(ArgumentError);
    expect(() => vmap(id, { inDims: [0, 0] })(x)).toThrow(/^vmap: inDims has 2 entries for 1/);
    expect(() => vmap(id, { inDims: 2 })(x)).toThrow(IndexError);
    expect(() => vmap(id, { outDims: 2 })(x)).toThrow(IndexError);
    expect(() => vmap(id, { inDims: null })(x)).toThrow(/at least one/);
    expect(() => vmap(id)(ct.tensor(1))).toThrow(ShapeError);
    expect(() => vmap((a: Tensor, b: Tensor) => a.add(b))(x, ct.ones([4, 2]))).toThrow(/4 examples.*3/);
    expect(() => vmap((() => 3) as never)(x as never)).toThrow(/^vmap: wants the function to return a tensor/);
    expect(() => vmap((one: Tensor) => ct.tensor(one.sum().item()))(x)).toThrow(/^item: .*vmap/);
    expect(() => vmap((one: Tensor) => ct.tensor([...one.data()] as number[]))(x)).toThrow(/^data: .*vmap/);
    let text = '';
    vmap((one: Tensor) => {
      text = String(one);
      return one;
    })(x);
    expect(text).toBe('tensor(<one of many in vmap>, shape=[2], dtype=float32)');
    let leaked: Tensor | undefined;
    vmap((one: Tensor) => {
      leaked = one.mul(2);
      return one;
    })(x);
    expect(() => (leaked as Tensor).add(1)).toThrow(/^add: .*leave/);
    const w = ct.ones([2]).requiresGrad_();
    expect(() =>
      vmap((one: Tensor) => {
        const y = one.mul(w).sum();
        y.backward();
        return y;
      })(x),
    ).toThrow(AutogradError);
    expect(() => vmap((one: Tensor) => one.gather(0, ints([5])))(x)).toThrow(IndexError);
  });
});
