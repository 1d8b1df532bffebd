/** B6: Newton's method takes one step on a parabola, and a few on a cubic. */
import type { Tensor } from 'cotangent';
import { minimize } from 'cotangent/optim';
import { contour, curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const bowl = (x: Tensor, y: Tensor) => x.square().add(y.square());
const cubic = (x: Tensor) => x.pow(3).sub(x.square().mul(2)).add(2);

export const examples: readonly WorkedExample[] = [
  {
    id: 'B6',
    title: "Newton's method",
    text: String.raw`
Newton's method goes to the bottom of the parabola that has the same value, gradient and Hessian as the function:
$x_{k+1} = x_k - H^{-1}\nabla f$. On $x^2 + y^2$ that parabola is the function itself, so one step from anywhere is enough. On
$x^3 - 2x^2 + 2$ the step is $x - \frac{3x^2 - 4x}{6x - 4}$; from 2 it leads to the minimum at $\tfrac43$, and from step to step the
number of right digits doubles. (Where the Hessian is not positive definite, the parabola has no bottom; the method then looks
for the lowest point of the parabola within a region that it trusts.)`,
    run(report) {
      const one = minimize(bowl, [4, 4], { method: 'newton' });
      report.figure('steps on the bowl', one.iterations, 1, { absolute: 0 });
      const [x, y] = one.point.toArray() as [number, number];
      report.figure('x', x, 0, { absolute: 1e-15 });
      report.figure('y', y, 0, { absolute: 1e-15 });
      const { point, path, value, iterations } = minimize(cubic, 2, { method: 'newton' });
      report.figure('minimum of the cubic', point.item(), 4 / 3, { relative: 1e-14 });
      report.figure('its value', value, 22 / 27, { relative: 1e-14 });
      const visited = Array.from(path.data(), Number);
      report.figure('first step', visited[1] as number, 1.5, { relative: 1e-15 });
      report.figure('second step', visited[2] as number, 1.35, { relative: 1e-14 });
      report.table(
        ['step', 'x', 'distance from 4/3'],
        visited.map((at, k) => [k, at, at - 4 / 3]),
      );
      report.check('at most six steps', iterations <= 6);
      report.picture(
        contour(bowl, {
          x: [-5, 5],
          y: [-5, 5],
          paths: { Newton: one.path },
          xLabel: 'x',
          yLabel: 'y',
          zLabel: 'x² + y²',
        }),
        'One step, from (4, 4) to the minimum.',
      );
      const values = visited.map((at) => at ** 3 - 2 * at ** 2 + 2);
      report.picture(
        curves(
          { 'x³ − 2x² + 2': cubic, Newton: { x: visited, y: values, mode: 'lines+markers' } },
          { x: [0.9, 2.1], xLabel: 'x', yLabel: 'y' },
        ),
        'Newton on the cubic: 2, 1.5, 1.35, and then steps too small to see.',
      );
    },
  },
];
