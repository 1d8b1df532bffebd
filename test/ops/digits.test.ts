/**
 * Every digit of float64: the elementwise ops and their derivatives against definitions of three hundred digits, so that no constant
 * in a formula can be wrong. `test/reference/definitions.ts` has the definitions.
 */
import { describe, expect, test } from 'vitest';
import * as ops from '../../src/generated/elementwise.ts';
import * as ct from '../../src/index.ts';
import { type Big, big, toNumber } from '../reference/bigfloat.ts';
import { definitions, errorOf, slopeOf } from '../reference/definitions.ts';
import { pointsOf, SLOPE_FLOORS } from '../reference/points.ts';
import { backends } from '../support/backends.ts';
import { elementwiseRows, paramsOf } from '../support/samples.ts';

const rows = elementwiseRows.filter((row) => !row.test);

/** Largest errors in ulp, where two or three roundings are not all there is: of the value, and of the slope. */
const BUDGETS: Readonly<Record<string, readonly [number, number]>> = {
  // exp magnifies the rounding error of its argument, some 80 at -9.7.
  geluTanh: [80, 80],
  // 17 · (1 - s), where s is close to 1.
  silu: [4, 10],
  mish: [5, 10],
  erfc: [5, 5],
  erfinv: [4, 12],
  gelu: [4, 6],
  tanhshrink: [4, 8],
};
const DEFAULT = [4, 5] as const;
const memoized = <T>(f: () => T): (() => T) => {
  let value: T | undefined;
  return () => (value ??= f());
};

type Call = (...args: unknown[]) => ct.Tensor;

function expectDigits(
  what: string,
  got: ct.Tensor,
  want: readonly Big[],
  points: readonly number[][],
  budget: number,
  floor = 0,
) {
  const values = got.data();
  for (const [n, exact] of want.entries()) {
    const error = errorOf(Number(values[n]), exact, floor);
    if (!(error <= budget))
      expect.fail(
        `${what} at ${points[n]}: ${values[n]} instead of ${toNumber(exact)}, ${error.toFixed(1)} ulp of ${budget}`,
      );
  }
}

describe.each(rows.map((row) => [row.name, row] as const))('%s', (name, row) => {
  const definition = definitions[name];
  if (definition === undefined) throw new Error(`test/reference/definitions.ts does not define ${name}`);
  const points = pointsOf(row);
  const params = paramsOf(row);
  const slopes = row.vjp === undefined || row.vjp === 'zero' ? 0 : row.arity;
  const exact = memoized(() => {
    const numbers = params.map(big);
    const inputs = points.map((point) => point.map(big));
    return {
      values: inputs.map((point) => definition(point, numbers)),
      slopes: Array.from({ length: slopes }, (_, i) => inputs.map((point) => slopeOf(definition, i, point, numbers))),
    };
  });
  const [valueBudget, slopeBudget] = BUDGETS[name] ?? DEFAULT;

  test.each(backends)('on %s', (backend) => {
    const inputs = Array.from({ length: row.arity }, (_, i) =>
      ct.tensor(
        points.map((point) => point[i] as number),
        { dtype: 'float64', backend, requiresGrad: slopes > 0 },
      ),
    );
    const out = ((ops as unknown as Record<string, Call>)[name] as Call)(...inputs, ...params);
    expectDigits(name, out, exact().values, points, valueBudget);
    if (slopes === 0) return;
    out.sum().backward();
    for (const [i, x] of inputs.entries())
      expectDigits(
        `slope ${i} of ${name}`,
        x.grad as ct.Tensor,
        exact().slopes[i] as Big[],
        points,
        slopeBudget,
        SLOPE_FLOORS[name],
      );
  });
});
