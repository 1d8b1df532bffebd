/**
 * The activation functions of neural networks, `torch.nn.functional` in PyTorch. Where the slope
 * jumps the derivative is PyTorch's choice: zero at 0 for relu, zero at both bounds for hardtanh.
 * `../formula.ts` explains a row.
 */
import type { ElementwiseRow } from '../formula.ts';

/** x · sigmoid(u) for a u that has the sign of x; see sigmoid in ../math/exponential.ts. */
const timesSigmoid = (u: string) => `e = exp(neg(abs(${u}))); div(select(lt(x, k(0)), mul(x, e), x), add(k(1), e))`;

/**
 * x where it is negative. What elu and its kin have for a slope is exp of that: their result plus α has no digits left. At 0 it is a
 * constant: the second derivative there is 0, that from the right, as in PyTorch.
 */
const NEGATIVE = 'c = select(ge(x, k(0)), k(0), x)';

// Klambauer et al. (2017), Self-Normalizing Neural Networks. The slope at zero from below is α · scale.
const SELU_ALPHA = '1.6732632423543772';
const SELU_SCALE = '1.0507009873554805';
const SELU_SLOPE = '1.7580993408473766';

// Hendrycks and Gimpel (2016), Gaussian Error Linear Units. The tanh form is x · sigmoid(2u) with
// u = √(2/π)(x + 0.044715x³), which does not cancel for negative x.
const geluTwiceU = (x: string) => `mul(${x}, fma(mul(${x}, ${x}), k(0.07135481627260025), k(1.5957691216057308)))`;
const geluTwiceSlope = (x: string) => `fma(mul(${x}, ${x}), k(0.21406444881780075), k(1.5957691216057308))`;

