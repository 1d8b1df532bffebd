/** Products of matrices, all through one kernel that reads transposed operands in place. */
import { track } from '../autograd/track.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { add, mul } from '../generated/elementwise.ts';
import { MATMUL } from '../generated/opcodes.ts';
import { allocate, commonHeap, emit, expectTensor, operand } from '../tensor/create.ts';
import { dtypeInfo, promoteTypes } from '../tensor/dtype.ts';
import { broadcastShapes, broadcastStrides, coalesce, type Shape } from '../tensor/layout.ts';
import { checkOptions } from '../tensor/options.ts';
import { dtypeOf, isRowMajor, ndimOf, numelOf, shapeOf, storageOf, stridesOf, type Tensor } from '../tensor/tensor.ts';
import { castTo, filled, fillWith, sumTo } from './convert.ts';
import { sum } from './reduce.ts';
import { reshape, squeeze, transpose, unsqueeze } from './view.ts';

/** Operands of one dtype, on one backend. */
function operands(op: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  expectTensor(op, a);
  expectTensor(op, b);
  commonHeap(op, [a, b]);
  if (dtypeOf(a) === 'bool' || dtypeOf(b) === 'bool')
    throw new DTypeError(op, 'does not take bool tensors; convert with to({ dtype })');
  const dtype = promoteTypes(dtypeOf(a), dtypeOf(b));
  return [castTo(a, dtype), castTo(b, dtype)];
}

/** [..., m, k] × [..., k, n] → [..., m, n], batch dimensions broadcast. Both have at least two dimensions. */
function product(op: string, a: Tensor, b: Tensor): Tensor {
  const [m, k] = shapeOf(a).slice(-2) as [number, number];
  const [inner, n] = shapeOf(b).slice(-2) as [number, number];
  if (k !== inner)
    throw new ShapeError(
      op,
      `${formatShape(shapeOf(a))} × ${formatShape(shapeOf(b))}: the inner sizes ${k} and ${inner} differ`,
    );
  const batch = broadcastShapes(op, [shapeOf(a).slice(0, -2), shapeOf(b).slice(0, -2)]);
  const out = allocate(op, storageOf(a).heap, dtypeOf(a), [...batch, m, n]);
  if (k === 0) fillWith(op, out, 0);
  else {
    const rows = shapeOf(a).length - 2;
    const over = (x: Tensor) => broadcastStrides(shapeOf(x).slice(0, -2), stridesOf(x).slice(0, -2), batch);
    const outer = coalesce(batch, [stridesOf(out).slice(0, -2), over(a), over(b)]);
    const stride = (x: Tensor, fromEnd: number) => stridesOf(x)[ndimOf(x) - fromEnd] as number;
    emit(op, storageOf(a).heap, {
      opcode: MATMUL,
      dtype: dtypeOf(a),
      shape: [...outer.shape, m, n, k],
      operands: [
        operand(out, [...(outer.strides[0] as Shape), stride(out, 2), stride(out, 1), 0]),
        operand(a, [...(outer.strides[1] as Shape), stridesOf(a)[rows] as number, 0, stridesOf(a)[rows + 1] as number]),
        operand(b, [...(outer.strides[2] as Shape), 0, stride(b, 1), stride(b, 2)]),
      ],
    });
  }
  track(op, [a, b], [out], [a, b], ([g], [left, right], [needsA, needsB]) => [
    needsA ? leftGradient(op, left as Tensor, right as Tensor, g as Tensor) : null,
    needsB ? rightGradient(op, left as Tensor, right as Tensor, g as Tensor) : null,
  ]);
  return out;
}

const turned = (x: Tensor): Tensor => transpose(x, -2, -1);

/** The product of a and b, in memory as `like` is: column by column where that is a transposed matrix. */
function productLike(op: string, like: Tensor, a: Tensor, b: Tensor): Tensor {
  const columns = stridesOf(like).at(-2) === 1 && stridesOf(like).at(-1) !== 1;
  return columns ? turned(product(op, turned(b), turned(a))) : product(op, a, b);
}

const leftGradient = (op: string, a: Tensor, b: Tensor, g: Tensor): Tensor =>
  sumTo(productLike(op, a, g, turned(b)), shapeOf(a));

