/** The error function, its complement, its inverse, and the normal distribution. */
import { horner, INFINITY_32, INFINITY_64, type MathFunction, SPLITTER_32, SPLITTER_64 } from './build.ts';
import * as fitted from './coefficients.ts';
import { DOUBLE, type Precision, SINGLE, shortExpm1 } from './exponential.ts';

interface Family {
  precision: Precision;
  splitter: number;
  /** erf(x)/x - 1 and (Φ(x) - 1/2)/x in powers of x². */
  erf: readonly number[];
  ndtr: readonly number[];
  /** exp(a²)·erfc(a)·(1 + 2a) and exp(a²/2)·Φ(-a)·(a + 3/4) in powers of (a - center)/(a + center). */
  erfcTail: readonly number[];
  erfcCenter: number;
  ndtrTail: readonly number[];
  ndtrCenter: number;
  /** Beyond these, erf is 1, erfc is 0, and so are exp(-a²/2) and Φ(-a). */
  erfEnd: number;
  erfcEnd: number;
  normalEnd: number;
}

const SINGLES: Family = {
  precision: SINGLE,
  splitter: SPLITTER_32,
  erf: fitted.ERF_32,
  ndtr: fitted.NDTR_NEAR_32,
  erfcTail: fitted.ERFC_32,
  erfcCenter: 2,
  ndtrTail: fitted.NDTR_32,
  ndtrCenter: 3,
  erfEnd: 4.4,
  erfcEnd: 10.1,
  normalEnd: 14.5,
};

const DOUBLES: Family = {
  precision: DOUBLE,
  splitter: SPLITTER_64,
  erf: fitted.ERF_64,
  ndtr: fitted.NDTR_NEAR_64,
  erfcTail: fitted.ERFC_64,
  erfcCenter: 4,
  ndtrTail: fitted.NDTR_64,
  ndtrCenter: 6,
  erfEnd: 6,
  erfcEnd: 27.3,
  normalEnd: 38.7,
};

/**
 * Bindings that give n and m with exp(-factor·a²) = 2ⁿ(1 + m), where a is |x| but at most `end`, and `factor` a power of two.
 * The upper half of a has an exact square; what a² has beyond that joins the reduced argument. A rounded a² would not do, as
 * exp magnifies its error.
 */
const bell = ({ precision, splitter }: Family, factor: number, end: number) => {
  const [high, low] = precision.ln2;
  return (
    `w = abs(x); a = select(gt(w, k(${end})), k(${end}), w); ` +
    `wide = mul(a, k(${splitter})); upper = sub(wide, sub(wide, a)); lower = sub(a, upper); ` +
    `n = rint(mul(mul(a, a), k(${-factor * Math.LOG2E}))); square = mul(mul(upper, upper), k(${-factor})); ` +
    `r = sub(fma(n, k(${-low}), fma(n, k(${-high}), square)), mul(mul(lower, k(${factor})), add(a, upper))); ` +
    `m = ${shortExpm1(precision)}`
  );
};

/** Binds v to 1 + m times a polynomial in t, which covers all a, over a denominator. */
const overTail = (coefficients: readonly number[], center: number, denominator: string) =>
  `t = div(sub(a, k(${center})), add(a, k(${center}))); ` +
  `q = div(${horner('t', coefficients)}, ${denominator}); v = fma(q, m, q)`;

/** Binds u to v · 2ⁿ, in two steps, as n may exceed what exp2i takes. */
const SCALED = 'h = floor(mul(n, k(0.5))); u = mul(mul(v, exp2i(h)), exp2i(sub(n, h)))';

// Near zero erf is a series and erfc what it leaves of 1; elsewhere it is the other way round.
const erfcTail = (f: Family, end: number) =>
  `${bell(f, 1, end)}; ${overTail(f.erfcTail, f.erfcCenter, 'fma(k(2), a, k(1))')}; near = lt(w, k(0.75)); ` +
  `z = mul(x, x); e = fma(x, ${horner('z', f.erf)}, x)`;
const erf = (f: Family) => `${erfcTail(f, f.erfEnd)}; select(near, e, copysign(sub(k(1), mul(v, exp2i(n))), x))`;
const erfc = (f: Family) =>
  `${erfcTail(f, f.erfcEnd)}; ${SCALED}; select(near, sub(k(1), e), select(lt(x, k(0)), sub(k(2), u), u))`;

const gaussian = (f: Family) => `${bell(f, 0.5, f.normalEnd)}; v = add(k(1), m); ${SCALED}; u`;
const ndtr = (f: Family) =>
  `${bell(f, 0.5, f.normalEnd)}; ${overTail(f.ndtrTail, f.ndtrCenter, 'add(a, k(0.75))')}; ${SCALED}; z = mul(x, x); ` +
  `select(lt(w, k(1)), fma(x, ${horner('z', f.ndtr)}, k(0.5)), select(lt(x, k(0)), u, sub(k(1), u)))`;

// erfinv(x)/x as a function of w = -log(1 - x²); where w is large, of √w.
const ERFINV = 'w = neg(log(mul(sub(k(1), x), add(k(1), x))))';
const bounded = (ratio: string, infinity: string) => `select(eq(abs(x), k(1)), mul(x, ${infinity}), mul(x, ${ratio}))`;

const written = (name: string, doc: string, text: (f: Family) => string): MathFunction => ({
  name,
  args: ['x'],
  f32: text(SINGLES),
  f64: text(DOUBLES),
  doc,
  source: 'Shepherd and Laframboise (1981), Math. Comp. 36, for the tails; coefficients by tools/gen/fit.',
});

export const special: readonly MathFunction[] = [
  written('erfc', 'The complementary error function.', erfc),
  written('erf', 'The error function; no step of a float32 lets it fall.', erf),
  written('gaussian', 'exp(-x²/2).', gaussian),
  written('ndtr', 'The normal distribution function Φ.', ndtr),
  {
    name: 'erfinv',
    args: ['x'],
    f32:
      `${ERFINV}; v = sub(w, k(2.5)); s = sub(sqrt(w), k(3.25)); near = ${horner('v', fitted.ERFINV_NEAR_32)}; ` +
      bounded(`select(lt(w, k(5)), near, ${horner('s', fitted.ERFINV_FAR_32)})`, INFINITY_32),
    f64:
      `${ERFINV}; v = sub(w, k(3.125)); q = sqrt(w); s = sub(q, k(3.25)); u = sub(q, k(5.05)); ` +
      `near = ${horner('v', fitted.ERFINV_NEAR_64)}; ` +
      `far = select(lt(q, k(4)), ${horner('s', fitted.ERFINV_FAR_64)}, ${horner('u', fitted.ERFINV_FARTHEST_64)}); ` +
      bounded('select(lt(w, k(6.25)), near, far)', INFINITY_64),
    doc: 'The inverse of the error function.',
    source: 'M. Giles (2011), Approximating the erfinv function; coefficients by tools/gen/fit.',
  },
];
