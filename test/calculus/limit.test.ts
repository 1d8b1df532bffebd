/** Limits that exist, with their errors; and those that must be refused. */
import { ArgumentError, ConvergenceError, setBackend, type Tensor, tensor } from 'cotangent';
import { type LimitOptions, limit } from 'cotangent/calculus';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

const oo = Number.POSITIVE_INFINITY;
type Case = [name: string, f: (x: Tensor) => Tensor, at: number, exact: number, options?: LimitOptions];
const right: LimitOptions = { side: 'right' };

const cases: Case[] = [
  ['1/x at ∞', (x) => x.reciprocal(), oo, 0],
  ['atan at ∞', (x) => x.atan(), oo, Math.PI / 2],
  ['atan at −∞', (x) => x.atan(), -oo, -Math.PI / 2],
  ['sin x / x', (x) => x.sin().div(x), 0, 1],
  ['(1 + x)^(1/x)', (x) => x.add(1).pow(x.reciprocal()), 0, Math.E],
  ['(1 + 1/x)^x at ∞', (x) => x.reciprocal().add(1).pow(x), oo, Math.E],
  ['(1 − cos x)/x²', (x) => x.cos().neg().add(1).div(x.square()), 0, 1 / 2],
  ['(eˣ − 1 − x)/x²', (x) => x.exp().sub(1).sub(x).div(x.square()), 0, 1 / 2],
  ['(tan x − x)/x³', (x) => x.tan().sub(x).div(x.pow(3)), 0, 1 / 3],
  ['cos(x)^(1/x²)', (x) => x.cos().pow(x.square().reciprocal()), 0, Math.exp(-1 / 2)],
  ['√(x² + x) − x at ∞', (x) => x.square().add(x).sqrt().sub(x), oo, 1 / 2],
  ['x ln x', (x) => x.mul(x.log()), 0, 0, right],
  ['xˣ', (x) => x.pow(x), 0, 1, right],
  ['x^0.1', (x) => x.pow(0.1), 0, 0, right],
  ['1/ln x', (x) => x.log().reciprocal(), 0, 0, right],
  ['ln x / x at ∞', (x) => x.log().div(x), oo, 0],
  ['x^(1/x) at ∞', (x) => x.pow(x.reciprocal()), oo, 1],
  ['x⁵e^−x at ∞', (x) => x.pow(5).mul(x.neg().exp()), oo, 0],
  ['eˣ/(eˣ + 1) at ∞, where it overflows', (x) => x.exp().div(x.exp().add(1)), oo, 1],
  ['x sin(1/x)', (x) => x.mul(x.reciprocal().sin()), 0, 0],
  ['sin(x)/x at ∞', (x) => x.sin().div(x), oo, 0],
  ['exp(−1/x²)', (x) => x.square().reciprocal().neg().exp(), 0, 0],
  ['sin(1000x)/x', (x) => x.mul(1000).sin().div(x), 0, 1000],
  ['a step of width 1e-6', (x) => x.div(1e-6).tanh().add(1), 0, 1],
  ['(x³ − 8)/(x − 2) at 2', (x) => x.pow(3).sub(8).div(x.sub(2)), 2, 12],
  ['(√x − 2)/(x − 4) at 4', (x) => x.sqrt().sub(2).div(x.sub(4)), 4, 1 / 4],
  ['sin x/(x − π) at π', (x) => x.sin().div(x.sub(Math.PI)), Math.PI, -1],
  ['ln x/(x − 1) at 1', (x) => x.log().div(x.sub(1)), 1, 1],
  ['|x|/x from the right', (x) => x.abs().div(x), 0, 1, right],
  ['⌊x⌋ at 1 from the left', (x) => x.floor(), 1, 0, { side: 'left' }],
  ['a constant', (x) => x.mul(0).add(3), 5, 3],
];

const refused: [name: string, f: (x: Tensor) => Tensor, at: number, says: RegExp, options?: LimitOptions][] = [
  ['1/x', (x) => x.reciprocal(), 0, /at 0 from the left: the values grow/],
  ['1/x²', (x) => x.pow(-2), 0, /grow without bound/],
  ['ln x', (x) => x.log(), 0, /grow without bound/, right],
  ['ln x at ∞', (x) => x.log(), oo, /at Infinity: the values grow/],
  ['ln(−ln x)', (x) => x.log().neg().log(), 0, /grow without bound/, right],
  ['√x at ∞', (x) => x.sqrt(), oo, /grow without bound/],
  ['eˣ at ∞', (x) => x.exp(), oo, /grow without bound/],
  ['tan at π/2', (x) => x.tan(), Math.PI / 2, /grow without bound/],
  ['sin(1/x)', (x) => x.reciprocal().sin(), 0, /do not settle/],
  ['sin(1e-6/x)', (x) => x.reciprocal().mul(1e-6).sin(), 0, /do not settle/],
  [
    'cos(2π/x), which is 1 at all 2⁻ᵏ',
    (x) =>
      x
        .reciprocal()
        .mul(2 * Math.PI)
        .cos(),
    0,
    /do not settle/,
  ],
  ['sin(ln x)', (x) => x.log().sin(), 0, /do not settle/, right],
  ['1 + sin(1/x)/1000', (x) => x.reciprocal().sin().div(1000).add(1), 0, /do not settle/],
  ['sin at ∞', (x) => x.sin(), oo, /do not settle/],
  ['sin πx at ∞, which is 0 at all 2ᵏ', (x) => x.mul(Math.PI).sin(), oo, /do not settle/],
  ['x − ⌊x⌋ at ∞', (x) => x.frac(), oo, /do not settle/],
  ['|x|/x', (x) => x.abs().div(x), 0, /from the left it is -1, from the right 1/],
  ['⌊x⌋ at 1', (x) => x.floor(), 1, /from the left it is 0, from the right 1/],
];

