/** Making tensors: which dtype and shape come of which data, and what is refused. */
import {
  ArgumentError,
  arange,
  BackendError,
  CotangentError,
  DTypeError,
  empty,
  emptyLike,
  eye,
  fromArray,
  full,
  fullLike,
  linspace,
  logspace,
  ones,
  onesLike,
  rand,
  randint,
  randperm,
  ShapeError,
  tensor,
  zeros,
  zerosLike,
} from 'cotangent';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('tensor', () => {
  test.each([
    [true, 'bool', [], true],
    [3, 'float32', [], 3],
    [2n ** 62n, 'int64', [], 2n ** 62n],
    [[1, 2], 'float32', [2], [1, 2]],
    [[[1n], [2n]], 'int64', [2, 1], [[1], [2]]],
    [[true, 2n], 'int64', [2], [1, 2]],
    [[true, 0.5], 'float32', [2], [1, 0.5]],
    [[], 'float32', [0], []],
    [[[], []], 'float32', [2, 0], [[], []]],
    [new Float64Array([1.5]), 'float64', [1], [1.5]],
    [new Uint8ClampedArray([7]), 'uint8', [1], [7]],
    [new Int16Array([-7]), 'int32', [1], [-7]],
    [new Uint32Array([2 ** 32 - 1]), 'int64', [1], [2 ** 32 - 1]],
    [new BigInt64Array([-5n]), 'int64', [1], [-5]],
    [new BigUint64Array([5n]), 'int64', [1], [5]],
    [Buffer.from([1, 2]), 'uint8', [2], [1, 2]],
    [
      [new Float32Array([1, 2]), [3, 4]],
      'float32',
      [2, 2],
      [
        [1, 2],
        [3, 4],
      ],
    ],
  ] as const)('%o has dtype %s and shape %j', (data, dtype, shape, values) => {
    const x = tensor(data as never);
    expect(x.dtype).toBe(dtype);
    expect(x.shape).toEqual(shape);
    expect(x.toArray()).toEqual(values);
  });

  test('dtype converts, fractions of integers are cut off', () => {
    expect(tensor([1.9, -1.9], { dtype: 'int32' }).toArray()).toEqual([1, -1]);
    expect(tensor([0, 2, Number.NaN], { dtype: 'bool' }).toArray()).toEqual([false, true, true]);
    expect(tensor(new Float32Array([1.5, 2]), { dtype: 'int64' }).toArray()).toEqual([1, 2]);
  });

  test('copies, also a tensor', () => {
    const data = new Float32Array([1, 2]);
    const x = tensor(data);
    data[0] = 9;
    const y = tensor(x, { requiresGrad: true });
    x.fill_(5);
    expect(y.toArray()).toEqual([1, 2]);
    expect(y.isLeaf && y.requiresGrad).toBe(true);
    expect(tensor(y.mul(2)).requiresGrad).toBe(false);
  });

  test('what is wrong is said with its place', () => {
    expect(() => tensor([[1, 2], [3]])).toThrow(/ragged data: 1 elements at data\[1\], expected 2/);
    expect(() => tensor([[1], 2] as never)).toThrow(/a number at data\[1\]/);
    expect(() => tensor([1, [2]] as never)).toThrow(ShapeError);
    expect(() => tensor([[1, 'x']] as never)).toThrow(/wants numbers, got "x" at data\[0\]\[1\]/);
    const sparse = [1];
    sparse[2] = 3;
    expect(() => tensor(sparse)).toThrow(/got undefined at data\[1\]/);
    expect(() => tensor([300], { dtype: 'uint8' })).toThrow(/300 \(element 0\) does not fit uint8/);
    expect(() => tensor([Number.NaN], { dtype: 'int64' })).toThrow(ArgumentError);
    expect(() => tensor(2n ** 63n)).toThrow(ArgumentError);
    expect(() => tensor([1n], { requiresGrad: true })).toThrow(DTypeError);
    expect(() => tensor([1], { backend: 'gpu' as never })).toThrow(BackendError);
    expect(() => tensor([1], { dtpye: 'int64' } as never)).toThrow(/unknown option "dtpye"/);
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    expect(() => tensor(cyclic as never)).toThrow(ShapeError);
  });
});

