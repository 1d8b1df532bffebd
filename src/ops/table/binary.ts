/**
 * Elementwise ops of two and three inputs: arithmetic, division in its variants, comparisons.
 * Edge values and the treatment of ties are PyTorch's. Shapes are broadcast before a row is applied;
 * `../formula.ts` explains a row.
 */
import type { ElementwiseRow } from '../formula.ts';

type Row = Omit<ElementwiseRow, 'kind' | 'arity'>;

const INFINITE = 'div(k(1), k(0))';
/** The remainder m has another sign than the divisor y. */
const OPPOSITE = 'both(ne(m, k(0)), ne(copysign(k(1), m), copysign(k(1), y)))';

/** What an operand gets of the gradient: all, half on a tie, nothing where the other one won. */
const shared = (lost: string) => `select(${lost}, k(0), select(eq(x, y), mul(g, k(0.5)), g))`;

const ARITHMETIC: readonly Row[] = [
  {
    name: 'add',
    doc: 'Sum.',
    dtypes: 'any',
    f: 'add(x, y)',
    vjp: ['g', 'g'],
    domain: { ranges: [[-10, 10]] },
    family: 'arithmetic',
  },
  {
    name: 'sub',
    doc: 'Difference.',
    dtypes: 'number',
    f: 'sub(x, y)',
    vjp: ['g', 'neg(g)'],
    domain: { ranges: [[-10, 10]] },
    family: 'arithmetic',
  },
  {
    name: 'mul',
    doc: 'Product.',
    dtypes: 'any',
    f: 'mul(x, y)',
    vjp: ['mul(g, y)', 'mul(g, x)'],
    domain: { ranges: [[-10, 10]] },
  },
  {
    name: 'div',
    doc: 'Quotient; integers give float32.',
    dtypes: 'float',
    f: 'div(x, y)',
    vjp: ['div(g, y)', 'neg(mul(g, div(r, y)))'],
    domain: {
      ranges: [
        [-10, 10],
        [0.5, 10],
      ],
    },
    family: 'arithmetic',
  },
  {
    name: 'pow',
    doc: 'x to the power of y. Integers to integer powers stay integers and wrap.',
    dtypes: 'number',
    f: 'pow(x, y)',
    vjp: [
      // x⁰ is 1 for every x, so its derivative is 0 even where y · xʸ⁻¹ is 0 · ∞: at 0, so near to it that 1/x overflows, and at
      // NaN. Elsewhere the product is 0 by itself, and has the derivative 1/x by y.
      'unit = both(eq(y, k(0)), ne(mul(k(0), div(k(1), x)), k(0))); ' +
        'select(unit, k(0), mul(g, mul(y, pow(select(unit, k(1), x), sub(y, k(1))))))',
      // 0ʸ is 0 for every y > 0, and so is its derivative; PyTorch takes 0 at y = 0 as well, from where it jumps.
      'flat = both(eq(x, k(0)), ge(y, k(0))); mul(g, mul(r, log(select(flat, k(1), x))))',
    ],
    domain: {
      ranges: [
        [0.2, 3],
        [-3, 3],
      ],
    },
    ulp: [2, 2],
    family: 'arithmetic',
  },
  {
    name: 'maximum',
    doc: 'The greater of two; NaN if either is. Equal operands share the gradient.',
    dtypes: 'any',
    f: 'max(x, y)',
    vjp: [shared('lt(x, y)'), shared('gt(x, y)')],
    domain: { ranges: [[-10, 10]] },
  },
  {
    name: 'minimum',
    doc: 'The lesser of two; NaN if either is. Equal operands share the gradient.',
    dtypes: 'any',
    f: 'min(x, y)',
    vjp: [shared('gt(x, y)'), shared('lt(x, y)')],
    domain: { ranges: [[-10, 10]] },
  },
  {
    name: 'fmax',
    doc: 'The greater of two; of a number and NaN, the number.',
    dtypes: 'number',
    f: 'select(either(ge(x, y), ne(y, y)), x, y)',
    vjp: ['select(either(ge(x, y), ne(y, y)), g, k(0))', 'select(either(ge(x, y), ne(y, y)), k(0), g)'],
    domain: { ranges: [[-10, 10]] },
  },
  {
    name: 'fmin',
    doc: 'The lesser of two; of a number and NaN, the number.',
    dtypes: 'number',
    f: 'select(either(le(x, y), ne(y, y)), x, y)',
    vjp: ['select(either(le(x, y), ne(y, y)), g, k(0))', 'select(either(le(x, y), ne(y, y)), k(0), g)'],
    domain: { ranges: [[-10, 10]] },
  },
  {
    name: 'copysign',
    doc: 'Magnitude of the first, sign of the second.',
    dtypes: 'float',
    f: 'copysign(x, y)',
    vjp: ['mul(g, mul(sign(x), sign(r)))', 'mul(g, k(0))'],
    domain: { ranges: [[-10, 10]], kinks: [0] },
  },
  {
    name: 'heaviside',
    doc: 'The step function: 0 below zero, 1 above, the second operand at zero.',
    dtypes: 'number',
    f: 'select(eq(x, k(0)), y, select(gt(x, k(0)), k(1), k(0)))',
    vjp: ['mul(g, k(0))', 'select(eq(x, k(0)), g, k(0))'],
    domain: { ranges: [[-3, 3]], kinks: [0] },
  },
];

