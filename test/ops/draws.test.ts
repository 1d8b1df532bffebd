/**
 * Draws to the last digit: probabilities that 24 bits cannot tell from others, intervals that rounding could leave, and whole numbers that do not
 * fit. Nothing here is left to chance: a Philox of bigints says what has to come.
 */
import * as ct from 'cotangent';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

type T = ct.Tensor;
const { Generator, tensor, zeros } = ct;
const numbers = (x: T): number[] => Array.from(x.data() as ArrayLike<number | bigint>, Number);

const MASK = 0xffffffffn;

/** Philox 4×32-10 (Salmon et al. 2011): the four words of a counter of four words. */
function philox(seed: bigint, counter: readonly bigint[]): bigint[] {
  let [c0, c1, c2, c3] = counter as [bigint, bigint, bigint, bigint];
  let [k0, k1] = [seed & MASK, seed >> 32n];
  for (let round = 0; round < 10; round++) {
    const [p0, p1] = [0xd2511f53n * c0, 0xcd9e8d57n * c2];
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & MASK, (p0 >> 32n) ^ c3 ^ k1, p0 & MASK];
    [k0, k1] = [(k0 + 0x9e3779b9n) & MASK, (k1 + 0xbb67ae85n) & MASK];
  }
  return [c0, c1, c2, c3];
}

