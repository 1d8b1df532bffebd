/**
 * Values that no one passes on purpose: arrays that change while they are looked at, proxies, things of another realm, memory that
 * is gone, tensors that are none. A sketch names one, so that fast-check can print it, and `buildHostile` makes a fresh one of it.
 */
import vm from 'node:vm';
import { getBackend, ones, Tensor, tensor, zeros } from 'cotangent';
import fc from 'fast-check';
import { isTensor } from '../../src/tensor/tensor.ts';
import { backends } from '../support/backends.ts';

/** Thrown by getters, proxies and functions here: what a caller's own code throws gets through. */
export class OwnError extends Error {}

const boom = (): never => {
  throw new OwnError('thrown by the argument itself');
};

/** Sizes at and beyond what fits somewhere. */
const EDGES = [0, 1, 2, 3, -1, 2 ** 31, 2 ** 32, 2 ** 53, 1e308, -0, Number.NaN, 0.5, 5e-324];
const edge = (n: number): number => EDGES[n % EDGES.length] as number;

/** An array whose element `at` is another value at every look. */
function changing(values: readonly unknown[], length = 2): unknown[] {
  const array: unknown[] = new Array(length).fill(0);
  let looks = 0;
  Object.defineProperty(array, 0, { get: () => values[Math.min(looks++, values.length - 1)], enumerable: true });
  return array;
}

/** An object that gives another value at every look, whatever the name. */
const changingObject = (values: readonly unknown[]): unknown => {
  let looks = 0;
  return new Proxy(
    { dim: 0, dtype: 'float32' },
    { get: (target, key) => (key in target ? values[Math.min(looks++, values.length - 1)] : undefined) },
  );
};

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

const realm = vm.createContext();
const foreign = (source: string): unknown => vm.runInContext(source, realm);

/** Moves the memory elsewhere. */
function detach(buffer: ArrayBuffer): void {
  structuredClone(buffer, { transfer: [buffer] });
}
function detached<T extends ArrayBufferView<ArrayBuffer>>(view: T): T {
  detach(view.buffer);
  return view;
}

interface Resizable extends ArrayBuffer {
  resize(bytes: number): void;
}
// Newer than the types.
const Resizable = ArrayBuffer as unknown as new (bytes: number, options: { maxByteLength: number }) => Resizable;
const resizable = (bytes: number): Resizable => new Resizable(bytes, { maxByteLength: 64 });
/** A view whose end has been cut off. */
function shrunk(): Float32Array {
  const buffer = resizable(32);
  const view = new Float32Array(buffer, 8, 4);
  buffer.resize(16);
  return view;
}
/** A view that loses its memory when the element beside it is looked at. */
function shrinking(n: number): unknown[] {
  const buffer = resizable(32);
  const view = new Float64Array(buffer);
  const list: unknown[] = [0, view];
  Object.defineProperty(list, 0, {
    get() {
      if (n % 2 === 0) buffer.resize(0);
      else detach(buffer);
      return new Float64Array(4);
    },
    enumerable: true,
  });
  return list;
}

function nest(depth: number, leaf: unknown): unknown {
  let value = leaf;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}
function nestObjects(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = { value };
  return value;
}

class OwnArray extends Array<unknown> {
  static override get [Symbol.species](): ArrayConstructor {
    return boom();
  }
}
class OwnFloats extends Float32Array {}
class OwnBytes extends Uint8Array {
  static get [Symbol.species](): Uint8ArrayConstructor {
    return boom();
  }
}
class OwnNumber extends Number {}

const TENSOR_FUNCTIONS: readonly ((x: Tensor) => unknown)[] = [
  (x) => x.sum(),
  (x) => x.mul(x),
  (x) => [x, x.t()],
  (x) => x.chunk(2)[0],
  (x) => {
    x.dispose();
    return x;
  },
  (x) => x.mul_(2),
  (x) => ({ x, loss: x.mean() }),
];
/** A function of the caller's that is given something else fails by itself. */
const ofTensors = (f: (x: Tensor) => unknown) => (x: unknown) => (isTensor(x) ? f(x) : boom());

