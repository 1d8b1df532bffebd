/** `argmax` and `argmin` along the last dimension: the first of equals, and NaN beats everything. */
import { FLOAT32, FLOAT64, INT32, INT64, UINT8 } from '../generated/abi';
import { dtypeOf, innerSize, innerStride, rankOf } from '../program/record';
import { begin, next, pointer } from '../program/walk';

@unmanaged
class Greater {
  @inline
  beats<T>(a: T, b: T): bool {
    return a > b;
  }
}

@unmanaged
class Less {
  @inline
  beats<T>(a: T, b: T): bool {
    return a < b;
  }
}

function search<OP, T>(r: usize): bool {
  const n = innerSize(r);
  const step = <usize>innerStride(r, 1) * sizeof<T>();
  begin(r);
  do {
    let at = pointer(1);
    let best = load<T>(at);
    let found = 0;
    for (let i = 1; i < n && best == best; i++) {
      at += step;
      const value = load<T>(at);
      if (changetype<OP>(0).beats<T>(value, best) || value != value) {
        best = value;
        found = i;
      }
    }
    store<i64>(pointer(0), found);
  } while (next(r, rankOf(r) - 1));
  return true;
}

function argreduce<OP>(r: usize): bool {
  switch (dtypeOf(r)) {
    case FLOAT32:
      return search<OP, f32>(r);
    case FLOAT64:
      return search<OP, f64>(r);
    case INT32:
      return search<OP, i32>(r);
    case INT64:
      return search<OP, i64>(r);
    case UINT8:
      return search<OP, u8>(r);
    default:
      return false;
  }
}

export function argmax(r: usize): bool {
  return argreduce<Greater>(r);
}

export function argmin(r: usize): bool {
  return argreduce<Less>(r);
}
