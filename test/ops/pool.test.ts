/** Pooling against loops in float64: values, places and gradients, derivatives of second order, and what is refused. */
import * as ct from 'cotangent';
import { ArgumentError, type DType, DTypeError, ShapeError, setBackend, type Tensor } from 'cotangent';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';
import { difference, indices, Naive, sample } from '../support/naive.ts';

type Pair = readonly [number, number];

interface Windows {
  kernel: Pair;
  stride: Pair;
  padding: Pair;
  dilation: Pair;
  ceilMode: boolean;
}

const sizes = (shape: readonly number[], { kernel, stride, padding, dilation, ceilMode }: Windows): number[] =>
  [0, 1].map((d) => {
    const [size, step, pad] = [shape[d + 2] as number, stride[d] as number, padding[d] as number];
    const room = size + 2 * pad - ((kernel[d] as number) - 1) * (dilation[d] as number) - 1;
    const count = (ceilMode ? Math.ceil(room / step) : Math.floor(room / step)) + 1;
    return ceilMode && (count - 1) * step >= size + pad ? count - 1 : count;
  });

/** The places of every window that lie inside the image. */
function* windows(shape: readonly number[], form: Windows): Generator<{ at: number[]; places: number[][] }> {
  const { kernel, stride, padding, dilation } = form;
  for (const at of indices([...shape.slice(0, 2), ...sizes(shape, form)])) {
    const [n, c, y, x] = at as [number, number, number, number];
    const places = [...indices(kernel)]
      .map(([i, j]) => [
        n,
        c,
        y * stride[0] - padding[0] + (i as number) * dilation[0],
        x * stride[1] - padding[1] + (j as number) * dilation[1],
      ])
      .filter(([, , row, column]) => {
        const [h, w] = shape.slice(2) as [number, number];
        return (row as number) >= 0 && (column as number) >= 0 && (row as number) < h && (column as number) < w;
      });
    yield { at, places };
  }
}

const flat = (index: readonly number[], shape: readonly number[]): number =>
  index.reduce((at, i, d) => at * (shape[d] as number) + i, 0);

const bound = (dtype: DType): number => (dtype === 'float32' ? 1e-6 : 1e-14);

