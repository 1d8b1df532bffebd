/**
 * `matmul`: the blocked algorithm of Goto and van de Geijn ("Anatomy of High-Performance Matrix
 * Multiplication", 2008). Blocks of A and B are packed (pack.ts), and a micro-kernel
 * keeps a tile of C of 4 rows by 32 bytes in registers: eight accumulators, two vectors of B and one of A fit
 * the sixteen registers of x64. A product with a single row or column is a matvec.
 */
import { FLOAT32, FLOAT64, INT32, INT64, UINT8 } from '../generated/abi';
import { dtypeOf, rankOf, size, stride } from '../program/record';
import { begin, next, pointer } from '../program/walk';
import { workspace } from '../program/workspace';
import { matvec } from './matvec';
import { pack } from './pack';

/** Rows of a tile. */
export const MR: i32 = 4;
/** Bytes in a row of a tile. */
export const TILE_BYTES: i32 = 32;
/** Depth of a block, in bytes: a panel of A (4 KiB) and one of B (8 KiB of float32) stay in the L1 cache. */
const DEPTH_BYTES: i32 = 1024;
/** Rows of a block: with the depth, 128 KiB of A stay in the L2 cache. */
const MC: i32 = 128;
/** Columns of a block, in bytes: with the depth, 512 KiB of float32 B. */
const COLUMN_BYTES: i32 = 2048;

/** Room for packed blocks, in bytes. */
export const PACKED_A_BYTES: i32 = MC * DEPTH_BYTES;
export const PACKED_B_BYTES: i32 = 512 * 1024;

// @ts-ignore: decorator
@inline
export function packedA(): usize {
  return workspace();
}

// @ts-ignore: decorator
@inline
export function packedB(): usize {
  return workspace() + PACKED_A_BYTES;
}

/** Workspace behind what a product uses, for kernels made of products: some 380 KB. */
// @ts-ignore: decorator
@inline
export function behindProducts(): usize {
  return edgeTile() + 1024;
}

/** A tile that sticks out of C is computed here first. */
// @ts-ignore: decorator
@inline
export function edgeTile(): usize {
  return packedB() + PACKED_B_BYTES;
}

// @ts-ignore: decorator
@inline
function put<T>(c: usize, low: v128, high: v128, add: bool): void {
  v128.store(c, add ? v128.add<T>(v128.load(c), low) : low);
  v128.store(c, add ? v128.add<T>(v128.load(c, 16), high) : high, 16);
}

/** C (+)= panel of A · panel of B; `pitch` is the byte step between rows of C. */
export function microkernel<T>(k: i32, a: usize, b: usize, c: usize, pitch: usize, add: bool): void {
  let c00 = v128.splat<T>(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  for (; k > 0; k--, a += MR * sizeof<T>(), b += TILE_BYTES) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load_splat<T>(a);
    c00 = v128.add<T>(c00, v128.mul<T>(a0, b0));
    c01 = v128.add<T>(c01, v128.mul<T>(a0, b1));
    const a1 = v128.load_splat<T>(a, sizeof<T>());
    c10 = v128.add<T>(c10, v128.mul<T>(a1, b0));
    c11 = v128.add<T>(c11, v128.mul<T>(a1, b1));
    const a2 = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = v128.add<T>(c20, v128.mul<T>(a2, b0));
    c21 = v128.add<T>(c21, v128.mul<T>(a2, b1));
    const a3 = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = v128.add<T>(c30, v128.mul<T>(a3, b0));
    c31 = v128.add<T>(c31, v128.mul<T>(a3, b1));
  }
  put<T>(c, c00, c01, add);
  put<T>(c + pitch, c10, c11, add);
  put<T>(c + 2 * pitch, c20, c21, add);
  put<T>(c + 3 * pitch, c30, c31, add);
}

/** A tile of which only `rows` × `columns` elements exist. */
function edge<T>(
  k: i32,
  a: usize,
  b: usize,
  c: usize,
  pitch: usize,
  add: bool,
  rows: i32,
  columns: i32,
): void {
  let tile = edgeTile();
  microkernel<T>(k, a, b, tile, TILE_BYTES, false);
  for (; rows > 0; rows--, c += pitch, tile += TILE_BYTES) {
    for (let j = 0; j < columns; j++) {
      const at = <usize>j * sizeof<T>();
      const value = load<T>(tile + at);
      store<T>(c + at, add ? load<T>(c + at) + value : value);
    }
  }
}

