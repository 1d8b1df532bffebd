/**
 * Convolution against loops in float64: values and both gradients over strides, paddings, dilations, groups and layouts,
 * derivatives of second order, and what is refused.
 */
import * as ct from 'cotangent';
import { ArgumentError, BackendError, type DType, DTypeError, ShapeError, setBackend, type Tensor } from 'cotangent';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';
import { difference, indices, Naive, sample } from '../support/naive.ts';

type Pair = readonly [number, number];

interface Steps {
  stride: Pair;
  /** Above and to the left. */
  padding: Pair;
  dilation: Pair;
  groups: number;
}

/** One shape: images, filters, steps. */
interface Case extends Partial<Steps> {
  x: readonly number[];
  w: readonly number[];
}

const plain: Steps = { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };

/** Calls `f` for every product that the definition has, with places in the result, in x, and in the weight. */
function eachProduct(
  result: readonly number[],
  x: readonly number[],
  w: readonly number[],
  { stride, padding, dilation, groups }: Steps,
  f: (out: number, from: number, tap: number) => void,
): void {
  const [outChannels, c, kh, kw] = w as [number, number, number, number];
  const [, channels, h, width] = x as [number, number, number, number];
  let out = -1;
  for (const [n, o, y, at] of indices(result) as Generator<[number, number, number, number]>) {
    out++;
    const first = n * channels + Math.floor((o * groups) / outChannels) * c;
    for (let k = 0; k < c * kh * kw; k++) {
      const row = y * stride[0] - padding[0] + (Math.floor(k / kw) % kh) * dilation[0];
      const column = at * stride[1] - padding[1] + (k % kw) * dilation[1];
      if (row < 0 || column < 0 || row >= h || column >= width) continue;
      f(out, ((first + Math.floor(k / (kh * kw))) * h + row) * width + column, o * c * kh * kw + k);
    }
  }
}

/** The three maps of a convolution by their definition. */
const naive = {
  forward(x: Naive, w: Naive, bias: Naive | null, result: readonly number[], steps: Steps): Naive {
    const out = Naive.build(result, ([, o]) => bias?.at([o as number]) ?? 0);
    eachProduct(result, x.shape, w.shape, steps, (at, from, tap) => {
      (out.values[at] as number) += (x.values[from] as number) * (w.values[tap] as number);
    });
    return out;
  },
  toInput(g: Naive, w: Naive, x: readonly number[], steps: Steps): Naive {
    const out = Naive.build(x, () => 0);
    eachProduct(g.shape, x, w.shape, steps, (at, from, tap) => {
      (out.values[from] as number) += (g.values[at] as number) * (w.values[tap] as number);
    });
    return out;
  },
  toWeight(g: Naive, x: Naive, w: readonly number[], steps: Steps): Naive {
    const out = Naive.build(w, () => 0);
    eachProduct(g.shape, x.shape, w, steps, (at, from, tap) => {
      (out.values[tap] as number) += (g.values[at] as number) * (x.values[from] as number);
    });
    return out;
  },
};

const sums = (g: Naive): Naive =>
  Naive.build([g.shape[1] as number], ([o]) =>
    [...indices(g.shape)].reduce((total, at) => (at[1] === o ? total + g.at(at) : total), 0),
  );

/** Sums of up to a few hundred products of numbers below 2. */
const bound = (dtype: DType): number => (dtype === 'float32' ? 3e-5 : 1e-13);

