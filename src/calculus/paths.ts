/** @internal Ways into the origin on which limits of several variables are tried. */

/** A path: where it is at distance h, h → 0. */
export type Path = (h: number) => Float64Array;

/** Exact unit vectors where the axes and diagonals are: cos(π/2) is not 0 in floating point. */
function circle(i: number, j: number, n: number): Float64Array[] {
  const steps = 16;
  return Array.from({ length: steps }, (_, k) => {
    const [cos, sin] = [Math.cos((2 * Math.PI * k) / steps), Math.sin((2 * Math.PI * k) / steps)];
    const unit = new Float64Array(n);
    unit[i] = Math.abs(cos) < 1e-9 ? 0 : cos;
    if (i !== j) unit[j] = Math.abs(sin) < 1e-9 ? 0 : k % 4 === 2 ? Math.sign(sin) * Math.abs(cos) : sin;
    return unit;
  });
}

/** How curved paths leave their tangent: by hᵖ, to either side. */
const BENDS = [
  [1.5, 1],
  [1.5, -1],
  [2, 1],
  [2, -1],
  [2, 0.5],
  [3, 1],
  [3, -1],
] as const;

/**
 * Rays in 16 directions of every coordinate plane and along the diagonals of space, and curves that leave the rays in each plane
 * like a power of h: parabolas, cubics, cusps.
 */
export function directions(n: number): Path[] {
  if (n === 1) return [1, -1].map((sign) => (h) => Float64Array.of(sign * h));
  const paths: Path[] = [];
  // Planes of neighbouring coordinates, and all of them while there are few.
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++) {
      if (n > 4 && j !== i + 1) continue;
      for (const unit of circle(i, j, n)) {
        paths.push((h) => unit.map((u) => h * u));
        for (const [power, size] of BENDS)
          paths.push((h) => {
            const point = unit.map((u) => h * u);
            const bend = size * h ** power;
            point[i] = (point[i] as number) - bend * (unit[j] as number);
            point[j] = (point[j] as number) + bend * (unit[i] as number);
            return point;
          });
      }
    }
  if (n > 2)
    for (let signs = 0; signs < 2 ** Math.min(n, 6); signs++) {
      const unit = Float64Array.from({ length: n }, (_, i) => ((signs >> i) & 1 ? -1 : 1) / Math.sqrt(n));
      paths.push((h) => unit.map((u) => h * u));
    }
  return paths;
}