const TRANSCENDENTAL: readonly Row[] = [
  {
    name: 'atan2',
    doc: 'The angle of the point (y, x), between -π and π; the ordinate comes first.',
    dtypes: 'float',
    f: 'atan2(x, y)',
    // By the length, as squares overflow and vanish.
    vjp: ['h = hypot(x, y); mul(g, div(div(y, h), h))', 'h = hypot(x, y); neg(mul(g, div(div(x, h), h)))'],
    domain: {
      ranges: [
        [-5, 5],
        [0.1, 5],
      ],
    },
    ulp: [4, 4],
  },
  {
    name: 'hypot',
    doc: 'sqrt(x² + y²) without overflow.',
    dtypes: 'float',
    f: 'hypot(x, y)',
    vjp: ['mul(g, div(x, r))', 'mul(g, div(y, r))'],
    domain: {
      ranges: [
        [-5, 5],
        [0.1, 5],
      ],
    },
    ulp: [3, 3],
  },
  {
    name: 'logaddexp',
    doc: 'log(exp(x) + exp(y)) without overflow.',
    dtypes: 'float',
    // Two equal infinities have no difference.
    f: `m = max(x, y); select(eq(abs(m), ${INFINITE}), m, add(m, log1p(exp(neg(abs(sub(x, y)))))))`,
    vjp: ['mul(g, sigmoid(sub(x, y)))', 'mul(g, sigmoid(sub(y, x)))'],
    domain: { ranges: [[0.5, 5]] },
    ulp: [4, 4],
  },
  {
    name: 'logaddexp2',
    doc: 'log2(2ˣ + 2ʸ) without overflow.',
    dtypes: 'float',
    f:
      `m = max(x, y); select(eq(abs(m), ${INFINITE}), m, ` +
      'fma(k(1.4426950408889634), log1p(exp2(neg(abs(sub(x, y))))), m))',
    vjp: [
      'mul(g, sigmoid(mul(k(0.6931471805599453), sub(x, y))))',
      'mul(g, sigmoid(mul(k(0.6931471805599453), sub(y, x))))',
    ],
    domain: { ranges: [[0.5, 5]] },
    ulp: [4, 4],
  },
  {
    name: 'xlogy',
    doc: 'x · log(y), zero where x is zero unless y is NaN.',
    dtypes: 'float',
    f: 'select(both(eq(x, k(0)), eq(y, y)), k(0), mul(x, log(y)))',
    vjp: [
      'flat = both(eq(x, k(0)), le(y, k(0))); select(flat, k(0), mul(g, log(select(flat, k(1), y))))',
      'div(mul(g, x), y)',
    ],
    domain: {
      ranges: [
        [-5, 5],
        [0.1, 5],
      ],
    },
    ulp: [4, 4],
  },
];

