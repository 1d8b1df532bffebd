/**
 * The mathematical functions that formulas may call beyond the verbs, in an order in which each one
 * uses earlier ones only. `tools/gen` turns them into C++ and AssemblyScript over vectors; their accuracy
 * is tested in `test/unit/math.test.ts`. Start reading with `exp` in `math/exponential.ts`.
 */
import { arithmetic } from './math/arithmetic.ts';
import type { MathFunction } from './math/build.ts';
import { exponential } from './math/exponential.ts';
import { hyperbolic } from './math/hyperbolic.ts';
import { special } from './math/special.ts';
import { trigonometric } from './math/trigonometric.ts';

export type { MathFunction } from './math/build.ts';

export const MATH: readonly MathFunction[] = [
  ...arithmetic,
  ...exponential,
  ...trigonometric,
  ...hyperbolic,
  ...special,
];
