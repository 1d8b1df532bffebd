/** A4: derivatives of higher order by repeated autograd. */
import { type Tensor, tensor } from 'cotangent';
import { derivative } from 'cotangent/calculus';
import { curves } from 'cotangent/plot';
import type { Cell, WorkedExample } from './example.ts';

const text = String.raw`
A gradient is made of tensor operations, so it can be differentiated again: $f^{(n)} = (f^{(n-1)})'$. Three functions whose
derivatives of every order are known:
$$\sin^{(n)}(x) = \sin\!\left(x + \tfrac{n\pi}{2}\right),\qquad (e^x)^{(n)} = e^x,\qquad
\ln(1+x)^{(n)} = \frac{(-1)^{n-1}(n-1)!}{(1+x)^n}.$$

No step size appears anywhere, so nothing is lost from one order to the next: a difference quotient of sixth order
would have hardly a correct digit.`;

const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));

const functions: Readonly<Record<string, { f: (x: Tensor) => Tensor; formula: (x: number, n: number) => number }>> = {
  sin: {
    f: (x) => x.sin(),
    formula: (x, n) =>
      [Math.sin, Math.cos, (t: number) => -Math.sin(t), (t: number) => -Math.cos(t)][n % 4]?.(x) as number,
  },
  eˣ: { f: (x) => x.exp(), formula: (x) => Math.exp(x) },
  'ln(1 + x)': { f: (x) => x.log1p(), formula: (x, n) => ((-1) ** (n - 1) * factorial(n - 1)) / (1 + x) ** n },
};

export const examples: readonly WorkedExample[] = [
  {
    id: 'A4',
    title: 'Derivatives of order 1 to 6',
    text,
    run(report) {
      const points = [-0.5, 0, 0.3, 1, 2.5];
      const rows: Cell[][] = [];
      for (const [name, { f, formula }] of Object.entries(functions)) {
        const row: Cell[] = [name];
        for (let n = 1; n <= 6; n++) {
          const values = derivative(f, n)(tensor(points, { dtype: 'float64' })).data() as Float64Array;
          const off = points.map((x, i) => {
            const expected = formula(x, n);
            return Math.abs((values[i] as number) - expected) / Math.max(1, Math.abs(expected));
          });
          report.figure(`${name}, n = ${n}: largest difference from the formula`, Math.max(...off), 0, {
            absolute: 1e-13,
          });
          row.push(values[3] as number);
        }
        rows.push(row);
      }
      report.table(['at x = 1', ...[1, 2, 3, 4, 5, 6].map((n) => `n = ${n}`)], rows);
      const log = functions['ln(1 + x)']?.f as (x: Tensor) => Tensor;
      report.picture(
        curves(
          Object.fromEntries(
            [1, 2, 3, 4, 5, 6].map((n) => [`n = ${n}`, (x: Tensor) => derivative(log, n)(x).abs()] as const),
          ),
          {
            x: [-0.5, 3],
            points: 101,
            logY: true,
            xLabel: 'x',
            yLabel: '|ln(1 + x)⁽ⁿ⁾|',
            title: 'Derivatives of ln(1 + x)',
          },
        ),
        'Sizes of the first six derivatives of ln(1 + x): (n − 1)!/(1 + x)ⁿ. Their signs alternate.',
      );
    },
  },
];
