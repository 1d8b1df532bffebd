/**
 * `layer_norm` and `rms_norm` over rows of contiguous features, and their backward passes: one for the input, one
 * for weight and bias together. mean and rstd (1/√(variance + ε)) of every row are kept by the forward pass.
 * rms_norm is layer_norm whose mean is 0: its records lack the operands that belong to the mean, so that those
 * behind them move up, and have no bias.
 */
import { FLOAT32, FLOAT64 } from '../generated/abi';
import { address, dtypeOf, innerSize, param, rankOf } from '../program/record';
import { begin, next, pointer } from '../program/walk';
import { workspace } from '../program/workspace';
import { loadPadded, loadSome, splat, storeSome, sumLanes, width } from '../simd/partial';
import { BLOCK, sumProducts } from '../simd/sums';

/** Features whose gradients are summed at once, and rows that are summed in T before float64 takes over. */
const TILE: i32 = 512;
const ROWS: i32 = 32;
/** Where the sum of what is left of a mean goes. */
const REST: usize = memory.data(8, 8);

/**
 * Σ (x − mean)², and adds Σ (x − mean) to the float64 at `rest`: what rounding leaves of a mean is a mean of its own, to be
 * taken off variance and elements (Chan, Golub, LeVeque, "Algorithms for Computing the Sample Variance", 1983).
 */
export function squaresOf<T>(x: usize, n: i32, mean: v128, rest: usize): f64 {
  const whole = n & -width<T>();
  let total: f64 = 0;
  let first: f64 = load<f64>(rest);
  for (let i = 0; i < whole; ) {
    let even = splat<T>(0);
    let odd = splat<T>(0);
    let sum = splat<T>(0);
    const end = min<i32>(whole, i + BLOCK);
    for (; i + 2 * width<T>() <= end; i += 2 * width<T>(), x += 32) {
      const a = v128.sub<T>(v128.load(x), mean);
      const b = v128.sub<T>(v128.load(x, 16), mean);
      even = v128.add<T>(even, v128.mul<T>(a, a));
      odd = v128.add<T>(odd, v128.mul<T>(b, b));
      sum = v128.add<T>(sum, v128.add<T>(a, b));
    }
    for (; i < end; i += width<T>(), x += 16) {
      const a = v128.sub<T>(v128.load(x), mean);
      even = v128.add<T>(even, v128.mul<T>(a, a));
      sum = v128.add<T>(sum, a);
    }
    total += sumLanes<T>(v128.add<T>(even, odd));
    first += sumLanes<T>(sum);
  }
  if (whole < n) {
    const d = v128.sub<T>(loadPadded<T>(x, n - whole, mean), mean);
    total += sumLanes<T>(v128.mul<T>(d, d));
    first += sumLanes<T>(d);
  }
  store<f64>(rest, first);
  return total;
}

/** (x − mean − slack)·rstd·weight + bias of the vector at byte `at`, of which `left` lanes are there; weight and bias may be absent. */
// @ts-ignore: decorator
@inline
function writeNormal<T>(
  y: usize,
  x: usize,
  weight: usize,
  bias: usize,
  at: usize,
  centre: v128,
  slack: v128,
  scale: v128,
  left: i32,
): void {
  let v = v128.mul<T>(v128.sub<T>(v128.sub<T>(loadSome<T>(x + at, left), centre), slack), scale);
  if (weight != 0) v = v128.mul<T>(v, loadSome<T>(weight + at, left));
  if (bias != 0) v = v128.add<T>(v, loadSome<T>(bias + at, left));
  storeSome<T>(y + at, v, left);
}

