/** Reads the records of conv2d and its backward passes: sizes, and descriptions (convolution.ts) of one group. */
import { param, size } from '../program/record';
import { conv } from './convolution';

/** Dimensions of the iteration space. */
export const N: i32 = 0;
export const GROUPS: i32 = 1;
export const O: i32 = 2;
export const C: i32 = 3;
export const OH: i32 = 4;
export const OW: i32 = 5;
export const KH: i32 = 6;
export const KW: i32 = 7;

/** Params. Of each pair the vertical one comes first. */
export const HEIGHT: i32 = 0;
export const WIDTH: i32 = 1;
export const STRIDE: i32 = 2;
export const PADDING: i32 = 4;
export const DILATION: i32 = 6;

/** A param that counts places. Larger ones than this differ in nothing: no image has so many places. */
// @ts-ignore: decorator
@inline
export function places(r: usize, i: i32): i32 {
  return <i32>min<f64>(param(r, i), 536870912);
}

/** Bytes of one channel of an image, of a result and of a filter. */
// @ts-ignore: decorator
@inline
function imageBytes<T>(r: usize): usize {
  return <usize>(places(r, HEIGHT) * places(r, WIDTH)) * sizeof<T>();
}

// @ts-ignore: decorator
@inline
function resultBytes<T>(r: usize): usize {
  return <usize>(size(r, OH) * size(r, OW)) * sizeof<T>();
}

// @ts-ignore: decorator
@inline
function filterBytes<T>(r: usize): usize {
  return <usize>(size(r, KH) * size(r, KW)) * sizeof<T>();
}

/** Bytes of one group of them. */
export function imageGroup<T>(r: usize): usize {
  return <usize>size(r, C) * imageBytes<T>(r);
}

export function resultGroup<T>(r: usize): usize {
  return <usize>size(r, O) * resultBytes<T>(r);
}

export function filterGroup<T>(r: usize): usize {
  return <usize>(size(r, O) * size(r, C)) * filterBytes<T>(r);
}

/** From x to the result, of the group at these addresses. */
export function describe<T>(r: usize, x: usize, weight: usize, bias: usize, result: usize): void {
  conv.image = x;
  conv.imageStep = <usize>size(r, GROUPS) * imageGroup<T>(r);
  conv.channelStep = imageBytes<T>(r);
  conv.images = size(r, N);
  conv.channels = size(r, C);
  conv.height = places(r, HEIGHT);
  conv.width = places(r, WIDTH);
  conv.strideY = places(r, STRIDE);
  conv.strideX = places(r, STRIDE + 1);
  conv.originY = -places(r, PADDING);
  conv.originX = -places(r, PADDING + 1);
  conv.tapsY = size(r, KH);
  conv.tapsX = size(r, KW);
  conv.dilationY = conv.tapsY == 1 ? 1 : places(r, DILATION);
  conv.dilationX = conv.tapsX == 1 ? 1 : places(r, DILATION + 1);
  conv.filter = weight;
  conv.filterStep = <usize>size(r, C) * filterBytes<T>(r);
  conv.filterChannelStep = filterBytes<T>(r);
  conv.tapStepY = <usize>conv.tapsX * sizeof<T>();
  conv.tapStepX = sizeof<T>();
  conv.filters = size(r, O);
  conv.bias = bias;
  conv.result = result;
  conv.resultStep = <usize>size(r, GROUPS) * resultGroup<T>(r);
  conv.resultChannelStep = resultBytes<T>(r);
  conv.rowStep = <usize>size(r, OW) * sizeof<T>();
  conv.columnStep = sizeof<T>();
  conv.rows = size(r, OH);
  conv.columns = size(r, OW);
}

/**
 * The other way round, from g, which plays the images' part, to dx, which plays the results'. Places and taps are left to
 * convphases.ts.
 */
export function describeTransposed<T>(r: usize, dx: usize, weight: usize, g: usize): void {
  conv.image = g;
  conv.imageStep = <usize>size(r, GROUPS) * resultGroup<T>(r);
  conv.channelStep = resultBytes<T>(r);
  conv.images = size(r, N);
  conv.channels = size(r, O);
  conv.height = size(r, OH);
  conv.width = size(r, OW);
  conv.strideY = 1;
  conv.strideX = 1;
  conv.filter = weight;
  conv.filterStep = filterBytes<T>(r);
  conv.filterChannelStep = <usize>size(r, C) * filterBytes<T>(r);
  conv.filters = size(r, C);
  conv.bias = 0;
  conv.result = dx;
  conv.resultStep = <usize>size(r, GROUPS) * imageGroup<T>(r);
  conv.resultChannelStep = imageBytes<T>(r);
}
