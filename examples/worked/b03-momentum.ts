/** B3: momentum on the bowl overshoots. */
import { scope, stack, type Tensor, tensor } from 'cotangent';
import { SGD } from 'cotangent/optim';
import { contour, curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const bowl = (x: Tensor, y: Tensor) => x.square().add(y.square());

/** Twenty steps from (4, 4) with rate 0.1, [21, 2]. */
const roll = (momentum: number): Tensor =>
  scope(() => {
    const at = tensor([4, 4], { dtype: 'float64', requiresGrad: true });
    const optimizer = new SGD([at], { lr: 0.1, momentum });
    const path = [at.detach().clone()];
    for (let i = 0; i < 20; i++) {
      optimizer.zeroGrad();
      bowl(at.select(0, 0), at.select(0, 1)).backward();
      optimizer.step();
      path.push(at.detach().clone());
    }
    optimizer.zeroGrad();
    return stack(path);
  });

export const examples: readonly WorkedExample[] = [
  {
    id: 'B3',
    title: 'Momentum overshoots',
    text: String.raw`
With momentum the gradients add up, $v_{k+1} = \mu v_k + \nabla f(x_k)$ and $x_{k+1} = x_k - \eta v_{k+1}$, like a ball that keeps rolling.
On the bowl with $\eta = 0.1$ each coordinate obeys $x_{k+1} = (1 + \mu - 0.2)x_k - \mu x_{k-1}$, whose roots have the absolute value
$\sqrt\mu$. For $\mu = 0.9$ they are complex: the ball swings through the minimum, and after twenty steps it is on the other side of it.
Momentum helps in long valleys; a round bowl is not one.`,
    run(report) {
      const path = roll(0.9);
      const [x, y] = path.select(0, -1).toArray() as [number, number];
      let [before, now] = [4, 4 * 0.8];
      for (let k = 1; k < 20; k++) [before, now] = [now, (1 + 0.9 - 0.2) * now - 0.9 * before];
      report.figure('x after 20 steps, against the recursion', x, now, { relative: 1e-12 });
      // Published to seven digits.
      report.figure('x after 20 steps', x, -1.3970104, { absolute: 1e-7 });
      report.figure('y after 20 steps', y, -1.3970104, { absolute: 1e-7 });
      const first = Array.from(path.select(1, 0).data(), Number);
      report.check(
        'it overshoots: x changes its sign',
        first.some((value) => value < 0),
      );
      const paths = { 'μ = 0': roll(0), 'μ = 0.5': roll(0.5), 'μ = 0.9': path };
      const steps = first.map((_, k) => k);
      const series = Object.entries(paths).map(([name, points]) => [
        name,
        { x: steps, y: points.select(1, 0), mode: 'lines+markers' as const },
      ]);
      report.picture(
        curves(Object.fromEntries(series), { xLabel: 'step', yLabel: 'x', title: 'x from step to step' }),
        'With much momentum the point swings about the minimum at 0, by √0.9 less with each step.',
      );
      report.picture(
        contour(bowl, { x: [-5, 5], y: [-5, 5], paths, marks: { minimum: [[0, 0]] }, xLabel: 'x', yLabel: 'y' }),
        'The same from above: all three move on the diagonal, and μ = 0.9 runs past the minimum.',
      );
    },
  },
];
