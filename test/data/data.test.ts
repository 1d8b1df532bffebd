/** Data sets, loaders, tables and vocabularies. */
import { runInNewContext } from 'node:vm';
import {
  ArgumentError,
  fromArray,
  Generator,
  IndexError,
  ShapeError,
  setBackend,
  type Tensor,
  tensor,
} from 'cotangent';
import { CharVocabulary, DataLoader, type Dataset, parseCsv, TensorDataset } from 'cotangent/data';
import { afterAll, describe, expect, test } from 'vitest';

afterAll(() => setBackend('native'));

const pairs = (n: number) => {
  const x = fromArray(
    Float32Array.from({ length: 2 * n }, (_, i) => i),
    [n, 2],
  );
  const y = fromArray(
    Int32Array.from({ length: n }, (_, i) => 10 * i),
    [n],
  );
  return new TensorDataset(x, y);
};
const firstColumns = (loader: DataLoader): number[][] =>
  [...loader].map(([x]) => Array.from((x as Tensor).select(1, 0).data() as Float32Array, (value) => value / 2));

describe('TensorDataset', () => {
  test('gives slices of each tensor', () => {
    const [x, y] = pairs(4).get(2) as [Tensor, Tensor];
    expect(x.toArray()).toEqual([4, 5]);
    expect(y.item()).toBe(20);
  });

  test('wants tensors of one length', () => {
    expect(() => new TensorDataset(tensor([1, 2]), tensor([1]))).toThrow(ShapeError);
    expect(() => new TensorDataset(tensor(1))).toThrow(ShapeError);
    expect(() => new TensorDataset()).toThrow(ArgumentError);
    expect(() => new TensorDataset([1, 2] as unknown as Tensor)).toThrow(ArgumentError);
    expect(() => pairs(3).get(3)).toThrow(IndexError);
    expect(() => pairs(3).get(0.5)).toThrow(IndexError);
  });
});

