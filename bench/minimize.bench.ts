/**
 * What minimisers take for the test problems of Moré, Garbow and Hillstrom from their published starts: iterations and evaluations
 * (function / gradient or Jacobian / Hessian), and milliseconds. `npm run bench -- minimize`.
 */
import { type BackendName, scope, setBackend, tensor } from 'cotangent';
import { type MinimizeMethod, minimize } from 'cotangent/optim';
import { few } from '../test/minimize/problems/few.ts';
import { many } from '../test/minimize/problems/many.ts';
import { type Problem, sumOfSquares } from '../test/minimize/problems/problem.ts';
import type { Row } from './measure.ts';

export const title = 'minimize: iterations, evaluations (f/g/H) and milliseconds to a minimum';

/** Of the first column and of the others. */
const [NAME, WIDTH] = [42, 29];

const METHODS = { Newton: 'newton', 'Levenberg–Marquardt': 'levenberg-marquardt', 'L-BFGS': 'lbfgs' } as const;

interface Taken {
  iterations: number;
  calls: string;
  value: number;
  ms: number;
}

function solve(problem: Problem, method: MinimizeMethod): Taken | null {
  if (problem.except?.method === method) return null;
  return scope(() => {
    const f = method === 'levenberg-marquardt' ? problem.residuals : sumOfSquares(problem);
    const start = performance.now();
    const result = minimize(f, tensor([...problem.start], { dtype: 'float64' }), { method });
    const ms = performance.now() - start;
    const { value, gradient, hessian } = result.evaluations;
    const calls = [value, gradient, ...(hessian > 0 ? [hessian] : [])].join('/');
    return { iterations: result.iterations, calls, value: result.value, ms };
  });
}

export function run(backends: readonly BackendName[]): Row[] {
  const rows: Row[] = [];
  for (const backend of backends) {
    setBackend(backend);
    // V8 compiles in steps; what runs first pays for it.
    for (const problem of few) for (const method of Object.values(METHODS)) solve(problem, method);
    console.log(
      `\n  ${backend.padEnd(NAME)}${Object.keys(METHODS)
        .map((name) => name.padEnd(WIDTH))
        .join('')}value`,
    );
    const totals = new Map<string, number>();
    for (const problem of [...few, ...many]) {
      const found = Object.entries(METHODS).map(([name, method]) => [name, solve(problem, method)] as const);
      const cells = found.map(([name, taken]) => {
        totals.set(name, (totals.get(name) ?? 0) + (taken?.ms ?? 0));
        return (taken === null ? '–' : `${taken.iterations}  ${taken.calls}  ${taken.ms.toFixed(1)} ms`).padEnd(WIDTH);
      });
      const values = found.flatMap(([, taken]) => (taken === null ? [] : [taken.value]));
      const shown = new Set(values.map((value) => (value < 1e-18 ? '0' : value.toPrecision(6))));
      console.log(`  ${problem.name.slice(0, NAME - 2).padEnd(NAME)}${cells.join('')}${[...shown].join(', ')}`);
    }
    const fastest = totals.get('L-BFGS') as number;
    for (const [name, ms] of totals)
      rows.push({
        name: `${backend}: all problems by ${name}`,
        value: ms,
        unit: 'ms',
        ratio: { to: 'L-BFGS', value: ms / fastest },
      });
  }
  return rows;
}
