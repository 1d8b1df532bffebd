/**
 * Arrays that user code hands in. They are copied before anything is checked: an array may be sparse, change between two looks
 * (getters, proxies, buffers that shrink), or have an iterator, a map or a length of its own. What is checked is what is used.
 */
import { ArgumentError, describe } from '../errors.ts';
import { isTypedArray, plainArray } from './bytes.ts';

/** Entries that a list may have: more than any list of sizes, dimensions or tensors that fits into memory. */
const MOST = 2 ** 26;

/** Whether a value is an array, also of another realm. A revoked proxy is none. */
export function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/**
 * The entries of a list, each read once by its index; a hole is undefined.
 * @throws ArgumentError for a length that no array has, or of more than `most`.
 */
export function copyList(op: string, list: readonly unknown[], most: number = MOST): unknown[] {
  const { length } = list;
  if (!Number.isInteger(length) || length < 0 || length > most)
    throw new ArgumentError(op, `wants a list of at most ${most} entries, got one of length ${String(length)}`);
  const copy: unknown[] = [];
  for (let i = 0; i < length; i++) copy.push(list[i]);
  return copy;
}

type Next = (this: unknown) => unknown;
const isObject = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

/**
 * What an object yields, in order; null for what cannot be iterated. Lists and typed arrays are read by index, whatever their iterator.
 * @throws ArgumentError where the memory of a typed array is gone, where the iterator is none or refuses the object (that of a Map,
 *   got through a proxy), and for more entries than a list may have. What an iterator of the caller's throws otherwise gets through.
 */
export function copyIterable(op: string, value: unknown): unknown[] | null {
  if (isList(value)) return copyList(op, value);
  if (isTypedArray(value)) return Array.from<unknown>(plainArray(op, value));
  if (!isObject(value)) return null;
  const open = (value as { [Symbol.iterator]?: unknown })[Symbol.iterator];
  if (typeof open !== 'function') return null;
  const broken = (cause?: unknown) =>
    new ArgumentError(op, `wants something to iterate over, got ${describe(value)}, whose iterator does not work`, {
      cause,
    });
  let iterator: unknown;
  try {
    iterator = open.call(value);
  } catch (error) {
    throw error instanceof TypeError ? broken(error) : error;
  }
  const next = isObject(iterator) ? (iterator as { next?: Next }).next : null;
  if (typeof next !== 'function') throw broken();
  const entries: unknown[] = [];
  for (;;) {
    const step = next.call(iterator);
    if (!isObject(step)) throw broken();
    if ((step as IteratorResult<unknown>).done) return entries;
    if (entries.length === MOST) throw new ArgumentError(op, `wants at most ${MOST} entries, got an iterator of more`);
    entries.push((step as IteratorResult<unknown>).value);
  }
}

/** A list's entries, or null for what is no list. */
export const listOf = (op: string, value: unknown, most?: number): unknown[] | null =>
  isList(value) ? copyList(op, value, most) : null;
