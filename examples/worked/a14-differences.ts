/** A14: truncation against rounding in difference quotients. */
import type { Tensor } from 'cotangent';
import { type DifferenceMethod, difference } from 'cotangent/calculus';
import { curves } from 'cotangent/plot';
import type { Cell, WorkedExample } from './example.ts';

const text = String.raw`
A difference quotient has two errors. *Truncation*: the forward and backward quotient $\frac{f(x+h)-f(x)}{h}$ are off by
$\frac h2f''$, the central one $\frac{f(x+h)-f(x-h)}{2h}$ by $\frac{h^2}{6}f'''$, the five-point one by $\frac{h^4}{30}f^{(5)}$: slopes 1, 1,
2 and 4 on a log-log plot. *Rounding*: values are known to a relative $\varepsilon$ only, and dividing by $h$ makes
$\varepsilon/h$ of it, of slope $-1$. Their sum is least near $h\sim\varepsilon^{1/(p+1)}$ for order $p$.

The derivative of $\sin$ at 1 in float64 ($\varepsilon\approx 10^{-16}$) and in float32 ($\varepsilon\approx 6\cdot10^{-8}$).`;

const orders: Readonly<Record<DifferenceMethod, number>> = { forward: 1, backward: 1, central: 2, 'five-point': 4 };
const methods = Object.keys(orders) as DifferenceMethod[];
const STEPS = Array.from({ length: 43 }, (_, k) => 10 ** (-1 - k / 3));
const exact = Math.cos(1);
const f = (x: Tensor) => x.sin();

const errorOf = (method: DifferenceMethod, step: number, dtype: 'float32' | 'float64') =>
  Math.abs(difference(f, 1, { method, step, dtype }).value - exact);

export const examples: readonly WorkedExample[] = [
  {
    id: 'A14',
    title: 'Step sizes of difference quotients',
    text,
    run(report) {
      const rows: Cell[][] = [];
      for (const dtype of ['float64', 'float32'] as const) {
        const epsilon = dtype === 'float64' ? 2 ** -53 : 2 ** -24;
        const series: Record<string, { x: number[]; y: number[] }> = {};
        for (const method of methods) {
          const errors = STEPS.map((step) => errorOf(method, step, dtype));
          series[method] = { x: STEPS, y: errors };
          const best = STEPS[errors.indexOf(Math.min(...errors))] as number;
          const balance = epsilon ** (1 / (orders[method] + 1));
          const automatic = difference(f, 1, { method, dtype });
          rows.push([
            dtype,
            method,
            best,
            Math.min(...errors),
            automatic.step,
            Math.abs(automatic.value - exact),
            automatic.error,
          ]);
          report.check(
            `${method}, ${dtype}: the best step is near ε^(1/(p+1)) = ${balance.toExponential(1)}`,
            best < 40 * balance && best > balance / 40,
          );
          report.check(
            `${method}, ${dtype}: the automatic step is as good as its error estimate`,
            Math.abs(automatic.value - exact) <= automatic.error,
          );
          // In float32 rounding reaches the better methods before there is a slope to be seen.
          if (dtype === 'float64' || orders[method] === 1) {
            const slope = Math.log10(errorOf(method, 1e-1, dtype) / errorOf(method, 1e-2, dtype));
            report.figure(`${method}, ${dtype}: slope from h = 0.1 to 0.01`, slope, orders[method], { absolute: 0.03 });
          }
        }
        report.picture(
          curves(series, {
            logX: true,
            logY: true,
            xLabel: 'h',
            yLabel: 'error',
            title: `Derivative of sin at 1, ${dtype}`,
          }),
          dtype === 'float64'
            ? 'From the right, truncation falls with slope 1, 1, 2 and 4; on the left, rounding grows with slope −1.'
            : 'In float32 rounding takes over near h = 1e-3 and hides slope 4. Below 3e-8, 1 + h is 1: every quotient is 0, and the error cos 1.',
        );
      }
      report.table(['dtype', 'method', 'best h', 'its error', 'automatic h', 'its error', 'estimated'], rows);
    },
  },
];
