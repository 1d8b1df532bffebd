/**
 * The verbs of `docs/formulas.md` and the functions of `src/ops/math.ts` over plain numbers, as an
 * independent reference for the kernels: float64 arithmetic, JavaScript's `Math`, and for the error function
 * series that converge to full precision. Masks are booleans. Every export is a verb, under its name;
 * `evaluate.ts` runs formulas on them.
 */

/** Halves go to the even neighbour. Adding and taking away 2⁵² makes the hardware round. */
export function rint(x: number): number {
  const big = 4503599627370496;
  if (!(Math.abs(x) < big)) return x;
  const rounded = x < 0 ? x - big + big : x + big - big;
  return rounded === 0 && (x < 0 || Object.is(x, -0)) ? -0 : rounded;
}

export function exponent(x: number): number {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, x);
  return ((bits.getUint16(0) >> 4) & 0x7ff) - 1023;
}

export function copysign(a: number, b: number): number {
  const negative = b < 0 || Object.is(b, -0);
  return negative ? -Math.abs(a) : Math.abs(a);
}

/** exp(-factor·x²) without the rounding error of x²: the square of the float32 nearest to x is exact. */
function bell(x: number, factor: number): number {
  const high = Math.fround(x);
  return Math.exp(-factor * high * high) * Math.exp(-factor * (x - high) * (x + high));
}

/** 2/√π·Σ (-1)ⁿ x²ⁿ⁺¹ / (n! (2n+1)), for |x| up to 1, where the terms hardly cancel (Abramowitz and Stegun 7.1.5). */
function erfSeries(x: number): number {
  let power = x;
  let rest = 0;
  for (let n = 1; n < 25; n++) {
    power *= (-x * x) / n;
    rest += power / (2 * n + 1);
  }
  return 1.1283791670955126 * (x + rest);
}

/** The continued fraction 7.1.14 of Abramowitz and Stegun, from the far end; for x of one half or more. */
function fraction(x: number): number {
  let tail = x;
  for (let n = Math.ceil(60 + 300 / (x * x)); n > 0; n--) tail = x + n / 2 / tail;
  return tail;
}

const erfcFraction = (x: number) => bell(x, 1) / (1.772453850905516 * fraction(x));

export function erf(x: number): number {
  if (Math.abs(x) < 1) return x === 0 ? x : erfSeries(x);
  return Math.abs(x) > 6 ? Math.sign(x) : copysign(1 - erfcFraction(Math.abs(x)), x);
}

export function erfc(x: number): number {
  if (x < 0.5) return 1 - erf(x);
  return x > 28 ? 0 : erfcFraction(x);
}

export const gaussian = (x: number) => bell(x, 0.5);
/** Φ(x) for x ≤ 0 is the tail of the series or of the fraction at |x|/√2, whose rounding the bell at x itself avoids. */
export function ndtr(x: number): number {
  const a = Math.abs(x);
  if (a < 1) return 0.5 + erfSeries(x * Math.SQRT1_2) / 2;
  const lower = a > 40 ? 0 : gaussian(a) / (2 * 1.772453850905516 * fraction(a * Math.SQRT1_2));
  return x < 0 ? lower : 1 - lower;
}

/** Newton's method on erf, or on erfc where that keeps more digits. */
export function erfinv(x: number): number {
  const a = Math.abs(x);
  if (a === 0) return x;
  if (!(a < 1)) return a === 1 ? x * Infinity : NaN;
  // Winitzki's approximation, good to 0.2 %.
  const l = Math.log((1 - a) * (1 + a));
  const b = 2 / (Math.PI * 0.147) + l / 2;
  let y = a < 1e-3 ? a * 0.886226925452758 : Math.sqrt(Math.sqrt(b * b - l / 0.147) - b);
  for (let i = 0; i < 6; i++) {
    const excess = a < 0.5 ? erf(y) - a : 1 - a - erfc(y);
    y -= (excess * 0.886226925452758) / bell(y, 1);
  }
  return copysign(y, x);
}

export const k = (c: number) => c;
export const add = (a: number, b: number) => a + b;
export const sub = (a: number, b: number) => a - b;
export const mul = (a: number, b: number) => a * b;
export const div = (a: number, b: number) => a / b;
export const fma = (a: number, b: number, c: number) => a * b + c;
export const neg = (x: number) => -x;
export const abs = Math.abs;
export const sqrt = Math.sqrt;
export const min = (a: number, b: number) => Math.min(a, b);
export const max = (a: number, b: number) => Math.max(a, b);
export const floor = Math.floor;
export const ceil = Math.ceil;
export const trunc = Math.trunc;
export const eq = (a: number, b: number) => a === b;
export const ne = (a: number, b: number) => a !== b;
export const lt = (a: number, b: number) => a < b;
export const le = (a: number, b: number) => a <= b;
export const gt = (a: number, b: number) => a > b;
export const ge = (a: number, b: number) => a >= b;
export const both = (a: boolean, b: boolean) => a && b;
export const either = (a: boolean, b: boolean) => a || b;
export const invert = (a: boolean) => !a;
export const select = (m: boolean, a: number, b: number) => (m ? a : b);
export const exp2i = (n: number) => 2 ** n;
export const mantissa = (x: number) => x / 2 ** exponent(x);
/** As in C, where 1 to any power is 1 and (-1)^±∞ is too. */
export const pow = (x: number, y: number) => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y);
export const fmodlarge = (x: number, y: number) => x % y;
export const sinlarge = Math.sin;
export const coslarge = Math.cos;
export const anylane = (m: boolean) => m;
export const floordiv = (x: number, y: number) => Math.floor(x / y);
export const floormod = (x: number, y: number) => x - y * Math.floor(x / y);
export const truncdiv = (x: number, y: number) => Math.trunc(x / y);
export const truncmod = (x: number, y: number) => x % y;

export const sign = (x: number) => (x > 0 ? 1 : x < 0 ? -1 : 0);
export const hypot = (x: number, y: number) => Math.hypot(x, y);
export const fmod = (x: number, y: number) => x % y;
export const exp = Math.exp;
/** exp(x)/2, which overflows only where the result does. */
export const halfexp = (x: number) => (x > 700 ? (Math.exp(x - 700) / 2) * Math.exp(700) : Math.exp(x) / 2);
export const exp2 = (x: number) => 2 ** x;
export const expm1 = Math.expm1;
export const tanh = Math.tanh;
export const log = Math.log;
export const log2 = Math.log2;
export const log10 = Math.log10;
export const log1p = Math.log1p;
export const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
export const sin = Math.sin;
export const cos = Math.cos;
export const tan = Math.tan;
export const asin = Math.asin;
export const acos = Math.acos;
export const atan = Math.atan;
export const atan2 = Math.atan2;
export const sinh = Math.sinh;
export const cosh = Math.cosh;
export const asinh = Math.asinh;
export const acosh = Math.acosh;
export const atanh = Math.atanh;
