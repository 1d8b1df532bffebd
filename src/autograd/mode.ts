/** Whether ops record themselves on the tape. A module of its own because everything asks. */
import { ArgumentError, describe } from '../errors.ts';

let enabled = true;

/** Whether ops are being recorded. */
export const isGradEnabled = (): boolean => enabled;

/** @internal Sets the mode and returns what it was. */
export function setGradEnabled(on: boolean): boolean {
  const before = enabled;
  enabled = on;
  return before;
}

function withMode<T>(op: string, on: boolean, fn: () => T): T {
  if (typeof fn !== 'function') throw new ArgumentError(op, `wants a function, got ${describe(fn)}`);
  const before = setGradEnabled(on);
  let result: T;
  try {
    result = fn();
  } catch (error) {
    setGradEnabled(before);
    throw error;
  }
  if (result instanceof Promise) return result.finally(() => setGradEnabled(before)) as T;
  setGradEnabled(before);
  return result;
}

/** Runs `fn` without recording: results do not require grad. For evaluation and for updating parameters by hand. */
export const noGrad = <T>(fn: () => T): T => withMode('noGrad', false, fn);

/** Runs `fn` with recording on, also inside `noGrad`. */
export const enableGrad = <T>(fn: () => T): T => withMode('enableGrad', true, fn);
