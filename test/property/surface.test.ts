/**
 * No argument whatsoever makes a public function crash, hang, or throw anything but this library's errors,
 * and every tensor that comes back is whole. `COTANGENT_FUZZ_SECONDS=60` searches at random for so long.
 */
import * as cotangent from 'cotangent';
import { CotangentError, getBackend, rand, scope, setBackend, Tensor } from 'cotangent';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { offsetOf } from '../../src/tensor/tensor.ts';
import { backends } from '../support/backends.ts';
import { anything, build, buildTensor, DTYPES, tensors } from './arbitraries.ts';

const SECONDS = Number(process.env.COTANGENT_FUZZ_SECONDS ?? 0);
/** Calls on each backend where no time is given: the same ones in every run. */
const RUNS = 60_000;
const before = getBackend();

/** These change the whole process: threads, the backend, the seed of tests that come later. */
const GLOBAL = ['setBackend', 'setNumThreads', 'init', 'manualSeed', 'emptyCache'];

type AnyFunction = (...args: unknown[]) => unknown;

const isClass = (value: unknown) =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

const functions = new Map<string, AnyFunction>();
for (const [name, value] of Object.entries(cotangent))
  if (typeof value === 'function' && !isClass(value) && !GLOBAL.includes(name))
    functions.set(name, value as AnyFunction);

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

/** Runs a call; errors other than ours get through. */
function attempt(call: () => unknown): void {
  scope(() => {
    try {
      const result = call();
      inspect(result);
      // What a function made of a function does, it does when called.
      if (typeof result === 'function') inspect(result(1));
    } catch (error) {
      if (!(error instanceof CotangentError)) throw error;
    }
  });
}

const args = fc.array(anything, { maxLength: 5 });

/** Searches for its share of the time, or of the runs. */
const search = <T>(property: fc.IProperty<T>, share: number) =>
  fc.assert(
    property,
    SECONDS > 0
      ? { numRuns: 1e9, interruptAfterTimeLimit: SECONDS * 1000 * share, markInterruptAsFailure: false }
      : { numRuns: RUNS * share },
  );

afterAll(() => setBackend(before));

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
