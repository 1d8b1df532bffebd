/**
 * Runs the convolution that is described (convolution.ts) by what suits it: a plain product of matrices, packed
 * patches, or windows read in place.
 */
import { conv, startFromBias } from './convolution';
import { directForward, directTransposed } from './convdirect';
import { packedForward, packedTransposed } from './convpacked';
import { multiplyMatrices } from './matmul';
import { MAX_TAPS, REACH_BYTES, ROW_REACH_BYTES } from './patches';

/** Up to so many filters there are not enough for panels. */
const FEW_FILTERS: i32 = 2;
/** Fewer places are better taken from several images at once than multiplied image by image. */
const MANY_PLACES: i32 = 128;

/** Most taps along one direction that reach over at most so many bytes. */
function tapsWithin<T>(taps: i32, dilation: i32, bytes: i32): i32 {
  return min<i32>(taps, (bytes / <i32>sizeof<T>() - 1) / dilation + 1);
}

/** For as many taps at a time as the windows have room for. */
function runParts<T>(transposed: bool): void {
  const tapsY = conv.tapsY;
  const tapsX = conv.tapsX;
  const originY = conv.originY;
  const originX = conv.originX;
  const filter = conv.filter;
  const across = min<i32>(MAX_TAPS, tapsWithin<T>(tapsX, conv.dilationX, ROW_REACH_BYTES));
  const reach = (across - 1) * conv.dilationX + 1;
  const down = min<i32>(MAX_TAPS / across, tapsWithin<T>(tapsY, conv.dilationY, REACH_BYTES / reach));
  for (let i = 0; i < tapsY; i += down) {
    for (let j = 0; j < tapsX; j += across) {
      conv.tapsY = min<i32>(down, tapsY - i);
      conv.tapsX = min<i32>(across, tapsX - j);
      conv.originY = originY + i * conv.dilationY;
      conv.originX = originX + j * conv.dilationX;
      conv.filter = filter + <usize>i * conv.tapStepY + <usize>j * conv.tapStepX;
      if (transposed) {
        if (conv.filters <= FEW_FILTERS) directTransposed<T>();
        else packedTransposed<T>();
      } else {
        if (conv.filters <= FEW_FILTERS) directForward<T>(i + j > 0);
        else packedForward<T>(i + j > 0);
        conv.bias = 0;
      }
    }
  }
}

/** Whether every place sees just itself: then patches are the images as they lie. */
function isProduct<T>(): bool {
  if (conv.tapsY * conv.tapsX != 1 || conv.originY != 0 || conv.originX != 0) return false;
  if (conv.rows != conv.height || conv.columns != conv.width) return false;
  if (conv.columnStep != sizeof<T>() || conv.rowStep != <usize>conv.columns * sizeof<T>()) return false;
  return conv.rows * conv.columns >= MANY_PLACES && conv.filters > FEW_FILTERS;
}

/** Image by image: result = filters · image, or filters += result · imageᵀ. */
function multiplyImages<T>(transposed: bool): void {
  const one: usize = sizeof<T>();
  const m = conv.filters;
  const n = conv.rows * conv.columns;
  const k = conv.channels;
  const w = conv.filter;
  const wm = conv.filterStep;
  const wk = conv.filterChannelStep;
  const pitch = conv.channelStep;
  let out = conv.result;
  let x = conv.image;
  for (let i = 0; i < conv.images; i++, out += conv.resultStep, x += conv.imageStep) {
    if (transposed) {
      multiplyMatrices<T>(true, m, k, n, w, wm, out, pitch, one, x, one, pitch);
    } else {
      if (conv.bias != 0) startFromBias<T>(out, n);
      multiplyMatrices<T>(conv.bias != 0, m, n, k, out, pitch, w, wm, wk, x, pitch, one);
    }
  }
}

/** result = filters · patches + bias */
export function runConvolution<T>(): void {
  if (isProduct<T>()) multiplyImages<T>(false);
  else runParts<T>(false);
}

/** filters += result · patchesᵀ, where the result is a gradient that has contiguous rows. */
export function runTransposed<T>(): void {
  if (isProduct<T>()) multiplyImages<T>(true);
  else runParts<T>(true);
}
