/**
 * Elementwise ops of one input, apart from the activations: arithmetic, rounding, transcendental
 * functions, tests. Names and edge values are PyTorch's; so are the derivatives at kinks (abs'(0) = 0).
 * What the functions compute lane by lane is in `../math.ts`; `../formula.ts` explains a row.
 */
import type { ElementwiseRow } from '../formula.ts';
import { horner } from '../math/build.ts';

type Row = Omit<ElementwiseRow, 'kind' | 'arity'>;

const INFINITE = 'div(k(1), k(0))';

/**
 * p = 1 - x², as the product (1 - x)(1 + x) where the square would cancel. At ±1 itself as the difference again: what a derivative of
 * p brings back there is infinite, and the product rule would multiply it with the factor that is zero.
 */
const ONE_MINUS_SQUARE =
  'a = abs(x); p = select(either(lt(a, k(0.5)), eq(a, k(1))), sub(k(1), mul(x, x)), mul(sub(k(1), x), add(k(1), x)))';

const ARITHMETIC: readonly Row[] = [
  {
    name: 'abs',
    doc: 'Absolute value.',
    dtypes: 'number',
    f: 'abs(x)',
    vjp: ['mul(g, sign(x))'],
    domain: { ranges: [[-10, 10]], kinks: [0] },
  },
  {
    name: 'neg',
    doc: 'Negation.',
    dtypes: 'number',
    f: 'neg(x)',
    vjp: ['neg(g)'],
    domain: { ranges: [[-10, 10]] },
  },
  {
    name: 'positive',
    doc: 'The input itself, copied.',
    dtypes: 'number',
    f: 'x',
    vjp: ['g'],
    domain: { ranges: [[-10, 10]] },
  },
  {
    name: 'sign',
    doc: 'Minus one, zero or one; zero for NaN.',
    dtypes: 'number',
    f: 'sign(x)',
    int: 'select(gt(x, k(0)), k(1), select(lt(x, k(0)), k(-1), k(0)))',
    vjp: 'zero',
    domain: { ranges: [[-10, 10]], kinks: [0] },
  },
  {
    name: 'square',
    doc: 'The product of the input with itself.',
    dtypes: 'number',
    f: 'mul(x, x)',
    vjp: ['mul(g, add(x, x))'],
    domain: { ranges: [[-10, 10]] },
  },
  {
    name: 'sqrt',
    doc: 'Square root; NaN for negative input.',
    dtypes: 'float',
    f: 'sqrt(x)',
    vjp: ['div(g, add(r, r))'],
    domain: { ranges: [[0.01, 10]] },
  },
  {
    name: 'rsqrt',
    doc: 'Reciprocal of the square root.',
    dtypes: 'float',
    f: 'div(k(1), sqrt(x))',
    vjp: ['mul(mul(mul(k(-0.5), g), r), mul(r, r))'],
    domain: { ranges: [[0.01, 10]] },
    ulp: [2, 2],
  },
  {
    name: 'reciprocal',
    doc: 'One divided by the input.',
    dtypes: 'float',
    f: 'div(k(1), x)',
    vjp: ['neg(mul(g, mul(r, r)))'],
    domain: { ranges: [[0.1, 10]] },
  },
  {
    name: 'frac',
    doc: 'The fractional part, with the sign of the input.',
    dtypes: 'float',
    f: 'sub(x, trunc(x))',
    vjp: ['g'],
    domain: { ranges: [[0.05, 0.95]] },
  },
  {
    name: 'deg2rad',
    doc: 'Degrees to radians.',
    dtypes: 'float',
    f: 'mul(x, k(0.017453292519943295))',
    vjp: ['mul(g, k(0.017453292519943295))'],
    domain: { ranges: [[-360, 360]] },
    ulp: [2, 1],
  },
  {
    name: 'rad2deg',
    doc: 'Radians to degrees.',
    dtypes: 'float',
    f: 'mul(x, k(57.29577951308232))',
    vjp: ['mul(g, k(57.29577951308232))'],
    domain: { ranges: [[-7, 7]] },
    ulp: [2, 1],
  },
];

/** Where some rounding op jumps. */
const JUMPS = Array.from({ length: 21 }, (_, i) => (i - 10) / 2);

