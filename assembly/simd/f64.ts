/**
 * The verbs of docs/formulas.md over vectors of two float64, and the loops that the generated
 * rows apply them with. exp, sin and the like are formulas themselves: generated/math_f64.ts.
 */
import * as loops from './loops';
import { powC } from './power';

// @ts-ignore: decorator
@inline
export function k(c: f64): v128 {
  return f64x2.splat(c);
}

// @ts-ignore: decorator
@inline
export function add(a: v128, b: v128): v128 {
  return f64x2.add(a, b);
}

// @ts-ignore: decorator
@inline
export function sub(a: v128, b: v128): v128 {
  return f64x2.sub(a, b);
}

// @ts-ignore: decorator
@inline
export function mul(a: v128, b: v128): v128 {
  return f64x2.mul(a, b);
}

// @ts-ignore: decorator
@inline
export function div(a: v128, b: v128): v128 {
  return f64x2.div(a, b);
}

/** Rounded twice: fused multiply-add is not part of base SIMD. */
// @ts-ignore: decorator
@inline
export function fma(a: v128, b: v128, c: v128): v128 {
  return f64x2.add(f64x2.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
export function neg(x: v128): v128 {
  return f64x2.neg(x);
}

// @ts-ignore: decorator
@inline
export function abs(x: v128): v128 {
  return f64x2.abs(x);
}

// @ts-ignore: decorator
@inline
export function sqrt(x: v128): v128 {
  return f64x2.sqrt(x);
}

// @ts-ignore: decorator
@inline
export function floor(x: v128): v128 {
  return f64x2.floor(x);
}

// @ts-ignore: decorator
@inline
export function ceil(x: v128): v128 {
  return f64x2.ceil(x);
}

// @ts-ignore: decorator
@inline
export function trunc(x: v128): v128 {
  return f64x2.trunc(x);
}

// @ts-ignore: decorator
@inline
export function rint(x: v128): v128 {
  return f64x2.nearest(x);
}

// @ts-ignore: decorator
@inline
export function min(a: v128, b: v128): v128 {
  return f64x2.min(a, b);
}

// @ts-ignore: decorator
@inline
export function max(a: v128, b: v128): v128 {
  return f64x2.max(a, b);
}

// @ts-ignore: decorator
@inline
export function copysign(a: v128, b: v128): v128 {
  return v128.bitselect(a, b, i64x2.splat(0x7fffffffffffffff));
}

// @ts-ignore: decorator
@inline
export function eq(a: v128, b: v128): v128 {
  return f64x2.eq(a, b);
}

// @ts-ignore: decorator
@inline
export function ne(a: v128, b: v128): v128 {
  return f64x2.ne(a, b);
}

// @ts-ignore: decorator
@inline
export function lt(a: v128, b: v128): v128 {
  return f64x2.lt(a, b);
}

// @ts-ignore: decorator
@inline
export function le(a: v128, b: v128): v128 {
  return f64x2.le(a, b);
}

// @ts-ignore: decorator
@inline
export function gt(a: v128, b: v128): v128 {
  return f64x2.gt(a, b);
}

// @ts-ignore: decorator
@inline
export function ge(a: v128, b: v128): v128 {
  return f64x2.ge(a, b);
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

/** 1.5·2^52: a sum with it holds an integer of moderate size in its lowest bits. */
const TO_BITS: f64 = 6755399441055744.0;
/** 2^52, whose lowest bits are those of an integer added to it. */
const FROM_BITS: f64 = 4503599627370496.0;

/** The exponent field of the result is n plus the bias; the shift drops everything above. */
// @ts-ignore: decorator
@inline
export function exp2i(n: v128): v128 {
  return i64x2.shl(f64x2.add(n, k(TO_BITS + 1023)), 52);
}

// @ts-ignore: decorator
@inline
export function exponent(x: v128): v128 {
  const bits = v128.or(i64x2.shr_u(x, 52), k(FROM_BITS));
  return f64x2.sub(bits, k(FROM_BITS + 1023));
}

// @ts-ignore: decorator
@inline
export function mantissa(x: v128): v128 {
  return v128.or(v128.and(x, i64x2.splat(0x000fffffffffffff)), i64x2.splat(0x3ff0000000000000));
}

export function pow(x: v128, y: v128): v128 {
  let r = f64x2.splat(powC(f64x2.extract_lane(x, 0), f64x2.extract_lane(y, 0)));
  r = f64x2.replace_lane(r, 1, powC(f64x2.extract_lane(x, 1), f64x2.extract_lane(y, 1)));
  return r;
}

export function fmodlarge(x: v128, y: v128): v128 {
  let r = f64x2.splat(NativeMath.mod(f64x2.extract_lane(x, 0), f64x2.extract_lane(y, 0)));
  r = f64x2.replace_lane(r, 1, NativeMath.mod(f64x2.extract_lane(x, 1), f64x2.extract_lane(y, 1)));
  return r;
}

export function sinlarge(x: v128): v128 {
  let r = f64x2.splat(NativeMath.sin(f64x2.extract_lane(x, 0)));
  r = f64x2.replace_lane(r, 1, NativeMath.sin(f64x2.extract_lane(x, 1)));
  return r;
}

export function coslarge(x: v128): v128 {
  let r = f64x2.splat(NativeMath.cos(f64x2.extract_lane(x, 0)));
  r = f64x2.replace_lane(r, 1, NativeMath.cos(f64x2.extract_lane(x, 1)));
  return r;
}

// @ts-ignore: decorator
@inline
export function map1<OP>(n: i32, out: usize, x: usize, p: usize): void {
  loops.map1<OP, f64>(n, out, x, p);
}

// @ts-ignore: decorator
@inline
export function map2<OP>(n: i32, out: usize, x: usize, y: usize, p: usize): void {
  loops.map2<OP, f64>(n, out, x, y, p);
}

// @ts-ignore: decorator
@inline
export function map3<OP>(n: i32, out: usize, x: usize, y: usize, z: usize, p: usize): void {
  loops.map3<OP, f64>(n, out, x, y, z, p);
}

// @ts-ignore: decorator
@inline
export function map4<OP>(n: i32, out: usize, x: usize, y: usize, z: usize, w: usize, p: usize): void {
  loops.map4<OP, f64>(n, out, x, y, z, w, p);
}

// @ts-ignore: decorator
@inline
export function test1<OP>(n: i32, out: usize, x: usize, p: usize): void {
  loops.test1<OP, f64>(n, out, x, p);
}

// @ts-ignore: decorator
@inline
export function test2<OP>(n: i32, out: usize, x: usize, y: usize, p: usize): void {
  loops.test2<OP, f64>(n, out, x, y, p);
}
