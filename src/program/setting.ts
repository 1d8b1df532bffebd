/**
 * Settings that hold while a function runs: whether gradients are recorded, who watches, which levels memory is made for. Each
 * is a stack. An entry is closed by what lies below it, together with whatever may still lie above, so that neither errors nor a
 * stack that overflows leave one behind. That is right because functions are done when they return: those that go on later
 * (`async`, generators) are refused, the same way everywhere.
 */
import { ArgumentError } from '../errors.ts';

interface Entry<T> {
  value: T;
  readonly below: Entry<T> | null;
}

export class Setting<T> {
  readonly #bottom: Entry<T>;
  #top: Entry<T>;

  constructor(initial: T) {
    this.#bottom = { value: initial, below: null };
    this.#top = this.#bottom;
  }

  /** Sets what holds while no function runs that says otherwise. */
  set initial(value: T) {
    this.#bottom.value = value;
  }

  /** What holds at present. */
  get value(): T {
    return this.#top.value;
  }

  /** Runs `fn`, which must be done when it returns, while `value` holds. */
  during<R>(value: T, fn: () => R): R {
    const entry = { value, below: this.#top };
    this.#top = entry;
    try {
      return fn();
    } finally {
      // No call here: it would be the one that overflows the stack.
      this.#top = entry.below;
    }
  }
}

const nothing = (): void => {};

/** An error that the promise ends with, of whatever realm it is, ends nothing else. Anything but a promise is left alone. */
export function silence(value: unknown): void {
  try {
    Promise.prototype.then.call(value as Promise<unknown>, nothing, nothing);
  } catch {
    // No promise. What else has a `then` may begin its work when that is called.
  }
}

const isObject = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

const has = (value: object, method: string): boolean =>
  typeof (value as Record<string, unknown>)[method] === 'function';

/** Whether a value is a promise, or passes for one. */
export const isThenable = (value: unknown): value is PromiseLike<unknown> => isObject(value) && has(value, 'then');

/** What kind of value has its function's work still to do, in words; null for any other. */
export function unfinished(value: unknown): string | null {
  if (!isObject(value)) return null;
  if (has(value, 'then')) return 'a promise';
  return has(value, 'next') && has(value, 'throw') ? 'a generator' : null;
}

/**
 * The result of a user's function that ran in the name of `op`.
 * @param advice what to do instead, for the message
 * @throws ArgumentError when the function only began: what it does later would happen outside
 */
export function finished<T>(op: string, result: T, advice: string): T {
  const kind = unfinished(result);
  if (kind === null) return result;
  silence(result);
  throw new ArgumentError(
    op,
    `wants a synchronous function, got one that returns ${kind}, whose work would go on after ${op} has ended: ${advice}`,
  );
}
