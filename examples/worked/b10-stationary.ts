/** B10: all nine stationary points of Himmelblau's function. */
import type { Tensor } from 'cotangent';
import { stationaryPoints } from 'cotangent/calculus';
import { contour, surface } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const himmelblau = (x: Tensor, y: Tensor) => x.square().add(y).sub(11).square().add(x.add(y.square()).sub(7).square());

const MINIMA = [
  [3, 2],
  [-2.805118, 3.131313],
  [-3.77931, -3.283186],
  [3.584428, -1.848127],
] as const;

export const examples: readonly WorkedExample[] = [
  {
    id: 'B10',
    title: "All stationary points of Himmelblau's function",
    text: `
Where the gradient vanishes, the Hessian's eigenvalues tell what is there: both positive, a minimum; both negative, a maximum; one
of each, a saddle. \`stationaryPoints\` looks for zeros of the gradient from many starts by Newton's method and keeps those that
differ. Here there are four minima, all of them with $f = 0$, a maximum in between, and four saddles on the ways from one minimum to the
next. The gradient is of third degree in two variables, so there can be at most nine.`,
    run(report) {
      const points = stationaryPoints(himmelblau, [
        [-5, 5],
        [-5, 5],
      ]).map(({ point, ...rest }) => ({ ...rest, at: point.toArray() as [number, number] }));
      const ofKind = (kind: string) => points.filter((point) => point.kind === kind);
      report.figure('minima', ofKind('minimum').length, 4, { absolute: 0 });
      report.figure('maxima', ofKind('maximum').length, 1, { absolute: 0 });
      report.figure('saddles', ofKind('saddle').length, 4, { absolute: 0 });
      for (const [x, y] of MINIMA) {
        const found = ofKind('minimum').find(({ at }) => Math.hypot(at[0] - x, at[1] - y) < 0.1);
        report.figure(`minimum near (${x}, ${y}): x`, found?.at[0] ?? Number.NaN, x, { absolute: 5.1e-7 });
        report.figure(`minimum near (${x}, ${y}): y`, found?.at[1] ?? Number.NaN, y, { absolute: 5.1e-7 });
        report.figure('f there', found?.value ?? Number.NaN, 0, { absolute: 1e-20 });
      }
      report.table(
        ['kind', 'x', 'y', 'f', 'eigenvalues'],
        points.map(({ kind, at, value, eigenvalues }) => [
          kind,
          ...at,
          value,
          eigenvalues.map((eigenvalue) => eigenvalue.toFixed(3)).join(', '),
        ]),
      );
      const marks = Object.fromEntries(
        ['minimum', 'maximum', 'saddle'].map((kind) => [kind, ofKind(kind).map(({ at }) => at)]),
      );
      const options = { x: [-5, 5], y: [-5, 5], marks, xLabel: 'x', yLabel: 'y' } as const;
      report.picture(
        contour((x: Tensor, y: Tensor) => himmelblau(x, y).log1p(), { ...options, zLabel: 'ln(1 + f)' }),
        'Minima lie in the hollows, the maximum between them, and a saddle on each pass from one hollow to the next.',
      );
      report.picture(surface(himmelblau, { ...options, zLabel: 'f' }), 'The same in space.');
    },
  },
];
