/** Many steps in a call: the same as many calls, faults included. */
import * as ct from 'cotangent';
import { compile, IndexError, manualSeed, type Tensor, tensor } from 'cotangent';
import { Dropout } from 'cotangent/nn';
import { Adam } from 'cotangent/optim';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

/** Himmelblau's function of the point p. */
function himmelblau(p: Tensor): Tensor {
  const [x, y] = [p.select(0, 0), p.select(0, 1)];
  return x.square().add(y).sub(11).square().add(x.add(y.square()).sub(7).square());
}

/** Adam's path in plain numbers: the value of the function and the point, at the start and after every `every` steps. */
function descend(steps: number, every: number): { value: number; point: number[] }[] {
  const p = [-4, 0];
  const [m, v] = [
    [0, 0],
    [0, 0],
  ];
  const f = ([x, y]: number[]) =>
    ((x as number) ** 2 + (y as number) - 11) ** 2 + ((x as number) + (y as number) ** 2 - 7) ** 2;
  const out = [{ value: f(p), point: [...p] }];
  for (let t = 1; t <= steps; t++) {
    const [x, y] = p as [number, number];
    const [a, b] = [x * x + y - 11, x + y * y - 7];
    for (const [i, g] of [4 * x * a + 2 * b, 2 * a + 4 * y * b].entries()) {
      m[i] = 0.9 * (m[i] as number) + 0.1 * g;
      v[i] = 0.999 * (v[i] as number) + 0.001 * g * g;
      const size = Math.sqrt((v[i] as number) / (1 - 0.999 ** t)) + 1e-8;
      (p[i] as number) -= (1e-3 * (m[i] as number)) / (1 - 0.9 ** t) / size;
    }
    if (t % every === 0) out.push({ value: f(p), point: [...p] });
  }
  return out;
}

/** What is known of the descent: the value of the function at the start, and after 2,000, 4,000 and 6,000 steps. */
const DESCENT = [146, 19.45006885, 1.2125252e-3, 5.2e-17];
const MINIMUM = [-3.779310253377747, -3.28318599128617];

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));

  test("20,000 steps of Adam on Himmelblau's function", () => {
    const p = tensor([-4, 0], { dtype: 'float64', requiresGrad: true });
    const optimizer = new Adam([p], { lr: 1e-3 });
    const step = compile(
      () => {
        optimizer.zeroGrad();
        himmelblau(p).backward();
        optimizer.step();
      },
      { name: 'himmelblau' },
    );
    const seen = descend(20_000, 2000).map(({ value, point }, i) => {
      if (i > 0) step.repeat(2000);
      const got = ct.noGrad(() => himmelblau(p).item());
      // At the minimum the function's value is rounding alone.
      if (value > 1e-20) expect(Math.abs(got / value - 1), `after ${2000 * i} steps`).toBeLessThan(1e-6);
      for (const [k, x] of (p.toArray() as number[]).entries()) expect(x).toBeCloseTo(point[k] as number, 12);
      return got;
    });
    for (const [i, expected] of DESCENT.entries())
      expect(Math.abs((seen[i] as number) / expected - 1)).toBeLessThan(i < 3 ? 1e-6 : 0.01);
    for (const late of seen.slice(4)) expect(late).toBeLessThan(1e-25);
    for (const [i, x] of (p.toArray() as number[]).entries()) expect(x).toBeCloseTo(MINIMUM[i] as number, 13);
    expect(step.recordings).toBe(1);
    optimizer.zeroGrad();
    optimizer.loadStateDict({ ...optimizer.stateDict(), state: {} });
  });

  test('repeat(n) is n calls: state, random numbers and results', () => {
    const dropout = new Dropout(0.5);
    const build = () => {
      const state = ct.zeros(8);
      return [state, compile((x: Tensor) => state.add_(dropout(x)).sum())] as const;
    };
    const [a, repeated] = build();
    const [b, called] = build();
    const x = ct.rand(8);
    for (const n of [1, 2, 7, 1]) {
      manualSeed(n);
      const got = repeated.repeat(n, x);
      manualSeed(n);
      let want = called(x);
      for (let i = 1; i < n; i++) want = called(x);
      expect(got.item()).toBe(want.item());
      expect(a.data()).toEqual(b.data());
    }
    expect([repeated.recordings, called.recordings]).toEqual([1, 1]);
  });

  test('a result of repeat is the last one, and earlier ones stay', () => {
    const counter = tensor([0]);
    const step = compile(() => counter.add_(1).mul(10));
    const results = [3, 2, 1].map((n) => step.repeat(n));
    expect(results.map((r) => r.item())).toEqual([30, 50, 60]);
  });

  test('an index out of range in a replay is the error of the eager op', () => {
    const table = ct.rand(5, 3);
    const fn = (index: Tensor) => ct.embedding(index, table).sum();
    const step = compile(fn);
    const index = (i: number) => tensor([0n, BigInt(i)], { dtype: 'int64' });
    const thrown = (f: (index: Tensor) => Tensor, i: number) => {
      try {
        return f(index(i)).item();
      } catch (error) {
        return [(error as Error).name, (error as Error).message];
      }
    };
    for (const i of [1, 5, 2, -9, 4]) expect(thrown(step, i)).toEqual(thrown(fn, i));
    expect(() => step(index(7))).toThrow(IndexError);
    expect(() => step.repeat(3, index(7))).toThrow(/^embedding/);
    expect(step.recordings).toBe(1);
  });

  test('a step with errors in it stops there, and the next call is whole again', () => {
    const counter = tensor([0, 0]);
    const step = compile((index: Tensor) => {
      counter.add_(1);
      return counter.gather(0, index);
    });
    const at = (i: number) => tensor([BigInt(i)], { dtype: 'int64' });
    expect(step(at(1)).item()).toBe(1);
    expect(() => step.repeat(5, at(2))).toThrow(IndexError);
    expect(counter.toArray()).toEqual([2, 2]);
    expect(step(at(0)).item()).toBe(3);
  });

  test('division of whole numbers by zero', () => {
    const fn = (x: Tensor, y: Tensor) => x.floorDivide(y);
    const step = compile(fn);
    const int = (value: number) => tensor([value], { dtype: 'int32' });
    expect(step(int(7), int(2)).item()).toBe(3);
    const messages = [step, fn].map((f) => {
      try {
        return f(int(1), int(0)).item();
      } catch (error) {
        return String(error);
      }
    });
    expect(messages[0]).toMatch(/^ArgumentError: /);
    expect(messages[0]).toBe(messages[1]);
  });
});