/** Where the right factor was shared by the whole batch, its gradient is one tall product and not a sum of many. */
function rightGradient(op: string, a: Tensor, b: Tensor, g: Tensor): Tensor {
  if (ndimOf(b) === 2 && ndimOf(a) > 2 && numelOf(a) > 0 && numelOf(g) > 0) {
    const tall = (x: Tensor) => reshape(x, [-1, shapeOf(x).at(-1) as number]);
    return productLike(op, b, turned(tall(a)), tall(g));
  }
  return sumTo(productLike(op, b, turned(a), g), shapeOf(b));
}

/**
 * Matrix product, as PyTorch's `matmul`: vectors count as a row on the left and a column on the right, and leading
 * dimensions broadcast as a batch.
 * @throws ShapeError when the inner sizes differ.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  const [x, y] = operands('matmul', a, b);
  if (ndimOf(x) === 0 || ndimOf(y) === 0)
    throw new ShapeError(
      'matmul',
      `wants at least one dimension each, got ${formatShape(shapeOf(a))} and ${formatShape(shapeOf(b))}`,
    );
  const left = ndimOf(x) === 1 ? unsqueeze(x, 0) : x;
  const right = ndimOf(y) === 1 ? unsqueeze(y, 1) : y;
  // One tall matrix instead of a batch of short ones, where the right factor is shared.
  if (ndimOf(left) > 2 && ndimOf(right) === 2 && isRowMajor(left) && numelOf(left) > 0) {
    if (shapeOf(left).at(-1) !== shapeOf(right)[0])
      throw new ShapeError(
        'matmul',
        `${formatShape(shapeOf(a))} × ${formatShape(shapeOf(b))}: the inner sizes ${shapeOf(left).at(-1)} and ${shapeOf(right)[0]} differ`,
      );
    const flat = product('matmul', reshape(left, [-1, shapeOf(left).at(-1) as number]), right);
    const full = reshape(flat, [...shapeOf(left).slice(0, -1), shapeOf(right)[1] as number]);
    return ndimOf(y) === 1 ? squeeze(full, -1) : full;
  }
  let out = product('matmul', left, right);
  if (ndimOf(x) === 1) out = squeeze(out, -2);
  if (ndimOf(y) === 1) out = squeeze(out, -1);
  return out;
}

/** Checks numbers of dimensions and runs the product. */
function ranked(op: string, a: Tensor, b: Tensor, rankA: number, rankB: number): Tensor {
  const [x, y] = operands(op, a, b);
  if (ndimOf(x) !== rankA || ndimOf(y) !== rankB)
    throw new ShapeError(
      op,
      `wants tensors of ${rankA} and ${rankB} dimensions, got ${formatShape(shapeOf(a))} and ${formatShape(shapeOf(b))}`,
    );
  if (rankA === 3 && shapeOf(x)[0] !== shapeOf(y)[0])
    throw new ShapeError(op, `batches of ${shapeOf(x)[0]} and ${shapeOf(y)[0]} matrices do not match`);
  return matmul(x, y);
}

/** Product of two matrices: [m, k] × [k, n] → [m, n]. */
export const mm = (a: Tensor, b: Tensor): Tensor => ranked('mm', a, b, 2, 2);

/** Batch of matrix products: [b, m, k] × [b, k, n] → [b, m, n]. */
export const bmm = (a: Tensor, b: Tensor): Tensor => ranked('bmm', a, b, 3, 3);

/** Matrix times vector: [m, k] × [k] → [m]. */
export const mv = (a: Tensor, b: Tensor): Tensor => ranked('mv', a, b, 2, 1);

/** Inner product of two vectors: [n] · [n] → []. */
export const dot = (a: Tensor, b: Tensor): Tensor => ranked('dot', a, b, 1, 1);

/** Outer product of two vectors: [m], [n] → [m, n]. */
export function outer(a: Tensor, b: Tensor): Tensor {
  expectTensor('outer', a);
  expectTensor('outer', b);
  if (ndimOf(a) !== 1 || ndimOf(b) !== 1)
    throw new ShapeError('outer', `wants two vectors, got ${formatShape(shapeOf(a))} and ${formatShape(shapeOf(b))}`);
  return mul(unsqueeze(a, 1), unsqueeze(b, 0));
}

