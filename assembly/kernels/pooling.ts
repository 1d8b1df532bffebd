/** What maxpool.ts and avgpool.ts have in common: where windows lie, and vectors of what neighbouring windows see. */
import { param, size } from '../program/record';
import { width } from '../simd/partial';

@unmanaged
class Pooling {
  images!: i32;
  /** Windows. */
  rows!: i32;
  columns!: i32;
  kernelY!: i32;
  kernelX!: i32;
  height!: i32;
  width!: i32;
  strideY!: i32;
  strideX!: i32;
  paddingY!: i32;
  paddingX!: i32;
  dilationY!: i32;
  dilationX!: i32;
}

/** The one that is being computed. */
export const pooling = changetype<Pooling>(memory.data(offsetof<Pooling>(), 8));

/** A param that counts places. Larger ones than this differ in nothing: no image has so many places. */
// @ts-ignore: decorator
@inline
function places(r: usize, i: i32): i32 {
  return <i32>min<f64>(param(r, i), 536870912);
}

/** Reads the fields of a record [images, oh, ow, kh, kw]. Windows of a mean have no dilation. */
export function describePooling(r: usize, dilated: bool): void {
  pooling.images = size(r, 0);
  pooling.rows = size(r, 1);
  pooling.columns = size(r, 2);
  pooling.kernelY = size(r, 3);
  pooling.kernelX = size(r, 4);
  pooling.height = places(r, 0);
  pooling.width = places(r, 1);
  pooling.strideY = places(r, 2);
  pooling.strideX = places(r, 3);
  pooling.paddingY = places(r, 4);
  pooling.paddingX = places(r, 5);
  pooling.dilationY = dilated ? places(r, 6) : 1;
  pooling.dilationX = dilated ? places(r, 7) : 1;
}

/** The first of a window's places from `start` on, `step` apart, that lies within the image. */
// @ts-ignore: decorator
@inline
export function within(start: i32, step: i32): i32 {
  return start >= 0 ? start : start + (step - 1 - start) / step * step;
}

/** The place behind a window's last one within the image. */
// @ts-ignore: decorator
@inline
export function endOf(start: i32, step: i32, kernel: i32, limit: i32): i32 {
  return <i32>min<i64>(limit, <i64>start + <i64>step * (kernel - 1) + 1);
}

/** Columns of windows that leave the image neither to the left nor to the right: from here … */
export function firstInside(): i32 {
  return min<i32>(pooling.columns, (pooling.paddingX + pooling.strideX - 1) / pooling.strideX);
}

/** … to before here, as many as fill vectors; none where their places are too far apart for vectors. */
export function endInside<T>(from: i32): i32 {
  if (pooling.strideX > 2) return from;
  const room = <i64>pooling.width + pooling.paddingX - 1 - <i64>(pooling.kernelX - 1) * pooling.dilationX;
  const until = room < 0 ? 0 : <i32>min<i64>(pooling.columns, room / pooling.strideX + 1);
  return from + max<i32>(0, (until - from) & -width<T>());
}

/** What neighbouring windows see of a row from `x` on: elements 1 or 2 apart. Nothing behind the last one is read. */
// @ts-ignore: decorator
@inline
export function neighbours<T>(x: usize, stride: i32): v128 {
  const v = v128.load(x);
  if (stride == 1) return v;
  if (sizeof<T>() == 4) {
    const last = v128.load(x, 12);
    return i8x16.shuffle(v, last, 0, 1, 2, 3, 8, 9, 10, 11, 20, 21, 22, 23, 28, 29, 30, 31);
  }
  return i8x16.shuffle(v, v128.load(x, 8), 0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31);
}
