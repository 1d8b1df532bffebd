/** C6: linear and ridge regression by gradient descent. */
import { manualSeed, randn, scope, type Tensor, tensor, zeros } from 'cotangent';
import { SGD } from 'cotangent/optim';
import { bars, curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
100 observations of three quantities follow $y = Xw + b + \varepsilon$ with $w = (2, -1, 0.5)$, $b = 1.5$ and noise of
deviation 0.1. Least squares minimises $\frac1n\|Xw + b - y\|^2$. Ridge regression adds a price for large weights,
$$J(w, b) = \tfrac1n\left(\|Xw + b - y\|^2 + \alpha\|w\|^2\right),$$
which pulls them towards 0: it trades a little bias for less variance where data are few or nearly dependent. Both are
quadratic, so gradient descent ends where the *normal equations* hold:
$X^\top(Xw + b - y) + \alpha w = 0$ and $\sum (Xw + b - y) = 0$.`;

const N = 100;
const truth = { w: [2, -1, 0.5], b: 1.5 };

interface Fit {
  w: Tensor;
  b: Tensor;
  losses: number[];
}

function descend(x: Tensor, y: Tensor, alpha: number): Fit {
  const w = zeros([3], { dtype: 'float64', requiresGrad: true });
  const b = zeros([], { dtype: 'float64', requiresGrad: true });
  const optimizer = new SGD([w, b], { lr: 0.2 });
  const losses: number[] = [];
  for (let step = 0; step < 200; step++)
    scope(() => {
      optimizer.zeroGrad();
      const residual = x.matmul(w).add(b).sub(y);
      const loss = residual.square().sum().add(w.square().sum().mul(alpha)).div(N);
      loss.backward();
      optimizer.step();
      losses.push(loss.item());
    });
  return { w: w.detach(), b: b.detach(), losses };
}

/** The largest element of what the normal equations say is 0. */
function residualOfNormalEquations(x: Tensor, y: Tensor, alpha: number, { w, b }: Fit): number {
  const residual = x.matmul(w).add(b).sub(y);
  const forWeights = x.t().matmul(residual).add(w.mul(alpha));
  return Math.max(forWeights.abs().amax().item(), Math.abs(residual.sum().item()));
}

export const examples: readonly WorkedExample[] = [
  {
    id: 'C6',
    title: 'Linear and ridge regression',
    text,
    run(report) {
      manualSeed(6);
      const x = randn([N, 3], { dtype: 'float64' });
      const noise = randn([N], { dtype: 'float64' }).mul(0.1);
      const y = x
        .matmul(tensor(truth.w, { dtype: 'float64' }))
        .add(truth.b)
        .add(noise);

      const alphas = { linear: 0, 'ridge, α = 0.1': 0.1, 'ridge, α = 10': 10 };
      const fits = Object.entries(alphas).map(([name, alpha]) => ({ name, alpha, ...descend(x, y, alpha) }));
      for (const one of fits) {
        report.figure(`${one.name}: the normal equations`, residualOfNormalEquations(x, y, one.alpha, one), 0, {
          absolute: 1e-11,
        });
        if (one.alpha > 1) continue;
        for (const [i, expected] of truth.w.entries())
          report.figure(`${one.name}: w${i + 1}`, one.w.select(0, i).item(), expected, { absolute: 0.1 });
        report.figure(`${one.name}: b`, one.b.item(), truth.b, { absolute: 0.1 });
      }
      const norms = fits.map(({ w }) => w.norm().item());
      report.check(
        'the larger α, the shorter w',
        norms.every((norm, i) => i === 0 || norm < (norms[i - 1] as number)),
      );

      const steps = Array.from({ length: 40 }, (_, i) => i);
      report.picture(
        curves(Object.fromEntries(fits.map(({ name, losses }) => [name, { x: steps, y: losses.slice(0, 40) }])), {
          title: 'Loss',
          xLabel: 'step',
          yLabel: 'J',
          logY: true,
        }),
        'Loss curves side by side. That of ridge regression ends higher by what the weights cost.',
      );
      const weights = ({ w }: Fit) => Object.fromEntries(Array.from(w.data(), Number).map((v, i) => [`w${i + 1}`, v]));
      report.picture(
        bars(Object.fromEntries(fits.map((one) => [one.name, weights(one)])), { title: 'Weights', yLabel: 'weight' }),
        'The weights found. α = 0.1 is hardly seen among 100 observations, α = 10 shrinks them all.',
      );
    },
  },
];
