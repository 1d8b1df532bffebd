/** Integrals whose values are known: smooth, singular, peaked, oscillating, over infinite ranges; and those that do not exist. */
import { ArgumentError, ConvergenceError, onesLike, setBackend, type Tensor } from 'cotangent';
import { integrate, integrate2 } from 'cotangent/calculus';
import { beforeEach, describe, expect, test } from 'vitest';
import { KRONROD_15, KRONROD_21, type Rule } from '../../src/calculus/quadrature.ts';
import { epsilon, levin } from '../../src/calculus/series.ts';
import { backends } from '../support/backends.ts';

const oo = Number.POSITIVE_INFINITY;
type Case = [name: string, f: (x: Tensor) => Tensor, a: number, b: number, exact: number];

const cases: Case[] = [
  ['x²', (x) => x.square(), 1, 2, 7 / 3],
  ['2x + 3 − x²', (x) => x.mul(2).add(3).sub(x.square()), -1, 3, 32 / 3],
  ['x³, odd', (x) => x.pow(3), -1, 1, 0],
  ['sin x / x across its hole', (x) => x.sin().div(x), -1, 1, 1.8921661407343662],
  ['√x', (x) => x.sqrt(), 0, 1, 2 / 3],
  ['1/√x', (x) => x.rsqrt(), 0, 1, 2],
  ['x^−0.9', (x) => x.pow(-0.9), 0, 1, 10],
  ['ln x', (x) => x.log(), 0, 1, -1],
  ['ln x / √x', (x) => x.log().div(x.sqrt()), 0, 1, -4],
  ['1/√(1 − x²)', (x) => x.square().neg().add(1).rsqrt(), -1, 1, Math.PI],
  ['xˣ', (x) => x.pow(x), 0, 1, 0.7834305107121344],
  ['|x − 0.3|', (x) => x.sub(0.3).abs(), 0, 1, 0.29],
  ['a step', (x) => x.gt(0.3).to({ dtype: 'float64' }), 0, 1, 0.7],
  ['a pole of order 1/2 in the middle', (x) => x.sub(1).abs().rsqrt(), 0, 2, 4],
  ['a pole of order 1/2 anywhere', (x) => x.sub(1).abs().rsqrt(), 0, 3, 2 + 2 * Math.SQRT2],
  ['a bell of width 1e-5', (x) => x.sub(0.3).div(1e-5).square().neg().exp(), 0, 1, Math.sqrt(Math.PI) * 1e-5],
  [
    'a resonance of width 1e-6',
    (x) => x.sub(0.37).square().add(1e-12).reciprocal(),
    0,
    1,
    1e6 * (Math.atan(0.63e6) + Math.atan(0.37e6)),
  ],
  ['sin 1000x', (x) => x.mul(1000).sin(), 0, 1, (1 - Math.cos(1000)) / 1000],
  ['cos(50 sin x)', (x) => x.sin().mul(50).cos(), 0, Math.PI, Math.PI * 0.05581232766925181],
  ['exp(−x²)', (x) => x.square().neg().exp(), -oo, oo, Math.sqrt(Math.PI)],
  ['a bell far out', (x) => x.sub(1000).square().neg().exp(), -oo, oo, Math.sqrt(Math.PI)],
  ['a wide bell', (x) => x.div(1e6).square().neg().exp(), -oo, oo, Math.sqrt(Math.PI) * 1e6],
  ['1/(1 + x²)', (x) => x.square().add(1).reciprocal(), -oo, oo, Math.PI],
  ['eˣ to 0', (x) => x.exp(), -oo, 0, 1],
  ['x^−1.1', (x) => x.pow(-1.1), 1, oo, 10],
  ['x³/(eˣ − 1)', (x) => x.pow(3).div(x.expm1()), 0, oo, Math.PI ** 4 / 15],
  ['eˣ/(1 + eˣ)², which overflows', (x) => x.exp().div(x.exp().add(1).square()), -oo, oo, 1],
  ['sin x / x to infinity', (x) => x.sin().div(x), 0, oo, Math.PI / 2],
  ['(sin x / x)²', (x) => x.sin().div(x).square(), 0, oo, Math.PI / 2],
  ['cos x²', (x) => x.square().cos(), 0, oo, Math.sqrt(Math.PI / 8)],
  ['cos x / √x', (x) => x.cos().div(x.sqrt()), 0, oo, Math.sqrt(Math.PI / 2)],
  ['cos x/(1 + x²)', (x) => x.cos().div(x.square().add(1)), -oo, oo, Math.PI / Math.E],
  ['(cos x − cos 2x)/x', (x) => x.cos().sub(x.mul(2).cos()).div(x), 0, oo, Math.LN2],
  ['sin(1/x)', (x) => x.reciprocal().sin(), 0, 1, 0.5040670619069284],
];

