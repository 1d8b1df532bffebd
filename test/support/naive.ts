/** Tensors as plain nested loops over float64 numbers: slow, obvious, and independent of the library's kernels. */
import { type BackendName, type DType, type Tensor, tensor } from '../../src/index.ts';
import { random } from './samples.ts';

/** A tensor of reproducible numbers in [-2, 2). */
export function sample(shape: readonly number[], seed: number, backend: BackendName, dtype: DType = 'float64'): Tensor {
  const next = random(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float64Array.from({ length: size }, () => next() * 4 - 2),
    { dtype, backend },
  ).reshape([...shape]);
}

/** All indices of a shape in row-major order. */
export function* indices(shape: readonly number[]): Generator<number[]> {
  if (shape.length === 0) {
    yield [];
    return;
  }
  const [n, ...rest] = shape as [number, ...number[]];
  for (let i = 0; i < n; i++) for (const tail of indices(rest)) yield [i, ...tail];
}

/** Row-major numbers with a shape. */
export class Naive {
  readonly shape: readonly number[];
  readonly values: number[];

  constructor(shape: readonly number[], values: number[]) {
    this.shape = shape;
    this.values = values;
  }

  static of(x: Tensor): Naive {
    return new Naive(x.shape, Array.from(x.data() as Iterable<number | bigint>, Number));
  }

  at(index: readonly number[]): number {
    return this.values[index.reduce((at, i, d) => at * (this.shape[d] as number) + i, 0)] as number;
  }

  static build(shape: readonly number[], value: (index: number[]) => number): Naive {
    return new Naive(shape, [...indices(shape)].map(value));
  }
}

/** Largest difference relative to 1 and to the expected value; NaN agrees with NaN. */
export function difference(got: Tensor, want: Naive): number {
  if (got.shape.join() !== want.shape.join()) throw new Error(`shape [${got.shape}] instead of [${want.shape}]`);
  const values = Naive.of(got).values;
  return values.reduce((worst, value, i) => {
    const expected = want.values[i] as number;
    if (value === expected || (Number.isNaN(value) && Number.isNaN(expected))) return worst;
    const error = Math.abs(value - expected) / Math.max(1, Math.abs(expected));
    return Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
  }, 0);
}
