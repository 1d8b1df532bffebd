/**
 * `cross_entropy` of rows of logits and one class per row, and its gradient. The probabilities are never stored: a
 * row's logarithm of the sum of exponentials is what the two passes share. Rows of the ignored class give 0.
 */
import { FLOAT32, FLOAT64 } from '../generated/abi';
import { address, dtypeOf, innerSize, param, rankOf } from '../program/record';
import { begin, next, pointer } from '../program/walk';
import { loadSome, splat, storeSome, width } from '../simd/partial';
import { logOf } from '../simd/transcendental';
import { exponentials, greatest } from './softmax';

/** weight · (lse − x[t]), summed from its small parts: both may be large while the loss is not. */
function forward<T>(r: usize): bool {
  const n = innerSize(r);
  const ignored = <i64>param(r, 0);
  const weighted = address(r, 4) != 0;
  begin(r);
  do {
    const x = pointer(2);
    const target = load<i64>(pointer(3));
    if (target == ignored) {
      store<T>(pointer(0), 0);
      store<T>(pointer(1), 0);
      continue;
    }
    const at = <usize>target * sizeof<T>();
    const top = greatest<T>(x, n);
    const logSum = logOf(exponentials<T>(0, x, n, top));
    const loss = top - <f64>load<T>(x + at) + logSum;
    store<T>(pointer(0), <T>(weighted ? loss * <f64>load<T>(pointer(4) + at) : loss));
    store<T>(pointer(1), <T>(top + logSum));
  } while (next(r, rankOf(r) - 1));
  return true;
}

/**
 * g · weight · (softmax(x) − [c = t]). Exponentials are divided by their own sum, which is 1 but for the rounding
 * of lse: that error grows with the logits, and is the same factor in all of them.
 */
function backward<T>(r: usize): bool {
  const n = innerSize(r);
  const ignored = <i64>param(r, 0);
  const weighted = address(r, 5) != 0;
  begin(r);
  do {
    const dx = pointer(0);
    const target = load<i64>(pointer(4));
    if (target == ignored) {
      memory.fill(dx, 0, <usize>n * sizeof<T>());
      continue;
    }
    const at = <usize>target * sizeof<T>();
    let slope = <f64>load<T>(pointer(1));
    if (weighted) slope *= <f64>load<T>(pointer(5) + at);
    const scale = splat<T>(slope / exponentials<T>(dx, pointer(2), n, <f64>load<T>(pointer(3))));
    for (let i = 0; i < n; i += width<T>()) {
      const to = dx + <usize>i * sizeof<T>();
      storeSome<T>(to, v128.mul<T>(loadSome<T>(to, n - i), scale), n - i);
    }
    store<T>(dx + at, <T>(load<T>(dx + at) - <T>slope));
  } while (next(r, rankOf(r) - 1));
  return true;
}

export function crossEntropy(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return forward<f32>(r);
  return dtypeOf(r) == FLOAT64 && forward<f64>(r);
}

export function crossEntropyBackward(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return backward<f32>(r);
  return dtypeOf(r) == FLOAT64 && backward<f64>(r);
}
