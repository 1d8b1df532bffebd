/**
 * The verbs of docs/formulas.md over vectors of four float32, and the loops that the generated
 * rows apply them with. exp, sin and the like are formulas themselves: generated/math_f32.ts.
 */
import * as loops from './loops';
import { powC } from './power';

// @ts-ignore: decorator
@inline
export function k(c: f64): v128 {
  return f32x4.splat(<f32>c);
}

// @ts-ignore: decorator
@inline
export function add(a: v128, b: v128): v128 {
  return f32x4.add(a, b);
}

// @ts-ignore: decorator
@inline
export function sub(a: v128, b: v128): v128 {
  return f32x4.sub(a, b);
}

// @ts-ignore: decorator
@inline
export function mul(a: v128, b: v128): v128 {
  return f32x4.mul(a, b);
}

// @ts-ignore: decorator
@inline
export function div(a: v128, b: v128): v128 {
  return f32x4.div(a, b);
}

/** Rounded twice: fused multiply-add is not part of base SIMD. */
// @ts-ignore: decorator
@inline
export function fma(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
export function neg(x: v128): v128 {
  return f32x4.neg(x);
}

// @ts-ignore: decorator
@inline
export function abs(x: v128): v128 {
  return f32x4.abs(x);
}

// @ts-ignore: decorator
@inline
export function sqrt(x: v128): v128 {
  return f32x4.sqrt(x);
}

// @ts-ignore: decorator
@inline
export function floor(x: v128): v128 {
  return f32x4.floor(x);
}

// @ts-ignore: decorator
@inline
export function ceil(x: v128): v128 {
  return f32x4.ceil(x);
}

// @ts-ignore: decorator
@inline
export function trunc(x: v128): v128 {
  return f32x4.trunc(x);
}

// @ts-ignore: decorator
@inline
export function rint(x: v128): v128 {
  return f32x4.nearest(x);
}

// @ts-ignore: decorator
@inline
export function min(a: v128, b: v128): v128 {
  return f32x4.min(a, b);
}

// @ts-ignore: decorator
@inline
export function max(a: v128, b: v128): v128 {
  return f32x4.max(a, b);
}

// @ts-ignore: decorator
@inline
export function copysign(a: v128, b: v128): v128 {
  return v128.bitselect(a, b, i32x4.splat(0x7fffffff));
}

// @ts-ignore: decorator
@inline
export function eq(a: v128, b: v128): v128 {
  return f32x4.eq(a, b);
}

// @ts-ignore: decorator
@inline
export function ne(a: v128, b: v128): v128 {
  return f32x4.ne(a, b);
}

// @ts-ignore: decorator
@inline
export function lt(a: v128, b: v128): v128 {
  return f32x4.lt(a, b);
}

// @ts-ignore: decorator
@inline
export function le(a: v128, b: v128): v128 {
  return f32x4.le(a, b);
}

// @ts-ignore: decorator
@inline
export function gt(a: v128, b: v128): v128 {
  return f32x4.gt(a, b);
}

// @ts-ignore: decorator
@inline
export function ge(a: v128, b: v128): v128 {
  return f32x4.ge(a, b);
}

// @ts-ignore: decorator
@inline
export function both(a: v128, b: v128): v128 {
  return v128.and(a, b);
}

// @ts-ignore: decorator
@inline
export function either(a: v128, b: v128): v128 {
  return v128.or(a, b);
}

// @ts-ignore: decorator
@inline
export function invert(m: v128): v128 {
  return v128.not(m);
}

// @ts-ignore: decorator
@inline
export function select(m: v128, a: v128, b: v128): v128 {
  return v128.bitselect(a, b, m);
}

// @ts-ignore: decorator
@inline
export function anylane(m: v128): bool {
  return v128.any_true(m);
}

/** 1.5·2^23: a sum with it holds an integer of moderate size in its lowest bits. */
const TO_BITS: f64 = 12582912.0;

/** The exponent field of the result is n plus the bias; the shift drops everything above. */
// @ts-ignore: decorator
@inline
export function exp2i(n: v128): v128 {
  return i32x4.shl(f32x4.add(n, k(TO_BITS + 127)), 23);
}

// @ts-ignore: decorator
@inline
export function exponent(x: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(x, 23), i32x4.splat(127)));
}

