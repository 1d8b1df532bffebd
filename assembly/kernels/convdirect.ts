/**
 * Convolution where there are too few filters for panels of them, above all depthwise: every window is read in place,
 * row by row, once for each filter and tap.
 */
import { loadSome, splat, storeSome, sumLanes, width } from '../simd/partial';
import { conv, tapsOf } from './convolution';
import {
  MAX_PLACES,
  MAX_TAPS,
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

/** The taps of one filter and channel. */
// @ts-ignore: decorator
@inline
function tapValues(): usize {
  return behindWindow();
}

/** A row of the result whose elements are apart. */
// @ts-ignore: decorator
@inline
function rowAt(): usize {
  return tapValues() + MAX_TAPS * 8;
}

function gatherTaps<T>(from: usize): void {
  let to = tapValues();
  for (let i = 0; i < conv.tapsY; i++, from += conv.tapStepY) {
    for (let j: usize = 0; j < <usize>conv.tapsX; j++, to += sizeof<T>()) {
      store<T>(to, load<T>(from + j * conv.tapStepX));
    }
  }
}

// @ts-ignore: decorator
@inline
function put<T>(to: usize, v: v128, add: bool): void {
  v128.store(to, add ? v128.add<T>(v128.load(to), v) : v);
}

/** (Adds) Σ over the taps for `n` neighbouring places, of which the first sees `x` under the first tap. */
function sumTaps<T>(to: usize, n: i32, x: usize, add: bool): void {
  const values = tapValues();
  const taps = tapsOf();
  for (; n >= 4 * width<T>(); n -= 4 * width<T>(), to += 64, x += 64) {
    let s0 = splat<T>(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (let t = 0; t < taps; t++) {
      const factor = v128.load_splat<T>(values + <usize>t * sizeof<T>());
      const at = x + tapAt(t);
      s0 = v128.add<T>(s0, v128.mul<T>(factor, v128.load(at)));
      s1 = v128.add<T>(s1, v128.mul<T>(factor, v128.load(at, 16)));
      s2 = v128.add<T>(s2, v128.mul<T>(factor, v128.load(at, 32)));
      s3 = v128.add<T>(s3, v128.mul<T>(factor, v128.load(at, 48)));
    }
    put<T>(to, s0, add);
    put<T>(to + 16, s1, add);
    put<T>(to + 32, s2, add);
    put<T>(to + 48, s3, add);
  }
  for (; n > 0; n -= width<T>(), to += 16, x += 16) {
    let sum = splat<T>(0);
    for (let t = 0; t < taps; t++) {
      const factor = v128.load_splat<T>(values + <usize>t * sizeof<T>());
      sum = v128.add<T>(sum, v128.mul<T>(factor, v128.load(x + tapAt(t))));
    }
    storeSome<T>(to, add ? v128.add<T>(loadSome<T>(to, n), sum) : sum, n);
  }
}

/** Brings a row to places that are apart. */
function scatterRow<T>(to: usize, n: i32, add: bool): void {
  for (let from = rowAt(); n > 0; n--, to += conv.columnStep, from += sizeof<T>()) {
    store<T>(to, add ? load<T>(to) + load<T>(from) : load<T>(from));
  }
}

/** Where the block's first place belongs in the result of a filter. */
function cornerOf(filter: i32): usize {
  const image = conv.result + <usize>block.firstImage * conv.resultStep + <usize>filter * conv.resultChannelStep;
  return image + <usize>block.firstRow * conv.rowStep + <usize>block.firstColumn * conv.columnStep;
}

// @ts-ignore: decorator
@inline
function filterAt(filter: i32, channel: i32): usize {
  return conv.filter + <usize>filter * conv.filterStep + <usize>channel * conv.filterChannelStep;
}

/** The block's part of the result of one filter and channel. */
function forwardBlock<T>(x: usize, to: usize, add: bool): void {
  for (let image = 0, place = 0; image < block.images; image++, to += conv.resultStep) {
    let row = to;
    for (let y = 0; y < block.rows; y++, row += conv.rowStep, place += block.columns) {
      const at = x + placeAt(place);
      if (conv.columnStep == sizeof<T>()) {
        sumTaps<T>(row, block.columns, at, add);
      } else {
        sumTaps<T>(rowAt(), block.columns, at, false);
        scatterRow<T>(row, block.columns, add);
      }
    }
  }
}

/** result = filters · patches, from the bias on or, with `add`, from what is there. */
export function directForward<T>(add: bool): void {
  firstBlock<T>(MAX_PLACES);
  do {
    layOut<T>(true);
    if (conv.bias != 0) writeBias<T>();
    for (let channel = 0; channel < conv.channels; channel++) {
      const x = window<T>(channel);
      for (let filter = 0; filter < conv.filters; filter++) {
        gatherTaps<T>(filterAt(filter, channel));
        forwardBlock<T>(x, cornerOf(filter), add || conv.bias != 0 || channel > 0);
      }
    }
  } while (nextBlock());
}

/** Σ of the products of the block's gradients, from `g` on, and what its places see under one tap. */
function slope<T>(g: usize, x: usize): f64 {
  let sum = splat<T>(0);
  for (let image = 0, place = 0; image < block.images; image++, g += conv.resultStep) {
    let row = g;
    for (let y = 0; y < block.rows; y++, row += conv.rowStep, place += block.columns) {
      let at = x + placeAt(place);
      let from = row;
      let n = block.columns;
      for (; n >= width<T>(); n -= width<T>(), from += 16, at += 16) {
        sum = v128.add<T>(sum, v128.mul<T>(v128.load(from), v128.load(at)));
      }
      if (n > 0) sum = v128.add<T>(sum, v128.mul<T>(loadSome<T>(from, n), loadSome<T>(at, n)));
    }
  }
  return sumLanes<T>(sum);
}

/** filters += result · patchesᵀ, where the result is a gradient and has contiguous rows. */
export function directTransposed<T>(): void {
  firstBlock<T>(MAX_PLACES);
  do {
    layOut<T>(false);
    for (let channel = 0; channel < conv.channels; channel++) {
      const x = window<T>(channel);
      for (let filter = 0; filter < conv.filters; filter++) {
        let to = filterAt(filter, channel);
        for (let i = 0, tap = 0; i < conv.tapsY; i++, to += conv.tapStepY) {
          for (let j: usize = 0; j < <usize>conv.tapsX; j++, tap++) {
            const at = to + j * conv.tapStepX;
            store<T>(at, load<T>(at) + <T>slope<T>(cornerOf(filter), x + tapAt(tap)));
          }
        }
      }
    }
  } while (nextBlock());
}
