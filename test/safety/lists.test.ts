/**
 * Lists of numbers that change, have holes, or are of another realm, wherever an op takes one: each gives a typed error, or the result
 * of the values that were read first. What is checked is what is used.
 */
import { runInNewContext } from 'node:vm';
import {
  arange,
  avgPool2d,
  CotangentError,
  cat,
  conv2d,
  expand,
  flip,
  layerNorm,
  maxPool2d,
  mean,
  movedim,
  norm,
  ones,
  permute,
  reshape,
  setBackend,
  split,
  stack,
  sum,
  type Tensor,
  tensor,
  unflatten,
  zeros,
} from 'cotangent';
import { beforeAll, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

type Use = (list: never) => Tensor | Tensor[];

/** Every kind of list that ops take, with values that are good. */
const uses: readonly (readonly [name: string, use: Use, good: readonly number[], bad: number])[] = [
  ['sum', (d) => sum(ones([2, 3, 4]), d), [0, 2], 7],
  ['mean', (d) => mean(ones([2, 3, 4]), d), [0, 2], 7],
  ['norm', (d) => norm(ones([2, 3, 4]), 2, d), [0, 2], 7],
  ['reshape', (s) => reshape(ones([2, 3, 4]), s), [6, 4], 1e7],
  ['zeros', (s) => zeros(s), [6, 4], -5],
  ['permute', (d) => permute(ones([2, 3]), d), [1, 0], 9],
  ['expand', (s) => expand(ones([1, 3]), s), [4, 3], 1e7],
  ['flip', (d) => flip(ones([2, 3]), d), [0, 1], 9],
  ['movedim', (d) => movedim(ones([2, 3]), d, [1, 0]), [0, 1], 9],
  ['split', (s) => split(ones([5]), s), [2, 3], 1e7],
  ['unflatten', (s) => unflatten(ones([6]), 0, s), [2, 3], 1e7],
  ['layerNorm', (s) => layerNorm(ones([4, 2, 3]), s), [2, 3], 1e7],
  ['maxPool2d', (k) => maxPool2d(ones([1, 1, 6, 6]), k), [2, 3], -4],
  ['avgPool2d', (k) => avgPool2d(ones([1, 1, 6, 6]), k), [2, 3], -4],
  ['conv2d stride', (stride) => conv2d(ones([1, 1, 6, 6]), ones([1, 1, 2, 2]), { stride }), [2, 3], -4],
  ['conv2d padding', (padding) => conv2d(ones([1, 1, 6, 6]), ones([1, 1, 2, 2]), { padding }), [2, 3], -4],
  ['tensor', (data) => tensor(data), [2, 3], 'junk' as never],
];

/** All numbers that a result holds, with the shapes that hold them. */
const values = (result: Tensor | Tensor[]) =>
  (Array.isArray(result) ? result : [result]).map((x) => [x.shape, [...x.data()].map(Number)]);

const frozenAt = (good: readonly number[], later: number) => {
  const seen = new Set<number>();
  const list = [...good];
  for (const [i, n] of good.entries())
    Object.defineProperty(list, i, {
      get() {
        if (seen.has(i)) return later;
        seen.add(i);
        return n;
      },
    });
  return list;
};

describe.each(backends)('on %s', (backend) => {
  beforeAll(() => setBackend(backend));

  describe.each(uses)('%s', (_, use, good, bad) => {
    const call = (list: unknown) => use(list as never);
    const right = () => values(call([...good]));

    test('a sparse list is refused', () => {
      const holes: number[] = [];
      holes[1] = good[1] as number;
      expect(() => call(holes)).toThrow(CotangentError);
      expect(() => call(new Array(2))).toThrow(CotangentError);
    });

    test('a list whose elements change between two looks is read once', () => {
      let got: unknown;
      try {
        got = values(call(frozenAt(good, bad)));
      } catch (error) {
        // A list that is looked at first to tell what it is may have changed by the time it is read; never after it was checked.
        expect(error).toBeInstanceOf(CotangentError);
        return;
      }
      expect(got).toEqual(right());
    });

    test('a class of its own changes nothing', () => {
      class Liar extends Array<number> {
        static override get [Symbol.species]() {
          return function species() {
            return [bad, bad, bad];
          } as unknown as ArrayConstructor;
        }
        override [Symbol.iterator]() {
          return [bad, bad, bad][Symbol.iterator]();
        }
        override map(): never {
          return [bad, bad] as never;
        }
      }
      const liar = new Liar();
      liar.push(...good);
      expect(values(call(liar))).toEqual(right());
    });

    test('an array of another realm is one', () => {
      expect(values(call(runInNewContext(JSON.stringify(good))))).toEqual(right());
    });

    test('a proxy of a good list is one, and others are refused', () => {
      expect(values(call(new Proxy([...good], {})))).toEqual(right());
      const { proxy, revoke } = Proxy.revocable([...good], {});
      revoke();
      expect(() => call(proxy)).toThrow(CotangentError);
      for (const length of [-1, 1.5, Number.NaN, 2 ** 40, '2', null, Number.POSITIVE_INFINITY])
        expect(() =>
          call(new Proxy([...good], { get: (of, key) => (key === 'length' ? length : of[key as never]) })),
        ).toThrow(CotangentError);
    });
  });

  test('lists of tensors', () => {
    const [a, b] = [ones([2]), arange(2)];
    const shrinking = [a, b];
    Object.defineProperty(shrinking, 1, {
      configurable: true,
      get() {
        shrinking.length = 1;
        return b;
      },
    });
    expect([...cat(shrinking).data()]).toEqual([1, 1, 0, 1]);
    let looks = 0;
    const changing = new Proxy([a, b], { get: (of, key) => (key === '1' && looks++ > 0 ? 'junk' : of[key as never]) });
    expect([...stack(changing).data()]).toEqual([1, 1, 0, 1]);
    const sparse: Tensor[] = [];
    sparse[1] = a;
    expect(() => cat(sparse)).toThrow(CotangentError);
  });

  test('options are read once', () => {
    let looks = 0;
    const options = {
      get dtype() {
        return looks++ === 0 ? 'float64' : 'bool';
      },
    };
    expect(zeros([2], options as never).dtype).toBe('float64');
    expect(looks).toBe(1);
  });
});