describe('DataLoader', () => {
  test('goes through the data in order, the last batch being what is left', () => {
    const loader = new DataLoader(pairs(5), { batchSize: 2 });
    expect(loader.length).toBe(3);
    expect(firstColumns(loader)).toEqual([[0, 1], [2, 3], [4]]);
    const [x, y] = [...loader][1] as [Tensor, Tensor];
    expect(x.shape).toEqual([2, 2]);
    expect(y.toArray()).toEqual([20, 30]);
  });

  test('leaves out a short last batch on demand', () => {
    const loader = new DataLoader(pairs(5), { batchSize: 2, dropLast: true });
    expect(loader.length).toBe(2);
    expect(firstColumns(loader)).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  test('shuffles anew for every pass, visits everything once, and repeats with the seed on either backend', () => {
    const passes = (['native', 'wasm', 'native'] as const).map((backend) => {
      setBackend(backend);
      const loader = new DataLoader(pairs(50), { batchSize: 8, shuffle: true, seed: 3 });
      return [firstColumns(loader).flat(), firstColumns(loader).flat()];
    });
    const [first, second] = passes[0] as [number[], number[]];
    expect(first).not.toEqual(second);
    expect(first).not.toEqual([...first].sort((a, b) => a - b));
    for (const pass of [first, second])
      expect([...pass].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(passes[1]).toEqual(passes[0]);
    expect(passes[2]).toEqual(passes[0]);
  });

  test('takes a generator of the caller', () => {
    const order = () => firstColumns(new DataLoader(pairs(20), { shuffle: true, generator: new Generator(4) })).flat();
    expect(order()).toEqual(order());
  });

  test('iterates asynchronously, and over data that come asynchronously', async () => {
    const later: Dataset = { length: 3, get: async (i) => [tensor([i, -i])] };
    const seen: unknown[] = [];
    for await (const [x] of new DataLoader(later, { batchSize: 2 })) seen.push((x as Tensor).toArray());
    expect(seen).toEqual([
      [
        [0, -0],
        [1, -1],
      ],
      [[2, -2]],
    ]);
    expect(() => [...new DataLoader(later)]).toThrow(/for await/);
  });

  test('data that come by thenables, or promises of another realm', async () => {
    const item = (i: number) => [tensor([i, i + 1])];
    const ways: ((i: number) => unknown)[] = [
      (i) => runInNewContext('Promise.resolve(item)', { item: item(i) }),
      (i) => Object.defineProperty({}, 'then', { value: (done: (value: unknown) => void) => done(item(i)) }),
    ];
    for (const way of ways) {
      const loader = new DataLoader({ length: 2, get: way } as unknown as Dataset, { batchSize: 2 });
      expect(() => [...loader]).toThrow(/^DataLoader: the data set is asynchronous/);
      for await (const [batch] of loader)
        expect((batch as Tensor).toArray()).toEqual([
          [0, 1],
          [1, 2],
        ]);
    }
    const failing = new DataLoader({
      length: 1,
      get: async () => Promise.reject(new Error('mine')),
    } as unknown as Dataset);
    expect(() => [...failing]).toThrow(/asynchronous/);
    await new Promise((resolve) => setTimeout(resolve, 1));
  });

  test('lets timers have their turn while it is iterated asynchronously', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    for await (const _ of new DataLoader(pairs(8))) {
      const start = performance.now();
      while (performance.now() - start < 10);
    }
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(1);
  });

  test('an empty set has no batches', () => {
    expect([...new DataLoader(pairs(0), { shuffle: true })]).toEqual([]);
  });

  test.each<[string, unknown, unknown]>([
    ['no data set', null, {}],
    ['something without items', { length: 3 }, {}],
    ['a negative length', { length: -1, get: () => [] }, {}],
    ['a batch of nothing', pairs(2), { batchSize: 0 }],
    ['half an item', pairs(2), { batchSize: 1.5 }],
    ['a truth that is none', pairs(2), { shuffle: 'yes' }],
    ['two sources of chance', pairs(2), { generator: new Generator(), seed: 1 }],
    ['a generator that is none', pairs(2), { generator: 4 }],
    ['a seed that is none', pairs(2), { seed: 'one' }],
    ['options that are none', pairs(2), 3],
  ])('refuses %s', (_, dataset, options) => {
    expect(() => new DataLoader(dataset as Dataset, options as object)).toThrow(ArgumentError);
  });
});

describe('parseCsv', () => {
  test('reads numbers with and without a header, any line ends, empty lines, a byte order mark', () => {
    expect(parseCsv('1,2\n3,-4.5e1\n')).toEqual({
      header: null,
      rows: 2,
      columns: 2,
      values: Float64Array.of(1, 2, 3, -45),
    });
    expect(parseCsv('\uFEFFa, b\r\n\r\n1, .5\r\n')).toEqual({
      header: ['a', 'b'],
      rows: 1,
      columns: 2,
      values: Float64Array.of(1, 0.5),
    });
    expect(parseCsv('1,2\n3,4', { header: true }).header).toEqual(['1', '2']);
    expect(parseCsv('1;nan\ninf;-Infinity', { separator: ';' }).values).toEqual(
      Float64Array.of(1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    );
    expect(parseCsv(' 1   2 \n3 4', { separator: ' ' }).columns).toBe(2);
    expect(parseCsv('')).toMatchObject({ rows: 0, columns: 0 });
  });

  test.each<[string, RegExp]>([
    ['1,2\n3,x', /line 2, column 2: "x" is not a number/],
    ['1,2\n\n3', /line 3 has 1 fields, the first one has 2/],
    ['a,b\n1,', /line 2, column 2: "" is not a number/],
    ['1\n0x10', /line 2, column 1/],
    ['1\n1_000', /line 2, column 1/],
  ])('says where %j is wrong', (text, message) => {
    expect(() => parseCsv(text)).toThrow(message);
    expect(() => parseCsv(text)).toThrow(ArgumentError);
  });

  test('refuses what is not text', () => {
    expect(() => parseCsv(7 as unknown as string)).toThrow(ArgumentError);
    expect(() => parseCsv('1', { separator: '' })).toThrow(ArgumentError);
    expect(() => parseCsv('1', null as unknown as object)).toThrow(ArgumentError);
  });
});

describe('CharVocabulary', () => {
  test('numbers code points in order and writes them back', () => {
    const vocabulary = new CharVocabulary('b😀a b');
    expect(vocabulary.characters).toEqual([' ', 'a', 'b', '😀']);
    expect([...vocabulary.encode('ab 😀')]).toEqual([1, 2, 0, 3]);
    expect(vocabulary.decode(vocabulary.encode('b😀a b'))).toBe('b😀a b');
    expect(vocabulary.decode(tensor([3, 1], { dtype: 'int64' }))).toBe('😀a');
    expect(new CharVocabulary(JSON.parse(JSON.stringify(vocabulary)) as string).characters).toEqual(
      vocabulary.characters,
    );
  });

  test('names what it does not know', () => {
    const vocabulary = new CharVocabulary('ab');
    expect(() => vocabulary.encode('abc')).toThrow(/"c" \(number 2\)/);
    expect(() => vocabulary.decode([2])).toThrow(IndexError);
    expect(() => vocabulary.decode([-1])).toThrow(IndexError);
    expect(() => vocabulary.decode(['x'] as unknown as number[])).toThrow(IndexError);
    expect(() => vocabulary.decode(null as unknown as number[])).toThrow(ArgumentError);
    expect(() => new CharVocabulary(1 as unknown as string)).toThrow(ArgumentError);
  });
});
