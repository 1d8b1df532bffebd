/** Running sums and products along a dimension, and dimensions turned round. */
import { track } from '../autograd/track.ts';
import { ArgumentError, DTypeError, describe } from '../errors.ts';
import { add, mul } from '../generated/elementwise.ts';
import { CUMPROD, CUMSUM } from '../generated/opcodes.ts';
import { allocate, emit, expectTensor, operand } from '../tensor/create.ts';
import { type DType, isDType } from '../tensor/dtype.ts';
import { resolveDim, resolveDims, type Shape } from '../tensor/layout.ts';
import { isList } from '../tensor/lists.ts';
import { checkOptions } from '../tensor/options.ts';
import { dtypeOf, ndimOf, shapeOf, storageOf, stridesOf, type Tensor } from '../tensor/tensor.ts';
import { positions } from './condition.ts';
import { castTo, clone, detach, filled } from './convert.ts';
import { indexSelect } from './index.ts';
import { cat } from './join.ts';
import { narrow } from './view.ts';

/** Options of `cumsum` and `cumprod`. */
export interface ScanOptions {
  /** Convert to this dtype first. Integers and bools become int64 by default. */
  dtype?: DType;
}

/** Emits a scan with its dimension innermost; the strides may be any. */
function scanKernel(op: string, opcode: number, x: Tensor, dim: number): Tensor {
  const out = allocate(op, storageOf(x).heap, dtypeOf(x), shapeOf(x));
  const last = (values: Shape) => (ndimOf(x) === 0 ? [] : [...values.toSpliced(dim, 1), values[dim] as number]);
  emit(op, storageOf(x).heap, {
    opcode,
    dtype: dtypeOf(x),
    shape: last(shapeOf(x)),
    operands: [operand(out, last(stridesOf(out))), operand(x, last(stridesOf(x)))],
  });
  return out;
}

function resolveScan(
  op: string,
  x: Tensor,
  dim: number,
  options: ScanOptions | undefined,
): { source: Tensor; d: number } {
  expectTensor(op, x);
  const { dtype = x.isFloatingPoint ? dtypeOf(x) : 'int64' } = checkOptions(op, options, ['dtype']);
  if (!isDType(dtype)) throw new DTypeError(op, `unknown dtype ${describe(dtype)}`);
  if (dtype === 'bool') throw new DTypeError(op, 'does not compute in bool');
  return { source: castTo(x, dtype), d: resolveDim(op, dim, ndimOf(x)) };
}

/** Running sum along `dim`. */
export function cumsum(x: Tensor, dim: number, options?: ScanOptions): Tensor {
  const { source, d } = resolveScan('cumsum', x, dim, options);
  const out = scanKernel('cumsum', CUMSUM, source, d);
  // Every element counts in all sums from its own on.
  track('cumsum', [source], [out], [], ([g]) => [flip(cumsum(flip(g as Tensor, d), d), d)]);
  return out;
}

/** Running product along `dim`. */
export function cumprod(x: Tensor, dim: number, options?: ScanOptions): Tensor {
  const { source, d } = resolveScan('cumprod', x, dim, options);
  const out = scanKernel('cumprod', CUMPROD, source, d);
  track('cumprod', [source], [out], [source, out], ([g], [factors, products]) => [
    cumprodGradient(g as Tensor, factors as Tensor, products as Tensor, d),
  ]);
  return out;
}

/** `x` shifted along `dim` by n towards the end (negative: the start), with a constant moving in. */
function shift(x: Tensor, dim: number, n: number, entering: number): Tensor {
  const size = shapeOf(x)[dim] as number;
  const fresh = filled('cumprod', shapeOf(x).with(dim, Math.abs(n)), entering, x);
  return n > 0 ? cat([fresh, narrow(x, dim, 0, size - n)], dim) : cat([narrow(x, dim, -n, size + n), fresh], dim);
}

/**
 * The cotangent of x_k is p_{k−1}·s_k, where p is the running product and s_k = g_k + x_{k+1}·s_{k+1}. The recurrence
 * is solved by doubling (Hillis and Steele, "Data parallel algorithms", 1986), so that nothing is divided by and
 * zeros do no harm.
 */
function cumprodGradient(g: Tensor, x: Tensor, products: Tensor, dim: number): Tensor {
  const n = shapeOf(x)[dim] ?? 1;
  if (ndimOf(x) === 0 || n < 2) return g;
  let factor = shift(x, dim, -1, 0);
  let total = g;
  for (let reach = 1; reach < n; reach *= 2) {
    total = add(total, mul(factor, shift(total, dim, -reach, 0)));
    if (2 * reach < n) factor = mul(factor, shift(factor, dim, -reach, 0));
  }
  return mul(total, shift(products, dim, 1, 1));
}

/** The order of elements reversed along one dimension or several. */
export function flip(x: Tensor, dims: number | Shape): Tensor {
  expectTensor('flip', x);
  if (typeof dims !== 'number' && !isList(dims))
    throw new ArgumentError('flip', `wants a dimension or an array of them, got ${describe(dims)}`);
  const list = resolveDims('flip', dims, ndimOf(x));
  let out = detach(x);
  for (const d of list) {
    const n = shapeOf(x)[d] as number;
    if (n > 1) out = indexSelect(out, d, positions('flip', storageOf(x).heap, 'int64', n, n - 1, -1));
  }
  if (storageOf(out) === storageOf(x)) out = clone(out);
  track('flip', [x], [out], [], ([g]) => [flip(g as Tensor, list)]);
  return out;
}
