/** Optimizers: `new AdamW(model.parameters(), { lr: 3e-4 })`, then `zeroGrad`, `backward`, `step`. Start with `optimizer.ts`. */
export { Adam, type AdamOptions, AdamW } from './adam.ts';
export type { Parameters } from './arguments.ts';
export { type ClipOptions, clipGradNorm, clipGradValue } from './clip.ts';
export { type BaseOptions, type GroupOptions, Optimizer, type ParamGroup } from './optimizer.ts';
export { SGD, type SGDOptions } from './sgd.ts';
export type { OptimizerStateDict } from './state.ts';
