/** Difference quotients: their order, their best step, and what the error estimate is worth. */
import { setBackend, type Tensor, tensor } from 'cotangent';
import { type DifferenceMethod, difference, differenceQuotients, numericGradient } from 'cotangent/calculus';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

const orders: [DifferenceMethod, number][] = [
  ['forward', 1],
  ['backward', 1],
  ['central', 2],
  ['five-point', 4],
];
const functions: [string, (x: Tensor) => Tensor, number, number][] = [
  ['sin at 1', (x) => x.sin(), 1, Math.cos(1)],
  ['exp at 1', (x) => x.exp(), 1, Math.E],
  ['atan at −20', (x) => x.atan(), -20, 1 / 401],
  ['√x at 1e-3, near the end of its domain', (x) => x.sqrt(), 1e-3, 0.5 / Math.sqrt(1e-3)],
  ['ln at 1000', (x) => x.log(), 1000, 1e-3],
  ['sin 100x at 0', (x) => x.mul(100).sin(), 0, 100],
];

describe.each(backends)('on the %s backend', (backend) => {
  beforeEach(() => setBackend(backend));

  test.each(orders)('%s differences have order %i', (method, order) => {
    const off = (step: number) => Math.abs(difference((x) => x.sin(), 1, { method, step }).value - Math.cos(1));
    expect(Math.log2(off(1 / 16) / off(1 / 32))).toBeCloseTo(order, 1);
  });

  describe.each(orders)('%s differences with the best step', (method) => {
    test.each(functions)('of %s', (_, f, at, exact) => {
      for (const dtype of ['float64', 'float32'] as const) {
        const { value, error } = difference(f, at, { method, dtype });
        // In float32 the point itself is rounded.
        const slack = dtype === 'float32' ? 1e-6 * Math.abs(exact) : 0;
        expect(Math.abs(value - exact)).toBeLessThanOrEqual(error + slack);
        expect(error).toBeLessThanOrEqual((dtype === 'float64' ? 1e-5 : 0.2) * Math.max(Math.abs(exact), 1e-2));
      }
    });
  });

  test('the gradient of a function of 100 variables is one batched call', () => {
    const x = tensor(Float64Array.from({ length: 100 }, (_, i) => i / 10));
    let calls = 0;
    const f = (v: Tensor) => {
      calls++;
      return v.sin().add(v.square()).sum();
    };
    const slopes = numericGradient(f, x, { method: 'five-point' }).data();
    expect(calls).toBe(1);
    slopes.forEach((slope, i) => {
      const exact = Math.cos(i / 10) + i / 5;
      expect(Math.abs((slope as number) - exact)).toBeLessThanOrEqual(1e-8 * Math.abs(exact));
    });
  });
});

test('errors of steps that are too large and too small are told', () => {
  const exact = Math.cos(1);
  for (const step of [0.1, 1e-3, 1e-12, 1e-15]) {
    const { value, error } = difference((x) => x.sin(), 1, { step });
    expect(Math.abs(value - exact)).toBeLessThanOrEqual(error);
  }
  expect(difference((x) => x.sin(), 1, { step: 1e-15 }).error).toBeGreaterThan(0.1);
});

test('quotients of samples', () => {
  expect(differenceQuotients([1, 3, 7], 2).toArray()).toEqual([1, 2]);
  expect(() => differenceQuotients([1], 2)).toThrow(/at least two values/);
  expect(() => differenceQuotients([1, 2], 0)).toThrow(/positive/);
});

test('bad input', () => {
  expect(() => difference((x) => x, 1, { method: 'sideways' as 'central' })).toThrow(/method is 'forward'/);
  expect(() => difference((x) => x, 1, { step: -1 })).toThrow(/step is a positive number/);
  expect(() => difference((x) => x.log(), -1)).toThrow(/NaN at -1/);
  expect(() => difference((x) => x, 1, { dtype: 'int32' as 'float32' })).toThrow(/dtype is/);
  expect(() => numericGradient((v) => v.log().sum(), tensor([-1, 2], { dtype: 'float64' }))).toThrow(/NaN at \(/);
  expect(() => numericGradient((v) => v, tensor([1, 2], { dtype: 'float64' }))).toThrow(/one value/);
});
