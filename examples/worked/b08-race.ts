/** B8: nine optimizers from the same start. */
import { scope, stack, type Tensor, tensor } from 'cotangent';
import { Adagrad, Adam, AdamW, LBFGS, minimize, type Optimizer, RMSprop, SGD } from 'cotangent/optim';
import { contour, pathAnimation } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const waves = (x: Tensor, y: Tensor) => x.sin().add(y.cos()).add(x.square().add(y.square()).mul(0.1));
const START: readonly [number, number] = [1.5, 1];
/** Where cos x = −x/5 and sin y = y/5. */
const MINIMUM = [-1.306440008369511, 2.595739079] as const;

const OPTIMIZERS: Record<string, (at: Tensor) => Optimizer> = {
  SGD: (at) => new SGD([at], { lr: 0.1 }),
  momentum: (at) => new SGD([at], { lr: 0.05, momentum: 0.8 }),
  Nesterov: (at) => new SGD([at], { lr: 0.05, momentum: 0.8, nesterov: true }),
  Adagrad: (at) => new Adagrad([at], { lr: 0.5 }),
  RMSprop: (at) => new RMSprop([at], { lr: 0.05 }),
  Adam: (at) => new Adam([at], { lr: 0.1 }),
  AdamW: (at) => new AdamW([at], { lr: 0.1 }),
  LBFGS: (at) =>
    new LBFGS([at], { lineSearch: 'strong-wolfe', maxIter: 1, toleranceGrad: 0, toleranceChange: 0 }) as Optimizer,
};

/** The points visited in 150 steps, [151, 2]. */
const run = (make: (at: Tensor) => Optimizer): Tensor =>
  scope(() => {
    const at = tensor([...START], { dtype: 'float64', requiresGrad: true });
    const optimizer = make(at);
    const path = [at.detach().clone()];
    for (let i = 0; i < 150; i++) {
      optimizer.step(() => {
        optimizer.zeroGrad();
        const loss = waves(at.select(0, 0), at.select(0, 1));
        loss.backward();
        return loss;
      });
      path.push(at.detach().clone());
    }
    optimizer.zeroGrad();
    return stack(path);
  });

export const examples: readonly WorkedExample[] = [
  {
    id: 'B8',
    title: 'A race of nine optimizers',
    text: String.raw`
$f = \sin x + \cos y + \tfrac1{10}(x^2 + y^2)$ has several minima; from $(1.5, 1)$ the way down leads to the one where
$\cos x = -\tfrac x5$ and $\sin y = \tfrac y5$. SGD follows the gradient. Momentum and Nesterov keep some of the last step.
Adagrad, RMSprop and Adam divide each coordinate by the size that its gradients have had, AdamW also shrinks the
point itself a little, so it ends slightly nearer to zero. LBFGS learns the curvature from the last steps; Newton computes it.`,
    run(report) {
      const newton = minimize(waves, [...START], { method: 'newton' });
      const paths: Record<string, Tensor> = { Newton: newton.path };
      for (const [name, make] of Object.entries(OPTIMIZERS)) paths[name] = run(make);
      const rows = Object.entries(paths).map(([name, path]) => {
        const [x, y] = path.select(0, -1).toArray() as [number, number];
        const tolerance = { absolute: name === 'Newton' || name === 'LBFGS' ? 1e-8 : 0.05 };
        report.figure(`${name}: x`, x, MINIMUM[0], tolerance);
        report.figure(`${name}: y`, y, MINIMUM[1], tolerance);
        const gaps = path
          .sub(tensor([...MINIMUM], { dtype: 'float64' }))
          .square()
          .sum(1)
          .sqrt();
        const near = Array.from(gaps.data(), Number).findIndex((gap) => gap < 0.05);
        return [name, near, x, y];
      });
      report.table(['optimizer', 'first step within 0.05', 'x at the end', 'y at the end'], rows);
      const options = {
        x: [-3, 2.5],
        y: [0, 4],
        paths,
        marks: { minimum: [MINIMUM] },
        xLabel: 'x',
        yLabel: 'y',
        zLabel: 'f',
        height: 620,
      } as const;
      report.picture(
        contour(waves, options),
        'Ways down from (1.5, 1). Those that divide by the size of the gradient leave diagonally.',
      );
      report.picture(pathAnimation(waves, { ...options, frames: 50 }), 'The same, step by step.');
    },
  },
];
