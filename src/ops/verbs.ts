/**
 * Formula verbs that are not ops of the same name, over tensors: they let a derivative's formula run as
 * differentiable ops, which is where higher derivatives come from.
 */
import {
  add,
  erfc,
  exp,
  logicalAnd,
  logicalNot,
  logicalOr,
  maximum,
  minimum,
  mul,
  round,
} from '../generated/elementwise.ts';
import type { Tensor, TensorLike } from '../tensor/tensor.ts';
import { choose, commonType } from './condition.ts';

export const k = (c: number): number => c;
export const select = (m: TensorLike, a: TensorLike, b: TensorLike): Tensor =>
  // Of two plain numbers float64, as ops on numbers alone compute: nothing says which dtype they are for.
  choose('where', m as Tensor, a, b, typeof a === 'number' && typeof b === 'number' ? 'float64' : commonType([a, b]));
export const both = (a: TensorLike, b: TensorLike): Tensor => logicalAnd(a, b);
export const either = (a: TensorLike, b: TensorLike): Tensor => logicalOr(a, b);
export const invert = (m: TensorLike): Tensor => logicalNot(m);
export const fma = (a: TensorLike, b: TensorLike, c: TensorLike): Tensor => add(mul(a, b), c);
export const min = (a: TensorLike, b: TensorLike): Tensor => minimum(a, b);
export const max = (a: TensorLike, b: TensorLike): Tensor => maximum(a, b);
/** exp(-x²/2). */
export const gaussian = (x: TensorLike): Tensor => exp(mul(mul(x, x), -0.5));
/** The normal distribution function. */
export const ndtr = (x: TensorLike): Tensor => mul(erfc(mul(x, -Math.SQRT1_2)), 0.5);
export const rint = (x: TensorLike): Tensor => round(x);
