/** Functions of derivatives, compiled: they are ops like any others. */
import * as ct from 'cotangent';
import { compile, hessian, hvp, type Tensor, tensor } from 'cotangent';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';
import { sample } from '../support/naive.ts';

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));

  const f = (x: Tensor) => x.sin().mul(x).sum().add(x.square().sum().square());
  const at = (seed: number) => sample([4], seed, backend);

  test.each<[string, (x: Tensor, v: Tensor) => Tensor | Tensor[]]>([
    ['grad', (x) => ct.grad(f)(x)],
    ['valueAndGrad', (x) => ct.valueAndGrad(f)(x)],
    ['hessian', (x) => hessian(f, x) as Tensor],
    ['hvp', (x, v) => hvp(f, x, v) as Tensor | Tensor[]],
    ['jacobian', (x) => ct.jacobian((y) => y.mul(y.sum()), x) as Tensor],
    [
      'third derivatives',
      (x) =>
        ct.grad((y) =>
          ct
            .grad((z) => ct.grad(f)(z).square().sum())(y)
            .sum(),
        )(x),
    ],
  ])('%s', (_, fn) => {
    const step = compile(fn);
    const numbers = (value: Tensor | Tensor[]) => [value].flat().map((t) => t.data());
    for (let i = 0; i < 3; i++) expect(numbers(step(at(i), at(i + 9)))).toEqual(numbers(fn(at(i), at(i + 9))));
    expect(step.recordings).toBe(1);
  });

  test("a step of Newton's method", () => {
    const rosenbrock = (p: Tensor) => {
      const [x, y] = [p.select(0, 0), p.select(0, 1)];
      return x.neg().add(1).square().add(y.sub(x.square()).square().mul(100));
    };
    const newton = (p: Tensor) => {
      const g = ct.grad(rosenbrock)(p);
      const h = hessian(rosenbrock, p) as Tensor;
      const [a, b, c] = [h.select(0, 0).select(0, 0), h.select(0, 0).select(0, 1), h.select(0, 1).select(0, 1)];
      const [gx, gy] = [g.select(0, 0), g.select(0, 1)];
      const det = a.mul(c).sub(b.mul(b));
      const move = ct.stack([c.mul(gx).sub(b.mul(gy)), a.mul(gy).sub(b.mul(gx))]).div(det);
      ct.noGrad(() => p.sub_(move));
      return rosenbrock(p);
    };
    const start = () => tensor([-1.2, 1], { dtype: 'float64' });
    const step = compile(newton);
    const [p, q] = [start(), start()];
    for (let i = 0; i < 7; i++) {
      expect(step(p).item()).toBe(newton(q).item());
      expect(p.data()).toEqual(q.data());
    }
    expect(rosenbrock(p).item()).toBeLessThan(1e-20);
    const r = start();
    step.repeat(7, r);
    expect(r.data()).toEqual(q.data());
    expect(step.recordings).toBe(1);
  });

  test('gradients that are part of a loss', () => {
    const w = sample([4], 1, backend).requiresGrad_();
    const penalty = (x: Tensor) => {
      w.grad = null;
      const y = w.mul(x).tanh().sum();
      const [g] = ct.grad(y, [w], { createGraph: true }) as [Tensor];
      const loss = g.square().sum().add(y);
      loss.backward();
      return loss;
    };
    const step = compile(penalty);
    for (let i = 0; i < 3; i++) {
      const got = [step(at(i)).item(), w.grad?.toArray()];
      expect(got).toEqual([penalty(at(i)).item(), (w.grad as Tensor | null)?.toArray()]);
    }
    w.grad = null;
  });

  test('the gradients of pieces are put together, and not each embedded in a whole', () => {
    const last = (x: ct.Tensor) =>
      x
        .unbind()
        .reduce((h, row) => h.add(row).tanh())
        .sum();
    const bytes = (steps: number) => {
      const step = compile((x: ct.Tensor) => ct.grad(last)(x));
      step(ct.zeros([steps, 2], { dtype: 'float64', backend }));
      return step.program.stats().bytesMoved;
    };
    expect(bytes(100)).toBeLessThan(2.1 * bytes(50));
  });
});
