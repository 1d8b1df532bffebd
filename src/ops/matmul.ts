/** Products of matrices, all through one kernel that reads transposed operands in place. */
import { track } from '../autograd/track.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { add, mul } from '../generated/elementwise.ts';
import { MATMUL } from '../generated/opcodes.ts';
import { allocate, commonHeap, emit, expectTensor, operand } from '../tensor/create.ts';
import { dtypeInfo, promoteTypes } from '../tensor/dtype.ts';
import { broadcastShapes, broadcastStrides, coalesce, type Shape } from '../tensor/layout.ts';
import { storageOf, type Tensor } from '../tensor/tensor.ts';
import { castTo, filled, fillWith, sumTo } from './convert.ts';
import { sum } from './reduce.ts';
import { reshape, squeeze, transpose, unsqueeze } from './view.ts';

/** Operands of one dtype, on one backend. */
function operands(op: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  expectTensor(op, a);
  expectTensor(op, b);
  commonHeap(op, [a, b]);
  if (a.dtype === 'bool' || b.dtype === 'bool')
    throw new DTypeError(op, 'does not take bool tensors; convert with to({ dtype })');
  const dtype = promoteTypes(a.dtype, b.dtype);
  return [castTo(a, dtype), castTo(b, dtype)];
}

/** [..., m, k] × [..., k, n] → [..., m, n], batch dimensions broadcast. Both have at least two dimensions. */
function product(op: string, a: Tensor, b: Tensor): Tensor {
  const [m, k] = a.shape.slice(-2) as [number, number];
  const [inner, n] = b.shape.slice(-2) as [number, number];
  if (k !== inner)
    throw new ShapeError(
      op,
      `${formatShape(a.shape)} × ${formatShape(b.shape)}: the inner sizes ${k} and ${inner} differ`,
    );
  const batch = broadcastShapes(op, [a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  const out = allocate(op, storageOf(a).heap, a.dtype, [...batch, m, n]);
  if (k === 0) fillWith(op, out, 0);
  else {
    const rows = a.shape.length - 2;
    const over = (x: Tensor) => broadcastStrides(x.shape.slice(0, -2), x.strides.slice(0, -2), batch);
    const outer = coalesce(batch, [out.strides.slice(0, -2), over(a), over(b)]);
    const stride = (x: Tensor, fromEnd: number) => x.strides[x.ndim - fromEnd] as number;
    emit(op, storageOf(a).heap, {
      opcode: MATMUL,
      dtype: a.dtype,
      shape: [...outer.shape, m, n, k],
      operands: [
        operand(out, [...(outer.strides[0] as Shape), stride(out, 2), stride(out, 1), 0]),
        operand(a, [...(outer.strides[1] as Shape), a.strides[rows] as number, 0, a.strides[rows + 1] as number]),
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
  const columns = like.strides.at(-2) === 1 && like.strides.at(-1) !== 1;
  return columns ? turned(product(op, turned(b), turned(a))) : product(op, a, b);
}

const leftGradient = (op: string, a: Tensor, b: Tensor, g: Tensor): Tensor =>
  sumTo(productLike(op, a, g, turned(b)), a.shape);

/** Where the right factor was shared by the whole batch, its gradient is one tall product and not a sum of many. */
function rightGradient(op: string, a: Tensor, b: Tensor, g: Tensor): Tensor {
  if (b.ndim === 2 && a.ndim > 2 && a.size > 0 && g.size > 0) {
    const tall = (x: Tensor) => reshape(x, [-1, x.shape.at(-1) as number]);
    return productLike(op, b, turned(tall(a)), tall(g));
  }
  return sumTo(productLike(op, b, turned(a), g), b.shape);
}

/**
 * Matrix product, as PyTorch's `matmul`: vectors count as a row on the left and a column on the right, and leading
 * dimensions broadcast as a batch.
 * @throws ShapeError when the inner sizes differ.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  const [x, y] = operands('matmul', a, b);
  if (x.ndim === 0 || y.ndim === 0)
    throw new ShapeError(
      'matmul',
      `wants at least one dimension each, got ${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    );
  const left = x.ndim === 1 ? unsqueeze(x, 0) : x;
  const right = y.ndim === 1 ? unsqueeze(y, 1) : y;
  // One tall matrix instead of a batch of short ones, where the right factor is shared.
  if (left.ndim > 2 && right.ndim === 2 && left.isContiguous && left.size > 0) {
    if (left.shape.at(-1) !== right.shape[0])
      throw new ShapeError(
        'matmul',
        `${formatShape(a.shape)} × ${formatShape(b.shape)}: the inner sizes ${left.shape.at(-1)} and ${right.shape[0]} differ`,
      );
    const flat = product('matmul', reshape(left, [-1, left.shape.at(-1) as number]), right);
    const full = reshape(flat, [...left.shape.slice(0, -1), right.shape[1] as number]);
    return y.ndim === 1 ? squeeze(full, -1) : full;
  }
  let out = product('matmul', left, right);
  if (x.ndim === 1) out = squeeze(out, -2);
  if (y.ndim === 1) out = squeeze(out, -1);
  return out;
}

/** Checks numbers of dimensions and runs the product. */
function ranked(op: string, a: Tensor, b: Tensor, rankA: number, rankB: number): Tensor {
  const [x, y] = operands(op, a, b);
  if (x.ndim !== rankA || y.ndim !== rankB)
    throw new ShapeError(
      op,
      `wants tensors of ${rankA} and ${rankB} dimensions, got ${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    );
  if (rankA === 3 && x.shape[0] !== y.shape[0])
    throw new ShapeError(op, `batches of ${x.shape[0]} and ${y.shape[0]} matrices do not match`);
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
  if (a.ndim !== 1 || b.ndim !== 1)
    throw new ShapeError('outer', `wants two vectors, got ${formatShape(a.shape)} and ${formatShape(b.shape)}`);
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
  const { beta = 1, alpha = 1 } = options ?? {};
  for (const [name, value] of Object.entries({ beta, alpha }))
    if (typeof value !== 'number') throw new ArgumentError(op, `${name} is a number, got ${describe(value)}`);
  const shape = broadcastShapes(op, [base.shape, product.shape]);
  if (shape.length !== product.ndim || shape.some((n, d) => n !== product.shape[d]))
    throw new ShapeError(
      op,
      `${formatShape(base.shape)} does not broadcast to ${formatShape(product.shape)}, the shape of the product`,
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
  if (weight.ndim > 2 || weight.ndim === 0 || x.ndim === 0 || x.shape.at(-1) !== weight.shape.at(-1))
    throw new ShapeError(
      'linear',
      `an input of shape ${formatShape(x.shape)} does not fit a weight of shape ${formatShape(weight.shape)}; wants [..., in] and [out, in]`,
    );
  if (dtypeInfo[x.dtype].code !== dtypeInfo[weight.dtype].code)
    throw new DTypeError(
      'linear',
      `the input is ${x.dtype} and the weight ${weight.dtype}; convert one with to({ dtype })`,
    );
  const out = matmul(x, weight.ndim === 1 ? weight : transpose(weight, 0, 1));
  return bias === null || bias === undefined ? out : add(out, expectTensor('linear', bias));
}