const ROUNDING: readonly Row[] = (
  [
    ['floor', 'Largest integer that is not greater.', 'floor(x)'],
    ['ceil', 'Smallest integer that is not less.', 'ceil(x)'],
    ['round', 'Nearest integer; halves go to the even one.', 'rint(x)'],
    ['trunc', 'The integer part.', 'trunc(x)'],
  ] as const
).map(([name, doc, f]) => ({
  name,
  doc,
  dtypes: 'number',
  f,
  int: 'x',
  vjp: 'zero',
  domain: { ranges: [[-5, 5]], kinks: JUMPS },
  // Takes the number of decimals, too.
  ...(name === 'round' ? { family: 'arithmetic' } : {}),
}));

const EXPONENTIAL: readonly Row[] = [
  {
    name: 'exp',
    doc: 'e to the power of the input.',
    dtypes: 'float',
    f: 'exp(x)',
    vjp: ['mul(g, r)'],
    domain: { ranges: [[-10, 10]] },
    ulp: [2, 2],
  },
  {
    name: 'exp2',
    doc: 'Two to the power of the input.',
    dtypes: 'float',
    f: 'exp2(x)',
    vjp: ['mul(g, mul(r, k(0.6931471805599453)))'],
    domain: { ranges: [[-10, 10]] },
    ulp: [2, 2],
  },
  {
    name: 'expm1',
    doc: 'exp(x) - 1, accurate near zero.',
    dtypes: 'float',
    f: 'expm1(x)',
    // From x: r + 1 would lose all digits where r is close to -1.
    vjp: ['mul(g, exp(x))'],
    domain: { ranges: [[-5, 5]] },
    ulp: [3, 3],
  },
  {
    name: 'log',
    doc: 'Natural logarithm.',
    dtypes: 'float',
    f: 'log(x)',
    vjp: ['div(g, x)'],
    domain: { ranges: [[0.01, 20]] },
    ulp: [2, 2],
  },
  {
    name: 'log2',
    doc: 'Logarithm to base 2; exact for powers of two.',
    dtypes: 'float',
    f: 'log2(x)',
    vjp: ['div(mul(g, k(1.4426950408889634)), x)'],
    domain: { ranges: [[0.01, 20]] },
    ulp: [3, 3],
  },
  {
    name: 'log10',
    doc: 'Logarithm to base 10.',
    dtypes: 'float',
    f: 'log10(x)',
    vjp: ['div(mul(g, k(0.4342944819032518)), x)'],
    domain: { ranges: [[0.01, 20]] },
    ulp: [3, 3],
  },
  {
    name: 'log1p',
    doc: 'log(1 + x), accurate near zero.',
    dtypes: 'float',
    f: 'log1p(x)',
    vjp: ['div(g, add(k(1), x))'],
    domain: { ranges: [[-0.9, 20]] },
    ulp: [3, 3],
  },
];

/** The slope of sin(t)/t is -t/3 times Σ (-1)ⁿ 6(n + 1)/(2n + 3)! t²ⁿ. */
const SINC_SLOPE: readonly number[] = Array.from({ length: 11 }, (_, n) => {
  let term = (n % 2 === 0 ? 6 : -6) * (n + 1);
  for (let i = 2; i <= 2 * n + 3; i++) term /= i;
  return term;
});

