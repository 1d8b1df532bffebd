/** A bool is a byte of 0 or 1, whatever it was made from. */
import * as ct from 'cotangent';
import { decodeSafetensors } from 'cotangent/io';
import { beforeEach, describe, expect, test } from 'vitest';
import { offsetOf, storageOf } from '../../src/tensor/tensor.ts';
import { backends } from '../support/backends.ts';

type T = ct.Tensor;
const { tensor, fromArray } = ct;

function bytesOf(x: T): number[] {
  expect(x.dtype).toBe('bool');
  const whole = x.contiguous();
  return Array.from(storageOf(whole).view('uint8', offsetOf(whole), whole.size), Number);
}

const bools = (values: Parameters<typeof tensor>[0]): T => tensor(values, { dtype: 'bool' });
const ODD = [Number.NaN, 0.5, -0, 256, 2, -1, Infinity, 0];
const TRUTH = [1, 1, 0, 1, 1, 1, 1, 0];

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));

  test('sums of bools are any, products are all', () => {
    const rows: [T, number[], number[]][] = [
      [
        bools([
          [true, true],
          [false, true],
          [false, false],
        ]),
        [1, 1, 0],
        [1, 0, 0],
      ],
      [
        tensor([
          [2, 3],
          [0, 256],
          [0, 0],
        ]),
        [1, 1, 0],
        [1, 0, 0],
      ],
      [
        tensor(
          [
            [256, -256],
            [0, 1],
            [0, 0],
          ],
          { dtype: 'int32' },
        ),
        [1, 1, 0],
        [1, 0, 0],
      ],
      [
        tensor([
          [Number.NaN, 0.5],
          [0, -0.5],
          [0, -0],
        ]),
        [1, 1, 0],
        [1, 0, 0],
      ],
    ];
    for (const [x, any, all] of rows) {
      expect(bytesOf(x.sum(1, { dtype: 'bool' }))).toEqual(any);
      expect(bytesOf(x.prod(1, { dtype: 'bool', keepdim: true }))).toEqual(all);
      expect(bytesOf(ct.compile((y: T) => y.sum(1, { dtype: 'bool' }))(x))).toEqual(any);
      expect(bytesOf(ct.compile((y: T) => y.prod(1, { dtype: 'bool' }))(x))).toEqual(all);
    }
    expect(bytesOf(ct.zeros([0]).sum(0, { dtype: 'bool' }))).toEqual([0]);
    expect(bytesOf(ct.zeros([0]).prod(0, { dtype: 'bool' }))).toEqual([1]);
    expect(() => bools([true]).mean(0, { dtype: 'bool' })).toThrow(ct.DTypeError);
    expect(() => bools([true]).cumsum(0, { dtype: 'bool' })).toThrow(ct.DTypeError);
  });

  test('conversions ask whether an element differs from zero', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      const x = tensor(ODD, { dtype });
      expect(bytesOf(x.to('bool'))).toEqual(TRUTH);
      expect(bytesOf(ct.compile((y: T) => y.to('bool'))(x))).toEqual(TRUTH);
      expect(bytesOf(bools(TRUTH).copy_(x))).toEqual(TRUTH);
    }
    expect(bytesOf(tensor([1e-40, 1.5e-45]).to('bool'))).toEqual([1, 1]);
    expect(bytesOf(tensor([5e-324], { dtype: 'float64' }).to('bool'))).toEqual([1]);
    expect(bytesOf(fromArray(BigInt64Array.of(2n ** 32n, -(2n ** 40n), 0n), [3]).to('bool'))).toEqual([1, 1, 0]);
    expect(bytesOf(tensor([256, 65536, 0], { dtype: 'int32' }).to('bool'))).toEqual([1, 1, 0]);
  });

  test('what JavaScript hands over is converted as well', () => {
    expect(bytesOf(bools(ODD))).toEqual(TRUTH);
    for (const array of [Float32Array.from(ODD), Float64Array.from(ODD)])
      expect(bytesOf(fromArray(array, [8], { dtype: 'bool' }))).toEqual(TRUTH);
    expect(bytesOf(fromArray(Uint8Array.of(2, 0, 255), [3], { dtype: 'bool' }))).toEqual([1, 0, 1]);
    expect(bytesOf(tensor(Uint8Array.of(2, 0, 255), { dtype: 'bool' }))).toEqual([1, 0, 1]);
    expect(bytesOf(fromArray(BigInt64Array.of(2n ** 32n, 0n), [2], { dtype: 'bool' }))).toEqual([1, 0]);
    for (const value of [2, 0.5, Number.NaN, 256, -1]) {
      expect(bytesOf(ct.full([2], value, { dtype: 'bool' }))).toEqual([1, 1]);
      expect(bytesOf(ct.fullLike(bools([false, true]), value))).toEqual([1, 1]);
      expect(bytesOf(bools([false, true]).fill_(value))).toEqual([1, 1]);
      expect(
        bytesOf(
          bools([
            [false, true],
            [false, false],
          ])
            .t()
            .select(0, 1)
            .fill_(value),
        ),
      ).toEqual([1, 1]);
    }
  });

  test('a file with other bytes is refused', () => {
    const header = new TextEncoder().encode(JSON.stringify({ x: { dtype: 'BOOL', shape: [4], data_offsets: [0, 4] } }));
    const file = new Uint8Array(8 + header.length + 4);
    new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
    file.set(header, 8);
    file.set([2, 0, 1, 255], 8 + header.length);
    expect(() => decodeSafetensors(file)).toThrow(/bytes other than 0 and 1 for BOOL/);
    file.set([1, 0, 1, 1], 8 + header.length);
    expect(bytesOf(decodeSafetensors(file).x as T)).toEqual([1, 0, 1, 1]);
  });

  test('fresh memory is no bool of another value', () => {
    ct.scope(() => void ct.full([64], 7, { dtype: 'uint8' }));
    expect(new Set(bytesOf(ct.empty([64], { dtype: 'bool' })))).toEqual(new Set([0]));
    expect(new Set(bytesOf(ct.emptyLike(ct.zeros(64), { dtype: 'bool' })))).toEqual(new Set([0]));
  });

  describe('every method of a bool tensor', () => {
    const methods = Object.getOwnPropertyNames(ct.Tensor.prototype).filter(
      (name) =>
        name !== 'constructor' &&
        typeof Object.getOwnPropertyDescriptor(ct.Tensor.prototype, name)?.value === 'function',
    );
    const x = () =>
      bools([
        [true, true, false],
        [true, false, true],
      ]);
    const index = () =>
      tensor(
        [
          [0, 1, 1],
          [0, 0, 1],
        ],
        { dtype: 'int64' },
      );
    const others: readonly (() => unknown[])[] = [
      () => [],
      () => [x()],
      () => [2],
      () => [0],
      () => [0.5],
      () => [bools(true)],
      () => [tensor([2.5, 0.5, Number.NaN])],
      () => [tensor([2, 256, 0], { dtype: 'int32' })],
      () => [0, index(), x()],
      () => [0, index().select(0, 0).narrow(0, 0, 2), x()],
      () => [x(), 3],
      () => [0, { dtype: 'bool' }],
      () => [null, { dtype: 'bool' }],
      () => [{ dtype: 'bool' }],
    ];
    const tensorsIn = (value: unknown): T[] =>
      value instanceof ct.Tensor
        ? [value as T]
        : Array.isArray(value)
          ? value.flatMap(tensorsIn)
          : typeof value === 'object' && value !== null
            ? Object.values(value).flatMap(tensorsIn)
            : [];

    test.each(methods)('%s', (name) => {
      for (const compiled of [false, true])
        for (const given of others)
          ct.scope(() => {
            const self = x();
            const call = (y: T, ...rest: unknown[]) =>
              (y as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...rest);
            let result: unknown;
            try {
              result = compiled ? ct.compile((y: T) => tensorsIn(call(y, ...given())))(self) : call(self, ...given());
            } catch (error) {
              expect(error).toBeInstanceOf(ct.CotangentError);
            }
            for (const y of [self, ...tensorsIn(result)])
              if (y.dtype === 'bool' && !y.disposed) for (const byte of bytesOf(y)) expect(byte).toBeLessThan(2);
          });
    });
  });
});
