/** C7: gradient clipping, division that is safe to differentiate, and finding where a run blew up. */
import { AutogradError, detectAnomaly, grad, type Tensor, tensor, where } from 'cotangent';
import { clipGradNorm, clipGradValue, SGD } from 'cotangent/optim';
import { contour } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
**Clipping** limits a step, not the loss. By value, each element of the gradient is cut off at $\pm c$, which may turn the
direction; by norm, the gradient is multiplied by $\min(1, c/\|g\|)$, which keeps it. On $x^4 + y^2$ from $(3, 2)$ with
rate 0.1 the first plain step leads to $x = -7.8$, the next one to $182$, and soon there are no numbers left.

**Safe division.** $\sin(x)/x$ has the limit 1 at 0. To compute the quotient everywhere and choose afterwards gives the right
value, but the derivative of the discarded branch is still computed: it is infinite, and $0\cdot\infty$ is NaN. Choose a harmless
divisor *before* dividing, and again after it.

**Anomaly detection** watches every result and every gradient, and stops at the first that is not a number, with the name of
the op that it came from and the line that called it. $e^{800}$ is infinite, and $\infty/\infty$ is NaN; the length of a vector
has the slope $\infty\cdot 0$ at the origin, where only the way back fails.`;

const variable = (values: number | number[]) => tensor(values, { dtype: 'float64', requiresGrad: true });

const steep = (x: Tensor, y: Tensor) => x.pow(4).add(y.square());

interface Run {
  /** Where it has been: [x, y]. */
  path: number[][];
  last: number;
}

/** Gradient descent on x⁴ + y² from (3, 2); the gradient passes through `clip` before each step. */
function descend(clip: (point: Tensor) => unknown): Run {
  const point = variable([3, 2]);
  const optimizer = new SGD([point], { lr: 0.1 });
  const run: Run = { path: [[3, 2]], last: Number.NaN };
  for (let step = 0; step < 60; step++) {
    const loss = steep(point.select(0, 0), point.select(0, 1));
    optimizer.zeroGrad();
    loss.backward();
    clip(point);
    optimizer.step();
    run.path.push(point.toArray() as number[]);
    run.last = loss.item();
  }
  return run;
}

const isZero = (x: Tensor) => x.eq(0);
const unsafe = (x: Tensor) => where(isZero(x), 1, x.sin().div(x));
const safe = (x: Tensor) => where(isZero(x), 1, x.sin().div(where(isZero(x), 1, x)));

/** Softmax and logarithm written out: beyond e^709 there is no float64. */
const naiveCrossEntropy = (logits: Tensor) => logits.exp().div(logits.exp().sum()).log().select(0, 0).neg();

/** What anomaly detection says about `fn`, without the place in this file. */
function anomalyIn(fn: () => void): string {
  try {
    detectAnomaly(fn);
  } catch (error) {
    if (error instanceof AutogradError) return error.message.replace(/(; the op was called)? at .*/s, '');
    throw error;
  }
  return 'nothing';
}

/** Element i of a vector. */
const at = (x: Tensor | null, i: number): number => x?.select(0, i).item() ?? Number.NaN;
const exact = { relative: 1e-15 };

export const examples: readonly WorkedExample[] = [
  {
    id: 'C7',
    title: 'Clipping, safe division, anomaly detection',
    text,
    run(report) {
      const g = variable([0, 0]);
      g.grad = tensor([3, -4], { dtype: 'float64' });
      report.figure('the norm of (3, −4)', clipGradNorm(g, 1).item(), 5, exact);
      // A millionth is added to the norm before dividing by it, as in PyTorch.
      report.figure('clipped to norm 1: first element', at(g.grad, 0), 3 / (5 + 1e-6), exact);
      g.grad = tensor([3, -4], { dtype: 'float64' });
      clipGradValue(g, 3.5);
      report.figure('clipped to ±3.5: first element', at(g.grad, 0), 3, exact);
      report.figure('clipped to ±3.5: second element', at(g.grad, 1), -3.5, exact);

      const byValue = descend((x) => clipGradValue(x, 1));
      const byNorm = descend((x) => clipGradNorm(x, 1));
      const plain = descend(() => {});
      report.check('the plain run ends in NaN or infinity', !Number.isFinite(plain.last));
      report.figure('clipped by value: f after 60 steps', byValue.last, 0, { absolute: 0.02 });
      report.figure('clipped by norm: f after 60 steps', byNorm.last, 0, { absolute: 0.02 });

      const x = variable([0, 2]);
      const slopeOf = (f: (x: Tensor) => Tensor) => grad((point) => f(point).sum())(x);
      report.figure('unsafe: the value at 0', at(unsafe(x), 0), 1, exact);
      report.check('unsafe: the derivative at 0 is NaN', Number.isNaN(at(slopeOf(unsafe), 0)));
      report.figure('safe: the value at 0', at(safe(x), 0), 1, exact);
      report.figure('safe: the derivative at 0', at(slopeOf(safe), 0), 0, { absolute: 0 });
      report.figure('safe: the derivative at 2', at(slopeOf(safe), 1), (2 * Math.cos(2) - Math.sin(2)) / 4, exact);

      const logits = variable([1, 800, 3]);
      const origin = variable([0, 0]);
      const anomalies = {
        'the unsafe quotient': ['div', anomalyIn(() => unsafe(x).sum().backward())],
        'a softmax that overflows': ['div', anomalyIn(() => naiveCrossEntropy(logits).backward())],
        'the length of the zero vector': ['square', anomalyIn(() => origin.square().sum().sqrt().backward())],
      };
      for (const [what, [op, message]] of Object.entries(anomalies))
        report.check(
          `${what} is stopped by the op’s name: “${message}”`,
          new RegExp(`\\b${op}\\b`).test(message as string),
        );
      report.figure('logSoftmax subtracts the largest logit first', at(logits.logSoftmax(0), 0), -799, exact);

      const path = ({ path }: Run) => tensor(path, { dtype: 'float64' });
      report.picture(
        contour(steep, {
          x: [-1, 3.2],
          y: [-1, 2.4],
          points: 160,
          levels: [0.1, 1, 3, 10, 30, 60, 90],
          paths: { 'clipped by value': path(byValue), 'clipped by norm': path(byNorm) },
          title: 'Clipped descent on x⁴ + y²',
          xLabel: 'x',
          yLabel: 'y',
          zLabel: 'f',
        }),
        'No step is longer than 0.1 in x and in y, or in all. By norm the steps keep the direction of the gradient.',
      );
    },
  },
];