/** What a sketch's name makes; `n` chooses among variants. */
const FORMS: Readonly<Record<string, (n: number) => unknown>> = {
  'sparse array': (n) => {
    const array: unknown[] = [];
    array[(n % 3) + 1] = edge(n);
    return array;
  },
  holes: (n) => new Array([1, 2, 4, 17, 1000, 2 ** 20][n % 6] as number),
  'longest array': () => new Array(2 ** 32 - 1),
  'array-like': (n) => ({ length: [1, 2, 2 ** 31, 2 ** 53][n % 4], 0: 1, 1: 2 }),
  'changing array': (n) => changing([n % 3, edge(n), n % 2], (n % 3) + 1),
  'array that grows': (n) => changing([0, 1, 2, 5e7, 2 ** 31], (n % 2) + 1),
  'array that turns into another': (n) => changing([1, 'a', null, [1], undefined, edge(n)]),
  'array that throws': () => Object.defineProperty([1, 2], 1, { get: boom, enumerable: true }),
  'object that changes': (n) => changingObject([n % 3, edge(n), 'x']),
  'object that throws': (n) =>
    Object.defineProperty({}, ['dim', 'dtype', 'keepdim', 'then', 'length', 'value'][n % 6] as string, {
      get: boom,
      enumerable: true,
    }),
  'no primitive': () => ({ [Symbol.toPrimitive]: boom, valueOf: boom, toString: boom }),
  'value of': (n) => ({ valueOf: () => edge(n) }),
  'iterator that throws': () => ({ [Symbol.iterator]: boom, length: 2 }),
  'iterator that is none': (n) => ({
    [Symbol.iterator]: [() => 1, () => null, () => ({}), () => ({ next: 1 }), () => ({ next: () => 1 }), 1][n % 6],
  }),
  'array whose iterator throws': () => Object.defineProperty([1, 2], Symbol.iterator, { get: boom }),
  'array with own methods': () => Object.assign([1, 2], { map: boom, slice: boom, every: boom, toJSON: boom }),
  'proxy of an array': (n) => new Proxy([n % 3, 1], {}),
  'proxy of an object': (n) => new Proxy({ dim: n % 3, keepdim: true }, {}),
  'proxy of a tensor': () => new Proxy(ones([2, 2]), {}),
  'proxy of a collection': (n) =>
    new Proxy([new Map([['a', 1]]), new Set([1]), new Float32Array(2)][n % 3] as object, {}),
  'proxy of a function': () => new Proxy((x: unknown) => x, {}),
  'proxy that throws': (n) =>
    new Proxy(n % 2 === 0 ? [1] : {}, { get: boom, has: boom, ownKeys: boom, getPrototypeOf: boom }),
  'revoked proxy': (n) => revoked([{}, [], () => 0][n % 3] as object),
  'foreign array': (n) => foreign(['[1, 2]', '[[1, 2], [3, 4]]', '[0]', '[]', '[[1], 2]'][n % 5] as string),
  'foreign typed array': (n) =>
    foreign(['new Float32Array([1, 2, 3, 4])', 'new BigInt64Array(2)', 'new Uint8Array(8)'][n % 3] as string),
  'foreign buffer': () => foreign('new ArrayBuffer(8)'),
  'foreign object': (n) =>
    foreign(['({ dim: 0 })', '({})', 'new Number(1)', '(() => 1)', 'new Error()'][n % 5] as string),
  'detached view': (n) => detached(n % 2 === 0 ? new Float32Array(4) : new Uint8Array(16)),
  'detached buffer': () => {
    const buffer = new ArrayBuffer(16);
    detach(buffer);
    return buffer;
  },
  'resizable view': () => new Float32Array(resizable(16)),
  'shrunk view': shrunk,
  'view that shrinks': shrinking,
  'foreign view that is gone': () =>
    foreign(
      '(() => { const b = new ArrayBuffer(8, { maxByteLength: 8 }); const v = new Float32Array(b, 4); b.resize(0); return v; })()',
    ),
  'shared memory': (n) => (n % 2 === 0 ? new Float32Array(new SharedArrayBuffer(16)) : new SharedArrayBuffer(16)),
  'data view': (n) => new DataView(new ArrayBuffer(16), n % 4),
  'buffer with an offset': (n) => Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]).subarray(n % 4),
  'big integers': (n) => new BigInt64Array([1n, -(2n ** 63n), BigInt(n)]),
  'own array': (n) => OwnArray.of(n % 3, 1),
  'own typed array': () => new OwnFloats([1, 2]),
  'boxed number': (n) => (n % 2 === 0 ? Object(edge(n)) : new OwnNumber(n % 3)),
  'boxed others': (n) => Object([true, 'float32', 1n, Symbol('boxed')][n % 4]),
  number: edge,
  numbers: (n) => [edge(n), edge(n >> 4)],
  'big integer': (n) => [1n, -1n, 2n ** 63n, 2n ** 64n, 2n ** 1024n][n % 5],
  symbol: () => Symbol.iterator,
  string: (n) => ['\ud800', '\udc00x', '\0', '__proto__', 'toString', 'constructor', '1', 'x'.repeat(1e5)][n % 8],
  thenable: (n) => Object.fromEntries([['then', n % 2 === 0 ? (done: (value: number) => void) => done(1) : boom]]),
  promise: () => Promise.resolve(1),
  // Not endless: a scope waits for its own, and no other async one can begin.
  'slow promise': () => new Promise((resolve) => setTimeout(resolve, 5, 1)),
  'fake tensor': (n) =>
    [
      Object.create(Tensor.prototype),
      { shape: [2], dtype: 'float32', storage: {}, size: 2 },
      { [Symbol.toStringTag]: 'Tensor' },
    ][n % 3],
  'changed tensor': (n) => {
    const x = ones([2, 2]);
    for (const key of ['shape', 'strides', 'dtype', 'offset', 'size', 'storage'])
      Reflect.set(x, key, [[5e7], [9], edge(n), null][n % 4]);
    return x;
  },
  'tensor whose shape was written to': (n) => {
    const x = ones([2, 2]);
    Reflect.set(x.shape, 0, edge(n));
    Reflect.set(x.strides, 0, edge(n));
    return x;
  },
  'disposed tensor': () => {
    const x = ones([2]);
    x.dispose();
    return x;
  },
  'tensor of another backend': (n) =>
    ones(n % 2 === 0 ? [2] : [], { backend: backends.find((name) => name !== getBackend()) ?? getBackend() }),
  'tensor without dimensions': (n) => tensor(edge(n), { dtype: n % 2 === 0 ? 'float64' : 'float32' }),
  'empty tensor': (n) => zeros([[0], [0, 3], [2, 0, 2], [0, 0]][n % 4] as number[]),
  'tensor of many dimensions': (n) => zeros(new Array(n % 18).fill(1)),
  'expanded tensor': (n) => ones([1]).expand([[1000], [3, 2], [0]][n % 3] as number[]),
  'tensor of edges': (n) =>
    tensor([Number.NaN, -0, Number.POSITIVE_INFINITY, 3e38], { dtype: n % 2 === 0 ? 'float32' : 'float64' }),
  'indices out of range': (n) => tensor([n % 5, -1 - n, 7], { dtype: 'int64' }),
  'cyclic array': () => {
    const array: unknown[] = [1];
    array.push(array);
    return array;
  },
  'cyclic object': () => {
    const object: Record<string, unknown> = {};
    object.value = object;
    return object;
  },
  'deep array': (n) => nest([15, 16, 17, 1000, 20_000][n % 5] as number, n % 2),
  'deep object': (n) => nestObjects([10, 1000, 20_000][n % 3] as number),
  'array of arrays of unequal lengths': () => [[1, 2], [3], []],
  'function that throws': () => boom,
  'function that returns anything': (n) => () => [undefined, null, 1, 'a', [], {}, Symbol.iterator, 1n][n % 8],
  'function that returns its argument': () => (x: unknown) => x,
  'function of tensors': (n) => ofTensors(TENSOR_FUNCTIONS[n % TENSOR_FUNCTIONS.length] as (x: Tensor) => unknown),
  'async function': () => async () => 1,
  'function that resolves later': () => () => new Promise((resolve) => setImmediate(resolve, 1)),
  generator: () =>
    function* () {
      yield 1;
    },
  class: () => class {},
  collections: (n) =>
    [new Map([['dim', 0]]), new Set([1]), new WeakMap(), /x/, new Error('x'), new Date(Number.NaN)][n % 6],
  'object of no prototype': () => Object.assign(Object.create(null), { dim: 0 }),
  'object that inherits': () => Object.create({ dim: 0, dtype: 'float64' }),
  frozen: () => Object.freeze([1, 2]),
  'global object': () => globalThis,
};

