/**
 * @internal The singular values of a tall matrix, small ones to high relative accuracy: Householder's QR decomposition, then
 * one-sided Jacobi rotations of R (Golub and Van Loan, "Matrix Computations", §5.2 and §8.6).
 */

/** What least squares asks of a matrix A [m, n] with a right side b [m]. */
export interface Decomposition {
  /** Squares of the singular values, ascending; exactly zero where A is singular to working precision. */
  values: Float64Array;
  /** n × n, row-major: column k is the right singular vector of value k. */
  vectors: Float64Array;
  /** Aᵀ b in the basis of the vectors. */
  slope: Float64Array;
}

const SWEEPS = 60;

/** Columns of A and b after the reflections that make A triangular; only min(m, n) rows are left. */
function triangular(columns: Float64Array[], b: Float64Array): { columns: Float64Array[]; b: Float64Array } {
  const n = columns.length;
  const m = b.length;
  if (m <= n) return { columns, b };
  for (const [k, column] of columns.entries()) {
    let square = 0;
    for (let i = k; i < m; i++) square += (column[i] as number) ** 2;
    const head = column[k] as number;
    const length = Math.sqrt(square);
    if (length === 0) continue;
    const alpha = head > 0 ? -length : length;
    // The reflection's vector is the column with its head moved away from cancellation.
    const v = column.slice(k);
    v[0] = head - alpha;
    const half = square - head * alpha;
    for (const other of [...columns.slice(k), b]) {
      let sum = 0;
      for (let i = 0; i < v.length; i++) sum += (v[i] as number) * (other[k + i] as number);
      for (let i = 0; i < v.length; i++) other[k + i] = (other[k + i] as number) - (sum / half) * (v[i] as number);
    }
    column.fill(0, k + 1);
    column[k] = alpha;
  }
  return { columns: columns.map((column) => column.slice(0, n)), b: b.slice(0, n) };
}

const inner = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
};

function rotate(a: Float64Array, b: Float64Array, cosine: number, sine: number): void {
  for (let i = 0; i < a.length; i++) {
    const [p, q] = [a[i] as number, b[i] as number];
    a[i] = cosine * p - sine * q;
    b[i] = sine * p + cosine * q;
  }
}

/**
 * Takes a matrix apart for least squares.
 * @param a [m, n], row-major, finite
 * @param b [m]
 */
export function decompose(a: Float64Array, b: Float64Array): Decomposition {
  const m = b.length;
  const n = a.length / m;
  const given = Array.from({ length: n }, (_, j) => Float64Array.from({ length: m }, (_, i) => a[i * n + j] as number));
  const { columns, b: right } = triangular(given, b.slice());
  const basis = columns.map((_, k) => Float64Array.from({ length: n }, (_, i) => (i === k ? 1 : 0)));
  for (let sweep = 0, rotated = true; rotated && sweep < SWEEPS; sweep++) {
    rotated = false;
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        const [x, y] = [columns[p] as Float64Array, columns[q] as Float64Array];
        const [xx, yy, xy] = [inner(x, x), inner(y, y), inner(x, y)];
        if (Math.abs(xy) <= Number.EPSILON * Math.sqrt(xx) * Math.sqrt(yy)) continue;
        rotated = true;
        const theta = (yy - xx) / (2 * xy);
        const tangent = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(1, theta));
        const cosine = 1 / Math.hypot(1, tangent);
        rotate(x, y, cosine, tangent * cosine);
        rotate(basis[p] as Float64Array, basis[q] as Float64Array, cosine, tangent * cosine);
      }
  }
  const squares = columns.map((column) => inner(column, column));
  const order = squares.map((_, k) => k).sort((i, j) => (squares[i] as number) - (squares[j] as number));
  const largest = squares[order.at(-1) as number] as number;
  // A singular value this far below the largest one is rounding, and its square that far squared.
  const limit = largest * (Math.max(m, n) * Number.EPSILON) ** 2;
  const values = new Float64Array(n);
  const slope = new Float64Array(n);
  const vectors = new Float64Array(n * n);
  for (const [to, from] of order.entries()) {
    const square = squares[from] as number;
    if (square > limit) {
      values[to] = square;
      slope[to] = inner(columns[from] as Float64Array, right);
    }
    for (const [i, value] of (basis[from] as Float64Array).entries()) vectors[i * n + to] = value;
  }
  return { values, vectors, slope };
}
