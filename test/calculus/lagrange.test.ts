/** Stationary points under constraints; and constraints that cannot be met. */
import { ConvergenceError, setBackend, Tensor, tensor } from 'cotangent';
import { type LagrangeResult, lagrange } from 'cotangent/calculus';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

function expectResult(
  found: LagrangeResult,
  point: number[],
  value: number,
  multipliers: number[],
  kind: string,
): void {
  Array.from(found.point.data() as Float64Array).forEach((x, i) => {
    expect(x).toBeCloseTo(point[i] as number, 11);
  });
  expect(found.value).toBeCloseTo(value, 11);
  found.multipliers.forEach((lambda, i) => {
    expect(lambda).toBeCloseTo(multipliers[i] as number, 10);
  });
  expect(found.kind).toBe(kind);
}

const sum = (x: Tensor, y: Tensor) => x.add(y);

describe.each(backends)('on the %s backend', (backend) => {
  beforeEach(() => setBackend(backend));

  test('1/a + 4/b on a + b = 1', () => {
    const f = (a: Tensor, b: Tensor) => a.reciprocal().add(b.reciprocal().mul(4));
    const found = lagrange(f, (a, b) => sum(a, b as Tensor).sub(1), [0.5, 0.5]);
    expectResult(found, [1 / 3, 2 / 3], 9, [-9], 'minimum');
  });

  test('a maximum: xy on x + y = 10', () => {
    const found = lagrange(
      (x, y) => x.mul(y as Tensor),
      (x, y) => sum(x, y as Tensor).sub(10),
      [1, 2],
    );
    expectResult(found, [5, 5], 25, [5], 'maximum');
  });
});

test('two constraints: the point nearest to the origin on a line in space', () => {
  const found = lagrange(
    (v) => v.square().sum(),
    [
      (v) => v.sum().sub(1),
      (v) =>
        v
          .mul(tensor([1, 2, 3], { dtype: 'float64' }))
          .sum()
          .sub(6),
    ],
    tensor([1, 1, 1], { dtype: 'float64' }),
  );
  expectResult(found, [-5 / 3, 1 / 3, 7 / 3], 25 / 3, [-22 / 3, 4], 'minimum');
});

test('two curved constraints: x + 2y + 3z on a plane and a cylinder', () => {
  type Space = (x: Tensor, y: Tensor, z: Tensor) => Tensor;
  const f: Space = (x, y, z) => x.add(y.mul(2)).add(z.mul(3));
  const plane: Space = (x, y, z) => x.sub(y).add(z).sub(1);
  const cylinder: Space = (x, y) => x.square().add(y.square()).sub(1);
  const found = lagrange(f, [plane, cylinder], [-0.5, 1, 2]);
  const s = Math.sqrt(29);
  expectResult(found, [-2 / s, 5 / s, 1 + 7 / s], 3 + s, [3, s / 2], 'maximum');
});

test('entropy with a given mean', () => {
  const entropy = (p: Tensor) => p.mul(p.log()).sum();
  const values = tensor([1, 2, 3], { dtype: 'float64' });
  const found = lagrange(
    entropy,
    [(p) => p.sum().sub(1), (p) => p.mul(values).sum().sub(2.5)],
    tensor([0.3, 0.3, 0.4], { dtype: 'float64' }),
  );
  // p ~ rᵏ with r + 2r² + 3r³ = 2.5(r + r² + r³).
  const r = (1 + Math.sqrt(13)) / 2;
  const total = r + r ** 2 + r ** 3;
  Array.from(found.point.data() as Float64Array).forEach((p, k) => {
    expect(p).toBeCloseTo(r ** (k + 1) / total, 11);
  });
  expect(found.kind).toBe('minimum');
});

test('a constraint that says the same twice does no harm', () => {
  const found = lagrange(
    (v) => v.square().sum(),
    [(v) => v.sum().sub(1), (v) => v.sum().sub(1).mul(2)],
    tensor([1, 2, 3], { dtype: 'float64' }),
  );
  Array.from(found.point.data() as Float64Array).forEach((x) => {
    expect(x).toBeCloseTo(1 / 3, 11);
  });
});

test('an objective that is flat at the point', () => {
  const found = lagrange(
    (x, y) => x.pow(4).add((y as Tensor).pow(4)),
    (x, y) => sum(x, y as Tensor),
    [1, 2],
  );
  expect(Math.abs(found.value)).toBeLessThan(1e-20);
  expect(found.kind).toBe('degenerate');
});

