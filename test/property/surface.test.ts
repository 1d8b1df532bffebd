/**
 * No argument whatsoever makes a public function crash, hang, or throw anything but this library's errors,
 * and every tensor that comes back is whole. `COTANGENT_FUZZ_SECONDS=60` searches at random for so long.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as cotangent from 'cotangent';
import {
  backendInfo,
  CotangentError,
  getBackend,
  manualSeed,
  rand,
  scope,
  setBackend,
  setNumThreads,
  Tensor,
} from 'cotangent';
import * as calculus from 'cotangent/calculus';
import * as data from 'cotangent/data';
import * as io from 'cotangent/io';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as plot from 'cotangent/plot';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { offsetOf } from '../../src/tensor/tensor.ts';
import { backends } from '../support/backends.ts';
import { anything, build, buildTensor, DTYPES, tensors } from './arbitraries.ts';

const SECONDS = Number(process.env.COTANGENT_FUZZ_SECONDS ?? 0);
/** Calls on each backend where no time is given: the same ones in every run. */
const RUNS = 60_000;
const before = getBackend();

type AnyFunction = (...args: unknown[]) => unknown;

const isClass = (value: unknown) =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

const functions = new Map<string, AnyFunction>();
for (const [name, value] of Object.entries(cotangent))
  if (typeof value === 'function' && !isClass(value)) functions.set(name, value as AnyFunction);

/** All that the sub-paths export, and the classes of all paths. */
const others = new Map<string, AnyFunction>();
// Errors are what calls throw.
for (const [path, entry] of Object.entries({ cotangent, nn, optim, data, io, calculus, plot }))
  for (const [name, value] of Object.entries(entry))
    if (typeof value === 'function' && !(value.prototype instanceof Error) && (path !== 'cotangent' || isClass(value)))
      others.set(
        `${path}.${name}`,
        isClass(value) ? (...args) => Reflect.construct(value, args) : (value as AnyFunction),
      );

const methods = new Map<string, AnyFunction>();
const setters: string[] = [];
for (const [name, { value, set }] of Object.entries(Object.getOwnPropertyDescriptors(Tensor.prototype))) {
  if (typeof value === 'function' && name !== 'constructor') methods.set(name, value);
  if (set !== undefined) setters.push(name);
}

const isCount = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;

/** @throws AssertionError unless a result is sound, however it is nested. */
function inspect(value: unknown, depth = 0): void {
  if (value instanceof Tensor) {
    expect(DTYPES).toContain(value.dtype);
    expect([...value.shape, ...value.strides, value.size, offsetOf(value)].every(isCount)).toBe(true);
    if (!value.disposed && value.size < 1e5) expect(value.data()).toHaveLength(value.size);
  } else if (typeof value === 'object' && value !== null && depth < 3 && !ArrayBuffer.isView(value)) {
    for (const item of Object.values(value)) inspect(item, depth + 1);
  }
}

/** What calls have begun and not ended. */
const begun: Promise<unknown>[] = [];

const expectOurs = (error: unknown): void => {
  if (!(error instanceof CotangentError)) throw error;
};

/** Runs a call; errors other than ours get through. What it changes for the whole process is as before afterwards. */
function attempt(call: () => unknown): void {
  const name = getBackend();
  const { threads } = backendInfo();
  scope(() => {
    try {
      const result = call();
      if (result instanceof Promise) begun.push(result.catch(expectOurs));
      else inspect(result);
      // What a function made of a function does, it does when called.
      if (typeof result === 'function') inspect(result(1));
    } catch (error) {
      expectOurs(error);
    }
  });
  if (getBackend() !== name) setBackend(name);
  if (backendInfo().threads !== threads) setNumThreads(threads);
}

/** Values that hardly any parameter takes. */
const JUNK: readonly unknown[] = [
  ...[undefined, null, true, 'none', Number.NaN, -1, 0.5, 2 ** 53, 3n, Symbol('junk'), [], [-1], {}, new Date(0)],
  ...[new Proxy([], {}), new Float32Array(3), new Map(), Object.create(null)],
];

const args = fc.array(anything, { maxLength: 5 });

/** Searches for its share of the time, or of the runs. */
const search = <T>(property: fc.IProperty<T>, share: number) =>
  fc.assert(
    property,
    SECONDS > 0
      ? { numRuns: 1e9, interruptAfterTimeLimit: SECONDS * 1000 * share, markInterruptAsFailure: false }
      : { numRuns: RUNS * share },
  );

afterAll(() => {
  setBackend(before);
  manualSeed(0);
});

describe.each(backends)('any arguments on %s', (backend) => {
  const timeout = SECONDS * 1000 + 60_000;

  // The random generator's state comes into being with its first use, and stays.
  beforeAll(() => {
    setBackend(backend);
    rand(1).dispose();
  });

  test('of functions', { timeout }, () => {
    setBackend(backend);
    expect(functions.size).toBeGreaterThan(100);
    const calls = fc.property(fc.constantFrom(...functions.keys()), args, (name, sketches) =>
      attempt(() => functions.get(name)?.(...sketches.map(build))),
    );
    search(calls, 0.5);
  });

  test('of sub-paths and classes', { timeout }, async () => {
    setBackend(backend);
    expect(others.size).toBeGreaterThan(100);
    // Files are written and read by name; junk names go where they harm nothing.
    const folder = mkdtempSync(join(tmpdir(), 'cotangent-'));
    const home = process.cwd();
    process.chdir(folder);
    try {
      for (const call of others.values()) {
        attempt(() => call());
        for (const first of JUNK) for (const second of JUNK) attempt(() => call(first, second));
      }
      await Promise.all(begun.splice(0));
    } finally {
      process.chdir(home);
      rmSync(folder, { recursive: true });
    }
  });

  test('of methods', { timeout }, () => {
    setBackend(backend);
    expect(methods.size).toBeGreaterThan(100);
    const calls = fc.property(fc.constantFrom(...methods.keys()), tensors, args, (name, self, sketches) =>
      attempt(() => methods.get(name)?.apply(buildTensor(self), sketches.map(build))),
    );
    search(calls, 0.4);
  });

  test('of properties', { timeout }, () => {
    setBackend(backend);
    const settings = fc.property(fc.constantFrom(...setters), tensors, anything, (name, self, sketch) =>
      attempt(() => {
        const tensor = buildTensor(self);
        Reflect.set(tensor, name, build(sketch));
        return tensor;
      }),
    );
    search(settings, 0.1);
  });
});
