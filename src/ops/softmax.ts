/**
 * softmax and its logarithm, along any dimension. The backward kernels serve where the gradient is not
 * differentiated again; otherwise the same rule is composed of differentiable ops.
 */
import { track, tracks } from '../autograd/track.ts';
import { DTypeError, describe } from '../errors.ts';
import { exp, mul, sub } from '../generated/elementwise.ts';
import { LOG_SOFTMAX, LOG_SOFTMAX_BACKWARD, SOFTMAX, SOFTMAX_BACKWARD } from '../generated/opcodes.ts';
import { allocate, emit, expectTensor, operand } from '../tensor/create.ts';
import { type DType, isDType, isFloating } from '../tensor/dtype.ts';
import { resolveDim } from '../tensor/layout.ts';
import { checkOptions } from '../tensor/options.ts';
import { dtypeOf, ndimOf, shapeOf, storageOf, type Tensor } from '../tensor/tensor.ts';
import { castTo } from './convert.ts';
import { sum } from './reduce.ts';
import { fromRows, rowSpace, toRows } from './rows.ts';

/** Options of `softmax` and `logSoftmax`. */
export interface SoftmaxOptions {
  /** Convert to this dtype first. */
  dtype?: DType;
}

/** Runs a kernel whose operands are all rows along `dim`; the result is contiguous. Not recorded. */
function overRows(op: string, opcode: number, dim: number, inputs: readonly Tensor[]): Tensor {
  const rows = inputs.map((input) => toRows(op, input, dim));
  const like = rows[0] as Tensor;
  const out = allocate(op, storageOf(like).heap, dtypeOf(like), shapeOf(like));
  const { shape, strides } = rowSpace(like);
  emit(op, storageOf(like).heap, {
    opcode,
    dtype: dtypeOf(like),
    shape,
    operands: [out, ...rows].map((tensor) => operand(tensor, strides)),
  });
  return fromRows(op, out, dim);
}

function normalised(
  op: string,
  forward: number,
  backward: number,
  compose: (g: Tensor, result: Tensor, dim: number) => Tensor,
  x: Tensor,
  dim: number,
  options: SoftmaxOptions | undefined,
): Tensor {
  expectTensor(op, x);
  const { dtype = dtypeOf(x) } = checkOptions(op, options, ['dtype']);
  if (!isDType(dtype)) throw new DTypeError(op, `unknown dtype ${describe(dtype)}`);
  if (!isFloating(dtype))
    throw new DTypeError(op, `wants a floating point tensor, got ${dtype}; pass { dtype: 'float32' }`);
  const d = resolveDim(op, dim, ndimOf(x));
  const source = castTo(x, dtype);
  const out = overRows(op, forward, d, [source]);
  track(op, [source], [out], [out], ([g], [result]) => {
    const [grad, y] = [g as Tensor, result as Tensor];
    return [tracks([grad, y]) ? compose(grad, y, d) : overRows(op, backward, d, [grad, y])];
  });
  return out;
}

/** Exponentials divided by their sum along `dim`. */
export const softmax = (x: Tensor, dim: number, options?: SoftmaxOptions): Tensor =>
  normalised(
    'softmax',
    SOFTMAX,
    SOFTMAX_BACKWARD,
    (g, y, d) => mul(y, sub(g, sum(mul(g, y), d, true))),
    x,
    dim,
    options,
  );

/** The logarithm of softmax along `dim`, without its over- and underflow. */
export const logSoftmax = (x: Tensor, dim: number, options?: SoftmaxOptions): Tensor =>
  normalised(
    'logSoftmax',
    LOG_SOFTMAX,
    LOG_SOFTMAX_BACKWARD,
    (g, y, d) => sub(g, mul(exp(y), sum(g, d, true))),
    x,
    dim,
    options,
  );