function forward<T>(r: usize, centred: i32): bool {
  const n = innerSize(r);
  const eps = param(r, 0);
  const whole = n & -width<T>();
  const bytes = <usize>whole * sizeof<T>();
  const weight = address(r, 3 + centred);
  const bias = centred ? address(r, 5) : 0;
  begin(r);
  do {
    const y = pointer(0);
    const x = pointer(2 + centred);
    let mean: f64 = 0;
    if (centred) {
      mean = sumProducts<T>(x, 0, n) / n;
      store<T>(pointer(1), <T>mean);
    }
    const centre = splat<T>(mean);
    store<f64>(REST, 0);
    const squares = squaresOf<T>(x, n, centre, REST) / n;
    const rest = centred ? load<f64>(REST) / n : 0;
    const slack = splat<T>(rest);
    const rstd = 1 / sqrt<f64>(max<f64>(squares - rest * rest, 0) + eps);
    const scale = splat<T>(rstd);
    store<T>(pointer(1 + centred), <T>rstd);
    for (let at: usize = 0; at < bytes; at += 16)
      writeNormal<T>(y, x, weight, bias, at, centre, slack, scale, width<T>());
    if (whole < n) writeNormal<T>(y, x, weight, bias, bytes, centre, slack, scale, n - whole);
  } while (next(r, rankOf(r) - 1));
  return true;
}

/** g·weight of the vector at byte `at`. */
// @ts-ignore: decorator
@inline
function slopeAt<T>(g: usize, weight: usize, at: usize, left: i32): v128 {
  const d = loadSome<T>(g + at, left);
  return weight == 0 ? d : v128.mul<T>(d, loadSome<T>(weight + at, left));
}

/** x̂ of the vector at byte `at`; what lies behind its `left` lanes is not to be used. */
// @ts-ignore: decorator
@inline
function normalAt<T>(x: usize, at: usize, centre: v128, scale: v128, left: i32): v128 {
  return v128.mul<T>(v128.sub<T>(loadSome<T>(x + at, left), centre), scale);
}

// @ts-ignore: decorator
@inline
function writeGradient<T>(
  dx: usize,
  slope: v128,
  normal: v128,
  mean: v128,
  projection: v128,
  scale: v128,
  left: i32,
): void {
  const rest = v128.sub<T>(v128.sub<T>(slope, mean), v128.mul<T>(normal, projection));
  storeSome<T>(dx, v128.mul<T>(rest, scale), left);
}

/** dx = rstd·(d − mean(d) − x̂·mean(d·x̂)) with d = g·weight and x̂ = (x − mean)·rstd; mean(d) comes by way of the mean. */
function backward<T>(r: usize, centred: i32): bool {
  const n = innerSize(r);
  const whole = n & -width<T>();
  const bytes = <usize>whole * sizeof<T>();
  const weight = address(r, 4 + centred);
  begin(r);
  do {
    const dx = pointer(0);
    const g = pointer(1);
    const x = pointer(2);
    const centre = splat<T>(centred ? <f64>load<T>(pointer(3)) : 0);
    const scale = splat<T>(load<T>(pointer(3 + centred)));
    let total: f64 = 0;
    let products: f64 = 0;
    for (let at: usize = 0; at < bytes; ) {
      let sum = splat<T>(0);
      let sumProducts = splat<T>(0);
      for (const end = min<usize>(bytes, at + BLOCK * sizeof<T>()); at < end; at += 16) {
        const slope = slopeAt<T>(g, weight, at, width<T>());
        sum = v128.add<T>(sum, slope);
        const normal = normalAt<T>(x, at, centre, scale, width<T>());
        sumProducts = v128.add<T>(sumProducts, v128.mul<T>(slope, normal));
      }
      total += sumLanes<T>(sum);
      products += sumLanes<T>(sumProducts);
    }
    const left = n - whole;
    if (left > 0) {
      // Missing lanes of the slope are zero.
      const slope = slopeAt<T>(g, weight, bytes, left);
      total += sumLanes<T>(slope);
      products += sumLanes<T>(v128.mul<T>(slope, normalAt<T>(x, bytes, centre, scale, left)));
    }
    const mean = splat<T>(centred ? total / n : 0);
    const projection = splat<T>(products / n);
    for (let at: usize = 0; at < bytes; at += 16) {
      const slope = slopeAt<T>(g, weight, at, width<T>());
      const normal = normalAt<T>(x, at, centre, scale, width<T>());
      writeGradient<T>(dx + at, slope, normal, mean, projection, scale, width<T>());
    }
    if (left > 0) {
      const slope = slopeAt<T>(g, weight, bytes, left);
      const normal = normalAt<T>(x, bytes, centre, scale, left);
      writeGradient<T>(dx + bytes, slope, normal, mean, projection, scale, left);
    }
  } while (next(r, rankOf(r) - 1));
  return true;
}

