/** Batch normalisation against loops in float64: values, statistics and gradients, derivatives of second order, refusals. */
import * as ct from 'cotangent';
import { ArgumentError, type DType, DTypeError, ShapeError, setBackend, type Tensor, tensor } from 'cotangent';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';
import { difference, Naive, sample } from '../support/naive.ts';

const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Everything that training computes, channel by channel. */
function naiveBatchNorm(x: Naive, g: Naive, weight: Naive | null, bias: Naive | null, eps: number) {
  const channels = x.shape[1] as number;
  /** Elements of a channel that follow each other. */
  const run = x.shape.slice(2).reduce((a, b) => a * b, 1);
  const [y, dx] = [0, 1].map(() => Naive.build(x.shape, () => 0)) as [Naive, Naive];
  const perChannel = () => new Naive([channels], new Array<number>(channels).fill(0));
  const [mean, variance, dweight, dbias] = [0, 1, 2, 3].map(perChannel) as [Naive, Naive, Naive, Naive];
  for (let c = 0; c < channels; c++) {
    const places = Array.from(x.values.keys()).filter((i) => Math.floor(i / run) % channels === c);
    const values = places.map((i) => x.values[i] as number);
    const slopes = places.map((i) => g.values[i] as number);
    const mu = average(values);
    const spread = average(values.map((v) => (v - mu) ** 2));
    const normal = values.map((v) => (v - mu) / Math.sqrt(spread + eps));
    const factor = weight?.values[c] ?? 1;
    const along = average(slopes.map((s, i) => s * (normal[i] as number)));
    mean.values[c] = mu;
    variance.values[c] = spread;
    dweight.values[c] = along * places.length;
    dbias.values[c] = average(slopes) * places.length;
    for (const [i, place] of places.entries()) {
      y.values[place] = (normal[i] as number) * factor + (bias?.values[c] ?? 0);
      const rest = (slopes[i] as number) - average(slopes) - (normal[i] as number) * along;
      dx.values[place] = (factor / Math.sqrt(spread + eps)) * rest;
    }
  }
  return { y, mean, variance, dx, dweight, dbias, count: x.values.length / channels };
}

