/**
 * Convolution as a product of matrices whose second operand never exists: what the places see is packed from the
 * windows (patches.ts) straight into the panels of matmul's micro-kernel ("implicit GEMM": Chetlur et al., "cuDNN:
 * Efficient Primitives for Deep Learning", 2014).
 */
import { width } from '../simd/partial';
import { conv, tapsOf } from './convolution';
import {
  MR,
  PACKED_A_BYTES,
  PACKED_B_BYTES,
  TILE_BYTES,
  edgeTile,
  microkernel,
  packedA,
  packedB,
} from './matmul';
import { pack } from './pack';
import {
  MAX_PLACES,
  behindWindow,
  block,
  firstBlock,
  layOut,
  nextBlock,
  placeAt,
  tapAt,
  window,
  writeBias,
} from './patches';

/** Depth of a block, in bytes: a panel of filters (6 KiB) and one of patches (12 KiB) stay in the L1 cache. */
const DEPTH_BYTES: i32 = 1536;

/** Columns of a panel of patches. */
// @ts-ignore: decorator
@inline
function lanesOf<T>(): i32 {
  return TILE_BYTES / <i32>sizeof<T>();
}

/** Where each column of the product belongs, in bytes behind its row's start. */
// @ts-ignore: decorator
@inline
function targetAt(column: i32): usize {
  return behindWindow() + ((<usize>column) << 2);
}

// @ts-ignore: decorator
@inline
function targetOf(column: i32): usize {
  return load<usize>(targetAt(column));
}

/** The byte step of each tap within a filter's channel. */
// @ts-ignore: decorator
@inline
function filterTapAt(tap: i32): usize {
  return targetAt(MAX_PLACES) + ((<usize>tap) << 2);
}

function aimAtTaps(): void {
  for (let i = 0, tap = 0; i < conv.tapsY; i++) {
    for (let j = 0; j < conv.tapsX; j++, tap++) {
      store<usize>(filterTapAt(tap), <usize>i * conv.tapStepY + <usize>j * conv.tapStepX);
    }
  }
}

/** As equal parts of `n` as there must be for none to be above `most`. */
function partOf(n: i32, most: i32): i32 {
  const parts = (n + most - 1) / most;
  return (n + parts - 1) / parts;
}

/** A tile that sticks out of the result, or whose columns are apart there. */
function scatterTile<T>(c: usize, pitch: usize, add: bool, rows: i32, column: i32, columns: i32): void {
  for (let tile = edgeTile(); rows > 0; rows--, c += pitch, tile += TILE_BYTES) {
    for (let j = 0; j < columns; j++) {
      const to = c + targetOf(column + j);
      const value = load<T>(tile + <usize>j * sizeof<T>());
      store<T>(to, add ? load<T>(to) + value : value);
    }
  }
}

/** All tiles of the packed blocks' product; `c` is where the first row starts. */
function multiplyPanels<T>(m: i32, n: i32, k: i32, c: usize, pitch: usize, add: bool): void {
  const nr = lanesOf<T>();
  let b = packedB();
  for (let j = 0; j < n; j += nr, b += <usize>k * TILE_BYTES) {
    const columns = min<i32>(nr, n - j);
    const whole =
      columns == nr && targetOf(j + nr - 1) - targetOf(j) == <usize>(nr - 1) * sizeof<T>();
    let a = packedA();
    let row = c;
    for (let i = 0; i < m; i += MR, a += <usize>(k * MR) * sizeof<T>(), row += <usize>MR * pitch) {
      if (whole && m - i >= MR) {
        microkernel<T>(k, a, b, row + targetOf(j), pitch, add);
      } else {
        microkernel<T>(k, a, b, edgeTile(), TILE_BYTES, false);
        scatterTile<T>(row, pitch, add, min<i32>(m - i, MR), j, columns);
      }
    }
  }
}

/** Whether a filter's depths (channel, tap) lie in order. */
function isContiguous<T>(): bool {
  if (conv.tapStepX != sizeof<T>() || conv.tapStepY != <usize>conv.tapsX * sizeof<T>()) return false;
  return conv.filterChannelStep == <usize>tapsOf() * sizeof<T>();
}

