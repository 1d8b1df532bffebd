/**
 * The trust-region subproblem: minimise g·p + ½ p·B·p over |p| ≤ radius, exactly, in the basis of B's eigenvectors
 * (Moré and Sorensen, "Computing a Trust Region Step", 1983; Conn, Gould and Toint, "Trust-Region Methods", 2000, §7.3).
 */
import { norm } from './vectors.ts';

/** How close to the boundary a step on it has to be. */
const BOUNDARY = 1e-8;
const ITERATIONS = 100;

/**
 * The step in the basis of the eigenvectors.
 * @param values eigenvalues of B, ascending
 * @param slope the gradient in the basis of the eigenvectors
 */
export function trustRegionStep(values: Float64Array, slope: Float64Array, radius: number): Float64Array {
  const lowest = values[0] as number;
  const shift = Math.max(0, -lowest);
  // Distances from the pole instead of multipliers: near the hard case they differ by many orders of magnitude.
  const gaps = values.map((value) => value + shift);
  const at = (s: number): Float64Array =>
    slope.map((g, i) => {
      const d = (gaps[i] as number) + s;
      return g === 0 ? 0 : -g / d;
    });
  const limit = at(0);
  const length = norm(limit);
  if (length <= radius) {
    // The hard case: the boundary is reached along the direction of the most negative curvature.
    if (lowest < 0) limit[0] = (limit[0] as number) + Math.sqrt(Math.max(0, radius * radius - length * length));
    return limit;
  }
  let [low, high] = [0, norm(slope) / radius];
  let s = Math.max(high * 1e-3, low);
  let step = at(s);
  for (let k = 0; k < ITERATIONS; k++) {
    const size = norm(step);
    if (Math.abs(size - radius) <= BOUNDARY * radius) break;
    if (size > radius) low = s;
    else high = s;
    // Newton's method on 1/|p| − 1/radius, which is close to linear.
    let bend = 0;
    for (let i = 0; i < step.length; i++) bend += ((step[i] as number) / size) ** 2 / ((gaps[i] as number) + s);
    const next = s + (size - radius) / radius / bend;
    s = next > low && next < high ? next : Math.sqrt(Math.max(low, high * 1e-12) * high);
    if (s <= low || s >= high) s = low + (high - low) / 2;
    step = at(s);
  }
  return step;
}
