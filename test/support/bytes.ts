/** The same bytes as everything that JavaScript may hold bytes in. */
import { runInNewContext } from 'node:vm';

type Resizable = ArrayBuffer & { resize(bytes: number): void };

/** A buffer that can be resized, which ES2023 does not know. */
export const resizable = (bytes: number, maxByteLength: number): Resizable =>
  Reflect.construct(ArrayBuffer, [bytes, { maxByteLength }]) as Resizable;

/** The globals of another realm, whose objects are instances of none of ours. */
export const foreign = runInNewContext('globalThis') as typeof globalThis;

const PAD = 3;

function into<T extends ArrayBufferLike>(buffer: T, bytes: Uint8Array, at = 0): T {
  new Uint8Array(buffer).set(bytes, at);
  return buffer;
}

/** A class that lies about itself wherever a subclass can. */
export class Liar extends Uint8Array<ArrayBufferLike> {
  override get length(): number {
    return 1e9;
  }
  override get byteLength(): number {
    return 1e9;
  }
  override get byteOffset(): number {
    return 1;
  }
  override get buffer(): ArrayBufferLike {
    throw new Error('looked at');
  }
  override slice(): never {
    throw new Error('sliced');
  }
  override subarray(): never {
    throw new Error('cut');
  }
  override [Symbol.iterator](): never {
    throw new Error('iterated');
  }
  override get [Symbol.toStringTag](): 'Uint8Array' {
    throw new Error('asked for its name');
  }
}

/** Every way to hold `bytes`, with its name. */
export function holders(bytes: Uint8Array): [what: string, holder: ArrayBufferLike | ArrayBufferView][] {
  const { length } = bytes;
  const padded = into(new ArrayBuffer(length + 2 * PAD), bytes, PAD);
  const sharedPadded = into(new SharedArrayBuffer(length + 2 * PAD), bytes, PAD);
  const shrunk = into(resizable(length + 8, length + 8), bytes);
  shrunk.resize(length);
  const tracking = resizable(length + 4, length + 64);
  const tracker = new Uint8Array(tracking, PAD);
  tracking.resize(length + PAD);
  tracker.set(bytes);
  const growing = Reflect.construct(SharedArrayBuffer, [length, { maxByteLength: length + 8 }]) as SharedArrayBuffer;
  // Small ones are parts of a buffer that Node shares out.
  const pooled = Buffer.from(bytes);
  return [
    ['Uint8Array', new Uint8Array(bytes)],
    ['Uint8Array with an offset', new Uint8Array(padded, PAD, length)],
    ['Uint8ClampedArray', new Uint8ClampedArray(padded, PAD, length)],
    ['Int8Array', new Int8Array(padded, PAD, length)],
    ['Buffer', pooled],
    ['Buffer with an offset', Buffer.from(padded, PAD, length)],
    ['DataView', new DataView(padded, PAD, length)],
    ['ArrayBuffer', new Uint8Array(bytes).buffer],
    ['resized ArrayBuffer', shrunk],
    ['Uint8Array that follows its buffer', tracker],
    ['DataView that follows its buffer', new DataView(shrunk)],
    ['SharedArrayBuffer', into(new SharedArrayBuffer(length), bytes)],
    ['SharedArrayBuffer that can grow', into(growing, bytes)],
    ['Uint8Array of shared memory', new Uint8Array(sharedPadded, PAD, length)],
    ['Buffer of shared memory', Buffer.from(sharedPadded as unknown as ArrayBuffer, PAD, length)],
    ['DataView of shared memory', new DataView(sharedPadded, PAD, length)],
    ['foreign ArrayBuffer', into(new foreign.ArrayBuffer(length), bytes)],
    ['foreign Uint8Array', new foreign.Uint8Array(padded, PAD, length)],
    ['foreign DataView', new foreign.DataView(padded, PAD, length)],
    ['foreign SharedArrayBuffer', into(new foreign.SharedArrayBuffer(length), bytes)],
    ['subclass that lies', new Liar(padded, PAD, length)],
  ];
}

/** Holders whose memory is gone. */
export function lost(bytes: Uint8Array): [what: string, holder: ArrayBufferLike | ArrayBufferView][] {
  const transferred = <T extends ArrayBufferView>(make: (buffer: ArrayBuffer) => T): T => {
    // Not by slice: that of a Buffer copies nothing.
    const { buffer } = new Uint8Array(bytes);
    const view = make(buffer);
    structuredClone(buffer, { transfer: [buffer] });
    return view;
  };
  const short = resizable(bytes.length, bytes.length);
  const fixed = new Uint8Array(short, 0, bytes.length);
  const tracking = new Uint8Array(short, 2);
  const looking = new DataView(short, 2);
  short.resize(1);
  return [
    ['transferred ArrayBuffer', transferred((buffer) => new Uint8Array(buffer)).buffer],
    ['Uint8Array of a transferred buffer', transferred((buffer) => new Uint8Array(buffer))],
    ['Buffer of a transferred buffer', transferred((buffer) => Buffer.from(buffer))],
    ['DataView of a transferred buffer', transferred((buffer) => new DataView(buffer))],
    ['foreign Uint8Array of a transferred buffer', transferred((buffer) => new foreign.Uint8Array(buffer))],
    ['Uint8Array longer than its buffer', fixed],
    ['Uint8Array that begins behind its buffer', tracking],
    ['DataView that begins behind its buffer', looking],
  ];
}
