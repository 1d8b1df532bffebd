/**
 * The loops that apply a functor to whole arrays of f32 or f64; f32.ts and f64.ts bind T and
 * re-export them to the generated rows. A functor is an unmanaged class without fields: called
 * through `changetype<OP>(0)` its method becomes a direct call and is inlined. Elements behind the
 * last whole vector go through a scratch vector, so that each functor's code exists only once.
 */
import { loadHead, storeHead, width } from './partial';

/** A vector for the output and one for each of up to four inputs. */
const SCRATCH: usize = memory.data(80, 16);

/** Elements behind the last whole vector. */
// @ts-ignore: decorator
@inline
function rest<T>(n: i32): i32 {
  return n & (width<T>() - 1);
}

/** Bytes in the whole vectors of an array. */
// @ts-ignore: decorator
@inline
function whole<T>(n: i32): usize {
  return <usize>(n & -width<T>()) * sizeof<T>();
}

/** What is left of two inputs behind the last whole vector, as vectors in scratch slots from `slot` on. */
function stash<T>(slot: usize, n: i32, x: usize, y: usize): void {
  const left = rest<T>(n);
  const from = whole<T>(n);
  v128.store(slot, loadHead<T>(x + from, left));
  v128.store(slot, loadHead<T>(y + from, left), 16);
}

/** Completes the output. */
function unstash<T>(n: i32, out: usize): void {
  storeHead<T>(out + whole<T>(n), v128.load(SCRATCH), rest<T>(n));
}

/** Completes the output of a test. */
function unstashBytes<T>(n: i32, out: usize): void {
  for (let i = n & -width<T>(), from = SCRATCH; i < n; i++, from++) store<u8>(out + i, load<u8>(from));
}

function run1<OP>(bytes: usize, out: usize, x: usize, p: usize): void {
  for (let i: usize = 0; i < bytes; i += 16)
    v128.store(out + i, changetype<OP>(0).apply(p, v128.load(x + i)));
}

function run2<OP>(bytes: usize, out: usize, x: usize, y: usize, p: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(out + i, changetype<OP>(0).apply(p, v128.load(x + i), v128.load(y + i)));
  }
}

function run3<OP>(bytes: usize, out: usize, x: usize, y: usize, z: usize, p: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(out + i, changetype<OP>(0).apply(p, v128.load(x + i), v128.load(y + i), v128.load(z + i)));
  }
}

function run4<OP>(bytes: usize, out: usize, x: usize, y: usize, z: usize, w: usize, p: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(
      out + i,
      changetype<OP>(0).apply(p, v128.load(x + i), v128.load(y + i), v128.load(z + i), v128.load(w + i)),
    );
  }
}

export function map1<OP, T>(n: i32, out: usize, x: usize, p: usize): void {
  run1<OP>(whole<T>(n), out, x, p);
  if (rest<T>(n) != 0) {
    stash<T>(SCRATCH + 16, n, x, x);
    run1<OP>(16, SCRATCH, SCRATCH + 16, p);
    unstash<T>(n, out);
  }
}

export function map2<OP, T>(n: i32, out: usize, x: usize, y: usize, p: usize): void {
  run2<OP>(whole<T>(n), out, x, y, p);
  if (rest<T>(n) != 0) {
    stash<T>(SCRATCH + 16, n, x, y);
    run2<OP>(16, SCRATCH, SCRATCH + 16, SCRATCH + 32, p);
    unstash<T>(n, out);
  }
}

export function map3<OP, T>(n: i32, out: usize, x: usize, y: usize, z: usize, p: usize): void {
  run3<OP>(whole<T>(n), out, x, y, z, p);
  if (rest<T>(n) != 0) {
    stash<T>(SCRATCH + 16, n, x, y);
    stash<T>(SCRATCH + 48, n, z, z);
    run3<OP>(16, SCRATCH, SCRATCH + 16, SCRATCH + 32, SCRATCH + 48, p);
    unstash<T>(n, out);
  }
}

export function map4<OP, T>(n: i32, out: usize, x: usize, y: usize, z: usize, w: usize, p: usize): void {
  run4<OP>(whole<T>(n), out, x, y, z, w, p);
  if (rest<T>(n) != 0) {
    stash<T>(SCRATCH + 16, n, x, y);
    stash<T>(SCRATCH + 48, n, z, w);
    run4<OP>(16, SCRATCH, SCRATCH + 16, SCRATCH + 32, SCRATCH + 48, SCRATCH + 64, p);
    unstash<T>(n, out);
  }
}

/** A mask as one byte of 0 or 1 per lane. */
// @ts-ignore: decorator
@inline
function storeMask<T>(to: usize, mask: v128): void {
  const bits = v128.and(mask, i8x16.splat(1));
  if (sizeof<T>() == 4) {
    const bytes = i8x16.shuffle(bits, bits, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
    v128.store_lane<u32>(to, bytes, 0);
  } else {
    v128.store_lane<u16>(to, i8x16.shuffle(bits, bits, 0, 8, 0, 8, 0, 8, 0, 8, 0, 8, 0, 8, 0, 8, 0, 8), 0);
  }
}

function runTest1<OP, T>(bytes: usize, out: usize, x: usize, p: usize): void {
  for (let i: usize = 0; i < bytes; i += 16, out += width<T>()) {
    storeMask<T>(out, changetype<OP>(0).apply(p, v128.load(x + i)));
  }
}

function runTest2<OP, T>(bytes: usize, out: usize, x: usize, y: usize, p: usize): void {
  for (let i: usize = 0; i < bytes; i += 16, out += width<T>()) {
    storeMask<T>(out, changetype<OP>(0).apply(p, v128.load(x + i), v128.load(y + i)));
  }
}

export function test1<OP, T>(n: i32, out: usize, x: usize, p: usize): void {
  runTest1<OP, T>(whole<T>(n), out, x, p);
  if (rest<T>(n) != 0) {
    stash<T>(SCRATCH + 16, n, x, x);
    runTest1<OP, T>(16, SCRATCH, SCRATCH + 16, p);
    unstashBytes<T>(n, out);
  }
}

export function test2<OP, T>(n: i32, out: usize, x: usize, y: usize, p: usize): void {
  runTest2<OP, T>(whole<T>(n), out, x, y, p);
  if (rest<T>(n) != 0) {
    stash<T>(SCRATCH + 16, n, x, y);
    runTest2<OP, T>(16, SCRATCH, SCRATCH + 16, SCRATCH + 32, p);
    unstashBytes<T>(n, out);
  }
}
