/** What convolution and pooling have in common: images, pairs of numbers, and how many windows there are. */
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { expectTensor } from '../tensor/create.ts';
import { listOf } from '../tensor/lists.ts';
import { dtypeOf, ndimOf, shapeOf, type Tensor } from '../tensor/tensor.ts';
import { reshape } from './view.ts';

/** A number for both directions, or [vertical, horizontal]. */
export type Size2d = number | readonly number[];

/** Vertical, horizontal. */
export type Pair = readonly [number, number];

/** A whole number of at least `least` for both directions, or one for each. */
export function pairOf(op: string, name: string, value: unknown, least: number): Pair {
  const list: readonly unknown[] = listOf(op, value) ?? [value];
  const fits = list.every((n) => Number.isSafeInteger(n) && (n as number) >= least);
  if (!fits || list.length < 1 || list.length > 2) {
    const range = least === 0 ? 'non-negative' : 'positive';
    throw new ArgumentError(op, `${name} is a ${range} whole number, or two of them, got ${describe(value)}`);
  }
  return [list[0] as number, list.at(-1) as number];
}

export function flagOf(op: string, name: string, value: unknown, fallback: boolean): boolean {
  if (value === null) return fallback;
  if (typeof value !== 'boolean') throw new ArgumentError(op, `${name} is a boolean, got ${describe(value)}`);
  return value;
}

/** A batch of images, and the way back to what was given, which may be one image without a batch. */
export interface Images {
  /** [N, C, H, W] */
  batch: Tensor;
  restore(out: Tensor): Tensor;
}

/** @throws ShapeError for anything but [N, C, H, W] or [C, H, W], DTypeError for integers. */
export function imagesOf(op: string, value: unknown): Images {
  const x = expectTensor(op, value);
  if (ndimOf(x) !== 3 && ndimOf(x) !== 4)
    throw new ShapeError(op, `wants images of shape [N, C, H, W] or [C, H, W], got ${formatShape(shapeOf(x))}`);
  if (!x.isFloatingPoint) throw new DTypeError(op, `wants a floating point tensor, got ${dtypeOf(x)}`);
  if (ndimOf(x) === 4) return { batch: x, restore: (out) => out };
  return { batch: reshape(x, [1, ...shapeOf(x)]), restore: (out) => reshape(out, shapeOf(out).slice(1)) };
}

/** How far a window reaches: the places from its first to its last. */
export const extentOf = (kernel: number, dilation: number): number => (kernel - 1) * dilation + 1;
