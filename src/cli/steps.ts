/** What a run does over and over: a step of training, and the loss of a batch. Each is one function of a batch, compiled or not. */
import { noGrad } from '../autograd/mode.ts';
import { compile } from '../compile/compile.ts';
import { scope } from '../memory/scope.ts';
import { crossEntropy } from '../ops/loss.ts';
import { reshape } from '../ops/view.ts';
import { AdamW, clipGradNorm } from '../optim/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Batch } from './batches.ts';
import type { Gpt } from './gpt.ts';

// β₂ below Adam's usual 0.999 because a run has only hundreds of steps (nanoGPT, config/train_shakespeare_char.py).
const BETAS: [number, number] = [0.9, 0.99];
const WEIGHT_DECAY = 0.1;
const MAX_GRAD_NORM = 1;

export const makeOptimizer = (model: Gpt, lr: number): AdamW =>
  new AdamW(model.parameters(), { lr, betas: BETAS, weightDecay: WEIGHT_DECAY });

/** Losses are in nats per character. Whatever a call makes is freed when it returns, the batch included. */
export interface Steps {
  /** Forward, backward, clipping, update. The loss is that before the update. */
  train(makeBatch: () => Batch): number;
  /** The loss alone. */
  loss(makeBatch: () => Batch): number;
  /** Frees what the programs hold. */
  dispose(): void;
}

export function makeSteps(model: Gpt, optimizer: AdamW, compiled: boolean): Steps {
  const lossOf = ({ inputs, targets }: Batch): Tensor => {
    const logits = model(inputs);
    return crossEntropy(reshape(logits, [-1, logits.shape.at(-1) as number]), reshape(targets, [-1]));
  };
  const trainStep = (batch: Batch): Tensor => {
    const loss = lossOf(batch);
    optimizer.zeroGrad();
    loss.backward();
    clipGradNorm(model.parameters(), MAX_GRAD_NORM);
    optimizer.step();
    return loss;
  };
  const evaluation = (batch: Batch): Tensor => noGrad(() => lossOf(batch));

  const number = (step: (batch: Batch) => Tensor) => (makeBatch: () => Batch) => scope(() => step(makeBatch()).item());
  if (!compiled) return { train: number(trainStep), loss: number(evaluation), dispose: () => {} };
  const programs = [trainStep, evaluation].map((step) => compile(step, { reuseOutputs: true }));
  const [train, loss] = programs.map(number) as [Steps['train'], Steps['loss']];
  return {
    train,
    loss,
    dispose: () => {
      for (const program of programs) program.dispose();
    },
  };
}
