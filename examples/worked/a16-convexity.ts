/** A16: convexity from the second derivative. */
import type { Tensor } from 'cotangent';
import { convexity, derivative } from 'cotangent/calculus';
import { curves } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
A function is convex where its second derivative is not negative: its graph lies above all its tangents and below all
its chords. For $f = x^3 - 2x^2 + 2$, $f'' = 6x - 4$ changes sign at $\tfrac23$: concave before, convex after, and on
$[0, 2]$ as a whole neither. Convexity is what makes a minimum unique; here $f' = 3x^2 - 4x$ vanishes at 0, a maximum, and
at $\tfrac43$, a minimum.`;

const f = (x: Tensor) => x.pow(3).sub(x.square().mul(2)).add(2);

export const examples: readonly WorkedExample[] = [
  {
    id: 'A16',
    title: 'Convex, concave, or neither',
    text,
    run(report) {
      const { kind, inflections } = convexity(f, [0, 2]);
      report.check('neither convex nor concave on [0, 2]', kind === 'neither');
      report.figure('inflections', inflections.length, 1, { absolute: 0 });
      const [turn = Number.NaN] = inflections;
      report.figure('the second derivative changes sign at', turn, 2 / 3, { relative: 1e-15 });
      report.check('concave on [0, 2/3]', convexity(f, [0, 2 / 3]).kind === 'concave');
      report.check('convex on [0.667, 2]', convexity(f, [0.667, 2]).kind === 'convex');
      report.figure('f″(0)', derivative(f, 2)(0), -4, { absolute: 0 });
      report.figure('f″(2)', derivative(f, 2)(2), 8, { absolute: 0 });
      report.picture(
        curves(
          {
            f,
            'f″': (x: Tensor) => derivative(f, 2)(x),
            inflection: { x: [turn], y: [turn ** 3 - 2 * turn ** 2 + 2], mode: 'markers' },
          },
          { x: [0, 2], xLabel: 'x', yLabel: 'y', title: 'x³ − 2x² + 2 and its second derivative' },
        ),
        'The curve is bent downwards until 2/3, where f″ crosses 0, and upwards from there.',
      );
    },
  },
];
