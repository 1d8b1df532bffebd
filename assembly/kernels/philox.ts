/**
 * Philox 4×32-10, the counter-based generator of Salmon et al., "Parallel Random Numbers: As Easy as
 * 1, 2, 3" (SC 2011): block b of a record is a pure function of seed and counter + b. Four blocks
 * are made at once, one in each lane.
 */
import { transpose4 } from '../simd/transpose';

/** Multipliers and key increments of the paper's Philox 4×32. */
const M0: u32 = 0xd2511f53;
const M1: u32 = 0xcd9e8d57;
const W0: u32 = 0x9e3779b9;
const W1: u32 = 0xbb67ae85;
const ROUNDS: i32 = 10;

/** Words made at once; a power of two. */
export const BATCH: i32 = 16;
const WORDS: usize = memory.data(64, 16);
const LANES: usize = memory.data(64, 16);

/** Address of the i-th of the words that `philox` made last. */
// @ts-ignore: decorator
@inline
export function wordAt(i: i32): usize {
  return WORDS + ((<usize>(i & (BATCH - 1))) << 2);
}

// @ts-ignore: decorator
@inline
export function word(i: i32): u32 {
  return load<u32>(wordAt(i));
}

/** The high halves of four 64-bit numbers. */
// @ts-ignore: decorator
@inline
function high(lower: v128, upper: v128): v128 {
  return i8x16.shuffle(lower, upper, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}

/** The low halves of four 64-bit numbers. */
// @ts-ignore: decorator
@inline
function low(lower: v128, upper: v128): v128 {
  return i8x16.shuffle(lower, upper, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
}

/** Makes the words of the blocks b … b + 3; `state` is seed (low, high), counter (low, high). */
export function philox(state: usize, b: i32): void {
  const counter = load<u64>(state, 8) + <u64>b;
  const near = i64x2.add(i64x2.splat(counter), i64x2(0, 1));
  const far = i64x2.add(i64x2.splat(counter), i64x2(2, 3));
  const m0 = i32x4.splat(M0);
  const m1 = i32x4.splat(M1);
  const w0 = i32x4.splat(W0);
  const w1 = i32x4.splat(W1);
  let k0 = v128.load32_splat(state);
  let k1 = v128.load32_splat(state, 4);
  let c0 = low(near, far);
  let c1 = high(near, far);
  let c2 = i32x4.splat(0);
  let c3 = c2;
  for (let i = 0; i < ROUNDS; i++) {
    const p0 = i64x2.extmul_low_i32x4_u(m0, c0);
    const q0 = i64x2.extmul_high_i32x4_u(m0, c0);
    const p1 = i64x2.extmul_low_i32x4_u(m1, c2);
    const q1 = i64x2.extmul_high_i32x4_u(m1, c2);
    c0 = v128.xor(v128.xor(high(p1, q1), c1), k0);
    c1 = low(p1, q1);
    c2 = v128.xor(v128.xor(high(p0, q0), c3), k1);
    c3 = low(p0, q0);
    k0 = i32x4.add(k0, w0);
    k1 = i32x4.add(k1, w1);
  }
  v128.store(LANES, c0);
  v128.store(LANES, c1, 16);
  v128.store(LANES, c2, 32);
  v128.store(LANES, c3, 48);
  transpose4(WORDS, 16, LANES, 16);
}

/**
 * One block of a second sequence as a fraction in [0, 1): the digits that follow those that word i of block b was drawn with. Leaves the words
 * alone.
 */
export function digitsBelow(state: usize, b: i32, i: i32): f64 {
  const counter = load<u64>(state, 8) + <u64>b;
  let k0 = load<u32>(state);
  let k1 = load<u32>(state, 4);
  let c0 = <u32>counter;
  let c1 = <u32>(counter >> 32);
  let c2 = <u32>i + 1;
  let c3: u32 = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const p0 = <u64>M0 * <u64>c0;
    const p1 = <u64>M1 * <u64>c2;
    c0 = <u32>(p1 >> 32) ^ c1 ^ k0;
    c1 = <u32>p1;
    c2 = <u32>(p0 >> 32) ^ c3 ^ k1;
    c3 = <u32>p0;
    k0 += W0;
    k1 += W1;
  }
  const to32: f64 = 2.3283064365386963e-10;
  return (<f64>c0 + (<f64>c1 + (<f64>c2 + <f64>c3 * to32) * to32) * to32) * to32;
}

/** Adds the blocks that were consumed to the counter. */
export function consume(state: usize, blocks: i32): void {
  store<u64>(state, load<u64>(state, 8) + <u64>blocks, 8);
}
