/** Integer powers, against bigints: they wrap, for every exponent, as in PyTorch. */
import { ArgumentError, compile, type DType, fromArray, pow, setBackend, type Tensor, tensor } from 'cotangent';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

const INTEGERS = ['int32', 'int64', 'uint8'] as const;
const bigints = (x: Tensor): bigint[] => Array.from(x.data() as ArrayLike<number | bigint>, BigInt);
const BASES = [0, 1, 2, 3, 5, 7, 10, 15, 16, 100, 127, 254, 255];
const NEGATIVE = [-1, -2, -3, -7, -128];
const EXPONENTS = [0, 1, 2, 3, 7, 8, 31, 32, 33, 62, 63, 64, 65, 100, 127, 128, 254, 255];
const LARGE = [256, 257, 1000, 1001, 65537, 2 ** 30 + 1, 2 ** 31 - 1];
const HUGE = [2 ** 31, 2 ** 31 + 7, 2 ** 40 + 1, Number.MAX_SAFE_INTEGER];

/** base ** exponent modulo 2^64, by squaring. */
function powerOf(base: number, exponent: number): bigint {
  let [square, power] = [BigInt(base), 1n];
  for (let bits = BigInt(exponent); bits > 0n; bits >>= 1n) {
    if (bits & 1n) power = BigInt.asUintN(64, power * square);
    square = BigInt.asUintN(64, square * square);
  }
  return power;
}

const wrapped = (value: bigint, dtype: DType): bigint =>
  dtype === 'uint8' ? BigInt.asUintN(8, value) : BigInt.asIntN(dtype === 'int32' ? 32 : 64, value);

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => setBackend(backend));

  describe.each(INTEGERS)('%s', (dtype) => {
    const bases = dtype === 'uint8' ? BASES : [...BASES, ...NEGATIVE];

    test('to an exponent that is a number', () => {
      const x = tensor(bases, { dtype });
      for (const exponent of [...EXPONENTS, ...LARGE, ...HUGE]) {
        const want = bases.map((base) => wrapped(powerOf(base, exponent), dtype));
        expect(bigints(pow(x, exponent)), `exponent ${exponent}`).toEqual(want);
        expect(bigints(compile((y: Tensor) => pow(y, exponent))(x))).toEqual(want);
        expect(bigints(tensor(bases, { dtype }).pow_(exponent))).toEqual(want);
      }
    });

    test('to exponents in a tensor', () => {
      const exponents =
        dtype === 'uint8'
          ? EXPONENTS
          : dtype === 'int32'
            ? [...EXPONENTS, ...LARGE]
            : [...EXPONENTS, ...LARGE, ...HUGE];
      const [x, y] = [tensor(bases, { dtype }).unsqueeze(1), tensor(exponents, { dtype })];
      const want = bases.flatMap((base) => exponents.map((exponent) => wrapped(powerOf(base, exponent), dtype)));
      expect(bigints(pow(x, y))).toEqual(want);
      expect(bigints(compile((a: Tensor, b: Tensor) => pow(a, b))(x, y))).toEqual(want);
    });

    test('of a number', () => {
      const y = tensor(EXPONENTS, { dtype });
      expect(bigints(pow(3, y))).toEqual(EXPONENTS.map((exponent) => wrapped(powerOf(3, exponent), dtype)));
    });
  });

  test('exponents beyond all integers', () => {
    expect(bigints(pow(tensor([3, 2, 0, -1], { dtype: 'int64' }), 1e300))).toEqual([1n, 0n, 0n, 1n]);
    const odd = fromArray(BigInt64Array.of(2n ** 62n + 1n, 2n ** 63n - 1n), [2]);
    expect(bigints(pow(tensor([3, 3], { dtype: 'int64' }), odd))).toEqual([
      3n,
      BigInt.asIntN(64, 12297829382473034411n),
    ]);
  });

  test('negative exponents in a tensor round towards zero, a negative number is refused', () => {
    const x = tensor([3, -3, 1, -1, -1, 0], { dtype: 'int32' });
    const y = tensor([-1, -2, -5, -3, -4, -1], { dtype: 'int32' });
    expect(bigints(pow(x, y))).toEqual([0n, 0n, 1n, -1n, 1n, 0n]);
    expect(() => pow(x, -1)).toThrow(ArgumentError);
  });
});
