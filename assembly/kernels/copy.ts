/**
 * `copy` between any two layouts and dtypes, and `where`. `move`, the strided copy of raw elements, also
 * serves the elementwise driver (tiles) and the index kernels.
 */
import { BOOL, FLOAT32, FLOAT64, INT32, INT64, UINT8, itemBytes } from '../generated/abi';
import { innerSize, innerStride, operandDtype, rankOf } from '../program/record';
import { begin, next, pointer } from '../program/walk';

function moveElements<T>(n: i32, out: usize, outStride: i32, x: usize, stride: i32): void {
  const outStep = <usize>outStride * sizeof<T>();
  const step = <usize>stride * sizeof<T>();
  for (; n > 0; n--, out += outStep, x += step) store<T>(out, load<T>(x));
}

/** Copies n elements of 1, 4 or 8 bytes. */
export function move(bytes: i32, n: i32, out: usize, outStride: i32, x: usize, stride: i32): void {
  if (n > 1 && outStride == 1 && stride == 1) memory.copy(out, x, <usize>n * bytes);
  else if (bytes == 4) moveElements<u32>(n, out, outStride, x, stride);
  else if (bytes == 8) moveElements<u64>(n, out, outStride, x, stride);
  else moveElements<u8>(n, out, outStride, x, stride);
}

/** Floats beyond an integer type saturate; uint8 takes the low bits of the int32. NaN becomes 0. */
// @ts-ignore: decorator
@inline
export function cast<S, D>(value: S): D {
  if (isFloat<S>() && !isFloat<D>()) return sizeof<D>() == 1 ? <D>(<i32>value) : <D>value;
  return <D>value;
}

function convert<S, D>(n: i32, out: usize, outStride: i32, x: usize, stride: i32): void {
  const outStep = <usize>outStride * sizeof<D>();
  const step = <usize>stride * sizeof<S>();
  for (; n > 0; n--, out += outStep, x += step) store<D>(out, cast<S, D>(load<S>(x)));
}

function toBool<S>(n: i32, out: usize, outStride: i32, x: usize, stride: i32): void {
  const step = <usize>stride * sizeof<S>();
  for (; n > 0; n--, out += outStride, x += step) store<u8>(out, <u8>(load<S>(x) != 0));
}

function convertFrom<S>(to: i32, n: i32, out: usize, outStride: i32, x: usize, stride: i32): void {
  if (to == FLOAT32) convert<S, f32>(n, out, outStride, x, stride);
  else if (to == FLOAT64) convert<S, f64>(n, out, outStride, x, stride);
  else if (to == INT32) convert<S, i32>(n, out, outStride, x, stride);
  else if (to == INT64) convert<S, i64>(n, out, outStride, x, stride);
  else if (to == UINT8) convert<S, u8>(n, out, outStride, x, stride);
  else toBool<S>(n, out, outStride, x, stride);
}

function convertRow(from: i32, to: i32, n: i32, out: usize, outStride: i32, x: usize, stride: i32): void {
  if (from == to || (from == BOOL && to == UINT8)) move(itemBytes(to), n, out, outStride, x, stride);
  else if (from == FLOAT32) convertFrom<f32>(to, n, out, outStride, x, stride);
  else if (from == FLOAT64) convertFrom<f64>(to, n, out, outStride, x, stride);
  else if (from == INT32) convertFrom<i32>(to, n, out, outStride, x, stride);
  else if (from == INT64) convertFrom<i64>(to, n, out, outStride, x, stride);
  else convertFrom<u8>(to, n, out, outStride, x, stride);
}

export function copy(r: usize): bool {
  const to = operandDtype(r, 0);
  const from = operandDtype(r, 1);
  const n = innerSize(r);
  const outStride = innerStride(r, 0);
  const stride = innerStride(r, 1);
  begin(r);
  do convertRow(from, to, n, pointer(0), outStride, pointer(1), stride);
  while (next(r, rankOf(r) - 1));
  return true;
}

function chooseRow<T>(
  n: i32,
  out: usize,
  outStride: i32,
  condition: usize,
  conditionStride: i32,
  x: usize,
  xStride: i32,
  y: usize,
  yStride: i32,
): void {
  const outStep = <usize>outStride * sizeof<T>();
  const xStep = <usize>xStride * sizeof<T>();
  const yStep = <usize>yStride * sizeof<T>();
  for (; n > 0; n--, out += outStep, condition += conditionStride, x += xStep, y += yStep) {
    store<T>(out, select<T>(load<T>(x), load<T>(y), load<u8>(condition) != 0));
  }
}

/** The first bytes as a mask of lanes of T. */
// @ts-ignore: decorator
@inline
function maskOf<T>(bytes: v128): v128 {
  const lanes = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes));
  if (sizeof<T>() == 4) return i32x4.ne(lanes, i32x4.splat(0));
  return i64x2.ne(i64x2.extend_low_i32x4_u(lanes), i64x2.splat(0));
}

/** Contiguous elements of 4 or 8 bytes, in whole vectors; returns how many it did. */
function chooseVectors<T>(n: i32, out: usize, condition: usize, x: usize, y: usize): i32 {
  const lanes = 16 / <i32>sizeof<T>();
  const whole = n & -lanes;
  for (let i = 0; i < whole; i += lanes, out += 16, x += 16, y += 16) {
    const bytes = sizeof<T>() == 4 ? v128.load32_zero(condition + i) : i16x8.replace_lane(i16x8.splat(0), 0, load<u16>(condition + i));
    v128.store(out, v128.bitselect(v128.load(x), v128.load(y), maskOf<T>(bytes)));
  }
  return whole;
}

/** `where` over n contiguous elements of 1, 4 or 8 bytes. */
export function chooseContiguous(bytes: i32, n: i32, out: usize, condition: usize, x: usize, y: usize): void {
  let done = 0;
  if (bytes == 4) done = chooseVectors<u32>(n, out, condition, x, y);
  else if (bytes == 8) done = chooseVectors<u64>(n, out, condition, x, y);
  const at = <usize>(done * bytes);
  choose(bytes, n - done, out + at, 1, condition + done, 1, x + at, 1, y + at, 1);
}

/** `where` over n elements of 1, 4 or 8 bytes. */
export function choose(
  bytes: i32,
  n: i32,
  out: usize,
  outStride: i32,
  condition: usize,
  conditionStride: i32,
  x: usize,
  xStride: i32,
  y: usize,
  yStride: i32,
): void {
  if (bytes == 4) chooseRow<u32>(n, out, outStride, condition, conditionStride, x, xStride, y, yStride);
  else if (bytes == 8) chooseRow<u64>(n, out, outStride, condition, conditionStride, x, xStride, y, yStride);
  else chooseRow<u8>(n, out, outStride, condition, conditionStride, x, xStride, y, yStride);
}

export function where(r: usize): bool {
  const n = innerSize(r);
  const bytes = itemBytes(operandDtype(r, 0));
  const outStride = innerStride(r, 0);
  const conditionStride = innerStride(r, 1);
  const xStride = innerStride(r, 2);
  const yStride = innerStride(r, 3);
  begin(r);
  if (outStride == 1 && conditionStride == 1 && xStride == 1 && yStride == 1) {
    do chooseContiguous(bytes, n, pointer(0), pointer(1), pointer(2), pointer(3));
    while (next(r, rankOf(r) - 1));
    return true;
  }
  do {
    choose(bytes, n, pointer(0), outStride, pointer(1), conditionStride, pointer(2), xStride, pointer(3), yStride);
  } while (next(r, rankOf(r) - 1));
  return true;
}
