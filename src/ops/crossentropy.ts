/**
 * Cross entropy of logits and class indices by kernels that never store the probabilities. They serve where
 * the gradient is not differentiated again; otherwise the same rule is composed of differentiable ops. What the
 * losses are reduced to is in `loss.ts`.
 */
import { track, tracks } from '../autograd/track.ts';
import { mul, ne, sub } from '../generated/elementwise.ts';
import { CROSS_ENTROPY, CROSS_ENTROPY_BACKWARD } from '../generated/opcodes.ts';
import { allocate, commonHeap, emit, operand } from '../tensor/create.ts';
import { dtypeOf, numelOf, shapeOf, storageOf, stridesOf, type Tensor } from '../tensor/tensor.ts';
import { where } from './condition.ts';
import { castTo, contiguous } from './convert.ts';
import { checkIndex, indexSelect, oneHot } from './index.ts';
import { fromRows, rowSpace, toRows } from './rows.ts';
import { softmax } from './softmax.ts';
import { movedim, reshape, unsqueeze } from './view.ts';

const OP = 'crossEntropy';
const PER_ROW = [1, 0] as const;
const PER_CLASS = [0, 1] as const;
const EVERYWHERE = [0, 0] as const;

/** The weight of each target's class. */
export const weightsOf = (weight: Tensor, index: Tensor): Tensor =>
  reshape(indexSelect(weight, 0, reshape(index, [numelOf(index)])), shapeOf(index));

/**
 * weight[t] · −log softmax(x)[t] for every target t, 0 for those of the class to ignore. `dim` holds the classes, of which
 * there is at least one; no gradient flows to the weight.
 * @throws IndexError for a class outside [0, C), unless it is the one to ignore.
 */
export function lossesOfClasses(x: Tensor, dim: number, target: Tensor, given: Tensor | null, ignored: number): Tensor {
  const heap = commonHeap(OP, [x, target, given]);
  const classes = shapeOf(x)[dim] as number;
  const [rows, index] = [toRows(OP, x, dim), contiguous(target)];
  const weight = given === null ? null : contiguous(given);
  const { shape, strides } = rowSpace(rows);
  const losses = allocate(OP, heap, dtypeOf(x), shapeOf(target));
  const lse = allocate(OP, heap, dtypeOf(x), shapeOf(target));
  emit(OP, heap, checkIndex(index, classes, ignored), {
    opcode: CROSS_ENTROPY,
    dtype: dtypeOf(x),
    shape,
    operands: [
      operand(losses, PER_ROW),
      operand(lse, PER_ROW),
      operand(rows, strides),
      operand(index, PER_ROW),
      weight === null ? null : operand(weight, PER_CLASS),
    ],
    params: [ignored],
  });
  track(OP, [x], [losses], [x, lse, index, ...(weight === null ? [] : [weight])], ([g], saved) => {
    const [input, sums, places, factors] = saved as [Tensor, Tensor, Tensor, Tensor?];
    const grad = g as Tensor;
    return [
      tracks([grad, input])
        ? composed(grad, input, dim, places, factors, ignored)
        : fused(grad, input, dim, sums, places, factors, ignored),
    ];
  });
  return losses;
}

/** The gradient by the backward kernel. */
function fused(
  g: Tensor,
  x: Tensor,
  dim: number,
  lse: Tensor,
  index: Tensor,
  weight: Tensor | undefined,
  ignored: number,
): Tensor {
  const rows = toRows(OP, x, dim);
  const { shape, strides } = rowSpace(rows);
  const out = allocate(OP, storageOf(x).heap, dtypeOf(x), shapeOf(rows));
  // What a mean or a sum hands back is one number, repeated without a copy.
  const slope = stridesOf(g).every((stride) => stride === 0) ? operand(g, EVERYWHERE) : operand(contiguous(g), PER_ROW);
  emit(OP, storageOf(x).heap, {
    opcode: CROSS_ENTROPY_BACKWARD,
    dtype: dtypeOf(x),
    shape,
    operands: [
      operand(out, strides),
      slope,
      operand(rows, strides),
      operand(lse, PER_ROW),
      operand(index, PER_ROW),
      weight === undefined ? null : operand(weight, PER_CLASS),
    ],
    params: [ignored],
  });
  return fromRows(OP, out, dim);
}

/** The same gradient in differentiable ops: g · weight · (softmax(x) − one-hot). */
function composed(
  g: Tensor,
  x: Tensor,
  dim: number,
  target: Tensor,
  weight: Tensor | undefined,
  ignored: number,
): Tensor {
  const counts = ne(target, ignored);
  const index = where(counts, target, 0);
  const slope = where(counts, weight === undefined ? g : mul(g, weightsOf(weight, index)), 0);
  const hot = movedim(oneHot(index, shapeOf(x)[dim] as number), -1, dim);
  return mul(unsqueeze(slope, dim), sub(softmax(x, dim), castTo(hot, dtypeOf(x))));
}
