/** C4: activation functions and their derivatives. */
import { grad, leakyRelu, linspace, relu, sigmoid, type Tensor, tanh, tensor } from 'cotangent';
import { curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
Without a nonlinearity between them, two linear layers are one. Four common choices and their derivatives:
$$\mathrm{relu}(x) = \max(0, x),\quad \mathrm{leaky}(x) = \max(0.1x, x),\quad \tanh' = 1 - \tanh^2,\quad
\sigma' = \sigma(1 - \sigma).$$

The derivative is what backpropagation multiplies by at every layer. That of $\sigma$ is at most $\tfrac14$ and falls off on
both sides (a *saturated* unit hardly learns); that of $\tanh$ reaches 1; that of relu is 0 or 1, and a unit that is never
positive never learns, which the leaky one avoids. At its kink relu has no derivative; the library takes 0 there, as
PyTorch does.`;

const SLOPE = 0.1;

/** A function, and its derivative with plain numbers. */
const activations: Readonly<Record<string, { f: (x: Tensor) => Tensor; derivative: (x: number) => number }>> = {
  relu: { f: relu, derivative: (x) => (x > 0 ? 1 : 0) },
  'leaky relu': { f: (x) => leakyRelu(x, SLOPE), derivative: (x) => (x > 0 ? 1 : SLOPE) },
  tanh: { f: tanh, derivative: (x) => 1 / Math.cosh(x) ** 2 },
  sigmoid: { f: sigmoid, derivative: (x) => Math.exp(-x) / (1 + Math.exp(-x)) ** 2 },
};

export const examples: readonly WorkedExample[] = [
  {
    id: 'C4',
    title: 'Activation functions and their derivatives',
    text,
    run(report) {
      const x = linspace(-5, 5, 401, { dtype: 'float64' });
      const values: Record<string, { x: Tensor; y: Tensor }> = {};
      const slopes: Record<string, { x: Tensor; y: Tensor }> = {};
      for (const [name, { f, derivative }] of Object.entries(activations)) {
        // Element i of Σ f(xᵢ) depends on xᵢ alone, so the gradient of the sum is f′ at every point.
        const slope = grad((points) => f(points).sum())(x);
        const byHand = tensor(Array.from(x.data(), Number).map(derivative), { dtype: 'float64' });
        const difference = slope.sub(byHand).abs().amax().item();
        report.figure(`largest error of ${name}′ at 401 points`, difference, 0, { absolute: 1e-14 });
        values[name] = { x, y: f(x) };
        slopes[name] = { x, y: slope };
      }
      const largest = (name: string) => slopes[name]?.y.amax().item() as number;
      report.figure('largest derivative of σ', largest('sigmoid'), 1 / 4, { relative: 1e-15 });
      report.figure('largest derivative of tanh', largest('tanh'), 1, { relative: 1e-15 });
      const atKink = grad((point) => relu(point))(tensor(0, { dtype: 'float64' }));
      report.figure('the derivative of relu at 0, by convention', atKink.item(), 0, { absolute: 0 });

      const labels = { xLabel: 'x', width: 720, height: 420 };
      report.picture(curves(values, { title: 'Activations', yLabel: 'f(x)', ...labels }), 'The functions.');
      report.picture(
        curves(slopes, { title: 'Their derivatives', yLabel: 'f′(x)', ...labels }),
        'Their derivatives, by autograd: the factor that a unit puts on the gradient that passes it.',
      );
    },
  },
];
