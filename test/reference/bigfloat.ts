/**
 * Floating point of some three hundred digits over BigInt, and elementary functions of it by their series: the reference for
 * float64, which nothing in JavaScript's `Math` can be. So many digits, because definitions are evaluated as they stand, and cancel. Functions assume arguments within their domain.
 */

/** Bits of a significand. */
const PRECISION = 1024;

/** m · 2ᵉ. */
export interface Big {
  readonly m: bigint;
  readonly e: number;
}

const absolute = (m: bigint) => (m < 0n ? -m : m);
const bits = (m: bigint): number => {
  const hex = absolute(m).toString(16);
  return m === 0n ? 0 : 4 * (hex.length - 1) + (32 - Math.clz32(Number.parseInt(hex.charAt(0), 16)));
};

function rounded(m: bigint, e: number): Big {
  const excess = bits(m) - PRECISION;
  if (excess <= 0) return { m, e };
  const half = 1n << BigInt(excess - 1);
  return { m: (m + half) >> BigInt(excess), e: e + excess };
}

/** A number, exactly. */
export function big(x: number | bigint): Big {
  if (typeof x === 'bigint') return rounded(x, 0);
  if (!Number.isFinite(x)) throw new RangeError(`there is no ${x} among these numbers`);
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const field = (view.getUint16(0) >> 4) & 0x7ff;
  const low = view.getBigUint64(0) & 0xfffffffffffffn;
  const m = field === 0 ? low : low | 0x10000000000000n;
  return { m: x < 0 ? -m : m, e: Math.max(field, 1) - 1075 };
}

export const ZERO = big(0);
export const ONE = big(1);
export const TWO = big(2);
export const HALF = big(0.5);

/** The exponent of the leading bit; -∞ for zero. */
export const magnitude = (a: Big): number => (a.m === 0n ? Number.NEGATIVE_INFINITY : a.e + bits(a.m) - 1);
export const neg = (a: Big): Big => ({ m: -a.m, e: a.e });
export const abs = (a: Big): Big => ({ m: absolute(a.m), e: a.e });
export const scale = (a: Big, power: number): Big => ({ m: a.m, e: a.e + power });

export function add(a: Big, b: Big): Big {
  if (a.m === 0n) return b;
  if (b.m === 0n) return a;
  const [high, low] = a.e >= b.e ? [a, b] : [b, a];
  if (magnitude(a) - magnitude(b) > 2 * PRECISION) return a;
  if (magnitude(b) - magnitude(a) > 2 * PRECISION) return b;
  return rounded((high.m << BigInt(high.e - low.e)) + low.m, low.e);
}
export const sub = (a: Big, b: Big): Big => add(a, neg(b));
export const mul = (a: Big, b: Big): Big => rounded(a.m * b.m, a.e + b.e);
export function div(a: Big, b: Big): Big {
  if (b.m === 0n) throw new RangeError('division by zero');
  const shift = Math.max(0, PRECISION + 2 + bits(b.m) - bits(a.m));
  return rounded((a.m << BigInt(shift)) / b.m, a.e - shift - b.e);
}
export const sign = (a: Big): number => (a.m > 0n ? 1 : a.m < 0n ? -1 : 0);
export const compare = (a: Big, b: Big): number => sign(sub(a, b));

/** The nearest float64, but for results next to the ends of its range. */
export function toNumber(a: Big): number {
  const excess = Math.max(0, bits(a.m) - 64);
  const top = Number(a.m >> BigInt(excess));
  const e = a.e + excess;
  return top * 2 ** Math.floor(e / 2) * 2 ** Math.ceil(e / 2);
}

export function sqrt(a: Big): Big {
  if (a.m === 0n) return a;
  let shift = 2 * PRECISION - bits(a.m);
  if ((a.e - shift) % 2 !== 0) shift += 1;
  const m = shift >= 0 ? a.m << BigInt(shift) : a.m >> BigInt(-shift);
  let root = 1n << BigInt((bits(m) >> 1) + 1);
  for (;;) {
    const next = (root + m / root) >> 1n;
    if (next >= root) return rounded(root, (a.e - shift) / 2);
    root = next;
  }
}

/** The nearest integer. */
export function round(a: Big): bigint {
  if (a.e >= 0) return a.m << BigInt(a.e);
  if (magnitude(a) < -1) return 0n;
  return (a.m + (1n << BigInt(-a.e - 1))) >> BigInt(-a.e);
}
export const floor = (a: Big): bigint => {
  const nearest = round(a);
  return compare(big(nearest), a) > 0 ? nearest - 1n : nearest;
};
export const trunc = (a: Big): bigint => (sign(a) < 0 ? -floor(neg(a)) : floor(a));

/** Σ terms, each from the one before, until they no longer count. */
function series(first: Big, next: (term: Big, n: number) => Big): Big {
  let [sum, term] = [first, first];
  for (let n = 1; term.m !== 0n && magnitude(term) > magnitude(sum) - PRECISION - 8; n++) {
    term = next(term, n);
    sum = add(sum, term);
  }
  return sum;
}

