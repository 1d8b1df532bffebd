/** What is behind the function that `compile` returns: a cache of recordings, and how calls find theirs and run it. */
import { platform } from '#platform';
import { gradMode, isGradEnabled } from '../autograd/mode.ts';
import { CompileError } from '../errors.ts';
import { Flight, inFlight, inTurn } from '../memory/flight.ts';
import { activeLevels } from '../memory/lanes.ts';
import { outsideScopes, scope } from '../memory/scope.ts';
import type { Storage } from '../memory/storage.ts';
import { observer } from '../program/observer.ts';
import { storageOf, type Tensor } from '../tensor/tensor.ts';
import type { AbortSignalLike } from '../webtypes.ts';
import type { Entry } from './entry.ts';
import { handBack, holds } from './handles.ts';
import type { BuildOptions, Program } from './program.ts';
import { expectFinished, record } from './recording.ts';
import { bind, declare, discard, expectLanded, fits, freshResults, reason, resultOf, settle } from './replay.ts';
import { matches, rebuild, specOf, tensorSpecs } from './signature.ts';

/** Settings of a compiled function. */
export interface Settings {
  readonly name: string;
  readonly cacheSize: number;
  readonly reuseOutputs: boolean;
  readonly profile: boolean;
}

/** What `repeatAsync` and `runAsync` may end with. */
export interface AsyncOptions {
  /** Steps that have begun are finished; no further ones begin. */
  signal: AbortSignalLike;
}

/** How a call on another thread runs. */
interface Turn {
  readonly signal: AbortSignalLike | null;
  /** Whether gradients were recorded where it was called. */
  readonly recorded: boolean;
  readonly flight: Flight;
}

const NO_STORAGES: readonly Storage[] = [];

/** Programs on other threads run one after the other: two steps that share parameters must not overlap. */
let queue: Promise<unknown> = Promise.resolve();

export class CompiledFunction {
  readonly #fn: (...args: never[]) => unknown;
  readonly #options: Settings;
  /** From least to most recently used. */
  readonly #entries: Entry[] = [];
  readonly #tensors: Tensor[] = [];
  #warned = false;
  #recording = false;
  #queued = 0;
  recordings = 0;

  constructor(fn: (...args: never[]) => unknown, options: Settings) {
    this.#fn = fn;
    this.#options = options;
  }

  get programs(): Program[] {
    return this.#entries.flatMap(({ program }) => (program === null ? [] : [program]));
  }

