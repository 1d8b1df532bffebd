/**
 * Who watches what happens to tensors: at most one recorder at a time (`src/compile/recorder.ts`). A module of its own,
 * which imports next to nothing, because memory, tensors, modules and optimizers all report here.
 */
import type { Storage } from '../memory/storage.ts';
import type { Instruction } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Setting } from './setting.ts';

export interface Observer {
  /** Tells memory made while this observer watches from all other; never 0. */
  readonly serial: number;
  /** Instructions of `op` are about to run. */
  emitted(op: string, storage: Storage['heap'], instructions: readonly Instruction[]): void;
  /** JavaScript is about to read the tensor's elements. */
  reading(op: string, tensor: Tensor): void;
  /** JavaScript is about to change something that ops depend on and that is no tensor op: `what` happens. */
  intervened(op: string, what: string): void;
  /** JavaScript gets a view of the memory, most likely to write to it. */
  viewed(storage: Storage): void;
  /** `tensor.grad` was read. */
  gradRead(tensor: Tensor, value: Tensor | null): void;
  /** `tensor.grad` is about to be replaced; `drops`: what it was is disposed of. */
  gradWritten(tensor: Tensor, drops: boolean): void;
  /** The outcome depends on something that may change between calls: `changed` says what did, or returns null. */
  guard(key: object, changed: () => () => string | null): void;
}

const watching = new Setting<Observer | null>(null);

/** The observer, if any. */
export const observer = (): Observer | null => watching.value;

/** Tells `watcher` what happens outside `observed`, for tests. */
export function watch(watcher: Observer | null): void {
  watching.initial = watcher;
}

/** Runs `fn` while `watcher` is told what happens; null tells nobody. */
export const observed = <T>(watcher: Observer | null, fn: () => T): T => watching.during(watcher, fn);

/** Runs `fn` unobserved: what it makes and does is state that outlives the recording, and happens once. */
export const unobserved = <T>(fn: () => T): T => observed(null, fn);
