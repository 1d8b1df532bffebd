/**
 * The formulas of src/ops/math.ts, evaluated number by number in the arithmetic of the lanes: float32 and
 * float64, with and without fused multiply-add. No backend is involved; that the kernels compute the
 * same is for test/ops to show.
 */
import { describe, expect, test } from 'vitest';
import { MATH } from '../../src/ops/math.ts';
import { evaluator, lanes, ulps } from '../reference/evaluate.ts';
import * as reference from '../reference/verbs.ts';
import { ACCURACY, EDGES, type Range } from './math.samples.ts';

type Scalar = (...values: number[]) => number;
const scalar = (verbs: unknown, name: string) => (verbs as Record<string, Scalar>)[name] as Scalar;

/** Evenly spread numbers with irregular digits; the same in every run. */
function samples([low, high]: Range, count: number, offset: number): number[] {
  return Array.from({ length: count }, (_, i) => low + (high - low) * (((i + offset) * 0.6180339887498949) % 1));
}

const NAMES = MATH.map((f) => [f.name, f] as const);
const MODES = [
  [32, true],
  [32, false],
  [64, true],
  [64, false],
] as const;

test('every function has samples and edge cases', () => {
  const names = MATH.map((f) => f.name).sort();
  expect(Object.keys(ACCURACY).sort()).toEqual(names);
  expect(Object.keys(EDGES).sort()).toEqual(names);
});

describe.each(MODES)('float%i, fused multiply-add: %s', (bits, fused) => {
  const verbs = lanes(bits, fused);
  const round = bits === 32 ? Math.fround : (x: number) => x;

  test.each(NAMES)('%s is as accurate as promised', (name, f) => {
    const { ranges, wide = [], ulp } = ACCURACY[name] as (typeof ACCURACY)[string];
    const budget = ulp[bits === 32 ? 0 : 1];
    for (const range of bits === 64 ? [...ranges, ...wide] : ranges) {
      const columns = f.args.map((_, i) => samples(range, 700, 1 + 1000 * i).map(round));
      for (let i = 0; i < 700; i++) {
        const values = columns.map((column) => column[i] as number);
        const got = scalar(verbs, name)(...values);
        const want = scalar(reference, name)(...values);
        const error = ulps(got, want, bits);
        if (!(error <= budget)) expect.fail(`${name}(${values}) = ${got}, expected ${want}: ${error.toFixed(2)} ulp`);
      }
    }
  });

  test.each(NAMES)('%s has the right value at the edges', (name) => {
    for (const edge of EDGES[name] as (typeof EDGES)[string]) {
      const values = edge.slice(0, -1).map(round);
      expect(scalar(verbs, name)(...values), `${name}(${values})`).toBe(round(edge.at(-1) as number));
    }
  });

  test('values stay within their bounds', () => {
    for (const x of samples([0, 20], 20_000, 7).map(round)) {
      for (const name of ['sin', 'cos', 'tanh', 'erf', 'sigmoid']) {
        const value = scalar(verbs, name)(x);
        if (!(Math.abs(value) <= 1)) expect.fail(`${name}(${x}) = ${value}`);
      }
    }
  });
});

test('beyond the range of the argument reduction the C library takes over', () => {
  const verbs = lanes(64, false);
  for (const x of [1e5, -1e6, 1e22]) {
    expect(scalar(verbs, 'sin')(x)).toBe(Math.sin(x));
    expect(scalar(verbs, 'cos')(x)).toBe(Math.cos(x));
    expect(scalar(verbs, 'tan')(x)).toBeCloseTo(Math.tan(x), 12);
  }
});

describe('the reference itself', () => {
  // From mpmath.
  test.each([
    ['erf', 0.5, 0.5204998778130465],
    ['erf', 1.5, 0.9661051464753108],
    ['erf', 3, 0.9999779095030014],
    ['erfc', 0.5, 0.4795001221869535],
    ['erfc', 2, 0.004677734981047266],
    ['erfc', 10, 2.088487583762545e-45],
    ['erfinv', 0.5, 0.4769362762044699],
    ['erfinv', 0.99, 1.8213863677184496],
    ['erfinv', 0.999999999, 4.320005388105362],
  ])('%s(%f)', (name, x, want) => {
    expect(ulps(scalar(reference, name)(x), want, 64)).toBeLessThanOrEqual(4);
  });

  test('rounds halves to the even neighbour', () => {
    const cases = [
      [0.5, 0],
      [1.5, 2],
      [2.5, 2],
      [-0.5, -0],
      [-1.5, -2],
      [1e300, 1e300],
      [-0, -0],
    ] as const;
    for (const [x, want] of cases) expect(reference.rint(x)).toBe(want);
  });

  test('evaluates bindings in order', () => {
    expect(evaluator('a = add(x, k(1)); b = mul(a, a); sub(b, y)', ['x', 'y'])(2, 4)).toBe(5);
  });
});
