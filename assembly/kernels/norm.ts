/**
 * `layer_norm` over rows of contiguous features, and its backward passes: one for the input, one
 * for weight and bias together. mean and rstd (1/√(variance + ε)) of every row are kept by the forward pass.
 */
import { FLOAT32, FLOAT64 } from '../generated/abi';
import { address, dtypeOf, innerSize, innerStride, param, rankOf } from '../program/record';
import { begin, next, pointer } from '../program/walk';
import { workspace } from '../program/workspace';
import { loadPadded, loadSome, splat, storeSome, sumLanes, width } from '../simd/partial';
import { BLOCK, sumProducts } from '../simd/sums';

/** Features whose gradients are summed at once. */
const TILE: i32 = 512;

/** Σ (x − mean)² */
function squaresOf<T>(x: usize, n: i32, mean: v128): f64 {
  const whole = n & -width<T>();
  let total: f64 = 0;
  for (let i = 0; i < whole; ) {
    let sum = splat<T>(0);
    for (const end = min<i32>(whole, i + BLOCK); i < end; i += width<T>(), x += 16) {
      const d = v128.sub<T>(v128.load(x), mean);
      sum = v128.add<T>(sum, v128.mul<T>(d, d));
    }
    total += sumLanes<T>(sum);
  }
  if (whole < n) {
    const d = v128.sub<T>(loadPadded<T>(x, n - whole, mean), mean);
    total += sumLanes<T>(v128.mul<T>(d, d));
  }
  return total;
}

function forward<T>(r: usize): bool {
  const n = innerSize(r);
  const eps = param(r, 0);
  const weighted = address(r, 4) != 0;
  const biased = address(r, 5) != 0;
  begin(r);
  do {
    const x = pointer(3);
    const weight = pointer(4);
    const bias = pointer(5);
    const y = pointer(0);
    const mean = sumProducts<T>(x, 0, n) / n;
    const centre = splat<T>(mean);
    const rstd = 1 / sqrt<f64>(squaresOf<T>(x, n, centre) / n + eps);
    const scale = splat<T>(rstd);
    store<T>(pointer(1), <T>mean);
    store<T>(pointer(2), <T>rstd);
    for (let i = 0; i < n; i += width<T>()) {
      const at = <usize>i * sizeof<T>();
      let v = v128.mul<T>(v128.sub<T>(loadSome<T>(x + at, n - i), centre), scale);
      if (weighted) v = v128.mul<T>(v, loadSome<T>(weight + at, n - i));
      if (biased) v = v128.add<T>(v, loadSome<T>(bias + at, n - i));
      storeSome<T>(y + at, v, n - i);
    }
  } while (next(r, rankOf(r) - 1));
  return true;
}

/** dx = rstd·(d − mean(d) − x̂·mean(d·x̂)) with d = g·weight and x̂ = (x − mean)·rstd */
function backward<T>(r: usize): bool {
  const n = innerSize(r);
  const weighted = address(r, 5) != 0;
  begin(r);
  do {
    const dx = pointer(0);
    const g = pointer(1);
    const x = pointer(2);
    const weight = pointer(5);
    const centre = splat<T>(load<T>(pointer(3)));
    const scale = splat<T>(load<T>(pointer(4)));
    let total: f64 = 0;
    let products: f64 = 0;
    for (let i = 0; i < n; ) {
      let sum = splat<T>(0);
      let sumProducts = splat<T>(0);
      for (const end = min<i32>(n, i + BLOCK); i < end; i += width<T>()) {
        const at = <usize>i * sizeof<T>();
        let d = loadSome<T>(g + at, n - i);
        if (weighted) d = v128.mul<T>(d, loadSome<T>(weight + at, n - i));
        const normal = v128.mul<T>(v128.sub<T>(loadSome<T>(x + at, n - i), centre), scale);
        sum = v128.add<T>(sum, d);
        sumProducts = v128.add<T>(sumProducts, v128.mul<T>(d, normal));
      }
      total += sumLanes<T>(sum);
      products += sumLanes<T>(sumProducts);
    }
    const mean = splat<T>(total / n);
    const slope = splat<T>(products / n);
    for (let i = 0; i < n; i += width<T>()) {
      const at = <usize>i * sizeof<T>();
      let d = loadSome<T>(g + at, n - i);
      if (weighted) d = v128.mul<T>(d, loadSome<T>(weight + at, n - i));
      const normal = v128.mul<T>(v128.sub<T>(loadSome<T>(x + at, n - i), centre), scale);
      const rest = v128.sub<T>(v128.sub<T>(d, mean), v128.mul<T>(normal, slope));
      storeSome<T>(dx + at, v128.mul<T>(rest, scale), n - i);
    }
  } while (next(r, rankOf(r) - 1));
  return true;
}

/** Adds a row's g and g·x̂ to the float64 sums of a tile of features. */
function addRow<T>(sums: usize, products: usize, g: usize, x: usize, n: i32, mean: f64, rstd: f64): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i * sizeof<T>();
    const to = (<usize>i) << 3;
    const d = <f64>load<T>(g + at);
    store<f64>(sums + to, load<f64>(sums + to) + d);
    store<f64>(products + to, load<f64>(products + to) + d * (<f64>load<T>(x + at) - mean) * rstd);
  }
}

/** dweight = Σ g·x̂ and dbias = Σ g over the rows. */
function backwardAffine<T>(r: usize): bool {
  const features = innerSize(r);
  const sums = workspace();
  const products = sums + TILE * 8;
  const dweight = address(r, 0);
  const dbias = address(r, 1);
  const dweightStep = innerStride(r, 0) * <i32>sizeof<T>();
  const dbiasStep = innerStride(r, 1) * <i32>sizeof<T>();
  for (let start = 0; start < features; start += TILE) {
    const n = min<i32>(features - start, TILE);
    const skip = <usize>start * sizeof<T>();
    memory.fill(sums, 0, TILE * 16);
    begin(r);
    do
      addRow<T>(
        sums,
        products,
        pointer(2) + skip,
        pointer(3) + skip,
        n,
        load<T>(pointer(4)),
        load<T>(pointer(5)),
      );
    while (next(r, rankOf(r) - 1));
    for (let i = 0; i < n; i++) {
      const at = (<usize>i) << 3;
      if (dweight != 0) store<T>(dweight + (start + i) * dweightStep, <T>load<f64>(products + at));
      if (dbias != 0) store<T>(dbias + (start + i) * dbiasStep, <T>load<f64>(sums + at));
    }
  }
  return true;
}

export function layerNorm(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return forward<f32>(r);
  return dtypeOf(r) == FLOAT64 && forward<f64>(r);
}

export function layerNormBackward(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return backward<f32>(r);
  return dtypeOf(r) == FLOAT64 && backward<f64>(r);
}

export function layerNormBackwardAffine(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return backwardAffine<f32>(r);
  return dtypeOf(r) == FLOAT64 && backwardAffine<f64>(r);
}
