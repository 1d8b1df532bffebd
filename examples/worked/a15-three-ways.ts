/** A15: one derivative in three ways: symbolic, numeric, automatic. */
import type { Tensor } from 'cotangent';
import { derivative, difference } from 'cotangent/calculus';
import { curves } from 'cotangent/plot';
import { derivative as symbolicDerivative } from 'mathjs/number';
import type { WorkedExample } from './example.ts';

const text = String.raw`
*Symbolic* differentiation turns one formula into another, $x^3 + 2x$ into $3x^2 + 2$, which is then evaluated (here by mathjs).
*Numeric* differentiation takes differences of values, with an error of truncation and one of rounding. *Automatic*
differentiation applies the rules of the first to the numbers of the second: exact to rounding, no formula that grows, and
loops and branches are no obstacle. At 2 the derivative is $3\cdot4 + 2 = 14$.`;

const f = (x: Tensor) => x.pow(3).add(x.mul(2));

export const examples: readonly WorkedExample[] = [
  {
    id: 'A15',
    title: 'Symbolic, numeric, automatic',
    text,
    run(report) {
      const formula = symbolicDerivative('x^3 + 2x', 'x');
      const symbolic = formula.evaluate({ x: 2 }) as number;
      const automatic = derivative(f)(2);
      const numeric = difference(f, 2, { method: 'five-point' });
      const simple = difference(f, 2, { method: 'forward', step: 1e-6 });
      report.note(`The symbolic derivative is $${formula.toTex()}$.`);
      report.figure('symbolic', symbolic, 14, { absolute: 0 });
      report.figure('automatic', automatic, 14, { absolute: 0 });
      report.figure('numeric, five points', numeric.value, 14, { absolute: 1e-10 });
      report.figure('numeric, forward, h = 1e-6', simple.value, 14, { absolute: 1e-5 });
      report.table(
        ['way', 'value', 'error'],
        [
          ['symbolic', symbolic, Math.abs(symbolic - 14)],
          ['automatic', automatic, Math.abs(automatic - 14)],
          ['numeric, five points', numeric.value, Math.abs(numeric.value - 14)],
          ['numeric, forward', simple.value, Math.abs(simple.value - 14)],
        ],
      );
      report.picture(
        curves(
          {
            'x³ + 2x': f,
            automatic: (x: Tensor) => derivative(f)(x),
            symbolic: {
              x: [-2, -1, 0, 1, 2],
              y: [-2, -1, 0, 1, 2].map((x) => formula.evaluate({ x }) as number),
              mode: 'markers',
            },
          },
          { x: [-2.5, 2.5], xLabel: 'x', yLabel: 'y', title: 'x³ + 2x and its derivative' },
        ),
        'The derivative by autograd, with the formula’s values on it.',
      );
    },
  },
];