const TRIGONOMETRIC: readonly Row[] = [
  {
    name: 'sin',
    doc: 'Sine of an angle in radians.',
    dtypes: 'float',
    f: 'sin(x)',
    vjp: ['mul(g, cos(x))'],
    domain: { ranges: [[-10, 10]] },
    ulp: [2, 2],
  },
  {
    name: 'cos',
    doc: 'Cosine of an angle in radians.',
    dtypes: 'float',
    f: 'cos(x)',
    vjp: ['neg(mul(g, sin(x)))'],
    domain: { ranges: [[-10, 10]] },
    ulp: [2, 2],
  },
  {
    name: 'tan',
    doc: 'Tangent of an angle in radians.',
    dtypes: 'float',
    f: 'tan(x)',
    vjp: ['fma(mul(g, r), r, g)'],
    domain: { ranges: [[-1.2, 1.2]] },
    ulp: [4, 4],
  },
  {
    name: 'asin',
    doc: 'Inverse sine, between -π/2 and π/2; NaN outside [-1, 1].',
    dtypes: 'float',
    f: 'asin(x)',
    // Infinite at ±1, and so is the second derivative, with the sign of x.
    vjp: [`${ONE_MINUS_SQUARE}; div(g, sqrt(p))`],
    domain: { ranges: [[-0.95, 0.95]] },
    ulp: [3, 3],
  },
  {
    name: 'acos',
    doc: 'Inverse cosine, between 0 and π; NaN outside [-1, 1].',
    dtypes: 'float',
    f: 'acos(x)',
    vjp: [`${ONE_MINUS_SQUARE}; neg(div(g, sqrt(p)))`],
    domain: { ranges: [[-0.95, 0.95]] },
    ulp: [3, 3],
  },
  {
    name: 'atan',
    doc: 'Inverse tangent, between -π/2 and π/2.',
    dtypes: 'float',
    f: 'atan(x)',
    vjp: ['div(g, fma(x, x, k(1)))'],
    domain: { ranges: [[-10, 10]] },
    ulp: [3, 3],
  },
  {
    name: 'sinc',
    doc: 'sin(πx) / (πx), one at zero.',
    dtypes: 'float',
    // sin(πx) = ±sin(π(x - n)), and x - n is exact, so that no digits are lost near the zeros.
    f:
      'n = rint(x); h = mul(n, k(0.5)); s = sin(mul(sub(x, n), k(3.141592653589793))); ' +
      'q = div(s, mul(x, k(3.141592653589793))); ' +
      'select(eq(x, k(0)), k(1), select(ne(floor(h), h), neg(q), q))',
    // Near zero cos(πx) and the result cancel, and the series takes over: 0 at 0, with the second derivative -π²/3. Each
    // branch gets an x that does it no harm where it is not taken, for the sake of second derivatives.
    vjp: [
      'near = lt(abs(x), k(0.5)); u = select(near, x, k(0)); t = mul(u, k(3.141592653589793)); z = mul(t, t); ' +
        `series = mul(mul(u, k(-3.289868133696453)), ${horner('z', SINC_SLOPE)}); ` +
        // cos(πx) = cos(π(x - 2n)), and x - 2n is exact.
        'c = cos(mul(fma(k(-2), rint(mul(x, k(0.5))), x), k(3.141592653589793))); ' +
        'mul(g, select(near, series, div(sub(c, r), select(near, k(1), x))))',
    ],
    domain: { ranges: [[-3, 3]] },
    ulp: [4, 4],
  },
];

const HYPERBOLIC: readonly Row[] = [
  {
    name: 'sinh',
    doc: 'Hyperbolic sine.',
    dtypes: 'float',
    f: 'sinh(x)',
    vjp: ['mul(g, cosh(x))'],
    domain: { ranges: [[-5, 5]] },
    ulp: [4, 4],
  },
  {
    name: 'cosh',
    doc: 'Hyperbolic cosine.',
    dtypes: 'float',
    f: 'cosh(x)',
    vjp: ['mul(g, sinh(x))'],
    domain: { ranges: [[-5, 5]] },
    ulp: [4, 4],
  },
  {
    name: 'tanh',
    doc: 'Hyperbolic tangent.',
    dtypes: 'float',
    f: 'tanh(x)',
    // Where r nears ±1, 1 - r² has no digits left, and 4e/(1 + e)² takes over.
    vjp: [
      'e = exp(mul(k(-2), abs(x))); d = add(k(1), e); ' +
        'mul(g, select(lt(abs(x), k(0.5)), fma(neg(r), r, k(1)), div(mul(k(4), e), mul(d, d))))',
    ],
    domain: { ranges: [[-5, 5]] },
    ulp: [4, 4],
  },
  {
    name: 'asinh',
    doc: 'Inverse hyperbolic sine.',
    dtypes: 'float',
    f: 'asinh(x)',
    vjp: ['div(g, hypot(x, k(1)))'],
    domain: { ranges: [[-10, 10]] },
    ulp: [4, 4],
  },
  {
    name: 'acosh',
    doc: 'Inverse hyperbolic cosine; NaN below 1.',
    dtypes: 'float',
    f: 'acosh(x)',
    // Infinite at 1, and -∞ the second derivative, for which x² - 1 is the difference there (as in asin). Beyond 2 two roots, as
    // the product of their radicands would overflow first.
    vjp: [
      'near = lt(x, k(2)); s = select(near, x, k(2)); l = select(near, k(2), x); ' +
        'p = select(eq(s, k(1)), sub(mul(s, s), k(1)), mul(sub(s, k(1)), add(s, k(1)))); ' +
        'div(g, select(near, sqrt(p), mul(sqrt(sub(l, k(1))), sqrt(add(l, k(1))))))',
    ],
    domain: { ranges: [[1.05, 10]] },
    ulp: [4, 4],
  },
  {
    name: 'atanh',
    doc: 'Inverse hyperbolic tangent; NaN outside [-1, 1].',
    dtypes: 'float',
    f: 'atanh(x)',
    vjp: [`${ONE_MINUS_SQUARE}; div(g, p)`],
    domain: { ranges: [[-0.95, 0.95]] },
    ulp: [4, 4],
  },
];