// @ts-ignore: decorator
@inline
export function mantissa(x: v128): v128 {
  return v128.or(v128.and(x, i32x4.splat(0x007fffff)), i32x4.splat(0x3f800000));
}

export function pow(x: v128, y: v128): v128 {
  let r = f32x4.splat(<f32>powC(f32x4.extract_lane(x, 0), f32x4.extract_lane(y, 0)));
  r = f32x4.replace_lane(r, 1, <f32>powC(f32x4.extract_lane(x, 1), f32x4.extract_lane(y, 1)));
  r = f32x4.replace_lane(r, 2, <f32>powC(f32x4.extract_lane(x, 2), f32x4.extract_lane(y, 2)));
  r = f32x4.replace_lane(r, 3, <f32>powC(f32x4.extract_lane(x, 3), f32x4.extract_lane(y, 3)));
  return r;
}

/** Exact, as every remainder of two float32 is a float32. */
export function fmodlarge(x: v128, y: v128): v128 {
  let r = f32x4.splat(<f32>NativeMath.mod(f32x4.extract_lane(x, 0), f32x4.extract_lane(y, 0)));
  r = f32x4.replace_lane(r, 1, <f32>NativeMath.mod(f32x4.extract_lane(x, 1), f32x4.extract_lane(y, 1)));
  r = f32x4.replace_lane(r, 2, <f32>NativeMath.mod(f32x4.extract_lane(x, 2), f32x4.extract_lane(y, 2)));
  r = f32x4.replace_lane(r, 3, <f32>NativeMath.mod(f32x4.extract_lane(x, 3), f32x4.extract_lane(y, 3)));
  return r;
}

export function sinlarge(x: v128): v128 {
  let r = f32x4.splat(<f32>NativeMath.sin(f32x4.extract_lane(x, 0)));
  r = f32x4.replace_lane(r, 1, <f32>NativeMath.sin(f32x4.extract_lane(x, 1)));
  r = f32x4.replace_lane(r, 2, <f32>NativeMath.sin(f32x4.extract_lane(x, 2)));
  r = f32x4.replace_lane(r, 3, <f32>NativeMath.sin(f32x4.extract_lane(x, 3)));
  return r;
}

export function coslarge(x: v128): v128 {
  let r = f32x4.splat(<f32>NativeMath.cos(f32x4.extract_lane(x, 0)));
  r = f32x4.replace_lane(r, 1, <f32>NativeMath.cos(f32x4.extract_lane(x, 1)));
  r = f32x4.replace_lane(r, 2, <f32>NativeMath.cos(f32x4.extract_lane(x, 2)));
  r = f32x4.replace_lane(r, 3, <f32>NativeMath.cos(f32x4.extract_lane(x, 3)));
  return r;
}

// @ts-ignore: decorator
@inline
export function map1<OP>(n: i32, out: usize, x: usize, p: usize): void {
  loops.map1<OP, f32>(n, out, x, p);
}

// @ts-ignore: decorator
@inline
export function map2<OP>(n: i32, out: usize, x: usize, y: usize, p: usize): void {
  loops.map2<OP, f32>(n, out, x, y, p);
}

// @ts-ignore: decorator
@inline
export function map3<OP>(n: i32, out: usize, x: usize, y: usize, z: usize, p: usize): void {
  loops.map3<OP, f32>(n, out, x, y, z, p);
}

// @ts-ignore: decorator
@inline
export function map4<OP>(n: i32, out: usize, x: usize, y: usize, z: usize, w: usize, p: usize): void {
  loops.map4<OP, f32>(n, out, x, y, z, w, p);
}

// @ts-ignore: decorator
@inline
export function test1<OP>(n: i32, out: usize, x: usize, p: usize): void {
  loops.test1<OP, f32>(n, out, x, p);
}

// @ts-ignore: decorator
@inline
export function test2<OP>(n: i32, out: usize, x: usize, y: usize, p: usize): void {
  loops.test2<OP, f32>(n, out, x, y, p);
}