const ROWS: readonly Omit<ElementwiseRow, 'kind' | 'arity' | 'dtypes'>[] = [
  {
    name: 'relu6',
    doc: 'min(max(x, 0), 6).',
    f: 'min(max(x, k(0)), k(6))',
    vjp: ['select(either(le(x, k(0)), ge(x, k(6))), k(0), g)'],
    domain: { ranges: [[-3, 9]], kinks: [0, 6] },
  },
  {
    name: 'leakyRelu',
    doc: 'The input where positive, `negativeSlope` times the input elsewhere.',
    f: 'select(gt(x, k(0)), x, mul(x, negativeSlope))',
    params: { negativeSlope: 0.01 },
    vjp: ['select(gt(x, k(0)), g, mul(g, negativeSlope))'],
    domain: { ranges: [[-3, 3]], kinks: [0] },
    ulp: [2, 1],
  },
  {
    name: 'elu',
    doc: 'The input where positive, `alpha` · (exp(x) - 1) elsewhere.',
    f: 'select(gt(x, k(0)), x, mul(alpha, expm1(x)))',
    params: { alpha: 1 },
    vjp: [`${NEGATIVE}; select(gt(x, k(0)), g, mul(g, mul(alpha, exp(c))))`],
    domain: { ranges: [[-4, 3]], kinks: [0] },
    ulp: [4, 4],
  },
  {
    name: 'selu',
    doc: 'elu scaled so that layers keep mean 0 and variance 1.',
    f: `mul(k(${SELU_SCALE}), select(gt(x, k(0)), x, mul(k(${SELU_ALPHA}), expm1(x))))`,
    vjp: [`${NEGATIVE}; mul(g, select(gt(x, k(0)), k(${SELU_SCALE}), mul(k(${SELU_SLOPE}), exp(c))))`],
    domain: { ranges: [[-4, 3]], kinks: [0] },
    ulp: [6, 6],
  },
  {
    name: 'celu',
    doc: 'The input where positive, `alpha` · (exp(x / alpha) - 1) elsewhere.',
    f: 'select(gt(x, k(0)), x, mul(alpha, expm1(div(x, alpha))))',
    params: { alpha: 1 },
    vjp: [`${NEGATIVE}; select(gt(x, k(0)), g, mul(g, exp(div(c, alpha))))`],
    domain: { ranges: [[-4, 3]], kinks: [0] },
    ulp: [4, 4],
  },
  {
    name: 'gelu',
    doc: 'x · Φ(x), Φ being the normal distribution function.',
    f: 'mul(x, ndtr(x))',
    vjp: ['mul(g, fma(mul(x, k(0.3989422804014327)), gaussian(x), ndtr(x)))'],
    domain: { ranges: [[-12, 4]] },
    ulp: [5, 5],
    family: 'arithmetic',
  },
  {
    name: 'geluTanh',
    doc: 'gelu approximated by way of tanh.',
    f: `u = ${geluTwiceU('x')}; ${timesSigmoid('u')}`,
    // Beyond ±30 the slope is 1 and 0 to all digits, long before x³ overflows and makes it 0 · ∞.
    vjp: [
      `c = max(min(x, k(30)), k(-30)); s = sigmoid(${geluTwiceU('c')}); ` +
        `mul(g, mul(s, fma(mul(c, sub(k(1), s)), ${geluTwiceSlope('c')}, k(1))))`,
    ],
    domain: { ranges: [[-2, 4]] },
    ulp: [8, 8],
  },
  {
    name: 'silu',
    doc: 'x · sigmoid(x), also called swish.',
    f: timesSigmoid('x'),
    // From 40 on 1 - s is 0 in both precisions, also times infinity.
    vjp: ['s = sigmoid(x); mul(g, mul(s, fma(min(x, k(40)), sub(k(1), s), k(1))))'],
    domain: { ranges: [[-6, 6]] },
    ulp: [4, 4],
  },
  {
    name: 'mish',
    doc: 'x · tanh(softplus(x)).',
    // tanh(log(1 + e)) = n / (n + 2) with n = e² + 2e; it is 1 in both precisions from x = 20 on.
    f: 'e = exp(min(x, k(20))); n = mul(e, add(e, k(2))); mul(x, div(n, add(n, k(2))))',
    vjp: [
      'c = min(x, k(20)); e = exp(c); n = mul(e, add(e, k(2))); t = div(n, add(n, k(2))); ' +
        'mul(g, fma(mul(c, div(e, add(k(1), e))), fma(neg(t), t, k(1)), t))',
    ],
    domain: { ranges: [[-6, 6]] },
    ulp: [6, 6],
  },
  {
    name: 'softplus',
    doc: 'log(1 + exp(`beta` · x)) / `beta`; the input itself where `beta` · x exceeds `threshold`.',
    f: 't = mul(x, beta); select(gt(t, threshold), x, div(log1p(exp(t)), beta))',
    params: { beta: 1, threshold: 20 },
    // At the threshold itself the slope counts as constant, as in PyTorch.
    vjp: ['t = mul(x, beta); select(gt(t, threshold), g, mul(g, sigmoid(select(ge(t, threshold), threshold, t))))'],
    domain: { ranges: [[-8, 8]] },
    ulp: [4, 4],
  },
  {
    name: 'logsigmoid',
    doc: 'log(sigmoid(x)) without overflow.',
    f: 'sub(min(x, k(0)), log1p(exp(neg(abs(x)))))',
    vjp: ['mul(g, sigmoid(neg(x)))'],
    domain: { ranges: [[-8, 8]] },
    ulp: [4, 4],
  },
  {
    name: 'hardtanh',
    doc: 'The input limited to [`minVal`, `maxVal`].',
    f: 'min(max(x, minVal), maxVal)',
    params: { minVal: -1, maxVal: 1 },
    vjp: ['select(either(le(x, minVal), ge(x, maxVal)), k(0), g)'],
    domain: { ranges: [[-3, 3]], kinks: [-1, 1] },
  },
  {
    name: 'hardsigmoid',
    doc: 'min(max(x + 3, 0), 6) / 6.',
    f: 'div(min(max(add(x, k(3)), k(0)), k(6)), k(6))',
    vjp: ['select(both(gt(x, k(-3)), lt(x, k(3))), div(g, k(6)), k(0))'],
    domain: { ranges: [[-2.5, 5]], kinks: [3] },
    ulp: [2, 2],
  },
  {
    name: 'hardswish',
    doc: 'x · hardsigmoid(x).',
    f: 'mul(x, div(min(max(add(x, k(3)), k(0)), k(6)), k(6)))',
    // At both kinks the slope from the right, as PyTorch's vectorised kernels have it: -0.5 at -3, and 1 at 3; it counts as
    // constant there.
    vjp: [
      'c = select(le(x, k(-3)), k(-3), x); ' +
        'select(lt(x, k(-3)), k(0), select(lt(x, k(3)), mul(g, add(div(c, k(3)), k(0.5))), g))',
    ],
    domain: { ranges: [[-2.5, 5]], kinks: [3] },
    ulp: [2, 2],
  },
  {
    name: 'hardshrink',
    doc: 'Zero within [-`lambd`, `lambd`], the input elsewhere.',
    f: 'select(le(abs(x), lambd), k(0), x)',
    params: { lambd: 0.5 },
    vjp: ['select(le(abs(x), lambd), k(0), g)'],
    domain: { ranges: [[-2, 2]], kinks: [-0.5, 0.5] },
  },
  {
    name: 'softshrink',
    doc: 'The input moved towards zero by `lambd`, zero within [-`lambd`, `lambd`].',
    // The last product is zero, but NaN for NaN.
    f: 'select(gt(x, lambd), sub(x, lambd), select(lt(x, neg(lambd)), add(x, lambd), mul(x, k(0))))',
    params: { lambd: 0.5 },
    vjp: ['select(le(abs(x), lambd), k(0), g)'],
    domain: { ranges: [[-2, 2]], kinks: [-0.5, 0.5] },
  },
  {
    name: 'tanhshrink',
    doc: 'x - tanh(x).',
    f: 'sub(x, tanh(x))',
    vjp: ['t = tanh(x); mul(g, mul(t, t))'],
    domain: { ranges: [[1, 5]] },
    ulp: [8, 8],
  },
  {
    name: 'softsign',
    doc: 'x / (1 + |x|).',
    f: 'div(x, add(k(1), abs(x)))',
    vjp: ['d = add(k(1), abs(x)); div(g, mul(d, d))'],
    domain: { ranges: [[-5, 5]] },
    ulp: [2, 2],
  },
  {
    name: 'threshold',
    doc: '`value` where the input is at most `threshold`, the input elsewhere.',
    f: 'select(le(x, threshold), value, x)',
    params: { threshold: undefined, value: undefined },
    vjp: ['select(le(x, threshold), k(0), g)'],
    domain: { ranges: [[-2, 2]], kinks: [0.5] },
  },
];

/** Every activation. */
export const activations: readonly ElementwiseRow[] = [
  {
    kind: 'elementwise',
    name: 'relu',
    doc: 'max(x, 0).',
    arity: 1,
    dtypes: 'number',
    f: 'max(x, k(0))',
    vjp: ['select(le(r, k(0)), k(0), g)'],
    domain: { ranges: [[-3, 3]], kinks: [0] },
  },
  ...ROWS.map((row): ElementwiseRow => ({ kind: 'elementwise', arity: 1, dtypes: 'float', ...row, method: false })),
];
