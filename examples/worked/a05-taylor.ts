/** A5: Taylor polynomials, and how their error falls. */
import type { Tensor } from 'cotangent';
import { taylor } from 'cotangent/calculus';
import { curves } from 'cotangent/plot';
import type { Cell, WorkedExample } from './example.ts';

const text = String.raw`
The Taylor polynomial of order $n$ agrees with $f$ at $a$ in value and in the first $n$ derivatives:
$$T_n(x) = \sum_{k=0}^{n} \frac{f^{(k)}(a)}{k!}(x-a)^k,\qquad f(x) - T_n(x) = \frac{f^{(n+1)}(\xi)}{(n+1)!}(x-a)^{n+1}$$
with some $\xi$ between $a$ and $x$. When the distance $h = x - a$ is halved, the error falls by $2^{n+1}$: on a log-log plot
it is a line of slope $n + 1$.`;

/** A function, a point where none of its derivatives vanishes, and its derivatives there. */
const cases = [
  { name: 'eˣ', at: 1, f: (x: Tensor) => x.exp(), value: Math.exp, derivative: (_: number) => Math.E },
  {
    name: 'sin x',
    at: Math.PI / 4,
    f: (x: Tensor) => x.sin(),
    value: Math.sin,
    derivative: (k: number) => (k % 4 < 2 ? 1 : -1) * Math.SQRT1_2,
  },
];
const ORDERS = [0, 1, 2, 3, 4, 5, 6];

export const examples: readonly WorkedExample[] = [
  {
    id: 'A5',
    title: 'Taylor polynomials of order 0 to 6',
    text,
    run(report) {
      for (const { name, at, f, value, derivative } of cases) {
        const polynomials = ORDERS.map((n) => taylor(f, at, n));
        let factorial = 1;
        const off = polynomials[6]?.coefficients.map((c, k) => {
          factorial *= Math.max(k, 1);
          return Math.abs((c * factorial) / derivative(k) - 1);
        }) as number[];
        report.figure(`${name}: coefficients against f⁽ᵏ⁾(a)/k!, largest relative difference`, Math.max(...off), 0, {
          absolute: 1e-14,
        });
        const errorAt = (n: number, h: number) =>
          Math.abs(value(at + h) - (polynomials[n]?.evaluate(at + h) as number));
        const rows = ORDERS.map((n): Cell[] => {
          const slope = Math.log2(errorAt(n, 1 / 8) / errorAt(n, 1 / 16));
          report.figure(`${name}: order of the error of T${n}`, slope, n + 1, { absolute: 0.1 });
          return [n, String(polynomials[n]), errorAt(n, 1 / 8), slope];
        });
        report.table(['n', `T(x) of ${name}`, 'error at h = 1/8', 'slope'], rows);
        report.picture(
          curves(
            {
              [name]: f,
              ...Object.fromEntries(
                [1, 2, 3, 4].map((n) => [
                  `T${n}`,
                  (x: Tensor) => (polynomials[n] as ReturnType<typeof taylor>).evaluate(x),
                ]),
              ),
            },
            { x: [at - 3, at + 3], xLabel: 'x', yLabel: 'y', title: `${name} and its Taylor polynomials` },
          ),
          'The higher the order, the longer the polynomial stays with the function.',
        );
        const h = Array.from({ length: 33 }, (_, k) => 2 ** (1 - k / 4));
        report.picture(
          curves(Object.fromEntries(ORDERS.map((n) => [`n = ${n}`, { x: h, y: h.map((x) => errorAt(n, x)) }])), {
            logX: true,
            logY: true,
            xLabel: 'h',
            yLabel: '|f(a + h) − Tₙ(a + h)|',
            title: `Truncation error, ${name}`,
          }),
          'Lines of slope n + 1, down to where rounding is all that is left.',
        );
      }
    },
  },
];
