/**
 * Checks of what only the data can tell. They precede the record they protect, so that the kernels
 * themselves need not look.
 */
import {
  FAULT_INDEX,
  FAULT_NO_KERNEL,
  FAULT_RANGE,
  FAULT_ZERO_DIVISOR,
  FLOAT32,
  FLOAT64,
  INT32,
  INT64,
  UINT8,
} from '../generated/abi';
import { dtypeOf, innerSize, innerStride, param, paramsOf, rankOf } from '../program/record';
import { begin, next, pointer } from '../program/walk';

let offender: f64 = 0;

/** The value that the last failed check found. */
export function faultValue(): f64 {
  return offender;
}

export function checkIndex(r: usize): i32 {
  const low = <i64>param(r, 0);
  const high = <i64>param(r, 1);
  const lenient = paramsOf(r) > 2;
  const exempt = lenient ? <i64>param(r, 2) : 0;
  const n = innerSize(r);
  const step = (<usize>innerStride(r, 0)) << 3;
  begin(r);
  do {
    for (let i = 0, at = pointer(0); i < n; i++, at += step) {
      const index = load<i64>(at);
      if ((index < low || index >= high) && !(lenient && index == exempt)) {
        offender = <f64>index;
        return FAULT_INDEX;
      }
    }
  } while (next(r, rankOf(r) - 1));
  return 0;
}

function findZero<T>(r: usize): i32 {
  const n = innerSize(r);
  const step = <usize>innerStride(r, 0) * sizeof<T>();
  begin(r);
  do {
    for (let i = 0, at = pointer(0); i < n; i++, at += step) {
      if (load<T>(at) == 0) {
        offender = 0;
        return FAULT_ZERO_DIVISOR;
      }
    }
  } while (next(r, rankOf(r) - 1));
  return 0;
}

function findOutside<T>(r: usize): i32 {
  const low = <T>param(r, 0);
  const high = <T>param(r, 1);
  const n = innerSize(r);
  const step = <usize>innerStride(r, 0) * sizeof<T>();
  begin(r);
  do {
    for (let i = 0, at = pointer(0); i < n; i++, at += step) {
      const value = load<T>(at);
      // NaN lies nowhere.
      if (!(value >= low && value <= high)) {
        offender = <f64>value;
        return FAULT_RANGE;
      }
    }
  } while (next(r, rankOf(r) - 1));
  return 0;
}

export function checkWithin(r: usize): i32 {
  switch (dtypeOf(r)) {
    case FLOAT32:
      return findOutside<f32>(r);
    case FLOAT64:
      return findOutside<f64>(r);
    default:
      return FAULT_NO_KERNEL;
  }
}

export function checkNonzero(r: usize): i32 {
  switch (dtypeOf(r)) {
    case INT32:
      return findZero<i32>(r);
    case INT64:
      return findZero<i64>(r);
    case UINT8:
      return findZero<u8>(r);
    default:
      return FAULT_NO_KERNEL;
  }
}
