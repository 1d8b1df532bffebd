/**
 * Random number generators: a seed and a counter in a tensor of four words, from which the kernels
 * draw by Philox 4×32-10 (`docs/program-format.md`). The same seed gives the same numbers on every backend.
 */
import { type BackendName, getBackend, heapOf } from '../backend/registry.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { expectWritable, inFlight } from '../memory/flight.ts';
import { keep, outsideScopes } from '../memory/scope.ts';
import type { Heap } from '../memory/storage.ts';
import { observer, unobserved } from '../program/observer.ts';
import { allocateOne, expectTensor } from '../tensor/create.ts';
import { dtypeOf, ndimOf, numelOf, shapeOf, storageOf, type Tensor } from '../tensor/tensor.ts';

/** What PyTorch's default generator starts from, too. */
const DEFAULT_SEED = 67280421310721n;
/** Seed (low, high) and counter (low, high). */
const STATE_WORDS = 4;

function checkSeed(op: string, seed: unknown): bigint {
  const whole = typeof seed === 'bigint' || (typeof seed === 'number' && Number.isSafeInteger(seed));
  if (!whole || seed < -(2n ** 63n) || seed >= 2n ** 64n)
    throw new ArgumentError(op, `a seed is a whole number below 2^53, or a bigint of 64 bits, got ${describe(seed)}`);
  return BigInt.asUintN(64, BigInt(seed));
}

/** A fresh seed of 53 bits that cannot be predicted. */
function entropy(): bigint {
  const words = globalThis.crypto?.getRandomValues(new Uint32Array(2));
  if (words === undefined) return BigInt(Math.floor(Math.random() * 2 ** 53));
  return (BigInt(words[1] as number) << 21n) | (BigInt(words[0] as number) >> 11n);
}

/** @internal The state of a generator that kernels of a backend read and advance. */
export let stateOn: (generator: Generator, heap: Heap) => Tensor;

/**
 * A source of random numbers. Pass it as the `generator` option to draw from it instead of the default one.
 *
 * Each backend counts for itself: numbers drawn on one do not move the other.
 */
export class Generator {
  #seed: bigint;
  /** What the state of a backend that has drawn nothing yet starts from. */
  #start: Int32Array;
  readonly #states = new Map<Heap, Tensor>();

  static {
    stateOn = (generator, heap) => generator.#stateOn(heap);
  }

  /** @param seed The same as calling `manualSeed`; without it, the generator starts from a fixed default. */
  constructor(seed: number | bigint = DEFAULT_SEED) {
    observer()?.intervened('Generator', 'a generator was seeded');
    this.#seed = checkSeed('Generator', seed);
    this.#start = wordsOf(this.#seed);
  }

  /** Starts over from a seed: a whole number below 2^53, or a bigint of 64 bits. */
  manualSeed(seed: number | bigint): this {
    observer()?.intervened('manualSeed', 'a generator was seeded');
    const checked = checkSeed('manualSeed', seed);
    this.#expectLanded('manualSeed');
    this.#seed = checked;
    this.#restart(wordsOf(this.#seed));
    return this;
  }

  /** Starts over from a seed that cannot be predicted, and returns it. */
  seed(): bigint {
    this.manualSeed(entropy());
    return this.#seed;
  }

  /** The seed last set. */
  initialSeed(): bigint {
    return this.#seed;
  }

  /** A copy of the state on a backend (the current one by default): an int32 tensor of four elements. */
  getState(backend: BackendName = getBackend()): Tensor {
    if (backend !== 'native' && backend !== 'wasm')
      throw new ArgumentError('getState', `backend is 'native' or 'wasm', got ${describe(backend)}`);
    const heap = heapOf('getState', backend);
    const out = allocateOne('getState', heap, 'int32', [STATE_WORDS]);
    write(out, (this.#states.get(heap)?.data() as Int32Array | undefined) ?? this.#start);
    return out;
  }

  /** Goes on from a state that `getState` returned, on every backend. */
  setState(state: Tensor): this {
    expectTensor('setState', state);
    if (dtypeOf(state) !== 'int32') throw new DTypeError('setState', `wants an int32 tensor, got ${dtypeOf(state)}`);
    if (numelOf(state) !== STATE_WORDS || ndimOf(state) !== 1)
      throw new ShapeError('setState', `wants the shape [${STATE_WORDS}], got ${formatShape(shapeOf(state))}`);
    const words = state.data() as Int32Array;
    this.#expectLanded('setState');
    this.#seed =
      BigInt.asUintN(32, BigInt(words[0] as number)) | (BigInt.asUintN(32, BigInt(words[1] as number)) << 32n);
    this.#restart(words);
    return this;
  }

  /** @throws CompileError while a compiled function draws from it on another thread. */
  #expectLanded(op: string): void {
    if (inFlight()) for (const state of this.#states.values()) expectWritable(op, storageOf(state));
  }

  #restart(words: Int32Array): void {
    this.#start = words;
    // In place: a compiled step goes on reading from the same memory.
    for (const state of this.#states.values()) write(state, words);
  }

  #stateOn(heap: Heap): Tensor {
    const known = this.#states.get(heap);
    if (known) return known;
    const state = unobserved(() => keep(outsideScopes(() => allocateOne('Generator', heap, 'int32', [STATE_WORDS]))));
    unobserved(() => write(state, this.#start));
    this.#states.set(heap, state);
    return state;
  }
}

const write = (state: Tensor, words: Int32Array): void =>
  (storageOf(state).view('int32', 0, STATE_WORDS) as Int32Array).set(words);

function wordsOf(seed: bigint): Int32Array {
  return Int32Array.from([Number(BigInt.asIntN(32, seed)), Number(BigInt.asIntN(32, seed >> 32n)), 0, 0]);
}

/** The generator that everything draws from unless told otherwise. */
export const defaultGenerator: Generator = new Generator();

/** Seeds the default generator: the same seed gives the same numbers, on every backend. */
export function manualSeed(seed: number | bigint): Generator {
  return defaultGenerator.manualSeed(seed);
}

/** @internal The `generator` option, checked. */
export function resolveGenerator(op: string, generator: unknown): Generator {
  if (generator === undefined || generator === null) return defaultGenerator;
  if (generator instanceof Generator) return generator;
  throw new ArgumentError(op, `generator is a Generator, got ${describe(generator)}`);
}