const SPECIAL: readonly Row[] = [
  {
    name: 'erf',
    doc: 'The error function.',
    dtypes: 'float',
    f: 'erf(x)',
    vjp: ['b = gaussian(x); mul(g, mul(k(1.1283791670955126), mul(b, b)))'],
    domain: { ranges: [[-5, 5]] },
    ulp: [2, 2],
  },
  {
    name: 'erfc',
    doc: '1 - erf(x), accurate for large input.',
    dtypes: 'float',
    f: 'erfc(x)',
    vjp: ['b = gaussian(x); mul(g, mul(k(-1.1283791670955126), mul(b, b)))'],
    domain: { ranges: [[-3, 9]] },
    ulp: [4, 5],
  },
  {
    name: 'erfinv',
    doc: 'The inverse of the error function on (-1, 1).',
    dtypes: 'float',
    f: 'erfinv(x)',
    vjp: ['mul(g, mul(k(0.886226925452758), exp(mul(r, r))))'],
    domain: { ranges: [[-0.95, 0.95]] },
    ulp: [8, 8],
  },
  {
    name: 'sigmoid',
    doc: 'The logistic function 1 / (1 + exp(-x)).',
    dtypes: 'float',
    f: 'sigmoid(x)',
    // Where r nears 1, 1 - r has no digits left.
    vjp: ['mul(g, mul(r, sigmoid(neg(x))))'],
    domain: { ranges: [[-8, 8]] },
    ulp: [4, 4],
  },
  {
    name: 'logit',
    doc: 'log(x / (1 - x)), the inverse of sigmoid; NaN outside [0, 1].',
    dtypes: 'float',
    // Around one half the quotient is close to one and log would cancel.
    f: 'u = sub(k(1), x); select(lt(x, k(0.25)), log(div(x, u)), log1p(div(sub(add(x, x), k(1)), u)))',
    // 1/x + 1/(1 - x), infinite at both ends; NaN outside of [0, 1], where the function is.
    vjp: [
      'inside = invert(either(lt(x, k(0)), gt(x, k(1)))); one = select(inside, k(1), k(0)); ' +
        'select(inside, add(div(g, x), div(g, sub(k(1), x))), div(one, one))',
    ],
    domain: { ranges: [[0.02, 0.98]] },
    ulp: [4, 4],
    family: 'arithmetic',
  },
];

const TESTS: readonly Row[] = (
  [
    ['isnan', 'Whether an element is not a number.', 'ne(x, x)', undefined],
    ['isinf', 'Whether an element is infinite.', `eq(abs(x), ${INFINITE})`, 'ne(x, x)'],
    ['isfinite', 'Whether an element is neither infinite nor NaN.', `lt(abs(x), ${INFINITE})`, 'eq(x, x)'],
    ['isposinf', 'Whether an element is +∞.', `eq(x, ${INFINITE})`, 'ne(x, x)'],
    ['isneginf', 'Whether an element is -∞.', `eq(x, neg(${INFINITE}))`, 'ne(x, x)'],
    ['signbit', 'Whether the sign bit is set, as it is for -0.', 'lt(copysign(k(1), x), k(0))', 'lt(x, k(0))'],
    ['logicalNot', 'Whether an element is zero.', 'eq(x, k(0))', undefined],
  ] as const
).map(([name, doc, f, int]) => ({
  name,
  doc,
  dtypes: 'any',
  f,
  ...(int === undefined ? {} : { int }),
  test: true,
  vjp: 'zero',
  domain: { ranges: [[-3, 3]] },
}));

/** Every unary op that is not an activation. */
export const unary: readonly ElementwiseRow[] = [
  ...ARITHMETIC,
  ...ROUNDING,
  ...EXPONENTIAL,
  ...TRIGONOMETRIC,
  ...HYPERBOLIC,
  ...SPECIAL,
  ...TESTS,
].map((row) => ({ kind: 'elementwise', arity: 1, ...row }));
