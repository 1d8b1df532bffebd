/**
 * The one allocator, for both backends: size classes with free lists on top of a backend's
 * `reserve`. Small blocks are cut from slabs. Blocks come back when a storage is released;
 * one that is merely forgotten belongs to the garbage collector: on native its ArrayBuffer
 * simply goes, on WASM a finalizer returns the block (see `storage.ts`).
 *
 * Classes step by a quarter of a power of two (at most 25 % slack), as in jemalloc
 * (Evans 2006), so a training step that repeats its shapes finds every block again.
 */
import type { Backend, Region } from '../backend/backend.ts';
import { ArgumentError, OutOfMemoryError } from '../errors.ts';
import { Census } from './census.ts';

const MIN_BYTES = 64;
const SLAB_BYTES = 64 * 1024;
/** Blocks up to this size share slabs. */
const SMALL_BYTES = 8 * 1024;
const ALIGNMENT = 64;

/** Rounds up to the size class. */
export function classBytes(bytes: number): number {
  if (bytes <= MIN_BYTES) return MIN_BYTES;
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 2);
  const rounded = Math.ceil(bytes / step) * step;
  return Math.ceil(rounded / ALIGNMENT) * ALIGNMENT;
}

export class Allocator {
  readonly #backend: Backend;
  readonly #free = new Map<number, Region[]>();
  #slab: Region | null = null;
  #slabUsed = 0;
  /** WASM only: merged leftovers that belong to no class. */
  #spare: Region[] = [];
  /** Native only: what the collector has not taken. */
  readonly #census: Census | null;
  /** WASM only: bytes taken and not spare. */
  #takenBytes = 0;
  #pooledBytes = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.#census = backend.collected ? new Census() : null;
  }

  /** Bytes taken from the backend and not given back; on native, as far as the collector has told. */
  get reservedBytes(): number {
    return this.#census?.count() ?? this.#takenBytes;
  }

  /** Bytes that lie ready for reuse: free lists, and what is left of the current slab. */
  get pooledBytes(): number {
    return this.#pooledBytes + (this.#slab === null ? 0 : SLAB_BYTES - this.#slabUsed);
  }

  /**
   * A block of at least `bytes` bytes, not cleared.
   * @throws ArgumentError for a size that is none, OutOfMemoryError when neither the free lists nor the backend has one.
   */
  allocate(op: string, bytes: number): Region {
    // Whatever a caller got wrong must not reach addresses.
    if (!Number.isSafeInteger(bytes) || bytes < 1) throw new ArgumentError(op, `cannot allocate ${bytes} bytes`);
    const size = classBytes(bytes);
    const block = this.#free.get(size)?.pop();
    if (block !== undefined) {
      this.#pooledBytes -= size;
      return block;
    }
    if (size <= SMALL_BYTES) return this.#cut(op, size);
    return this.#reserve(op, size);
  }

  /** Returns a block to its free list. */
  release(block: Region): void {
    const list = this.#free.get(block.bytes);
    if (list) list.push(block);
    else this.#free.set(block.bytes, [block]);
    this.#pooledBytes += block.bytes;
  }

  /** Lets go of every free block that the backend can take back (native), or merges them (WASM). */
  emptyCache(): void {
    if (this.#backend.collected) {
      this.#free.clear();
      this.#slab = null;
      this.#pooledBytes = 0;
    } else {
      this.#merge();
    }
  }

  #cut(op: string, size: number): Region {
    if (this.#slab === null || this.#slabUsed + size > SLAB_BYTES) {
      const next = this.#reserve(op, SLAB_BYTES);
      this.#retireSlab();
      this.#slab = next;
      this.#slabUsed = 0;
    }
    const slab = this.#slab;
    const at = this.#slabUsed;
    this.#slabUsed += size;
    return { ...slab, address: slab.address + at, bytes: size, byteOffset: slab.byteOffset + at };
  }

  /** Linear memory never comes back by itself, so what is left of a slab becomes spare. */
  #retireSlab(): void {
    const rest = SLAB_BYTES - this.#slabUsed;
    if (this.#slab === null || this.#backend.collected || rest === 0) return;
    const { address, byteOffset } = this.#slab;
    const used = this.#slabUsed;
    this.#spare.push({ ...this.#slab, address: address + used, byteOffset: byteOffset + used, bytes: rest });
    this.#takenBytes -= rest;
  }

  #reserve(op: string, size: number): Region {
    const region = this.#fromSpare(size) ?? this.#backend.reserve(size) ?? this.#afterMerging(size);
    if (region === null) throw new OutOfMemoryError(op, this.#shortage(size));
    if (this.#census !== null) return { ...region, token: this.#census.add(size) };
    this.#takenBytes += size;
    return region;
  }

  #shortage(size: number): string {
    const mib = (n: number) => `${(n / 2 ** 20).toFixed(1)} MiB`;
    const { name, collected, limitBytes } = this.#backend;
    // Linear memory is one piece anyway.
    if (collected && size > limitBytes)
      return `${mib(size)} are more than the ${name} backend can hold in one piece, ${mib(limitBytes)}`;
    return (
      `no room for ${mib(size)} more on the ${name} backend (${mib(this.reservedBytes)} in use` +
      `${collected ? '' : ` of at most ${mib(limitBytes)}`}). Free tensors with scope(() => …), 'using' or dispose()` +
      (collected ? '.' : ', or let the loop await now and then so that the collector can.')
    );
  }

  #fromSpare(size: number): Region | null {
    const i = this.#spare.findIndex((region) => region.bytes >= size);
    if (i < 0) return null;
    const region = this.#spare[i] as Region;
    const rest = region.bytes - size;
    if (rest === 0) this.#spare.splice(i, 1);
    else
      this.#spare[i] = { ...region, address: region.address + size, byteOffset: region.byteOffset + size, bytes: rest };
    return { ...region, bytes: size };
  }

  #afterMerging(size: number): Region | null {
    if (this.#backend.collected) return null;
    this.#merge();
    return this.#fromSpare(size);
  }

  /** Joins free neighbours in linear memory, whatever their classes: the answer to many changing shapes. */
  #merge(): void {
    const free = [...this.#spare, ...[...this.#free.values()].flat()].sort((a, b) => a.address - b.address);
    this.#free.clear();
    const merged: Region[] = [];
    for (const region of free) {
      const last = merged.at(-1);
      if (last && last.address + last.bytes === region.address)
        merged[merged.length - 1] = { ...last, bytes: last.bytes + region.bytes };
      else merged.push(region);
    }
    this.#spare = merged;
    // What is spare counts as given back; it is reserved again when it is cut.
    this.#takenBytes -= this.#pooledBytes;
    this.#pooledBytes = 0;
  }
}