/** Exact integrals of x^k over [−1, 1]. */
const moment = (k: number) => (k % 2 === 0 ? 2 / (k + 1) : 0);
const apply = ({ nodes }: Rule, weights: Float64Array, k: number) =>
  weights.reduce((sum, w, i) => sum + w * (nodes[i] as number) ** k, 0);

describe('rules', () => {
  test.each([
    ['21', KRONROD_21, 31, 19],
    ['15', KRONROD_15, 22, 13],
  ] as const)('with %s nodes are exact for polynomials', (_, rule, kronrod, gauss) => {
    for (let k = 0; k <= kronrod; k++) expect(Math.abs(apply(rule, rule.kronrod, k) - moment(k))).toBeLessThan(1e-15);
    for (let k = 0; k <= gauss; k++) expect(Math.abs(apply(rule, rule.gauss, k) - moment(k))).toBeLessThan(1e-15);
    expect(Math.abs(apply(rule, rule.gauss, gauss + 1) - moment(gauss + 1))).toBeGreaterThan(1e-9);
  });
});

describe('series', () => {
  const sums = (term: (n: number) => number, count: number) => {
    let sum = 0;
    return Float64Array.from({ length: count }, (_, n) => {
      sum += term(n + 1);
      return sum;
    });
  };
  test('the epsilon algorithm sums geometric and alternating ones', () => {
    expect(epsilon(sums((n) => 0.9 ** n, 7))).toBeCloseTo(9, 10);
    expect(epsilon(sums((n) => (-1) ** (n + 1) / n, 15))).toBeCloseTo(Math.LN2, 9);
  });
  test("Levin's transform sums those whose terms fall like a power", () => {
    expect(
      levin(
        sums((n) => 1 / n ** 2, 14),
        1,
      ),
    ).toBeCloseTo(Math.PI ** 2 / 6, 8);
    expect(
      levin(
        sums((n) => (-1) ** (n + 1) / n, 12),
        1,
      ),
    ).toBeCloseTo(Math.LN2, 9);
  });
});

describe.each(backends)('on the %s backend', (backend) => {
  beforeEach(() => setBackend(backend));

  test.each(cases)('∫ %s', (_, f, a, b, exact) => {
    const { value, error } = integrate(f, a, b);
    const off = Math.abs(value - exact);
    // What the reference itself is rounded to comes on top.
    expect(off).toBeLessThanOrEqual(error + 4 * Number.EPSILON * Math.abs(exact) + 1e-10 * Math.abs(exact));
    expect(error).toBeLessThanOrEqual(1e-6 * Math.max(Math.abs(exact), 1e-6));
  });
});

