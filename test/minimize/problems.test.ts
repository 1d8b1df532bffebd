/**
 * Minima of the standard test problems, reached from their published starts to six digits and more: Moré, Garbow and Hillstrom by every method,
 * NIST's 27 certified regressions to nine digits by Levenberg and Marquardt, from both starts. `npm run bench -- minimize` prints what they take.
 */
import { ConvergenceError, scope, setBackend, type Tensor, tensor } from 'cotangent';
import { leastSquares, type MinimizeMethod, minimize } from 'cotangent/optim';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';
import { few } from './problems/few.ts';
import { many } from './problems/many.ts';
import { regressions } from './problems/nist.ts';
import { type Problem, sumOfSquares } from './problems/problem.ts';

const DIGITS = 1e-6;
/** What counts as zero, as a part of the value at the start. */
const ZERO = 1e-16;

const start = (values: readonly number[]) => tensor([...values], { dtype: 'float64' });

function solve(problem: Problem, method: MinimizeMethod): void {
  scope(() => {
    const f = method === 'levenberg-marquardt' ? problem.residuals : sumOfSquares(problem);
    const { value, values, point, path, iterations, reason } = minimize(f, start(problem.start), { method });
    const first = values[0] as number;
    const distances = problem.minima.map((minimum) =>
      minimum === 0 ? value / first / (ZERO / DIGITS) : Math.abs(value / minimum - 1),
    );
    if (problem.flat?.method === method) {
      expect(value / first, problem.flat.why).toBeLessThan(problem.flat.reached);
      expect(Math.min(...distances) < DIGITS || reason === 'precision').toBe(true);
    } else expect(Math.min(...distances), `${value}, not one of ${problem.minima}`).toBeLessThan(DIGITS);
    expect(path.shape).toEqual([iterations + 1, problem.start.length]);
    expect(values.length).toBe(iterations + 1);
    expect(sumOfSquares(problem)(point).item()).toBeCloseTo(value, 12);
    const found = Array.from(point.data(), Number);
    for (const [i, coordinate] of (problem.point ?? []).entries())
      expect(Math.abs((found[i] as number) - coordinate)).toBeLessThanOrEqual(
        DIGITS * Math.max(Math.abs(coordinate), 1e-10),
      );
  });
}

const methods: readonly MinimizeMethod[] = ['newton', 'levenberg-marquardt', 'lbfgs'];

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => setBackend(backend));
  // One backend does them all; the other shows that nothing depends on it.
  const problems = backend === backends[0] ? [...few, ...many] : few.slice(0, 6);

  describe.each(methods)('%s reaches a minimum of', (method) => {
    const possible = problems.filter(({ except }) => except?.method !== method);
    test.each(possible.map((problem) => [problem.name, problem] as const))('%s', (_, problem) =>
      solve(problem, method),
    );
  });

  test('where a method does not get there, it says so and hands over what it has', () => {
    const stuck = problems.filter(({ except }) => except !== undefined);
    for (const { residuals, start: from, except } of stuck)
      scope(() => {
        const method = except?.method as MinimizeMethod;
        let error: unknown;
        try {
          minimize(residuals, start(from), { method, maxIterations: 200 });
        } catch (caught) {
          error = caught;
        }
        expect(error).toBeInstanceOf(ConvergenceError);
        const { best } = error as { best: { values: number[]; point: Tensor } };
        expect(best.values.at(-1)).toBeLessThan(best.values[0] as number);
        best.point.dispose();
      });
  });

  describe('leastSquares reaches the certified answer of', () => {
    test.each(regressions.flatMap((fit) => fit.starts.map((from, i) => [fit.name, i + 1, fit, from] as const)))(
      '%s from start %i',
      (_, __, { residuals, value, point }, from) =>
        scope(() => {
          const found = leastSquares(residuals, start(from));
          // Residuals of 1e-13 are rounding themselves: there the sum is only known to be that small.
          if (value > 1e-20) expect(Math.abs(found.value / value - 1)).toBeLessThan(1e-9);
          else expect(found.value).toBeLessThan(2 * value);
          for (const [i, b] of point.entries())
            expect(Math.abs((found.point.data()[i] as number) / b - 1)).toBeLessThan(1e-9);
        }),
    );
  });

  // Sums in which nearly everything cancels: near the minimum their values tell nothing, only the gradient does.
  test.each(['Misra1a', 'MGH17', 'MGH10'])('newton reaches the certified answer of %s from start 2', (name) =>
    scope(() => {
      const { residuals, starts, point } = regressions.find((fit) => fit.name === name) as (typeof regressions)[number];
      const found = minimize((x) => residuals(x).square().sum(), start(starts[1] ?? []), { method: 'newton' });
      for (const [i, b] of point.entries())
        expect(Math.abs((found.point.data()[i] as number) / b - 1)).toBeLessThan(1e-9);
    }),
  );
});
