/**
 * The verbs of docs/formulas.md over single integers (T is i32, i64 or u8), wrapping like C, and the
 * loops that the generated rows apply them with. Casts to T matter for u8, which AssemblyScript
 * computes in 32 bits.
 */

// @ts-ignore: decorator
@inline
export function add<T>(a: T, b: T): T {
  return <T>(a + b);
}

// @ts-ignore: decorator
@inline
export function sub<T>(a: T, b: T): T {
  return <T>(a - b);
}

// @ts-ignore: decorator
@inline
export function mul<T>(a: T, b: T): T {
  return <T>(a * b);
}

/** A negative power is 1 / xⁿ rounded towards zero, and 0 of 0, as in PyTorch. */
export function pow<T>(x: T, y: T): T {
  if (isSigned<T>() && y < <T>0) {
    if (x == <T>1) return <T>1;
    if (x != <T>(-1)) return <T>0;
    return (y & <T>1) != <T>0 ? <T>(-1) : <T>1;
  }
  let base = <u64>x;
  let power: u64 = 1;
  for (let bits = <u64>y; bits != 0; bits >>= 1) {
    if (bits & 1) power *= base;
    base *= base;
  }
  return <T>power;
}

// @ts-ignore: decorator
@inline
export function neg<T>(x: T): T {
  return <T>(<T>0 - x);
}

// @ts-ignore: decorator
@inline
export function abs<T>(x: T): T {
  return isSigned<T>() && x < <T>0 ? neg<T>(x) : x;
}

// @ts-ignore: decorator
@inline
export function min<T>(a: T, b: T): T {
  return a < b ? a : b;
}

// @ts-ignore: decorator
@inline
export function max<T>(a: T, b: T): T {
  return a > b ? a : b;
}

// @ts-ignore: decorator
@inline
export function eq<T>(a: T, b: T): bool {
  return a == b;
}

// @ts-ignore: decorator
@inline
export function ne<T>(a: T, b: T): bool {
  return a != b;
}

// @ts-ignore: decorator
@inline
export function lt<T>(a: T, b: T): bool {
  return a < b;
}

// @ts-ignore: decorator
@inline
export function le<T>(a: T, b: T): bool {
  return a <= b;
}

// @ts-ignore: decorator
@inline
export function gt<T>(a: T, b: T): bool {
  return a > b;
}

// @ts-ignore: decorator
@inline
export function ge<T>(a: T, b: T): bool {
  return a >= b;
}

// @ts-ignore: decorator
@inline
export function both(a: bool, b: bool): bool {
  return a && b;
}

// @ts-ignore: decorator
@inline
export function either(a: bool, b: bool): bool {
  return a || b;
}

// @ts-ignore: decorator
@inline
export function invert(m: bool): bool {
  return !m;
}

// @ts-ignore: decorator
@inline
export function select<T>(m: bool, a: T, b: T): T {
  return m ? a : b;
}

/** Rounds towards zero. The least integer divided by −1 wraps; WebAssembly's own division would trap. */
// @ts-ignore: decorator
@inline
export function truncdiv<T>(a: T, b: T): T {
  if (isSigned<T>()) return b == <T>-1 ? neg<T>(a) : <T>(a / b);
  return <T>(a / b);
}

/** The sign of the dividend. */
// @ts-ignore: decorator
@inline
export function truncmod<T>(a: T, b: T): T {
  return <T>(a % b);
}

/** Rounds towards −∞. */
// @ts-ignore: decorator
@inline
export function floordiv<T>(a: T, b: T): T {
  const quotient = truncdiv<T>(a, b);
  if (isSigned<T>()) return a % b != <T>0 && (a ^ b) < <T>0 ? <T>(quotient - <T>1) : quotient;
  return quotient;
}

/** The sign of the divisor. */
// @ts-ignore: decorator
@inline
export function floormod<T>(a: T, b: T): T {
  const remainder = <T>(a % b);
  if (isSigned<T>()) return remainder != <T>0 && (remainder ^ b) < <T>0 ? <T>(remainder + b) : remainder;
  return remainder;
}

export function map1<OP, T>(n: i32, out: usize, x: usize, p: usize): void {
  const bytes = <usize>n * sizeof<T>();
  for (let i: usize = 0; i < bytes; i += sizeof<T>()) {
    store<T>(out + i, changetype<OP>(0).apply(p, load<T>(x + i)));
  }
}

export function map2<OP, T>(n: i32, out: usize, x: usize, y: usize, p: usize): void {
  const bytes = <usize>n * sizeof<T>();
  for (let i: usize = 0; i < bytes; i += sizeof<T>()) {
    store<T>(out + i, changetype<OP>(0).apply(p, load<T>(x + i), load<T>(y + i)));
  }
}

export function map3<OP, T>(n: i32, out: usize, x: usize, y: usize, z: usize, p: usize): void {
  const bytes = <usize>n * sizeof<T>();
  for (let i: usize = 0; i < bytes; i += sizeof<T>()) {
    store<T>(out + i, changetype<OP>(0).apply(p, load<T>(x + i), load<T>(y + i), load<T>(z + i)));
  }
}

export function map4<OP, T>(n: i32, out: usize, x: usize, y: usize, z: usize, w: usize, p: usize): void {
  const bytes = <usize>n * sizeof<T>();
  for (let i: usize = 0; i < bytes; i += sizeof<T>()) {
    store<T>(
      out + i,
      changetype<OP>(0).apply(p, load<T>(x + i), load<T>(y + i), load<T>(z + i), load<T>(w + i)),
    );
  }
}

export function test1<OP, T>(n: i32, out: usize, x: usize, p: usize): void {
  for (let i = 0; i < n; i++, x += sizeof<T>()) store<u8>(out + i, changetype<OP>(0).apply(p, load<T>(x)));
}

export function test2<OP, T>(n: i32, out: usize, x: usize, y: usize, p: usize): void {
  for (let i = 0; i < n; i++, x += sizeof<T>(), y += sizeof<T>()) {
    store<u8>(out + i, changetype<OP>(0).apply(p, load<T>(x), load<T>(y)));
  }
}
