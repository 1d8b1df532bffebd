/** Every public function that takes bytes takes them in whatever holds them, and says so when they are gone. */
import { Worker } from 'node:worker_threads';
import {
  ArgumentError,
  CompileError,
  compile,
  fromArray,
  ShapeError,
  StateError,
  type Tensor,
  tensor,
} from 'cotangent';
import { CharVocabulary } from 'cotangent/data';
import { decodeSafetensors, encodeSafetensors, readSafetensors } from 'cotangent/io';
import { Linear } from 'cotangent/nn';
import { SGD } from 'cotangent/optim';
import { curves } from 'cotangent/plot';
import { describe, expect, test } from 'vitest';
import { readBytes } from '../../src/tensor/bytes.ts';
import { backends } from '../support/backends.ts';
import { foreign, holders, lost, resizable } from '../support/bytes.ts';

const FILE = encodeSafetensors({ a: tensor([1, 2]), b: tensor([true, false]) }, { note: 'x' });

describe.each(holders(FILE))('from a %s', (_, holder) => {
  test('decodeSafetensors and readSafetensors read a file', () => {
    const { a, b } = decodeSafetensors(holder) as { a: Tensor; b: Tensor };
    expect(a.toArray()).toEqual([1, 2]);
    expect(b.toArray()).toEqual([true, false]);
    expect(readSafetensors(holder).metadata).toEqual({ note: 'x' });
  });

  test('the bytes are those, and memory that others may write to is copied', () => {
    const bytes = readBytes('test', holder);
    expect(Buffer.from(bytes).equals(FILE)).toBe(true);
    expect(bytes.constructor).toBe(Uint8Array);
    expect(bytes.buffer).not.toBeInstanceOf(SharedArrayBuffer);
  });
});

test.each(lost(FILE))('a %s is an error that names the function', (_, holder) => {
  for (const [name, read] of Object.entries({ decodeSafetensors, readSafetensors })) {
    expect(() => read(holder)).toThrow(ArgumentError);
    expect(() => read(holder)).toThrow(new RegExp(`^${name}: the memory of .* is gone`));
  }
});

const JUNK: [string, unknown][] = [
  ['null', null],
  ['a text', 'text'],
  ['a number', 3],
  ['a list', [1, 2]],
  ['a function', readBytes],
  ['a tensor', tensor([1])],
  ['a proxy of bytes', new Proxy(new Uint8Array(8), {})],
  ['a revoked proxy', revoked()],
  ['an object like bytes', { byteLength: 8, byteOffset: 0, buffer: new ArrayBuffer(8), length: 8 }],
  ['an object that inherits from bytes', Object.create(Uint8Array.prototype)],
];

