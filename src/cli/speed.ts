/**
 * How long a training step takes, op by op and compiled, on every backend there is. Measured on fresh models of the run's shape,
 * so that the one that was trained stays as it is; the random stream goes on afterwards as if nothing had been drawn.
 */
import { type BackendName, backendInfo, getBackend, heapOf, setBackend } from '../backend/registry.ts';
import { CotangentError } from '../errors.ts';
import { scope } from '../memory/scope.ts';
import { clone, copy_ } from '../ops/convert.ts';
import { defaultGenerator, stateOn } from '../random/generator.ts';
import { batchAt, evenStarts } from './batches.ts';
import type { Corpus } from './corpus.ts';
import { Gpt } from './gpt.ts';
import type { TrainOptions } from './options.ts';
import { makeOptimizer, makeSteps } from './steps.ts';
import { turn } from './turn.ts';

/** A backend's steps, in milliseconds: the medians of as many of each kind. */
export interface Speed {
  backend: BackendName;
  eager: number;
  compiled: number;
  steps: number;
}

/** What of a run's options decides how long a step takes. */
export type ModelOptions = Pick<TrainOptions, 'batch' | 'context' | 'layers' | 'width' | 'heads' | 'lr'>;

/** Long enough for V8 to have compiled what runs. */
const WARM_UP_MS = 1000;
const MEASURE_MS = 3000;
const MIN_ROUNDS = 2;
const MAX_ROUNDS = 50;

/** Draws of `fn` on a backend's generator leave no trace. */
function withoutDrawing<T>(backend: BackendName, fn: () => T): T {
  const state = stateOn(defaultGenerator, heapOf('speed', backend));
  return scope(() => {
    const before = clone(state);
    try {
      return fn();
    } finally {
      copy_(state, before);
    }
  });
}

/** Calls `fns` in turn, so that a machine that slows down slows all of them, and returns the milliseconds of each call. */
async function timesOf(fns: readonly (() => unknown)[], budget: number, stop: () => boolean): Promise<number[][]> {
  const times = fns.map((): number[] => []);
  const started = performance.now();
  for (let round = 0; round < MAX_ROUNDS && !stop(); round++) {
    if (round >= MIN_ROUNDS && performance.now() - started > budget) break;
    for (const [i, fn] of fns.entries()) {
      const start = performance.now();
      fn();
      times[i]?.push(performance.now() - start);
      await turn();
    }
  }
  return times;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] as number;

/** Measures the backend that is set. Null if `stop` says so in between. */
async function measure(corpus: Corpus, options: ModelOptions, stop: () => boolean): Promise<Speed | null> {
  const { batch, context, lr } = options;
  const backend = getBackend();
  const spread = evenStarts(corpus.train, batch, context);
  const starts = Array.from({ length: batch }, (_, i) => spread[i % spread.length] as number);
  const runs = [false, true].map((compiled) => {
    const model = withoutDrawing(backend, () => new Gpt({ ...options, vocabulary: corpus.vocabulary.size }));
    return makeSteps(model, makeOptimizer(model, lr), compiled);
  });
  try {
    const calls = runs.map((run) => () => run.train(() => batchAt(corpus.train, starts, context)));
    await timesOf(calls, WARM_UP_MS, stop);
    const [eager, compiled] = (await timesOf(calls, MEASURE_MS, stop)) as [number[], number[]];
    if (stop() || compiled.length === 0) return null;
    return { backend, eager: median(eager), compiled: median(compiled), steps: compiled.length };
  } finally {
    for (const run of runs) run.dispose();
  }
}

/**
 * Measures on every backend there is. What ran out of memory or was stopped is left out.
 * @param onBackend Told which backend is next.
 */
export async function measureSpeed(
  corpus: Corpus,
  options: ModelOptions,
  stop: () => boolean,
  onBackend: (backend: BackendName) => void,
): Promise<Speed[]> {
  const { backend: chosen, available } = backendInfo();
  const measured: Speed[] = [];
  try {
    for (const backend of ['native', 'wasm'] as const) {
      if (!available[backend].ok || stop()) continue;
      onBackend(backend);
      setBackend(backend);
      const speed = await measure(corpus, options, stop).catch((error: unknown) => {
        if (error instanceof CotangentError) return null;
        throw error;
      });
      if (speed !== null) measured.push(speed);
    }
  } finally {
    setBackend(chosen);
  }
  return measured;
}