const shapes: readonly (Partial<Windows> & { x: readonly number[]; kernel: Pair })[] = [
  { x: [1, 1, 1, 1], kernel: [1, 1] },
  { x: [2, 3, 6, 8], kernel: [2, 2] },
  { x: [2, 3, 7, 75], kernel: [2, 2] },
  { x: [2, 3, 7, 9], kernel: [2, 2], ceilMode: true },
  { x: [2, 3, 7, 9], kernel: [3, 2], stride: [1, 2] },
  { x: [2, 3, 7, 9], kernel: [3, 3], stride: [2, 2], padding: [1, 1] },
  { x: [1, 2, 5, 5], kernel: [4, 4], stride: [3, 3], padding: [2, 2], ceilMode: true },
  { x: [1, 2, 6, 5], kernel: [2, 5], stride: [4, 1], padding: [0, 2] },
  { x: [1, 2, 6, 5], kernel: [6, 5] },
];

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => setBackend(backend));

  const random = (shape: readonly number[], seed: number, dtype: DType = 'float64'): Tensor =>
    sample(shape, seed, backend, dtype).detach().requiresGrad_();

  const scattered = (x: Tensor): Tensor =>
    ct.stack([x.detach(), x.detach()], x.ndim).transpose(0, -1).contiguous().transpose(0, -1).select(-1, 0).detach();

  describe.each(['float32', 'float64'] as const)('in %s', (dtype) => {
    test.each([
      ...shapes,
      { x: [2, 2, 9, 8], kernel: [3, 2] as const, dilation: [2, 3] as const, padding: [1, 1] as const },
    ])('maxPool2d %j', ({ x: shape, kernel, ...given }) => {
      const form = { stride: kernel, padding: [0, 0], dilation: [1, 1], ceilMode: false, kernel, ...given } as const;
      const x = random(shape, 1, dtype);
      const values = Naive.of(x);
      const result = [...shape.slice(0, 2), ...sizes(shape, form)];
      const places = [...windows(shape, form)].map(
        ({ places: all }) => all.reduce((best, at) => (values.at(at) > values.at(best) ? at : best)) as number[],
      );
      const want = new Naive(
        result,
        places.map((at) => values.at(at)),
      );
      const { values: y, indices: index } = ct.maxPool2d(x, kernel, { ...given, returnIndices: true });
      expect(difference(y, want)).toBe(0);
      expect(Naive.of(index).values).toEqual(
        places.map(([, , row, column]) => flat([row, column] as number[], shape.slice(2))),
      );
      const odd = ct.maxPool2d(scattered(x), kernel, form.stride, form.padding, form.dilation, form.ceilMode);
      expect(difference(odd, want)).toBe(0);
      const g = sample(result, 2, backend, dtype);
      const slopes = Naive.of(g);
      const wantDx = Naive.build(shape, () => 0);
      for (const [i, at] of places.entries()) (wantDx.values[flat(at, shape)] as number) += slopes.values[i] as number;
      for (const cotangent of [g, scattered(g)]) {
        const [dx] = ct.grad([y], [x], { gradOutputs: [cotangent], retainGraph: true }) as [Tensor];
        expect(difference(dx, wantDx)).toBeLessThan(bound(dtype));
      }
    });

    test.each(
      shapes.flatMap((shape) =>
        [{}, { countIncludePad: false }, { divisorOverride: -3 }].map((options) => ({ ...shape, ...options })),
      ),
    )('avgPool2d %j', ({ x: shape, kernel, ...given }) => {
      const {
        countIncludePad = true,
        divisorOverride = null,
        ...rest
      } = given as typeof given & {
        countIncludePad?: boolean;
        divisorOverride?: number | null;
      };
      const form = { stride: kernel, padding: [0, 0], dilation: [1, 1], ceilMode: false, kernel, ...rest } as const;
      const x = random(shape, 1, dtype);
      const values = Naive.of(x);
      const result = [...shape.slice(0, 2), ...sizes(shape, form)];
      const g = sample(result, 2, backend, dtype);
      const slopes = Naive.of(g);
      const want = Naive.build(result, () => 0);
      const wantDx = Naive.build(shape, () => 0);
      for (const { at, places } of windows(shape, form)) {
        const reach = (d: 0 | 1) =>
          Math.min(kernel[d], (shape[d + 2] as number) + 2 * form.padding[d] - (at[d + 2] as number) * form.stride[d]);
        const divisor = divisorOverride ?? (countIncludePad ? reach(0) * reach(1) : places.length);
        want.values[flat(at, result)] = places.reduce((sum, place) => sum + values.at(place), 0) / divisor;
        for (const place of places) (wantDx.values[flat(place, shape)] as number) += slopes.at(at) / divisor;
      }
      const options = { ...given, stride: form.stride };
      const y = ct.avgPool2d(x, kernel, options);
      expect(difference(y, want)).toBeLessThan(bound(dtype));
      const { stride, padding, ceilMode } = form;
      const odd = ct.avgPool2d(scattered(x), kernel, stride, padding, ceilMode, countIncludePad, divisorOverride);
      expect(difference(odd, want)).toBeLessThan(bound(dtype));
      const [dx] = ct.grad([y], [x], { gradOutputs: [scattered(g)] }) as [Tensor];
      expect(difference(dx, wantDx)).toBeLessThan(bound(dtype));
    });

    test('the first of equals, and NaN before all', () => {
      for (const kernel of [2, 3]) {
        const x = ct.zeros([1, 1, 6, 6], { dtype });
        const first = ct.maxPool2d(x, kernel, { returnIndices: true });
        const corners = [...indices([6 / kernel, 6 / kernel])].map(
          ([i, j]) => (i as number) * kernel * 6 + (j as number) * kernel,
        );
        expect(Naive.of(first.indices).values).toEqual(corners);
        const low = ct.full([1, 1, 6, 6], Number.NEGATIVE_INFINITY, { dtype });
        expect(Naive.of(ct.maxPool2d(low, kernel, { returnIndices: true }).indices).values).toEqual(corners);
        x.select(2, 1).select(2, 0).fill_(Number.NaN);
        x.select(2, 1).select(2, 1).fill_(Number.POSITIVE_INFINITY);
        const broken = ct.maxPool2d(x, kernel, { returnIndices: true });
        expect(Naive.of(broken.values).values[0]).toBeNaN();
        expect(Naive.of(broken.indices).values[0]).toBe(6);
      }
    });
  });

  test('derivatives of first and second order', () => {
    const inputs = () => [random([1, 2, 5, 4], 1)];
    for (const f of [
      (x: Tensor) => ct.maxPool2d(x, 2),
      (x: Tensor) => ct.maxPool2d(x, 3, 1, 1).square(),
      (x: Tensor) => ct.maxPool2d(x.select(0, 0), [2, 3], { stride: 2, padding: 1, ceilMode: true }).square(),
      (x: Tensor) => ct.avgPool2d(x, 2).square(),
      (x: Tensor) => ct.avgPool2d(x.select(0, 0), 3, { stride: 2, padding: 1, countIncludePad: false }).square(),
    ]) {
      expect(ct.gradcheck(f, inputs())).toBe(true);
      expect(ct.gradgradcheck(f, inputs())).toBe(true);
    }
  });

  test('no images, and one without a batch', () => {
    const none = ct.zeros([0, 3, 4, 4], { requiresGrad: true });
    for (const y of [ct.maxPool2d(none, 2), ct.avgPool2d(none, 2)]) {
      expect(y.shape).toEqual([0, 3, 2, 2]);
      expect((ct.grad([y.sum()], [none], { createGraph: true })[0] as Tensor).shape).toEqual([0, 3, 4, 4]);
    }
    expect(ct.maxPool2d(ct.zeros([3, 4, 5]), 2).shape).toEqual([3, 2, 2]);
    expect(ct.avgPool2d(ct.zeros([3, 4, 5]), 2, []).shape).toEqual([3, 2, 2]);
  });

  test('what does not fit is refused', () => {
    const x = ct.zeros([1, 1, 4, 4]);
    for (const pool of [ct.maxPool2d, ct.avgPool2d] as const) {
      expect(() => pool(ct.zeros([4, 4]), 2)).toThrow(ShapeError);
      expect(() => pool(x, 5)).toThrow(ShapeError);
      expect(() => pool(ct.zeros([1, 0, 4, 4]), 2)).toThrow(ShapeError);
      expect(() => pool(x.to('int64'), 2)).toThrow(DTypeError);
      expect(() => pool(x, 0)).toThrow(ArgumentError);
      expect(() => pool(x, [1, 2, 3])).toThrow(ArgumentError);
      expect(() => pool(x, 2, 0)).toThrow(ArgumentError);
      expect(() => pool(x, 2, { padding: 2 })).toThrow(/at most half/);
      expect(() => pool(x, 2, { ceilMode: 1 } as never)).toThrow(ArgumentError);
      expect(() => pool(x, 2, { kernel: 1 } as never)).toThrow(ArgumentError);
    }
    expect(() => ct.maxPool2d(ct.zeros([1, 1, 1, 1]), 2, { dilation: 5, padding: 3 })).toThrow(/nothing but padding/);
    expect(() => ct.avgPool2d(x, 2, { divisorOverride: 0 })).toThrow(ArgumentError);
  });
});
