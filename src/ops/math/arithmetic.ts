/** Functions that need no approximation. */
import { INFINITY_32, INFINITY_64, type MathFunction, productError, SPLITTER_32, SPLITTER_64 } from './build.ts';

const SIGN = 'select(gt(x, k(0)), k(1), select(lt(x, k(0)), k(-1), k(0)))';

// The greater factor is taken out of the root, so that nothing overflows. An infinity beats NaN.
const hypot = (infinity: string) =>
  'a = abs(x); b = abs(y); m = max(a, b); q = div(min(a, b), m); ' +
  `v = select(eq(m, k(0)), m, mul(m, sqrt(fma(q, q, k(1))))); infinite = ${infinity}; ` +
  'select(either(eq(a, infinite), eq(b, infinite)), infinite, v)';

// While the quotient is a number of this precision, the exact one differs from the rounded one by at most
// one, and the product of the latter with the divisor is known exactly; so is the remainder. Divisors
// above `high` are scaled, lest splitting them overflow. Beyond that the C library divides bit by bit.
const fmod = (high: number, splitter: number) =>
  `scale = select(gt(abs(y), k(${high})), k(${2 ** -33}), k(1)); a = mul(abs(x), scale); b = mul(abs(y), scale); ` +
  `q = trunc(div(a, b)); p = mul(q, b); ${productError('q', 'b', 'p', splitter)}; first = sub(sub(a, p), pError); ` +
  'second = select(lt(first, k(0)), add(first, b), first); third = select(ge(second, b), sub(second, b), second); ' +
  'select(lt(a, b), x, copysign(div(third, scale), x))';
/** Where the quotient is not. A product that overflows says no, rightly: x is not that large. */
const largeQuotient = (limit: number) => `ge(abs(x), mul(abs(y), k(${limit})))`;

export const arithmetic: readonly MathFunction[] = [
  { name: 'sign', args: ['x'], f32: SIGN, f64: SIGN, doc: 'Minus one, zero or one; zero for NaN.', source: '' },
  {
    name: 'hypot',
    args: ['x', 'y'],
    f32: hypot(INFINITY_32),
    f64: hypot(INFINITY_64),
    doc: 'The length of the vector (x, y).',
    source: '',
  },
  {
    name: 'fmod',
    args: ['x', 'y'],
    f32: fmod(1e30, SPLITTER_32),
    f64: fmod(1e290, SPLITTER_64),
    large: { when: { f32: largeQuotient(2 ** 24), f64: largeQuotient(2 ** 53) }, slow: 'fmodlarge(x, y)' },
    doc: 'The remainder of x by y with the sign of x, exact.',
    source: 'Exact products after Dekker (1971), Numer. Math. 18.',
  },
];