/** The same bytes in everything that holds bytes. */
export function holders(bytes: Uint8Array): [string, unknown][] {
  const into = <T extends ArrayBufferLike>(buffer: T, offset = 0): T => {
    new Uint8Array(buffer, offset).set(bytes);
    return buffer;
  };
  const { length } = bytes;
  const around = into(new ArrayBuffer(length + 5), 5);
  const other = foreign(`new Uint8Array(${length})`) as Uint8Array;
  other.set(bytes);
  return [
    ['an array', Uint8Array.from(bytes)],
    ['a buffer', into(new ArrayBuffer(length))],
    ['shared memory', into(new SharedArrayBuffer(length))],
    ['a view with an offset', new Uint8Array(around, 5)],
    ['a Buffer', Buffer.from(bytes)],
    ['a Buffer with an offset', Buffer.from(around, 5)],
    ['a data view', new DataView(around, 5)],
    ['a resizable buffer', into(new Resizable(length, { maxByteLength: length + 8 }))],
    ['an array of another realm', other],
    ['an array of a class', new OwnBytes(bytes)],
  ];
}

/** A hostile value by name. */
export interface HostileSketch {
  kind: 'hostile';
  form: string;
  n: number;
}

/** Few parameters are functions, and these do the most: modes, scopes and steps hold while they run. */
const FUNCTIONS = Object.keys(FORMS).filter((form) => /\bfunction\b|generator/.test(form));

export const hostile: fc.Arbitrary<HostileSketch> = fc.record({
  kind: fc.constant('hostile'),
  form: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...Object.keys(FORMS)) },
    { weight: 1, arbitrary: fc.constantFrom(...FUNCTIONS) },
  ),
  n: fc.nat(255),
});

/** A fresh one. */
export function buildHostile({ form, n }: HostileSketch): unknown {
  return (FORMS[form] as (n: number) => unknown)(n);
}