/** Factors of `addmm` and its relatives. */
export interface AddmmOptions {
  /** Of the tensor that is added to; 0 ignores it, NaN included. */
  beta?: number;
  /** Of the product. */
  alpha?: number;
}

function addProduct(op: string, base: Tensor, product: Tensor, options: AddmmOptions): Tensor {
  expectTensor(op, base);
  const { beta = 1, alpha = 1 } = checkOptions(op, options, ['beta', 'alpha']) as AddmmOptions;
  for (const [name, value] of Object.entries({ beta, alpha }))
    if (typeof value !== 'number') throw new ArgumentError(op, `${name} is a number, got ${describe(value)}`);
  const shape = broadcastShapes(op, [shapeOf(base), shapeOf(product)]);
  if (shape.length !== ndimOf(product) || shape.some((n, d) => n !== shapeOf(product)[d]))
    throw new ShapeError(
      op,
      `${formatShape(shapeOf(base))} does not broadcast to ${formatShape(shapeOf(product))}, the shape of the product`,
    );
  const scaled = alpha === 1 ? product : mul(product, alpha);
  // beta = 0 must not let NaN through, and still hands the base a gradient of zeros.
  if (beta === 0) return add(scaled, base.requiresGrad ? mul(filled(op, [], 0, product), sumOfNothing(base)) : 0);
  return add(beta === 1 ? base : mul(base, beta), scaled);
}

/** 0 whatever the tensor holds, as a function of it. */
const sumOfNothing = (x: Tensor): Tensor => sum(reshape(x, [-1]).narrow(0, 0, 0));

/** beta · input + alpha · (a × b) for matrices. */
export const addmm = (input: Tensor, a: Tensor, b: Tensor, options: AddmmOptions = {}): Tensor =>
  addProduct('addmm', input, ranked('addmm', a, b, 2, 2), options);

/** beta · input + alpha · (a × b) for batches of matrices. */
export const baddbmm = (input: Tensor, a: Tensor, b: Tensor, options: AddmmOptions = {}): Tensor =>
  addProduct('baddbmm', input, ranked('baddbmm', a, b, 3, 3), options);

/** beta · input + alpha · (a × b) for a matrix and a vector. */
export const addmv = (input: Tensor, a: Tensor, b: Tensor, options: AddmmOptions = {}): Tensor =>
  addProduct('addmv', input, ranked('addmv', a, b, 2, 1), options);

/** beta · input + alpha · Σ of the batch's products. */
export const addbmm = (input: Tensor, a: Tensor, b: Tensor, options: AddmmOptions = {}): Tensor =>
  addProduct('addbmm', input, sum(ranked('addbmm', a, b, 3, 3), 0), options);

/** beta · input + alpha · (a ⊗ b) for vectors. */
export const addr = (input: Tensor, a: Tensor, b: Tensor, options: AddmmOptions = {}): Tensor =>
  addProduct('addr', input, outer(a, b), options);

/**
 * x · weightᵀ + bias, the transposed weight being read in place.
 * @param x [..., inFeatures]
 * @param weight [outFeatures, inFeatures], or [inFeatures]
 * @param bias [outFeatures]
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  expectTensor('linear', x);
  expectTensor('linear', weight);
  if (ndimOf(weight) > 2 || ndimOf(weight) === 0 || ndimOf(x) === 0 || shapeOf(x).at(-1) !== shapeOf(weight).at(-1))
    throw new ShapeError(
      'linear',
      `an input of shape ${formatShape(shapeOf(x))} does not fit a weight of shape ${formatShape(shapeOf(weight))}; wants [..., in] and [out, in]`,
    );
  if (dtypeInfo[dtypeOf(x)].code !== dtypeInfo[dtypeOf(weight)].code)
    throw new DTypeError(
      'linear',
      `the input is ${dtypeOf(x)} and the weight ${dtypeOf(weight)}; convert one with to({ dtype })`,
    );
  const out = matmul(x, ndimOf(weight) === 1 ? weight : transpose(weight, 0, 1));
  return bias === null || bias === undefined ? out : add(out, expectTensor('linear', bias));
}
