/**
 * Binary data that users hand over, read in one way everywhere: `Buffer`s and other subclasses, views with an offset or of
 * changing length, shared memory, objects of other realms. The language's own accessors look at them, which no subclass
 * can override; memory that is gone is an error; shared memory is copied before anything is checked.
 */
import { ArgumentError, describe } from '../errors.ts';

/** Typed arrays that can be read. */
export type SourceArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** Any object with bytes: an ArrayBuffer, a SharedArrayBuffer, or a view of one (a typed array, a Node Buffer, a DataView). */
export type BytesSource = ArrayBufferLike | ArrayBufferView;

type Constructor = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => SourceArray;

const accessor = <T>(prototype: object, name: PropertyKey): ((value: unknown) => T) => {
  const get = Object.getOwnPropertyDescriptor(prototype, name)?.get as (this: unknown) => T;
  return (value) => get.call(value);
};
const TYPED = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
const typedName = accessor<string | undefined>(TYPED, Symbol.toStringTag);
const typedBuffer = accessor<ArrayBufferLike>(TYPED, 'buffer');
const typedOffset = accessor<number>(TYPED, 'byteOffset');
const typedBytes = accessor<number>(TYPED, 'byteLength');
const typedLength = accessor<number>(TYPED, 'length');
const viewBuffer = accessor<ArrayBufferLike>(DataView.prototype, 'buffer');
const viewOffset = accessor<number>(DataView.prototype, 'byteOffset');
const viewBytes = accessor<number>(DataView.prototype, 'byteLength');
const bufferBytes = accessor<number>(ArrayBuffer.prototype, 'byteLength');
// Pages that are not isolated have none.
const sharedBytes =
  typeof SharedArrayBuffer === 'undefined' ? null : accessor<number>(SharedArrayBuffer.prototype, 'byteLength');

/** Whether an accessor takes the value for one of its own, in whatever realm it was made. */
function accepts(get: ((value: unknown) => unknown) | null, value: unknown): boolean {
  if (get === null || typeof value !== 'object') return false;
  try {
    get(value);
    return true;
  } catch {
    return false;
  }
}

/** Of a view's buffer. What it asks first never throws where memory is not shared: errors cost more than small tensors. */
const isShared = (buffer: ArrayBufferLike): boolean => !accepts(bufferBytes, buffer);

/** The name of a typed array's kind, such as `Uint8Array` for a Buffer; undefined for anything else. */
export const typedArrayName = (value: unknown): string | undefined => typedName(value);

/** Whether it is a typed array, of this realm or another. */
export const isTypedArray = (value: unknown): value is SourceArray =>
  ArrayBuffer.isView(value) && typedName(value) !== undefined;

/** Whether `readBytes` would look at it. */
export const holdsBytes = (value: unknown): value is BytesSource =>
  ArrayBuffer.isView(value) || accepts(bufferBytes, value) || accepts(sharedBytes, value);

/** What `look` finds in a value; it throws where the memory is gone, as the language's own methods do. */
function present<T>(op: string, value: unknown, look: () => T): T {
  try {
    // What is gone seems empty. Of the methods that look whether there is memory, this one reads none.
    if (isTypedArray(value) && typedLength(value) === 0) TYPED.keys.call(value as Uint8Array);
    return look();
  } catch {
    throw new ArgumentError(op, `the memory of ${describe(value)} is gone: its buffer was transferred, or has shrunk`);
  }
}

/**
 * A typed array's elements as an array of exactly that kind.
 * @throws ArgumentError where its buffer was transferred, or is too short by now.
 */
export function plainArray<T extends SourceArray>(op: string, array: T): T {
  const Kind = (globalThis as unknown as Record<string, Constructor>)[typedName(array) as string] as Constructor;
  const plain = present(op, array, () => new Kind(typedBuffer(array), typedOffset(array), typedLength(array)));
  return (isShared(plain.buffer) ? plain.slice() : plain) as T;
}

/**
 * The bytes that a value holds or shows.
 * @throws ArgumentError for anything else, and where the memory is gone.
 */
export function readBytes(op: string, value: unknown): Uint8Array<ArrayBuffer> {
  let bytes: Uint8Array;
  if (isTypedArray(value))
    bytes = present(op, value, () => new Uint8Array(typedBuffer(value), typedOffset(value), typedBytes(value)));
  else if (ArrayBuffer.isView(value))
    bytes = present(op, value, () => new Uint8Array(viewBuffer(value), viewOffset(value), viewBytes(value)));
  else if (holdsBytes(value)) bytes = present(op, value, () => new Uint8Array(value as ArrayBufferLike));
  else
    throw new ArgumentError(
      op,
      `wants bytes (a Uint8Array or Buffer, another view, an ArrayBuffer or a SharedArrayBuffer), got ${describe(value)}`,
    );
  return (isShared(bytes.buffer) ? bytes.slice() : bytes) as Uint8Array<ArrayBuffer>;
}