/** W. Hock, K. Schittkowski, "Test Examples for Nonlinear Programming Codes" (1981), from their starts. */
describe('problems of Hock and Schittkowski', () => {
  type Vars = (v: Tensor[]) => Tensor;
  const problems: [string, Vars, Vars[], number[], number[]][] = [
    ['6', ([x]) => at(x).neg().add(1).square(), [([x, y]) => at(y).sub(at(x).square()).mul(10)], [-1.2, 1], [1, 1]],
    [
      '7',
      ([x, y]) => at(x).square().log1p().sub(at(y)),
      [([x, y]) => at(x).square().add(1).square().add(at(y).square()).sub(4)],
      [2, 2],
      [0, Math.sqrt(3)],
    ],
    [
      '27',
      ([x, y]) =>
        at(x)
          .sub(1)
          .square()
          .mul(0.01)
          .add(at(y).sub(at(x).square()).square()),
      [([x, , z]) => at(x).add(at(z).square()).add(1)],
      [2, 2, 2],
      [-1, 1, 0],
    ],
    [
      '28',
      ([x, y, z]) =>
        at(x)
          .add(at(y))
          .square()
          .add(at(y).add(at(z)).square()),
      [([x, y, z]) => at(x).add(at(y).mul(2)).add(at(z).mul(3)).sub(1)],
      [-4, 1, 1],
      [0.5, -0.5, 0.5],
    ],
    [
      '39',
      ([x]) => at(x).neg(),
      [
        ([x, y, z]) => at(y).sub(at(x).pow(3)).sub(at(z).square()),
        ([x, y, , w]) => at(x).square().sub(at(y)).sub(at(w).square()),
      ],
      [2, 2, 2, 2],
      [1, 1, 0, 0],
    ],
    [
      '40',
      ([a, b, c, d]) => at(a).mul(at(b)).mul(at(c)).mul(at(d)).neg(),
      [
        ([a, b]) => at(a).pow(3).add(at(b).square()).sub(1),
        ([a, , c, d]) => at(a).square().mul(at(d)).sub(at(c)),
        ([, b, , d]) => at(d).square().sub(at(b)),
      ],
      [0.8, 0.8, 0.8, 0.8],
      [2 ** (-1 / 3), 2 ** (-1 / 2), 2 ** (-11 / 12), 2 ** (-1 / 4)],
    ],
    [
      '42',
      (v) => v.reduce((sum, x, i) => sum.add(x.sub(i + 1).square()), at(v[0]).mul(0)),
      [([a]) => at(a).sub(2), ([, , c, d]) => at(c).square().add(at(d).square()).sub(2)],
      [1, 1, 1, 1],
      [2, 2, 0.6 * Math.SQRT2, 0.8 * Math.SQRT2],
    ],
  ];
  const at = (x: Tensor | undefined) => x as Tensor;
  test.each(problems)('%s', (_, f, constraints, start, point) => {
    const found = lagrange(
      (...v) => f(v),
      constraints.map(
        (g) =>
          (...v: Tensor[]) =>
            g(v),
      ),
      start,
    );
    Array.from(found.point.data() as Float64Array).forEach((x, i) => {
      expect(x).toBeCloseTo(point[i] as number, 10);
    });
    expect(found.kind).toBe('minimum');
  });
});

describe('no solution', () => {
  const failure = (find: () => unknown): ConvergenceError => {
    try {
      find();
    } catch (error) {
      expect(error).toBeInstanceOf(ConvergenceError);
      return error as ConvergenceError;
    }
    throw new Error('it converged');
  };
  test.each<[string, () => unknown, RegExp]>([
    [
      'contradicting constraints',
      () =>
        lagrange(
          (x, y) => sum(x, y as Tensor),
          [(x, y) => sum(x, y as Tensor).sub(1), (x, y) => sum(x, y as Tensor).sub(2)],
          [1, 1],
        ),
      /no point was found that meets the constraints/,
    ],
    [
      'a constraint that is never met',
      () =>
        lagrange(
          (x, y) => sum(x, y as Tensor),
          (x, y) =>
            x
              .square()
              .add((y as Tensor).square())
              .add(1),
          [1, 1],
        ),
      /no point was found that meets the constraints/,
    ],
    [
      'an objective without bound',
      () =>
        lagrange(
          (x, y) => x.add((y as Tensor).mul(2)),
          (x, y) => sum(x, y as Tensor).sub(1),
          [1, 1],
        ),
      /f has no stationary point near there/,
    ],
    [
      'a cusp',
      () =>
        lagrange(
          (x) => x,
          (x, y) => (y as Tensor).square().sub(x.pow(3)),
          [1, 1],
        ),
      /does not converge/,
    ],
  ])('%s', (_, find, says) => {
    const error = failure(find);
    expect(error.message).toMatch(says);
    expect(error.best).toBeInstanceOf(Tensor);
    expect((error.best as Tensor).shape).toEqual([2]);
    expect(error.iterations).toBeGreaterThan(0);
  });
});
