/**
 * @internal Small dense linear algebra in float64 on plain arrays: what minimisers, root finders and multipliers need for a
 * handful of variables. Matrices are n × n, row-major. Nothing here knows tensors; nothing changes its arguments.
 */

/** A symmetric matrix taken apart: `values` ascend, column k of `vectors` (row-major) belongs to value k. */
export interface Eigen {
  values: Float64Array;
  vectors: Float64Array;
}

/** Elements are only ever read where they are. */
const at = (a: Float64Array, i: number): number => a[i] as number;

/**
 * The solution x of A x = b, by elimination with partial pivoting on rows that are scaled to a largest element of 1 (Golub
 * and Van Loan, "Matrix Computations", §3.4).
 * @param a n × n
 * @param b [n]
 * @returns x, or null where the matrix is singular to working precision or holds a number that is not finite.
 */
export function solve(a: Float64Array, b: Float64Array): Float64Array | null {
  const n = b.length;
  const lu = a.slice();
  const x = b.slice();
  for (let i = 0; i < n; i++) {
    let largest = 0;
    for (let j = 0; j < n; j++) largest = Math.max(largest, Math.abs(at(lu, i * n + j)));
    if (!(largest > 0 && largest < Number.POSITIVE_INFINITY)) return null;
    for (let j = 0; j < n; j++) lu[i * n + j] = at(lu, i * n + j) / largest;
    x[i] = at(x, i) / largest;
  }
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(at(lu, i * n + k)) > Math.abs(at(lu, pivot * n + k))) pivot = i;
    if (!(Math.abs(at(lu, pivot * n + k)) > n * Number.EPSILON)) return null;
    if (pivot !== k) {
      for (let j = k; j < n; j++) swap(lu, k * n + j, pivot * n + j);
      swap(x, k, pivot);
    }
    for (let i = k + 1; i < n; i++) {
      const factor = at(lu, i * n + k) / at(lu, k * n + k);
      if (factor === 0) continue;
      for (let j = k + 1; j < n; j++) lu[i * n + j] = at(lu, i * n + j) - factor * at(lu, k * n + j);
      x[i] = at(x, i) - factor * at(x, k);
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = at(x, i);
    for (let j = i + 1; j < n; j++) sum -= at(lu, i * n + j) * at(x, j);
    x[i] = sum / at(lu, i * n + i);
  }
  return x.every(Number.isFinite) ? x : null;
}

function swap(a: Float64Array, i: number, j: number): void {
  const held = at(a, i);
  a[i] = at(a, j);
  a[j] = held;
}

/**
 * The lower triangular L with L Lᵀ = A, of which the lower triangle is read.
 * @returns n × n with zeros above the diagonal, or null where A is not positive definite.
 */
export function cholesky(a: Float64Array): Float64Array | null {
  const n = Math.round(Math.sqrt(a.length));
  const l = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    let diagonal = at(a, j * n + j);
    for (let k = 0; k < j; k++) diagonal -= at(l, j * n + k) ** 2;
    if (!(diagonal > 0 && diagonal < Number.POSITIVE_INFINITY)) return null;
    const root = Math.sqrt(diagonal);
    l[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let sum = at(a, i * n + j);
      for (let k = 0; k < j; k++) sum -= at(l, i * n + k) * at(l, j * n + k);
      l[i * n + j] = sum / root;
    }
  }
  return l;
}

/** The solution of L Lᵀ x = b for what `cholesky` gave. */
export function choleskySolve(l: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const x = b.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] = at(x, i) - at(l, i * n + k) * at(x, k);
    x[i] = at(x, i) / at(l, i * n + i);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] = at(x, i) - at(l, k * n + i) * at(x, k);
    x[i] = at(x, i) / at(l, i * n + i);
  }
  return x;
}

/** Rotations over all pairs at most; convergence is quadratic and takes six to ten (Golub and Van Loan, §8.5). */
const SWEEPS = 60;

/**
 * Eigenvalues and orthonormal eigenvectors of a symmetric matrix by Jacobi's rotations in cyclic order (Jacobi 1846; Golub
 * and Van Loan, §8.5). Small eigenvalues of matrices that are graded come out to high relative accuracy (Demmel and
 * Veselić 1992), which badly scaled problems need. Of A the mean of both triangles is taken.
 * @param a n × n, finite
 */
export function symmetricEigen(a: Float64Array): Eigen {
  const n = Math.round(Math.sqrt(a.length));
  const m = new Float64Array(n * n);
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    v[i * n + i] = 1;
    for (let j = 0; j < n; j++) m[i * n + j] = at(a, i * n + j) / 2 + at(a, j * n + i) / 2;
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let rotated = false;
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        const off = at(m, p * n + q);
        // Relative to the two diagonal elements, and not to the matrix, for the sake of small eigenvalues.
        const size = Math.sqrt(Math.abs(at(m, p * n + p))) * Math.sqrt(Math.abs(at(m, q * n + q)));
        if (Math.abs(off) <= Number.EPSILON * size || Math.abs(off) < Number.MIN_VALUE * 2 ** 52) continue;
        rotated = true;
        rotate(m, v, n, p, q, off);
      }
    if (!rotated) break;
  }
  const order = Array.from({ length: n }, (_, k) => k).sort((i, j) => at(m, i * n + i) - at(m, j * n + j));
  const values = Float64Array.from(order, (k) => at(m, k * n + k));
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (const [to, from] of order.entries()) vectors[i * n + to] = at(v, i * n + from);
  return { values, vectors };
}

/** Makes m[p][q] zero, with the smaller of the two angles that do. */
function rotate(m: Float64Array, v: Float64Array, n: number, p: number, q: number, off: number): void {
  const theta = (at(m, q * n + q) - at(m, p * n + p)) / (2 * off);
  const tangent = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(1, theta));
  const cosine = 1 / Math.hypot(1, tangent);
  const sine = tangent * cosine;
  m[p * n + p] = at(m, p * n + p) - tangent * off;
  m[q * n + q] = at(m, q * n + q) + tangent * off;
  m[p * n + q] = 0;
  m[q * n + p] = 0;
  for (let k = 0; k < n; k++) {
    if (k !== p && k !== q) {
      const [kp, kq] = [at(m, k * n + p), at(m, k * n + q)];
      m[k * n + p] = cosine * kp - sine * kq;
      m[k * n + q] = sine * kp + cosine * kq;
      m[p * n + k] = at(m, k * n + p);
      m[q * n + k] = at(m, k * n + q);
    }
    const [vp, vq] = [at(v, k * n + p), at(v, k * n + q)];
    v[k * n + p] = cosine * vp - sine * vq;
    v[k * n + q] = sine * vp + cosine * vq;
  }
}
