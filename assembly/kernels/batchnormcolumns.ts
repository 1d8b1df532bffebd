/**
 * Batch normalisation of records [n, c, 1]: a tile of channels is walked row by row, and what is known of each
 * channel lies in tables of float64.
 */
import { address, param, size } from '../program/record';
import { workspace } from '../program/workspace';

/** Channels of a tile. */
const TILE: i32 = 512;

/** The i-th table. */
// @ts-ignore: decorator
@inline
function table(i: i32): usize {
  return workspace() + <usize>(i * TILE * 8);
}

export function forwardColumns<T>(r: usize): void {
  const n = size(r, 0);
  const channels = size(r, 1);
  const step = <usize>channels * sizeof<T>();
  const sums = table(0);
  for (let start = 0; start < channels; start += TILE) {
    const width = min<i32>(TILE, channels - start);
    const skip = <usize>start * sizeof<T>();
    const y = address(r, 0) + skip;
    const x = address(r, 3) + skip;
    memory.fill(sums, 0, 3 * TILE * 8);
    for (let i = 0, row = x; i < n; i++, row += step) addRow<T>(width, sums, row);
    for (let c = 0; c < width; c++) {
      const at = (<usize>c) << 3;
      const mean = <T>(load<f64>(sums + at) / n);
      store<T>(address(r, 1) + skip + <usize>c * sizeof<T>(), mean);
      store<f64>(sums + at, mean);
    }
    for (let i = 0, row = x; i < n; i++, row += step) addSquares<T>(width, row);
    scaleColumns<T>(r, start, width);
    for (let i = 0, row: usize = 0; i < n; i++, row += step) normalizeRow<T>(width, y + row, x + row);
  }
}

function addRow<T>(width: i32, sums: usize, x: usize): void {
  for (const end = sums + ((<usize>width) << 3); sums < end; sums += 8, x += sizeof<T>()) {
    store<f64>(sums, load<f64>(sums) + <f64>load<T>(x));
  }
}

/** Adds (x − mean)² to table 1 and x − mean, the mean being rounded, to table 2. */
function addSquares<T>(width: i32, x: usize): void {
  for (let at: usize = 0, end = (<usize>width) << 3; at < end; at += 8, x += sizeof<T>()) {
    const d = <f64>load<T>(x) - load<f64>(table(0) + at);
    store<f64>(table(1) + at, load<f64>(table(1) + at) + d * d);
    store<f64>(table(2) + at, load<f64>(table(2) + at) + d);
  }
}

/**
 * Writes the variances; table 1 is to hold the factors of x − mean, table 2 the biases. What rounding left of the mean is taken
 * off both.
 */
function scaleColumns<T>(r: usize, start: i32, width: i32): void {
  const weight = address(r, 4);
  const bias = address(r, 5);
  for (let c = 0; c < width; c++) {
    const at = (<usize>c) << 3;
    const own = <usize>(start + c) * sizeof<T>();
    const rest = load<f64>(table(2) + at) / size(r, 0);
    const variance = max<f64>(load<f64>(table(1) + at) / size(r, 0) - rest * rest, 0);
    store<T>(address(r, 2) + own, <T>variance);
    const rstd = 1 / sqrt<f64>(variance + param(r, 0));
    const factor = weight == 0 ? rstd : rstd * <f64>load<T>(weight + own);
    store<f64>(table(1) + at, factor);
    store<f64>(table(2) + at, (bias == 0 ? 0 : <f64>load<T>(bias + own)) - rest * factor);
  }
}

function normalizeRow<T>(width: i32, y: usize, x: usize): void {
  for (let at: usize = 0, end = (<usize>width) << 3; at < end; at += 8, y += sizeof<T>(), x += sizeof<T>()) {
    const d = <f64>load<T>(x) - load<f64>(table(0) + at);
    store<T>(y, <T>(d * load<f64>(table(1) + at) + load<f64>(table(2) + at)));
  }
}

export function backwardColumns<T>(r: usize): void {
  const n = size(r, 0);
  const channels = size(r, 1);
  const step = <usize>channels * sizeof<T>();
  for (let start = 0; start < channels; start += TILE) {
    const width = min<i32>(TILE, channels - start);
    const skip = <usize>start * sizeof<T>();
    const g = address(r, 3) + skip;
    const x = address(r, 4) + skip;
    memory.fill(table(1), 0, 2 * TILE * 8);
    for (let c: usize = 0; c < <usize>width; c++) {
      store<f64>(table(0) + (c << 3), load<T>(address(r, 5) + skip + c * sizeof<T>()));
    }
    for (let i = 0, row: usize = 0; i < n; i++, row += step) {
      addRow<T>(width, table(1), g + row);
      addProducts<T>(width, table(2), g + row, x + row);
    }
    slopeColumns<T>(r, start, width);
    if (address(r, 0) == 0) continue;
    const dx = address(r, 0) + skip;
    for (let i = 0, row: usize = 0; i < n; i++, row += step) gradientRow<T>(width, dx + row, g + row, x + row);
  }
}

/** Adds g·(x − mean). */
function addProducts<T>(width: i32, sums: usize, g: usize, x: usize): void {
  for (let at: usize = 0, end = (<usize>width) << 3; at < end; at += 8, g += sizeof<T>(), x += sizeof<T>()) {
    const d = <f64>load<T>(x) - load<f64>(table(0) + at);
    store<f64>(sums + at, load<f64>(sums + at) + <f64>load<T>(g) * d);
  }
}

/** Writes dweight and dbias; tables 1 to 3 are to hold a, b, c of dx = a·g − b − c·(x − mean). */
function slopeColumns<T>(r: usize, start: i32, width: i32): void {
  const n = <f64>size(r, 0);
  const weight = address(r, 7);
  for (let c = 0; c < width; c++) {
    const at = (<usize>c) << 3;
    const own = <usize>(start + c) * sizeof<T>();
    const rstd = 1 / sqrt<f64>(<f64>load<T>(address(r, 6) + own) + param(r, 0));
    const sum = load<f64>(table(1) + at);
    const slope = load<f64>(table(2) + at) * rstd;
    store<T>(address(r, 1) + own, <T>slope);
    store<T>(address(r, 2) + own, <T>sum);
    const scale = weight == 0 ? rstd : rstd * <f64>load<T>(weight + own);
    store<f64>(table(1) + at, scale);
    store<f64>(table(2) + at, scale * sum / n);
    store<f64>(table(3) + at, scale * slope * rstd / n);
  }
}

function gradientRow<T>(width: i32, dx: usize, g: usize, x: usize): void {
  for (let at: usize = 0, end = (<usize>width) << 3; at < end; at += 8) {
    const d = <f64>load<T>(x) - load<f64>(table(0) + at);
    const scaled = <f64>load<T>(g) * load<f64>(table(1) + at);
    store<T>(dx, <T>(scaled - load<f64>(table(2) + at) - d * load<f64>(table(3) + at)));
    dx += sizeof<T>();
    g += sizeof<T>();
    x += sizeof<T>();
  }
}
