/** A2 and A3: derivatives by autograd, against formulas found by hand. */
import { linspace, type Tensor } from 'cotangent';
import { derivative, taylor } from 'cotangent/calculus';
import { curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const tangentText = String.raw`
The derivative $f'(a) = \lim_{h\to 0}\frac{f(a+h) - f(a)}{h}$ is the slope of the tangent. Automatic differentiation takes no
limit: it records the operations that make $f$, knows the derivative of each, and multiplies them by the chain rule. For
$f(x) = x^2$, $f'(x) = 2x$ and $f'(3) = 6$, exactly.`;

const rulesText = String.raw`
Four rules at work. Product: $(e^x\cos x)' = e^x(\cos x - \sin x)$. Quotient:
$\left(\frac{x+1}{\ln x}\right)' = \frac{\ln x - (x+1)/x}{\ln^2 x} = \frac{x\ln x - x - 1}{x\ln^2 x}$. Chain: $(e^{2x})' = 2e^{2x}$.
And the sigmoid $\sigma(x) = 1/(1 + e^{-x})$, whose derivative $\sigma(1 - \sigma)$ needs nothing but its value.

Autograd applies the same rules to numbers instead of formulas, so both agree to the last digits.`;

/** f, its derivative by hand, and where they are compared. */
interface Rule {
  f: (x: Tensor) => Tensor;
  byHand: (x: number) => number;
  from: number;
  to: number;
}

const sigma = (x: number) => 1 / (1 + Math.exp(-x));
const rules: Readonly<Record<string, Rule>> = {
  'eˣ cos x': {
    f: (x) => x.exp().mul(x.cos()),
    byHand: (x) => Math.exp(x) * (Math.cos(x) - Math.sin(x)),
    from: -2,
    to: 3,
  },
  '(x + 1)/ln x': {
    f: (x) => x.add(1).div(x.log()),
    byHand: (x) => (x * Math.log(x) - x - 1) / (x * Math.log(x) ** 2),
    from: 1.5,
    to: 8,
  },
  'e²ˣ': { f: (x) => x.mul(2).exp(), byHand: (x) => 2 * Math.exp(2 * x), from: -2, to: 1.5 },
  'σ(x)': { f: (x) => x.sigmoid(), byHand: (x) => sigma(x) * (1 - sigma(x)), from: -6, to: 6 },
};

export const examples: readonly WorkedExample[] = [
  {
    id: 'A2',
    title: 'The derivative of x² at 3',
    text: tangentText,
    run(report) {
      const square = (x: Tensor) => x.square();
      report.figure('d/dx x² at 3', derivative(square)(3), 6, { absolute: 0 });
      const tangent = taylor(square, 3, 1);
      report.note(`The tangent is $y = ${tangent}$.`);
      report.picture(
        curves(
          {
            'x²': square,
            'tangent at 3': (x: Tensor) => tangent.evaluate(x),
            'the point': { x: [3], y: [9], mode: 'markers' },
          },
          { x: [0, 5], xLabel: 'x', yLabel: 'y', title: 'x² and its tangent at 3' },
        ),
        'The tangent touches the curve at (3, 9) and rises by 6 for every unit of x.',
      );
    },
  },
  {
    id: 'A3',
    title: 'Product, quotient and chain rule',
    text: rulesText,
    run(report) {
      for (const [name, { f, byHand, from, to }] of Object.entries(rules)) {
        const x = linspace(from, to, 11, { dtype: 'float64' });
        const slopes = derivative(f)(x).data() as Float64Array;
        const off = Array.from(x.data() as Float64Array, (at, i) => {
          const expected = byHand(at);
          return Math.abs((slopes[i] as number) - expected) / Math.max(1, Math.abs(expected));
        });
        report.figure(`(${name})′ at 11 points: largest difference`, Math.max(...off), 0, { absolute: 1e-14 });
        const middle = (from + to) / 2;
        report.figure(`(${name})′ at ${middle}`, derivative(f)(middle), byHand(middle), { relative: 1e-13 });
      }
      const one = rules['eˣ cos x'] as Rule;
      const two = rules['σ(x)'] as Rule;
      report.picture(
        curves(
          { 'eˣ cos x': one.f, 'its derivative': (x: Tensor) => derivative(one.f)(x) },
          { x: [one.from, one.to], xLabel: 'x', yLabel: 'y', title: 'eˣ cos x' },
        ),
        'Where the derivative crosses 0, at π/4, the function has its maximum.',
      );
      report.picture(
        curves(
          { 'σ(x)': two.f, 'σ′(x)': (x: Tensor) => derivative(two.f)(x) },
          { x: [two.from, two.to], xLabel: 'x', yLabel: 'y', title: 'The sigmoid' },
        ),
        'The derivative of the sigmoid is at most 1/4, and next to nothing beyond ±6.',
      );
    },
  },
];
