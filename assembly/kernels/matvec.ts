/** Matrix times vector, y = A·x: matmul when one side of the product is a single line. Steps are in bytes. */
import { workspace } from '../program/workspace';
import { width } from '../simd/partial';
import { move } from './copy';

/** The longest strided vector that is made contiguous first, in bytes. */
const GATHERED: usize = 1 << 19;

/** A row that is contiguous, like x: four vectors of partial sums. */
function dot<T>(k: i32, a: usize, x: usize): T {
  let s0 = v128.splat<T>(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const chunk = 4 * width<T>();
  for (; k >= chunk; k -= chunk, a += 64, x += 64) {
    s0 = v128.add<T>(s0, v128.mul<T>(v128.load(a), v128.load(x)));
    s1 = v128.add<T>(s1, v128.mul<T>(v128.load(a, 16), v128.load(x, 16)));
    s2 = v128.add<T>(s2, v128.mul<T>(v128.load(a, 32), v128.load(x, 32)));
    s3 = v128.add<T>(s3, v128.mul<T>(v128.load(a, 48), v128.load(x, 48)));
  }
  for (; k >= width<T>(); k -= width<T>(), a += 16, x += 16) {
    s0 = v128.add<T>(s0, v128.mul<T>(v128.load(a), v128.load(x)));
  }
  s0 = v128.add<T>(v128.add<T>(s0, s1), v128.add<T>(s2, s3));
  s0 = v128.add<T>(s0, i8x16.shuffle(s0, s0, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  let total = v128.extract_lane<T>(s0, 0);
  if (sizeof<T>() == 4) total += v128.extract_lane<T>(s0, 1);
  for (; k > 0; k--, a += sizeof<T>(), x += sizeof<T>()) total += load<T>(a) * load<T>(x);
  return total;
}

/** y += four contiguous columns, each times its element of x: fewer passes over y than one by one. */
function addColumns<T>(m: i32, y: usize, a: usize, ak: usize, x: usize, xk: usize): void {
  const x0 = load<T>(x);
  const x1 = load<T>(x + xk);
  const x2 = load<T>(x + 2 * xk);
  const x3 = load<T>(x + 3 * xk);
  const v0 = v128.splat<T>(x0);
  const v1 = v128.splat<T>(x1);
  const v2 = v128.splat<T>(x2);
  const v3 = v128.splat<T>(x3);
  const a1 = a + ak;
  const a2 = a1 + ak;
  const a3 = a2 + ak;
  let i: usize = 0;
  for (const end = <usize>(m & -width<T>()) * sizeof<T>(); i < end; i += 16) {
    const low = v128.add<T>(v128.mul<T>(v128.load(a + i), v0), v128.mul<T>(v128.load(a1 + i), v1));
    const high = v128.add<T>(v128.mul<T>(v128.load(a2 + i), v2), v128.mul<T>(v128.load(a3 + i), v3));
    v128.store(y + i, v128.add<T>(v128.load(y + i), v128.add<T>(low, high)));
  }
  for (const end = <usize>m * sizeof<T>(); i < end; i += sizeof<T>()) {
    const low = load<T>(a + i) * x0 + load<T>(a1 + i) * x1;
    store<T>(y + i, load<T>(y + i) + (low + (load<T>(a2 + i) * x2 + load<T>(a3 + i) * x3)));
  }
}

function addColumn<T>(m: i32, y: usize, a: usize, x: T): void {
  const v = v128.splat<T>(x);
  let i: usize = 0;
  for (const end = <usize>(m & -width<T>()) * sizeof<T>(); i < end; i += 16) {
    v128.store(y + i, v128.add<T>(v128.load(y + i), v128.mul<T>(v128.load(a + i), v)));
  }
  for (const end = <usize>m * sizeof<T>(); i < end; i += sizeof<T>()) {
    store<T>(y + i, load<T>(y + i) + load<T>(a + i) * x);
  }
}

export function matvec<T>(
  m: i32,
  k: i32,
  y: usize,
  ym: usize,
  a: usize,
  am: usize,
  ak: usize,
  x: usize,
  xk: usize,
): void {
  if (am == sizeof<T>() && ym == sizeof<T>() && ak != sizeof<T>()) {
    memory.fill(y, 0, <usize>m * sizeof<T>());
    for (; k >= 4; k -= 4, a += 4 * ak, x += 4 * xk) addColumns<T>(m, y, a, ak, x, xk);
    for (; k > 0; k--, a += ak, x += xk) addColumn<T>(m, y, a, load<T>(x));
    return;
  }
  if (xk != sizeof<T>() && <usize>k * sizeof<T>() <= GATHERED) {
    move(<i32>sizeof<T>(), k, workspace(), 1, x, <i32>(xk / sizeof<T>()));
    x = workspace();
    xk = sizeof<T>();
  }
  for (; m > 0; m--, y += ym, a += am) {
    if (ak == sizeof<T>() && xk == sizeof<T>()) {
      store<T>(y, dot<T>(k, a, x));
      continue;
    }
    let total: T = 0;
    for (let i = 0; i < k; i++) total += load<T>(a + <usize>i * ak) * load<T>(x + <usize>i * xk);
    store<T>(y, total);
  }
}
