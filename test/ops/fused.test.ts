/**
 * Losses and normalisations with kernels of their own, against loops in float64: values and gradients in both dtypes and
 * all layouts, derivatives of second order, and what they refuse.
 */
import * as ct from 'cotangent';
import {
  ArgumentError,
  type DType,
  DTypeError,
  IndexError,
  ShapeError,
  setBackend,
  type Tensor,
  tensor,
} from 'cotangent';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';
import { difference, indices, Naive, sample } from '../support/naive.ts';

const ints = (data: number | number[] | number[][], dtype: DType = 'int64'): Tensor => tensor(data, { dtype });
const bound = (dtype: DType): number => (dtype === 'float32' ? 2e-6 : 1e-14);
const sumOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

interface ClassOptions {
  weight?: Naive;
  ignoreIndex?: number;
}

/** Losses of targets [N, d…] for logits [N, C, d…] or [C], and their gradients for cotangents of the shape of the targets. */
function naiveCrossEntropy(x: Naive, target: Naive, g: Naive, { weight, ignoreIndex = -100 }: ClassOptions) {
  const dim = x.shape.length === 1 ? 0 : 1;
  const classes = x.shape[dim] as number;
  const losses: number[] = [];
  const factors: number[] = [];
  const dx = new Map<string, number>();
  for (const at of indices(target.shape)) {
    const place = (c: number) => at.toSpliced(dim, 0, c);
    const t = target.at(at);
    const logits = Array.from({ length: classes }, (_, c) => x.at(place(c)));
    const top = Math.max(...logits);
    const total = sumOf(logits.map((value) => Math.exp(value - top)));
    const factor = t === ignoreIndex ? 0 : (weight?.at([t]) ?? 1);
    losses.push(t === ignoreIndex ? 0 : factor * (top + Math.log(total) - (logits[t] as number)));
    factors.push(factor);
    for (const [c, value] of logits.entries())
      dx.set(place(c).join(), g.at(at) * factor * (Math.exp(value - top) / total - (c === t ? 1 : 0)));
  }
  const gradient = Naive.build(x.shape, (at) => dx.get(at.join()) as number);
  return {
    losses: new Naive(target.shape, losses),
    mean: sumOf(losses) / sumOf(factors),
    count: sumOf(factors),
    gradient,
  };
}

/** Classes that differ from each other, every fifth of them `ignored`. */
const targets = (shape: readonly number[], classes: number, ignored: number): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Array.from({ length: size }, (_, i) => (i % 5 === 3 ? ignored : (i * 7 + 2) % classes));
  return tensor(data, { dtype: 'int64' }).reshape([...shape]);
};

function naiveRmsNorm(x: Naive, features: number, g: Naive, weight: Naive | null, eps: number) {
  const rows = features === 0 ? 0 : x.values.length / features;
  const [y, dx] = [new Array<number>(x.values.length), new Array<number>(x.values.length)];
  const dweight = new Array<number>(features).fill(0);
  for (let row = 0; row < rows; row++) {
    const at = (values: readonly number[], j: number) => values[row * features + j] as number;
    const each = Array.from({ length: features }, (_, j) => j);
    const rstd = 1 / Math.sqrt(sumOf(each.map((j) => at(x.values, j) ** 2)) / features + eps);
    const factor = (j: number) => weight?.values[j] ?? 1;
    const along = sumOf(each.map((j) => at(g.values, j) * factor(j) * at(x.values, j) * rstd)) / features;
    for (const j of each) {
      const normal = at(x.values, j) * rstd;
      y[row * features + j] = normal * factor(j);
      dx[row * features + j] = rstd * (at(g.values, j) * factor(j) - normal * along);
      dweight[j] = (dweight[j] as number) + at(g.values, j) * normal;
    }
  }
  return { y: new Naive(x.shape, y), dx: new Naive(x.shape, dx), dweight };
}

