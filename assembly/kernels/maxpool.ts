/**
 * `max_pool2d`, the largest element of every window and its place, and its backward pass. The first of equals counts, and NaN
 * beats everything.
 */
import { FLOAT32, FLOAT64 } from '../generated/abi';
import { address, dtypeOf, param, size } from '../program/record';
import { width } from '../simd/partial';
import { describePooling, endInside, endOf, firstInside, neighbours, pooling, within } from './pooling';

/** One window, whose places go from row `top` and column `start` on. */
function window<T>(out: usize, index: usize, x: usize, top: i32, bottom: i32, start: i32): void {
  const left = within(start, pooling.dilationX);
  const right = endOf(start, pooling.dilationX, pooling.kernelX, pooling.width);
  const stepX = pooling.dilationX;
  let place = top * pooling.width + left;
  let best = load<T>(x + <usize>place * sizeof<T>());
  for (let y = top; y < bottom; y += pooling.dilationY) {
    const row = y * pooling.width;
    for (let at = row + left, end = row + right; at < end; at += stepX) {
      const value = load<T>(x + <usize>at * sizeof<T>());
      if (!(value <= best) && best == best) {
        best = value;
        place = at;
      }
    }
  }
  store<T>(out, best);
  store<i64>(index, place);
}

// @ts-ignore: decorator
@inline
function placesFrom<T>(first: i32, stride: i32): v128 {
  if (sizeof<T>() == 4) return i32x4.add(i32x4.splat(first), i32x4.mul(i32x4.splat(stride), i32x4(0, 1, 2, 3)));
  return i64x2.add(i64x2.splat(first), i64x2.mul(i64x2.splat(stride), i64x2(0, 1)));
}

// @ts-ignore: decorator
@inline
function storePlaces<T>(to: usize, places: v128): void {
  if (sizeof<T>() == 4) {
    v128.store(to, i64x2.extend_low_i32x4_u(places));
    v128.store(to, i64x2.extend_high_i32x4_u(places), 16);
  } else v128.store(to, places);
}

/** A vector of neighbouring windows within the columns of the image. */
function windows<T>(out: usize, index: usize, x: usize, top: i32, bottom: i32, start: i32): void {
  const stride = pooling.strideX;
  const right = endOf(start, pooling.dilationX, pooling.kernelX, pooling.width);
  const stepX = pooling.dilationX;
  let at = top * pooling.width + start;
  let places = placesFrom<T>(at, stride);
  let best = neighbours<T>(x + <usize>at * sizeof<T>(), stride);
  for (let y = top; y < bottom; y += pooling.dilationY) {
    const row = y * pooling.width;
    for (at = row + start; at < row + right; at += stepX) {
      const value = neighbours<T>(x + <usize>at * sizeof<T>(), stride);
      // Where value > best or value is NaN, unless best is NaN already.
      const better = v128.andnot(v128.eq<T>(best, best), v128.le<T>(value, best));
      best = v128.bitselect(value, best, better);
      places = v128.bitselect(placesFrom<T>(at, stride), places, better);
    }
  }
  v128.store(out, best);
  storePlaces<T>(index, places);
}

function forward<T>(r: usize): bool {
  describePooling(r, true);
  let out = address(r, 0);
  let index = address(r, 1);
  let x = address(r, 2);
  const stride = pooling.strideX;
  const from = firstInside();
  const until = endInside<T>(from);
  for (let image = 0; image < pooling.images; image++) {
    for (let y = 0, y0 = -pooling.paddingY; y < pooling.rows; y++, y0 += pooling.strideY) {
      const top = within(y0, pooling.dilationY);
      const bottom = endOf(y0, pooling.dilationY, pooling.kernelY, pooling.height);
      for (let i = 0, x0 = -pooling.paddingX; i < pooling.columns; ) {
        if (i >= from && i < until) {
          windows<T>(out, index, x, top, bottom, x0);
          out += 16;
          index += <usize>width<T>() << 3;
          i += width<T>();
          x0 += width<T>() * stride;
        } else {
          window<T>(out, index, x, top, bottom, x0);
          out += sizeof<T>();
          index += 8;
          i++;
          x0 += stride;
        }
      }
    }
    x += <usize>(pooling.height * pooling.width) * sizeof<T>();
  }
  return true;
}

function backward<T>(r: usize): bool {
  let dx = address(r, 0);
  let g = address(r, 1);
  let index = address(r, 2);
  const points = size(r, 1) * size(r, 2);
  const bytes = <usize>(<i32>param(r, 0) * <i32>param(r, 1)) * sizeof<T>();
  for (let image = size(r, 0); image > 0; image--, dx += bytes) {
    memory.fill(dx, 0, bytes);
    for (let i = 0; i < points; i++, g += sizeof<T>(), index += 8) {
      const to = dx + <usize>load<i64>(index) * sizeof<T>();
      store<T>(to, load<T>(to) + load<T>(g));
    }
  }
  return true;
}

export function maxPool2d(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return forward<f32>(r);
  return dtypeOf(r) == FLOAT64 && forward<f64>(r);
}

export function maxPool2dBackward(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return backward<f32>(r);
  return dtypeOf(r) == FLOAT64 && backward<f64>(r);
}
