/** C9: full-batch, mini-batch and single-sample gradient descent on the same data. */
import { grad, manualSeed, mseLoss, randn, scope, type Tensor, tensor, vmap, zeros } from 'cotangent';
import { DataLoader, TensorDataset } from 'cotangent/data';
import { SGD } from 'cotangent/optim';
import { curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
The loss of a data set is a mean, $L = \frac1N\sum_i \ell_i$, and so is its gradient. The gradient of a random batch of $B$
samples has the right expectation and a variance that falls as $1/B$. *Full-batch* descent takes one exact step per pass over
the data, *mini-batch* descent $N/B$ good ones, *single-sample* descent $N$ noisy ones.

Per pass the small batches come down much faster; in the end the noise keeps single samples from settling, as long as the rate
does not fall.`;

const [N, BATCH, PASSES, RATE] = [256, 16, 8, 0.05];
const truth = [2, -1, 0.5, 3];
const NOISE = 0.5;

interface Curve {
  /** Passes over the data, and the loss on all data there. */
  x: number[];
  y: number[];
  updates: number;
}

function train(x: Tensor, y: Tensor, batchSize: number): Curve {
  const w = zeros([truth.length], { dtype: 'float64', requiresGrad: true });
  const optimizer = new SGD([w], { lr: RATE });
  const loader = new DataLoader(new TensorDataset(x, y), { batchSize, shuffle: true, seed: 9 });
  const curve: Curve = { x: [0], y: [mseLoss(x.matmul(w), y).item()], updates: 0 };
  for (let seen = 0; seen < PASSES * N; )
    for (const [inputs, targets] of loader)
      scope(() => {
        optimizer.zeroGrad();
        mseLoss(inputs.matmul(w), targets).backward();
        optimizer.step();
        curve.updates++;
        seen += batchSize;
        if (seen % (N / 8) !== 0) return;
        curve.x.push(seen / N);
        curve.y.push(mseLoss(x.matmul(w.detach()), y).item());
      });
  return curve;
}

export const examples: readonly WorkedExample[] = [
  {
    id: 'C9',
    title: 'Full batch, mini-batch, single sample',
    text,
    run(report) {
      manualSeed(9);
      const x = randn([N, truth.length], { dtype: 'float64' });
      const y = x.matmul(tensor(truth, { dtype: 'float64' })).add(randn([N], { dtype: 'float64' }).mul(NOISE));

      // One gradient per sample, all in one call; w is the same for each of them.
      const sampleLoss = (w: Tensor, input: Tensor, target: Tensor) => input.dot(w).sub(target).square();
      const w = zeros([truth.length], { dtype: 'float64' });
      const perSample = vmap(grad(sampleLoss), { inDims: [null, 0, 0] })(w, x, y);
      const full = grad((point) => mseLoss(x.matmul(point), y))(w);
      const difference = perSample.mean(0).sub(full).abs().amax().item();
      report.figure('the mean of all samples’ gradients, against the full gradient', difference, 0, {
        absolute: 1e-13,
      });

      const sizes = { 'full batch': N, 'mini-batch': BATCH, 'single sample': 1 };
      const curve = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, train(x, y, size)]));
      const [fullBatch, miniBatch, single] = Object.values(curve) as [Curve, Curve, Curve];
      for (const [name, size] of Object.entries(sizes))
        report.figure(`${name}: updates`, curve[name]?.updates ?? Number.NaN, (PASSES * N) / size, { absolute: 0 });
      const after = ({ x: passes, y: losses }: Curve, pass: number) => losses[passes.indexOf(pass)] as number;
      const first = [single, miniBatch, fullBatch].map((run) => after(run, 1)) as [number, number, number];
      report.check('after one pass the smallest batches are ahead', first[0] < first[1] && first[1] < first[2]);
      const final = after(miniBatch, PASSES);
      report.figure('mini-batch: final loss against the variance of the noise', final, NOISE ** 2, { relative: 0.15 });
      const wiggle = ({ y: losses }: Curve) => Math.max(...losses.slice(-32)) - Math.min(...losses.slice(-32));
      report.check('in the end single samples are the noisiest', wiggle(single) > 5 * wiggle(miniBatch));
      report.picture(
        curves(curve, {
          title: 'Loss on all data',
          xLabel: 'passes over the data',
          yLabel: 'mean squared error',
          logY: true,
        }),
        'The same rate for all. Single samples are down first and stay noisy; the full batch is smooth and slow.',
      );
    },
  },
];
