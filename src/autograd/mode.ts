/** Whether ops record themselves on the tape, and who else takes part. A module of its own because everything asks. */
import { ArgumentError, describe } from '../errors.ts';
import type { ElementwiseSpec } from '../ops/elementwise.ts';
import { finished, Setting } from '../program/setting.ts';
import type { Tensor, TensorLike } from '../tensor/tensor.ts';
import type { GraphNode, Vjp } from './node.ts';

/** @internal Looks at what recorded ops compute (`anomaly.ts`). */
export interface Inspector {
  /** An op has been recorded; returns where it was called. */
  made(name: string, outputs: readonly Tensor[]): string;
  /** A node has turned the gradients of its outputs into these of its inputs. */
  passed(op: string, node: GraphNode, grads: readonly (Tensor | null)[]): void;
}

/** @internal The inspector, if any, while a function runs. */
export const inspection: Setting<Inspector | null> = new Setting<Inspector | null>(null);

/** @internal The inspector, if any. */
export const inspector = (): Inspector | null => inspection.value;

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

/** @internal The rules in force, if any, while a function runs. */
export const series: Setting<SeriesRules | null> = new Setting<SeriesRules | null>(null);

/** @internal The rules in force, if any. */
export const seriesRules = (): SeriesRules | null => series.value;

/** @internal Whether ops are being recorded, while a function runs. */
export const gradMode: Setting<boolean> = new Setting(true);

/** Whether ops are being recorded. */
export const isGradEnabled = (): boolean => gradMode.value;

/** @internal Runs a user's function while a setting holds. @throws ArgumentError for what is no function, or goes on after it returned. */
export function duringCall<M, T>(op: string, setting: Setting<M>, value: M, fn: () => T): T {
  if (typeof fn !== 'function') throw new ArgumentError(op, `wants a function, got ${describe(fn)}`);
  return finished(
    op,
    setting.during(value, fn),
    `put ${op}(() => …) around the synchronous parts between one await and the next`,
  );
}

/**
 * Runs `fn` without recording: results do not require grad. For evaluation and for updating parameters by hand.
 * @param fn is done when it returns; around an asynchronous loop, put it into the body: `for await (const x of data) noGrad(() => model(x))`
 * @throws ArgumentError when `fn` is async or a generator, because what it does later would not be part of it
 */
export const noGrad = <T>(fn: () => T): T => duringCall('noGrad', gradMode, false, fn);

/**
 * Runs `fn` with recording on, also inside `noGrad`.
 * @param fn is done when it returns, as in `noGrad`
 * @throws ArgumentError when `fn` is async or a generator
 */
export const enableGrad = <T>(fn: () => T): T => duringCall('enableGrad', gradMode, true, fn);
