/**
 * `cumsum` and `cumprod` along the last dimension. Floats accumulate in float64, integers in int64, which
 * wraps alike.
 */
import { FLOAT32, FLOAT64, INT32, INT64, UINT8 } from '../generated/abi';
import { dtypeOf, innerSize, innerStride, rankOf } from '../program/record';
import { begin, next, pointer } from '../program/walk';

@unmanaged
class Plus {
  @inline
  combine<A>(a: A, b: A): A {
    return a + b;
  }
}

@unmanaged
class Times {
  @inline
  combine<A>(a: A, b: A): A {
    return a * b;
  }
}

function scanRows<OP, T, A>(r: usize): bool {
  const n = innerSize(r);
  const outStep = <usize>innerStride(r, 0) * sizeof<T>();
  const step = <usize>innerStride(r, 1) * sizeof<T>();
  begin(r);
  do {
    let out = pointer(0);
    let x = pointer(1);
    let total = <A>load<T>(x);
    store<T>(out, <T>total);
    for (let i = 1; i < n; i++) {
      x += step;
      out += outStep;
      total = changetype<OP>(0).combine<A>(total, <A>load<T>(x));
      store<T>(out, <T>total);
    }
  } while (next(r, rankOf(r) - 1));
  return true;
}

function scan<OP>(r: usize): bool {
  switch (dtypeOf(r)) {
    case FLOAT32:
      return scanRows<OP, f32, f64>(r);
    case FLOAT64:
      return scanRows<OP, f64, f64>(r);
    case INT32:
      return scanRows<OP, i32, i64>(r);
    case INT64:
      return scanRows<OP, i64, i64>(r);
    case UINT8:
      return scanRows<OP, u8, i64>(r);
    default:
      return false;
  }
}

export function cumsum(r: usize): bool {
  return scan<Plus>(r);
}

export function cumprod(r: usize): bool {
  return scan<Times>(r);
}
