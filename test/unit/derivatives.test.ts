/**
 * The elementwise rows of the op table as mathematics: their derivatives against difference quotients,
 * PyTorch's choices where a slope jumps, and the integer formulas. Formulas are evaluated on plain numbers, so
 * that no backend is involved.
 */
import { describe, expect, test } from 'vitest';
import type { ElementwiseRow } from '../../src/ops/formula.ts';
import { elementwise } from '../../src/ops/table/elementwise.ts';
import { evaluator } from '../reference/evaluate.ts';

const REQUIRED: Readonly<Record<string, number>> = { min: -0.7, max: 0.5, threshold: 0.5, value: 0.25 };
const paramsOf = (row: ElementwiseRow) =>
  Object.entries(row.params ?? {}).map(([name, preset]) => preset ?? (REQUIRED[name] as number));
const namesOf = (row: ElementwiseRow) => [...Object.keys(row.params ?? {}), ...['x', 'y', 'z'].slice(0, row.arity)];
const rowOf = (name: string) => elementwise.find((row) => row.name === name) as ElementwiseRow;

/** The cotangent of input i where that of the result is 1. */
function slope(row: ElementwiseRow, i: number, inputs: readonly number[]): number {
  const names = namesOf(row);
  const values = [...paramsOf(row), ...inputs];
  if (row.vjp === 'zero') return 0;
  return evaluator(row.vjp?.[i] as string, [...names, 'r', 'g'])(...values, evaluator(row.f, names)(...values), 1);
}

function samples(row: ElementwiseRow, input: number, count: number): number[] {
  const { ranges } = row.domain;
  const [low, high] = ranges[Math.min(input, ranges.length - 1)] as readonly [number, number];
  return Array.from({ length: count }, (_, i) => low + (high - low) * (((i + 1 + 1000 * input) * 0.6180339887) % 1));
}

const differentiable = elementwise.filter((row) => row.vjp !== undefined && !row.test);

test.each(differentiable.map((row) => [row.name, row] as const))('%s has the derivative it says', (_, row) => {
  const f = evaluator(row.f, namesOf(row));
  const columns = Array.from({ length: row.arity }, (_, i) => samples(row, i, 200));
  for (let n = 0; n < 200; n++) {
    const inputs = columns.map((column) => column[n] as number);
    if (row.domain.kinks?.some((kink) => inputs.some((x) => Math.abs(x - kink) < 1e-3))) continue;
    for (let i = 0; i < row.arity; i++) {
      const h = 1e-5 * Math.max(1, Math.abs(inputs[i] as number));
      const at = (step: number) => f(...paramsOf(row), ...inputs.map((x, j) => (i === j ? x + step : x)));
      const quotient = (at(h) - at(-h)) / (2 * h);
      const error = Math.abs(slope(row, i, inputs) - quotient) / (Math.abs(quotient) + 0.01);
      if (!(error < 1e-6))
        expect.fail(`${row.name}, input ${i} at ${inputs}: ${slope(row, i, inputs)}, not ${quotient}`);
    }
  }
});

describe('where the slope jumps or the formula is singular, it is what PyTorch chose', () => {
  test.each<[string, number, readonly number[], number]>([
    ['abs', 0, [0], 0],
    ['relu', 0, [0], 0],
    ['relu', 0, [NaN], 1],
    ['relu6', 0, [6], 0],
    ['leakyRelu', 0, [0], 0.01],
    ['hardtanh', 0, [1], 0],
    ['hardtanh', 0, [-1], 0],
    ['hardsigmoid', 0, [3], 0],
    ['hardswish', 0, [-3], -0.5],
    ['hardswish', 0, [-3.5], 0],
    ['hardswish', 0, [3], 1],
    ['hardshrink', 0, [0.5], 0],
    ['softshrink', 0, [-0.5], 0],
    ['threshold', 0, [0.5], 0],
    ['clamp', 0, [0.5], 1],
    ['clamp', 0, [-0.7], 1],
    ['clampMin', 0, [-0.7], 1],
    ['clampMax', 0, [0.6], 0],
    ['maximum', 0, [2, 2], 0.5],
    ['minimum', 1, [2, 2], 0.5],
    ['fmax', 0, [2, 2], 1],
    ['fmax', 1, [NaN, 2], 1],
    ['fmin', 0, [2, NaN], 1],
    ['copysign', 0, [0, -1], 0],
    ['pow', 0, [0, 0], 0],
    ['pow', 0, [0, 1], 1],
    ['pow', 0, [-2, 3], 12],
    ['pow', 1, [0, 2], 0],
    ['pow', 1, [0, 0], 0],
    ['xlogy', 0, [0, 0], 0],
    ['sinc', 0, [0], -0],
    ['mish', 0, [1e30], 1],
    ['softplus', 0, [1000], 1],
    ['logsigmoid', 0, [-1000], 1],
    ['logaddexp', 0, [1000, 0], 1],
    ['silu', 0, [-1000], -0],
  ])('%s, input %i at %j: %d', (name, i, inputs, want) => {
    expect(slope(rowOf(name), i, inputs)).toBe(want);
  });
});

describe('values at the edges', () => {
  test.each<[string, readonly number[], number]>([
    ['relu', [NaN], NaN],
    ['clampMin', [NaN], NaN],
    ['round', [2.5], 2],
    ['fmax', [NaN, 1], 1],
    ['fmin', [1, NaN], 1],
    ['maximum', [1, NaN], NaN],
    ['logaddexp', [-Infinity, -Infinity], -Infinity],
    ['logaddexp', [Infinity, Infinity], Infinity],
    ['xlogy', [0, 0], 0],
    ['xlogy', [0, NaN], NaN],
    ['heaviside', [0, 0.5], 0.5],
    ['logit', [1], Infinity],
    ['logit', [0], -Infinity],
    ['logit', [2], NaN],
    ['floorDivide', [-7, 2], -4],
    ['floorDivide', [7, -2], -4],
    ['floorDivide', [1, 0.1], 9],
    ['floorDivide', [1, 0], Infinity],
    ['remainder', [-7, 2], 1],
    ['remainder', [7, -2], -1],
    ['fmod', [-7, 2], -1],
    ['truncDivide', [-7, 2], -3],
    ['lerp', [1, 3, 1], 3],
    ['signbit', [-0], 1],
    ['isfinite', [Infinity], 0],
    ['isneginf', [-Infinity], 1],
  ])('%s(%j) = %d', (name, inputs, want) => {
    const row = rowOf(name);
    expect(evaluator(row.f, namesOf(row))(...paramsOf(row), ...inputs)).toBe(want);
  });

  test.each<[string, readonly number[], number]>([
    ['pow', [3, 13], 1594323],
    ['pow', [-1, 63], -1],
    ['pow', [0, 0], 1],
    ['pow', [2, 31], 2147483648],
    ['floorDivide', [-7, 2], -4],
    ['remainder', [-7, 2], 1],
    ['fmod', [-7, 2], -1],
    ['sign', [-5], -1],
    ['isfinite', [3], 1],
    ['isnan', [3], 0],
  ])('%s(%j) = %d for integers', (name, inputs, want) => {
    const row = rowOf(name);
    expect(evaluator(row.int ?? row.f, namesOf(row))(...inputs)).toBe(want);
  });
});
