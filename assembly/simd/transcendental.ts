/** exp and log for generic kernels: the generated functions of math_f32 and math_f64 under one name. */
import { exp as expF32 } from '../generated/math_f32';
import { exp as expF64, log as logF64 } from '../generated/math_f64';

// @ts-ignore: decorator
@inline
export function exp<T>(x: v128): v128 {
  return sizeof<T>() == 4 ? expF32(x) : expF64(x);
}

/** The logarithm of one positive number. */
export function logOf(x: f64): f64 {
  return f64x2.extract_lane(logF64(f64x2.splat(x)), 0);
}
