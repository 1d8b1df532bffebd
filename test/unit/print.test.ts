/** The printed form of tensors: PyTorch's, number for number and blank for blank. Expected texts are what PyTorch 2 prints. */
import { inspect } from 'node:util';
import { arange, tensor, zeros } from 'cotangent';
import { Parameter } from 'cotangent/nn';
import { describe, expect, test } from 'vitest';

const lines = (...text: string[]) => text.join('\n');

describe('numbers', () => {
  test('whole floats end in a point, fractions have four digits', () => {
    expect(String(tensor([1, 2, 3]))).toBe('tensor([1., 2., 3.])');
    expect(String(tensor([0.5, 2]))).toBe('tensor([0.5000, 2.0000])');
    expect(String(tensor(3.5))).toBe('tensor(3.5000)');
    expect(String(tensor([-0, 1]))).toBe('tensor([-0., 1.])');
  });

  test('columns are aligned', () => {
    expect(
      String(
        tensor([
          [1, -1],
          [0.5, 20],
        ]),
      ),
    ).toBe(lines('tensor([[ 1.0000, -1.0000],', '        [ 0.5000, 20.0000]])'));
    expect(String(tensor([true, false]))).toBe('tensor([ true, false])');
    expect(String(tensor([1, -20, 300], { dtype: 'int64' }))).toBe('tensor([  1, -20, 300])');
  });

  test('scientific notation sets in by range, size and smallness', () => {
    expect(String(tensor([1e-5, 1]))).toBe('tensor([1.0000e-05, 1.0000e+00])');
    expect(String(tensor([1, 1001]))).toBe('tensor([1.0000e+00, 1.0010e+03])');
    expect(String(tensor([1, 1000]))).toBe('tensor([   1., 1000.])');
    expect(String(tensor([1e10]))).toBe('tensor([1.0000e+10])');
    expect(String(tensor([1e-4], { dtype: 'float64' }))).toBe('tensor([0.0001], dtype=float64)');
  });

  test('halves are rounded to even', () => {
    expect(String(tensor([0.03125, 0.09375]))).toBe('tensor([0.0312, 0.0938])');
    expect(String(tensor([-0.03125]))).toBe('tensor([-0.0312])');
    expect(String(tensor([1, 1000050], { dtype: 'float64' }))).toBe('tensor([1.0000e+00, 1.0000e+06], dtype=float64)');
  });

  test('what is not finite takes part in the layout only as padding', () => {
    expect(String(tensor([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.5]))).toBe(
      'tensor([   nan,    inf,   -inf, 1.5000])',
    );
    expect(String(tensor([Number.POSITIVE_INFINITY, 1]))).toBe('tensor([inf, 1.])');
  });
});

describe('layout', () => {
  test('an empty line between matrices', () => {
    expect(String(zeros(2, 1, 2))).toBe(lines('tensor([[[0., 0.]],', '', '        [[0., 0.]]])'));
  });

  test('rows break at 80 columns', () => {
    const text = String(arange(30));
    expect(text).toBe(
      lines(
        'tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,',
        '        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])',
      ),
    );
  });

  test('beyond 1000 elements only the ends are shown', () => {
    expect(String(arange(2000))).toBe('tensor([   0,    1,    2,  ..., 1997, 1998, 1999])');
    expect(String(arange(10000).reshape(100, 100))).toBe(
      lines(
        'tensor([[   0,    1,    2,  ...,   97,   98,   99],',
        '        [ 100,  101,  102,  ...,  197,  198,  199],',
        '        [ 200,  201,  202,  ...,  297,  298,  299],',
        '        ...,',
        '        [9700, 9701, 9702,  ..., 9797, 9798, 9799],',
        '        [9800, 9801, 9802,  ..., 9897, 9898, 9899],',
        '        [9900, 9901, 9902,  ..., 9997, 9998, 9999]])',
      ),
    );
    expect(String(arange(10000).reshape(100, 100).t().slice(0, 1, 3).slice(1, 0, 2))).toBe(
      lines('tensor([[  1, 101],', '        [  2, 102]])'),
    );
  });

  test('tensors without elements tell shape and type', () => {
    expect(String(tensor([]))).toBe('tensor([])');
    expect(String(zeros(0, 3))).toBe('tensor([], size=(0, 3))');
    expect(String(zeros(0, { dtype: 'int64' }))).toBe('tensor([], dtype=int64)');
  });
});

describe('what follows the numbers', () => {
  test('a type that the numbers do not show', () => {
    expect(String(tensor([1], { dtype: 'float64' }))).toBe('tensor([1.], dtype=float64)');
    expect(String(tensor([1], { dtype: 'uint8' }))).toBe('tensor([1], dtype=uint8)');
  });

  test('gradients', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    expect(String(x)).toBe('tensor([1., 2.], requiresGrad=true)');
    expect(String(x.mul(2))).toBe('tensor([2., 4.], gradFn=<mul>)');
  });

  test('goes to a line of its own where the last one is full', () => {
    const x = tensor([0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5], { requiresGrad: true });
    expect(String(x)).toBe(
      lines('tensor([0.5000, 1.5000, 2.5000, 3.5000, 4.5000, 5.5000, 6.5000],', '       requiresGrad=true)'),
    );
  });

  test('console.log, parameters and disposed tensors', () => {
    const x = tensor([1, 2]);
    expect(inspect(x)).toBe('tensor([1., 2.])');
    expect(inspect(new Parameter(x))).toBe('Parameter containing:\ntensor([1., 2.], requiresGrad=true)');
    x.dispose();
    expect(`${x}`).toBe('tensor(<disposed>, shape=[2], dtype=float32)');
  });
});
