/** Values, gradients and Hessians of a function of several variables at many points in one batched evaluation. */
import { gradOf } from '../autograd/backward.ts';
import { enableGrad } from '../autograd/mode.ts';
import { vmap } from '../autograd/vmap.ts';
import { scope } from '../memory/scope.ts';
import { tensor } from '../ops/creation.ts';
import { sum } from '../ops/reduce.ts';
import { type Multivariate, scalarFunction } from './call.ts';

/** What is known at m points of n variables, row after row. */
export interface Batch {
  values: Float64Array;
  /** [m, n] */
  gradients: Float64Array;
  /** [m, n, n] */
  hessians: Float64Array;
}

/** f with its first two derivatives at the points [m, n]; f takes n separate variables, or one vector. */
export function batchAt(op: string, f: Multivariate, points: Float64Array, n: number, separate: boolean): Batch {
  const m = points.length / n;
  return scope(() =>
    enableGrad(() => {
      const x = tensor(points).reshape(m, n).detach().requiresGrad_();
      const args = separate ? Array.from({ length: n }, (_, i) => x.select(1, i)) : [x];
      const y = vmap(scalarFunction(op, f))(...args);
      const gradients = new Float64Array(m * n);
      const hessians = new Float64Array(m * n * n);
      const [gradient] = y.requiresGrad ? gradOf(sum(y), x, { createGraph: true, allowUnused: true }) : [null];
      if (gradient) {
        gradients.set(gradient.data() as Float64Array);
        for (let i = 0; i < n && gradient.requiresGrad; i++) {
          const [row] = gradOf(sum(gradient.select(1, i)), x, { retainGraph: true, allowUnused: true });
          if (!row) continue;
          const values = row.data() as Float64Array;
          for (let p = 0; p < m; p++) hessians.set(values.subarray(p * n, (p + 1) * n), (p * n + i) * n);
        }
      }
      return { values: Float64Array.from(y.data() as Float64Array), gradients, hessians };
    }),
  );
}
