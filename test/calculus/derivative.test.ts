/** Derivatives of one and of several variables against formulas. */
import { linspace, setBackend, type Tensor, tensor } from 'cotangent';
import {
  derivative,
  directionalDerivative,
  gradient,
  hessian,
  integrate,
  jacobian,
  laplacian,
  partial,
  taylor,
  totalDifferential,
} from 'cotangent/calculus';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
const numbers = (x: Tensor): number[] => Array.from(x.data() as Float64Array);
const vector = (...values: number[]) => tensor(values, { dtype: 'float64' });

/** Hermite polynomials, for the derivatives of exp(−x²). */
const hermite = (n: number, x: number): number =>
  n === 0 ? 1 : n === 1 ? 2 * x : 2 * x * hermite(n - 1, x) - 2 * (n - 1) * hermite(n - 2, x);

type Case = [name: string, f: (x: Tensor) => Tensor, formula: (x: number, n: number) => number, points: number[]];
const formulas: Case[] = [
  ['sin', (x) => x.sin(), (x, n) => Math.sin(x + (n * Math.PI) / 2), [-2, 0, 0.3, 1, 4]],
  ['exp', (x) => x.exp(), (x) => Math.exp(x), [-2, 0, 0.3, 1, 4]],
  ['ln(1 + x)', (x) => x.log1p(), (x, n) => ((-1) ** (n - 1) * factorial(n - 1)) / (1 + x) ** n, [-0.5, 0, 0.3, 2]],
  ['1/x', (x) => x.reciprocal(), (x, n) => ((-1) ** n * factorial(n)) / x ** (n + 1), [-2, 0.5, 1, 3]],
  ['exp(−x²)', (x) => x.square().neg().exp(), (x, n) => (-1) ** n * hermite(n, x) * Math.exp(-x * x), [-1, 0, 0.5, 2]],
  ['x⁵', (x) => x.pow(5), (x, n) => (n > 5 ? 0 : (factorial(5) / factorial(5 - n)) * x ** (5 - n)), [-2, 0, 1, 3]],
];

describe.each(backends)('on the %s backend', (backend) => {
  beforeEach(() => setBackend(backend));

  test.each(formulas)('derivatives 1 to 6 of %s', (_, f, formula, points) => {
    for (let n = 1; n <= 6; n++)
      numbers(derivative(f, n)(vector(...points))).forEach((value, i) => {
        const expected = formula(points[i] as number, n);
        expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(expected)));
      });
  });

  test('gradient, Hessian, Laplacian, of separate variables and of a vector', () => {
    const f = (x: Tensor, y: Tensor) => x.square().mul(y).add(y.pow(3));
    expect(numbers(gradient(f, [2, 3]))).toEqual([12, 31]);
    expect(hessian(f, [2, 3]).toArray()).toEqual([
      [6, 4],
      [4, 18],
    ]);
    expect(laplacian(f, [2, 3])).toBe(24);
    const g = (v: Tensor) => v.square().sum();
    expect(numbers(gradient(g, vector(2, 1, -1)))).toEqual([4, 2, -2]);
    expect(hessian(g, vector(1, 2)).toArray()).toEqual([
      [2, 0],
      [0, 2],
    ]);
  });
});

test('a number gives a number, a tensor a tensor of its shape', () => {
  const slope = derivative((x) => x.square());
  expect(slope(3)).toBe(6);
  expect(slope(tensor([[1, 2]])).toArray()).toEqual([[2, 4]]);
  expect(slope(tensor([1])).dtype).toBe('float64');
});

test('derivatives nest, in each other and in integrals', () => {
  const third = derivative((x) => derivative((y) => derivative((z) => z.pow(4))(y))(x));
  expect(third(2)).toBe(48);
  expect(integrate((x) => derivative((y) => y.sin())(x), 0, 1).value).toBeCloseTo(Math.sin(1), 13);
});

test('at awkward points', () => {
  expect(derivative((x) => x.sqrt())(0)).toBe(Number.POSITIVE_INFINITY);
  expect(derivative((x) => x.pow(1.5))(0)).toBe(0);
  expect(derivative((x) => x.abs())(0)).toBe(0);
  expect(derivative((x) => x.mul(0).add(2))(1)).toBe(0);
  expect(derivative(() => tensor(2, { dtype: 'float64' }))(1)).toBe(0);
  expect(derivative((x) => x.sigmoid())(800)).toBe(0);
  expect(derivative((x) => x.log1p(), 10)(1e-9)).toBeCloseTo(-factorial(9), 1);
});