/** All tiles of a block of C. */
function multiplyBlock<T>(m: i32, n: i32, k: i32, c: usize, pitch: usize, add: bool): void {
  const nr = TILE_BYTES / <i32>sizeof<T>();
  let b = packedB();
  for (let j = 0; j < n; j += nr, b += <usize>k * TILE_BYTES) {
    let a = packedA();
    let at = c + <usize>j * sizeof<T>();
    for (let i = 0; i < m; i += MR, a += <usize>(k * MR) * sizeof<T>(), at += <usize>MR * pitch) {
      if (m - i >= MR && n - j >= nr) microkernel<T>(k, a, b, at, pitch, add);
      else edge<T>(k, a, b, at, pitch, add, min<i32>(m - i, MR), min<i32>(n - j, nr));
    }
  }
}

/** C = A · B, or C += A · B. Steps are in bytes; C has contiguous rows. */
export function multiplyMatrices<T>(
  add: bool,
  m: i32,
  n: i32,
  k: i32,
  c: usize,
  cm: usize,
  a: usize,
  am: usize,
  ak: usize,
  b: usize,
  bk: usize,
  bn: usize,
): void {
  const nr = TILE_BYTES / <i32>sizeof<T>();
  const nc = COLUMN_BYTES / <i32>sizeof<T>();
  const kc = DEPTH_BYTES / <i32>sizeof<T>();
  for (let j = 0; j < n; j += nc) {
    const columns = min<i32>(n - j, nc);
    for (let l = 0; l < k; l += kc) {
      const depth = min<i32>(k - l, kc);
      pack<T>(packedB(), nr, columns, depth, b + <usize>j * bn + <usize>l * bk, bn, bk);
      for (let i = 0; i < m; i += MC) {
        const rows = min<i32>(m - i, MC);
        pack<T>(packedA(), MR, rows, depth, a + <usize>i * am + <usize>l * ak, am, ak);
        multiplyBlock<T>(rows, columns, depth, c + <usize>i * cm + <usize>j * sizeof<T>(), cm, add || l > 0);
      }
    }
  }
}

/** Integers: row by row, with the innermost loop along n. */
function multiplyPlain<T>(
  m: i32,
  n: i32,
  k: i32,
  c: usize,
  cm: usize,
  a: usize,
  am: usize,
  ak: usize,
  b: usize,
  bk: usize,
  bn: usize,
): void {
  for (let i = 0; i < m; i++, c += cm, a += am) {
    memory.fill(c, 0, <usize>n * sizeof<T>());
    for (let l = 0; l < k; l++) {
      const factor = load<T>(a + <usize>l * ak);
      let from = b + <usize>l * bk;
      for (let to = c, end = c + <usize>n * sizeof<T>(); to < end; to += sizeof<T>(), from += bn) {
        store<T>(to, <T>(load<T>(to) + <T>(factor * load<T>(from))));
      }
    }
  }
}

function multiply<T>(r: usize): bool {
  const outer = rankOf(r) - 3;
  const m = size(r, outer);
  const n = size(r, outer + 1);
  const k = size(r, outer + 2);
  const cm = <usize>stride(r, 0, outer) * sizeof<T>();
  const am = <usize>stride(r, 1, outer) * sizeof<T>();
  const ak = <usize>stride(r, 1, outer + 2) * sizeof<T>();
  const bn = <usize>stride(r, 2, outer + 1) * sizeof<T>();
  const bk = <usize>stride(r, 2, outer + 2) * sizeof<T>();
  begin(r);
  do {
    const c = pointer(0);
    const a = pointer(1);
    const b = pointer(2);
    if (!isFloat<T>()) multiplyPlain<T>(m, n, k, c, cm, a, am, ak, b, bk, bn);
    else if (n == 1) matvec<T>(m, k, c, cm, a, am, ak, b, bk);
    else if (m == 1) matvec<T>(n, k, c, sizeof<T>(), b, bn, bk, a, ak);
    else multiplyMatrices<T>(false, m, n, k, c, cm, a, am, ak, b, bk, bn);
  } while (next(r, outer));
  return true;
}

export function matmul(r: usize): bool {
  switch (dtypeOf(r)) {
    case FLOAT32:
      return multiply<f32>(r);
    case FLOAT64:
      return multiply<f64>(r);
    case INT32:
      return multiply<i32>(r);
    case INT64:
      return multiply<i64>(r);
    case UINT8:
      return multiply<u8>(r);
    default:
      return false;
  }
}