/** Adds a row's g and g·x̂ to the sums of a block of rows. */
function addRow<T>(sums: usize, products: usize, g: usize, x: usize, n: i32, mean: f64, rstd: f64): void {
  const centre = splat<T>(mean);
  const scale = splat<T>(rstd);
  for (let i = 0, at: usize = 0; i < n; i += width<T>(), at += 16) {
    const slope = loadSome<T>(g + at, n - i);
    const normal = normalAt<T>(x, at, centre, scale, n - i);
    v128.store(sums + at, v128.add<T>(v128.load(sums + at), slope));
    v128.store(products + at, v128.add<T>(v128.load(products + at), v128.mul<T>(slope, normal)));
  }
}

/** Adds the sums of a block of rows to the float64 sums and starts them anew. */
function moveSums<T>(totals: usize, sums: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const to = totals + (i << 3);
    store<f64>(to, load<f64>(to) + <f64>load<T>(sums + i * sizeof<T>()));
  }
  memory.fill(sums, 0, <usize>TILE * sizeof<T>());
}

/** dweight = Σ g·x̂ and dbias = Σ g over the rows. */
function backwardAffine<T>(r: usize, centred: i32): bool {
  const features = innerSize(r);
  const totalSums = workspace();
  const totalProducts = totalSums + TILE * 8;
  const sums = totalProducts + TILE * 8;
  const products = sums + TILE * 8;
  const dweight = address(r, 0);
  const dbias = centred ? address(r, 1) : 0;
  for (let start = 0; start < features; start += TILE) {
    const n = min<i32>(features - start, TILE);
    const skip = <usize>start * sizeof<T>();
    memory.fill(totalSums, 0, TILE * 32);
    let rows = 0;
    begin(r);
    do {
      const g = pointer(1 + centred) + skip;
      const x = pointer(2 + centred) + skip;
      const mean = centred ? <f64>load<T>(pointer(4)) : 0;
      addRow<T>(sums, products, g, x, n, mean, load<T>(pointer(3 + 2 * centred)));
      if (++rows % ROWS == 0) {
        moveSums<T>(totalSums, sums, n);
        moveSums<T>(totalProducts, products, n);
      }
    } while (next(r, rankOf(r) - 1));
    moveSums<T>(totalSums, sums, n);
    moveSums<T>(totalProducts, products, n);
    for (let i: usize = 0; i < <usize>n; i++) {
      const to = skip + i * sizeof<T>();
      if (dweight != 0) store<T>(dweight + to, <T>load<f64>(totalProducts + (i << 3)));
      if (dbias != 0) store<T>(dbias + to, <T>load<f64>(totalSums + (i << 3)));
    }
  }
  return true;
}

export function layerNorm(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return forward<f32>(r, 1);
  return dtypeOf(r) == FLOAT64 && forward<f64>(r, 1);
}

export function layerNormBackward(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return backward<f32>(r, 1);
  return dtypeOf(r) == FLOAT64 && backward<f64>(r, 1);
}

export function layerNormBackwardAffine(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return backwardAffine<f32>(r, 1);
  return dtypeOf(r) == FLOAT64 && backwardAffine<f64>(r, 1);
}

export function rmsNorm(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return forward<f32>(r, 0);
  return dtypeOf(r) == FLOAT64 && forward<f64>(r, 0);
}

export function rmsNormBackward(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return backward<f32>(r, 0);
  return dtypeOf(r) == FLOAT64 && backward<f64>(r, 0);
}

export function rmsNormBackwardAffine(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return backwardAffine<f32>(r, 0);
  return dtypeOf(r) == FLOAT64 && backwardAffine<f64>(r, 0);
}
