/**
 * The gradient of a convolution with respect to its images is a convolution of the result's gradient, with the filters
 * turned around. With a stride, places of an image that lie differently to it are seen under different taps: each of
 * these *phases* is a convolution of its own, so that no zeros are multiplied.
 */
import { size } from '../program/record';
import { conv } from './convolution';
import { DILATION, HEIGHT, KH, KW, PADDING, STRIDE, WIDTH, describeTransposed, places } from './convrecord';
import { runConvolution } from './convrun';

/** The taps along one direction under which the places ≡ first (mod stride) of an image are seen. */
@unmanaged
class Phase {
  /** How many there are, the last of them, and the distance between them. */
  taps!: i32;
  last!: i32;
  step!: i32;
  /** Where in the result the first place is seen under the last of them, and how much further under each tap before. */
  origin!: i32;
  dilation!: i32;
}

const vertical = changetype<Phase>(memory.data(offsetof<Phase>(), 8));
const horizontal = changetype<Phase>(memory.data(offsetof<Phase>(), 8));

/** A place is seen from (place + padding − tap · dilation) / stride under those taps for which that is whole. */
function findTaps(r: usize, phase: Phase, axis: i32, first: i32): void {
  const stride = places(r, STRIDE + axis);
  const dilation = <i64>places(r, DILATION + axis);
  const start = <i64>first + places(r, PADDING + axis);
  phase.taps = 0;
  phase.step = 0;
  for (let tap = 0, taps = size(r, KH + axis); tap < taps; tap++) {
    if ((start - tap * dilation) % stride != 0) continue;
    if (phase.taps == 1) phase.step = tap - phase.last;
    phase.taps++;
    phase.last = tap;
  }
  phase.origin = <i32>((start - phase.last * dilation) / stride);
  phase.dilation = phase.taps == 1 ? 1 : <i32>(phase.step * dilation / stride);
}

/** Rows ≡ y and columns ≡ x modulo the strides. Taps are taken from the last one on. */
function describePhase<T>(r: usize, y: i32, x: i32): void {
  const bytes: usize = sizeof<T>();
  const width = places(r, WIDTH);
  const strideY = places(r, STRIDE);
  const strideX = places(r, STRIDE + 1);
  conv.tapsY = vertical.taps;
  conv.tapsX = horizontal.taps;
  conv.dilationY = vertical.dilation;
  conv.dilationX = horizontal.dilation;
  conv.originY = vertical.origin;
  conv.originX = horizontal.origin;
  conv.filter += <usize>(vertical.last * size(r, KW) + horizontal.last) * bytes;
  conv.tapStepY = <usize>(-vertical.step * size(r, KW)) * bytes;
  conv.tapStepX = <usize>-horizontal.step * bytes;
  conv.result += <usize>(y * width + x) * bytes;
  conv.rowStep = <usize>(width * strideY) * bytes;
  conv.columnStep = <usize>strideX * bytes;
  conv.rows = (places(r, HEIGHT) - y + strideY - 1) / strideY;
  conv.columns = (width - x + strideX - 1) / strideX;
}

/** dx of one group. Places that are not seen at all keep what they have. */
export function runPhases<T>(r: usize, dx: usize, weight: usize, g: usize): void {
  const rows = min<i32>(places(r, STRIDE), places(r, HEIGHT));
  const columns = min<i32>(places(r, STRIDE + 1), places(r, WIDTH));
  for (let y = 0; y < rows; y++) {
    findTaps(r, vertical, 0, y);
    if (vertical.taps == 0) continue;
    for (let x = 0; x < columns; x++) {
      findTaps(r, horizontal, 1, x);
      if (horizontal.taps == 0) continue;
      describeTransposed<T>(r, dx, weight, g);
      describePhase<T>(r, y, x);
      runConvolution<T>();
    }
  }
}
