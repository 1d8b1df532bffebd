/**
 * Any call with any arguments, hostile ones among them, does the same on every backend: the same error of ours, or the same
 * result but for the rounding of a fused multiply-add. None crashes, hangs, or throws what is not ours or the argument's own.
 * `COTANGENT_FUZZ_SECONDS=60` searches for so long; what fails is printed with fast-check's seed and path.
 */
import { type BackendName, getBackend, rand, setBackend, type Tensor } from 'cotangent';
import { decodeSafetensors, encodeSafetensors } from 'cotangent/io';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';
import { anythingHostile, build, buildTensor, type Sketch, tensors } from './arbitraries.ts';
import { type AnyFunction, attempt, everywhere, functions, methods, others, setters } from './calls.ts';
import { holders, OwnError } from './hostile.ts';
import { difference } from './outcome.ts';

const SECONDS = Number(process.env.COTANGENT_FUZZ_SECONDS ?? 0);
/** Calls where no time is given: the same ones in every run. */
const RUNS = 16_000;
const before = getBackend();

const args = fc.array(anythingHostile, { maxLength: 5 });

/** Among so many calls there are some that work. */
const SAMPLES = 30_000;
/** Everything by its name; what belongs to no tensor takes one all the same, and forgets it. */
const callable = new Map<string, AnyFunction>([
  ...[...functions, ...others].map(([name, call]): [string, AnyFunction] => [name, (_, ...rest) => call(...rest)]),
  ...[...methods].map(([name, call]): [string, AnyFunction] => [`.${name}`, (x, ...rest) => call.apply(x, rest)]),
]);
/** Shapes that many ops take several tensors of. */
const SHAPES = [null, null, [4], [3, 3], [5, 5], [2, 2, 2], [2, 2, 2, 2]];
/** Gives all tensors among the arguments one shape, and some of them one dtype. */
const alike = (sketches: Sketch[], shape: number[] | null): Sketch[] =>
  sketches.map((sketch, i) =>
    shape === null || sketch.kind !== 'tensor'
      ? sketch
      : { ...sketch, shape, disposed: false, dtype: (i + shape.length) % 3 === 2 ? sketch.dtype : 'float32' },
  );
const calls = fc.record({
  name: fc.constantFrom(...callable.keys()),
  sketches: fc
    .tuple(tensors, args, fc.constantFrom(...SHAPES))
    .map(([self, rest, shape]) => alike([self, ...rest], shape)),
});
type Call = typeof calls extends fc.Arbitrary<infer T> ? T : never;

/** Those calls that gave a result, some of each name. */
async function goodCalls(tried: readonly Call[]): Promise<Call[]> {
  const kept = new Map<string, Call[]>();
  for (const each of tried) {
    const list = kept.get(each.name) ?? [];
    if (list.length > 3) continue;
    const outcome = await attempt(
      backends[0] as BackendName,
      each.name,
      () => each.sketches.map(build),
      callable.get(each.name) as AnyFunction,
    );
    if (outcome.kind !== 'error') kept.set(each.name, [...list, each]);
  }
  return [...kept.values()].flat();
}

/** Searches for its share of the time, or of the runs. */
const search = <T>(property: fc.IAsyncProperty<T>, share: number) =>
  fc.assert(
    property,
    SECONDS > 0
      ? { numRuns: 1e9, interruptAfterTimeLimit: SECONDS * 1000 * share, markInterruptAsFailure: false }
      : { numRuns: RUNS * share },
  );

afterAll(() => setBackend(before));

describe('any arguments, on all backends alike', () => {
  const timeout = SECONDS * 1000 + 120_000;

  // The random generators' state comes into being with their first use, and stays.
  beforeAll(() => {
    for (const backend of backends) {
      setBackend(backend);
      rand(1).dispose();
    }
    process.on('unhandledRejection', own);
  });
  afterAll(() => {
    process.off('unhandledRejection', own);
  });
  /** Promises of hostile arguments that nobody waits for. */
  const own = (reason: unknown) => {
    if (!(reason instanceof OwnError)) throw reason;
  };

  const callsOf = (surface: ReadonlyMap<string, AnyFunction>) =>
    fc.asyncProperty(fc.constantFrom(...surface.keys()), args, (name, sketches) =>
      everywhere(name, () => sketches.map(build), surface.get(name) as AnyFunction),
    );

  test('of calls that are good but for one of them', { timeout }, async () => {
    const good = await goodCalls(fc.sample(calls, { numRuns: SAMPLES, seed: SAMPLES }));
    expect(new Set(good.map(({ name }) => name)).size).toBeGreaterThan(150);
    const spoilt = fc.asyncProperty(
      fc.constantFrom(...good),
      fc.nat(9),
      anythingHostile,
      ({ name, sketches }, at, sketch) =>
        everywhere(
          name,
          () => sketches.toSpliced(1 + (at % sketches.length), at < 8 ? 1 : 0, sketch).map(build),
          callable.get(name) as AnyFunction,
        ),
    );
    await search(spoilt, 0.4);
  });

  test('of functions', { timeout }, async () => {
    expect(functions.size).toBeGreaterThan(100);
    await search(callsOf(functions), 0.2);
  });

  test('of methods', { timeout }, async () => {
    expect(methods.size).toBeGreaterThan(100);
    const onTensors = fc.asyncProperty(fc.constantFrom(...methods.keys()), tensors, args, (name, self, sketches) =>
      everywhere(
        name,
        () => [buildTensor(self), ...sketches.map(build)],
        (tensor, ...rest) => methods.get(name)?.apply(tensor, rest),
      ),
    );
    await search(onTensors, 0.2);
  });

  test('of properties', { timeout }, async () => {
    const settings = fc.asyncProperty(
      fc.constantFrom(...setters),
      tensors,
      anythingHostile,
      (name, self: Sketch, sketch) =>
        everywhere(
          name,
          () => [build(self), build(sketch)],
          (tensor, value) => {
            Reflect.set(tensor as Tensor, name, value);
            return tensor;
          },
        ),
    );
    await search(settings, 0.05);
  });

  test('bytes, whatever holds them', { timeout }, async () => {
    const texts = fc.array(fc.tuple(fc.constantFrom('a', 'b', '\u00e9', '__proto__'), tensors), { maxLength: 3 });
    const files = fc.asyncProperty(texts, fc.nat(40), async (entries, cut) => {
      const alive = entries.map(([key, sketch]): [string, Tensor] => [
        key,
        buildTensor({ ...sketch, disposed: false }),
      ]);
      const whole = encodeSafetensors(Object.fromEntries(alive));
      // Some are cut short.
      const bytes = whole.subarray(0, whole.length - (cut < 4 ? cut : 0));
      const read = (held: unknown) =>
        attempt(backends[0] as BackendName, 'decode', () => [held], decodeSafetensors as AnyFunction);
      const [[, plain], ...others] = holders(bytes) as [[string, unknown], ...[string, unknown][]];
      const want = await read(plain);
      expect(want.kind).toBe(cut < 4 && cut > 0 ? 'error' : 'parts');
      for (const [name, held] of others) expect(difference(want, await read(held), name)).toBe(null);
    });
    await search(files, 0.02);
  });

  test('of everything else that is exported', { timeout }, async () => {
    expect(others.size).toBeGreaterThan(60);
    await search(callsOf(others), 0.13);
  });
});