  /** @throws CompileError when the function is called from inside itself. */
  expectFree(): void {
    if (this.#recording) throw new CompileError(this.#options.name, 'calls itself while it is being recorded');
  }

  /** Runs `count` steps now. Inside `vmap` they run op by op, inside another compiled function they are part of what is recorded there. */
  call(count: number, args: readonly unknown[]): unknown {
    this.expectFree();
    if (observer() !== null || activeLevels().length > 0) return this.#inline(count, args);
    if (this.#queued > 0)
      throw new CompileError(this.#options.name, 'is running on another thread; await its promise first');
    return this.#step(count, args);
  }

  /** Runs the function as it is. */
  #inline(count: number, args: readonly unknown[]): unknown {
    let result: unknown;
    for (let i = 0; i < count; i++) result = this.#guarded(() => this.#fn(...(args as never[])));
    expectFinished(this.#options.name, result);
    return result;
  }

  /** Runs `count` steps on another thread, when all calls before this one are done. */
  callLater(method: string, count: number, args: readonly unknown[]): Promise<unknown> {
    const { name } = this.#options;
    if (observer() !== null || activeLevels().length > 0)
      throw new CompileError(
        name,
        'cannot run on another thread inside a function that is being recorded, or inside vmap',
      );
    const last = args.at(-1);
    const signal = isAsyncOptions(last) ? last.signal : null;
    // The caller may free its tensors before their turn comes.
    const tensors: Tensor[] = [];
    const spec = specOf(name, signal === null ? args : args.slice(0, -1), tensors);
    const held = outsideScopes(() => holds(tensorSpecs(spec), tensors));
    const own = rebuild(spec, held) as unknown[];
    const flight = this.#board(new Flight(name, method), own, held);
    this.#queued++;
    const recorded = isGradEnabled();
    const turn = queue.then(() => this.#stepLater(count, own, { signal, recorded, flight }));
    const returned = new Set<Tensor>();
    const settled = turn
      .then((result) => handBack(result, held, tensors, returned))
      .finally(() => {
        this.#queued--;
        flight.land();
        for (const [i, tensor] of held.entries()) if (tensor !== tensors[i] && !returned.has(tensor)) tensor.dispose();
      });
    // What waits for its turn has no business with results.
    queue = settled.then(
      () => {},
      () => {},
    );
    return settled;
  }

  /** What a call will use, as far as it can be known before its turn: its arguments, and what the programs that are likely to run do. */
  #board(flight: Flight, args: readonly unknown[], tensors: readonly Tensor[]): Flight {
    for (const tensor of tensors) flight.use(storageOf(tensor), false);
    const found: Tensor[] = [];
    for (const entry of this.#entries) if (matches(entry.spec, args, found)) declare(entry, found, flight);
    return flight;
  }

  dispose(): void {
    if (this.#queued > 0)
      throw new CompileError(this.#options.name, 'is running on another thread; await its promise first');
    for (const entry of this.#entries.splice(0)) release(entry);
  }

  #guarded<T>(fn: () => T): T {
    this.#recording = true;
    try {
      return fn();
    } finally {
      this.#recording = false;
    }
  }

  /** The entry that a call may run; null when it is to be recorded. */
  #find(args: readonly unknown[]): Entry | null {
    const entries = this.#entries;
    for (let i = entries.length - 1; i >= 0; i--) {
      const entry = entries[i] as Entry;
      if (!fits(entry, args, this.#tensors)) continue;
      if (i < entries.length - 1) entries.push(...entries.splice(i, 1));
      return entry;
    }
    return null;
  }

  #record(args: readonly unknown[]): unknown {
    const { name, cacheSize, reuseOutputs } = this.#options;
    const last = this.#entries.at(-1);
    const why = last === undefined ? null : reason(last, args, 'arguments');
    const debug = platform.debugs('compile');
    const { entry, result } = this.#guarded(() => record(this.#fn, args, { name, reuseOutputs, debug, ...testing }));
    this.recordings++;
    this.#entries.push(entry);
    if (this.#entries.length > cacheSize) release(this.#entries.shift() as Entry);
    if (debug)
      console.error(
        `compile: recording ${this.recordings} of ${name}${why ? ` (${why})` : ''}\n${entry.program?.report ?? ''}`,
      );
    if (!this.#warned && this.recordings > cacheSize && why !== null) {
      this.#warned = true;
      console.warn(
        `cotangent: the compiled function '${name}' was recorded ${this.recordings} times, the last time because ${why}. Recording is ` +
          'much slower than running: keep shapes and plain values the same, or make numbers that change tensors.',
      );
    }
    return result;
  }

  #step(count: number, args: readonly unknown[]): unknown {
    let left = count;
    for (;;) {
      const entry = this.#find(args);
      if (entry === null) {
        if (--left === 0) return this.#record(args);
        scope(() => void this.#record(args));
        continue;
      }
      const several = together(left, count);
      if (inFlight()) expectLanded(this.#options.name, entry, this.#tensors);
      const fresh = this.#prepare(entry);
      try {
        if (this.#options.profile) for (let i = 0; i < several; i++) entry.program?.runTimed();
        else entry.program?.run(several);
      } catch (error) {
        discard(entry, fresh);
        throw error;
      }
      settle(entry, this.#tensors);
      left -= several;
      if (left === 0) return resultOf(entry, this.#tensors, fresh);
      discard(entry, fresh);
    }
  }

  async #stepLater(count: number, args: readonly unknown[], { signal, recorded, flight }: Turn): Promise<unknown> {
    // Between two runs nothing else has its turn, so that what waits is not in the way.
    const now = <T>(fn: () => T): T => inTurn(() => gradMode.during(recorded, fn));
    let left = count;
    for (;;) {
      signal?.throwIfAborted();
      const entry = now(() => this.#find(args));
      if (entry === null) {
        if (--left === 0) return now(() => this.#record(args));
        scope(() => void now(() => this.#record(args)));
        continue;
      }
      const several = together(left, count);
      const fresh = this.#prepare(entry);
      declare(entry, this.#tensors, flight);
      try {
        left -= entry.program === null ? several : await entry.program.runAsync(several, signal);
      } catch (error) {
        discard(entry, fresh);
        throw error;
      }
      now(() => settle(entry, this.#tensors));
      if (left === 0) return now(() => resultOf(entry, this.#tensors, fresh));
      discard(entry, fresh);
    }
  }

  #prepare(entry: Entry): readonly Storage[] {
    bind(entry, this.#tensors);
    return entry.slots.length === 0 ? NO_STORAGES : freshResults(entry);
  }
}

/**
 * How many of the steps that are left may run in one go. The first run by itself: it may leave gradients behind that call for
 * another program. What still fits after that fits for ever.
 */
const together = (left: number, count: number): number => (left === count ? 1 : left);

function isAsyncOptions(value: unknown): value is AsyncOptions {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false;
  const keys = Object.keys(value);
  return keys.length === 1 && (value as { signal?: unknown }).signal instanceof AbortSignal;
}

function release({ program, pins, gradStorages }: Entry): void {
  program?.dispose();
  for (const storage of [...pins, ...gradStorages]) storage.unpin();
}

/** What tests add to every recording. */
let testing: BuildOptions = {};

/** @internal Sets how programs are built from now on, for tests. */
export function setBuildOptions(options: BuildOptions): void {
  testing = options;
}
