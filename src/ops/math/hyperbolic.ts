/** Hyperbolic functions, tanh apart, and their inverses, from exp and log1p and, near zero, from polynomials. */
import { horner, type MathFunction } from './build.ts';
import { SINH_32, SINH_64 } from './coefficients.ts';

// (exp(a) - exp(-a)) / 2 in terms of half = exp(a) / 2, which overflows no earlier than the result.
const sinh = (coefficients: readonly number[]) =>
  'a = abs(x); half = halfexp(a); z = mul(x, x); ' +
  `select(lt(a, k(1)), fma(mul(x, z), ${horner('z', coefficients)}, x), ` +
  'copysign(sub(half, div(k(0.25), half)), x))';

const COSH = 'half = halfexp(abs(x)); add(half, div(k(0.25), half))';

// a + (√(a² + 1) - 1) without cancellation. Beyond the limit it is 2a, and log(2a) = log(a) + ln 2.
const asinh = (limit: number) =>
  `a = abs(x); big = gt(a, k(${limit})); z = mul(a, a); ` +
  'w = select(big, a, add(a, div(z, add(k(1), sqrt(add(z, k(1))))))); ' +
  'copysign(add(log1p(w), select(big, k(0.6931471805599453), k(0))), x)';

const acosh = (limit: number) =>
  `big = gt(x, k(${limit})); t = sub(x, k(1)); ` +
  'w = select(big, x, add(t, sqrt(mul(t, add(t, k(2)))))); ' +
  'v = add(log1p(w), select(big, k(0.6931471805599453), k(0))); ' +
  'select(ge(x, k(1)), v, sqrt(k(-1)))';

const ATANH = 'a = abs(x); copysign(mul(k(0.5), log1p(div(add(a, a), sub(k(1), a)))), x)';

const written = (name: string, doc: string, source: string, f32: string, f64 = f32): MathFunction => ({
  name,
  args: ['x'],
  f32,
  f64,
  doc,
  source,
});

export const hyperbolic: readonly MathFunction[] = [
  written('sinh', 'Hyperbolic sine.', 'Coefficients by tools/gen/fit.', sinh(SINH_32), sinh(SINH_64)),
  written('cosh', 'Hyperbolic cosine.', '', COSH),
  written('asinh', 'Inverse hyperbolic sine.', 'fdlibm s_asinh.c.', asinh(1e9), asinh(1e18)),
  written('acosh', 'Inverse hyperbolic cosine.', 'fdlibm e_acosh.c.', acosh(1e9), acosh(1e18)),
  written('atanh', 'Inverse hyperbolic tangent.', 'fdlibm e_atanh.c.', ATANH),
];
