/**
 * The training loop of a language model: batches, learning rate, steps, validation. Knows nothing of
 * terminals and files; who wants to watch passes `onStep`.
 */
import { Generator } from '../random/generator.ts';
import { batchAt, drawStarts, evenStarts } from './batches.ts';
import type { Corpus } from './corpus.ts';
import type { Gpt } from './gpt.ts';
import { makeOptimizer, makeSteps, type Steps } from './steps.ts';
import { turn } from './turn.ts';

export interface TrainerSettings {
  steps: number;
  batch: number;
  context: number;
  lr: number;
  seed: number;
  /** Whether steps are recorded once and replayed, or done op by op. The losses are the same. */
  compile: boolean;
}

/** A loss in nats per character after so many steps. */
export interface Point {
  step: number;
  loss: number;
}

export interface History {
  /** The loss of each step's batch. */
  train: Point[];
  validation: Point[];
  /** Time of the steps alone, without validation. */
  seconds: number;
  interrupted: boolean;
}

const WARM_UP_SHARE = 0.05;
const FINAL_LR_SHARE = 0.05;
/** How often the validation loss is measured during a run, and on how many sequences. */
const CHECKS = 10;
const CHECK_SEQUENCES = 64;
const FINAL_SEQUENCES = 512;

/** Linear warm-up, then half a cosine down to a small share of the peak (Loshchilov and Hutter 2017, without restarts). */
export function learningRate(step: number, { steps, lr }: Pick<TrainerSettings, 'steps' | 'lr'>): number {
  const warmUp = Math.max(1, Math.round(steps * WARM_UP_SHARE));
  if (step < warmUp) return (lr * (step + 1)) / warmUp;
  const done = (step - warmUp) / Math.max(1, steps - warmUp);
  return lr * (FINAL_LR_SHARE + ((1 - FINAL_LR_SHARE) * (1 + Math.cos(Math.PI * done))) / 2);
}

/** Mean loss over at most `sequences` sequences that cover the data evenly. */
function evaluate(model: Gpt, run: Steps, data: Int32Array, settings: TrainerSettings, sequences: number): number {
  const { batch, context } = settings;
  const starts = evenStarts(data, sequences, context);
  model.eval();
  let sum = 0;
  for (let at = 0; at < starts.length; at += batch) {
    const some = starts.slice(at, at + batch);
    sum += some.length * run.loss(() => batchAt(data, some, context));
  }
  model.train();
  return sum / starts.length;
}

/** Trains until all steps are done or `stop` says so; the step in progress is always finished. */
export async function train(
  model: Gpt,
  corpus: Corpus,
  settings: TrainerSettings,
  stop: () => boolean,
  onStep: (history: History) => void,
): Promise<History> {
  const { steps, batch, context, seed } = settings;
  const generator = new Generator(seed);
  const optimizer = makeOptimizer(model, settings.lr);
  const run = makeSteps(model, optimizer, settings.compile);
  const every = Math.max(1, Math.round(steps / CHECKS));
  const history: History = { train: [], validation: [], seconds: 0, interrupted: false };
  const check = (step: number, sequences: number) =>
    history.validation.push({ step, loss: evaluate(model, run, corpus.validation, settings, sequences) });
  try {
    check(0, CHECK_SEQUENCES);
    let done = 0;
    while (done < steps) {
      const start = performance.now();
      for (const group of optimizer.paramGroups) group.lr = learningRate(done, settings);
      const loss = run.train(() => batchAt(corpus.train, drawStarts(corpus.train, batch, context, generator), context));
      history.seconds += (performance.now() - start) / 1000;
      history.train.push({ step: ++done, loss });
      if (done < steps && done % every === 0) check(done, CHECK_SEQUENCES);
      onStep(history);
      await turn();
      if (stop()) break;
    }
    history.interrupted = done < steps;
    check(done, FINAL_SEQUENCES);
    return history;
  } finally {
    run.dispose();
  }
}