const SEED = 20_231_128n;
/** The word that element i of the first draw compares with its probability, and the fraction that follows its digits. */
function drawn(i: number): { word: number; fraction: number } {
  const block = BigInt(i >> 2);
  const word = Number(philox(SEED, [block, 0n, 0n, 0n])[i & 3]);
  const below = philox(SEED, [block, 0n, BigInt((i & 3) + 1), 0n]);
  return { word, fraction: below.reduceRight((sum, w) => (sum + Number(w)) * 2 ** -32, 0) };
}

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));
  const N = 200;
  const elements = Array.from({ length: N }, (_, i) => drawn(i));

  test('bernoulli compares all 32 bits of a word, and digits of a second sequence where they tie', () => {
    const cases: [string, (e: { word: number; fraction: number }) => number, number][] = [
      ['the word itself', ({ word }) => word, 0],
      ['one more', ({ word }) => word + 1, 1],
      ['a tie just lost', ({ word, fraction }) => word + fraction - 2 ** -19, 0],
      ['a tie just won', ({ word, fraction }) => word + fraction + 2 ** -19, 1],
    ];
    for (const [name, bound, want] of cases) {
      const p = tensor(
        elements.map((e) => bound(e) * 2 ** -32),
        { dtype: 'float64' },
      );
      expect(numbers(ct.bernoulli(p, { generator: new Generator(SEED) })), name).toEqual(new Array(N).fill(want));
      const step = ct.compile((q: T, generator: ct.Generator) => ct.bernoulli(q, { generator }));
      expect(numbers(step(p, new Generator(SEED))), name).toEqual(new Array(N).fill(want));
    }
  });

  test('as a number, a probability decides like as a tensor, in every dtype', () => {
    for (const dtype of ['float32', 'float64', 'int32', 'int64', 'uint8', 'bool'] as const)
      for (const i of [0, 5, 130]) {
        const { word } = elements[i] as { word: number };
        for (const p of [word * 2 ** -32, (word + 1) * 2 ** -32]) {
          const x = zeros([N], { dtype }).bernoulli_(p, { generator: new Generator(SEED) });
          const want = elements.map((e) => Number(e.word < p * 2 ** 32));
          expect(numbers(x)).toEqual(want);
        }
      }
    for (const p of [1e-9, 1e-300, 0]) expect(numbers(zeros(N).bernoulli_(p)).includes(1)).toBe(false);
    for (const p of [1 - 1e-12, 1]) expect(numbers(zeros(N).bernoulli_(p)).includes(0)).toBe(false);
  });

  test('a million elements of probability 1e-9 and 1 − 1e-9 are all alike', () => {
    const generator = new Generator(1);
    // With 24 bits, one in 2²⁴ came out otherwise: 17 million draws of the seed hold one.
    ct.scope(() => {
      const x = ct.empty([2 ** 24 + 2 ** 22], { dtype: 'uint8' });
      expect(x.bernoulli_(1e-9, { generator }).sum().item()).toBe(0);
    });
    const kept = ct.dropout(ct.ones(10 ** 6), 1e-9, true, { generator });
    expect(numbers(kept.eq(0).sum())).toEqual([0]);
  });

  test.each(['float32', 'float64'] as const)('uniform_ stays below its upper bound in %s', (dtype) => {
    const bounds: [number, number][] = [
      [1000, 1001],
      [-1, 1],
      [16777214, 16777216],
      [0.1, 0.3],
      [1, 1 + 2 ** -22],
      [-5, -4],
      [0, 1e-45],
      [-3e38, 3e38],
      [-3.4028234663852886e38, 3.4028234663852886e38],
      ...(dtype === 'float64' ? [[-1.7e308, 1.7e308] as [number, number], [0, 1.7e308] as [number, number]] : []),
    ];
    for (const [from, to] of bounds)
      ct.scope(() => {
        const x = zeros([1 << 17], { dtype }).uniform_(from, to, { generator: new Generator(2) });
        const [least, most] = [x.amin().item() as number, x.amax().item() as number];
        expect(least, `from ${from}`).toBeGreaterThanOrEqual(from);
        expect(most, `to ${to}`).toBeLessThan(to);
        const values = numbers(x.narrow(0, 0, 1000));
        if (to - from > 1e30) expect(values.filter((v) => v < from / 2 + to / 2).length).toBeGreaterThan(400);
      });
  });

  test('uniform_ of one point, and where no number lies between its bounds', () => {
    expect(numbers(zeros(3).uniform_(5, 5))).toEqual([5, 5, 5]);
    const [value] = numbers(zeros(1).uniform_(1000.00001, 1000.00002));
    expect([1000, 1000.0000610351562]).toContain(value);
    for (const bad of [
      [0, 1e39],
      [-1e39, 0],
      [2, 1],
      [0, Infinity],
      [Number.NaN, 1],
    ])
      expect(() => zeros(1).uniform_(...(bad as [number, number]))).toThrow(ct.ArgumentError);
  });

  test('whole numbers that a dtype does not hold are refused', () => {
    for (const [low, high, dtype] of [
      [0, 257, 'uint8'],
      [-1, 5, 'uint8'],
      [0, 2 ** 31 + 1, 'int32'],
      [-(2 ** 31) - 1, 0, 'int32'],
      [0, 2 ** 24 + 2, 'float32'],
    ] as const)
      expect(() => ct.randint(low, high, [2], { dtype })).toThrow(ct.ArgumentError);
    for (const [low, high, dtype] of [
      [0, 256, 'uint8'],
      [-(2 ** 31), 2 ** 31, 'int32'],
      [-(2 ** 24), 2 ** 24 + 1, 'float32'],
      [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'int64'],
    ] as const) {
      const values = numbers(ct.randint(low, high, [1000], { dtype }));
      expect(Math.min(...values)).toBeGreaterThanOrEqual(low);
      expect(Math.max(...values)).toBeLessThan(high);
      expect(new Set(values.map(Math.sign)).size).toBeGreaterThan(1);
    }
    expect(() => ct.randintLike(zeros(2, { dtype: 'uint8' }), 300)).toThrow(ct.ArgumentError);
    expect(() => ct.randperm(257, { dtype: 'uint8' })).toThrow(ct.ArgumentError);
    expect(numbers(ct.randperm(256, { dtype: 'uint8' })).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 256 }, (_, i) => i),
    );
  });

  test('multinomial is recorded: the same draws as eager, and its checks with its name', () => {
    const weights = ct
      .rand([3, 50], { generator: new Generator(3) })
      .sub(0.3)
      .relu();
    for (const [samples, replacement] of [
      [1, false],
      [7, false],
      [1, true],
      [300, true],
    ] as const) {
      const step = ct.compile((w: T, generator: ct.Generator) =>
        ct.multinomial(w, samples, replacement, { generator }),
      );
      const generator = new Generator(4);
      for (let k = 0; k < 3; k++) {
        const state = generator.getState();
        const eager = numbers(ct.multinomial(weights, samples, replacement, { generator }));
        generator.setState(state);
        expect(numbers(step(weights, generator))).toEqual(eager);
        for (const [i, place] of eager.entries())
          expect(
            weights
              .select(0, Math.floor(i / samples))
              .select(0, place)
              .item(),
          ).toBeGreaterThan(0);
      }
      expect(() => step(weights.neg(), generator)).toThrow(/^multinomial: weights are finite and not negative/);
      expect(() => step(weights.mul(0), generator)).toThrow(/^multinomial: /);
      expect(() => step(weights.div(0), generator)).toThrow(ct.ArgumentError);
    }
  });

  test('draws with replacement are the first partial sums beyond the shares', () => {
    for (const n of [1, 2, 3, 17, 1000]) {
      const weights = ct.rand([n], { dtype: 'float64', generator: new Generator(5) }).add(0.001);
      const shares = numbers(ct.rand([500], { dtype: 'float64', generator: new Generator(6) }));
      const partial = numbers(weights.cumsum(0));
      const want = shares.map((u) => partial.filter((sum) => sum <= u * (partial[n - 1] as number)).length);
      expect(numbers(ct.multinomial(weights, 500, true, { generator: new Generator(6) }))).toEqual(want);
    }
  });
});
