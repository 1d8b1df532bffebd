/**
 * `sgd_step` and `adam_step`: one pass over a parameter, updated in place together with its state and step count.
 * Formulas are those of torch.optim.SGD, Adam and AdamW. Scalars are computed in float64 and
 * applied in the parameter's dtype.
 */
import { FLOAT32, FLOAT64 } from '../generated/abi';
import { address, dtypeOf, elements, param } from '../program/record';
import { loadSome, splat, storeSome, width } from '../simd/partial';

function sgd<T>(r: usize): bool {
  const n = elements(r);
  const momentum = param(r, 0);
  const nesterov = param(r, 3) != 0;
  const stepAt = address(r, 3);
  const first = load<f64>(stepAt) == 0;
  const keep = splat<T>(momentum);
  const take = splat<T>(1 - param(r, 1));
  const decays = param(r, 2) != 0;
  const decay = splat<T>(param(r, 2));
  const rate = splat<T>(load<f64>(address(r, 4)));
  let parameter = address(r, 0);
  let gradient = address(r, 1);
  let buffer: usize = momentum == 0 ? 0 : address(r, 2);
  for (let i = 0; i < n; i += width<T>(), parameter += 16, gradient += 16) {
    const left = n - i;
    const p = loadSome<T>(parameter, left);
    let d = loadSome<T>(gradient, left);
    if (decays) d = v128.add<T>(d, v128.mul<T>(decay, p));
    if (buffer != 0) {
      let b = d;
      if (!first) b = v128.add<T>(v128.mul<T>(keep, loadSome<T>(buffer, left)), v128.mul<T>(take, d));
      storeSome<T>(buffer, b, left);
      buffer += 16;
      d = nesterov ? v128.add<T>(d, v128.mul<T>(keep, b)) : b;
    }
    storeSome<T>(parameter, v128.sub<T>(p, v128.mul<T>(rate, d)), left);
  }
  store<f64>(stepAt, load<f64>(stepAt) + 1);
  return true;
}

function adam<T>(r: usize): bool {
  const n = elements(r);
  const beta1 = param(r, 0);
  const beta2 = param(r, 1);
  const decay = param(r, 3);
  const decoupled = param(r, 4) != 0;
  const stepAt = address(r, 4);
  const t = load<f64>(stepAt) + 1;
  const rate = load<f64>(address(r, 5));
  const keep1 = splat<T>(beta1);
  const take1 = splat<T>(1 - beta1);
  const keep2 = splat<T>(beta2);
  const take2 = splat<T>(1 - beta2);
  const epsilon = splat<T>(param(r, 2));
  const pull = splat<T>(decoupled ? rate * decay : decay);
  const pace = splat<T>(rate / (1 - NativeMath.pow(beta1, t)));
  const unbias = splat<T>(1 / sqrt<f64>(1 - NativeMath.pow(beta2, t)));
  const parameter = address(r, 0);
  const gradient = address(r, 1);
  const firstMoment = address(r, 2);
  const secondMoment = address(r, 3);
  for (let i = 0; i < n; i += width<T>()) {
    const at = <usize>i * sizeof<T>();
    const left = n - i;
    let p = loadSome<T>(parameter + at, left);
    let g = loadSome<T>(gradient + at, left);
    if (decay != 0 && decoupled) p = v128.sub<T>(p, v128.mul<T>(pull, p));
    else if (decay != 0) g = v128.add<T>(g, v128.mul<T>(pull, p));
    const m = v128.add<T>(v128.mul<T>(keep1, loadSome<T>(firstMoment + at, left)), v128.mul<T>(take1, g));
    const squares = v128.mul<T>(take2, v128.mul<T>(g, g));
    const v = v128.add<T>(v128.mul<T>(keep2, loadSome<T>(secondMoment + at, left)), squares);
    const scale = v128.add<T>(v128.mul<T>(v128.sqrt<T>(v), unbias), epsilon);
    storeSome<T>(firstMoment + at, m, left);
    storeSome<T>(secondMoment + at, v, left);
    storeSome<T>(parameter + at, v128.sub<T>(p, v128.div<T>(v128.mul<T>(pace, m), scale)), left);
  }
  store<f64>(stepAt, t);
  return true;
}

export function sgdStep(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return sgd<f32>(r);
  return dtypeOf(r) == FLOAT64 && sgd<f64>(r);
}

export function adamStep(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return adam<f32>(r);
  return dtypeOf(r) == FLOAT64 && adam<f64>(r);
}
