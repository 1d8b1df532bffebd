/**
 * The structured ops that are written by hand in `src/ops`: their derivatives of first and second order by finite
 * differences, and the cases that PyTorch's samples leave out. Values in general are compared in `test/conformance`.
 */
import * as ct from 'cotangent';
import {
  ArgumentError,
  backendInfo,
  DTypeError,
  fromArray,
  IndexError,
  ShapeError,
  setBackend,
  type Tensor,
  tensor,
} from 'cotangent';
import { beforeEach, describe, expect, test } from 'vitest';
import { bools, cases, ints, numbers } from '../support/cases.ts';

const backends = (['native', 'wasm'] as const).filter((name) => backendInfo().available[name].ok);

const values = (x: Tensor): unknown => x.toArray();

describe.each(backends)('on the %s backend', (backend) => {
  beforeEach(() => setBackend(backend));

  test.each(cases)('%s: derivatives of first and second order', (_, f, inputs) => {
    expect(ct.gradcheck(f, inputs())).toBe(true);
    expect(ct.gradgradcheck(f, inputs())).toBe(true);
  });

  describe('picking by index', () => {
    const x = () =>
      tensor([
        [1, 2],
        [3, 4],
      ]);

    test('an index out of range is an error, and nothing is written', () => {
      for (const bad of [2, -1]) {
        expect(() => ct.gather(x(), 0, ints([[bad]]))).toThrow(IndexError);
        expect(() => ct.scatter(x(), 0, ints([[bad]]), 1)).toThrow(IndexError);
        expect(() => ct.indexSelect(x(), 1, ints([0, bad]))).toThrow(/index -?\d is out of range, expected 0 to 1/);
        expect(() => ct.indexAdd(x(), 0, ints([bad]), tensor([[1, 1]]))).toThrow(IndexError);
        expect(() => ct.embedding(ints([bad]), x())).toThrow(IndexError);
        expect(() => ct.oneHot(ints([bad]), 2)).toThrow(IndexError);
      }
    });

    test('indices may be int32 and uint8, not floats or bools', () => {
      expect(values(ct.gather(x(), 1, ints([[1], [0]], 'int32')))).toEqual([[2], [3]]);
      expect(values(ct.indexSelect(x(), 0, ints([1], 'uint8')))).toEqual([[3, 4]]);
      expect(() => ct.gather(x(), 1, tensor([[1], [0]]))).toThrow(DTypeError);
      expect(() => ct.gather(x(), 1, bools([[true], [false]]))).toThrow(DTypeError);
    });

    test('empty indices and empty tensors', () => {
      const none = ct.zeros([0], { dtype: 'int64' });
      expect(ct.gather(x(), 0, ct.zeros([0, 2], { dtype: 'int64' })).shape).toEqual([0, 2]);
      expect(values(ct.scatter(x(), 0, ct.zeros([0, 2], { dtype: 'int64' }), 9))).toEqual([
        [1, 2],
        [3, 4],
      ]);
      expect(ct.indexSelect(x(), 1, none).shape).toEqual([2, 0]);
      expect(values(ct.indexAdd(x(), 0, none, ct.zeros([0, 2])))).toEqual([
        [1, 2],
        [3, 4],
      ]);
      expect(ct.embedding(ct.zeros([2, 0], { dtype: 'int64' }), x()).shape).toEqual([2, 0, 2]);
      expect(ct.indexSelect(ct.zeros([3, 0]), 0, ints([2])).shape).toEqual([1, 0]);
      expect(() => ct.indexSelect(ct.zeros([0, 3]), 0, ints([0]))).toThrow(IndexError);
    });

    test('every dtype can be picked and written', () => {
      for (const dtype of ['float32', 'float64', 'int32', 'int64', 'uint8', 'bool'] as const) {
        const data = tensor(
          [
            [1, 0],
            [0, 1],
          ],
          { dtype },
        );
        const swapped = ct.gather(
          data,
          0,
          ints([
            [1, 1],
            [0, 0],
          ]),
        );
        expect(swapped.dtype).toBe(dtype);
        expect(values(swapped.to('float32'))).toEqual([
          [0, 1],
          [1, 0],
        ]);
        expect(values(ct.scatter(data, 1, ints([[1], [0]]), 1).to('float32'))).toEqual([
          [1, 1],
          [1, 1],
        ]);
      }
    });

    test('a source may be larger than the index', () => {
      expect(values(ct.scatterAdd(x(), 0, ints([[1]]), tensor([[5, 6, 7]])))).toEqual([
        [1, 2],
        [8, 4],
      ]);
      expect(() => ct.scatterAdd(x(), 0, ints([[1], [0]]), tensor([[5, 6]]))).toThrow(ShapeError);
    });

    test('the padding row of an embedding gets no gradient', () => {
      const weight = numbers([3, 2]);
      ct.embedding(ints([0, 2, 2]), weight, { paddingIdx: -1 })
        .sum()
        .backward();
      expect(values(weight.grad as Tensor)).toEqual([
        [1, 1],
        [0, 0],
        [0, 0],
      ]);
    });

    test('oneHot counts the classes itself', () => {
      expect(values(ct.oneHot(ints([0, 2])))).toEqual([
        [1, 0, 0],
        [0, 0, 1],
      ]);
      expect(ct.oneHot(ints([[1]]), 4).shape).toEqual([1, 1, 4]);
    });

    test('a mask keeps the dtype of what it fills', () => {
      expect(ct.maskedFill(ints([1, 2], 'uint8'), bools([true, false]), 7).dtype).toBe('uint8');
      expect(() => ct.maskedFill(ints([1, 2]), bools([true, false]), 0.5)).toThrow(DTypeError);
      expect(
        values(
          ct.tril(
            bools([
              [true, true],
              [true, true],
            ]),
          ),
        ),
      ).toEqual([
        [true, false],
        [true, true],
      ]);
    });
  });

  describe('arithmetic with options', () => {
    test('whole numbers keep integers, fractions make float32', () => {
      const n = ints([-7, 7]);
      expect(ct.add(n, 2, { alpha: 3 }).dtype).toBe('int64');
      expect(() => ct.add(n, n, { alpha: 0.5 })).toThrow(DTypeError);
      expect(ct.clamp(n, 0.5).dtype).toBe('float32');
      expect(values(ct.clamp(n, -1, 2))).toEqual([-1, 2]);
      expect(values(ct.div(n, 2, { roundingMode: 'floor' }))).toEqual([-4, 3]);
      expect(values(ct.div(n, 2, { roundingMode: 'trunc' }))).toEqual([-3, 3]);
      expect(values(ct.div(n, 2))).toEqual([-3.5, 3.5]);
    });

    test('integer powers, negative and large exponents included', () => {
      const n = ints([-1, 0, 1, 2, -3]);
      expect(values(ct.pow(n, 3))).toEqual([-1, 0, 1, 8, -27]);
      expect(values(ct.pow(n, ints([-3, -2, -1, -1, 2])))).toEqual([-1, 0, 1, 0, 9]);
      expect(values(ct.pow(ints([-1, 0, 1]), 101))).toEqual([-1, 0, 1]);
      expect(() => ct.pow(n, -1)).toThrow(ArgumentError);
      expect(ct.pow(n, 0.5).dtype).toBe('float32');
    });

    test('bounds: NaN wins, and max wins over min', () => {
      expect(values(ct.clamp(tensor([1, Number.NaN]), Number.NaN, 5))).toEqual([Number.NaN, Number.NaN]);
      expect(values(ct.clamp(tensor([0, 9]), 4, 2))).toEqual([2, 2]);
      expect(values(ct.clamp(tensor([0, 9]), { max: tensor([4, 5]) }))).toEqual([0, 5]);
      expect(() => ct.clamp(tensor([0]))).toThrow(ArgumentError);
    });

    test('bounds of integers are numbers of their dtype', () => {
      const bytes = tensor([0, 1, 3, 200], { dtype: 'uint8' });
      expect(values(ct.clamp(bytes, 1, 255))).toEqual([1, 1, 3, 200]);
      for (const bound of [-1, 256, 1e30]) {
        expect(() => ct.clamp(bytes, bound, 5)).toThrow(`clamp: ${bound} does not fit uint8`);
        expect(() => ct.clampMax(bytes, bound)).toThrow(ArgumentError);
        expect(() => bytes.clampMin_(bound)).toThrow('clampMin_');
      }
      const whole = tensor([-5, 7], { dtype: 'int32' });
      expect(values(ct.clamp(whole, -(2 ** 31), 2 ** 31 - 1))).toEqual([-5, 7]);
      expect(() => ct.clamp(whole, -(2 ** 31) - 1, 0)).toThrow('does not fit int32');
      expect(() => ct.clamp(ints([1]), 0, 2 ** 63)).toThrow('does not fit int64');
      // Not in place, the result is float32.
      expect(() => whole.clamp_(0.5, 2)).toThrow(DTypeError);
      expect(() => whole.clamp_(Number.NaN, 2)).toThrow(ArgumentError);
      expect(values(whole)).toEqual([-5, 7]);
    });

    test('nanToNum replaces each kind by its own number', () => {
      const odd = tensor([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1]);
      expect(values(ct.nanToNum(odd))).toEqual([0, 3.4028234663852886e38, -3.4028234663852886e38, 1]);
      expect(values(ct.nanToNum(odd, { nan: 5, posinf: 6, neginf: 7 }))).toEqual([5, 6, 7, 1]);
    });

    test('round to decimals', () => {
      expect(values(ct.round(fromArray(Float64Array.of(1.2345, -0.5, 2.5)), { decimals: 2 }))).toEqual([
        1.23, -0.5, 2.5,
      ]);
      expect(values(ct.round(tensor([1234.5]), { decimals: -2 }))).toEqual([1200]);
      expect(() => ct.round(ints([5]), { decimals: 1 })).toThrow(DTypeError);
    });
  });

  describe('order and scans', () => {
    test('NaN is the greatest, and equals keep their order', () => {
      const x = tensor([2, Number.NaN, 1, 2, 1]);
      expect(values(ct.sort(x).indices)).toEqual([2, 4, 0, 3, 1]);
      expect(values(ct.sort(x, { descending: true }).indices)).toEqual([1, 0, 3, 2, 4]);
      expect(values(ct.argsort(x, -1, true, { stable: true }))).toEqual([1, 0, 3, 2, 4]);
      expect(values(ct.topk(x, 2, { largest: false }).values)).toEqual([1, 1]);
    });

    test('long rows of every dtype', () => {
      for (const dtype of ['float32', 'float64', 'int32', 'int64', 'uint8'] as const) {
        const data = Array.from({ length: 300 }, (_, i) => (i * 7919) % 251);
        const sorted = ct.sort(ints(data, dtype)).values;
        expect(values(sorted)).toEqual([...data].sort((a, b) => a - b));
      }
    });

    test('cumprod has exact derivatives at zeros', () => {
      const x = fromArray(Float64Array.of(2, 0, 3, 0, 5), [5], { requiresGrad: true });
      expect(ct.gradcheck((t) => ct.cumprod(t, 0), [x])).toBe(true);
      expect(ct.gradgradcheck((t) => ct.cumprod(t, 0), [x])).toBe(true);
    });

    test('integers are summed as int64', () => {
      const sum = ct.cumsum(bools([true, true, false]), 0);
      expect([sum.dtype, values(sum)]).toEqual(['int64', [1, 2, 2]]);
      expect(ct.cumprod(ints([2, 3], 'int32'), 0, { dtype: 'float64' }).dtype).toBe('float64');
    });

    test('k beyond the dimension is an error', () => {
      expect(() => ct.topk(tensor([1, 2]), 3)).toThrow(ShapeError);
      expect(ct.topk(tensor([1, 2]), 0).values.shape).toEqual([0]);
    });
  });

  describe('normalisation and losses', () => {
    test('softmax copes with large numbers and empty rows', () => {
      expect(values(ct.softmax(tensor([1e30, 1e30, Number.NEGATIVE_INFINITY]), 0))).toEqual([0.5, 0.5, 0]);
      expect(ct.softmax(ct.zeros([0, 3]), 0).shape).toEqual([0, 3]);
      expect(() => ct.softmax(ints([1]), 0)).toThrow(DTypeError);
    });

    test('layerNorm without rows has zero gradients for weight and bias', () => {
      const [weight, bias] = [numbers([3]), numbers([3])];
      ct.layerNorm(ct.zeros([0, 3], { dtype: 'float64' }), 3, { weight, bias })
        .sum()
        .backward();
      expect([values(weight.grad as Tensor), values(bias.grad as Tensor)]).toEqual([
        [0, 0, 0],
        [0, 0, 0],
      ]);
    });

    test('layerNorm keeps its digits when the mean is large', () => {
      const out = ct.layerNorm(tensor([10000, 10001, 10002]), 3, { eps: 0 });
      expect((out.toArray() as number[])[2]).toBeCloseTo(Math.sqrt(1.5), 4);
    });

    test('a class out of range is an error unless it is ignored', () => {
      const logits = tensor([
        [1, 2, 3],
        [1, 2, 3],
      ]);
      expect(() => ct.crossEntropy(logits, ints([0, 3]))).toThrow(IndexError);
      expect(() => ct.crossEntropy(logits, ints([0, -1]))).toThrow(IndexError);
      const one = ct.crossEntropy(logits.narrow(0, 0, 1), ints([0])).item();
      expect(ct.crossEntropy(logits, ints([0, 3]), { ignoreIndex: 3 }).item()).toBeCloseTo(one, 6);
      expect(ct.crossEntropy(logits, ints([-100, -100])).item()).toBeNaN();
    });

    test('targets of the wrong kind or shape are named', () => {
      const logits = tensor([[1, 2, 3]]);
      expect(() => ct.crossEntropy(logits, tensor([1]))).toThrow(DTypeError);
      expect(() => ct.crossEntropy(logits, ints([1, 2]))).toThrow(/\[1\].*\[1, 3\].*\[2\]/);
      expect(() => ct.crossEntropy(logits, ints([1]), { weight: tensor([1, 2]) })).toThrow(ShapeError);
      expect(() => ct.mseLoss(logits, logits, { reduction: 'avg' as 'mean' })).toThrow(ArgumentError);
    });

    test('binaryCrossEntropy is finite at 0 and 1', () => {
      const p = tensor([0, 1]).requiresGrad_();
      const loss = ct.binaryCrossEntropy(p, tensor([1, 0]));
      loss.backward();
      expect(loss.item()).toBe(100);
      expect((p.grad as Tensor).isfinite().all().item()).toBe(1);
    });

    test('attention to nothing gives zeros', () => {
      const x = numbers([2, 3]);
      const out = ct.scaledDotProductAttention(x, x, x, {
        attnMask: bools([
          [true, true],
          [false, false],
        ]),
      });
      expect((values(out) as number[][])[1]).toEqual([0, 0, 0]);
      expect(() => ct.scaledDotProductAttention(x, x, x, { attnMask: x, isCausal: true })).toThrow(ArgumentError);
    });
  });
});
