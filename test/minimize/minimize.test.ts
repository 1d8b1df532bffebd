/** What `minimize` and `leastSquares` promise besides minima: how functions are given, what comes back, when they stop, what they refuse. */
import {
  ArgumentError,
  AutogradError,
  ConvergenceError,
  type CotangentError,
  DTypeError,
  noGrad,
  ShapeError,
  scope,
  setBackend,
  stack,
  type Tensor,
  tensor,
} from 'cotangent';
import { leastSquares, type MinimizeMethod, type MinimizeResult, minimize } from 'cotangent/optim';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

const METHODS: readonly MinimizeMethod[] = ['newton', 'lbfgs', 'gradient-descent', 'levenberg-marquardt'];

/** A bowl, as a value and as residuals; its minimum is 2 at (1, −3). */
const residuals = (x: Tensor, y: Tensor) => stack([x.sub(1), y.add(3).mul(2), x.mul(0).add(Math.SQRT2)]);
const bowl = (x: Tensor, y: Tensor) => residuals(x, y).square().sum();
const of = (method: MinimizeMethod) => (method === 'levenberg-marquardt' ? residuals : bowl);
const rosenbrock = (x: Tensor, y: Tensor) => y.sub(x.square()).square().mul(100).add(x.sub(1).square());
const numbers = (x: Tensor) => Array.from(x.data(), Number);

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => setBackend(backend));

  describe.each(METHODS)('%s', (method) => {
    test('gives the point, the path to it and what it took', () => {
      const seen: number[] = [];
      const result = minimize(of(method), [4, 4], { method, callback: ({ iteration }) => void seen.push(iteration) });
      for (const [i, value] of numbers(result.point).entries()) expect(value).toBeCloseTo([1, -3][i] as number, 6);
      expect(result.value).toBeCloseTo(2, 12);
      expect(result.gradientNorm).toBeLessThan(1e-6);
      expect(result.point.dtype).toBe('float64');
      expect(result.point.backend).toBe(backend);
      expect(result.path.shape).toEqual([result.iterations + 1, 2]);
      expect(numbers(result.path.select(0, 0))).toEqual([4, 4]);
      expect(numbers(result.path.select(0, -1))).toEqual(numbers(result.point));
      expect(result.values.at(-1)).toBe(result.value);
      expect(result.values.slice(1).every((value, k) => value <= (result.values[k] as number))).toBe(true);
      expect(seen).toEqual(Array.from({ length: result.iterations }, (_, k) => k + 1));
      expect(result.evaluations.value).toBeGreaterThanOrEqual(result.iterations + 1);
      expect(result.evaluations.hessian > 0).toBe(method === 'newton');
      expect(['gradient', 'precision']).toContain(result.reason);
    });

    test('takes one vector where the start is a tensor, and works within noGrad', () => {
      const start = tensor([4, 4], { dtype: 'float32', requiresGrad: true });
      const f = (v: Tensor) => {
        expect([v.dtype, v.shape]).toEqual(['float64', [2]]);
        return of(method)(v.select(0, 0), v.select(0, 1));
      };
      const { point } = noGrad(() => minimize(f, start, { method }));
      expect(numbers(point)[1]).toBeCloseTo(-3, 6);
      expect(start.grad).toBeNull();
      expect(point.requiresGrad).toBe(false);
    });

    test('ends where the callback says so', () => {
      const f =
        method === 'levenberg-marquardt'
          ? (x: Tensor) => x.exp().sub(3).reshape(1)
          : (x: Tensor) => x.exp().sub(3).square();
      const result = minimize(f, 0, { method, callback: ({ iteration }) => iteration < 2 });
      expect([result.iterations, result.reason]).toEqual([2, 'callback']);
    });

    test('throws the reason of an aborted signal', () => {
      const controller = new AbortController();
      const reason = new Error('enough');
      const callback = () => controller.abort(reason);
      expect(caught(() => minimize(of(method), [4, 4], { method, callback, signal: controller.signal }))).toBe(reason);
      expect(caught(() => minimize(of(method), [4, 4], { method, signal: controller.signal }))).toBe(reason);
    });

    test('carries the best point in its error when iterations run out', () => {
      // Thrown through a scope: what the error carries outlives it.
      const error = caught(() => scope(() => minimize(of(method), [400, 4], { method, maxIterations: 0 })));
      expect(error).toBeInstanceOf(ConvergenceError);
      const { iterations, best } = error as ConvergenceError & { best: MinimizeResult };
      expect(iterations).toBe(0);
      expect(numbers(best.point)).toEqual([400, 4]);
      expect(numbers(best.path)).toEqual([400, 4]);
      expect(best.value).toBeGreaterThan(1e5);
      for (const held of [best.point, best.path]) held.dispose();
    });

    test('steps back from points where the function is NaN or infinite', () => {
      // ln is NaN below zero, where the first full steps lead.
      const log = (x: Tensor) => x.log().sub(1);
      const f = method === 'levenberg-marquardt' ? (x: Tensor) => log(x).reshape(1) : (x: Tensor) => log(x).square();
      const { point } = minimize(f, 30, { method, maxIterations: 1_000_000, tol: 1e-8 });
      expect(point.item()).toBeCloseTo(Math.E, 5);
    });

    test('is there at once where the gradient is zero', () => {
      const { iterations, reason } = minimize(of(method), [1, -3], { method });
      expect([iterations, reason]).toEqual([0, 'gradient']);
    });

    test.each<[string, unknown, typeof CotangentError, RegExp]>([
      ['a number', () => 3, ArgumentError, /returned 3, not a tensor/],
      ['nothing', () => undefined, ArgumentError, /returned undefined/],
      [
        'NaN',
        (x: Tensor) =>
          stack([x.mul(Number.NaN)])
            .sum()
            .reshape(1),
        ArgumentError,
        /NaN|finite/,
      ],
      ['integers', (x: Tensor) => x.to('int32'), DTypeError, /int32/],
      ['a detached value', (x: Tensor) => x.square().detach().reshape(1), AutogradError, /detached/],
      [
        'a value made from item()',
        (x: Tensor) => tensor([x.item() ** 2], { dtype: 'float64' }),
        AutogradError,
        /item\(\)/,
      ],
      ['a matrix', (x: Tensor, y: Tensor) => stack([x, y]).reshape(2, 1), ShapeError, /shape \[2, 1\]/],
      [
        'what depends on something else',
        () => tensor([1], { requiresGrad: true }).mul(2),
        AutogradError,
        /does not depend/,
      ],
    ])('refuses a function that returns %s', (_, f, kind, message) => {
      const error = caught(() => minimize(f as () => Tensor, [1, 2], { method }));
      expect(error).toBeInstanceOf(kind);
      expect((error as Error).message).toMatch(/^minimize: /);
      expect((error as Error).message).toMatch(message);
    });
  });

  test('Newton takes one step to the bottom of a parabola, and leaves a saddle point', () => {
    const square = (x: Tensor, y: Tensor) => x.square().add(y.square());
    expect(minimize(square, [4, 4], { method: 'newton' }).iterations).toBe(1);
    const saddle = (x: Tensor, y: Tensor) => x.square().sub(y.square()).add(y.pow(4));
    const { value, point } = minimize(saddle, [0, 0], { method: 'newton' });
    expect(value).toBeCloseTo(-0.25, 12);
    expect(Math.abs(numbers(point)[1] as number)).toBeCloseTo(Math.SQRT1_2, 8);
  });

  test('Newton meets singular Hessians: a flat direction, a minimum of fourth order', () => {
    const valley = (x: Tensor, y: Tensor) => x.add(y).sub(1).square();
    const flat = minimize(valley, [3, 5], { method: 'newton' });
    expect(flat.value).toBeLessThan(1e-20);
    const quartic = (x: Tensor) => x.pow(4);
    expect(minimize(quartic, 3, { method: 'newton' }).value).toBeLessThan(1e-20);
  });

  test('a function without a minimum does not converge', () => {
    for (const method of ['newton', 'lbfgs', 'gradient-descent'] as const) {
      const error = caught(() => minimize((x, y) => x.add(y.square()), [0, 1], { method, maxIterations: 30 }));
      expect(error).toBeInstanceOf(ConvergenceError);
      for (const held of Object.values((error as ConvergenceError).best as object))
        if (held instanceof Object && 'dispose' in held) (held as Tensor).dispose();
    }
  });

  test('least squares gives the residuals, with fewer of them than variables as well', () => {
    const line = leastSquares((a, b) => tensor([0, 1, 2, 3], { dtype: 'float64' }).mul(b).add(a).sub(2), [5, 5]);
    expect(numbers(line.residuals).length).toBe(4);
    expect(line.value).toBeCloseTo(0, 12);
    const under = leastSquares((a, b) => a.add(b).sub(1).reshape(1), [3, 4]);
    expect(under.value).toBeLessThan(1e-20);
    expect(() => leastSquares((a) => a.square(), [3])).toThrow(/^leastSquares: .*vector/);
    let calls = 0;
    const growing = (a: Tensor) => stack(Array.from({ length: ++calls }, () => a.exp()));
    expect(() => leastSquares(growing, [3])).toThrow(/there were 1 residuals at the start, now there are 2/);
  });

  test('bad starts and options are typed errors', () => {
    const bad = (start: unknown, options?: object) =>
      caught(() => minimize(rosenbrock, start as number[], options as never));
    expect(bad([])).toBeInstanceOf(ArgumentError);
    expect(bad([1, Number.NaN])).toBeInstanceOf(ArgumentError);
    expect(bad(['1', 2])).toBeInstanceOf(ArgumentError);
    expect(bad(undefined)).toBeInstanceOf(ArgumentError);
    expect(bad(tensor([1, 2], { dtype: 'int32' }))).toBeInstanceOf(DTypeError);
    expect(bad(tensor([[1, 2]]))).toBeInstanceOf(ShapeError);
    for (const options of [
      { method: 'simplex' },
      { method: 'toString' },
      { tol: -1 },
      { tol: Number.NaN },
      { maxIterations: 1.5 },
      { callback: 3 },
      { signal: {} },
      { tolerance: 1 },
      null,
    ])
      expect(bad([1, 2], options as object), JSON.stringify(options)).toBeInstanceOf(ArgumentError);
    expect(caught(() => minimize(3 as never, [1]))).toBeInstanceOf(ArgumentError);
    expect(caught(() => minimize((x) => x.log(), [-1]))).toBeInstanceOf(ArgumentError);
    expect(caught(() => minimize((x) => x.sqrt(), [0]))).toBeInstanceOf(ArgumentError);
  });

  test('errors of the function come through, and leave nothing behind', () => {
    const mine = new Error('mine');
    let calls = 0;
    const f = (x: Tensor) => {
      if (++calls === 3) throw mine;
      return x.exp().add(x.square());
    };
    expect(caught(() => minimize(f, [3]))).toBe(mine);
  });
});
