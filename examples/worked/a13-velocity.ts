/** A13: velocity from places, by forward differences. */
import { linspace, type Tensor } from 'cotangent';
import { derivative, differenceQuotients } from 'cotangent/calculus';
import { curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
A body is at $s(t) = t^2 + 3t + 2$, so its velocity is $v = s' = 2t + 3$. If $s$ is known only at 100 moments of $[0, 10]$, the
distance $h = 10/99$ apart, the forward difference
$$\frac{s(t + h) - s(t)}{h} = s'(t) + \frac{h}{2}s''(t) + \dots$$
comes close. Here $s'' = 2$ and nothing follows, so it is too large by exactly $h$ everywhere: an error of first order, halved by
twice as many moments.`;

const place = (t: Tensor) => t.square().add(t.mul(3)).add(2);

/** Moments, quotients, and how far these are from the velocity at most. */
function measure(count: number): { t: Tensor; quotients: Tensor; error: number } {
  const t = linspace(0, 10, count, { dtype: 'float64' });
  const quotients = differenceQuotients(place(t), 10 / (count - 1));
  const velocity = derivative(place)(t.slice(0, 0, count - 1));
  return { t: t.slice(0, 0, count - 1), quotients, error: quotients.sub(velocity).abs().amax().item() };
}

export const examples: readonly WorkedExample[] = [
  {
    id: 'A13',
    title: 'Velocity by forward differences',
    text,
    run(report) {
      const { t, quotients, error } = measure(100);
      report.figure('largest error of 99 quotients: h', error, 10 / 99, { relative: 1e-10 });
      report.figure('with half the distance: h/2', measure(199).error, 5 / 99, { relative: 1e-9 });
      report.figure('order of the error', Math.log2(error / measure(199).error), 1, { absolute: 1e-9 });
      report.figure('velocity at 4 by autograd', derivative(place)(4), 11, { absolute: 0 });
      report.picture(
        curves(
          {
            's(t)': { x: t, y: place(t) },
            'v by differences': { x: t, y: quotients },
            'v = 2t + 3': { x: t, y: derivative(place)(t) },
          },
          { xLabel: 't', yLabel: 's, v', title: 'Place and velocity' },
        ),
        'The two velocities are 0.1 apart, hardly to be told apart here.',
      );
      const counts = [11, 26, 51, 101, 201, 401, 801];
      report.picture(
        curves(
          {
            'largest error': {
              x: counts.map((n) => 10 / (n - 1)),
              y: counts.map((n) => measure(n).error),
              mode: 'lines+markers',
            },
          },
          { logX: true, logY: true, xLabel: 'h', yLabel: 'error', title: 'Error of forward differences' },
        ),
        'Slope 1: half the distance, half the error.',
      );
    },
  },
];
