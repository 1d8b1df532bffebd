/** Calculus on tensors in float64: limits, derivatives, integrals, roots, extrema. Start with `call.ts`. */
export type { Elementwise, Multivariate, Point } from './call.ts';
export { type Derivative, derivative } from './derivative.ts';
export {
  type Difference,
  type DifferenceMethod,
  type DifferenceOptions,
  difference,
  differenceQuotients,
  type NumericGradientOptions,
  numericGradient,
} from './differences.ts';
export { type Integral, type IntegrateOptions, integrate } from './integrate.ts';
export { type Bound, integrate2 } from './integrate2.ts';
export { type LagrangeOptions, type LagrangeResult, lagrange } from './lagrange.ts';
export { type Limit, type LimitOptions, limit } from './limit.ts';
export { findRoots, type RootOptions } from './roots.ts';
export { type Convexity, convexity, monotonicity, type Stretch } from './shape.ts';
export { type StationaryKind, type StationaryOptions, type StationaryPoint, stationaryPoints } from './stationary.ts';
export { TaylorPolynomial, taylor } from './taylor.ts';
export {
  type Differential,
  directionalDerivative,
  gradient,
  hessian,
  jacobian,
  laplacian,
  partial,
  totalDifferential,
} from './vector.ts';
