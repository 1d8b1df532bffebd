/**
 * Arrays that user code hands in. They are copied before anything is checked: an array may be sparse, change between two looks
 * (getters, proxies, buffers that shrink), or have an iterator, a map or a length of its own. What is checked is what is used.
 */
import { ArgumentError } from '../errors.ts';

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

/** A list's entries, or null for what is no list. */
export const listOf = (op: string, value: unknown, most?: number): unknown[] | null =>
  isList(value) ? copyList(op, value, most) : null;
