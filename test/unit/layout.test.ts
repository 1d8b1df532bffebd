/** Shapes, strides and promotion: arithmetic that needs no backend. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../src/errors.ts';
import { classBytes } from '../../src/memory/allocator.ts';
import { promoteTypes, resultType } from '../../src/tensor/dtype.ts';
import {
  broadcastShapes,
  coalesce,
  contiguousStrides,
  isContiguous,
  resolveShape,
  sizeOf,
  viewStrides,
} from '../../src/tensor/layout.ts';

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });

/** Offsets of all elements in row-major order. */
function offsets(shape: readonly number[], strides: readonly number[]): number[] {
  return shape.reduceRight<number[]>(
    (inner, n, d) =>
      Array.from({ length: n }, (_, i) => inner.map((offset) => offset + i * (strides[d] as number))).flat(),
    [0],
  );
}

describe('broadcasting', () => {
  test('follows the trailing dimensions', () => {
    expect(
      broadcastShapes('add', [
        [3, 1],
        [1, 4],
        [2, 1, 1],
      ]),
    ).toEqual([2, 3, 4]);
    expect(broadcastShapes('add', [[0, 1], [1]])).toEqual([0, 1]);
  });

  test('names the op and both shapes when they do not fit', () => {
    expect(() =>
      broadcastShapes('add', [
        [2, 3],
        [2, 4],
      ]),
    ).toThrow(ShapeError);
    expect(() =>
      broadcastShapes('add', [
        [2, 3],
        [2, 4],
      ]),
    ).toThrow('add: shapes [2, 3] and [2, 4] do not broadcast: 3 against 4 in dimension 1');
  });
});

describe('coalesce', () => {
  test('walks the same elements in the same order', () => {
    fc.assert(
      fc.property(shapes, fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 4, maxLength: 4 }), (shape, other) => {
        const strides = [contiguousStrides(shape), shape.map((_, d) => other[d] as number)];
        const merged = coalesce(shape, strides);
        for (const k of [0, 1])
          expect(offsets(merged.shape, merged.strides[k] as number[])).toEqual(offsets(shape, strides[k] as number[]));
        expect(sizeOf(merged.shape)).toBe(sizeOf(shape));
      }),
    );
  });

  test('leaves one loop where everything is contiguous', () => {
    expect(
      coalesce(
        [2, 3, 4],
        [
          [12, 4, 1],
          [12, 4, 1],
        ],
      ),
    ).toEqual({ shape: [24], strides: [[1], [1]] });
  });
});

describe('viewStrides', () => {
  test('gives strides for the same elements, or null', () => {
    fc.assert(
      fc.property(shapes, fc.nat(23), (shape, seed) => {
        const order = shape.map((_, d) => d).sort((a, b) => ((a * 7 + seed) % 5) - ((b * 7 + seed) % 5));
        const strides = order.map((d) => contiguousStrides(shape)[d] as number);
        const permuted = order.map((d) => shape[d] as number);
        const size = sizeOf(shape);
        const merged =
          permuted.length > 1 ? [(permuted[0] as number) * (permuted[1] as number), ...permuted.slice(2)] : permuted;
        for (const to of [[size], [1, size, 1], [...permuted, 1], merged]) {
          const result = viewStrides(permuted, strides, to);
          if (result !== null) expect(offsets(to, result)).toEqual(offsets(permuted, strides));
          else expect(isContiguous(permuted, strides)).toBe(false);
        }
      }),
    );
  });
});

describe('resolveShape', () => {
  test('fills in -1 and refuses what does not fit', () => {
    expect(resolveShape('reshape', [2, -1], 6)).toEqual([2, 3]);
    expect(() => resolveShape('reshape', [4, -1], 6)).toThrow('reshape: 6 elements do not fit the shape [4, -1]');
    expect(() => resolveShape('reshape', [-1, -1], 6)).toThrow(/only one dimension may be -1/);
    expect(() => resolveShape('zeros', [2 ** 20, 2 ** 20])).toThrow(/more than 2147483647 elements/);
    expect(() => resolveShape('zeros', [1.5])).toThrow(ShapeError);
  });
});

describe('promotion', () => {
  test('joins types within and across categories', () => {
    expect(promoteTypes('uint8', 'int32')).toBe('int32');
    expect(promoteTypes('int64', 'float32')).toBe('float32');
    expect(promoteTypes('bool', 'uint8')).toBe('uint8');
  });

  test('lets a number or a 0-d tensor raise the category only', () => {
    expect(
      resultType([
        { dtype: 'float32', priority: 2 },
        { dtype: 'float64', priority: 1 },
      ]),
    ).toBe('float32');
    expect(
      resultType([
        { dtype: 'int32', priority: 2 },
        { dtype: 'float64', priority: 1 },
      ]),
    ).toBe('float64');
    expect(
      resultType([
        { dtype: 'int32', priority: 2 },
        { dtype: 'int64', priority: 0 },
      ]),
    ).toBe('int32');
    expect(
      resultType([
        { dtype: 'uint8', priority: 2 },
        { dtype: 'float32', priority: 0 },
      ]),
    ).toBe('float32');
  });
});

test('size classes waste at most a quarter and are their own class', () => {
  fc.assert(
    fc.property(fc.integer({ min: 65, max: 2 ** 34 }), (bytes) => {
      const size = classBytes(bytes);
      expect(size).toBeGreaterThanOrEqual(bytes);
      expect(size).toBeLessThanOrEqual(Math.max(bytes * 1.25, bytes + 64));
      expect(classBytes(size)).toBe(size);
      expect(size % 64).toBe(0);
    }),
  );
});
