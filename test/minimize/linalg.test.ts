/** The dense linear algebra under the minimisers: residuals against matrices that are drawn, graded or known by heart. */
import { describe, expect, test } from 'vitest';
import { cholesky, choleskySolve, solve, symmetricEigen } from '../../src/optim/linalg.ts';
import { random } from '../support/samples.ts';

const at = (a: Float64Array, i: number): number => a[i] as number;
const filled = (n: number, next: () => number) => Float64Array.from({ length: n }, () => 2 * next() - 1);

function times(a: Float64Array, x: Float64Array): Float64Array {
  const n = x.length;
  return Float64Array.from(x, (_, i) => x.reduce((sum, value, j) => sum + at(a, i * n + j) * value, 0));
}

/** B Bᵀ, which is positive definite. */
function gram(b: Float64Array, n: number): Float64Array {
  return Float64Array.from(b, (_, at_) => {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += at(b, Math.floor(at_ / n) * n + k) * at(b, (at_ % n) * n + k);
    return sum;
  });
}

describe.each([1, 2, 5, 12])('%i equations', (n) => {
  test('are solved by elimination', () => {
    const next = random(n);
    const a = filled(n * n, next);
    const b = filled(n, next);
    const x = solve(a, b) as Float64Array;
    for (const [i, value] of times(a, x).entries()) expect(value).toBeCloseTo(at(b, i), 10);
  });

  test('that are positive definite are solved by Cholesky', () => {
    const next = random(n + 20);
    const a = gram(filled(n * n, next), n);
    const b = filled(n, next);
    const x = choleskySolve(cholesky(a) as Float64Array, b);
    for (const [i, value] of times(a, x).entries()) expect(value).toBeCloseTo(at(b, i), 8);
  });

  test('eigenvectors are orthonormal and keep their direction', () => {
    const next = random(n + 40);
    const b = filled(n * n, next);
    const a = Float64Array.from(b, (value, k) => value + at(b, (k % n) * n + Math.floor(k / n)));
    const { values, vectors } = symmetricEigen(a);
    const column = (k: number) => Float64Array.from({ length: n }, (_, i) => at(vectors, i * n + k));
    for (let k = 0; k < n; k++) {
      if (k > 0) expect(at(values, k)).toBeGreaterThanOrEqual(at(values, k - 1));
      for (const [i, value] of times(a, column(k)).entries())
        expect(value).toBeCloseTo(at(values, k) * at(column(k), i), 12);
      for (let l = 0; l < n; l++)
        expect(column(k).reduce((sum, value, i) => sum + value * at(column(l), i), 0)).toBeCloseTo(k === l ? 1 : 0, 13);
    }
  });
});

test('rows of very different size do not make a matrix singular', () => {
  const x = solve(Float64Array.of(1e-200, 2e-200, 3e150, -1e150), Float64Array.of(5e-200, 1e150)) as Float64Array;
  expect(at(x, 0)).toBeCloseTo(1, 14);
  expect(at(x, 1)).toBeCloseTo(2, 14);
});

test('matrices without a solution are told', () => {
  expect(solve(Float64Array.of(1, 2, 2, 4), Float64Array.of(1, 1))).toBeNull();
  expect(solve(Float64Array.of(0, 0, 0, 1), Float64Array.of(1, 1))).toBeNull();
  expect(solve(Float64Array.of(1, Number.NaN, 0, 1), Float64Array.of(1, 1))).toBeNull();
  expect(cholesky(Float64Array.of(1, 2, 2, 1))).toBeNull();
  expect(cholesky(Float64Array.of(Number.NaN))).toBeNull();
});

test('small eigenvalues of a graded matrix keep their digits', () => {
  // D C D with D = diag(1, 1e-6, 1e-12): the product of the eigenvalues is the determinant, 1e-36 · det C.
  const d = [1, 1e-6, 1e-12];
  const c = [1, 0.5, 0.25, 0.5, 1, 0.5, 0.25, 0.5, 1];
  const { values } = symmetricEigen(
    Float64Array.from(c, (value, k) => value * (d[Math.floor(k / 3)] as number) * (d[k % 3] as number)),
  );
  expect((values[0] as number) * (values[1] as number) * (values[2] as number) * 1e36).toBeCloseTo(0.5625, 12);
});