/** Σ (±1)ⁿ x²ⁿ⁺¹/(2n+1) */
function oddSeries(x: Big, alternating: boolean): Big {
  const square = alternating ? neg(mul(x, x)) : mul(x, x);
  let [sum, power] = [x, x];
  for (let n = 3; magnitude(power) > magnitude(sum) - PRECISION - 8; n += 2) {
    power = mul(power, square);
    sum = add(sum, div(power, big(n)));
  }
  return sum;
}
const inverse = (n: number) => div(ONE, big(n));

/** Machin (1706). */
export const PI = scale(sub(scale(oddSeries(inverse(5), true), 2), oddSeries(inverse(239), true)), 2);
export const LN2 = scale(oddSeries(inverse(3), false), 1);

export function exp(x: Big): Big {
  const n = round(div(x, LN2));
  const r = scale(sub(x, mul(big(n), LN2)), -16);
  let y = series(ONE, (term, i) => div(mul(term, r), big(i)));
  for (let i = 0; i < 16; i++) y = mul(y, y);
  return scale(y, Number(n));
}

/** Halley's method on exp, which triples the digits. */
export function log(x: Big): Big {
  const e = magnitude(x);
  const m = scale(x, -e);
  let y = big(Math.log(toNumber(m)));
  for (let i = 0; i < 4; i++) {
    const power = exp(y);
    y = add(y, scale(div(sub(m, power), add(m, power)), 1));
  }
  return add(y, mul(big(e), LN2));
}

export const pow = (x: Big, y: Big): Big => exp(mul(y, log(x)));

/** Sine and cosine of x after quarter turns. */
function turned(x: Big): { sine: Big; cosine: Big; quarter: number } {
  const turns = round(div(x, scale(PI, -1)));
  const r = sub(x, mul(big(turns), scale(PI, -1)));
  const square = neg(mul(r, r));
  return {
    sine: series(r, (term, n) => div(mul(term, square), big(2 * n * (2 * n + 1)))),
    cosine: series(ONE, (term, n) => div(mul(term, square), big(2 * n * (2 * n - 1)))),
    quarter: Number(((turns % 4n) + 4n) % 4n),
  };
}
export function sin(x: Big): Big {
  const { sine, cosine, quarter } = turned(x);
  const value = quarter % 2 === 0 ? sine : cosine;
  return quarter < 2 ? value : neg(value);
}
export const cos = (x: Big): Big => sin(add(x, scale(PI, -1)));
export const tan = (x: Big): Big => div(sin(x), cos(x));

export function atan(x: Big): Big {
  const HALVINGS = 8;
  let t = x;
  for (let i = 0; i < HALVINGS; i++) t = div(t, add(ONE, sqrt(add(ONE, mul(t, t)))));
  return scale(oddSeries(t, true), HALVINGS);
}
const cathetus = (x: Big) => sqrt(mul(sub(ONE, x), add(ONE, x)));
export const asin = (x: Big): Big => scale(atan(div(x, add(ONE, cathetus(x)))), 1);
export const acos = (x: Big): Big => scale(atan(sqrt(div(sub(ONE, x), add(ONE, x)))), 1);

export const sinh = (x: Big): Big => scale(sub(exp(x), exp(neg(x))), -1);
export const cosh = (x: Big): Big => scale(add(exp(x), exp(neg(x))), -1);
export const tanh = (x: Big): Big => div(sinh(x), cosh(x));
export function asinh(x: Big): Big {
  const y = log(add(abs(x), sqrt(add(mul(x, x), ONE))));
  return sign(x) < 0 ? neg(y) : y;
}
export const acosh = (x: Big): Big => log(add(x, sqrt(sub(mul(x, x), ONE))));
export const atanh = (x: Big): Big => scale(log(div(add(ONE, x), sub(ONE, x))), -1);

/** Abramowitz and Stegun 7.1.5 up to 6, and beyond it the continued fraction 7.1.14. */
export function erfc(x: Big): Big {
  if (compare(x, big(6)) < 0) return sub(ONE, erf(x));
  let tail = x;
  for (let n = 900; n > 0; n--) tail = add(x, div(big(n / 2), tail));
  return div(exp(neg(mul(x, x))), mul(tail, sqrt(PI)));
}
export function erf(x: Big): Big {
  if (compare(abs(x), big(6)) >= 0) return sign(x) > 0 ? sub(ONE, erfc(x)) : sub(erfc(neg(x)), ONE);
  const square = neg(mul(x, x));
  let [sum, power] = [x, x];
  for (let n = 1; magnitude(power) > magnitude(sum) - PRECISION - 60; n++) {
    power = div(mul(power, square), big(n));
    sum = add(sum, div(power, big(2 * n + 1)));
  }
  return mul(sum, div(TWO, sqrt(PI)));
}
/** Newton's method on erf from a float64 that is close. */
export function erfinv(x: Big, start: number): Big {
  let y = big(start);
  for (let i = 0; i < 6; i++) y = sub(y, mul(mul(sub(erf(y), x), exp(mul(y, y))), scale(sqrt(PI), -1)));
  return y;
}
