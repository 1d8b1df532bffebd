/**
 * @internal What both integrals stand on: the Gauss–Kronrod rules, and the changes of variable that bring any range to pieces
 * on [0, 1] and take the edge off singular ends.
 *
 * Nodes and weights: R. Piessens, E. de Doncker-Kapenga, C. W. Überhuber, D. K. Kahaner, "QUADPACK", Springer 1983 (QK15, QK21).
 */

/** A Kronrod rule on [−1, 1], and the Gauss rule on every other of its nodes: its weight is 0 at the nodes it lacks. */
export interface Rule {
  readonly nodes: Float64Array;
  readonly kronrod: Float64Array;
  readonly gauss: Float64Array;
}

/** The rule from its positive half: nodes fall from the outermost to 0; Gauss has the odd ones of them. */
function symmetric(nodes: readonly number[], kronrod: readonly number[], gauss: readonly number[]): Rule {
  const last = nodes.length - 1;
  const half = nodes.map((_, i) => (i % 2 === 1 ? (gauss[(i - 1) / 2] as number) : 0));
  const mirror = (list: readonly number[], sign: number) =>
    Float64Array.from([...list.map((value) => sign * value), ...list.slice(0, last).reverse()]);
  return { nodes: mirror(nodes, -1), kronrod: mirror(kronrod, 1), gauss: mirror(half, 1) };
}

/** 15 nodes, exact for polynomials of degree 23; Gauss with 7. */
export const KRONROD_15 = symmetric(
  [
    0.9914553711208126, 0.9491079123427585, 0.8648644233597691, 0.7415311855993945, 0.5860872354676911,
    0.4058451513773972, 0.20778495500789848, 0,
  ],
  [
    0.022935322010529224, 0.06309209262997856, 0.10479001032225019, 0.14065325971552592, 0.1690047266392679,
    0.19035057806478542, 0.20443294007529889, 0.20948214108472782,
  ],
  [0.1294849661688697, 0.27970539148927664, 0.3818300505051189, 0.4179591836734694],
);

/** 21 nodes, exact for polynomials of degree 31; Gauss with 10. */
export const KRONROD_21 = symmetric(
  [
    0.9956571630258081, 0.9739065285171717, 0.9301574913557082, 0.8650633666889845, 0.7808177265864169,
    0.6794095682990244, 0.5627571346686047, 0.4333953941292472, 0.2943928627014602, 0.14887433898163122, 0,
  ],
  [
    0.011694638867371874, 0.032558162307964725, 0.054755896574351995, 0.07503967481091996, 0.0931254545836976,
    0.10938715880229764, 0.12349197626206584, 0.13470921731147334, 0.14277593857706009, 0.14773910490133849,
    0.1494455540029169,
  ],
  [0.06667134430868814, 0.1494513491505806, 0.21908636251598204, 0.26926671930999635, 0.29552422471475287],
);

/** A part of the range as the image of s in [0, 1]; s = 0 is an end of the range, or infinity. */
export interface Piece {
  x(s: number): number;
  /** |dx/ds|. */
  weight(s: number): number;
  /** Below this s nothing is told apart any more. */
  readonly smallest: number;
  /** Whether s = 0 is at infinity. */
  readonly infinite: boolean;
}

/** Neighbours of x among the float64 numbers. */
function neighbour(x: number, up: boolean): number {
  if (x === 0) return up ? Number.MIN_VALUE : -Number.MIN_VALUE;
  const bits = new BigInt64Array(Float64Array.of(x).buffer);
  bits[0] = (bits[0] as bigint) + (x > 0 === up ? 1n : -1n);
  return new Float64Array(bits.buffer)[0] as number;
}

/** From an end, at which f may be singular, to the inside: x − end grows with s², so 1/√x becomes smooth. */
function fromEnd(end: number, inside: number): Piece {
  const length = inside - end;
  // f is never asked at the ends themselves.
  const [first, last] = [neighbour(end, length > 0), neighbour(inside, length < 0)];
  const [least, most] = length > 0 ? [first, last] : [last, first];
  return {
    x: (s) => Math.min(Math.max(end + length * s * s, least), most),
    weight: (s) => 2 * Math.abs(length) * s,
    smallest: 1e-150,
    infinite: false,
  };
}

/** From infinity to c: x = c ± (1/s² − 1). */
function fromInfinity(c: number, sign: number): Piece {
  return { x: (s) => c + sign * (1 / (s * s) - 1), weight: (s) => 2 / (s * s * s), smallest: 1e-90, infinite: true };
}

/** The range from a to b, a < b, in pieces; either may be infinite. */
export function pieces(a: number, b: number): Piece[] {
  const [lower, upper] = [Number.isFinite(a), Number.isFinite(b)];
  if (lower && upper) {
    const middle = a / 2 + b / 2;
    return [fromEnd(a, middle), fromEnd(b, middle)];
  }
  if (lower) return [fromEnd(a, a + 1), fromInfinity(a + 1, 1)];
  if (upper) return [fromInfinity(b - 1, -1), fromEnd(b, b - 1)];
  return [...pieces(a, 0), ...pieces(0, b)];
}

/** How far an estimate may be off: a fraction of the integral, but no more digits than cancellation leaves. */
export const allowed = (tol: number, value: number, magnitude: number): number =>
  tol * Math.max(Math.abs(value), magnitude / 1000);

/** Indices of the parts to be halved: those with the largest errors, until the rest is within a quarter of the target. */
export function largest(errors: readonly number[], target: number): number[] {
  // All those below this come to an eighth of it together.
  const least = target / (8 * errors.length);
  const order: number[] = [];
  errors.forEach((error, i) => {
    if (error > least) order.push(i);
  });
  order.sort((i, j) => (errors[j] as number) - (errors[i] as number));
  let rest = 0;
  let n = order.length;
  while (n > 0) {
    rest += errors[order[n - 1] as number] as number;
    if (rest > target / 8) break;
    n--;
  }
  return order.slice(0, n);
}
