/**
 * The training loop of a language model: batches, learning rate, steps, validation. Knows nothing of
 * terminals and files; who wants to watch passes `onStep`.
 */
import { noGrad } from '../autograd/mode.ts';
import { scope } from '../memory/scope.ts';
import { crossEntropy } from '../ops/loss.ts';
import { reshape } from '../ops/view.ts';
import { AdamW, clipGradNorm } from '../optim/index.ts';
import { Generator } from '../random/generator.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type Batch, batchAt, drawStarts, evenStarts } from './batches.ts';
import type { Corpus } from './corpus.ts';
import type { Gpt } from './gpt.ts';

export interface TrainerSettings {
  steps: number;
  batch: number;
  context: number;
  lr: number;
  seed: number;
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

// β₂ below Adam's usual 0.999 because a run has only hundreds of steps (nanoGPT, config/train_shakespeare_char.py).
const BETAS: [number, number] = [0.9, 0.99];
const WEIGHT_DECAY = 0.1;
const MAX_GRAD_NORM = 1;
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

export const makeOptimizer = (model: Gpt, lr: number): AdamW =>
  new AdamW(model.parameters(), { lr, betas: BETAS, weightDecay: WEIGHT_DECAY });

function lossOf(model: Gpt, { inputs, targets }: Batch): Tensor {
  const logits = model(inputs);
  return crossEntropy(reshape(logits, [-1, logits.shape.at(-1) as number]), reshape(targets, [-1]));
}

/** One step on one batch: forward, backward, clipping, update. Returns the loss before the update. */
export function trainStep(model: Gpt, optimizer: AdamW, makeBatch: () => Batch): number {
  return scope(() => {
    const loss = lossOf(model, makeBatch());
    optimizer.zeroGrad();
    loss.backward();
    clipGradNorm(model.parameters(), MAX_GRAD_NORM);
    optimizer.step();
    return loss.item();
  });
}

/** Mean loss over at most `sequences` sequences that cover the data evenly. */
export function evaluate(model: Gpt, data: Int32Array, settings: TrainerSettings, sequences: number): number {
  const { batch, context } = settings;
  const starts = evenStarts(data, sequences, context);
  model.eval();
  let sum = 0;
  for (let at = 0; at < starts.length; at += batch) {
    const some = starts.slice(at, at + batch);
    sum += some.length * scope(() => noGrad(() => lossOf(model, batchAt(data, some, context)).item()));
  }
  model.train();
  return sum / starts.length;
}

/** Lets signals and timers have their turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

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
  const every = Math.max(1, Math.round(steps / CHECKS));
  const history: History = { train: [], validation: [], seconds: 0, interrupted: false };
  const check = (step: number, sequences: number) =>
    history.validation.push({ step, loss: evaluate(model, corpus.validation, settings, sequences) });

  check(0, CHECK_SEQUENCES);
  let done = 0;
  while (done < steps) {
    const start = performance.now();
    for (const group of optimizer.paramGroups) group.lr = learningRate(done, settings);
    const loss = trainStep(model, optimizer, () =>
      batchAt(corpus.train, drawStarts(corpus.train, batch, context, generator), context),
    );
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
}
