/** C8: how much gradient reaches the layers of a deep net. */
import { manualSeed, randn, type Tensor } from 'cotangent';
import { BatchNorm1d, init, type Layer, Linear, ReLU, Sequential, Sigmoid } from 'cotangent/nn';
import { bars, gradientFlow } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
Backpropagation multiplies, layer by layer, by the weights and by the slopes of the activation: with $z_l = W_l a_{l-1}$ and
$a_l = f(z_l)$,
$$\delta_l = (W_{l+1}^\top \delta_{l+1}) \odot f'(z_l), \qquad \frac{\partial L}{\partial W_l} = \delta_l\,a_{l-1}^\top.$$
The slope of $\sigma$ is at most $\tfrac14$, so in a deep net of sigmoids the gradient *vanishes* geometrically on its way to the
front, and the first layers do not learn.

Relu has slope 1 where it is active; with weights of variance $2/n$ (He et al. 2015) the gradient keeps its size. Batch
normalisation before each sigmoid divides by the small deviation of its inputs, and so gives the gradient back what the
sigmoid takes.`;

const [DEPTH, WIDTH, BATCH] = [10, 32, 64];

interface Net {
  model: Sequential;
  linear: Linear[];
}

function net(initialise: (weight: Tensor) => Tensor, after: () => Layer[]): Net {
  manualSeed(8);
  const linear = Array.from({ length: DEPTH }, () => new Linear(WIDTH, WIDTH, { bias: false, dtype: 'float64' }));
  for (const { weight } of linear) initialise(weight);
  return { model: new Sequential(...linear.flatMap((layer) => [layer, ...after()])), linear };
}

/** Mean |∂L/∂W| of every layer, for L = mean of the squared outputs. */
function flow({ model, linear }: Net, x: Tensor): number[] {
  model(x).square().mean().backward();
  return linear.map(({ weight }) => weight.grad?.abs().mean().item() ?? Number.NaN);
}

/** The same for a net of sigmoids, by the formulas above. */
function flowByHand(linear: readonly Linear[], x: Tensor): number[] {
  const weights = linear.map(({ weight }) => weight.detach());
  const activations = [x];
  for (const weight of weights) activations.push((activations.at(-1) as Tensor).matmul(weight.t()).sigmoid());
  const output = activations.at(-1) as Tensor;
  // ∂L/∂a of the layer at hand, from the last to the first.
  let gradient = output.mul(2 / output.size);
  const means = weights.map(() => 0);
  for (let l = DEPTH - 1; l >= 0; l--) {
    const a = activations[l + 1] as Tensor;
    const delta = gradient.mul(a).mul(a.neg().add(1));
    means[l] = delta
      .t()
      .matmul(activations[l] as Tensor)
      .abs()
      .mean()
      .item();
    gradient = delta.matmul(weights[l] as Tensor);
  }
  return means;
}

export const examples: readonly WorkedExample[] = [
  {
    id: 'C8',
    title: 'Gradient flow in a deep net',
    text,
    run(report) {
      manualSeed(80);
      const x = randn([BATCH, WIDTH], { dtype: 'float64' });
      const normalised = (): Layer[] => [new BatchNorm1d(WIDTH, { dtype: 'float64' }), new Sigmoid()];
      const nets = {
        sigmoid: net(init.xavierNormal_, () => [new Sigmoid()]),
        relu: net(
          (weight) => init.kaimingNormal_(weight),
          () => [new ReLU()],
        ),
        'batch norm and sigmoid': net(init.xavierNormal_, normalised),
      };
      const flows = Object.entries(nets).map(([name, one]) => ({ name, means: flow(one, x) }));
      const [sigmoid, relu, normal] = flows.map(({ means }) => means) as [number[], number[], number[]];

      const byHand = flowByHand(nets.sigmoid.linear, x);
      for (const l of [0, 4, DEPTH - 1])
        report.figure(`sigmoid: mean |∂L/∂W${l + 1}|`, sigmoid[l] as number, byHand[l] as number, { relative: 1e-12 });
      const reach = (means: number[]) => (means[0] as number) / (means.at(-1) as number);
      report.check('sigmoid: less than a ten-thousandth reaches the first layer', reach(sigmoid) < 1e-4);
      report.check('relu: more than a tenth does', reach(relu) > 0.1);
      report.check('batch norm and sigmoid: more than a tenth does', reach(normal) > 0.1);

      const layers = (means: number[]) => Object.fromEntries(means.map((value, l) => [`W${l + 1}`, value]));
      report.picture(
        bars(Object.fromEntries(flows.map(({ name, means }) => [name, layers(means)])), {
          title: 'Mean |gradient| per layer',
          xLabel: 'weights of layer',
          yLabel: 'mean |∂L/∂W|',
          logY: true,
        }),
        'On a logarithmic axis the sigmoids’ gradient falls in a straight line towards the front; the others stay level.',
      );
      report.picture(gradientFlow(nets.sigmoid.model), 'The same for the sigmoids by gradientFlow(model).');
    },
  },
];