describe('integrate', () => {
  test('evaluates all intervals in few calls', () => {
    let calls = 0;
    const { evaluations } = integrate(
      (x) => {
        calls++;
        return x.sub(0.3).abs();
      },
      0,
      1,
    );
    expect(evaluations).toBeGreaterThan(1000);
    expect(calls).toBeLessThan(60);
  });

  test('turns its sign with the range, and is 0 over nothing', () => {
    const square = (x: Tensor) => x.square();
    expect(integrate(square, 2, 1).value).toBe(-integrate(square, 1, 2).value);
    expect(integrate((x) => x.neg().exp(), oo, 0).value).toBeCloseTo(-1, 12);
    expect(integrate(square, 1, 1)).toEqual({ value: 0, error: 0, evaluations: 0 });
  });

  test('a tolerance that is asked for is kept', () => {
    const rough = integrate((x) => x.log(), 0, 1, { tol: 1e-4 });
    const fine = integrate((x) => x.log(), 0, 1, { tol: 1e-12 });
    expect(rough.evaluations).toBeLessThan(fine.evaluations);
    expect(fine.error).toBeLessThanOrEqual(1e-12);
    expect(Math.abs(fine.value + 1)).toBeLessThanOrEqual(fine.error);
  });

  const missing: [string, (x: Tensor) => Tensor, number, number][] = [
    ['1/x at 0', (x) => x.reciprocal(), 0, 1],
    ['1/x across 0', (x) => x.reciprocal(), -1, 2],
    ['1/x symmetrically across 0', (x) => x.reciprocal(), -1, 1],
    ['1/x²', (x) => x.pow(-2), -1, 1],
    ['tan', (x) => x.tan(), 0, 3],
    ['1 to infinity', (x) => onesLike(x), 0, oo],
    ['1/x to infinity', (x) => x.reciprocal(), 1, oo],
    ['sin to infinity', (x) => x.sin(), 0, oo],
    ['eˣ to infinity', (x) => x.exp(), 0, oo],
  ];
  test.each(missing)('does not exist: %s', (_, f, a, b) => {
    let caught: unknown;
    try {
      integrate(f, a, b);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ConvergenceError);
    const { message, best, iterations } = caught as ConvergenceError;
    expect(message).toMatch(/^integrate: does not converge/);
    expect(typeof best).toBe('number');
    expect(iterations).toBeGreaterThan(0);
  });

  test('says where f is NaN', () => {
    expect(() => integrate((x) => x.log(), -1, 1)).toThrow(ArgumentError);
    expect(() => integrate((x) => x.log(), -1, 1)).toThrow(/^integrate: the function returned NaN at -0\.\d+$/);
  });
});

describe('integrate2', () => {
  const disk: [(x: Tensor) => Tensor, (x: Tensor) => Tensor] = [
    (x) => x.square().neg().add(1).sqrt().neg(),
    (x) => x.square().neg().add(1).sqrt(),
  ];
  const regions: [
    string,
    Parameters<typeof integrate2>[0],
    [number, number],
    Parameters<typeof integrate2>[2],
    number,
  ][] = [
    ['the disk', (x) => onesLike(x), [-1, 1], disk, Math.PI],
    ['x² + y² over the disk', (x, y) => x.square().add(y.square()), [-1, 1], disk, Math.PI / 2],
    ['xy over a triangle', (x, y) => x.mul(y), [0, 1], [0, (x) => x.neg().add(1)], 1 / 24],
    ['exp(−x² − y²)', (x, y) => x.square().add(y.square()).neg().exp(), [-oo, oo], [-oo, oo], Math.PI],
    ['1/(1 − xy)', (x, y) => x.mul(y).neg().add(1).reciprocal(), [0, 1], [0, 1], Math.PI ** 2 / 6],
    ['e^−y above the line', (_, y) => y.neg().exp(), [0, oo], [(x) => x, oo], 1],
    ['the range turned round', (x, y) => x.mul(y), [1, 0], [0, (x) => x.neg().add(1)], -1 / 24],
    ['bounds turned round', (x) => onesLike(x), [0, 2], [3, 1], -4],
  ];
  test.each(regions)('∫∫ over %s', (_, f, range, bounds, exact) => {
    const { value, error } = integrate2(f, range, bounds);
    expect(Math.abs(value - exact)).toBeLessThanOrEqual(error);
    expect(error).toBeLessThanOrEqual(1e-7);
  });

  test('does not exist', () => {
    const pole = () => integrate2((x, y) => x.mul(y).reciprocal(), [0, 1], [0, 1], { maxEvaluations: 500_000 });
    expect(pole).toThrow(ConvergenceError);
    expect(pole).toThrow(/integrate2: does not converge/);
  });

  test('says where f or a bound is NaN', () => {
    expect(() => integrate2((x, y) => x.log().add(y), [-1, 1], [0, 1])).toThrow(/NaN at \(-[\d.e-]+, [\d.e-]+\)/);
    expect(() => integrate2((x) => x, [-1, 1], [0, (x) => x.log()])).toThrow(/a bound of y is NaN at x = -0\.\d+/);
  });
});
