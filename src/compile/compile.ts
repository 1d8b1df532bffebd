/**
 * `compile(fn)`: a function that is run once and recorded, and from then on replayed. Start here; `compiled.ts` finds a call's
 * recording, `recording.ts` makes one, `replay.ts` runs one, `program.ts` is what runs. docs/compile.md says what users may expect.
 */
import { ArgumentError, CompileError, describe } from '../errors.ts';
import { checkOptions } from '../tensor/options.ts';
import { type AsyncOptions, CompiledFunction } from './compiled.ts';
import type { Program } from './view.ts';

/** Options of `compile`. */
export interface CompileOptions {
  /** For messages; the function's own name by default. */
  name?: string;
  /** How many programs are kept, for calls of different signatures: 8 by default. */
  cacheSize?: number;
  /** Return the same tensors from every call, with new contents, so that a call allocates nothing. */
  reuseOutputs?: boolean;
  /** Time every record: see `program.trace()`. Slower. */
  profile?: boolean;
}

/** A function that runs as one program. */
export interface Compiled<A extends unknown[], R> {
  /** Runs one step: records it the first time, and whenever the arguments are of a new kind. */
  (...args: A): R;
  /**
   * Runs `n` steps on the same arguments without coming back in between, and returns the last results.
   * @throws ArgumentError unless n is a positive whole number.
   */
  repeat(n: number, ...args: A): R;
  /**
   * Runs one step on another thread. Calls that overlap run one after the other. Until the promise settles nothing else may change
   * what the step uses (arguments, parameters, gradients, random state), nor read what it changes: that is a CompileError which says
   * what to await.
   */
  runAsync(...args: [...A] | [...A, AsyncOptions]): Promise<R>;
  /** Runs `n` steps on another thread, as `runAsync`. */
  repeatAsync(n: number, ...args: [...A] | [...A, AsyncOptions]): Promise<R>;
  /** How many times it was recorded. */
  readonly recordings: number;
  /** The programs that are kept, the one used last at the end. */
  readonly programs: readonly Program[];
  /** The program that ran last. @throws CompileError before the first call. */
  readonly program: Program;
  /** Frees the programs and their memory. The next call records again. */
  dispose(): void;
}

const OPTIONS = ['name', 'cacheSize', 'reuseOutputs', 'profile'] as const;
const CACHE_SIZE = 8;

function checkCount(name: string, method: string, n: unknown): number {
  if (typeof n !== 'number' || !Number.isInteger(n) || n < 1 || n > 2 ** 31 - 1)
    throw new ArgumentError(name, `${method} wants a positive whole number of steps, got ${describe(n)}`);
  return n;
}

/**
 * A function that is run once and recorded, and from then on replayed by one call of the backend: forward, backward and optimizer
 * together. See docs/compile.md for what is bound when, and for what cannot be recorded.
 * @param fn takes tensors, nested structures of them, and plain values; returns the like
 * @throws ArgumentError for what is no function and for unknown options; when it is called, CompileError for what cannot be recorded.
 * @example
 * const step = compile((x: Tensor, y: Tensor) => {
 *   optimizer.zeroGrad();
 *   const loss = crossEntropy(model(x), y);
 *   loss.backward();
 *   optimizer.step();
 *   return loss;
 * });
 */
export function compile<A extends unknown[], R>(fn: (...args: A) => R, options?: CompileOptions): Compiled<A, R> {
  if (typeof fn !== 'function') throw new ArgumentError('compile', `wants a function, got ${describe(fn)}`);
  const given = checkOptions('compile', options, OPTIONS);
  const {
    name = fn.name === '' ? 'step' : fn.name,
    cacheSize = CACHE_SIZE,
    reuseOutputs = false,
    profile = false,
  } = given;
  if (typeof name !== 'string') throw new ArgumentError('compile', `name is a string, got ${describe(name)}`);
  if (typeof cacheSize !== 'number' || !Number.isInteger(cacheSize) || cacheSize < 1)
    throw new ArgumentError('compile', `cacheSize is a positive whole number, got ${describe(cacheSize)}`);
  for (const [key, value] of Object.entries({ reuseOutputs, profile }))
    if (typeof value !== 'boolean') throw new ArgumentError('compile', `${key} is a boolean, got ${describe(value)}`);
  const compiled = new CompiledFunction(fn as (...args: never[]) => unknown, {
    name,
    cacheSize,
    reuseOutputs: reuseOutputs === true,
    profile: profile === true,
  });
  // One array serves every call: V8 does not make the array of the arguments where it is only read.
  const own: unknown[] = [];
  const step = (...args: A) => {
    compiled.expectFree();
    own.length = args.length;
    for (let i = 0; i < args.length; i++) own[i] = args[i];
    return compiled.call(1, own);
  };
  return Object.defineProperties(step, {
    repeat: { value: (n: unknown, ...args: A) => compiled.call(checkCount(name, 'repeat', n), args) },
    runAsync: { value: async (...args: unknown[]) => compiled.callLater('runAsync', 1, args) },
    repeatAsync: {
      value: async (n: unknown, ...args: unknown[]) =>
        compiled.callLater('repeatAsync', checkCount(name, 'repeatAsync', n), args),
    },
    recordings: { get: () => compiled.recordings },
    programs: { get: () => compiled.programs.map(({ view }) => view) },
    program: {
      get: () => {
        const program = compiled.programs.at(-1);
        if (program === undefined) throw new CompileError(name, 'has no program yet: call it first');
        return program.view;
      },
    },
    dispose: { value: () => compiled.dispose() },
  }) as unknown as Compiled<A, R>;
}
