/** B9: twenty thousand steps of Adam, compiled. */
import { compile, scope, stack, type Tensor, tensor } from 'cotangent';
import { Adam } from 'cotangent/optim';
import { contour, curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const himmelblau = (x: Tensor, y: Tensor) => x.square().add(y).sub(11).square().add(x.add(y.square()).sub(7).square());

/** The same in plain numbers, with Adam written out: f after every 2,000 steps. */
function byHand(): number[] {
  const [p, m, v] = [
    [-4, 0],
    [0, 0],
    [0, 0],
  ] as [[number, number], [number, number], [number, number]];
  const f = ([x, y]: readonly [number, number]) => (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2;
  const values = [f(p)];
  for (let step = 1; step <= 20_000; step++) {
    const [a, b] = [p[0] * p[0] + p[1] - 11, p[0] + p[1] * p[1] - 7];
    [4 * a * p[0] + 2 * b, 2 * a + 4 * b * p[1]].forEach((g, i) => {
      m[i] = 0.9 * (m[i] as number) + 0.1 * g;
      v[i] = 0.999 * (v[i] as number) + 0.001 * g * g;
      const size = Math.sqrt(v[i] as number) / Math.sqrt(1 - 0.999 ** step) + 1e-8;
      p[i] = (p[i] as number) - ((1e-3 / (1 - 0.9 ** step)) * (m[i] as number)) / size;
    });
    if (step % 2000 === 0) values.push(f(p));
  }
  return values;
}

export const examples: readonly WorkedExample[] = [
  {
    id: 'B9',
    title: "Himmelblau's function, 20,000 steps of Adam",
    text: `
$f = (x^2+y-11)^2 + (x+y^2-7)^2$ is zero at four points. From $(-4, 0)$ Adam with the rate 0.001 moves by about 0.001 a step,
whatever the gradient is, until it is close to one of them. A step is a dozen tiny operations, so nearly all its time is the
overhead of calling them: \`compile\` records the step once, and \`step.repeat(2000)\` then runs it two thousand times in one call.`,
    run(report) {
      const at = tensor([-4, 0], { dtype: 'float64', requiresGrad: true });
      const optimizer = new Adam([at], { lr: 1e-3 });
      const value = () => himmelblau(at.select(0, 0), at.select(0, 1));
      const step = compile(() => {
        optimizer.zeroGrad();
        const loss = value();
        loss.backward();
        optimizer.step();
        return loss;
      });
      const published: Record<number, [number, number]> = {
        0: [146, 0],
        2000: [19.45006885, 5e-9],
        4000: [1.2125252e-3, 5e-11],
        6000: [5.2e-17, 5e-19],
      };
      const path: Tensor[] = [];
      const values: number[] = [];
      for (const [k, expected] of byHand().entries()) {
        if (k > 0) step.repeat(2000);
        const f = scope(() => value().item());
        path.push(at.detach().clone());
        values.push(f);
        // Below 1e-20 there is nothing left but the rounding of x.
        const name = `f after ${2000 * k} steps`;
        report.figure(`${name}, against plain numbers`, f, expected, { relative: 1e-6, absolute: 1e-20 });
        const [figure, absolute] = published[2000 * k] ?? [0, 1e-20];
        report.figure(name, f, figure, { absolute });
      }
      const [x, y] = at.toArray() as [number, number];
      report.figure('x at the end', x, -3.779310253377747, { relative: 1e-14 });
      report.figure('y at the end', y, -3.28318599128617, { relative: 1e-14 });
      report.table(
        ['step', 'f'],
        values.map((f, k) => [2000 * k, f]),
      );
      const shown = { x: [-6, 6], y: [-6, 6], xLabel: 'x', yLabel: 'y', zLabel: 'ln(1 + f)' } as const;
      report.picture(
        contour((a: Tensor, b: Tensor) => himmelblau(a, b).log1p(), { ...shown, paths: { Adam: stack(path) } }),
        'The point at the start and after every 2,000 steps.',
      );
      const steps = values.map((_, k) => 2000 * k);
      const drawn = { x: steps.map((n) => n / 1000), y: values.map((f) => f + 1e-32), mode: 'lines+markers' as const };
      report.picture(
        curves({ f: drawn }, { logY: true, xLabel: 'thousand steps', yLabel: 'f' }),
        'From 8,000 steps on, f is rounding.',
      );
      optimizer.zeroGrad();
    },
  },
];