describe.each(backends)('on the %s backend', (backend) => {
  beforeEach(() => setBackend(backend));

  test.each(cases)('%s', (_, f, at, exact, options) => {
    const { value, error } = limit(f, at, options);
    expect(Math.abs(value - exact)).toBeLessThanOrEqual(error);
    expect(error).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(exact)));
  });

  test.each(refused)('%s is refused', (_, f, at, says, options) => {
    expect(() => limit(f, at, options)).toThrow(ConvergenceError);
    expect(() => limit(f, at, options)).toThrow(says);
  });
});

type Plane = (x: Tensor, y: Tensor) => Tensor;
const r2: Plane = (x, y) => x.square().add(y.square());
const plane: [name: string, f: Plane, at: [number, number], exact: number][] = [
  ['ln(x + y²)', (x, y) => x.add(y.square()).log(), [1, 2], Math.log(5)],
  ['x²y/(x² + y²)', (x, y) => x.square().mul(y).div(r2(x, y)), [0, 0], 0],
  ['sin(r²)/r²', (x, y) => r2(x, y).sin().div(r2(x, y)), [0, 0], 1],
  ['(x² − y²)/(x − y)', (x, y) => x.square().sub(y.square()).div(x.sub(y)), [1, 1], 2],
  ['sin(xy)/x', (x, y) => x.mul(y).sin().div(x), [0, 3], 3],
  ['(√(xy + 4) − 2)/xy', (x, y) => x.mul(y).add(4).sqrt().sub(2).div(x.mul(y)), [0, 0], 1 / 4],
  ['x sin(1/y)', (x, y) => x.mul(y.reciprocal().sin()), [0, 0], 0],
];
const pathDependent: [name: string, f: Plane][] = [
  ['xy/(x² + y²), from ray to ray', (x, y) => x.mul(y).div(r2(x, y))],
  ['x²y/(x⁴ + y²), on a parabola', (x, y) => x.square().mul(y).div(x.pow(4).add(y.square()))],
  ['xy²/(x² + y⁴), on a parabola', (x, y) => x.mul(y.square()).div(x.square().add(y.pow(4)))],
  ['x³y/(x⁶ + y²), on a cubic', (x, y) => x.pow(3).mul(y).div(x.pow(6).add(y.square()))],
  ['x/y', (x, y) => x.div(y)],
  ['xy/(x + y), near where it has poles', (x, y) => x.mul(y).div(x.add(y))],
  ['1/r', (x, y) => r2(x, y).rsqrt()],
];

describe('of several variables', () => {
  test.each(plane)('%s', (_, f, at, exact) => {
    const { value, error } = limit(f, at);
    expect(Math.abs(value - exact)).toBeLessThanOrEqual(error + 1e-12);
    expect(error).toBeLessThanOrEqual(1e-7);
  });

  test.each(pathDependent)('%s, is refused', (_, f) => {
    expect(() => limit(f, [0, 0])).toThrow(ConvergenceError);
    expect(() => limit(f, [0, 0])).toThrow(/^limit: does not converge at \(0, 0\)/);
  });

  test('three, as one vector', () => {
    const f = (v: Tensor) => v.prod().div(v.square().sum());
    expect(limit(f, tensor([0, 0, 0], { dtype: 'float64' })).value).toBe(0);
  });
});

describe('bad input', () => {
  test('a function that is NaN', () => {
    expect(() => limit((x) => x.mul(Number.NaN), 0)).toThrow(ArgumentError);
    expect(() => limit((x) => x.sqrt(), 0)).toThrow(/NaN at 0 from the left \(side: 'right' looks/);
    expect(() => limit((x, y) => x.mul(y).mul(Number.NaN), [0, 0])).toThrow(/NaN on most ways to \(0, 0\)/);
  });
  test('points and options', () => {
    expect(() => limit((x) => x, Number.NaN)).toThrow(ArgumentError);
    expect(() => limit((x) => x, 0, { side: 'up' as 'left' })).toThrow(/side is 'both', 'left' or 'right', got "up"/);
    expect(() => limit((x) => x, [0, 0], { side: 'left' })).toThrow(/one variable only/);
    expect(() => limit((x) => x, 0, { tol: -1 })).toThrow(ArgumentError);
    expect(() => limit((x) => x, 0, { sides: 'left' } as LimitOptions)).toThrow(/unknown option "sides"/);
  });
});
