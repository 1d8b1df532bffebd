/**
 * Trigonometric functions and their inverses. Angles are reduced by multiples of π/2 held in several
 * parts (Cody and Waite); from 2¹³ (float64: 10⁵) on, where the parts run out, the C library takes over.
 */
import { horner, type MathFunction } from './build.ts';
import * as fitted from './coefficients.ts';

interface Precision {
  /** π/2 in parts whose products with the multiples in question are exact, except the last one. */
  halfPi: readonly number[];
  sin: readonly number[];
  cos: readonly number[];
  tan: readonly number[];
  asin: readonly number[];
  atan: readonly number[];
  /** What rounding to this precision takes from π/2. */
  halfPiLow: number;
}

const SINGLE: Precision = {
  halfPi: [1.5703125, 0.0004837512969970703, 7.549533620476723e-8, 2.5633440682570896e-12],
  sin: fitted.SIN_32,
  cos: fitted.COS_32,
  tan: fitted.TAN_32,
  asin: fitted.ASIN_32,
  atan: fitted.ATAN_32,
  halfPiLow: -4.371138828673793e-8,
};

const DOUBLE: Precision = {
  halfPi: [1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21],
  sin: fitted.SIN_64,
  cos: fitted.COS_64,
  tan: fitted.TAN_64,
  asin: fitted.ASIN_64,
  atan: fitted.ATAN_64,
  halfPiLow: 6.123233995736766e-17,
};

const HALF_PI = 'k(1.5707963267948966)';
const PI = 'k(3.141592653589793)';
const beyondReduction = (slow: string) => ({
  when: { f32: 'ge(abs(x), k(8192))', f64: 'ge(abs(x), k(100000))' },
  slow,
});

/** Bindings that give n, r = x - n·π/2, rr = r², and `odd`: whether n is. */
const reduced = (p: Precision) => {
  const r = p.halfPi.reduce((text, part) => `fma(n, k(${-part}), ${text})`, 'x');
  return (
    `n = rint(mul(x, k(0.6366197723675814))); r = ${r}; rr = mul(r, r); ` +
    'h = mul(n, k(0.5)); j = floor(h); odd = ne(j, h)'
  );
};

const sine = (p: Precision) => `s = fma(mul(r, rr), ${horner('rr', p.sin)}, r)`;
const cosine = (p: Precision) => `c = fma(mul(rr, rr), ${horner('rr', p.cos)}, fma(k(-0.5), rr, k(1)))`;

// Of four quadrants the third and fourth (cosine: second and third) are negative.
const sin = (p: Precision) =>
  `${reduced(p)}; ${sine(p)}; ${cosine(p)}; v = select(odd, c, s); i = mul(j, k(0.5)); ` +
  'select(eq(x, k(0)), x, select(ne(floor(i), i), neg(v), v))';
const cos = (p: Precision) =>
  `${reduced(p)}; ${sine(p)}; ${cosine(p)}; v = select(odd, s, c); i = mul(floor(add(h, k(0.5))), k(0.5)); ` +
  'select(ne(floor(i), i), neg(v), v)';
const tan = (p: Precision) =>
  `${reduced(p)}; v = fma(mul(r, rr), ${horner('rr', p.tan)}, r); ` +
  'select(eq(x, k(0)), x, select(odd, div(k(-1), v), v))';

/** Bindings that give p = asin(|x|), or asin(√((1 - |x|)/2)) where |x| is above one half (`big`). */
const shortAsin = (p: Precision) =>
  'a = abs(x); big = gt(a, k(0.5)); z = select(big, mul(k(0.5), sub(k(1), a)), mul(x, x)); ' +
  `s = select(big, sqrt(z), a); p = fma(mul(s, z), ${horner('z', p.asin)}, s)`;

const asin = (p: Precision) =>
  `${shortAsin(p)}; copysign(select(big, sub(${HALF_PI}, sub(add(p, p), k(${p.halfPiLow}))), p), x)`;
const acos = (p: Precision) =>
  `${shortAsin(p)}; d = add(p, p); ` +
  `far = select(lt(x, k(0)), sub(${PI}, sub(d, k(${2 * p.halfPiLow}))), d); ` +
  `select(big, far, sub(${HALF_PI}, sub(copysign(p, x), k(${p.halfPiLow}))))`;

/** Binds v to the arc tangent of a ≥ 0. Above tan(π/8) the argument turns by π/4, above tan(3π/8) by π/2. */
const turned = (p: Precision) =>
  'mid = gt(a, k(0.41421356237309503)); big = gt(a, k(2.414213562373095)); ' +
  'above = select(big, k(-1), select(mid, sub(a, k(1)), a)); ' +
  'below = select(big, a, select(mid, add(a, k(1)), k(1))); t = div(above, below); z = mul(t, t); ' +
  'turn = select(big, k(1), select(mid, k(0.5), k(0))); ' +
  `v = fma(turn, ${HALF_PI}, fma(turn, k(${p.halfPiLow}), fma(mul(t, z), ${horner('z', p.atan)}, t)))`;

const atan = (p: Precision) => `a = abs(x); ${turned(p)}; copysign(v, x)`;

// The smaller coordinate over the greater; 0/0 counts as 0, ∞/∞ as 1.
const atan2 = (p: Precision) =>
  'lift = abs(x); run = abs(y); least = min(lift, run); most = max(lift, run); ' +
  'a = select(eq(most, k(0)), k(0), select(eq(least, most), k(1), div(least, most))); ' +
  `${turned(p)}; w = select(gt(lift, run), sub(${HALF_PI}, sub(v, k(${p.halfPiLow}))), v); ` +
  'left = lt(copysign(k(1), y), k(0)); ' +
  `copysign(select(left, sub(${PI}, sub(w, k(${2 * p.halfPiLow}))), w), x)`;

const written = (name: string, doc: string, source: string, text: (p: Precision) => string): MathFunction => ({
  name,
  args: ['x'],
  f32: text(SINGLE),
  f64: text(DOUBLE),
  doc,
  source,
});

const REDUCTION = 'Cody and Waite (1980); coefficients by tools/gen/fit.';
const CEPHES = 'The argument reductions of Cephes (S. Moshier); coefficients by tools/gen/fit.';

export const trigonometric: readonly MathFunction[] = [
  { ...written('sin', 'Sine.', REDUCTION, sin), large: beyondReduction('sinlarge(x)') },
  { ...written('cos', 'Cosine.', REDUCTION, cos), large: beyondReduction('coslarge(x)') },
  { ...written('tan', 'Tangent.', REDUCTION, tan), large: beyondReduction('div(sinlarge(x), coslarge(x))') },
  written('asin', 'Inverse sine.', CEPHES, asin),
  written('acos', 'Inverse cosine.', CEPHES, acos),
  written('atan', 'Inverse tangent.', CEPHES, atan),
  { ...written('atan2', 'The angle of the point (y, x); x is the ordinate.', CEPHES, atan2), args: ['x', 'y'] },
];
