/**
 * `batch_norm` and its backward pass over records [n, c, l]. Statistics take two passes, the mean first. Here the
 * elements of a channel are rows of l; where l is 1, batchnormcolumns.ts takes many channels at once.
 */
import { FLOAT32, FLOAT64 } from '../generated/abi';
import { address, dtypeOf, param, size } from '../program/record';
import { loadPadded, loadSome, splat, storeSome, sumLanes, width } from '../simd/partial';
import { BLOCK, sumProducts } from '../simd/sums';
import { backwardColumns, forwardColumns } from './batchnormcolumns';
import { squaresOf } from './norm';

/** Where the sum of what is left of a mean goes. */
const REST: usize = memory.data(8, 8);

/** Element `channel` of a vector. */
// @ts-ignore: decorator
@inline
function channelOf<T>(x: usize, channel: i32): f64 {
  return <f64>load<T>(x + <usize>channel * sizeof<T>());
}

// @ts-ignore: decorator
@inline
function setChannel<T>(x: usize, channel: i32, value: f64): void {
  store<T>(x + <usize>channel * sizeof<T>(), <T>value);
}

/** y = (x − centre)·scale + shift for a row. */
function normalizeRow<T>(y: usize, x: usize, l: i32, centre: v128, scale: v128, shift: v128): void {
  for (; l >= width<T>(); l -= width<T>(), y += 16, x += 16) {
    v128.store(y, v128.add<T>(v128.mul<T>(v128.sub<T>(v128.load(x), centre), scale), shift));
  }
  if (l > 0) {
    const v = v128.sub<T>(loadSome<T>(x, l), centre);
    storeSome<T>(y, v128.add<T>(v128.mul<T>(v, scale), shift), l);
  }
}

function forwardRows<T>(r: usize): void {
  const n = size(r, 0);
  const channels = size(r, 1);
  const l = size(r, 2);
  const count = <f64>n * l;
  const row = <usize>l * sizeof<T>();
  const step = <usize>channels * row;
  const weight = address(r, 4);
  const bias = address(r, 5);
  let y = address(r, 0);
  let x = address(r, 3);
  for (let channel = 0; channel < channels; channel++, y += row, x += row) {
    let sum: f64 = 0;
    for (let i = 0, at = x; i < n; i++, at += step) sum += sumProducts<T>(at, 0, l);
    const centre = splat<T>(sum / count);
    let squares: f64 = 0;
    store<f64>(REST, 0);
    for (let i = 0, at = x; i < n; i++, at += step) squares += squaresOf<T>(at, l, centre, REST);
    const rest = load<f64>(REST) / count;
    const variance = max<f64>(squares / count - rest * rest, 0);
    setChannel<T>(address(r, 1), channel, sum / count);
    setChannel<T>(address(r, 2), channel, variance);
    const rstd = 1 / sqrt<f64>(variance + param(r, 0));
    const factor = weight == 0 ? rstd : rstd * channelOf<T>(weight, channel);
    const scale = splat<T>(factor);
    const shift = splat<T>((bias == 0 ? 0 : channelOf<T>(bias, channel)) - rest * factor);
    for (let i = 0, skip: usize = 0; i < n; i++, skip += step) {
      normalizeRow<T>(y + skip, x + skip, l, centre, scale, shift);
    }
  }
}

/** Σ g·(x − centre) over a row. Two sums at a time, as an addition takes several cycles. */
function centredProducts<T>(g: usize, x: usize, l: i32, centre: v128): f64 {
  let total: f64 = 0;
  const whole = l & -width<T>();
  for (let i = 0; i < whole; ) {
    let even = splat<T>(0);
    let odd = splat<T>(0);
    const end = min<i32>(whole, i + BLOCK);
    for (; i + 2 * width<T>() <= end; i += 2 * width<T>(), g += 32, x += 32) {
      even = v128.add<T>(even, v128.mul<T>(v128.load(g), v128.sub<T>(v128.load(x), centre)));
      odd = v128.add<T>(odd, v128.mul<T>(v128.load(g, 16), v128.sub<T>(v128.load(x, 16), centre)));
    }
    for (; i < end; i += width<T>(), g += 16, x += 16) {
      even = v128.add<T>(even, v128.mul<T>(v128.load(g), v128.sub<T>(v128.load(x), centre)));
    }
    total += sumLanes<T>(v128.add<T>(even, odd));
  }
  if (whole < l) {
    const d = v128.sub<T>(loadPadded<T>(x, l - whole, centre), centre);
    total += sumLanes<T>(v128.mul<T>(loadSome<T>(g, l - whole), d));
  }
  return total;
}

/** dx = a·g − b − c·(x − centre) for a row. */
function gradientRow<T>(dx: usize, g: usize, x: usize, l: i32, centre: v128, a: v128, b: v128, c: v128): void {
  for (; l >= width<T>(); l -= width<T>(), dx += 16, g += 16, x += 16) {
    const d = v128.mul<T>(v128.sub<T>(v128.load(x), centre), c);
    v128.store(dx, v128.sub<T>(v128.sub<T>(v128.mul<T>(v128.load(g), a), b), d));
  }
  if (l > 0) {
    const d = v128.mul<T>(v128.sub<T>(loadSome<T>(x, l), centre), c);
    storeSome<T>(dx, v128.sub<T>(v128.sub<T>(v128.mul<T>(loadSome<T>(g, l), a), b), d), l);
  }
}

/** dx = weight·rstd·(g − mean(g) − x̂·mean(g·x̂)) with x̂ = (x − mean)·rstd. */
function backwardRows<T>(r: usize): void {
  const n = size(r, 0);
  const channels = size(r, 1);
  const l = size(r, 2);
  const count = <f64>n * l;
  const row = <usize>l * sizeof<T>();
  const step = <usize>channels * row;
  const weight = address(r, 7);
  const dx = address(r, 0);
  let g = address(r, 3);
  let x = address(r, 4);
  for (let channel = 0; channel < channels; channel++, g += row, x += row) {
    const centre = splat<T>(channelOf<T>(address(r, 5), channel));
    const rstd = 1 / sqrt<f64>(channelOf<T>(address(r, 6), channel) + param(r, 0));
    let sum: f64 = 0;
    let products: f64 = 0;
    for (let i = 0, skip: usize = 0; i < n; i++, skip += step) {
      sum += sumProducts<T>(g + skip, 0, l);
      products += centredProducts<T>(g + skip, x + skip, l, centre);
    }
    setChannel<T>(address(r, 1), channel, products * rstd);
    setChannel<T>(address(r, 2), channel, sum);
    if (dx == 0) continue;
    const scale = weight == 0 ? rstd : rstd * channelOf<T>(weight, channel);
    const a = splat<T>(scale);
    const b = splat<T>(scale * sum / count);
    const c = splat<T>(scale * products * rstd * rstd / count);
    for (let i = 0, skip: usize = 0; i < n; i++, skip += step) {
      gradientRow<T>(dx + <usize>channel * row + skip, g + skip, x + skip, l, centre, a, b, c);
    }
  }
}

function forward<T>(r: usize): bool {
  if (size(r, 2) == 1) forwardColumns<T>(r);
  else forwardRows<T>(r);
  return true;
}

function backward<T>(r: usize): bool {
  if (size(r, 2) == 1) backwardColumns<T>(r);
  else backwardRows<T>(r);
  return true;
}

export function batchNorm(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return forward<f32>(r);
  return dtypeOf(r) == FLOAT64 && forward<f64>(r);
}

export function batchNormBackward(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return backward<f32>(r);
  return dtypeOf(r) == FLOAT64 && backward<f64>(r);
}
