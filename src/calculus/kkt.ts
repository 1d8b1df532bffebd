/**
 * The equations of a stationary point under constraints, ∇f − Σ λᵢ ∇gᵢ = 0 and g = 0: their residual and its derivative at a
 * point with its multipliers, and the linear algebra for them, which has to put up with constraints that depend on each other.
 */
import { symmetricEigen } from '../optim/linalg.ts';
import { type Multivariate, moved, type Place } from './call.ts';
import { hessianAt } from './vector.ts';

/** Everything at one point and its multipliers. */
export interface State {
  x: Float64Array;
  lambda: Float64Array;
  value: number;
  /** (∇L, −g). */
  residual: Float64Array;
  /** The derivative of the residual: symmetric, [n + m, n + m]. */
  matrix: Float64Array;
  /** [m, n] */
  jacobian: Float64Array;
  /** The size of the terms of ∇L, and of ∇f. */
  scale: number;
}

export const norm = (v: ArrayLike<number>): number => Math.hypot(...Array.from(v));

export function evaluate(
  op: string,
  f: Multivariate,
  constraints: readonly Multivariate[],
  place: Place,
  x: Float64Array,
  given: Float64Array | null,
): State {
  const [n, m] = [x.length, constraints.length];
  const size = n + m;
  const at = moved(place, x);
  const objective = hessianAt(op, f, at);
  const rows = constraints.map((g) => hessianAt(op, g, at));
  const jacobian = Float64Array.from(rows.flatMap(({ gradient }) => Array.from(gradient)));
  const lambda = given ?? leastSquares(jacobian, objective.gradient, m);
  const residual = new Float64Array(size);
  const matrix = new Float64Array(size * size);
  residual.set(objective.gradient);
  for (let i = 0; i < n; i++) matrix.set(objective.hessian.subarray(i * n, (i + 1) * n), i * size);
  let scale = norm(objective.gradient);
  rows.forEach(({ value, gradient, hessian }, k) => {
    const factor = lambda[k] as number;
    scale = Math.max(scale, Math.abs(factor) * norm(gradient));
    residual[n + k] = -value;
    for (let i = 0; i < n; i++) {
      residual[i] = (residual[i] as number) - factor * (gradient[i] as number);
      matrix[i * size + n + k] = -(gradient[i] as number);
      matrix[(n + k) * size + i] = -(gradient[i] as number);
      for (let j = 0; j < n; j++)
        matrix[i * size + j] = (matrix[i * size + j] as number) - factor * (hessian[i * n + j] as number);
    }
  });
  return { x, lambda, value: objective.value, residual, matrix, jacobian, scale };
}

/** The solution of a symmetric system that is smallest, or nearest to one: parts that belong to tiny eigenvalues are left out. */
export function pseudoSolve(matrix: Float64Array, right: Float64Array, damping = 0): Float64Array {
  const n = right.length;
  const { values, vectors } = symmetricEigen(matrix);
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const out = new Float64Array(n);
  values.forEach((value, k) => {
    if (!(Math.abs(value) > 1e-12 * largest)) return;
    let along = 0;
    for (let i = 0; i < n; i++) along += (vectors[i * n + k] as number) * (right[i] as number);
    const factor = (along * value) / (value * value + damping * largest * largest);
    for (let i = 0; i < n; i++) out[i] = (out[i] as number) + factor * (vectors[i * n + k] as number);
  });
  return out;
}

/** J Jᵀ of a matrix [m, n]. */
export function gram(jacobian: Float64Array, m: number, n: number): Float64Array {
  return Float64Array.from({ length: m * m }, (_, at) => {
    const [i, j] = [Math.floor(at / m), at % m];
    let sum = 0;
    for (let k = 0; k < n; k++) sum += (jacobian[i * n + k] as number) * (jacobian[j * n + k] as number);
    return sum;
  });
}

/** Multipliers that come nearest to ∇f = Jᵀλ. */
function leastSquares(jacobian: Float64Array, gradient: Float64Array, m: number): Float64Array {
  const n = gradient.length;
  const right = Float64Array.from({ length: m }, (_, i) =>
    gradient.reduce((sum, slope, k) => sum + slope * (jacobian[i * n + k] as number), 0),
  );
  return pseudoSolve(gram(jacobian, m, n), right);
}

/** Eigenvalues of the Lagrangian's Hessian along the directions that the constraints leave free. */
export function freeEigenvalues({ matrix, jacobian }: State, n: number, m: number): Float64Array {
  const gram = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      for (let k = 0; k < m; k++)
        gram[i * n + j] =
          (gram[i * n + j] as number) + (jacobian[k * n + i] as number) * (jacobian[k * n + j] as number);
  const { values, vectors } = symmetricEigen(gram);
  const largest = Math.max(...values, 0);
  const free = Array.from(values.keys()).filter((k) => (values[k] as number) <= 1e-12 * largest);
  const d = free.length;
  const reduced = new Float64Array(d * d);
  free.forEach((p, a) => {
    free.forEach((q, b) => {
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++)
          reduced[a * d + b] =
            (reduced[a * d + b] as number) +
            (vectors[i * n + p] as number) * (matrix[i * (n + m) + j] as number) * (vectors[j * n + q] as number);
    });
  });
  return d === 0 ? reduced : symmetricEigen(reduced).values;
}