test.each([...JUNK.keys()])('junk %i has no bytes', (i) => {
  const [, junk] = JUNK[i] as [string, unknown];
  for (const [name, read] of Object.entries({ decodeSafetensors, readSafetensors })) {
    expect(() => read(junk as never)).toThrow(ArgumentError);
    expect(() => read(junk as never)).toThrow(new RegExp(`^${name}: wants bytes`));
  }
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

test('shared memory that another thread writes to is read once', async () => {
  const memory = new SharedArrayBuffer(FILE.length);
  const shared = new Uint8Array(memory);
  shared.set(FILE);
  const running = new SharedArrayBuffer(4);
  const worker = new Worker(
    `const { workerData: { memory, running } } = require('node:worker_threads');
     const bytes = new Uint8Array(memory);
     const state = new Int32Array(running);
     Atomics.store(state, 0, 1);
     Atomics.notify(state, 0);
     for (let i = 0; Atomics.load(state, 0) === 1; i++) bytes[bytes.length - 1] = i % 256;`,
    { eval: true, workerData: { memory, running } },
  );
  const state = new Int32Array(running);
  Atomics.wait(state, 0, 0, 30_000);
  for (let i = 0; i < 200; i++) {
    let b: Tensor | undefined;
    try {
      b = decodeSafetensors(memory).b;
    } catch (error) {
      expect(error).toBeInstanceOf(ArgumentError);
    }
    // Whatever byte it was, a bool is 0 or 1.
    if (b !== undefined) expect([...(b.data() as Uint8Array)].every((byte) => byte <= 1)).toBe(true);
  }
  Atomics.store(state, 0, 0);
  await worker.terminate();
});

const KINDS = [
  ['Float32Array', 'float32'],
  ['Float64Array', 'float64'],
  ['Int8Array', 'int32'],
  ['Int16Array', 'int32'],
  ['Int32Array', 'int32'],
  ['Uint8Array', 'uint8'],
  ['Uint8ClampedArray', 'uint8'],
  ['Uint16Array', 'int32'],
  ['Uint32Array', 'int64'],
  ['BigInt64Array', 'int64'],
  ['BigUint64Array', 'int64'],
] as const;

describe.each(backends)('on %s', (backend) => {
  describe.each(KINDS)('%s', (kind, dtype) => {
    const big = kind.startsWith('Big');
    const values = [3, 1, 2].map((n) => (big ? BigInt(n) : n)) as number[];
    const arrays = (): [string, Float32Array][] => {
      const Own = globalThis[kind] as unknown as Float32ArrayConstructor;
      const Foreign = foreign[kind] as unknown as Float32ArrayConstructor;
      const { BYTES_PER_ELEMENT: bytes } = Own;
      const fill = (array: Float32Array): Float32Array => {
        array.set(values);
        return array;
      };
      const followed = resizable(2 * bytes, 8 * bytes);
      const following = new Own(followed, bytes);
      followed.resize(4 * bytes);
      class Lying extends Own<ArrayBufferLike> {
        override get length(): number {
          return 1e9;
        }
        override [Symbol.iterator](): never {
          throw new Error('iterated');
        }
      }
      return [
        ['plain', Own.from(values)],
        ['with an offset', fill(new Own(new ArrayBuffer(8 * bytes), bytes, 3))],
        ['of shared memory', fill(new Own(new SharedArrayBuffer(8 * bytes) as never, bytes, 3))],
        ['of changing length', fill(following)],
        ['of another realm', Foreign.from(values)],
        ['of a subclass', fill(new (Lying as unknown as Float32ArrayConstructor)(3))],
      ];
    };

    test.each(arrays())('%s', (_, array) => {
      const whole = tensor(array, { backend });
      expect(whole.dtype).toBe(dtype);
      expect(whole.shape).toEqual([3]);
      expect(Array.from(whole.data(), Number)).toEqual([3, 1, 2]);
      const shaped = fromArray(array, [3, 1], { backend, dtype: 'float64' });
      expect(shaped.toArray()).toEqual([[3], [1], [2]]);
      expect(fromArray(array, undefined, { backend }).shape).toEqual([3]);
      const nested = tensor([array, array], { backend });
      expect(nested.dtype).toBe(dtype);
      expect(Array.from(nested.data(), Number)).toEqual([3, 1, 2, 3, 1, 2]);
      expect(() => fromArray(array, [4], { backend })).toThrow(ShapeError);
    });
  });

  test('memory that is gone makes no empty tensor', () => {
    for (const [, holder] of lost(new Uint8Array(8)).filter(([, each]) => each instanceof Uint8Array)) {
      const array = holder as Uint8Array;
      expect(() => tensor(array, { backend })).toThrow(/^tensor: the memory of .* is gone/);
      expect(() => tensor([array], { backend })).toThrow(/^tensor: the memory of .* is gone/);
      expect(() => fromArray(array, undefined, { backend })).toThrow(/^fromArray: the memory of .* is gone/);
      expect(() => fromArray(array, [0], { backend })).toThrow(ArgumentError);
    }
  });

  test('memory that goes away while the arguments are read', () => {
    const array = Float32Array.of(1, 2, 3);
    const options = {
      backend,
      get requiresGrad() {
        structuredClone(array.buffer, { transfer: [array.buffer] });
        return false;
      },
    };
    expect(() => fromArray(array, [3], options)).toThrow(/^fromArray: the memory of .* is gone/);
  });

  test('unsigned numbers beyond int64 are refused, of every realm', () => {
    for (const { BigUint64Array } of [globalThis, foreign]) {
      expect(() => tensor(BigUint64Array.of(1n, 2n ** 63n), { backend })).toThrow(/\(element 1\) does not fit int64/);
      expect(tensor(BigUint64Array.of(2n ** 63n - 1n), { backend }).data()[0]).toBe(2n ** 63n - 1n);
    }
    expect(tensor(foreign.Uint32Array.of(2 ** 32 - 1), { backend }).data()[0]).toBe(2n ** 32n - 1n);
  });
});

test('a DataView has no elements, of whatever realm', () => {
  for (const { DataView } of [globalThis, foreign]) {
    const view = new DataView(new ArrayBuffer(8)) as never;
    expect(() => tensor(view)).toThrow(ArgumentError);
    expect(() => fromArray(view)).toThrow(/^fromArray: wants a typed array, got a value of type DataView/);
  }
  expect(() => fromArray(new Proxy(new Uint8Array(4), {}))).toThrow(ArgumentError);
  expect(() => fromArray(Object.create(Float32Array.prototype))).toThrow(ArgumentError);
});

test('plots take the same typed arrays', () => {
  const values = foreign.Float64Array.of(1, 2, 4);
  expect(curves({ a: { x: values, y: values } }).data).toEqual(curves({ a: { x: [1, 2, 4], y: [1, 2, 4] } }).data);
  const gone = new Float64Array(3);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  expect(() => curves({ a: { x: gone, y: gone } })).toThrow(/^curves: the memory of .* is gone/);
});

test('the bytes of a file are no state, in whatever holds them', () => {
  for (const [, holder] of holders(FILE)) {
    expect(() => new Linear(2, 2).loadStateDict(holder as never)).toThrow(ArgumentError);
    expect(() => new Linear(2, 2).loadStateDict(holder as never, { strict: false })).toThrow(
      /^loadStateDict: wants an object/,
    );
    expect(() => new SGD([tensor([1], { requiresGrad: true })], { lr: 1 }).loadStateDict(holder as never)).toThrow(
      StateError,
    );
    expect(() => encodeSafetensors(holder as never)).toThrow(/^encodeSafetensors: wants an object or a Map/);
  }
  const { weight, bias } = new Linear(2, 2).stateDict() as Record<string, Tensor>;
  const state = new foreign.Map([
    ['weight', weight],
    ['bias', bias],
  ]) as ReadonlyMap<string, Tensor>;
  expect(new Linear(2, 2).loadStateDict(state).missingKeys).toEqual([]);
});

test('arguments of compiled functions hold no bytes, since those would be frozen', () => {
  const f = compile((x: Tensor, _: unknown) => x.add(1));
  for (const [, holder] of holders(FILE)) expect(() => f(tensor([1]), holder)).toThrow(CompileError);
});

test('a vocabulary decodes typed arrays', () => {
  const vocabulary = new CharVocabulary('abc');
  const shared = new Uint8Array(new SharedArrayBuffer(3));
  for (const array of [Buffer.from([2, 1, 0]), foreign.Int8Array.of(2, 1, 0), BigInt64Array.of(2n, 1n, 0n)])
    expect(vocabulary.decode(array)).toBe('cba');
  expect(vocabulary.decode(shared)).toBe('aaa');
  for (const [, holder] of lost(new Uint8Array(3)).filter(([, each]) => each instanceof Uint8Array))
    expect(() => vocabulary.decode(holder as Uint8Array)).toThrow(/^decode: the memory of .* is gone/);
});