test('fromArray takes a shape', () => {
  expect(fromArray(new Int32Array([1, 2, 3, 4]), [2, 2]).toArray()).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(() => fromArray(new Int32Array(3), [2, 2])).toThrow(ShapeError);
  expect(() => fromArray([1, 2] as never)).toThrow(ArgumentError);
});

test('constants of a shape given either way', () => {
  expect(zeros(2, 3).shape).toEqual([2, 3]);
  expect(zeros([2, 3], { dtype: 'int64' }).toArray()).toEqual([
    [0, 0, 0],
    [0, 0, 0],
  ]);
  expect(ones(2, { dtype: 'bool' }).toArray()).toEqual([true, true]);
  expect(full([2], 2n ** 60n + 1n).toArray()).toEqual([2n ** 60n + 1n, 2n ** 60n + 1n]);
  expect(full([], true).dtype).toBe('bool');
  expect(full([1], 7, { dtype: 'uint8' }).toArray()).toEqual([7]);
  expect(() => full([1], 300, { dtype: 'uint8' })).toThrow(ArgumentError);
  expect(empty(0, 2).size).toBe(0);
  const like = ones(2, 2, { dtype: 'float64' }).t();
  for (const x of [zerosLike(like), onesLike(like), fullLike(like, 3), emptyLike(like)])
    expect([x.dtype, ...x.shape]).toEqual(['float64', 2, 2]);
  expect(zerosLike(like, { dtype: 'int32' }).dtype).toBe('int32');
  expect(() => zeros(-1)).toThrow(ShapeError);
  expect(() => zeros(2 ** 40)).toThrow(ShapeError);
  expect(() => ones(2 ** 16, 2 ** 16)).toThrow(ShapeError);
});

test('arange counts in integers when all is whole', () => {
  expect(arange(3).toArray()).toEqual([0, 1, 2]);
  expect(arange(3).dtype).toBe('int64');
  expect(arange(1, 2, 0.25).toArray()).toEqual([1, 1.25, 1.5, 1.75]);
  expect(arange(5, 0, -2).toArray()).toEqual([5, 3, 1]);
  expect(arange(2, 2).shape).toEqual([0]);
  expect(arange(4, { dtype: 'float64' }).dtype).toBe('float64');
  expect(() => arange(0, 1, 0)).toThrow(ArgumentError);
  expect(() => arange(0, 1, -1)).toThrow(ArgumentError);
  expect(() => arange(Number.NaN)).toThrow(ArgumentError);
});

test('linspace and logspace hit both ends', () => {
  expect(linspace(0, 1, 3).toArray()).toEqual([0, 0.5, 1]);
  const x = linspace(-0.1, 0.1, 7, { dtype: 'float64' }).toArray() as number[];
  expect(x.map((v, i) => v + (x[6 - i] as number))).toEqual([0, 0, 0, 0, 0, 0, 0]);
  expect(linspace(2, 3, 1).toArray()).toEqual([2]);
  expect(linspace(2, 3, 0).shape).toEqual([0]);
  expect(logspace(0, 2, 3).toArray()).toEqual([1, 10, 100]);
  expect(() => linspace(0, 1, -1)).toThrow(ArgumentError);
});

test('eye is an identity, square or not', () => {
  expect(eye(2).toArray()).toEqual([
    [1, 0],
    [0, 1],
  ]);
  expect(eye(2, 3, { dtype: 'int64' }).toArray()).toEqual([
    [1, 0, 0],
    [0, 1, 0],
  ]);
  expect(eye(3, 1).toArray()).toEqual([[1], [0], [0]]);
  expect(eye(0).shape).toEqual([0, 0]);
});

test('junk in any place is a typed error', () => {
  const makers = [
    tensor,
    fromArray,
    zeros,
    ones,
    empty,
    full,
    zerosLike,
    fullLike,
    arange,
    linspace,
    logspace,
    eye,
    rand,
    randint,
    randperm,
  ];
  const small = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
  });
  fc.assert(
    fc.property(fc.nat(makers.length - 1), fc.array(small, { maxLength: 4 }), (which, args) => {
      // Sizes are kept small; everything else is what fast-check comes up with.
      const tame = args.map((value) => (typeof value === 'number' && Math.abs(value) > 64 ? value % 64 : value));
      try {
        (makers[which] as (...args: unknown[]) => unknown)(...tame);
      } catch (error) {
        if (!(error instanceof CotangentError)) throw error;
      }
    }),
    { numRuns: 3000, seed: 20 },
  );
});