describe.each(backends)('on the %s backend', (backend) => {
  beforeEach(() => setBackend(backend));
  const random = (shape: readonly number[], seed: number, dtype: DType = 'float64') =>
    sample(shape, seed, backend, dtype).requiresGrad_();
  /** The same numbers in other memory: with gaps, and not in row-major order. */
  const scattered = (x: Tensor): Tensor =>
    ct
      .stack([x.detach(), x.detach()], x.ndim)
      .transpose(0, -1)
      .contiguous()
      .transpose(0, -1)
      .select(-1, 0)
      .detach()
      .requiresGrad_();

  describe.each(['float32', 'float64'] as const)('crossEntropy of classes in %s', (dtype) => {
    test.each([[[5]], [[1]], [[6, 1]], [[7, 3]], [[4, 17]], [[130, 10]], [[3, 1037]], [[6, 5, 4]], [[2, 9, 3, 2]]])(
      '%j',
      (shape) => {
        const dim = shape.length === 1 ? 0 : 1;
        const classes = shape[dim] as number;
        const weight = sample([classes], 3, backend, dtype).abs().add(0.1);
        for (const ignored of [-100, 0, classes + 5]) {
          const target = targets(shape.toSpliced(dim, 1), classes, ignored);
          const g = sample(target.shape, 2, backend, dtype);
          for (const x of [random(shape, 1, dtype), scattered(random(shape, 1, dtype))]) {
            for (const factors of [undefined, weight]) {
              const options = { ignoreIndex: ignored, ...(factors && { weight: factors }) };
              const naive = { ignoreIndex: ignored, ...(factors && { weight: Naive.of(factors) }) };
              const want = naiveCrossEntropy(Naive.of(x), Naive.of(target), Naive.of(g), naive);
              const losses = ct.crossEntropy(x, target, { ...options, reduction: 'none' });
              expect(difference(losses, want.losses)).toBeLessThan(bound(dtype));
              const [dx] = ct.grad([losses], [x], { gradOutputs: [g] }) as [Tensor];
              expect(difference(dx, want.gradient)).toBeLessThan(bound(dtype));

              const mean = ct.crossEntropy(x, target, options);
              expect(difference(mean, new Naive([], [want.mean]))).toBeLessThan(bound(dtype));
              const sum = ct.crossEntropy(x, target, { ...options, reduction: 'sum' });
              const [ofMean, ofSum] = [mean, sum].map((loss) => (ct.grad([loss], [x]) as [Tensor])[0]) as [
                Tensor,
                Tensor,
              ];
              const ones = Naive.build(target.shape, () => 1);
              const plain = naiveCrossEntropy(Naive.of(x), Naive.of(target), ones, naive).gradient;
              expect(difference(ofSum, plain)).toBeLessThan(bound(dtype));
              if (want.count > 0)
                expect(
                  difference(
                    ofMean,
                    new Naive(
                      x.shape,
                      plain.values.map((v) => v / want.count),
                    ),
                  ),
                ).toBeLessThan(bound(dtype));
            }
          }
        }
      },
    );

    test('logits far from zero keep the digits of losses and gradients', () => {
      const x = tensor([[1e4, 1e4 + 1, 1e4 - 2]], { dtype, requiresGrad: true });
      const near = tensor([[0, 1, -2]], { dtype: 'float64' });
      const want = naiveCrossEntropy(Naive.of(near), new Naive([1], [0]), new Naive([1], [1]), {});
      const loss = ct.crossEntropy(x, ints([0]));
      expect(difference(loss, new Naive([], [want.mean]))).toBeLessThan(bound(dtype));
      expect(difference((ct.grad([loss], [x]) as [Tensor])[0], want.gradient)).toBeLessThan(bound(dtype));
    });

    test('classes that are ruled out cost nothing unless they are the target', () => {
      const x = tensor([[0, Number.NEGATIVE_INFINITY, 0]], { dtype, requiresGrad: true });
      const loss = ct.crossEntropy(x, ints([2]));
      expect(loss.item()).toBeCloseTo(Math.LN2, 6);
      expect((ct.grad([loss], [x]) as [Tensor])[0].toArray()).toEqual([[0.5, 0, -0.5]]);
      expect(ct.crossEntropy(x, ints([1])).item()).toBe(Number.POSITIVE_INFINITY);
    });
  });

  describe('crossEntropy of classes', () => {
    test('derivatives of first and second order', () => {
      const target = ints([
        [0, 2],
        [-100, 1],
      ]);
      const weight = sample([3], 3, backend).abs().add(0.1);
      for (const reduction of ['mean', 'sum', 'none'] as const) {
        for (const options of [
          { reduction },
          { reduction, weight },
          { reduction, ignoreIndex: 2, target: target.abs().clamp(0, 2) },
        ]) {
          const { target: classes = target, ...rest } = options as typeof options & { target?: Tensor };
          const f = (x: Tensor) => ct.crossEntropy(x, classes, rest);
          expect(ct.gradcheck(f, [random([2, 3, 2], 1)])).toBe(true);
          expect(ct.gradgradcheck(f, [random([2, 3, 2], 1)])).toBe(true);
        }
      }
    });

    test('a weight that requires a gradient gets it', () => {
      const f = (x: Tensor, w: Tensor) => ct.crossEntropy(x, ints([0, 2]), { weight: w });
      const inputs = () => [random([2, 3], 1), sample([3], 3, backend).abs().add(0.5).requiresGrad_()];
      expect(ct.gradcheck(f, inputs())).toBe(true);
      expect(ct.gradgradcheck(f, inputs())).toBe(true);
    });

    test('targets of every integer dtype, repeated and with gaps', () => {
      const x = random([4, 3], 1);
      const want = ct.crossEntropy(x, ints([1, 1, 1, 1])).item();
      expect(ct.crossEntropy(x, ints([1]).expand([4])).item()).toBe(want);
      for (const dtype of ['int32', 'uint8'] as const)
        expect(ct.crossEntropy(x, ints([1, 1, 1, 1], dtype)).item()).toBe(want);
      const wide = ints([
        [1, 0],
        [1, 2],
        [1, 0],
        [1, 2],
      ]);
      expect(ct.crossEntropy(x, wide.select(1, 0)).item()).toBe(want);
    });

    test('a class out of range is an error, whatever is ignored', () => {
      const x = random([2, 3], 1);
      for (const bad of [3, -1, -2]) {
        expect(() => ct.crossEntropy(x, ints([0, bad]))).toThrow(IndexError);
        expect(() => ct.crossEntropy(x, ints([0, bad]), { ignoreIndex: 7 })).toThrow(IndexError);
        expect(() => ct.crossEntropy(x, ints([0, bad]), { ignoreIndex: 1 })).toThrow(IndexError);
        expect(Number.isFinite(ct.crossEntropy(x, ints([0, bad]), { ignoreIndex: bad }).item())).toBe(true);
      }
      expect(() => ct.crossEntropy(ct.zeros([2, 0]), ints([0, 0]))).toThrow(IndexError);
      expect(() => ct.crossEntropy(x, ints([0, 1]), { ignoreIndex: 2 ** 60 })).toThrow(ArgumentError);
    });

    test('no rows, and no rows that count', () => {
      const none = ct.zeros([0, 3], { requiresGrad: true });
      expect(ct.crossEntropy(none, ct.zeros([0], { dtype: 'int64' })).item()).toBeNaN();
      expect(ct.crossEntropy(none, ct.zeros([0], { dtype: 'int64' }), { reduction: 'none' }).shape).toEqual([0]);
      const x = random([2, 3], 1);
      expect(ct.crossEntropy(x, ints([-100, -100])).item()).toBeNaN();
      const sum = ct.crossEntropy(x, ints([-100, -100]), { reduction: 'sum' });
      expect(sum.item()).toBe(0);
      expect((ct.grad([sum], [x]) as [Tensor])[0].toArray()).toEqual([
        [0, 0, 0],
        [0, 0, 0],
      ]);
    });

    test('logits changed in place before backward are an error', () => {
      const x = random([2, 3], 1).mul(1);
      const loss = ct.crossEntropy(x, ints([0, 1]));
      x.add_(1);
      expect(() => loss.backward()).toThrow(/crossEntropy.*changed in place/s);
    });
  });

  describe.each(['float32', 'float64'] as const)('rmsNorm in %s', (dtype) => {
    test.each([
      [[5], 1],
      [[4, 1], 1],
      [[3, 4], 1],
      [[7, 17], 1],
      [[130, 33], 1],
      [[2, 1037], 1],
      [[3, 2, 5], 2],
    ])('%j over the last %i dimensions', (shape, dims) => {
      const normalized = shape.slice(-dims);
      const features = normalized.reduce((a, b) => a * b, 1);
      const g = sample(shape, 2, backend, dtype);
      const eps = dtype === 'float32' ? 2 ** -23 : 2 ** -52;
      for (const x of [random(shape, 1, dtype), scattered(random(shape, 1, dtype))]) {
        for (const weight of [null, random(normalized, 3, dtype)]) {
          for (const given of [undefined, 0.3]) {
            const want = naiveRmsNorm(Naive.of(x), features, Naive.of(g), weight && Naive.of(weight), given ?? eps);
            const y = ct.rmsNorm(x, normalized, weight, given);
            expect(difference(y, want.y)).toBeLessThan(bound(dtype));
            const [dx, dweight] = ct.grad([y], weight ? [x, weight] : [x], { gradOutputs: [g] });
            // Where features are few the gradient is a difference of larger numbers.
            expect(difference(dx as Tensor, want.dx)).toBeLessThan(8 * bound(dtype));
            if (weight)
              expect(difference(dweight as Tensor, new Naive(normalized, want.dweight))).toBeLessThan(8 * bound(dtype));
          }
        }
      }
    });
  });

  describe('rmsNorm', () => {
    test('derivatives of first and second order', () => {
      const cases: [(x: Tensor, w: Tensor) => Tensor, () => Tensor[]][] = [
        [(x) => ct.rmsNorm(x, [2, 3]), () => [random([3, 2, 3], 1)]],
        [(x, w) => ct.rmsNorm(x.t(), 4, w, 0.1), () => [random([4, 3], 1), random([4], 2)]],
        [(x, w) => ct.rmsNorm(x, [3], { weight: w }), () => [random([3], 1), random([3], 2)]],
      ];
      for (const [g, inputs] of cases) {
        const f = (...xs: Tensor[]) => g(xs[0] as Tensor, xs[1] as Tensor);
        expect(ct.gradcheck(f, inputs())).toBe(true);
        expect(ct.gradgradcheck(f, inputs())).toBe(true);
      }
    });

    test('weight alone gets a gradient, and zeros where there are no rows', () => {
      const weight = random([3], 1);
      const x = sample([2, 3], 2, backend);
      ct.rmsNorm(x, 3, weight).sum().backward();
      const want = naiveRmsNorm(
        Naive.of(x),
        3,
        Naive.build([2, 3], () => 1),
        null,
        2 ** -52,
      ).dweight;
      expect(difference(weight.grad as Tensor, new Naive([3], want))).toBeLessThan(1e-14);
      const other = random([3], 1);
      ct.rmsNorm(ct.zeros([0, 3], { dtype: 'float64' }), 3, other)
        .sum()
        .backward();
      expect((other.grad as Tensor).toArray()).toEqual([0, 0, 0]);
    });

    test('bad arguments are named', () => {
      const x = random([2, 3], 1);
      expect(() => ct.rmsNorm(x, 2)).toThrow(/rmsNorm.*\[2, 3\].*\[2\]/);
      expect(() => ct.rmsNorm(x, [])).toThrow(ShapeError);
      expect(() => ct.rmsNorm(x, 3, tensor([1, 2]))).toThrow(ShapeError);
      expect(() => ct.rmsNorm(x, 3, tensor([1, 2, 3]))).toThrow(DTypeError);
      expect(() => ct.rmsNorm(ints([1, 2, 3]), 3)).toThrow(DTypeError);
      expect(() => ct.rmsNorm(x, 3, { bias: null } as never)).toThrow(/unknown option .bias./);
      expect(() => ct.rmsNorm(x, 3, null, 'small' as never)).toThrow(ArgumentError);
    });
  });

  test('layerNorm of long rows, and its gradients', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      for (const [rows, n] of [
        [70, 1037],
        [3, 7],
      ] as const) {
        const [x, g] = [random([rows, n], 1, dtype), sample([rows, n], 2, backend, dtype)];
        const [weight, bias] = [random([n], 3, dtype), random([n], 4, dtype)];
        const y = ct.layerNorm(x, n, weight, bias);
        const got = ct.grad([y], [x, weight, bias], { gradOutputs: [g] }) as Tensor[];
        const wide = [x, weight, bias].map((t) => t.detach().to('float64').requiresGrad_()) as [Tensor, Tensor, Tensor];
        const centred = wide[0].sub(wide[0].mean(1, true));
        const normal = centred.div(centred.square().mean(1, true).add(1e-5).sqrt());
        const reference = normal.mul(wide[1]).add(wide[2]);
        const want = ct.grad([reference], wide, { gradOutputs: [g.to('float64')] }) as Tensor[];
        expect(difference(y, Naive.of(reference))).toBeLessThan(4 * bound(dtype));
        for (const [i, t] of got.entries())
          expect(difference(t, Naive.of(want[i] as Tensor))).toBeLessThan(16 * bound(dtype));
      }
    }
  });
});
