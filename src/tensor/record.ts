/** @internal Objects and Maps that users hand over for their names and values. */
import { ArgumentError, describe } from '../errors.ts';

/** Whether it is an object for its names and values only, in whatever realm it was made. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const kind: object | null = Object.getPrototypeOf(value);
  return kind === null || Object.getPrototypeOf(kind) === null;
}

/** Whether an object has the insides of its kind: a proxy of a Map passes for one, and cannot be listed. */
function isListable(prototype: object, value: object): boolean {
  try {
    Reflect.get(prototype, 'size', value);
    return true;
  } catch {
    return false;
  }
}

/** Whether it is a Map that can be listed. */
export const isMap = (value: unknown): value is Map<unknown, unknown> =>
  value instanceof Map && isListable(Map.prototype, value);

/** Whether it is a Set that can be listed. */
export const isSet = (value: unknown): value is Set<unknown> =>
  value instanceof Set && isListable(Set.prototype, value);

/** The entries of a Map, in whatever realm it was made; null for anything else. */
function entriesOfMap(value: unknown): [unknown, unknown][] | null {
  try {
    return [...Map.prototype.entries.call(value as Map<unknown, unknown>)];
  } catch {
    return null;
  }
}

/**
 * Names and values of an object or a Map, read once.
 * @throws ArgumentError for anything else: of a set, a module or the bytes of a file, too, the entries could be listed.
 */
export function namedTensors(op: string, value: unknown): [unknown, unknown][] {
  const entries = entriesOfMap(value) ?? (isPlainObject(value) ? Object.entries(value) : null);
  if (entries === null) throw new ArgumentError(op, `wants an object or a Map of tensors, got ${describe(value)}`);
  return entries;
}
