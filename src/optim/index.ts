/** Optimizers: `new AdamW(model.parameters(), { lr: 3e-4 })`, then `zeroGrad`, `backward`, `step`. Start with `optimizer.ts`. */
export { Adagrad, type AdagradOptions } from './adagrad.ts';
export { Adam, type AdamOptions, AdamW } from './adam.ts';
export type { Parameters } from './arguments.ts';
export { type ClipOptions, clipGradNorm, clipGradValue } from './clip.ts';
export { LBFGS, type LBFGSOptions } from './lbfgs.ts';
export {
  type LeastSquaresResult,
  leastSquares,
  type MinimizeMethod,
  type MinimizeOptions,
  minimize,
} from './minimize/minimize.ts';
export type { Evaluations, ObjectiveFunction, Point } from './minimize/objective.ts';
export type { IterationOptions, MinimizeResult, MinimizeStep, StopReason } from './minimize/run.ts';
export { type BaseOptions, type GroupOptions, Optimizer, type ParamGroup } from './optimizer.ts';
export { RMSprop, type RMSpropOptions } from './rmsprop.ts';
export { SGD, type SGDOptions } from './sgd.ts';
export type { OptimizerStateDict } from './state.ts';
