/** C1: one sigmoid neuron, its gradient by the chain rule and by autograd. */
import { sigmoid, tensor } from 'cotangent';
import { contour } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
A neuron computes $z = wx + b$ and $a = \sigma(z) = 1/(1 + e^{-z})$; its loss is $L = (a - t)^2$. The loss depends on $w$
only through $a$, which depends on it only through $z$, so the derivative is a product of three:
$$\frac{\partial L}{\partial w} = \frac{\partial L}{\partial a}\,\frac{\partial a}{\partial z}\,\frac{\partial z}{\partial w}
= 2(a - t)\cdot a(1 - a)\cdot x, \qquad \frac{\partial L}{\partial b} = 2(a - t)\cdot a(1 - a).$$

With $x = 2$, $w = 0.5$, $b = -1$ the neuron is undecided, $a = \tfrac12$, and both derivatives are negative: the target
$t = 0.8$ asks for more.`;

const [x, target] = [2, 0.8];
const start = { w: 0.5, b: -1 };

/** The three factors of the chain rule with plain numbers. */
function byHand(w: number, b: number): { a: number; dw: number; db: number } {
  const a = 1 / (1 + Math.exp(-(w * x + b)));
  const dLda = 2 * (a - target);
  const dadz = a * (1 - a);
  return { a, dw: dLda * dadz * x, db: dLda * dadz };
}

export const examples: readonly WorkedExample[] = [
  {
    id: 'C1',
    title: 'One sigmoid neuron',
    text,
    run(report) {
      const w = tensor(start.w, { dtype: 'float64', requiresGrad: true });
      const b = tensor(start.b, { dtype: 'float64', requiresGrad: true });
      const a = sigmoid(w.mul(x).add(b));
      const loss = a.sub(target).square();
      loss.backward();
      const [dw, db] = [w.grad?.item() as number, b.grad?.item() as number];

      report.figure('the output a', a.item(), 0.5, { relative: 1e-14 });
      report.figure('the loss', loss.item(), 0.09, { relative: 1e-14 });
      report.figure('∂L/∂w by autograd', dw, -0.3, { relative: 1e-14 });
      report.figure('∂L/∂b by autograd', db, -0.15, { relative: 1e-14 });
      report.figure('∂L/∂w by hand', byHand(start.w, start.b).dw, dw, { relative: 1e-14 });
      report.figure('∂L/∂b by hand', byHand(start.w, start.b).db, db, { relative: 1e-14 });

      const path = [[start.w, start.b]];
      for (let step = 0; step < 40; step++) {
        const [w, b] = path.at(-1) as [number, number];
        const { dw, db } = byHand(w, b);
        path.push([w - 0.5 * dw, b - 0.5 * db]);
      }
      const [lastW, lastB] = path.at(-1) as [number, number];
      report.figure('the output after 40 steps down the gradient', byHand(lastW, lastB).a, target, { absolute: 1e-3 });
      report.picture(
        contour((w, b) => sigmoid(w.mul(x).add(b)).sub(target).square(), {
          x: [-1, 2.5],
          y: [-2.5, 1],
          field: true,
          paths: { 'gradient descent, rate 0.5': tensor(path, { dtype: 'float64' }) },
          title: 'Loss of one neuron',
          xLabel: 'w',
          yLabel: 'b',
          zLabel: 'loss',
        }),
        'The loss is a valley: all (w, b) with 2w + b = ln 4 answer 0.8. The gradient is along (2, 1) everywhere, and so is the path.',
      );
    },
  },
];
