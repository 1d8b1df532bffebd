/**
 * `scaledDotProductAttention` by its kernels: against plain loops over float64 numbers in every layout and with every kind of
 * mask, its derivatives, and where it must hand over to the composed form.
 */
import * as ct from 'cotangent';
import {
  ArgumentError,
  backendInfo,
  type DType,
  DTypeError,
  ShapeError,
  scaledDotProductAttention,
  setBackend,
  setNumThreads,
  type Tensor,
} from 'cotangent';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';
import { difference, Naive, sample } from '../support/naive.ts';

type AttentionOptions = NonNullable<Parameters<typeof scaledDotProductAttention>[3]>;

const before = backendInfo().backend;
/** Asks for the composed form: a probability of dropping a weight so small that none is dropped. */
const COMPOSED = { dropoutP: Number.MIN_VALUE };
const TOLERANCE: Partial<Record<DType, number>> = { float32: 4e-6, float64: 1e-13 };

/** Value at an index of the broadcast shape. */
const spread = (x: Naive, index: readonly number[]): number =>
  x.at(index.slice(index.length - x.shape.length).map((i, d) => (x.shape[d] === 1 ? 0 : i)));

/** softmax(scale · q kᵀ + mask) v by the definition; inputs of four dimensions, [B, H, …]. */
function reference(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Naive {
  const [query, key, value] = [q, k, v].map(Naive.of) as [Naive, Naive, Naive];
  const { attnMask = null, isCausal = false, scale = null } = options;
  const mask = attnMask === null ? null : Naive.of(attnMask);
  const [l, e] = query.shape.slice(-2) as [number, number];
  const [s, ev] = value.shape.slice(-2) as [number, number];
  const batch = [0, 1].map((d) => Math.max(...[q, k, v].map((x) => x.shape[d] as number)));
  const factor = scale ?? 1 / Math.sqrt(e);
  const weigh = (at: readonly number[], row: number): number[] => {
    const scores = Array.from({ length: s }, (_, j) => {
      if (isCausal && j > row) return Number.NEGATIVE_INFINITY;
      let dot = 0;
      for (let x = 0; x < e; x++) dot += spread(query, [...at, row, x]) * spread(key, [...at, j, x]);
      if (mask === null) return dot * factor;
      const bias = spread(mask, [...at, row, j]);
      if (attnMask?.dtype === 'bool') return bias ? dot * factor : Number.NEGATIVE_INFINITY;
      return dot * factor + bias;
    });
    const top = Math.max(...scores);
    if (top === Number.NEGATIVE_INFINITY) return scores.map(() => 0);
    const weights = scores.map((x) => Math.exp(x - top));
    const total = weights.reduce((a, x) => a + x, 0);
    return weights.map((x) => x / total);
  };
  let weights: number[] = [];
  return Naive.build([...batch, l, ev], (index) => {
    const [b, h, i, c] = index as [number, number, number, number];
    if (c === 0) weights = weigh([b, h], i);
    return weights.reduce((sum, w, j) => (w === 0 ? sum : sum + w * spread(value, [b, h, j, c])), 0);
  });
}

interface Sizes {
  batch: [number, number];
  l: number;
  s: number;
  e: number;
  ev: number;
}
const sizes = (b: number, h: number, l: number, s: number, e: number, ev: number): Sizes => ({
  batch: [b, h],
  l,
  s,
  e,
  ev,
});

type Layout = (shape: number[], seed: number, dtype: DType, backend: 'native' | 'wasm') => Tensor;
const contiguous: Layout = (shape, seed, dtype, backend) => sample(shape, seed, backend, dtype);
const layouts: Record<string, Layout> = {
  contiguous,
  'heads of one projection': ([b, h, t, d], seed, dtype, backend) =>
    sample([b, t, 3, h, d] as number[], seed, backend, dtype)
      .select(2, 1)
      .transpose(1, 2),
  'transposed matrices': ([b, h, t, d], seed, dtype, backend) =>
    sample([b, h, d, t] as number[], seed, backend, dtype).transpose(-2, -1),
  'every other element': ([b, h, t, d], seed, dtype, backend) =>
    sample([b, h, t, d, 2] as number[], seed, backend, dtype).select(-1, 1),
  'one batch for all': ([b, h, t, d], seed, dtype, backend) =>
    sample([1, h, t, d] as number[], seed, backend, dtype).expand([b, h, t, d] as number[]),
};

const inputsOf = ({ batch, l, s, e, ev }: Sizes, layout: Layout, dtype: DType, backend: 'native' | 'wasm') =>
  [
    layout([...batch, l, e], 1, dtype, backend),
    layout([...batch, s, e], 2, dtype, backend),
    layout([...batch, s, ev], 3, dtype, backend),
  ] as [Tensor, Tensor, Tensor];

const options: Record<string, (sizes: Sizes, dtype: DType, backend: 'native' | 'wasm') => AttentionOptions> = {
  'no mask': () => ({}),
  'a scale': () => ({ scale: -0.7 }),
  causal: () => ({ isCausal: true }),
  'a mask of bools': ({ l, s }, _, backend) => ({ attnMask: sample([l, s], 4, backend).gt(0.5) }),
  'a mask of bools for each key': ({ batch: [b], s }, _, backend) => ({
    attnMask: sample([b, 1, 1, s], 5, backend).gt(-1),
  }),
  'a transposed mask of numbers': ({ batch: [b, h], l, s }, dtype, backend) => ({
    attnMask: sample([b, h, s, l], 6, backend, dtype).transpose(-2, -1),
  }),
  'numbers and −∞': ({ l, s }, dtype, backend) => {
    const mask = sample([l, s], 7, backend, dtype);
    return { attnMask: mask.maskedFill(mask.lt(0), Number.NEGATIVE_INFINITY) };
  },
};

/** The output, and the gradients of a sum with weights. */
function run(inputs: readonly Tensor[], given: AttentionOptions): Tensor[] {
  const leaves = inputs.map((x) => x.detach().requiresGrad_());
  const out = scaledDotProductAttention(leaves[0] as Tensor, leaves[1] as Tensor, leaves[2] as Tensor, given);
  const weights = sample(out.shape, 8, out.backend as 'native' | 'wasm', out.dtype);
  out.backward(weights);
  return [out.detach(), ...leaves.map((x) => x.grad as Tensor)];
}

describe.each(backends)('attention on the %s backend', (backend) => {
  beforeAll(() => setBackend(backend));
  afterAll(() => setBackend(before));

  /** Outputs against the reference, gradients against those of the composed form. */
  function compare(given: Sizes, layout: Layout, dtype: DType, choice: (typeof options)[string]): void {
    const inputs = inputsOf(given, layout, dtype, backend);
    const chosen = choice(given, dtype, backend);
    const fused = run(inputs, chosen);
    const composed = run(inputs, { ...chosen, ...COMPOSED });
    const tolerance = TOLERANCE[dtype] as number;
    expect(difference(fused[0] as Tensor, reference(...inputs, chosen))).toBeLessThan(tolerance);
    for (const [i, got] of fused.entries())
      expect(difference(got, Naive.of(composed[i] as Tensor)), `result ${i}`).toBeLessThan(tolerance * 4);
  }

  describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
    test.each(Object.keys(layouts))('%s', (layout) => {
      for (const choice of ['no mask', 'causal'])
        compare(sizes(2, 3, 9, 9, 5, 5), layouts[layout] as Layout, dtype, options[choice] as (typeof options)[string]);
    });

    test.each(Object.keys(options))('%s, over several blocks', (name) => {
      const choice = options[name] as (typeof options)[string];
      for (const given of [
        sizes(2, 1, 70, 140, 33, 18),
        sizes(1, 2, 131, 65, 8, 16),
        sizes(1, 1, 1, 200, 16, 7),
        sizes(2, 2, 3, 66, 1, 1),
        sizes(1, 1, 1, 1, 3, 2),
      ])
        compare(given, contiguous, dtype, choice);
    });
  });

  test('batches broadcast, and gradients are summed over what was', () => {
    const inputs = [
      sample([2, 1, 6, 4], 1, backend),
      sample([3, 5, 4], 2, backend),
      sample([2, 1, 5, 3], 3, backend),
    ] as [Tensor, Tensor, Tensor];
    const fused = run(inputs, {});
    expect(fused.map((x) => x.shape)).toEqual([[2, 3, 6, 3], ...inputs.map((x) => x.shape)]);
    expect(difference(fused[0] as Tensor, reference(inputs[0], inputs[1].unsqueeze(0), inputs[2], {}))).toBeLessThan(
      1e-13,
    );
    for (const [i, want] of run(inputs, COMPOSED).entries())
      expect(difference(fused[i] as Tensor, Naive.of(want))).toBeLessThan(1e-13);
  });

  test('a mask with more batches than the inputs makes more batches', () => {
    const [q, k, v] = inputsOf(sizes(1, 1, 4, 5, 3, 2), contiguous, 'float64', backend);
    const attnMask = sample([6, 4, 5], 4, backend).gt(0);
    const out = scaledDotProductAttention(q.squeeze(0).squeeze(0), k.squeeze(0).squeeze(0), v.squeeze(0), { attnMask });
    expect(out.shape).toEqual([6, 4, 2]);
  });

  test('a gradient with strides of zero', () => {
    const inputs = inputsOf(sizes(2, 2, 7, 7, 4, 3), contiguous, 'float64', backend);
    const sums = [{}, COMPOSED].map((given) => {
      const leaves = inputs.map((x) => x.detach().requiresGrad_()) as [Tensor, Tensor, Tensor];
      scaledDotProductAttention(...leaves, given)
        .sum()
        .backward();
      return leaves.map((x) => x.grad as Tensor);
    }) as [Tensor[], Tensor[]];
    for (const [i, got] of sums[0].entries())
      expect(difference(got, Naive.of(sums[1][i] as Tensor))).toBeLessThan(1e-13);
  });

  test('scores that would overflow', () => {
    const [q, k, v] = inputsOf(sizes(1, 1, 5, 130, 4, 4), contiguous, 'float32', backend);
    // The greatest score comes late for some queries, so that what was summed before is scaled away.
    const out = scaledDotProductAttention(q.mul(1e3), k.mul(1e3), v);
    expect(difference(out, reference(q.mul(1e3), k.mul(1e3), v, {}))).toBeLessThan(1e-5);
  });

  test('a query that may attend to nothing gives zeros and takes no gradient, whatever the block', () => {
    const inputs = inputsOf(sizes(1, 2, 70, 70, 4, 4), contiguous, 'float64', backend);
    for (const attnMask of [
      ct.ones([70, 70], { dtype: 'bool', backend }).tril(-1),
      ct
        .zeros([70, 70], { dtype: 'float64', backend })
        .maskedFill(ct.ones([70, 70], { dtype: 'bool', backend }).triu(), Number.NEGATIVE_INFINITY),
    ]) {
      const [out, dq, dk] = run(inputs, { attnMask }) as [Tensor, Tensor, Tensor];
      expect(out.select(2, 0).abs().max().item()).toBe(0);
      expect(dq.select(2, 0).abs().max().item()).toBe(0);
      expect(dk.select(2, 69).abs().max().item()).toBe(0);
      expect(out.select(2, 1).abs().max().item()).toBeGreaterThan(0);
    }
  });

  test('NaN spreads to the queries that see it, and no further', () => {
    const [q, k, v] = inputsOf(sizes(1, 1, 66, 66, 4, 4), contiguous, 'float32', backend);
    k.select(2, 65).fill_(Number.NaN);
    const causal = scaledDotProductAttention(q, k, v, { isCausal: true });
    expect(causal.narrow(2, 0, 65).isnan().any().item()).toBe(0);
    expect(causal.select(2, 65).isnan().all().item()).toBe(1);
    const attnMask = ct.arange(66, { backend }).lt(65);
    expect(scaledDotProductAttention(q, k, v, { attnMask }).isnan().any().item()).toBe(0);
    expect(scaledDotProductAttention(q, k, v).isnan().all().item()).toBe(1);
  });

  test('derivatives of first and second order', () => {
    const leaves = () =>
      inputsOf(sizes(2, 1, 3, 4, 2, 3), contiguous, 'float64', backend).map((x) => x.detach().requiresGrad_());
    const attnMask = sample([3, 4], 4, backend).gt(0);
    for (const given of [{}, { isCausal: true }, { attnMask }, { attnMask: sample([3, 4], 5, backend) }]) {
      const f = (...xs: Tensor[]) =>
        scaledDotProductAttention(xs[0] as Tensor, xs[1] as Tensor, xs[2] as Tensor, given);
      expect(ct.gradcheck(f, leaves())).toBe(true);
      expect(ct.gradgradcheck(f, leaves())).toBe(true);
    }
  });

  test('a mask that requires grad gets one', () => {
    const inputs = inputsOf(sizes(1, 1, 3, 4, 2, 3), contiguous, 'float64', backend);
    const mask = sample([3, 4], 4, backend).requiresGrad_();
    const f = (...xs: Tensor[]) =>
      scaledDotProductAttention(inputs[0], inputs[1], inputs[2], { attnMask: xs[0] as Tensor });
    expect(ct.gradcheck(f, [mask])).toBe(true);
  });

  test('gradients of some inputs only, and in the layout of heads that were split off', () => {
    const [q, k, v] = inputsOf(sizes(2, 3, 4, 4, 2, 2), contiguous, 'float64', backend);
    k.requiresGrad_();
    scaledDotProductAttention(q, k, v).sum().backward();
    expect([q.grad, v.grad]).toEqual([null, null]);
    expect(k.grad?.shape).toEqual([2, 3, 4, 2]);
    const [a, b, c] = inputsOf(
      sizes(2, 3, 4, 4, 2, 2),
      layouts['heads of one projection'] as Layout,
      'float64',
      backend,
    );
    expect(scaledDotProductAttention(a, b, c).transpose(1, 2).isContiguous).toBe(true);
  });

  test('features beyond what the kernels have room for, and empty inputs', () => {
    for (const given of [sizes(1, 1, 3, 4, 257, 2), sizes(1, 1, 3, 4, 2, 257)])
      compare(given, contiguous, 'float64', options.causal as (typeof options)[string]);
    for (const [l, s, e, ev] of [
      [0, 3, 2, 2],
      [3, 0, 2, 2],
      [3, 4, 0, 2],
      [3, 4, 2, 0],
    ] as const) {
      const [q, k, v] = inputsOf(sizes(1, 2, l, s, e, ev), contiguous, 'float64', backend);
      const out = scaledDotProductAttention(q, k, v);
      expect(out.shape).toEqual([1, 2, l, ev]);
      expect(out.isnan().any().item()).toBe(0);
    }
  });

  test('errors', () => {
    const [q, k, v] = inputsOf(sizes(1, 1, 3, 4, 2, 2), contiguous, 'float64', backend);
    const call =
      (...given: unknown[]) =>
      () =>
        scaledDotProductAttention(...(given as [Tensor, Tensor, Tensor]));
    expect(call(q, k, 1)).toThrow(ArgumentError);
    expect(call(q, k, v.narrow(2, 0, 3))).toThrow(ShapeError);
    expect(call(q, k.narrow(3, 0, 1), v)).toThrow(ShapeError);
    expect(call(q, k.to({ dtype: 'float32' }), v)).toThrow(DTypeError);
    expect(call(q.expand([2, 1, 3, 2]), k.expand([3, 1, 4, 2]), v)).toThrow(ShapeError);
    expect(call(q, k, v, { attnMask: ct.ones([3, 5], { backend }) })).toThrow(ShapeError);
    expect(call(q, k, v, { attnMask: ct.ones([3, 4], { dtype: 'int64', backend }) })).toThrow(DTypeError);
    expect(call(q, k, v, { attnMask: ct.ones([3, 4], { backend }), isCausal: true })).toThrow(ArgumentError);
    expect(call(q, k, v, { dropoutP: 2 })).toThrow(ArgumentError);
  });
});

test.runIf(backends.includes('native'))('results do not depend on the number of threads', () => {
  setBackend('native');
  const { threads: usual } = backendInfo();
  for (const [b, h] of [
    [1, 1],
    [3, 2],
  ] as const) {
    const inputs = inputsOf(sizes(b, h, 300, 260, 24, 40), contiguous, 'float32', 'native');
    const results = [1, 4].map((threads) => {
      setNumThreads(threads);
      return run(inputs, { isCausal: true });
    }) as [Tensor[], Tensor[]];
    setNumThreads(usual);
    for (const [i, x] of results[0].entries()) expect(x.toArray()).toEqual((results[1][i] as Tensor).toArray());
  }
});
