/** C5: derivatives checked with finite differences, element by element and all in one batched call. */
import { grad, gradcheck, linspace, scope, type Tensor } from 'cotangent';
import { numericGradient } from 'cotangent/calculus';
import { curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
A derivative that was written by hand, or by a library, can be checked with the definition it came from. The central
difference $\frac{f(x + h e_i) - f(x - h e_i)}{2h}$ is off by $O(h^2)$ and by rounding of the order of $\varepsilon/h$; the
five-point formula by $O(h^4)$, so that a larger $h$, with less rounding, will do. Two gradients are compared by
$\|g - \tilde g\| / \|g\|$: below $10^{-7}$ they are the same function, at $10^{-2}$ one of them has a mistake.

A numeric gradient of $n$ variables asks for $2n$ values of $f$ or more. They do not depend on each other: vmap turns the
function of one point into one of a matrix of points, and a single call gives all of them.`;

/** How far two gradients are apart, relative to the first. */
const distance = (exact: Tensor, other: Tensor): number => exact.sub(other).norm().div(exact.norm()).item();

export const examples: readonly WorkedExample[] = [
  {
    id: 'C5',
    title: 'Gradient checks',
    text,
    run(report) {
      const f = (x: Tensor) => x.sin().add(x.square()).sum();
      const x = linspace(-2, 2.5, 10, { dtype: 'float64' });
      const automatic = grad(f)(x);
      const byHand = x.cos().add(x.mul(2));
      report.figure('Σ sin x + x²: automatic against cos x + 2x', distance(byHand, automatic), 0, { absolute: 1e-15 });
      for (const method of ['central', 'five-point'] as const) {
        const error = distance(automatic, numericGradient(f, x, { method }));
        report.figure(`Σ sin x + x²: relative error of ${method} differences`, error, 0, { absolute: 1e-7 });
      }
      report.check('gradcheck agrees', gradcheck(f, [x.clone().requiresGrad_()]));

      // Neighbouring variables are coupled, as in Rosenbrock's function, but by a sine.
      let calls = 0;
      const g = (v: Tensor) => {
        calls++;
        const [left, right] = [v.narrow(0, 0, 99), v.narrow(0, 1, 99)];
        return right.sub(left.mul(2).sin()).square().mul(10).add(left.sub(1).square()).sum();
      };
      const v = linspace(-1, 1, 100, { dtype: 'float64' }).sin();
      const exact = grad(g)(v);
      calls = 0;
      const numeric = numericGradient(g, v, { method: 'five-point' });
      report.figure('calls of the function of 100 variables', calls, 1, { absolute: 0 });
      report.figure('its relative error', distance(exact, numeric), 0, { absolute: 1e-9 });

      const steps = Array.from({ length: 25 }, (_, i) => 10 ** (-i / 2));
      const error = (method: 'central' | 'five-point') => ({
        x: steps,
        y: steps.map((step) => scope(() => distance(exact, numericGradient(g, v, { method, step })))),
      });
      report.picture(
        curves(
          { 'central differences': error('central'), 'five-point formula': error('five-point') },
          {
            title: 'A numeric gradient of 100 variables',
            xLabel: 'step h',
            yLabel: 'relative error',
            logX: true,
            logY: true,
          },
        ),
        'Too large a step truncates (slopes 2 and 4), too small a one is lost in rounding (slope −1).',
      );
    },
  },
];
