/** A8: integrals and areas by adaptive quadrature. */
import { onesLike, type Tensor } from 'cotangent';
import { findRoots, integrate, integrate2 } from 'cotangent/calculus';
import { curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
$\int_1^2 x^2\,dx = \left[\tfrac{x^3}{3}\right]_1^2 = \tfrac73$. The line $2x + 3$ and the parabola $x^2$ meet where $x^2 - 2x - 3 = 0$,
at $-1$ and $3$, and enclose $\int_{-1}^{3}(2x + 3 - x^2)\,dx = \tfrac{32}{3}$; the same area is the double integral of 1
over the region.

Gauss–Kronrod quadrature sums $f$ at 21 chosen points of an interval, and again at 10 of them with other weights. The two
agree when $f$ is smooth there; where they do not, the interval is halved. The difference is the error estimate.`;

const line = (x: Tensor) => x.mul(2).add(3);
const parabola = (x: Tensor) => x.square();

export const examples: readonly WorkedExample[] = [
  {
    id: 'A8',
    title: 'An integral and an area',
    text,
    run(report) {
      const integral = integrate(parabola, 1, 2);
      report.figure('∫ x² dx from 1 to 2', integral.value, 7 / 3, { absolute: 1e-14 });

      const gap = (x: Tensor) => line(x).sub(parabola(x));
      const [from, to] = findRoots(gap, [-10, 10]) as [number, number];
      report.figure('the curves meet at', from, -1, { absolute: 1e-14 });
      report.figure('and at', to, 3, { absolute: 1e-14 });
      const area = integrate(gap, from, to);
      report.figure('area between 2x + 3 and x²', area.value, 32 / 3, { absolute: 1e-13 });
      const double = integrate2((x) => onesLike(x), [from, to], [parabola, line]);
      report.figure('the same area as a double integral', double.value, 32 / 3, { absolute: 1e-12 });

      // Harder ones, whose values are known.
      const singular = integrate((x) => x.rsqrt(), 0, 1);
      report.figure('∫ 1/√x dx from 0 to 1', singular.value, 2, { absolute: 1e-10 });
      const bell = integrate((x) => x.square().neg().exp(), Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
      report.figure('∫ exp(−x²) dx from −∞ to ∞', bell.value, Math.sqrt(Math.PI), { absolute: 1e-13 });
      const wave = integrate((x) => x.sin().div(x), 0, Number.POSITIVE_INFINITY);
      report.figure('∫ sin(x)/x dx from 0 to ∞', wave.value, Math.PI / 2, { absolute: 1e-11 });
      const rows = [
        ['∫ x²', integral, 7 / 3],
        ['area', area, 32 / 3],
        ['∫∫ 1', double, 32 / 3],
        ['∫ 1/√x', singular, 2],
        ['∫ exp(−x²)', bell, Math.sqrt(Math.PI)],
        ['∫ sin(x)/x', wave, Math.PI / 2],
      ] as const;
      report.table(
        ['', 'value', 'estimated error', 'true error', 'evaluations'],
        rows.map(([name, { value, error, evaluations }, exact]) => [
          name,
          value,
          error,
          Math.abs(value - exact),
          evaluations,
        ]),
      );
      report.picture(
        curves(
          { '2x + 3': line, 'x²': parabola, 'they meet': { x: [from, to], y: [from ** 2, to ** 2], mode: 'markers' } },
          { x: [-2, 4], xLabel: 'x', yLabel: 'y', title: 'The area between a line and a parabola' },
        ),
        'Between −1 and 3 the line is above the parabola; the area between them is 32/3.',
      );
    },
  },
];
