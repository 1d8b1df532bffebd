/**
 * `sort` along the last, contiguous dimension: a stable bottom-up merge sort of indices, which move between
 * the two halves of the workspace; the values follow at the end. NaN is the greatest value.
 */
import { BOOL, FLOAT32, FLOAT64, INT32, INT64, UINT8 } from '../generated/abi';
import { dtypeOf, innerSize, param, rankOf } from '../program/record';
import { begin, next, pointer } from '../program/walk';

/** Runs of this length are made by insertion. */
const RUN: i32 = 8;

// @ts-ignore: decorator
@inline
function valueOf<T>(x: usize, index: i64): T {
  return load<T>(x + <usize>index * sizeof<T>());
}

/** Whether a comes strictly before b. */
// @ts-ignore: decorator
@inline
function precedes<T>(a: T, b: T, descending: bool): bool {
  const less = descending ? b : a;
  const greater = descending ? a : b;
  return less < greater || (greater != greater && less == less);
}

/** Sorts the indices first…end − 1 of `to`. */
function insertRun<T>(to: usize, first: i32, end: i32, x: usize, descending: bool): void {
  for (let i = first; i < end; i++) {
    const value = valueOf<T>(x, i);
    let at = to + ((<usize>i) << 3);
    for (const start = to + ((<usize>first) << 3); at > start; at -= 8) {
      const before = load<i64>(at - 8);
      if (!precedes<T>(value, valueOf<T>(x, before), descending)) break;
      store<i64>(at, before);
    }
    store<i64>(at, i);
  }
}

/** Merges the sorted runs first…middle − 1 and middle…end − 1 of `from` into `to`. */
function mergeRuns<T>(
  to: usize,
  from: usize,
  first: i32,
  middle: i32,
  end: i32,
  x: usize,
  descending: bool,
): void {
  let left = first;
  let right = middle;
  for (let i = first; i < end; i++) {
    let takeRight = left == middle;
    if (left < middle && right < end) {
      const a = valueOf<T>(x, load<i64>(from + ((<usize>left) << 3)));
      takeRight = precedes<T>(valueOf<T>(x, load<i64>(from + ((<usize>right) << 3))), a, descending);
    }
    const index = load<i64>(from + ((<usize>(takeRight ? right : left)) << 3));
    right += <i32>takeRight;
    left += <i32>!takeRight;
    store<i64>(to + ((<usize>i) << 3), index);
  }
}

/** Leaves the sorted indices in one half of the workspace and returns where. */
function sortRow<T>(n: i32, x: usize, space: usize, descending: bool): usize {
  let from = space;
  let to = space + ((<usize>n) << 3);
  for (let first = 0; first < n; first += RUN)
    insertRun<T>(from, first, min<i32>(first + RUN, n), x, descending);
  for (let length = RUN; length < n; length <<= 1) {
    for (let first = 0; first < n; first += 2 * length) {
      mergeRuns<T>(
        to,
        from,
        first,
        min<i32>(first + length, n),
        min<i32>(first + 2 * length, n),
        x,
        descending,
      );
    }
    const other = from;
    from = to;
    to = other;
  }
  return from;
}

function sortRows<T>(r: usize): bool {
  const n = innerSize(r);
  const descending = param(r, 0) != 0;
  begin(r);
  do {
    const x = pointer(2);
    const order = sortRow<T>(n, x, pointer(3), descending);
    memory.copy(pointer(1), order, (<usize>n) << 3);
    for (let i = 0; i < n; i++) {
      store<T>(pointer(0) + <usize>i * sizeof<T>(), valueOf<T>(x, load<i64>(order + ((<usize>i) << 3))));
    }
  } while (next(r, rankOf(r) - 1));
  return true;
}

export function sort(r: usize): bool {
  switch (dtypeOf(r)) {
    case FLOAT32:
      return sortRows<f32>(r);
    case FLOAT64:
      return sortRows<f64>(r);
    case INT32:
      return sortRows<i32>(r);
    case INT64:
      return sortRows<i64>(r);
    case UINT8:
    case BOOL:
      return sortRows<u8>(r);
    default:
      return false;
  }
}
