/** What optimizers take: lists of parameters, and settings within their range. */
import { ArgumentError, describe } from '../errors.ts';
import { copyIterable } from '../tensor/lists.ts';
import { assertAlive, isTensor, type Tensor } from '../tensor/tensor.ts';

/** One tensor or many. */
export type Parameters = Tensor | Iterable<Tensor>;

/** What a setting may be, and how that is called. */
export interface Check {
  test(value: unknown): boolean;
  range: string;
}

export const nonNegative: Check = {
  test: (value) => typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY,
  range: 'a finite number of at least 0',
};
export const finite: Check = { test: Number.isFinite, range: 'a finite number' };
export const flag: Check = { test: (value) => typeof value === 'boolean', range: 'a boolean' };
export const betas: Check = {
  test: (value) =>
    Array.isArray(value) &&
    value.length === 2 &&
    [...value].every((beta) => typeof beta === 'number' && beta >= 0 && beta < 1),
  range: 'a pair of numbers in [0, 1)',
};

/** What an iterable yields; a lone tensor counts as a list of one. */
export function listOf(op: string, params: unknown): unknown[] {
  if (isTensor(params)) return [params];
  const entries = copyIterable(op, params);
  if (entries === null) throw new ArgumentError(op, `wants tensors to optimize, got ${describe(params)}`);
  return entries;
}

/** The tensors of a list, checked to be usable ones. */
export function listParameters(op: string, params: unknown): Tensor[] {
  return listOf(op, params).map((item) => {
    if (!isTensor(item)) throw new ArgumentError(op, `wants tensors to optimize, got ${describe(item)} among them`);
    return assertAlive(item, op);
  });
}
