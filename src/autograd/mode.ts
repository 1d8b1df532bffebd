/** Whether ops record themselves on the tape, and who else takes part. A module of its own because everything asks. */
import { ArgumentError, describe } from '../errors.ts';
import type { ElementwiseSpec } from '../ops/elementwise.ts';
import type { Tensor, TensorLike } from '../tensor/tensor.ts';
import type { GraphNode, Vjp } from './node.ts';

/** @internal Looks at what recorded ops compute (`anomaly.ts`). */
export interface Inspector {
  /** An op has been recorded; returns where it was called. */
  made(name: string, outputs: readonly Tensor[]): string;
  /** A node has turned the gradients of its outputs into these of its inputs. */
  passed(op: string, node: GraphNode, grads: readonly (Tensor | null)[]): void;
}

let looking: Inspector | null = null;

/** @internal The inspector, if any. */
export const inspector = (): Inspector | null => looking;

/** @internal Sets the inspector and returns who was before. */
export function setInspector(next: Inspector | null): Inspector | null {
  const before = looking;
  looking = next;
  return before;
}

/** @internal Carries power series along with tensors (`jets.ts`). */
export interface SeriesRules {
  /** An elementwise op was computed. */
  elementwise(spec: ElementwiseSpec, inputs: readonly TensorLike[], out: Tensor, params: readonly number[]): void;
  /** Another op was computed. */
  structured(
    inputs: readonly (TensorLike | null | undefined)[],
    outputs: readonly Tensor[],
    saved: readonly Tensor[],
    vjp: Vjp,
  ): void;
  /** A tensor is about to be changed in place. */
  inPlace(): void;
}

let rules: SeriesRules | null = null;

/** @internal The rules in force, if any. */
export const seriesRules = (): SeriesRules | null => rules;

/** @internal Sets the rules and returns those before. */
export function setSeriesRules(next: SeriesRules | null): SeriesRules | null {
  const before = rules;
  rules = next;
  return before;
}

let enabled = true;

/** Whether ops are being recorded. */
export const isGradEnabled = (): boolean => enabled;

/** @internal Sets the mode and returns what it was. */
export function setGradEnabled(on: boolean): boolean {
  const before = enabled;
  enabled = on;
  return before;
}

/** @internal Runs `fn`, which may be async, in a mode: `set` starts it and returns what was before, `restore` goes back to that. */
export function during<M, T>(set: () => M, restore: (before: M) => void, fn: () => T): T {
  const before = set();
  let result: T;
  try {
    result = fn();
  } catch (error) {
    restore(before);
    throw error;
  }
  if (result instanceof Promise) return result.finally(() => restore(before)) as T;
  restore(before);
  return result;
}

function withMode<T>(op: string, on: boolean, fn: () => T): T {
  if (typeof fn !== 'function') throw new ArgumentError(op, `wants a function, got ${describe(fn)}`);
  return during(() => setGradEnabled(on), setGradEnabled, fn);
}

/** Runs `fn` without recording: results do not require grad. For evaluation and for updating parameters by hand. */
export const noGrad = <T>(fn: () => T): T => withMode('noGrad', false, fn);

/** Runs `fn` with recording on, also inside `noGrad`. */
export const enableGrad = <T>(fn: () => T): T => withMode('enableGrad', true, fn);
