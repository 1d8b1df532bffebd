/**
 * Functions of float64 tensors with every structured op in them, and the inputs to try them at: their derivatives are compared with
 * finite differences, and what vmap makes of them with a loop.
 */
import * as ct from 'cotangent';
import { type DType, fromArray, type Tensor, tensor } from 'cotangent';

/** Distinct float64 numbers in (-2, 2), the same in every run. */
export function numbers(shape: readonly number[], salt = 0): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Float64Array.from({ length: size }, (_, i) => 2 * Math.sin(1 + 1.7 * i + 0.37 * salt));
  return fromArray(data, shape, { requiresGrad: true });
}

/** Numbers in (0, 1). */
export const fractions = (shape: readonly number[], salt = 0): Tensor =>
  numbers(shape, salt).mul(0.2).add(0.5).detach().requiresGrad_();
export const ints = (data: number | number[] | number[][], dtype: DType = 'int64'): Tensor => tensor(data, { dtype });
export const bools = (data: boolean[] | boolean[][]): Tensor => tensor(data);

/** A function of float64 tensors and the inputs to differentiate it at. */
export type Case = [name: string, f: (...xs: Tensor[]) => Tensor | Tensor[], inputs: () => Tensor[]];

export const cases: readonly Case[] = [
  [
    'where with broadcasting',
    (x, y) => ct.where(bools([true, false, true]), x, y),
    () => [numbers([2, 3]), numbers([2, 1], 1)],
  ],
  ['maskedFill', (x, v) => ct.maskedFill(x, bools([[true], [false]]), v), () => [numbers([2, 3]), numbers([], 1)]],
  ['tril', (x) => ct.tril(x, 1), () => [numbers([2, 3, 4])]],
  ['triu', (x) => ct.triu(x, -1), () => [numbers([4, 3])]],
  [
    'gather',
    (x) =>
      ct.gather(
        x,
        0,
        ints([
          [0, 2, 2],
          [1, 2, 0],
        ]),
      ),
    () => [numbers([3, 4])],
  ],
  [
    'gather of a transposed tensor',
    (x) =>
      ct.gather(
        x.t(),
        -1,
        ints([
          [0, 2],
          [1, 1],
          [2, 2],
        ]),
      ),
    () => [numbers([3, 4])],
  ],
  ['gather of a scalar', (x) => ct.gather(x, 0, ints(0)), () => [numbers([])]],
  [
    'scatter where places repeat',
    (x, s) =>
      ct.scatter(
        x,
        1,
        ints([
          [0, 2, 0],
          [1, 1, 3],
        ]),
        s,
      ),
    () => [numbers([2, 4]), numbers([3, 3], 1)],
  ],
  [
    'scatterAdd',
    (x, s) =>
      ct.scatterAdd(
        x,
        0,
        ints([
          [0, 1, 1],
          [0, 0, 1],
        ]),
        s,
      ),
    () => [numbers([2, 3]), numbers([2, 4], 1)],
  ],
  ['indexSelect', (x) => ct.indexSelect(x, 1, ints([2, 0, 2])), () => [numbers([2, 3, 2])]],
  [
    'indexAdd',
    (x, s) => ct.indexAdd(x, 1, ints([2, 0, 2]), s, { alpha: 0.5 }),
    () => [numbers([2, 3]), numbers([2, 3], 1)],
  ],
  ['takeAlongDim', (x) => ct.takeAlongDim(x, ints([[1, 0]]), 1), () => [numbers([3, 2])]],
  [
    'embedding',
    (w) =>
      ct.embedding(
        ints([
          [1, 0],
          [2, 1],
        ]),
        w,
        { paddingIdx: null },
      ),
    () => [numbers([3, 2])],
  ],
  ['add with alpha', (x, y) => ct.add(x, y, { alpha: 0.3 }), () => [numbers([2, 3]), numbers([3], 1)]],
  ['rsub with alpha', (x, y) => ct.rsub(x, y, { alpha: 0.3 }), () => [numbers([2, 3]), numbers([3], 1)]],
  ['clamp by numbers', (x) => ct.clamp(x, -0.5, 0.7), () => [numbers([7])]],
  ['clamp by tensors', (x, a, b) => ct.clamp(x, a, b), () => [numbers([2, 7]), numbers([7], 3), numbers([2, 1], 1)]],
  ['nanToNum', (x) => ct.nanToNum(x), () => [numbers([5])]],
  ...[0, 1, 2, 3, 4, 1 / 3, 0.5, -0.5, -1, -2, 2.5].map(
    (n): Case => [`pow ${n}`, (x) => ct.pow(x, n), () => [fractions([6])]],
  ),
  ['pow of tensors', (x, y) => ct.pow(x, y), () => [fractions([2, 3]), numbers([3], 1)]],
  ['pow of a number', (y) => ct.pow(1.7, y), () => [numbers([3])]],
  ['gelu by tanh', (x) => ct.gelu(x, { approximate: 'tanh' }), () => [numbers([5])]],
  ['logit with eps', (x) => ct.logit(x, 0.3), () => [fractions([9])]],
  ['cumsum', (x) => ct.cumsum(x, 1), () => [numbers([2, 5, 2])]],
  ['cumprod', (x) => ct.cumprod(x, 0), () => [numbers([5, 2])]],
  ['flip', (x) => ct.flip(x, [0, -1]), () => [numbers([2, 3, 2])]],
  ['sort', (x) => ct.sort(x, 0, true).values, () => [numbers([5, 2])]],
  ['topk', (x) => ct.topk(x, 2, 1).values, () => [numbers([2, 5, 2])]],
  ['softmax along the last dimension', (x) => ct.softmax(x, -1), () => [numbers([2, 5])]],
  ['softmax along the first', (x) => ct.softmax(x, 0), () => [numbers([4, 3])]],
  ['logSoftmax', (x) => ct.logSoftmax(x, 1), () => [numbers([2, 4, 2])]],
  [
    'crossEntropy of classes',
    (x, w) =>
      ct.crossEntropy(
        x,
        ints([
          [0, 2],
          [-100, 1],
        ]),
        { weight: w, labelSmoothing: 0.2 },
      ),
    () => [numbers([2, 3, 2]), fractions([3])],
  ],
  [
    'crossEntropy of probabilities',
    (x, p) => ct.crossEntropy(x, p, { labelSmoothing: 0.1 }),
    () => [numbers([2, 3]), fractions([2, 3])],
  ],
  ['nllLoss', (x) => ct.nllLoss(x, ints([2, 0, 1]), { ignoreIndex: 0, reduction: 'none' }), () => [numbers([3, 3])]],
  ['mseLoss', (x, y) => ct.mseLoss(x, y), () => [numbers([2, 3]), numbers([2, 3], 1)]],
  ['l1Loss', (x, y) => ct.l1Loss(x, y, { reduction: 'sum' }), () => [numbers([2, 3]), numbers([2, 3], 1)]],
  [
    'binaryCrossEntropy',
    (x, y, w) => ct.binaryCrossEntropy(x, y, { weight: w }),
    () => [fractions([2, 3]), fractions([2, 3], 1), fractions([3], 2)],
  ],
  [
    'binaryCrossEntropyWithLogits',
    (x, y, w) => ct.binaryCrossEntropyWithLogits(x, y, { posWeight: w }),
    () => [numbers([2, 3]), fractions([2, 3], 1), fractions([3], 2)],
  ],
  ['layerNorm', (x) => ct.layerNorm(x, [2, 3]), () => [numbers([3, 2, 3])]],
  [
    'layerNorm of a transposed tensor',
    (x, w, b) => ct.layerNorm(x.t(), 4, w, b, 0.1),
    () => [numbers([4, 3]), numbers([4], 1), numbers([4], 2)],
  ],
  [
    'attention',
    (q, k, v) => ct.scaledDotProductAttention(q, k, v, { isCausal: true }),
    () => [numbers([2, 3, 2]), numbers([2, 3, 2], 1), numbers([2, 3, 4], 2)],
  ],
  [
    'attention with a query that may see nothing',
    (q, k, v) =>
      ct.scaledDotProductAttention(q, k, v, {
        attnMask: bools([
          [true, false],
          [false, false],
        ]),
      }),
    () => [numbers([2, 3]), numbers([2, 3], 1), numbers([2, 3], 2)],
  ],
  [
    'conv2d in groups',
    (x, w, b) => ct.conv2d(x, w, b, { padding: 1, stride: 2, groups: 2 }),
    () => [numbers([2, 4, 5, 4]), numbers([4, 2, 3, 2], 1), numbers([4], 2)],
  ],
  [
    'convTranspose2d',
    (x, w) => ct.convTranspose2d(x, w, { stride: 2, padding: 1, outputPadding: 1 }),
    () => [numbers([1, 2, 3, 2]), numbers([2, 3, 3, 3], 1)],
  ],
  ['maxPool2d', (x) => ct.maxPool2d(x, 2, { stride: 1, padding: 1 }), () => [numbers([2, 4, 3])]],
  ['avgPool2d', (x) => ct.avgPool2d(x, [2, 3], { padding: 1, ceilMode: true }), () => [numbers([2, 1, 5, 4])]],
  [
    'batchNorm',
    (x, w, b) => ct.batchNorm(x, null, null, w, b, true),
    () => [numbers([3, 2, 2]), numbers([2], 1), numbers([2], 2)],
  ],
];
