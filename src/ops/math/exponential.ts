/**
 * exp and log and what follows from them directly: powers of two, tanh, sigmoid. Start with `exp`:
 * argument reduction to x = n·ln 2 + r, a polynomial on |r| ≤ ln 2 / 2, and the power of two applied as
 * two factors, so that results overflow and underflow where they should.
 */
import { horner, INFINITY_32, INFINITY_64, limited, type MathFunction } from './build.ts';
import { EXP_32, EXP_64, EXP2_32, EXP2_64, LOG_32, LOG_RATIO_64 } from './coefficients.ts';

export interface Precision {
  /** ln 2 in two parts; the product of the first with any exponent is exact. */
  ln2: readonly [number, number];
  exp: readonly number[];
  exp2: readonly number[];
  /** Beyond these, exp is 0 or infinite. */
  expRange: readonly [number, number];
  exp2Range: readonly [number, number];
  expm1Range: readonly [number, number];
  infinity: string;
  smallestNormal: number;
  /** Brings subnormals into the normal range. */
  lift: readonly [factor: number, exponent: number];
  /** Bindings that give `t` with log(1 + f) = f + t. */
  logTail: string;
}

export const SINGLE: Precision = {
  ln2: [0.693115234375, 3.194618329871446e-5],
  exp: EXP_32,
  exp2: EXP2_32,
  expRange: [-104, 88.9],
  exp2Range: [-151, 129],
  expm1Range: [-18, 88.9],
  infinity: INFINITY_32,
  smallestNormal: 1.1754943508222875e-38,
  lift: [16777216, 24],
  logTail: `ff = mul(f, f); t = fma(mul(f, ff), ${horner('f', LOG_32)}, mul(k(-0.5), ff))`,
};

export const DOUBLE: Precision = {
  ln2: [0.6931471803691238, 1.9082149292705877e-10],
  exp: EXP_64,
  exp2: EXP2_64,
  expRange: [-746, 709.9],
  exp2Range: [-1076, 1025],
  expm1Range: [-40, 709.9],
  infinity: INFINITY_64,
  smallestNormal: 2.2250738585072014e-308,
  lift: [18014398509481984, 54],
  // With q = f/(2 + f), log(1 + f) = 2 artanh(q), a short series in q².
  logTail:
    'q = div(f, add(k(2), f)); qq = mul(q, q); half = mul(mul(k(0.5), f), f); ' +
    `t = sub(mul(q, fma(qq, ${horner('qq', LOG_RATIO_64)}, half)), half)`,
};

/** Bindings that give n and r with c = n·ln 2 + r. */
const reduced = (p: Precision) =>
  `n = rint(mul(c, k(1.4426950408889634))); r = fma(n, k(${-p.ln2[1]}), fma(n, k(${-p.ln2[0]}), c))`;

/** exp(r) - 1 for the reduced argument. */
export const shortExpm1 = (p: Precision) => `fma(mul(r, r), ${horner('r', p.exp)}, r)`;

/** v · 2^power in two steps, as the exponent may exceed what exp2i takes. */
const scaled = (v: string, power: string) =>
  `i = ${power}; h = floor(mul(i, k(0.5))); mul(mul(${v}, exp2i(h)), exp2i(sub(i, h)))`;

const exp = (p: Precision) =>
  `c = ${limited('x', ...p.expRange)}; ${reduced(p)}; v = add(k(1), ${shortExpm1(p)}); ${scaled('v', 'n')}`;

// The limit is a little higher than that of exp, as the result is only half as large.
const halfexp = (p: Precision) =>
  `c = select(gt(x, k(${p.expRange[1] + 1})), k(${p.expRange[1] + 1}), x); ${reduced(p)}; ` +
  `v = add(k(1), ${shortExpm1(p)}); ${scaled('v', 'sub(n, k(1))')}`;

const exp2 = (p: Precision) =>
  `c = ${limited('x', ...p.exp2Range)}; n = rint(c); r = sub(c, n); ` +
  `v = fma(r, ${horner('r', p.exp2)}, k(1)); ${scaled('v', 'n')}`;

// 2ⁿ(1 + v) - 1 with v = expm1(r); at half scale, for the sake of n one beyond the exponent range.
const expm1 = (p: Precision) =>
  `c = ${limited('x', ...p.expm1Range)}; ${reduced(p)}; v = ${shortExpm1(p)}; ` +
  's = exp2i(sub(n, k(1))); w = fma(s, v, sub(s, k(0.5))); ' +
  'select(eq(x, k(0)), x, select(eq(n, k(0)), v, add(w, w)))';

