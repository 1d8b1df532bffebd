/**
 * What the convolution kernels work on. Images, filters and results are described by their addresses and byte steps,
 * so that one description serves all three directions: convrecord.ts fills it in, patches.ts reads the images,
 * convpacked.ts and convdirect.ts compute.
 *
 *   result[image, o, y, x] ↔ Σ filter[o, c, i, j] · image[image, c, originY + y · strideY + i · dilationY, …]
 *
 * A *place* is a (y, x) of the result, a *tap* an (i, j) of the filters.
 */
import { splat, storeSome, width } from '../simd/partial';

@unmanaged
export class Convolution {
  /** Images: the first element, and byte steps. Rows are contiguous. */
  image!: usize;
  imageStep!: usize;
  channelStep!: usize;
  images!: i32;
  channels!: i32;
  height!: i32;
  width!: i32;

  /** Where the first tap of the first place looks, and steps between places and between taps. */
  originY!: i32;
  originX!: i32;
  strideY!: i32;
  strideX!: i32;
  dilationY!: i32;
  dilationX!: i32;
  tapsY!: i32;
  tapsX!: i32;

  /** Filters: the first tap, and byte steps, which may be negative. */
  filter!: usize;
  filterStep!: usize;
  filterChannelStep!: usize;
  tapStepY!: usize;
  tapStepX!: usize;
  filters!: i32;
  /** A number per filter that the result starts from, or 0. */
  bias!: usize;

  /** Results: byte steps; `rows` × `columns` places. */
  result!: usize;
  resultStep!: usize;
  resultChannelStep!: usize;
  rowStep!: usize;
  columnStep!: usize;
  rows!: i32;
  columns!: i32;
}

/** The one that is being computed. */
export const conv = changetype<Convolution>(memory.data(offsetof<Convolution>(), 8));

// @ts-ignore: decorator
@inline
export function tapsOf(): i32 {
  return conv.tapsY * conv.tapsX;
}

/** Sets `n` neighbouring places of every filter's result to its bias. */
export function startFromBias<T>(result: usize, n: i32): void {
  for (let filter = 0; filter < conv.filters; filter++, result += conv.resultChannelStep) {
    const value = splat<T>(load<T>(conv.bias + <usize>filter * sizeof<T>()));
    for (let left = n, to = result; left > 0; left -= width<T>(), to += 16) storeSome<T>(to, value, left);
  }
}
