/** C2: a net of two layers, its four gradients by hand and by autograd, and its computation graph. */
import { sigmoid, tensor } from 'cotangent';
import { graph } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
The net $\hat y = w_2\,\sigma(w_1 x + b_1) + b_2$ with the loss $L = \tfrac12 (y - \hat y)^2$. Backpropagation is the chain
rule from the loss to the front, each intermediate derivative computed once and used by all that need it:
$$e = \hat y - y,\quad \frac{\partial L}{\partial b_2} = e,\quad \frac{\partial L}{\partial w_2} = e\,h,\quad
\delta = e\,w_2\,h(1 - h),\quad \frac{\partial L}{\partial b_1} = \delta,\quad \frac{\partial L}{\partial w_1} = \delta\,x,$$
where $h = \sigma(w_1 x + b_1)$ is the hidden unit. The picture is the graph that the library walks backwards.`;

const [x, y] = [1.5, 0.4];
const start = { w1: 0.8, b1: -0.3, w2: -1.2, b2: 0.6 };
type Name = keyof typeof start;

function byHand({ w1, b1, w2, b2 }: Record<Name, number>): Record<Name, number> {
  const h = 1 / (1 + Math.exp(-(w1 * x + b1)));
  const e = w2 * h + b2 - y;
  const delta = e * w2 * h * (1 - h);
  return { w1: delta * x, b1: delta, w2: e * h, b2: e };
}

export const examples: readonly WorkedExample[] = [
  {
    id: 'C2',
    title: 'A net of two layers and its graph',
    text,
    run(report) {
      const variable = (value: number) => tensor(value, { dtype: 'float64', requiresGrad: true });
      const net = {
        w1: variable(start.w1),
        b1: variable(start.b1),
        w2: variable(start.w2),
        b2: variable(start.b2),
      };
      const hidden = sigmoid(net.w1.mul(x).add(net.b1));
      const output = net.w2.mul(hidden).add(net.b2);
      const loss = output.sub(y).square().mul(0.5);
      // Made before backward, it looks on and takes the norms of the gradients that pass.
      const drawing = graph(loss, { names: net });
      loss.backward();

      const expected = byHand(start);
      for (const name of Object.keys(start) as Name[])
        report.figure(`∂L/∂${name}`, net[name].grad?.item() as number, expected[name], { absolute: 1e-12 });
      report.picture(
        drawing,
        'The computation graph after backward: each node with its op, its shape and the norm of its gradient.',
      );
    },
  },
];
