/** A6: stationary points of a quartic, and where it rises and falls. */
import { linspace, type Tensor } from 'cotangent';
import { derivative, monotonicity, stationaryPoints } from 'cotangent/calculus';
import { curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = `
$y = 3x^4 - 4x^3 - 12x^2 + 32$ has $y' = 12x^3 - 12x^2 - 24x = 12x(x+1)(x-2)$: stationary at $-1$, $0$ and $2$. With
$y'' = 36x^2 - 24x - 24$, $y''(-1) = 36$ and $y''(2) = 72$ are positive (minima), $y''(0) = -24$ is negative (a maximum). Between
the stationary points the sign of $y'$ cannot change, so the function rises on $[-1, 0]$ and from 2 on, and falls elsewhere.
Of the two minima, $y(-1) = 27$ and $y(2) = 0$, the second is the lower one.`;

const y = (x: Tensor) => x.pow(4).mul(3).sub(x.pow(3).mul(4)).sub(x.square().mul(12)).add(32);

export const examples: readonly WorkedExample[] = [
  {
    id: 'A6',
    title: 'Stationary points of a quartic',
    text,
    run(report) {
      const points = stationaryPoints(y, [-3, 4]);
      const expected = [
        { x: -1, value: 27, kind: 'minimum', curvature: 36 },
        { x: 0, value: 32, kind: 'maximum', curvature: -24 },
        { x: 2, value: 0, kind: 'minimum', curvature: 72 },
      ];
      report.figure('stationary points', points.length, 3, { absolute: 0 });
      expected.forEach(({ x, value, kind, curvature }, i) => {
        const found = points[i] as (typeof points)[number];
        report.figure(`stationary point ${i + 1}`, found.point.item(), x, { absolute: 1e-14 });
        report.figure(`y(${x})`, found.value, value, { absolute: 1e-12 });
        report.figure(`y″(${x})`, found.eigenvalues[0] as number, curvature, { relative: 1e-13 });
        report.check(`${x} is a ${kind}`, found.kind === kind);
      });
      const stretches = monotonicity(y, [-3, 4]);
      report.table(
        ['from', 'to', ''],
        stretches.map(({ from, to, kind }) => [from, to, kind]),
      );
      report.check(
        'falling, rising, falling, rising',
        stretches.map(({ kind }) => kind).join() === 'falling,rising,falling,rising',
      );
      [-1, 0, 2].forEach((turn, i) => {
        report.figure(`turn ${i + 1}`, stretches[i]?.to as number, turn, { absolute: 1e-14 });
      });
      const x = linspace(-2, 3, 401, { dtype: 'float64' });
      report.picture(
        curves(
          {
            y: { x, y: y(x) },
            'y′': { x, y: derivative(y)(x) },
            stationary: {
              x: points.map(({ point }) => point.item()),
              y: points.map(({ value }) => value),
              mode: 'markers',
            },
          },
          { xLabel: 'x', yLabel: 'y, y′', y: [-60, 80], title: '3x⁴ − 4x³ − 12x² + 32 and its derivative' },
        ),
        'The curve turns where its derivative crosses 0.',
      );
    },
  },
];
