/**
 * Levels and lanes: how one tensor stands for many. Every call of `vmap` is a level. While its function runs, memory is made
 * for all examples at once, and a storage knows how far apart they lie: its lanes. Shapes and strides stay those of one example, so
 * ops see nothing of this; `src/tensor/lanes.ts` adds the examples to the records that they emit.
 */
import { Setting } from '../program/setting.ts';

/** One call of `vmap`, with as many examples as its size. Levels have an identity: calls nest. */
export class Level {
  readonly size: number;

  constructor(size: number) {
    this.size = size;
  }
}

/** Bytes from one example to the next, by level. */
export type Lanes = ReadonlyMap<Level, number>;

export const NO_LEVELS: readonly Level[] = [];

const active = new Setting<readonly Level[]>(NO_LEVELS);
let everActive = false;

/** The levels that memory is made for, outermost first. */
export const activeLevels = (): readonly Level[] => active.value;

/** Whether there can be lanes at all: eager training asks often, and mostly there were none. */
export const mayHaveLanes = (): boolean => everActive;

/** Runs `fn` while memory is made for exactly these levels. */
export function withLevels<T>(levels: readonly Level[], fn: () => T): T {
  if (levels === active.value) return fn();
  everActive ||= levels.length > 0;
  return active.during(levels, fn);
}

/** The levels of `first`, then those of `more` that are not among them. */
export function union(first: readonly Level[], more: Iterable<Level>): readonly Level[] {
  let all = first;
  for (const level of more) if (!all.includes(level)) all = [...all, level];
  return all;
}