// (exp(-2a) - 1) / (exp(-2a) + 1) with a = |x|. The exponent is never positive, which makes expm1 simpler.
const tanh = (p: Precision) =>
  `b = mul(k(-2), abs(x)); c = select(lt(b, k(${p.expm1Range[0]})), k(${p.expm1Range[0]}), b); ${reduced(p)}; ` +
  `s = exp2i(n); w = fma(s, ${shortExpm1(p)}, sub(s, k(1))); copysign(div(w, add(w, k(2))), x)`;

/** Bindings that give m in [√½, √2] and n with u = m·2ⁿ. */
const decomposed = (u: string, n: string, p: Precision) =>
  `tiny = lt(${u}, k(${p.smallestNormal})); a = select(tiny, mul(${u}, k(${p.lift[0]})), ${u}); d = mantissa(a); ` +
  'big = gt(d, k(1.4142135623730951)); m = select(big, mul(d, k(0.5)), d); ' +
  `${n} = add(exponent(a), sub(select(big, k(1), k(0)), select(tiny, k(${p.lift[1]}), k(0))))`;

/** The value inside the domain; at its edge -∞, below it NaN, at infinity and NaN itself. */
const onDomain = (value: string, edge: number, p: Precision) =>
  `infinite = ${p.infinity}; select(gt(x, k(${edge})), select(lt(x, infinite), ${value}, x), ` +
  `select(eq(x, k(${edge})), neg(infinite), sub(infinite, infinite)))`;

const parts = (p: Precision) => `${decomposed('x', 'n', p)}; f = sub(m, k(1)); ${p.logTail}`;

const log = (p: Precision) =>
  `${parts(p)}; v = fma(n, k(${p.ln2[0]}), add(f, fma(n, k(${p.ln2[1]}), t))); ${onDomain('v', 0, p)}`;

// The smaller terms first; log2 e = 1 + 0.4427 and so no constant is rounded where it matters.
const log2 = (p: Precision) =>
  `${parts(p)}; b = k(0.4426950408889634); v = add(n, add(f, add(t, fma(f, b, mul(t, b))))); ${onDomain('v', 0, p)}`;

// log10 e and log10 2 in two parts each, of which the first are short.
const log10 = (p: Precision) =>
  `${parts(p)}; e1 = k(0.43359375); e2 = k(0.000700731903251827651); ` +
  'low = fma(n, k(0.000248745663981195214), fma(f, e2, mul(t, e2))); ' +
  `v = fma(n, k(0.30078125), fma(f, e1, fma(t, e1, low))); ${onDomain('v', 0, p)}`;

// c is what rounding took from u = 1 + x (Knuth's two-sum); log(u + c) ≈ log(u) + c/u.
const log1p = (p: Precision) =>
  'u = add(k(1), x); back = sub(u, x); c = add(sub(x, sub(u, back)), sub(k(1), back)); ' +
  `${decomposed('u', 'whole', p)}; near = both(gt(x, k(-0.29)), lt(x, k(0.41))); ` +
  `f = select(near, x, sub(m, k(1))); n = select(near, k(0), whole); ${p.logTail}; ` +
  'l = select(near, k(0), div(c, u)); ' +
  `v = select(eq(x, k(0)), x, fma(n, k(${p.ln2[0]}), add(f, add(t, fma(n, k(${p.ln2[1]}), l))))); ` +
  onDomain('v', -1, p);

// The exponential is never of a positive number: it would overflow where the result is not zero yet.
const SIGMOID = 'e = exp(neg(abs(x))); div(select(lt(x, k(0)), e, k(1)), add(k(1), e))';

const written = (name: string, doc: string, source: string, text: (p: Precision) => string): MathFunction => ({
  name,
  args: ['x'],
  f32: text(SINGLE),
  f64: text(DOUBLE),
  doc,
  source,
});

const REDUCTION = 'Cody and Waite (1980); coefficients by tools/gen/fit.';
const SPLIT = 'Cephes (S. Moshier) for the order of summation; coefficients by tools/gen/fit.';

export const exponential: readonly MathFunction[] = [
  written('exp', 'e to the power of x.', REDUCTION, exp),
  written('halfexp', 'exp(x) / 2, which overflows later than exp; for x that are not negative.', REDUCTION, halfexp),
  written('exp2', 'Two to the power of x.', REDUCTION, exp2),
  written('expm1', 'exp(x) - 1.', REDUCTION, expm1),
  written('tanh', 'Hyperbolic tangent.', 'fdlibm s_tanh.c.', tanh),
  written('log', 'Natural logarithm.', 'fdlibm e_log.c for the float64 series; coefficients by tools/gen/fit.', log),
  written('log2', 'Logarithm to base 2.', SPLIT, log2),
  written('log10', 'Logarithm to base 10.', SPLIT, log10),
  written('log1p', 'log(1 + x).', 'As log; the correction is that of fdlibm s_log1p.c.', log1p),
  { name: 'sigmoid', args: ['x'], f32: SIGMOID, f64: SIGMOID, doc: 'The logistic function.', source: '' },
];
