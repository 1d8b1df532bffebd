/** A7: the differential beside the increment that it stands for. */
import type { Tensor } from 'cotangent';
import { totalDifferential } from 'cotangent/calculus';
import { curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
The differential $dy = f'(x)\,\Delta x$ is the part of the increment $\Delta y = f(x + \Delta x) - f(x)$ that is linear in $\Delta x$.
For $f(x) = x^3$ at 1: $dy = 3\Delta x$, and $\Delta y = 3\Delta x + 3\Delta x^2 + \Delta x^3$. What is left out is of second
order: for a tenth of the step, a hundredth of it remains.`;

const cube = (x: Tensor) => x.pow(3);

export const examples: readonly WorkedExample[] = [
  {
    id: 'A7',
    title: 'The differential of x³ at 1',
    text,
    run(report) {
      for (const [step, differential, increment] of [
        [0.01, 0.03, 0.030301],
        [0.001, 0.003, 0.003003001],
      ] as const) {
        const found = totalDifferential(cube, 1, step);
        report.figure(`dy for Δx = ${step}`, found.differential, differential, { relative: 1e-15 });
        report.figure(`Δy for Δx = ${step}`, found.increment, increment, { absolute: 1e-15 });
      }
      const steps = Array.from({ length: 25 }, (_, k) => 10 ** (-k / 6));
      const found = steps.map((step) => totalDifferential(cube, 1, step));
      const rest = found.map(({ differential, increment }) => increment - differential);
      report.figure('order of Δy − dy', Math.log10((rest[12] as number) / (rest[18] as number)), 2, { absolute: 0.01 });
      report.picture(
        curves(
          {
            'increment Δy': { x: steps, y: found.map(({ increment }) => increment) },
            'differential dy': { x: steps, y: found.map(({ differential }) => differential) },
            'Δy − dy': { x: steps, y: rest },
          },
          {
            logX: true,
            logY: true,
            xLabel: 'Δx',
            yLabel: 'change of y',
            title: 'Increment and differential of x³ at 1',
          },
        ),
        'Increment and differential fall with slope 1 and become one; their difference falls with slope 2.',
      );
    },
  },
];
