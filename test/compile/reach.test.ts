/**
 * Ops that touch memory beyond what the strides of their records say (by indices, windows, whole rows), between elementwise ones that
 * would make a group if nothing stood between them: what they write is read after them, what they read is changed after them.
 */
import {
  arange,
  avgPool2d,
  cat,
  compile,
  conv2d,
  cumsum,
  embedding,
  flip,
  grad,
  indexAdd,
  indexSelect,
  maxPool2d,
  scatter,
  scatterAdd,
  setBackend,
  softmax,
  sort,
  type Tensor,
  tensor,
} from 'cotangent';
import { beforeAll, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

const ROWS = [
  [5, 0, 3, 4],
  [1, 5, 4, 2],
  [4, 3, 5, 0],
];
const places = () => tensor(ROWS, { dtype: 'int64' });
const rows = () => tensor([5, 1, 3], { dtype: 'int64' });
const image = (x: Tensor) => x.reshape([1, 1, 6, 4]);

/** Write into a copy of a tensor [6, 4] what one of shape [3, 4] holds. */
const writers: Readonly<Record<string, (whole: Tensor, parts: Tensor) => Tensor>> = {
  scatter: (whole, parts) => scatter(whole, 0, places(), parts),
  scatterAdd: (whole, parts) => scatterAdd(whole, 0, places(), parts),
  indexAdd: (whole, parts) => indexAdd(whole, 0, rows(), parts),
};

/** Read a tensor [6, 4]. */
const readers: Readonly<Record<string, (whole: Tensor) => Tensor>> = {
  gather: (whole) => whole.gather(0, places()),
  indexSelect: (whole) => indexSelect(whole, 0, rows()),
  embedding: (whole) => embedding(rows(), whole),
  sort: (whole) => sort(whole, 0).values,
  cumsum: (whole) => cumsum(whole, 0),
  softmax: (whole) => softmax(whole, 0),
  amax: (whole) => whole.amax(0),
  prod: (whole) => whole.prod(0),
  maxPool2d: (whole) => maxPool2d(image(whole), 2),
  avgPool2d: (whole) => avgPool2d(image(whole), 2),
  conv2d: (whole) => conv2d(image(whole), arange(4, { dtype: 'float32' }).reshape([1, 1, 2, 2])),
  matmul: (whole) => whole.matmul(arange(8, { dtype: 'float32' }).reshape([4, 2])),
};

/** Numbers all different, others for another seed. */
const numbers = (shape: number[], seed: number) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(Array.from({ length: size }, (_, i) => Math.sin(seed * 10 + i * i))).reshape(shape);
};
const inputs = (seed: number): [Tensor, Tensor] => [numbers([6, 4], seed), numbers([3, 4], seed + 1)];
const values = (results: readonly Tensor[]) =>
  results.map((x): [shape: readonly number[], values: number[]] => [x.shape, Array.from(x.data(), Number)]);
/** Largest difference, relative to 1 at least. */
const distance = (a: readonly number[], b: readonly number[]) =>
  Math.max(...b.map((y, i) => Math.abs((a[i] ?? Number.NaN) - y) / Math.max(1, Math.abs(y))));

/** A recorded step gives with other values what eager code gives. */
function expectSame(f: (whole: Tensor, parts: Tensor) => Tensor[]): void {
  const step = compile(f);
  for (const seed of [1, 2, 3]) {
    const got = values(step(...inputs(seed)) as Tensor[]);
    for (const [i, [shape, want]] of values(f(...inputs(seed))).entries()) {
      expect(got[i]?.[0]).toEqual(shape);
      expect(distance(got[i]?.[1] ?? [], want)).toBeLessThan(1e-5);
    }
  }
  expect(step.recordings).toBe(1);
  step.dispose();
}

describe.each(backends)('compiled on %s', (backend) => {
  beforeAll(() => setBackend(backend));

  test.each(Object.entries(writers))('what %s wrote is read after it', (_, write) => {
    for (const first of [0, 1, 3])
      expectSame((whole, parts) => {
        const early = whole.mul(2);
        const written = write(whole, parts.mul(3));
        // Not a result itself: those stay behind checks.
        return [early, flip(written.narrow(0, first, 3).add(1), 0)];
      });
  });

  test.each(Object.entries(readers))('what %s reads is changed after it', (_, read) => {
    for (const first of [0, 1, 3])
      expectSame((whole, parts) => {
        const changed = whole.mul(1);
        const early = parts.mul(2);
        const out = read(changed);
        changed.narrow(0, first, 3).mul_(5);
        return [early, out, flip(changed, 0)];
      });
  });

  test.each(Object.entries(readers))('the gradient of %s is read in parts', (_, read) => {
    expectSame((whole, parts) => {
      const [x, y] = [whole.narrow(0, 0, 3).detach().requiresGrad_(), parts.detach().requiresGrad_()];
      const out = read(cat([x.mul(1), y.mul(2)], 0));
      const weights = arange(out.size).reshape(out.shape).add(1);
      return grad(out.mul(weights).sum().mul(0.5), [x, y]) as Tensor[];
    });
  });

  test('the gradient of the largest of a tensor twice', () => {
    expectSame((whole, parts) => {
      const x = parts.detach().requiresGrad_();
      const y = x.mul(1);
      const twice = cat([y, y.flatten().reshape([3, 4])], 0).add(whole.detach());
      const { values } = twice.topk(3, 0);
      return grad(
        values
          .mul(arange(12).reshape([3, 4]))
          .sum()
          .mul(0.5),
        [x],
      ) as Tensor[];
    });
  });
});