/** Panels of MR filters, depths (channel, tap) from `start` on. */
function packFilters<T>(filter: i32, count: i32, start: i32, depth: i32): void {
  const taps = tapsOf();
  const step = conv.filterStep;
  const from = conv.filter + <usize>filter * step;
  if (isContiguous<T>()) {
    pack<T>(packedA(), MR, count, depth, from + <usize>start * sizeof<T>(), step, sizeof<T>());
    return;
  }
  let to = packedA();
  for (let i = 0; i < count; i += MR) {
    const lanes = min<i32>(MR, count - i);
    let channel = from + <usize>i * step + <usize>(start / taps) * conv.filterChannelStep;
    let tap = start % taps;
    for (let k = 0; k < depth; k++, to += MR * sizeof<T>()) {
      const at = channel + load<usize>(filterTapAt(tap));
      for (let lane = 0; lane < MR; lane++) {
        store<T>(to + <usize>lane * sizeof<T>(), lane < lanes ? load<T>(at + <usize>lane * step) : <T>0);
      }
      if (++tap == taps) {
        tap = 0;
        channel += conv.filterChannelStep;
      }
    }
  }
}

/**
 * A panel's half: what a vector of places sees under taps `start` to before `end`. Places that do not exist see what
 * the last one does.
 */
function packVector<T>(to: usize, window: usize, place: i32, places: i32, start: i32, end: i32): void {
  const last = places - 1;
  const first = placeAt(min<i32>(place, last));
  if (place + width<T>() <= places && placeAt(place + width<T>() - 1) - first == 16 - sizeof<T>()) {
    const x = window + first;
    for (let t = start; t < end; t++, to += TILE_BYTES) v128.store(to, v128.load(x + tapAt(t)));
    return;
  }
  const a = window + first;
  const b = window + placeAt(min<i32>(place + 1, last));
  const c = sizeof<T>() == 4 ? window + placeAt(min<i32>(place + 2, last)) : 0;
  const d = sizeof<T>() == 4 ? window + placeAt(min<i32>(place + 3, last)) : 0;
  for (let t = start; t < end; t++, to += TILE_BYTES) {
    const tap = tapAt(t);
    store<T>(to, load<T>(a + tap));
    store<T>(to, load<T>(b + tap), sizeof<T>());
    if (sizeof<T>() == 4) {
      store<T>(to, load<T>(c + tap), 2 * sizeof<T>());
      store<T>(to, load<T>(d + tap), 3 * sizeof<T>());
    }
  }
}

/** Panels of places, depths (channel, tap) from `start` on. */
function packPatches<T>(places: i32, start: i32, depth: i32): void {
  const taps = tapsOf();
  const end = start + depth;
  for (let k = start; k < end; ) {
    const channel = k / taps;
    const tap = k % taps;
    const until = min<i32>(taps, tap + end - k);
    const x = window<T>(channel);
    let to = packedB() + <usize>(k - start) * TILE_BYTES;
    for (let place = 0; place < places; place += lanesOf<T>(), to += <usize>depth * TILE_BYTES) {
      packVector<T>(to, x, place, places, tap, until);
      packVector<T>(to + 16, x, place + width<T>(), places, tap, until);
    }
    k += until - tap;
  }
}

/** Notes where the block's places belong in the result. */
function aimAtResult(): void {
  let at = targetAt(0);
  for (let image = 0; image < block.images; image++) {
    for (let y = 0; y < block.rows; y++) {
      const row = <usize>(block.firstImage + image) * conv.resultStep + <usize>(block.firstRow + y) * conv.rowStep;
      for (let x = 0; x < block.columns; x++, at += 4) {
        store<usize>(at, row + <usize>(block.firstColumn + x) * conv.columnStep);
      }
    }
  }
}

