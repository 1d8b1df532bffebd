/** B1, B2 and B4: gradient descent on a bowl, and what the learning rate does. */
import { scope, stack, type Tensor, tensor } from 'cotangent';
import { SGD } from 'cotangent/optim';
import { contour, curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const bowl = (x: Tensor, y: Tensor) => x.square().add(y.square());

/** The points that gradient descent visits, [steps + 1, 2]. */
function descend(start: readonly [number, number], lr: number, steps: number): Tensor {
  return scope(() => {
    const at = tensor([...start], { dtype: 'float64', requiresGrad: true });
    const optimizer = new SGD([at], { lr });
    const path = [at.detach().clone()];
    for (let i = 0; i < steps; i++) {
      optimizer.zeroGrad();
      bowl(at.select(0, 0), at.select(0, 1)).backward();
      optimizer.step();
      path.push(at.detach().clone());
    }
    optimizer.zeroGrad();
    return stack(path);
  });
}

/** The point after a number of steps; the last one by default. */
const visited = (path: Tensor, step = -1) => path.select(0, step).toArray() as [number, number];

const RATES = { '0.01': 2.67043188702038, '0.1': 0.0461168601842739, '0.3': 4.398046511e-8, '0.5': 0 };

export const examples: readonly WorkedExample[] = [
  {
    id: 'B1',
    title: 'Gradient descent on a bowl',
    text: String.raw`
Gradient descent goes against the gradient, $x_{k+1} = x_k - \eta\nabla f(x_k)$. For $f = x^2 + y^2$ the gradient is $(2x, 2y)$, so
each step multiplies both coordinates by $1 - 2\eta$. With $\eta = 0.1$, twenty steps from $(4, 4)$ end at $4 \cdot 0.8^{20}$.`,
    run(report) {
      const path = descend([4, 4], 0.1, 20);
      const [x, y] = visited(path);
      report.figure('x after 20 steps', x, 0.0461168601842739, { relative: 1e-13 });
      report.figure('y after 20 steps', y, 0.0461168601842739, { relative: 1e-13 });
      const options = { x: [-5, 5], y: [-5, 5], xLabel: 'x', yLabel: 'y', zLabel: 'x² + y²' } as const;
      report.picture(
        contour(bowl, { ...options, paths: { 'η = 0.1': path }, marks: { minimum: [[0, 0]] }, title: 'Twenty steps' }),
        'The way down crosses the level lines at right angles; here that leads straight to the minimum.',
      );
    },
  },
  {
    id: 'B2',
    title: 'Learning rates',
    text: String.raw`
The factor $1 - 2\eta$ decides. At 0.01 it is 0.98, and the way is long; at 0.5 it is zero, and one step is enough; between 0.5
and 1 it is negative, and the steps jump across the minimum but shrink. Only above 1 do they grow: 0.5 is the best rate here,
not too large a one, and 1.05 diverges.`,
    run(report) {
      const paths: Record<string, Tensor> = {};
      for (const [rate, expected] of Object.entries(RATES)) {
        const path = descend([4, 4], Number(rate), 20);
        paths[`η = ${rate}`] = path;
        report.figure(`x after 20 steps of ${rate}`, visited(path)[0], expected, { relative: 1e-10 });
      }
      report.figure('x after one step of 0.5', visited(descend([4, 4], 0.5, 1))[0], 0, { absolute: 0 });
      paths['η = 1.05'] = descend([4, 4], 1.05, 20);
      report.figure('x after 20 steps of 1.05', visited(paths['η = 1.05'])[0], 4 * 1.1 ** 20, { relative: 1e-12 });
      const distances: Record<string, { x: number[]; y: Tensor; mode: 'lines+markers' }> = {};
      for (const [name, path] of Object.entries(paths)) {
        const y = path.square().sum(1).sqrt().add(1e-20);
        distances[name] = { x: Array.from({ length: y.size }, (_, k) => k), y, mode: 'lines+markers' };
      }
      report.picture(
        curves(distances, { logY: true, xLabel: 'step', yLabel: 'distance from the minimum' }),
        'Straight lines on a logarithmic axis: every step multiplies the distance by |1 − 2η|. (Zero is drawn as 10⁻²⁰.)',
      );
    },
  },
  {
    id: 'B4',
    title: 'The first steps as a table',
    text: String.raw`From $(3, 2)$ with $\eta = 0.1$: coordinates shrink by 0.8, and so the value of $x^2 + y^2$ by 0.64.`,
    run(report) {
      const path = descend([3, 2], 0.1, 2);
      const expected = [
        [3, 2, 13],
        [2.4, 1.6, 8.32],
        [1.92, 1.28, 5.3248],
      ] as const;
      const rows = expected.map((row, step) => {
        const [x, y] = visited(path, step);
        const got = [x, y, x * x + y * y] as const;
        for (const [i, name] of ['x', 'y', 'f'].entries())
          report.figure(`${name} at step ${step}`, got[i] as number, row[i] as number, { relative: 1e-14 });
        return [step, ...got];
      });
      report.table(['step', 'x', 'y', 'f'], rows);
    },
  },
];
