/**
 * `gather`, `scatter` and `scatter_add` along one dimension. The indexed operand has stride 0 there in
 * the record; param 0 is its true stride. Where the index does not change along the last dimension and
 * both operands are contiguous (embeddings, index_select of rows), whole rows are copied or added.
 */
import { FLOAT32, FLOAT64, INT32, INT64, UINT8, itemBytes } from '../generated/abi';
import { dtypeOf, innerSize, innerStride, operandDtype, param, rankOf } from '../program/record';
import { begin, next, pointer } from '../program/walk';
import { width } from '../simd/partial';
import { move } from './copy';

/** How far the indexed operand's element lies from its first, given the bytes of one index step. */
// @ts-ignore: decorator
@inline
function shift(index: usize, bytes: usize): usize {
  return <usize>load<i64>(index) * bytes;
}

function gatherElements<T>(r: usize, n: i32): void {
  const bytes = <usize>(<i32>param(r, 0)) * sizeof<T>();
  const outStep = <usize>innerStride(r, 0) * sizeof<T>();
  const xStep = <usize>innerStride(r, 1) * sizeof<T>();
  const indexStep = (<usize>innerStride(r, 2)) << 3;
  let out = pointer(0);
  let x = pointer(1);
  let index = pointer(2);
  for (let i = 0; i < n; i++) {
    store<T>(out, load<T>(x + shift(index, bytes)));
    out += outStep;
    x += xStep;
    index += indexStep;
  }
}

function scatterElements<T>(r: usize, n: i32): void {
  const bytes = <usize>(<i32>param(r, 0)) * sizeof<T>();
  const outStep = <usize>innerStride(r, 0) * sizeof<T>();
  const indexStep = (<usize>innerStride(r, 1)) << 3;
  const sourceStep = <usize>innerStride(r, 2) * sizeof<T>();
  let out = pointer(0);
  let index = pointer(1);
  let source = pointer(2);
  for (let i = 0; i < n; i++) {
    store<T>(out + shift(index, bytes), load<T>(source));
    out += outStep;
    index += indexStep;
    source += sourceStep;
  }
}

export function gather(r: usize): bool {
  const n = innerSize(r);
  const bytes = itemBytes(operandDtype(r, 0));
  const rows = innerStride(r, 2) == 0 && innerStride(r, 0) == 1 && innerStride(r, 1) == 1;
  const stride = <usize>(<i32>param(r, 0)) * bytes;
  begin(r);
  do {
    if (rows) move(bytes, n, pointer(0), 1, pointer(1) + shift(pointer(2), stride), 1);
    else if (bytes == 4) gatherElements<u32>(r, n);
    else if (bytes == 8) gatherElements<u64>(r, n);
    else gatherElements<u8>(r, n);
  } while (next(r, rankOf(r) - 1));
  return true;
}

/** Whether out and source advance together under one index. */
function inRows(r: usize): bool {
  return innerStride(r, 1) == 0 && innerStride(r, 0) == 1 && innerStride(r, 2) == 1;
}

export function scatter(r: usize): bool {
  const n = innerSize(r);
  const bytes = itemBytes(operandDtype(r, 0));
  const rows = inRows(r);
  const stride = <usize>(<i32>param(r, 0)) * bytes;
  begin(r);
  do {
    if (rows) move(bytes, n, pointer(0) + shift(pointer(1), stride), 1, pointer(2), 1);
    else if (bytes == 4) scatterElements<u32>(r, n);
    else if (bytes == 8) scatterElements<u64>(r, n);
    else scatterElements<u8>(r, n);
  } while (next(r, rankOf(r) - 1));
  return true;
}

function addRow<T>(out: usize, source: usize, n: i32): void {
  let i = 0;
  if (isFloat<T>()) {
    for (; i + width<T>() <= n; i += width<T>(), out += 16, source += 16) {
      v128.store(out, v128.add<T>(v128.load(out), v128.load(source)));
    }
  }
  for (; i < n; i++, out += sizeof<T>(), source += sizeof<T>())
    store<T>(out, <T>(load<T>(out) + load<T>(source)));
}

function addElements<T>(r: usize, n: i32): void {
  const bytes = <usize>(<i32>param(r, 0)) * sizeof<T>();
  const outStep = <usize>innerStride(r, 0) * sizeof<T>();
  const indexStep = (<usize>innerStride(r, 1)) << 3;
  const sourceStep = <usize>innerStride(r, 2) * sizeof<T>();
  let out = pointer(0);
  let index = pointer(1);
  let source = pointer(2);
  for (let i = 0; i < n; i++) {
    const to = out + shift(index, bytes);
    store<T>(to, <T>(load<T>(to) + load<T>(source)));
    out += outStep;
    index += indexStep;
    source += sourceStep;
  }
}

function addAll<T>(r: usize): bool {
  const n = innerSize(r);
  const rows = inRows(r);
  const bytes = <usize>(<i32>param(r, 0)) * sizeof<T>();
  begin(r);
  do {
    if (rows) addRow<T>(pointer(0) + shift(pointer(1), bytes), pointer(2), n);
    else addElements<T>(r, n);
  } while (next(r, rankOf(r) - 1));
  return true;
}

/** Adds in the order of the index, so that results do not vary. */
export function scatterAdd(r: usize): bool {
  switch (dtypeOf(r)) {
    case FLOAT32:
      return addAll<f32>(r);
    case FLOAT64:
      return addAll<f64>(r);
    case INT32:
      return addAll<i32>(r);
    case INT64:
      return addAll<i64>(r);
    case UINT8:
      return addAll<u8>(r);
    default:
      return false;
  }
}
