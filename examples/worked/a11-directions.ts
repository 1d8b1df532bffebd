/** A11: derivatives in 36 directions. */
import { type Tensor, tensor } from 'cotangent';
import { directionalDerivative } from 'cotangent/calculus';
import { polar } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
How fast $f$ changes in the direction of a unit vector $u$ is $D_uf = \nabla f\cdot u = |\nabla f|\cos\theta$, with $\theta$ the angle
between $u$ and the gradient. For $f = x^2 + y^2$ at $(1, 1)$ the gradient is $(2, 2)$: the derivative is largest at $\pi/4$,
where it is $|\nabla f| = 2\sqrt2$, zero across, and most negative on the opposite side.

The 36 directions are 10° apart, beginning at 5°, so that 45° is among them.`;

export const examples: readonly WorkedExample[] = [
  {
    id: 'A11',
    title: 'Directional derivatives',
    text,
    run(report) {
      const angles = Array.from({ length: 36 }, (_, k) => ((2 * k + 1) * Math.PI) / 36);
      const directions = tensor(
        angles.map((angle) => [Math.cos(angle), Math.sin(angle)]),
        { dtype: 'float64' },
      );
      const f = (x: Tensor, y: Tensor) => x.square().add(y.square());
      const slopes = Array.from((directionalDerivative(f, [1, 1], directions) as Tensor).data() as Float64Array);
      const best = slopes.indexOf(Math.max(...slopes));
      report.figure('largest derivative', slopes[best] as number, 2 * Math.SQRT2, { relative: 1e-15 });
      report.figure('at the angle', angles[best] as number, Math.PI / 4, { relative: 1e-15 });
      report.figure('smallest derivative', Math.min(...slopes), -2 * Math.SQRT2, { relative: 1e-15 });
      const off = slopes.map((slope, i) =>
        Math.abs(slope - 2 * Math.SQRT2 * Math.cos((angles[i] as number) - Math.PI / 4)),
      );
      report.figure('largest difference from |∇f| cos θ', Math.max(...off), 0, { absolute: 1e-14 });
      const close = (values: number[]) => [...values, values[0] as number];
      report.picture(
        polar(
          { 'Dᵤf at (1, 1)': { angle: close(angles), radius: close(slopes), mode: 'lines+markers' } },
          { title: 'Derivatives of x² + y² at (1, 1) by direction' },
        ),
        'Steepest ascent at 45°, steepest descent opposite; across the gradient, at 135° and 315°, nothing changes.',
      );
    },
  },
];