const bound = (dtype: DType): number => (dtype === 'float32' ? 1e-5 : 1e-12);

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => setBackend(backend));

  const random = (shape: readonly number[], seed: number, dtype: DType = 'float64'): Tensor =>
    sample(shape, seed, backend, dtype).detach().requiresGrad_();

  const scattered = (x: Tensor): Tensor =>
    ct
      .stack([x.detach(), x.detach()], x.ndim)
      .transpose(0, -1)
      .contiguous()
      .transpose(0, -1)
      .select(-1, 0)
      .detach()
      .requiresGrad_();

  describe.each(['float32', 'float64'] as const)('in %s', (dtype) => {
    test.each([[[2, 1]], [[7, 3]], [[40, 150]], [[1, 2, 5]], [[3, 4, 17]], [[5, 3, 4, 7]], [[2, 3, 2, 1, 2]]])(
      'training %j',
      (shape) => {
        const channels = shape[1] as number;
        const g = sample(shape, 2, backend, dtype);
        const [weight, bias] = [random([channels], 3, dtype), random([channels], 4, dtype)];
        const start = [sample([channels], 5, backend, dtype), sample([channels], 6, backend, dtype).abs()] as const;
        for (const x of [random(shape, 1, dtype), scattered(random(shape, 1, dtype))]) {
          for (const affine of [true, false]) {
            const [w, b] = affine ? [weight, bias] : [null, null];
            const [mean, variance] = start.map((s) => s.clone()) as [Tensor, Tensor];
            const y = ct.batchNorm(x, mean, variance, w, b, true, 0.3, 0.01);
            const want = naiveBatchNorm(Naive.of(x), Naive.of(g), w && Naive.of(w), b && Naive.of(b), 0.01);
            expect(difference(y, want.y)).toBeLessThan(bound(dtype));
            const moved = (from: Tensor, to: Naive, scale: number) =>
              Naive.build([channels], (at) => Naive.of(from).at(at) * 0.7 + to.at(at) * scale * 0.3);
            expect(difference(mean, moved(start[0], want.mean, 1))).toBeLessThan(bound(dtype));
            const unbiased = want.count / (want.count - 1);
            expect(difference(variance, moved(start[1], want.variance, unbiased))).toBeLessThan(bound(dtype));
            const inputs = affine ? [x, weight, bias] : [x];
            const [dx, dweight, dbias] = ct.grad([y], inputs, { gradOutputs: [g] }) as Tensor[];
            expect(difference(dx as Tensor, want.dx)).toBeLessThan(bound(dtype));
            if (!affine) continue;
            expect(difference(dweight as Tensor, want.dweight)).toBeLessThan(bound(dtype));
            expect(difference(dbias as Tensor, want.dbias)).toBeLessThan(bound(dtype));
          }
        }
        // Only some of the gradients, and no running statistics.
        const x = random(shape, 1, dtype);
        const y = ct.batchNorm(x.detach(), null, null, { weight, bias, training: true, eps: 0.01 });
        const want = naiveBatchNorm(Naive.of(x), Naive.of(g), Naive.of(weight), Naive.of(bias), 0.01);
        const [dbias] = ct.grad([y], [bias], { gradOutputs: [g] }) as [Tensor];
        expect(difference(dbias, want.dbias)).toBeLessThan(bound(dtype));
      },
    );

    test('values far from zero keep the digits of the variance', () => {
      const x = tensor([1000, 1001, 1003, 1004], { dtype }).reshape([4, 1]);
      const [mean, variance] = [ct.zeros([1], { dtype }), ct.zeros([1], { dtype })];
      for (const image of [x, x.reshape([1, 1, 4])]) {
        const y = ct.batchNorm(image, mean, variance, { training: true, momentum: 1, eps: 0 });
        expect(mean.item()).toBe(1002);
        expect(variance.item()).toBeCloseTo(10 / 3, 6);
        const want = [-2, -1, 1, 2].map((v) => v / Math.sqrt(2.5));
        expect(difference(y.reshape([4]), new Naive([4], want))).toBeLessThan(bound(dtype));
      }
    });

    test('evaluation uses what was given', () => {
      const [mean, variance] = [sample([3], 1, backend, dtype), sample([3], 2, backend, dtype).abs()];
      const [weight, bias] = [random([3], 3, dtype), random([3], 4, dtype)];
      const x = random([2, 3, 4], 5, dtype);
      const [m, v, w, b] = [mean, variance, weight, bias].map(Naive.of) as [Naive, Naive, Naive, Naive];
      const want = Naive.build([2, 3, 4], (at) => {
        const c = [at[1] as number];
        return ((Naive.of(x).at(at) - m.at(c)) / Math.sqrt(v.at(c) + 0.1)) * w.at(c) + b.at(c);
      });
      expect(difference(ct.batchNorm(x, mean, variance, weight, bias, false, 0.5, 0.1), want)).toBeLessThan(
        bound(dtype),
      );
      expect([Naive.of(mean).values, Naive.of(variance).values]).toEqual([m.values, v.values]);
      const plain = ct.batchNorm(x, mean, variance, { eps: 0.1 });
      const bare = Naive.build([2, 3, 4], (at) => (want.at(at) - b.at([at[1] as number])) / w.at([at[1] as number]));
      expect(difference(plain, bare)).toBeLessThan(bound(dtype) * 10);
    });

    test('results do not depend on the number of threads', () => {
      const [x, w] = [random([9, 30, 15, 14], 1, dtype), random([30], 2, dtype)];
      const run = () => {
        const y = ct.batchNorm(x, null, null, { weight: w, training: true });
        return [y, ...ct.grad([y.square().sum()], [x, w])].map((result) => (result as Tensor).toArray());
      };
      const threads = ct.backendInfo().threads;
      try {
        ct.setNumThreads(1);
        const alone = run();
        ct.setNumThreads(3);
        expect(run()).toEqual(alone);
      } finally {
        ct.setNumThreads(threads);
      }
    });
  });

  test('derivatives of first and second order', () => {
    const inputs = (shape: readonly number[]) => [random(shape, 1), random([2], 2), random([2], 3)];
    const running = () => [ct.zeros([2], { dtype: 'float64' }), ct.ones([2], { dtype: 'float64' })] as const;
    for (const training of [true, false]) {
      for (const shape of [
        [3, 2],
        [2, 2, 3],
      ]) {
        const f = (x: Tensor, w: Tensor, b: Tensor) => ct.batchNorm(x, ...running(), w, b, training);
        expect(ct.gradcheck(f as never, inputs(shape))).toBe(true);
        expect(ct.gradgradcheck(f as never, inputs(shape))).toBe(true);
      }
    }
  });

  test('nothing in, nothing out, and the statistics stay', () => {
    const [mean, variance] = [ct.zeros([3]), ct.ones([3])];
    expect(ct.batchNorm(ct.zeros([0, 3]), mean, variance, { training: true }).shape).toEqual([0, 3]);
    expect([mean.toArray(), variance.toArray()]).toEqual([
      [0, 0, 0],
      [1, 1, 1],
    ]);
    expect(ct.batchNorm(ct.zeros([0]), ct.zeros([0]), ct.zeros([0])).shape).toEqual([0]);
  });

  test('what does not fit is refused, before the statistics move', () => {
    const [x, mean, variance] = [ct.ones([2, 3]), ct.zeros([3]), ct.ones([3])];
    expect(() => ct.batchNorm(ct.ones([3]), mean, variance)).toThrow(ShapeError);
    expect(() => ct.batchNorm(x.to('int64'), mean, variance)).toThrow(DTypeError);
    expect(() => ct.batchNorm(x)).toThrow(/wants runningMean and runningVar/);
    expect(() => ct.batchNorm(x, mean, null)).toThrow(ArgumentError);
    expect(() => ct.batchNorm(x, ct.zeros([2]), variance)).toThrow(/runningMean of shape \[3\]/);
    expect(() => ct.batchNorm(x, mean, variance, { weight: ct.ones([3, 1]) })).toThrow(ShapeError);
    expect(() => ct.batchNorm(x, mean, variance.to('float64'))).toThrow(DTypeError);
    expect(() => ct.batchNorm(x, mean, variance, { train: true } as never)).toThrow(ArgumentError);
    expect(() => ct.batchNorm(x, mean, variance, null, null, 1 as never)).toThrow(ArgumentError);
    expect(() => ct.batchNorm(x, mean, variance, { eps: '1' } as never)).toThrow(ArgumentError);
    const one = ct.ones([1, 3, 1, 1]);
    expect(() => ct.batchNorm(one, mean, variance, { training: true })).toThrow(/more than one value per channel/);
    expect(mean.toArray()).toEqual([0, 0, 0]);
  });
});
