/** `arange`: start, start + step, … computed in float64 and converted like `copy` does. */
import { FLOAT32, FLOAT64, INT32, INT64, UINT8 } from '../generated/abi';
import { address, dtypeOf, elements, param } from '../program/record';
import { cast } from './copy';

function fill<T>(r: usize): bool {
  const start = param(r, 0);
  const step = param(r, 1);
  const n = elements(r);
  const out = address(r, 0);
  for (let i = 0; i < n; i++) {
    store<T>(out + <usize>i * sizeof<T>(), cast<f64, T>(start + <f64>i * step));
  }
  return true;
}

export function arange(r: usize): bool {
  switch (dtypeOf(r)) {
    case FLOAT32:
      return fill<f32>(r);
    case FLOAT64:
      return fill<f64>(r);
    case INT32:
      return fill<i32>(r);
    case INT64:
      return fill<i64>(r);
    case UINT8:
      return fill<u8>(r);
    default:
      return false;
  }
}
