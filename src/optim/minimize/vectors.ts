/** @internal Vectors as plain float64 arrays. */

export const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
};

/** Euclidean norm, without overflow. */
export const norm = (a: Float64Array): number => {
  const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let sum = 0;
  for (const value of a) sum += (value / largest) ** 2;
  return largest * Math.sqrt(sum);
};

/** a + factor · b */
export const plus = (a: Float64Array, b: Float64Array, factor = 1): Float64Array =>
  a.map((value, i) => value + factor * (b[i] as number));

export const allFinite = (a: Float64Array): boolean => a.every(Number.isFinite);

/** Whether a step is lost in the rounding of the point. */
export const vanishes = (step: Float64Array, x: Float64Array): boolean =>
  step.every((value, i) => Math.abs(value) <= Number.EPSILON * Math.abs(x[i] as number));

/** Rᵀ x for a square, row-major matrix. */
export function transposeTimes(r: Float64Array, x: Float64Array): Float64Array {
  const n = x.length;
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) out[j] = (out[j] as number) + (r[i * n + j] as number) * (x[i] as number);
  return out;
}

/** R x for a square, row-major matrix. */
export function times(r: Float64Array, x: Float64Array): Float64Array {
  const n = x.length;
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += (r[i * n + j] as number) * (x[j] as number);
    out[i] = sum;
  }
  return out;
}