const DIVISION: readonly Row[] = [
  {
    name: 'floorDivide',
    doc: 'The quotient rounded towards minus infinity.',
    // As in Python: the remainder decides, so that floorDivide and remainder always agree.
    f:
      `m = fmod(x, y); d = div(sub(x, m), y); n = rint(select(${OPPOSITE}, sub(d, k(1)), d)); ` +
      'select(eq(y, k(0)), div(x, y), select(eq(n, k(0)), copysign(k(0), div(x, y)), n))',
    int: 'floordiv(x, y)',
    vjp: 'zero' as const,
  },
  {
    name: 'truncDivide',
    doc: 'The quotient rounded towards zero.',
    f: 'trunc(div(x, y))',
    int: 'truncdiv(x, y)',
    vjp: 'zero' as const,
  },
  {
    name: 'remainder',
    doc: 'The remainder of floorDivide; it has the sign of the divisor.',
    f: `m = fmod(x, y); select(${OPPOSITE}, add(m, y), m)`,
    int: 'floormod(x, y)',
    // An infinite divisor of the other sign goes into x once too often: floor(x / y) is -1, and the remainder y itself.
    vjp: [
      'g',
      'beyond = eq(mul(k(0.5), r), r); whole = both(beyond, ne(r, k(0))); ' +
        'neg(mul(g, select(whole, k(-1), rint(div(sub(x, select(whole, k(0), r)), y)))))',
    ],
  },
  {
    name: 'fmod',
    doc: 'The remainder of truncDivide; it has the sign of the dividend. Exact for every quotient.',
    f: 'fmod(x, y)',
    int: 'truncmod(x, y)',
    vjp: ['g', 'neg(mul(g, rint(div(sub(x, r), y))))'],
  },
].map((row) => ({
  ...row,
  dtypes: 'number',
  divides: true,
  // The quotient stays off the integers, where these ops jump.
  domain: {
    ranges: [
      [7.1, 7.9],
      [2.05, 2.3],
    ],
  },
}));

const TESTS: readonly Row[] = (
  [
    ['eq', 'Whether x equals y.', 'eq(x, y)'],
    ['ne', 'Whether x differs from y; true for NaN.', 'ne(x, y)'],
    ['lt', 'Whether x is less than y.', 'lt(x, y)'],
    ['le', 'Whether x is at most y.', 'le(x, y)'],
    ['gt', 'Whether x is greater than y.', 'gt(x, y)'],
    ['ge', 'Whether x is at least y.', 'ge(x, y)'],
    ['logicalAnd', 'Whether both are nonzero.', 'both(ne(x, k(0)), ne(y, k(0)))'],
    ['logicalOr', 'Whether either is nonzero.', 'either(ne(x, k(0)), ne(y, k(0)))'],
    [
      'logicalXor',
      'Whether exactly one is nonzero.',
      'a = ne(x, k(0)); b = ne(y, k(0)); both(either(a, b), invert(both(a, b)))',
    ],
  ] as const
).map(([name, doc, f]) => ({ name, doc, dtypes: 'any', f, test: true, vjp: 'zero', domain: { ranges: [[-3, 3]] } }));

/** Every op of two inputs. */
export const binary: readonly ElementwiseRow[] = [...ARITHMETIC, ...TRANSCENDENTAL, ...DIVISION, ...TESTS].map(
  (row) => ({ kind: 'elementwise', arity: 2, ...row }),
);

/** Every op of three inputs. */
export const ternary: readonly ElementwiseRow[] = [
  {
    kind: 'elementwise',
    name: 'lerp',
    doc: 'Linear interpolation: x where the weight z is 0, y where it is 1.',
    arity: 3,
    dtypes: 'float',
    // From the nearer end, so that a weight of 1 gives y exactly.
    f: 'd = sub(y, x); select(lt(z, k(0.5)), fma(z, d, x), fma(sub(z, k(1)), d, y))',
    vjp: ['mul(g, sub(k(1), z))', 'mul(g, z)', 'mul(g, sub(y, x))'],
    domain: {
      ranges: [
        [0.5, 5],
        [0.5, 5],
        [0, 1],
      ],
    },
    ulp: [4, 4],
  },
  {
    kind: 'elementwise',
    name: 'addcmul',
    doc: 'x + `value` · y · z.',
    arity: 3,
    dtypes: 'number',
    f: 'add(x, mul(value, mul(y, z)))',
    params: { value: 1 },
    vjp: ['g', 'mul(mul(g, value), z)', 'mul(mul(g, value), y)'],
    domain: { ranges: [[0.5, 5]] },
    ulp: [2, 2],
  },
  {
    kind: 'elementwise',
    name: 'addcdiv',
    doc: 'x + `value` · y / z.',
    arity: 3,
    dtypes: 'float',
    f: 'add(x, mul(value, div(y, z)))',
    params: { value: 1 },
    // Divided by z twice: z² would underflow long before the quotient overflows.
    vjp: ['g', 'div(mul(g, value), z)', 'neg(div(div(mul(mul(g, value), y), z), z))'],
    domain: { ranges: [[0.5, 5]] },
    ulp: [2, 2],
  },
];
