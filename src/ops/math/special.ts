/** The error function, its complement, and its inverse. */
import {
  horner,
  INFINITY_32,
  INFINITY_64,
  limited,
  type MathFunction,
  productError,
  SPLITTER_32,
  SPLITTER_64,
} from './build.ts';
import * as fitted from './coefficients.ts';

// exp(-a²)·p(t)/(1 + 2a) with t = (a - center)/(a + center), which covers all a with one polynomial.
// The rounding error of a² is carried along, as exp would magnify it. Beyond `end` the result is 0.
const erfc = (coefficients: readonly number[], center: number, end: number, splitter: number) =>
  `w = abs(x); a = select(gt(w, k(${end})), k(${end}), w); t = div(sub(a, k(${center})), add(a, k(${center}))); ` +
  `s = mul(a, a); ${productError('a', 'a', 's', splitter)}; e = exp(neg(s)); ` +
  `v = mul(sub(e, mul(e, sError)), div(${horner('t', coefficients)}, fma(k(2), a, k(1)))); ` +
  'select(lt(x, k(0)), sub(k(2), v), v)';

// erfinv(x)/x as a function of w = -log(1 - x²); where w is large, of √w.
const ERFINV = 'w = neg(log(mul(sub(k(1), x), add(k(1), x))))';
const bounded = (ratio: string, infinity: string) => `select(eq(abs(x), k(1)), mul(x, ${infinity}), mul(x, ${ratio}))`;

export const special: readonly MathFunction[] = [
  {
    name: 'erfc',
    args: ['x'],
    f32: erfc(fitted.ERFC_32, 2, 10.1, SPLITTER_32),
    f64: erfc(fitted.ERFC_64, 4, 27.3, SPLITTER_64),
    doc: 'The complementary error function.',
    source: 'Shepherd and Laframboise (1981), Math. Comp. 36; coefficients by tools/gen/fit.',
  },
  {
    name: 'erf',
    args: ['x'],
    // Fitted up to 3.92, where erf rounds to 1; from there to 4.4 the quotient exceeds 1 and is cut off.
    f32:
      `c = ${limited('x', -4.4, 4.4)}; z = mul(c, c); ` +
      `v = div(mul(c, ${horner('z', fitted.ERF_32)}), ${horner('z', fitted.ERF_BELOW_32)}); ${limited('v', -1, 1)}`,
    f64:
      'a = abs(x); z = mul(x, x); ' +
      `select(lt(a, k(1)), fma(x, ${horner('z', fitted.ERF_64)}, x), copysign(sub(k(1), erfc(a)), x))`,
    doc: 'The error function.',
    source: 'A rational function as in XLA and Eigen; coefficients by tools/gen/fit.',
  },
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