test('partial derivatives', () => {
  const f = (x: Tensor, y: Tensor) => x.square().add(x.mul(y)).add(y.square());
  expect(partial(f, 0)(1, 2)).toBe(4);
  expect(partial(f, 1)(1, 2)).toBe(5);
  expect(partial((v) => v.prod(), 2)(vector(2, 3, 4))).toBe(6);
  expect(() => partial(f, 2)(1, 2)).toThrow(/there is no variable 2, the point has 2/);
});

test('variables that do not matter have derivative 0', () => {
  expect(numbers(gradient((x) => x.square(), [3, 1]))).toEqual([6, 0]);
  expect(hessian((x, y) => x.mul(2).add((y as Tensor).square()), [3, 1]).toArray()).toEqual([
    [0, 0],
    [0, 2],
  ]);
});

test('the Jacobian of several values', () => {
  const polar = (v: Tensor) => {
    const [r, angle] = [v.select(0, 0), v.select(0, 1)];
    return tensor([1, 0], { dtype: 'float64' })
      .mul(r.mul(angle.cos()))
      .add(vector(0, 1).mul(r.mul(angle.sin())));
  };
  const rows = jacobian(polar, vector(2, Math.PI / 6)).toArray() as number[][];
  const expected = [
    [Math.sqrt(3) / 2, -1],
    [0.5, Math.sqrt(3)],
  ];
  rows.forEach((row, i) => {
    row.forEach((value, j) => {
      expect(value).toBeCloseTo((expected[i] as number[])[j] as number, 14);
    });
  });
});

test('derivatives along directions', () => {
  const f = (x: Tensor, y: Tensor) => x.square().add(y.square());
  expect(directionalDerivative(f, [1, 1], [3, 3])).toBeCloseTo(2 * Math.SQRT2, 14);
  const angles = linspace(0, 2 * Math.PI, 37, { dtype: 'float64' });
  const unit = tensor(
    numbers(angles).map((a) => [Math.cos(a), Math.sin(a)]),
    { dtype: 'float64' },
  );
  const slopes = numbers(directionalDerivative(f, [1, 1], unit) as Tensor);
  slopes.forEach((slope, k) => {
    expect(slope).toBeCloseTo(2 * Math.SQRT2 * Math.cos((k * Math.PI) / 18 - Math.PI / 4), 12);
  });
  expect(() => directionalDerivative(f, [1, 1], [0, 0])).toThrow(/no length/);
  expect(() => directionalDerivative(f, [1, 1], [1, 2, 3])).toThrow(/directions of 2 components/);
});

test('the total differential beside the increment', () => {
  const found = totalDifferential((x, y) => x.square().div(y as Tensor), [1, -2], [0.02, -0.01]);
  expect(found.differential).toBeCloseTo(-0.0175, 15);
  expect(found.increment).toBeCloseTo(1.02 ** 2 / -2.01 + 0.5, 15);
});

describe('taylor', () => {
  test('coefficients, values, text', () => {
    const t = taylor((x) => x.exp(), 1, 6);
    t.coefficients.forEach((c, k) => {
      expect(c).toBeCloseTo(Math.E / factorial(k), 14);
    });
    expect(t.evaluate(1)).toBe(t.coefficients[0]);
    expect(numbers(t.evaluate(vector(1, 1.1)))[1]).toBeCloseTo(Math.exp(1.1), 9);
    expect(String(taylor((x) => x.square().sub(x), 0, 3))).toBe('-x + x^2');
    expect(String(taylor((x) => x.square(), -1, 2))).toBe('1 - 2(x + 1) + (x + 1)^2');
    expect(String(taylor((x) => x.mul(0), 0, 2))).toBe('0');
  });
  test('refuses where there is no polynomial', () => {
    expect(() => taylor((x) => x.sqrt(), 0, 2)).toThrow(/derivative 1 of the function is Infinity at 0/);
    expect(() => taylor((x) => x, 0, -1)).toThrow(/order is a whole number from 0/);
  });
});
