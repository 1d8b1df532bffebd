/**
 * What every differentiable elementwise op is, over numbers of three hundred digits. These are the textbook's definitions, written
 * without a look at the table's formulas, and they have no decimal constants but those that belong to a definition: a digit
 * that is wrong in the table cannot be wrong here too. Derivatives are difference quotients of them.
 */
import {
  abs,
  acos,
  acosh,
  add,
  asin,
  asinh,
  atan,
  atanh,
  type Big,
  big,
  compare,
  cos,
  cosh,
  div,
  erf,
  erfc,
  erfinv,
  exp,
  floor,
  HALF,
  LN2,
  log,
  magnitude,
  mul,
  neg,
  ONE,
  PI,
  pow,
  round,
  scale,
  sign,
  sin,
  sinh,
  sqrt,
  sub,
  TWO,
  tan,
  tanh,
  toNumber,
  trunc,
  ZERO,
} from './bigfloat.ts';
import { erfinv as nearErfinv } from './verbs.ts';

/** Of the inputs x, y, z and the params p, q. */
type Definition = (inputs: readonly Big[], params: readonly Big[]) => Big;
const unary =
  (f: (x: Big) => Big): Definition =>
  ([x]) =>
    f(x as Big);
const binary =
  (f: (x: Big, y: Big) => Big): Definition =>
  ([x, y]) =>
    f(x as Big, y as Big);
const withParams =
  (f: (x: Big, p: Big, q: Big) => Big): Definition =>
  ([x], [p, q]) =>
    f(x as Big, p as Big, q as Big);

const greater = (a: Big, b: Big) => (compare(a, b) > 0 ? a : b);
const lesser = (a: Big, b: Big) => (compare(a, b) < 0 ? a : b);
const square = (x: Big) => mul(x, x);
const expm1 = (x: Big) => sub(exp(x), ONE);
const sigmoid = (x: Big) => div(ONE, add(ONE, exp(neg(x))));
const softplus = (x: Big) => log(add(ONE, exp(x)));
const normal = (x: Big) => scale(erfc(neg(div(x, sqrt(TWO)))), -1);
const elu = (x: Big, alpha: Big) => (sign(x) > 0 ? x : mul(alpha, expm1(x)));
const sixth = (x: Big) => div(lesser(greater(add(x, big(3)), ZERO), big(6)), big(6));
/** Klambauer et al. (2017), Self-Normalizing Neural Networks, equation 14. */
const [SELU_ALPHA, SELU_SCALE] = (() => {
  const t = mul(erfc(sqrt(HALF)), exp(HALF));
  const spread = add(
    sub(add(scale(mul(erfc(sqrt(TWO)), exp(TWO)), 1), mul(PI, square(t))), mul(scale(add(TWO, PI), 1), t)),
    add(PI, TWO),
  );
  return [div(sqrt(div(TWO, PI)), sub(ONE, t)), div(mul(sub(ONE, t), sqrt(scale(PI, 1))), sqrt(spread))];
})();

