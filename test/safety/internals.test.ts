/** What lies behind a tensor cannot be reached, replaced or forged from outside. */
import * as cotangent from 'cotangent';
import { ArgumentError, add, Generator, ones, setBackend, sum, Tensor, tensor } from 'cotangent';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import { beforeAll, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

const PUBLIC = ['backend', 'constructor', 'data', 'dtype', 'offset', 'shape', 'size', 'strides', 'version'];
const HIDDEN = ['storage', 'node', 'viewOf', 'outputIndex', 'attach', 'rebase', 'setBase', 'leafNode', 'revive'];

test('the prototype offers looks at a tensor, and nothing of its memory', () => {
  const names = Reflect.ownKeys(Tensor.prototype);
  for (const name of PUBLIC) expect(names).toContain(name);
  for (const name of [...HIDDEN, 'assertAlive', 'assertReadable', 'dropGrad']) expect(names).not.toContain(name);
  expect(Object.getOwnPropertySymbols(Tensor.prototype)).toEqual([
    Symbol.dispose,
    Symbol.for('nodejs.util.inspect.custom'),
  ]);
  expect(Reflect.ownKeys(Tensor).filter((key) => !['length', 'name', 'prototype'].includes(String(key)))).toEqual([]);
});

describe.each(backends)('a tensor on %s', (backend) => {
  beforeAll(() => setBackend(backend));

  test('has no own properties, and its looks cannot be assigned to', () => {
    const x = ones([2, 3]);
    expect(Reflect.ownKeys(x)).toEqual([]);
    for (const name of ['shape', 'strides', 'dtype', 'offset', 'size', 'ndim', 'version', 'backend', 'isContiguous']) {
      const before = (x as unknown as Record<string, unknown>)[name];
      expect(() => Object.assign(x, { [name]: [5e7] })).toThrow(TypeError);
      expect((x as unknown as Record<string, unknown>)[name]).toEqual(before);
    }
    expect(sum(x).item()).toBe(6);
  });

  test('is made by functions alone', () => {
    const x = ones([4]);
    const Any = Tensor as unknown as new (...args: unknown[]) => Tensor;
    for (const args of [[], [x], [{}, 'float32', [1e6]], [Symbol('tensor'), {}, 'float32', [1e6]]])
      expect(() => new Any(...args)).toThrow(ArgumentError);
    class Own extends Any {}
    expect(() => new Own({ address: 0, bytes: 1e9 }, 'float32', [1e6])).toThrow(ArgumentError);
    expect(() => Reflect.construct(Tensor, [{}, 'float32', [4]], Object)).toThrow(ArgumentError);
  });

  test('is not what merely looks like one', () => {
    const x = ones([4]);
    const lookalikes = [
      Object.create(Tensor.prototype),
      Object.create(x),
      Object.setPrototypeOf({ shape: [4], dtype: 'float32', size: 4 }, Tensor.prototype),
      new Proxy(x, {}),
    ];
    for (const fake of lookalikes) {
      expect(fake).toBeInstanceOf(Tensor);
      expect(() => add(x, fake)).toThrow(ArgumentError);
      expect(() => x.copy_(fake)).toThrow(ArgumentError);
      expect(() => sum(fake)).toThrow(ArgumentError);
      expect(() => tensor(fake)).toThrow(cotangent.CotangentError);
    }
  });
});

test('no class offers a way to memory', () => {
  const offered = [Generator, Tensor, ...Object.values(optim), ...Object.values(nn)].flatMap((value) =>
    typeof value === 'function' ? Reflect.ownKeys(value.prototype ?? {}).map(String) : [],
  );
  expect(offered).toContain('manualSeed');
  for (const name of offered) expect(name).not.toMatch(/storage|heap|address|stateOn|region|pin$/i);
});
