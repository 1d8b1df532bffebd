/** B5: gradient descent in one variable, and the rate at which it oscillates for ever. */
import { scope, stack, type Tensor, tensor } from 'cotangent';
import { SGD } from 'cotangent/optim';
import { curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const parabola = (x: Tensor) => x.square().add(x.mul(5)).add(6);

/** The points visited from 10, [steps + 1]. */
const descend = (lr: number, steps: number): Tensor =>
  scope(() => {
    const x = tensor(10, { dtype: 'float64', requiresGrad: true });
    const optimizer = new SGD([x], { lr });
    const path = [x.detach().clone()];
    for (let i = 0; i < steps; i++) {
      optimizer.zeroGrad();
      parabola(x).backward();
      optimizer.step();
      path.push(x.detach().clone());
    }
    optimizer.zeroGrad();
    return stack(path);
  });

const AFTER_TWENTY = [
  { rate: 0.01, value: 69.39069, digits: 5e-6 },
  { rate: 0.1, value: -0.2292308, digits: 5e-8 },
  { rate: 0.5, value: -0.25, digits: 0 },
  { rate: 1, value: 156, digits: 0 },
];

export const examples: readonly WorkedExample[] = [
  {
    id: 'B5',
    title: 'A parabola, and a rate that oscillates',
    text: String.raw`
$f = x^2 + 5x + 6$ has its minimum $-\tfrac14$ at $-\tfrac52$. A step of gradient descent multiplies the distance from it by
$1 - 2\eta$: from 10, a hundred steps of $\eta = 0.1$ leave $12.5 \cdot 0.8^{100}$. With $\eta = 1$ the factor is $-1$: the point
jumps between 10 and $-15$ for ever, and $f$ stays 156.`,
    run(report) {
      report.figure('x after 100 steps of 0.1', descend(0.1, 100).select(0, -1).item(), -2.4999999974537, {
        absolute: 5e-14,
      });
      const series: Record<string, { x: number[]; y: Tensor; mode: 'lines+markers' }> = {};
      for (const { rate, value, digits } of AFTER_TWENTY) {
        const path = descend(rate, 20);
        const last = parabola(path.select(0, -1)).item();
        report.figure(`f after 20 steps of ${rate}`, last, value, { absolute: digits });
        series[`η = ${rate}`] = { x: Array.from({ length: 21 }, (_, k) => k), y: path, mode: 'lines+markers' };
      }
      const turns = Array.from(descend(1, 20).data(), Number);
      report.check(
        'η = 1 jumps between 10 and −15',
        turns.every((x, k) => x === (k % 2 === 0 ? 10 : -15)),
      );
      report.picture(
        curves(series, { xLabel: 'step', yLabel: 'x', title: 'x² + 5x + 6 from 10' }),
        'Too small a rate crawls, ½ arrives at once, 1 never arrives.',
      );
    },
  },
];
