/**
 * Batches from a data set, in order or shuffled. The order is drawn anew for every pass, from the
 * library's generator, so that a seed gives the same batches on every backend.
 */
import { ArgumentError, describe } from '../errors.ts';
import { stack } from '../ops/join.ts';
import { isThenable, silence } from '../program/setting.ts';
import { randperm } from '../random/create.ts';
import { Generator } from '../random/generator.ts';
import { checkOptions } from '../tensor/options.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Dataset, Fields } from './dataset.ts';

/** Options of a `DataLoader`. */
export interface DataLoaderOptions {
  /** Items in a batch; 1 unless given. */
  batchSize?: number;
  /** Whether to draw a new order for every pass. */
  shuffle?: boolean;
  /** Where that order is drawn from; the library's default generator unless given. */
  generator?: Generator;
  /** A generator of the loader's own, with this seed. Not together with `generator`. */
  seed?: number;
  /** Whether to leave out a last batch with fewer than `batchSize` items. */
  dropLast?: boolean;
}

/** An async pass gives the event loop a turn after this many milliseconds, about one frame of a screen. */
const TURN_MS = 16;
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/**
 * Iterates over a data set in batches, each an array with one tensor per field.
 *
 * @example
 * for (const [x, y] of new DataLoader(new TensorDataset(images, labels), { batchSize: 32, shuffle: true })) …
 */
export class DataLoader<F extends Fields = Fields> implements Iterable<F>, AsyncIterable<F> {
  readonly dataset: Dataset<F>;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  readonly #generator: Generator | undefined;

  constructor(dataset: Dataset<F>, options: DataLoaderOptions = {}) {
    const length = typeof dataset === 'object' && dataset !== null ? dataset.length : Number.NaN;
    if (!Number.isInteger(length) || length < 0 || typeof dataset.get !== 'function')
      throw new ArgumentError('DataLoader', `wants a data set with length and get(), got ${describe(dataset)}`);
    const known = ['batchSize', 'shuffle', 'generator', 'seed', 'dropLast'];
    const given: DataLoaderOptions = checkOptions('DataLoader', options, known);
    const { batchSize = 1, shuffle = false, dropLast = false, generator, seed } = given;
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new ArgumentError('DataLoader', `batchSize is a positive whole number, got ${describe(batchSize)}`);
    for (const [name, value] of Object.entries({ shuffle, dropLast }))
      if (typeof value !== 'boolean')
        throw new ArgumentError('DataLoader', `${name} is true or false, got ${describe(value)}`);
    if (generator !== undefined && !(generator instanceof Generator))
      throw new ArgumentError('DataLoader', `generator is a Generator, got ${describe(generator)}`);
    if (generator !== undefined && seed !== undefined)
      throw new ArgumentError('DataLoader', 'takes a generator or a seed, not both');
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.dropLast = dropLast;
    this.#generator = seed === undefined ? generator : new Generator(seed);
  }

  /** Number of batches in a pass. */
  get length(): number {
    const batches = this.dataset.length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  /** The indices of each batch of one pass. */
  *#batches(): IterableIterator<number[]> {
    const n = this.dataset.length;
    let order: ArrayLike<number | bigint> | null = null;
    if (this.shuffle) {
      const permutation = randperm(n, { generator: this.#generator });
      order = permutation.data();
      permutation.dispose();
    }
    for (let b = 0; b < this.length; b++) {
      const start = b * this.batchSize;
      const count = Math.min(this.batchSize, n - start);
      yield Array.from({ length: count }, (_, i) => (order === null ? start + i : Number(order[start + i])));
    }
  }

  /**
   * A pass over the data.
   * @throws ArgumentError when the data set turns out to be async; use `for await` then.
   */
  *[Symbol.iterator](): IterableIterator<F> {
    for (const indices of this.#batches()) {
      const fetched = fetchBatch(this.dataset, indices);
      if (isThenable(fetched)) {
        silence(fetched);
        throw new ArgumentError('DataLoader', 'the data set is asynchronous; iterate with for await');
      }
      yield fetched;
    }
  }

  /** A pass over the data that also lets timers, requests and the page have their turn. */
  async *[Symbol.asyncIterator](): AsyncGenerator<F, void, undefined> {
    let last = performance.now();
    for (const indices of this.#batches()) {
      yield await fetchBatch(this.dataset, indices);
      if (performance.now() - last < TURN_MS) continue;
      await turn();
      last = performance.now();
    }
  }
}

function fetchBatch<F extends Fields>(dataset: Dataset<F>, indices: readonly number[]): F | Promise<F> {
  if (dataset.getBatch !== undefined) return dataset.getBatch(indices);
  const items = indices.map((i) => dataset.get(i));
  const pending = items.some(isThenable);
  return pending ? Promise.all(items).then((all) => collate(all)) : collate(items as F[]);
}

/** Items to a batch: each field stacked along a new first dimension. */
function collate<F extends Fields>(items: readonly F[]): F {
  const strange = items.find((item) => !Array.isArray(item) || item.length !== items[0]?.length);
  if (strange !== undefined || items[0] === undefined)
    throw new ArgumentError('DataLoader', `items are arrays of as many tensors each, got ${describe(strange)}`);
  return items[0].map((_, field) => stack(items.map((item) => item[field] as Tensor))) as unknown as F;
}
