/** B7: Hessians by automatic differentiation against the formulas. */
import type { Tensor } from 'cotangent';
import { hessian } from 'cotangent/calculus';
import { contour } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

interface Case {
  name: string;
  f: (x: Tensor, y: Tensor) => Tensor;
  /** fxx, fxy, fyy by hand. */
  byHand: (x: number, y: number) => readonly [number, number, number];
}

const CASES: readonly Case[] = [
  { name: 'x² + y²', f: (x, y) => x.square().add(y.square()), byHand: () => [2, 0, 2] },
  {
    name: 'Rosenbrock',
    f: (x, y) => x.sub(1).square().add(y.sub(x.square()).square().mul(100)),
    byHand: (x, y) => [1200 * x * x - 400 * y + 2, -400 * x, 200],
  },
  {
    name: 'Himmelblau',
    f: (x, y) => x.square().add(y).sub(11).square().add(x.add(y.square()).sub(7).square()),
    byHand: (x, y) => [12 * x * x + 4 * y - 42, 4 * x + 4 * y, 12 * y * y + 4 * x - 26],
  },
];

const POINTS = [
  [4, 4],
  [-1.2, 1],
  [0.3, -2.7],
] as const;

export const examples: readonly WorkedExample[] = [
  {
    id: 'B7',
    title: 'Hessians of three functions',
    text: String.raw`
The Hessian holds the second derivatives. By hand: $\begin{pmatrix}2&0\\0&2\end{pmatrix}$ for $x^2+y^2$;
$\begin{pmatrix}1200x^2-400y+2&-400x\\-400x&200\end{pmatrix}$ for Rosenbrock's $(1-x)^2 + 100(y-x^2)^2$;
$\begin{pmatrix}12x^2+4y-42&4x+4y\\4x+4y&12y^2+4x-26\end{pmatrix}$ for Himmelblau's $(x^2+y-11)^2+(x+y^2-7)^2$. Automatic
differentiation computes them by differentiating the gradient once more.`,
    run(report) {
      for (const { name, f, byHand } of CASES) {
        for (const point of POINTS) {
          const [[xx, xy], [yx, yy]] = hessian(f, [...point]).toArray() as [[number, number], [number, number]];
          const [fxx, fxy, fyy] = byHand(point[0], point[1]);
          const close = { absolute: 1e-12, relative: 1e-13 };
          report.figure(`${name} at (${point}): xx`, xx, fxx, close);
          report.figure(`${name} at (${point}): xy`, xy, fxy, close);
          report.figure(`${name} at (${point}): yx`, yx, fxy, close);
          report.figure(`${name} at (${point}): yy`, yy, fyy, close);
        }
      }
      const valley = (CASES[1] as Case).f;
      report.picture(
        contour((x: Tensor, y: Tensor) => valley(x, y).log1p(), {
          x: [-2, 2],
          y: [-1, 3],
          marks: { minimum: [[1, 1]], start: [[-1.2, 1]] },
          xLabel: 'x',
          yLabel: 'y',
          points: 201,
          zLabel: 'ln(1 + f)',
          title: "Rosenbrock's function",
        }),
        "Rosenbrock's valley: at (1, 1) the Hessian's eigenvalues are 1001.6 and 0.4, so the walls are steep and the floor is flat.",
      );
    },
  },
];
