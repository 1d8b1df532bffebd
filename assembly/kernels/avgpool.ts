/** `avg_pool2d`: the mean of every window, and its backward pass, which spreads every element over its window. */
import { FLOAT32, FLOAT64 } from '../generated/abi';
import { address, dtypeOf, param } from '../program/record';
import { splat, width } from '../simd/partial';
import { describePooling, endInside, endOf, firstInside, neighbours, pooling } from './pooling';

/** How many places of the window from `start` on count along one direction. */
// @ts-ignore: decorator
@inline
function extent(start: i32, kernel: i32, limit: i32, padding: i32, padded: bool): i32 {
  if (padded) return min<i32>(start + kernel, limit + padding) - start;
  return min<i32>(start + kernel, limit) - max<i32>(start, 0);
}

/** What the sums of the window at place (`y0`, `x0`) are divided by. */
// @ts-ignore: decorator
@inline
function divisorOf(r: usize, tall: i32, x0: i32, padded: bool): f64 {
  const divisor = param(r, 7);
  if (divisor != 0) return divisor;
  return <f64>tall * extent(x0, pooling.kernelX, pooling.width, pooling.paddingX, padded);
}

/** Sum of rows `top` to before `bottom`, columns `left` to before `right`. */
function sumWindow<T>(x: usize, top: i32, bottom: i32, left: i32, right: i32): f64 {
  const pitch = <usize>pooling.width * sizeof<T>();
  const skip = <usize>left * sizeof<T>();
  const n = <usize>(right - left) * sizeof<T>();
  let sum: f64 = 0;
  for (let y = top, at = x + <usize>top * pitch + skip; y < bottom; y++, at += pitch) {
    for (let from = at, end = at + n; from < end; from += sizeof<T>()) sum += load<T>(from);
  }
  return sum;
}

/** Sums of a vector of neighbouring windows within the columns of the image. */
function sumWindows<T>(x: usize, top: i32, bottom: i32, left: i32): v128 {
  const stride = pooling.strideX;
  const pitch = <usize>pooling.width * sizeof<T>();
  const n = <usize>pooling.kernelX * sizeof<T>();
  let sum = splat<T>(0);
  for (let y = top, at = x + <usize>top * pitch + <usize>left * sizeof<T>(); y < bottom; y++, at += pitch) {
    for (let from = at, end = at + n; from < end; from += sizeof<T>()) {
      sum = v128.add<T>(sum, neighbours<T>(from, stride));
    }
  }
  return sum;
}

function forward<T>(r: usize): bool {
  describePooling(r, false);
  let out = address(r, 0);
  let x = address(r, 1);
  const padded = param(r, 6) != 0;
  const stride = pooling.strideX;
  const from = firstInside();
  const until = endInside<T>(from);
  for (let image = 0; image < pooling.images; image++) {
    for (let y = 0, y0 = -pooling.paddingY; y < pooling.rows; y++, y0 += pooling.strideY) {
      const top = max<i32>(y0, 0);
      const bottom = endOf(y0, 1, pooling.kernelY, pooling.height);
      const tall = extent(y0, pooling.kernelY, pooling.height, pooling.paddingY, padded);
      for (let i = 0, x0 = -pooling.paddingX; i < pooling.columns; ) {
        const divisor = divisorOf(r, tall, x0, padded);
        if (i >= from && i < until) {
          v128.store(out, v128.div<T>(sumWindows<T>(x, top, bottom, x0), splat<T>(divisor)));
          out += 16;
          i += width<T>();
          x0 += width<T>() * stride;
        } else {
          const right = endOf(x0, 1, pooling.kernelX, pooling.width);
          store<T>(out, <T>(sumWindow<T>(x, top, bottom, max<i32>(x0, 0), right) / divisor));
          out += sizeof<T>();
          i++;
          x0 += stride;
        }
      }
    }
    x += <usize>(pooling.height * pooling.width) * sizeof<T>();
  }
  return true;
}

/** Adds to rows `top` to before `bottom`, columns `left` to before `right`. */
function addToWindow<T>(dx: usize, top: i32, bottom: i32, left: i32, right: i32, part: T): void {
  const pitch = <usize>pooling.width * sizeof<T>();
  const skip = <usize>left * sizeof<T>();
  const n = <usize>(right - left) * sizeof<T>();
  for (let y = top, at = dx + <usize>top * pitch + skip; y < bottom; y++, at += pitch) {
    for (let to = at, end = at + n; to < end; to += sizeof<T>()) store<T>(to, load<T>(to) + part);
  }
}

function backward<T>(r: usize): bool {
  describePooling(r, false);
  let dx = address(r, 0);
  let g = address(r, 1);
  const padded = param(r, 6) != 0;
  const bytes = <usize>(pooling.height * pooling.width) * sizeof<T>();
  for (let image = 0; image < pooling.images; image++, dx += bytes) {
    memory.fill(dx, 0, bytes);
    for (let y = 0, y0 = -pooling.paddingY; y < pooling.rows; y++, y0 += pooling.strideY) {
      const top = max<i32>(y0, 0);
      const bottom = endOf(y0, 1, pooling.kernelY, pooling.height);
      const tall = extent(y0, pooling.kernelY, pooling.height, pooling.paddingY, padded);
      let x0 = -pooling.paddingX;
      for (let i = 0; i < pooling.columns; i++, x0 += pooling.strideX, g += sizeof<T>()) {
        const part = <T>(<f64>load<T>(g) / divisorOf(r, tall, x0, padded));
        addToWindow<T>(dx, top, bottom, max<i32>(x0, 0), endOf(x0, 1, pooling.kernelX, pooling.width), part);
      }
    }
  }
  return true;
}

export function avgPool2d(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return forward<f32>(r);
  return dtypeOf(r) == FLOAT64 && forward<f64>(r);
}

export function avgPool2dBackward(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return backward<f32>(r);
  return dtypeOf(r) == FLOAT64 && backward<f64>(r);
}
