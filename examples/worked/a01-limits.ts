/** A1: limits by extrapolation, with an estimate of the error; and functions that have none. */
import { ConvergenceError, type Tensor } from 'cotangent';
import { type Limit, limit } from 'cotangent/calculus';
import { curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
$\lim_{x\to a} f(x) = L$ says that $f(x)$ comes as near to $L$ as one likes when $x$ comes near to $a$. A computer cannot
go all the way: at $x = 10^{-16}$, $(1 + x)^{1/x}$ is $1^{10^{16}} = 1$, not $e$. It can stop where rounding does no harm yet and
extrapolate. If $f(h) = L + c_1h + c_2h^2 + \dots$, then $2f(h/2) - f(h)$ has no term in $h$ any more; doing that again and
again is Richardson's method, and how much the last steps change is an estimate of the error.

A limit exists only if every way to $a$ gives the same. $\sin(1/x)$ never settles at 0, $|x|/x$ has two sides, and
$xy/(x^2+y^2)$ is $\tfrac12\sin 2\varphi$ on the ray of angle $\varphi$: all three have to be refused.`;

const compound = (x: Tensor) => x.add(1).pow(x.reciprocal());

/** Whether a limit is refused, and what is said then. */
function refusal(find: () => Limit): string {
  try {
    find();
  } catch (error) {
    if (error instanceof ConvergenceError) return error.message;
    throw error;
  }
  return '';
}

export const examples: readonly WorkedExample[] = [
  {
    id: 'A1',
    title: 'Limits',
    text,
    run(report) {
      const found: [string, Limit, number][] = [
        ['1/x at ∞', limit((x) => x.reciprocal(), Number.POSITIVE_INFINITY), 0],
        ['atan x at ∞', limit((x) => x.atan(), Number.POSITIVE_INFINITY), Math.PI / 2],
        ['sin x / x at 0', limit((x) => x.sin().div(x), 0), 1],
        ['(1 + x)^(1/x) at 0', limit(compound, 0), Math.E],
        ['ln(x + y²) at (1, 2)', limit((x, y) => x.add((y as Tensor).square()).log(), [1, 2]), Math.log(5)],
      ];
      for (const [name, { value, error }, expected] of found) {
        report.figure(name, value, expected, { absolute: 1e-11 });
        report.check(`the error estimate of ${name} is no promise too much`, Math.abs(value - expected) <= error);
      }
      report.table(
        ['limit', 'value', 'estimated error', 'true error'],
        found.map(([name, { value, error }, expected]) => [name, value, error, Math.abs(value - expected)]),
      );

      const refused = {
        'sin(1/x) at 0': refusal(() => limit((x) => x.reciprocal().sin(), 0)),
        '|x|/x at 0': refusal(() => limit((x) => x.abs().div(x), 0)),
        '1/x at 0': refusal(() => limit((x) => x.reciprocal(), 0)),
        'xy/(x² + y²) at (0, 0)': refusal(() =>
          limit((x, y) => x.mul(y as Tensor).div(x.square().add((y as Tensor).square())), [0, 0]),
        ),
      };
      for (const [name, message] of Object.entries(refused)) report.check(`${name} is refused`, message !== '');
      report.table(['no limit', 'what is said'], Object.entries(refused));

      const h = Array.from({ length: 61 }, (_, k) => 0.83 * 2 ** (-k / 1.2));
      const off = h.map((x) => Math.abs((1 + x) ** (1 / x) - Math.E));
      const best = Math.abs((found[3]?.[1].value as number) - Math.E);
      report.picture(
        curves(
          {
            '|(1 + h)^(1/h) − e|': { x: h, y: off, mode: 'lines+markers' },
            extrapolated: { x: [h.at(-1) as number, 1], y: [best, best] },
          },
          { logX: true, logY: true, xLabel: 'h', yLabel: 'distance from e', title: 'Going there, and extrapolating' },
        ),
        'Closer is better only down to h ≈ 1e-8; then rounding of 1 + h takes over. Extrapolation gets further from values at large h.',
      );
      report.picture(
        curves(
          { 'sin x / x': (x: Tensor) => x.sin().div(x), '(1 + x)^(1/x)': compound },
          { x: [-0.95, 6], points: 400, xLabel: 'x', yLabel: 'f(x)', y: [-0.5, 5], title: 'Two holes at x = 0' },
        ),
        'Neither function has a value at 0; their limits, 1 and e, fill the holes.',
      );
    },
  },
];