/** result = filters · patches, from the bias on or, with `add`, from what is there. */
export function packedForward<T>(add: bool): void {
  const total = conv.channels * tapsOf();
  const part = partOf(total, DEPTH_BYTES / <i32>sizeof<T>());
  const rows = PACKED_A_BYTES / (part * <i32>sizeof<T>()) & -MR;
  const places = min<i32>(MAX_PLACES, PACKED_B_BYTES / (part * <i32>sizeof<T>()) & -lanesOf<T>());
  // Filters that fit into one block are packed once.
  const single = part == total && rows >= conv.filters;
  aimAtTaps();
  if (single) packFilters<T>(0, conv.filters, 0, total);
  firstBlock<T>(places);
  do {
    layOut<T>(false);
    aimAtResult();
    if (conv.bias != 0) writeBias<T>();
    const n = block.images * block.rows * block.columns;
    for (let k = 0; k < total; k += part) {
      const depth = min<i32>(part, total - k);
      packPatches<T>(n, k, depth);
      for (let i = 0; i < conv.filters; i += rows) {
        const m = min<i32>(rows, conv.filters - i);
        if (!single) packFilters<T>(i, m, k, depth);
        const c = conv.result + <usize>i * conv.resultChannelStep;
        multiplyPanels<T>(m, n, depth, c, conv.resultChannelStep, add || conv.bias != 0 || k > 0);
      }
    }
  } while (nextBlock());
}

/** Panels of the result's gradient at the block's places: MR channels from `channel` on. */
function packSlopes<T>(channel: i32, count: i32, depth: i32): void {
  const run = block.rows * block.columns;
  const corner = <usize>block.firstRow * conv.rowStep + <usize>block.firstColumn * conv.columnStep;
  let to = packedA();
  for (; count > 0; count -= MR, channel += MR, to += <usize>(MR * depth) * sizeof<T>()) {
    let x = conv.result + <usize>block.firstImage * conv.resultStep + <usize>channel * conv.resultChannelStep + corner;
    let at = to;
    for (let image = 0; image < block.images; image++, x += conv.resultStep) {
      pack<T>(at, MR, min<i32>(MR, count), run, x, conv.resultChannelStep, sizeof<T>());
      at += <usize>(run * MR) * sizeof<T>();
    }
  }
}

/** One column of a panel: what all the block's places see under one tap, `x` being what the first one sees. */
function packColumn<T>(to: usize, x: usize): void {
  const columns = block.columns;
  for (let p = 0, n = block.images * block.rows * columns; p < n; p += columns) {
    let at = x + placeAt(p);
    for (const end = at + <usize>columns * sizeof<T>(); at < end; at += sizeof<T>(), to += TILE_BYTES) {
      store<T>(to, load<T>(at));
    }
  }
}

/** Panels of columns (channel, tap) from `start` on; their depths are the block's places. */
function packTaps<T>(start: i32, count: i32, depth: i32): void {
  const taps = tapsOf();
  const nr = lanesOf<T>();
  let channel = -1;
  let x: usize = 0;
  for (let j = 0; j < count; j++) {
    const own = (start + j) / taps;
    if (own != channel) {
      channel = own;
      x = window<T>(channel);
    }
    const to = packedB() + <usize>(j / nr) * (<usize>depth * TILE_BYTES) + <usize>(j % nr) * sizeof<T>();
    packColumn<T>(to, x + tapAt((start + j) % taps));
  }
}

/** Notes where columns (channel, tap) belong in the filters. */
function aimAtFilters(start: i32, count: i32): void {
  const taps = tapsOf();
  for (let j = 0; j < count; j++) {
    const channel = <usize>((start + j) / taps) * conv.filterChannelStep;
    store<usize>(targetAt(j), channel + load<usize>(filterTapAt((start + j) % taps)));
  }
}

/** filters += result · patchesᵀ, where the result is a gradient and has contiguous rows. */
export function packedTransposed<T>(): void {
  const total = conv.channels * tapsOf();
  aimAtTaps();
  firstBlock<T>(DEPTH_BYTES / <i32>sizeof<T>());
  do {
    layOut<T>(false);
    const depth = block.images * block.rows * block.columns;
    const rows = PACKED_A_BYTES / (depth * <i32>sizeof<T>()) & -MR;
    const part = partOf(total, min<i32>(MAX_PLACES, PACKED_B_BYTES / (depth * <i32>sizeof<T>()) & -lanesOf<T>()));
    for (let j = 0; j < total; j += part) {
      const n = min<i32>(part, total - j);
      aimAtFilters(j, n);
      packTaps<T>(j, n, depth);
      for (let i = 0; i < conv.filters; i += rows) {
        const m = min<i32>(rows, conv.filters - i);
        packSlopes<T>(i, m, depth);
        multiplyPanels<T>(m, n, depth, conv.filter + <usize>i * conv.filterStep, conv.filterStep, true);
      }
    }
  } while (nextBlock());
}
