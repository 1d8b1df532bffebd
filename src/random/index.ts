/** Random numbers: generators, and tensors drawn from them. In-place fills and `dropout` are ops, in `src/ops/random.ts`. */
export {
  type RandomTensorOptions,
  rand,
  randint,
  randintLike,
  randLike,
  randn,
  randnLike,
  randperm,
} from './create.ts';
export { defaultGenerator, Generator, manualSeed } from './generator.ts';
