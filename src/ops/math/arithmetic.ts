/** Functions that need no approximation. */
import { INFINITY_32, INFINITY_64, type MathFunction, productError, SPLITTER_32, SPLITTER_64 } from './build.ts';

const SIGN = 'select(gt(x, k(0)), k(1), select(lt(x, k(0)), k(-1), k(0)))';

// The greater factor is taken out of the root, so that nothing overflows. An infinity beats NaN.
const hypot = (infinity: string) =>
  'a = abs(x); b = abs(y); m = max(a, b); q = div(min(a, b), m); ' +
  `v = select(eq(m, k(0)), m, mul(m, sqrt(fma(q, q, k(1))))); infinite = ${infinity}; ` +
  'select(either(eq(a, infinite), eq(b, infinite)), infinite, v)';

// The exact quotient differs from the rounded one by at most one, and the product of the latter with
// the divisor is known exactly; so is the remainder, which is a number of this precision. Divisors
// above `high` are scaled, lest splitting them overflow.
const fmod = (limit: number, high: number, infinity: string, splitter: number) =>
  `scale = select(gt(abs(y), k(${high})), k(${2 ** -33}), k(1)); a = mul(abs(x), scale); b = mul(abs(y), scale); ` +
  `q = trunc(div(a, b)); p = mul(q, b); ${productError('q', 'b', 'p', splitter)}; first = sub(sub(a, p), pError); ` +
  'second = select(lt(first, k(0)), add(first, b), first); third = select(ge(second, b), sub(second, b), second); ' +
  `lost = both(ge(q, k(${limit})), lt(q, ${infinity})); ` +
  'select(lt(a, b), x, copysign(select(lost, k(0), div(third, scale)), x))';

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
    f32: fmod(2 ** 24, 1e30, INFINITY_32, SPLITTER_32),
    f64: fmod(2 ** 53, 1e290, INFINITY_64, SPLITTER_64),
    doc: 'The remainder of x by y with the sign of x; 0 where the quotient exceeds the precision.',
    source: 'Exact products after Dekker (1971), Numer. Math. 18.',
  },
];
