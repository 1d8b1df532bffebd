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

function choose<T>(r: usize): bool {
  const n = innerSize(r);
  const outStep = <usize>innerStride(r, 0) * sizeof<T>();
  const conditionStep = <usize>innerStride(r, 1);
  const xStep = <usize>innerStride(r, 2) * sizeof<T>();
  const yStep = <usize>innerStride(r, 3) * sizeof<T>();
  begin(r);
  do {
    let out = pointer(0);
    let condition = pointer(1);
    let x = pointer(2);
    let y = pointer(3);
    for (let i = 0; i < n; i++) {
      store<T>(out, select<T>(load<T>(x), load<T>(y), load<u8>(condition) != 0));
      out += outStep;
      condition += conditionStep;
      x += xStep;
      y += yStep;
    }
  } while (next(r, rankOf(r) - 1));
  return true;
}

export function where(r: usize): bool {
  const bytes = itemBytes(operandDtype(r, 0));
  if (bytes == 4) return choose<u32>(r);
  if (bytes == 8) return choose<u64>(r);
  return choose<u8>(r);
}
