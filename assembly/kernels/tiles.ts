/**
 * Tiles: runs of at most 512 elements that are contiguous, whatever the strides of an operand. Operands that are
 * contiguous along the last dimension are used where they lie; strided ones pass through tile buffers,
 * broadcast ones are filled into theirs once per address. Works on the walk of walk.ts.
 */
import { MAX_OPERANDS, MAX_TEMPS, TILE } from '../generated/abi';
import { innerStride } from '../program/record';
import { bytesOf, pointer } from '../program/walk';
import { workspace } from '../program/workspace';
import { move } from './copy';

/** One cache line more than a tile of float64: tiles at equal distances of a page would evict each other from the L1 cache. */
const PITCH: usize = TILE * 8 + 64;
/** Bytes of the workspace that tile buffers may take. */
export const TILES_BYTES: usize = (MAX_OPERANDS + MAX_TEMPS) * (TILE * 8 + 64);

/** Where the present tile of each slot is. The word before the first belongs to slot −1, which is absent. */
const ROWS: usize = memory.data((MAX_OPERANDS + MAX_TEMPS + 2) * 4, 8) + 8;
/** The address whose value fills the tile of a broadcast operand; 0 at first. */
const FILLED: usize = memory.data(MAX_OPERANDS * 4, 8);

// @ts-ignore: decorator
@inline
export function rowOf(slot: i32): usize {
  return load<usize>(ROWS + ((<usize>slot) << 2));
}

/** The buffer of a slot. */
// @ts-ignore: decorator
@inline
function tileOf(slot: i32): usize {
  return workspace() + <usize>slot * PITCH;
}

/** Sends a slot that is no operand to its buffer. */
// @ts-ignore: decorator
@inline
export function useTile(slot: i32): void {
  store<usize>(ROWS + ((<usize>slot) << 2), tileOf(slot));
}

/** To be called before the first tile. */
export function forgetFilled(operands: i32): void {
  memory.fill(FILLED, 0, (<usize>operands) << 2);
}

/** Fills the tile with the one value at `at`, in whole vectors. */
function fill(tile: usize, bytes: i32, count: i32, at: usize): void {
  const v = bytes == 4 ? v128.load32_splat(at) : bytes == 8 ? v128.load64_splat(at) : v128.load8_splat(at);
  for (let to = tile, end = tile + <usize>(count * bytes); to < end; to += 16) v128.store(to, v);
}

/**
 * Notes where the `count` elements of an operand from element `start` of n on are. Unless it is only
 * written, what is not contiguous is copied to the operand's tile.
 */
export function prepare(r: usize, i: i32, start: i32, count: i32, n: i32, read: bool): void {
  const bytes = bytesOf(i);
  const stride = innerStride(r, i);
  const at = pointer(i) + <usize>start * stride * bytes;
  const slot = (<usize>i) << 2;
  if (stride == 1 || n == 1) {
    store<usize>(ROWS + slot, at);
    return;
  }
  const tile = tileOf(i);
  store<usize>(ROWS + slot, tile);
  if (!read) return;
  if (stride != 0) {
    move(bytes, count, tile, 1, at, stride);
  } else if (load<usize>(FILLED + slot) != at) {
    fill(tile, bytes, min<i32>(n, TILE), at);
    store<usize>(FILLED + slot, at);
  }
}

/** Brings the tile of an operand that was written to where it belongs. */
export function deliver(r: usize, i: i32, start: i32, count: i32, n: i32): void {
  const stride = innerStride(r, i);
  if (stride == 1 || n == 1) return;
  const bytes = bytesOf(i);
  move(bytes, count, pointer(i) + <usize>start * stride * bytes, stride, rowOf(i), 1);
}
