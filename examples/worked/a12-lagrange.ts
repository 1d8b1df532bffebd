/** A12: a minimum under a constraint, by a Lagrange multiplier. */
import { type Tensor, tensor } from 'cotangent';
import { lagrange } from 'cotangent/calculus';
import { contour } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
Minimise $\frac1a + \frac4b$ with $a + b = 1$. At the minimum one cannot go down without leaving the line: the gradient of $f$
is a multiple of that of the constraint $g = a + b - 1$,
$$\nabla f = \lambda\nabla g:\qquad -\frac{1}{a^2} = \lambda,\quad -\frac{4}{b^2} = \lambda,\quad a + b = 1.$$
So $b = 2a$, $a = \tfrac13$, $b = \tfrac23$, $f = 9$ and $\lambda = -9$. These are three equations, $\nabla_{a,b,\lambda}L = 0$ for
the Lagrangian $L = f - \lambda g$, and Newton's method solves them. The multiplier tells what the constraint costs: for
$a + b = 1 + \varepsilon$ the minimum is about $9 - 9\varepsilon$.`;

const f = (a: Tensor, b: Tensor) => a.reciprocal().add(b.reciprocal().mul(4));

export const examples: readonly WorkedExample[] = [
  {
    id: 'A12',
    title: 'A minimum under a constraint',
    text,
    run(report) {
      const { point, value, multipliers, kind } = lagrange(f, (a, b) => a.add(b).sub(1), [0.5, 0.5]);
      const [a, b] = point.data() as unknown as [number, number];
      report.figure('a', a, 1 / 3, { relative: 1e-14 });
      report.figure('b', b, 2 / 3, { relative: 1e-14 });
      report.figure('the minimum', value, 9, { relative: 1e-14 });
      report.figure('λ', multipliers[0] as number, -9, { relative: 1e-13 });
      report.check('it is a minimum along the constraint', kind === 'minimum');
      const moved = lagrange(f, (a, b) => a.add(b).sub(1.001), [0.5, 0.5]).value;
      report.figure('change of the minimum for a + b = 1.001, over 0.001', (moved - value) / 0.001, -9, {
        relative: 2e-3,
      });
      report.picture(
        contour((a: Tensor, b: Tensor) => f(a, b).log(), {
          x: [0.05, 1],
          y: [0.05, 1],
          paths: {
            'a + b = 1': tensor(
              [
                [0.05, 0.95],
                [0.95, 0.05],
              ],
              { dtype: 'float64' },
            ),
          },
          marks: { minimum: [[a, b]] },
          xLabel: 'a',
          yLabel: 'b',
          zLabel: 'ln f',
          title: '1/a + 4/b and the line a + b = 1',
        }),
        'At the minimum the line touches a level line of f: it crosses all the others. (Colours show ln f, whose level lines are those of f.)',
      );
    },
  },
];
