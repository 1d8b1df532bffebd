/** A9 and A10: partial derivatives, the total differential, gradients. */
import { type Tensor, tensor } from 'cotangent';
import { gradient, partial, totalDifferential } from 'cotangent/calculus';
import { gradientField, surface } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const partialText = String.raw`
A partial derivative moves one variable and holds the others still. Of $f = x^2 + xy + y^2$: $\partial f/\partial x = 2x + y$,
$\partial f/\partial y = x + 2y$. If both move, the changes add up to the total differential
$$df = \frac{\partial f}{\partial x}\,dx + \frac{\partial f}{\partial y}\,dy.$$
For $x^2/y$ at $(1, -2)$ with $dx = 0.02$, $dy = -0.01$: $\tfrac{2x}{y}dx - \tfrac{x^2}{y^2}dy = -0.02 + 0.0025 = -0.0175$.`;

const gradientText = String.raw`
The gradient collects the partial derivatives: $\nabla(x^2 + y^2 + z^2) = (2x, 2y, 2z)$, at $(2, 1, -1)$ that is $(4, 2, -2)$. It
points where $f$ rises fastest, across the level lines. For $\ln(x^2 + y^2)$ it is $\frac{(2x, 2y)}{x^2 + y^2}$: it points
away from the origin everywhere, and has length $2/r$.`;

const bowl = (x: Tensor, y: Tensor) => x.square().add(x.mul(y)).add(y.square());
const ratio = (x: Tensor, y: Tensor) => x.square().div(y);
const logarithm = (x: Tensor, y: Tensor) => x.square().add(y.square()).log();
const points = [
  [1, 2],
  [-0.5, 3],
  [2.25, -1.75],
] as const;

export const examples: readonly WorkedExample[] = [
  {
    id: 'A9',
    title: 'Partial derivatives and the total differential',
    text: partialText,
    run(report) {
      for (const [x, y] of points) {
        report.figure(`∂f/∂x at (${x}, ${y})`, partial(bowl, 0)(x, y), 2 * x + y, { absolute: 1e-15 });
        report.figure(`∂f/∂y at (${x}, ${y})`, partial(bowl, 1)(x, y), x + 2 * y, { absolute: 1e-15 });
      }
      const { differential, increment } = totalDifferential(ratio, [1, -2], [0.02, -0.01]);
      report.figure('df of x²/y', differential, -0.0175, { absolute: 1e-16 });
      report.figure('the true change', increment, 1.02 ** 2 / -2.01 + 0.5, { absolute: 1e-15 });
      report.picture(
        surface(bowl, { x: [-2, 2], y: [-2, 2], xLabel: 'x', yLabel: 'y', zLabel: 'f', title: 'x² + xy + y²' }),
        'Cut the surface parallel to the x axis, and the slope of the cut is ∂f/∂x.',
      );
    },
  },
  {
    id: 'A10',
    title: 'Gradients',
    text: gradientText,
    run(report) {
      const square = gradient((v) => v.square().sum(), tensor([2, 1, -1], { dtype: 'float64' })).data();
      [4, 2, -2].forEach((expected, i) => {
        report.figure(`∇(x² + y² + z²) at (2, 1, −1), component ${i + 1}`, square[i] as number, expected, {
          absolute: 0,
        });
      });
      for (const [x, y] of points) {
        const [gx, gy] = gradient(logarithm, [x, y]).data() as Float64Array;
        const r2 = x * x + y * y;
        report.figure(`∂/∂x ln(x² + y²) at (${x}, ${y})`, gx as number, (2 * x) / r2, { absolute: 1e-15 });
        report.figure(`∂/∂y ln(x² + y²) at (${x}, ${y})`, gy as number, (2 * y) / r2, { absolute: 1e-15 });
      }
      report.picture(
        gradientField(logarithm, {
          x: [-3, 3],
          y: [-3, 3],
          points: 100,
          xLabel: 'x',
          yLabel: 'y',
          zLabel: 'ln(x² + y²)',
          title: 'The gradient of ln(x² + y²)',
        }),
        'Arrows of the gradient cross the level lines at right angles and are longest near the pole at the origin.',
      );
    },
  },
];