export const definitions: Readonly<Record<string, Definition>> = {
  abs: unary(abs),
  neg: unary(neg),
  positive: unary((x) => x),
  square: unary(square),
  sqrt: unary(sqrt),
  rsqrt: unary((x) => div(ONE, sqrt(x))),
  reciprocal: unary((x) => div(ONE, x)),
  frac: unary((x) => sub(x, big(trunc(x)))),
  deg2rad: unary((x) => div(mul(x, PI), big(180))),
  rad2deg: unary((x) => div(mul(x, big(180)), PI)),
  exp: unary(exp),
  exp2: unary((x) => exp(mul(x, LN2))),
  expm1: unary(expm1),
  log: unary(log),
  log2: unary((x) => div(log(x), LN2)),
  log10: unary((x) => div(log(x), log(big(10)))),
  log1p: unary((x) => log(add(ONE, x))),
  sin: unary(sin),
  cos: unary(cos),
  tan: unary(tan),
  asin: unary(asin),
  acos: unary(acos),
  atan: unary(atan),
  sinc: unary((x) => div(sin(mul(PI, x)), mul(PI, x))),
  sinh: unary(sinh),
  cosh: unary(cosh),
  tanh: unary(tanh),
  asinh: unary(asinh),
  acosh: unary(acosh),
  atanh: unary(atanh),
  erf: unary(erf),
  erfc: unary(erfc),
  erfinv: unary((x) => erfinv(x, nearErfinv(toNumber(x)))),
  sigmoid: unary(sigmoid),
  logit: unary((x) => log(div(x, sub(ONE, x)))),

  clampMin: withParams(greater),
  clampMax: withParams(lesser),
  clamp: withParams((x, low, high) => lesser(greater(x, low), high)),

  relu: unary((x) => greater(x, ZERO)),
  relu6: unary((x) => lesser(greater(x, ZERO), big(6))),
  leakyRelu: withParams((x, slope) => (sign(x) > 0 ? x : mul(slope, x))),
  elu: withParams(elu),
  selu: unary((x) => mul(SELU_SCALE, elu(x, SELU_ALPHA))),
  celu: withParams((x, alpha) => (sign(x) > 0 ? x : mul(alpha, expm1(div(x, alpha))))),
  gelu: unary((x) => mul(x, normal(x))),
  // Hendrycks and Gimpel (2016); (1 + tanh(u))/2 is sigmoid(2u).
  geluTanh: unary((x) => {
    const u = mul(sqrt(div(TWO, PI)), add(x, div(mul(big(44715), mul(x, square(x))), big(1_000_000))));
    return mul(x, sigmoid(scale(u, 1)));
  }),
  silu: unary((x) => mul(x, sigmoid(x))),
  mish: unary((x) => mul(x, tanh(softplus(x)))),
  softplus: withParams((x, beta, threshold) =>
    compare(mul(x, beta), threshold) > 0 ? x : div(softplus(mul(x, beta)), beta),
  ),
  logsigmoid: unary((x) => neg(softplus(neg(x)))),
  hardtanh: withParams((x, low, high) => lesser(greater(x, low), high)),
  hardsigmoid: unary(sixth),
  hardswish: unary((x) => mul(x, sixth(x))),
  hardshrink: withParams((x, lambda) => (compare(abs(x), lambda) > 0 ? x : ZERO)),
  softshrink: withParams((x, lambda) =>
    compare(abs(x), lambda) > 0 ? (sign(x) > 0 ? sub(x, lambda) : add(x, lambda)) : ZERO,
  ),
  tanhshrink: unary((x) => sub(x, tanh(x))),
  softsign: unary((x) => div(x, add(ONE, abs(x)))),
  threshold: withParams((x, bound, value) => (compare(x, bound) > 0 ? x : value)),

  add: binary(add),
  sub: binary(sub),
  mul: binary(mul),
  div: binary(div),
  pow: binary(pow),
  maximum: binary(greater),
  minimum: binary(lesser),
  fmax: binary(greater),
  fmin: binary(lesser),
  copysign: binary((x, y) => (sign(y) < 0 ? neg(abs(x)) : abs(x))),
  heaviside: binary((x, y) => (sign(x) === 0 ? y : sign(x) > 0 ? ONE : ZERO)),
  // Within the right half of the plane.
  atan2: binary((x, y) => atan(div(x, y))),
  hypot: binary((x, y) => sqrt(add(square(x), square(y)))),
  logaddexp: binary((x, y) => log(add(exp(x), exp(y)))),
  logaddexp2: binary((x, y) => div(log(add(exp(mul(x, LN2)), exp(mul(y, LN2)))), LN2)),
  xlogy: binary((x, y) => mul(x, log(y))),
  remainder: binary((x, y) => sub(x, mul(y, big(floor(div(x, y)))))),
  fmod: binary((x, y) => sub(x, mul(y, big(trunc(div(x, y)))))),
  floorDivide: binary((x, y) => big(floor(div(x, y)))),
  truncDivide: binary((x, y) => big(trunc(div(x, y)))),

  lerp: ([x, y, z]) => add(x as Big, mul(z as Big, sub(y as Big, x as Big))),
  addcmul: ([x, y, z], [value]) => add(x as Big, mul(value as Big, mul(y as Big, z as Big))),
  addcdiv: ([x, y, z], [value]) => add(x as Big, mul(value as Big, div(y as Big, z as Big))),

  sign: unary((x) => big(sign(x))),
  floor: unary((x) => big(floor(x))),
  ceil: unary((x) => neg(big(floor(neg(x))))),
  round: unary((x) => big(round(x))),
  trunc: unary((x) => big(trunc(x))),
};

/** The derivative by input i, to some fifty digits. */
export function slopeOf(f: Definition, i: number, inputs: readonly Big[], params: readonly Big[]): Big {
  const x = inputs[i] as Big;
  const power = Math.max(magnitude(x), -60) - 80;
  const at = (step: Big) =>
    f(
      inputs.map((value, j) => (i === j ? add(value, step) : value)),
      params,
    );
  return scale(sub(at(scale(ONE, power)), at(scale(neg(ONE), power))), -power - 1);
}

/** |got - want| in units in the last place, as a float64, of `want` or of `floor`, if that is greater. */
export function errorOf(got: number, want: Big, floor = 0): number {
  if (!Number.isFinite(got))
    return magnitude(want) >= 1024 && got === sign(want) * Number.POSITIVE_INFINITY ? 0 : Number.POSITIVE_INFINITY;
  const last = Math.max(magnitude(want), magnitude(big(floor)), -1022) - 52;
  return toNumber(scale(abs(sub(big(got), want)), -last));
}