const cases: readonly Case[] = [
  { x: [1, 1, 1, 1], w: [1, 1, 1, 1] },
  { x: [2, 3, 5, 7], w: [4, 3, 3, 3] },
  { x: [2, 3, 5, 7], w: [4, 3, 3, 3], padding: [1, 1] },
  { x: [3, 1, 28, 28], w: [5, 1, 3, 3], padding: [1, 1] },
  { x: [2, 2, 9, 6], w: [3, 2, 2, 4], padding: [1, 2], stride: [2, 1] },
  { x: [2, 2, 11, 9], w: [3, 2, 3, 3], stride: [2, 3], dilation: [2, 1], padding: [2, 1] },
  { x: [1, 2, 12, 12], w: [2, 2, 3, 2], stride: [3, 2], dilation: [3, 4], padding: [1, 0] },
  { x: [2, 2, 10, 10], w: [3, 2, 2, 2], stride: [4, 4] },
  { x: [2, 3, 8, 8], w: [17, 3, 4, 4], stride: [4, 4] },
  { x: [2, 7, 6, 5], w: [19, 7, 1, 1] },
  { x: [1, 5, 6, 5], w: [3, 5, 1, 1], stride: [2, 2] },
  { x: [2, 6, 7, 7], w: [6, 1, 3, 3], groups: 6, padding: [1, 1] },
  { x: [2, 4, 7, 7], w: [8, 1, 3, 3], groups: 4, stride: [2, 2], padding: [1, 1] },
  { x: [2, 6, 5, 9], w: [4, 3, 2, 3], groups: 2, dilation: [1, 2] },
  { x: [1, 40, 4, 4], w: [33, 40, 3, 3], padding: [1, 1] },
  { x: [3, 20, 2, 2], w: [9, 20, 2, 2], padding: [1, 1] },
  { x: [1, 2, 3, 3], w: [2, 2, 3, 3], dilation: [7, 7], padding: [7, 7] },
  { x: [1, 1, 2, 2], w: [1, 1, 2, 2], dilation: [100, 100], padding: [60, 60], stride: [10, 10] },
  { x: [1, 1, 40, 3], w: [2, 1, 37, 1] },
  { x: [1, 1, 3, 300], w: [2, 1, 1, 3], padding: [0, 1] },
  { x: [0, 2, 5, 5], w: [3, 2, 3, 3] },
];

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => setBackend(backend));

  const random = (shape: readonly number[], seed: number, dtype: DType = 'float64'): Tensor =>
    sample(shape, seed, backend, dtype).detach().requiresGrad_();

  /** The same numbers with gaps between them, and the dimensions in another order in memory. */
  const scattered = (x: Tensor): Tensor =>
    ct.stack([x.detach(), x.detach()], x.ndim).transpose(0, -1).contiguous().transpose(0, -1).select(-1, 0).detach();

  describe.each(['float32', 'float64'] as const)('conv2d in %s', (dtype) => {
    test.each(cases)('%j', ({ x: images, w: filters, ...given }) => {
      const steps = { ...plain, ...given };
      const [x, w] = [random(images, 1, dtype), random(filters, 2, dtype)];
      const bias = random([filters[0] as number], 3, dtype);
      const [values, taps] = [Naive.of(x), Naive.of(w)];
      const y = ct.conv2d(x, w, bias, steps.stride, steps.padding, steps.dilation, steps.groups);
      expect(difference(y, naive.forward(values, taps, Naive.of(bias), y.shape, steps))).toBeLessThan(bound(dtype));
      const odd = ct.conv2d(scattered(x), scattered(w), { ...steps, bias: null });
      expect(difference(odd, naive.forward(values, taps, null, y.shape, steps))).toBeLessThan(bound(dtype));

      const g = sample(y.shape, 4, backend, dtype);
      const slopes = Naive.of(g);
      for (const cotangent of [g, scattered(g)]) {
        const [dx, dw, db] = ct.grad([y], [x, w, bias], { gradOutputs: [cotangent], retainGraph: true }) as [
          Tensor,
          Tensor,
          Tensor,
        ];
        expect(difference(dx, naive.toInput(slopes, taps, images, steps))).toBeLessThan(bound(dtype));
        expect(difference(dw, naive.toWeight(slopes, values, filters, steps))).toBeLessThan(bound(dtype));
        expect(difference(db, sums(slopes))).toBeLessThan(bound(dtype));
      }
    });

    test('padding by name, and one image without a batch', () => {
      const [x, w] = [random([2, 5, 6], 1, dtype), random([3, 2, 4, 3], 2, dtype)];
      const values = new Naive([1, 2, 5, 6], Naive.of(x).values);
      // Four taps: one zero above, two below.
      const same = ct.conv2d(x, w, { padding: 'same' });
      const steps = { ...plain, padding: [1, 1] as const };
      const want = naive.forward(values, Naive.of(w), null, [1, 3, 5, 6], steps);
      expect(same.shape).toEqual([3, 5, 6]);
      expect(difference(same.unsqueeze(0), want)).toBeLessThan(bound(dtype));
      const [dx] = ct.grad([same], [x], { gradOutputs: [same.detach()] }) as [Tensor];
      const wantDx = naive.toInput(Naive.of(same.detach().unsqueeze(0)), Naive.of(w), values.shape, steps);
      expect(difference(dx.unsqueeze(0), wantDx)).toBeLessThan(bound(dtype) * 10);
      const spread = ct.conv2d(x, w, { padding: 'same', dilation: 2 });
      expect(spread.shape).toEqual([3, 5, 6]);
      const valid = ct.conv2d(x, w, { padding: 'valid' });
      expect(valid.toArray()).toEqual(ct.conv2d(x, w).toArray());
    });

    test('results do not depend on the number of threads', () => {
      const [x, w] = [random([9, 8, 15, 14], 1, dtype), random([21, 8, 3, 3], 2, dtype)];
      const run = () => {
        const y = ct.conv2d(x, w, { padding: 1 });
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

  describe.each(['float32', 'float64'] as const)('convTranspose2d in %s', (dtype) => {
    test.each<Case & { outputPadding?: Pair }>([
      { x: [2, 3, 4, 5], w: [3, 2, 3, 3] },
      { x: [2, 4, 4, 5], w: [4, 2, 3, 2], stride: [2, 3], padding: [1, 0], outputPadding: [1, 2] },
      { x: [1, 4, 3, 3], w: [4, 3, 3, 3], groups: 2, stride: [2, 2], padding: [1, 1], dilation: [2, 2] },
      { x: [1, 2, 3, 3], w: [2, 1, 2, 2], dilation: [3, 3], outputPadding: [2, 1] },
      { x: [1, 2, 3, 3], w: [2, 3, 1, 1], stride: [3, 3] },
    ])('%j', ({ x: images, w: filters, outputPadding = [0, 0], ...given }) => {
      const steps = { ...plain, ...given };
      const [x, w] = [random(images, 1, dtype), random(filters, 2, dtype)];
      const bias = random([(filters[1] as number) * steps.groups], 3, dtype);
      const y = ct.convTranspose2d(
        x,
        w,
        bias,
        steps.stride,
        steps.padding,
        outputPadding,
        steps.groups,
        steps.dilation,
      );
      const size = [0, 1].map((d) => {
        const span = steps.dilation[d] as number;
        const grown = ((images[d + 2] as number) - 1) * (steps.stride[d] as number) - 2 * (steps.padding[d] as number);
        return grown + span * ((filters[d + 2] as number) - 1) + (outputPadding[d] as number) + 1;
      });
      const shape = [images[0] as number, bias.size, ...size];
      const want = naive.toInput(Naive.of(x), Naive.of(w), shape, steps);
      const shifted = Naive.build(shape, (at) => want.at(at) + (Naive.of(bias).values[at[1] as number] as number));
      expect(difference(y, shifted)).toBeLessThan(bound(dtype));
      const named = ct.convTranspose2d(x, w, { bias, outputPadding, ...given });
      expect(named.toArray()).toEqual(y.toArray());

      const g = sample(y.shape, 4, backend, dtype);
      const [dx, dw, db] = ct.grad([y], [x, w, bias], { gradOutputs: [g] }) as [Tensor, Tensor, Tensor];
      const slopes = Naive.of(g);
      expect(difference(dx, naive.forward(slopes, Naive.of(w), null, images, steps))).toBeLessThan(bound(dtype));
      expect(difference(dw, naive.toWeight(Naive.of(x), slopes, filters, steps))).toBeLessThan(bound(dtype));
      expect(difference(db, sums(slopes))).toBeLessThan(bound(dtype));
    });
  });

  describe('derivatives of first and second order', () => {
    test.each<[string, (...xs: Tensor[]) => Tensor, readonly (readonly number[])[]]>([
      ['conv2d', (x, w, b) => ct.conv2d(x as Tensor, w as Tensor, b), [[2, 2, 4, 3], [3, 2, 2, 2], [3]]],
      [
        'conv2d with everything',
        (x, w) => ct.conv2d(x as Tensor, w as Tensor, { stride: [2, 1], padding: 1, dilation: [1, 2], groups: 2 }),
        [
          [1, 2, 4, 5],
          [2, 1, 2, 2],
        ],
      ],
      [
        "conv2d, padding 'same'",
        (x, w) => ct.conv2d(x as Tensor, w as Tensor, { padding: 'same' }),
        [
          [1, 3, 3],
          [2, 1, 2, 2],
        ],
      ],
      [
        'convTranspose2d',
        (x, w, b) => ct.convTranspose2d(x as Tensor, w as Tensor, { bias: b as Tensor, stride: 2, outputPadding: 1 }),
        [[1, 2, 2, 3], [2, 2, 2, 2], [2]],
      ],
    ])('%s', (_name, f, shapes) => {
      const inputs = () => shapes.map((shape, i) => random(shape, i + 1));
      expect(ct.gradcheck(f, inputs())).toBe(true);
      expect(ct.gradgradcheck(f, inputs())).toBe(true);
    });

    test('of third order: x · x · w convolved is cubic', () => {
      const [x, w] = [random([1, 1, 3, 3], 1), random([1, 1, 2, 2], 2)];
      const f = (a: Tensor) =>
        ct
          .conv2d(a.mul(a), w.detach())
          .mul(a.narrow(2, 0, 2).narrow(3, 0, 2))
          .sum();
      const first = (a: Tensor) => ct.grad([f(a)], [a], { createGraph: true })[0] as Tensor;
      expect(ct.gradgradcheck((a) => first(a as Tensor).square(), [x])).toBe(true);
    });
  });

  test('NaN and infinity go where their windows are, and nowhere else', () => {
    const x = ct.zeros([1, 1, 5, 20]);
    x.select(2, 2).select(2, 7).fill_(Number.POSITIVE_INFINITY);
    const y = ct.conv2d(x, ct.ones([1, 1, 3, 3]), { padding: 1 });
    const hit = Naive.of(y).values.map((v) => v === Number.POSITIVE_INFINITY);
    const want = [...indices([5, 20])].map(
      ([i, j]) => Math.abs((i as number) - 2) < 2 && Math.abs((j as number) - 7) < 2,
    );
    expect(hit).toEqual(want);
    const w = ct.ones([1, 1, 3, 3], { requiresGrad: true });
    const g = ct.zeros([1, 1, 5, 20]);
    g.select(2, 0).select(2, 19).fill_(1);
    const [dw] = ct.grad([ct.conv2d(x, w, { padding: 1 })], [w], { gradOutputs: [g] }) as [Tensor];
    // 0 · ∞ is NaN, as by the definition: every tap meets the infinity.
    expect(Naive.of(dw).values.every(Number.isNaN)).toBe(true);
  });

  test('what does not fit is refused', () => {
    const [x, w] = [ct.zeros([1, 4, 5, 5]), ct.zeros([2, 4, 3, 3])];
    expect(() => ct.conv2d(ct.zeros([4, 5]), w)).toThrow(ShapeError);
    expect(() => ct.conv2d(x, ct.zeros([2, 3, 3, 3]))).toThrow(/images of 4 channels in 1 groups/);
    expect(() => ct.conv2d(x, ct.zeros([3, 2, 3, 3]), { groups: 2 })).toThrow(ShapeError);
    expect(() => ct.conv2d(x, ct.zeros([2, 4, 3]))).toThrow(ShapeError);
    expect(() => ct.conv2d(x, ct.zeros([2, 4, 0, 3]))).toThrow(ShapeError);
    expect(() => ct.conv2d(x, ct.zeros([2, 4, 6, 3]))).toThrow(/do not fit into padded images of \[5, 5\]/);
    expect(() => ct.conv2d(x, w, ct.zeros([3]))).toThrow(ShapeError);
    expect(() => ct.conv2d(ct.zeros([1, 4, 5, 0]), w)).toThrow(ShapeError);
    expect(() => ct.conv2d(x, w.to('float64'))).toThrow(DTypeError);
    expect(() => ct.conv2d(x, w, ct.zeros([2], { dtype: 'float64' }))).toThrow(DTypeError);
    expect(() => ct.conv2d(x.to('int32'), w)).toThrow(DTypeError);
    for (const options of [
      { stride: 0 },
      { stride: [1, 2, 3] },
      { padding: -1 },
      { padding: 'full' },
      { dilation: 1.5 },
      { groups: 0 },
      { strides: 1 },
    ])
      expect(() => ct.conv2d(x, w, options as never)).toThrow(ArgumentError);
    expect(() => ct.conv2d(x, w, { padding: 'same', stride: 2 })).toThrow(ArgumentError);
    expect(() => ct.conv2d(x, w, { padding: 2 ** 20, dilation: 1 })).toThrow(ShapeError);
    expect(() => ct.conv2d([[1]] as never, w)).toThrow(ArgumentError);
    const t = ct.zeros([4, 2, 3, 3]);
    expect(() => ct.convTranspose2d(x, w)).toThrow(ShapeError);
    expect(() => ct.convTranspose2d(x, t, { outputPadding: 1 })).toThrow(ArgumentError);
    expect(() => ct.convTranspose2d(x, t, { padding: 4 })).toThrow(ShapeError);
    expect(() => ct.convTranspose2d(x, t, { groups: 3 })).toThrow(ShapeError);
    expect(() => ct.convTranspose2d(x, t, { bias: ct.zeros([3]) })).toThrow(ShapeError);
    const other = backends.find((name) => name !== backend);
    if (other !== undefined) expect(() => ct.conv2d(x, w.to({ backend: other }))).toThrow(BackendError);
  });
});
