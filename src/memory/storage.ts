/**
 * A storage: one block of memory, shared by a tensor and its views, counted by the handles
 * on it. When the last handle is disposed of the block goes back to its free list at once;
 * handles that are merely forgotten leave it to the collector (`allocator.ts`).
 */
import type { Backend, Region } from '../backend/backend.ts';
import { observer } from '../program/observer.ts';
import type { DType, TypedArray } from '../tensor/dtype.ts';
import { dtypeInfo } from '../tensor/dtype.ts';
import { Allocator } from './allocator.ts';
import { expectReadable, inFlight } from './flight.ts';
import type { Lanes } from './lanes.ts';

/** Unscoped WASM memory that may pile up without the collector having a turn before a warning is due. */
const WARN_BYTES = 512 * 2 ** 20;

/** Memory of one backend: its allocator, and the watch over what is not freed. */
export class Heap {
  readonly backend: Backend;
  readonly allocator: Allocator;
  readonly #registry: FinalizationRegistry<Region>;
  #unscoped = 0;
  #warned = false;

  constructor(backend: Backend) {
    this.backend = backend;
    this.allocator = new Allocator(backend);
    this.#registry = new FinalizationRegistry<Region>((block) => {
      this.#unscoped = 0;
      this.allocator.release(block);
    });
  }

  allocate(op: string, bytes: number, scoped: boolean): Storage {
    const block = this.allocator.allocate(op, bytes);
    const storage = new Storage(this, block, bytes, !scoped);
    if (!this.backend.collected) {
      // Linear memory is nobody's but ours: only a finalizer can return what user code forgets.
      this.#registry.register(storage, block, storage);
      if (!scoped) this.#watch(block.bytes);
    }
    return storage;
  }

  /** @internal Called by a storage whose last handle is gone. */
  free(storage: Storage, block: Region): void {
    if (!this.backend.collected) {
      this.#registry.unregister(storage);
      if (storage.unscoped) this.#unscoped = Math.max(0, this.#unscoped - block.bytes);
    }
    this.allocator.release(block);
  }

  /** Warns once when memory outside any scope piles up without the collector having had a turn. */
  #watch(bytes: number): void {
    this.#unscoped += bytes;
    if (this.#warned || this.#unscoped < WARN_BYTES) return;
    this.#warned = true;
    console.warn(
      'cotangent: 512 MiB of tensors were made on the wasm backend in one synchronous stretch, and none could be freed. ' +
        'Wrap each step, and what makes its batch, in scope(() => …), or await a turn of the event loop now and then: a timer, a ' +
        'fetch, runAsync; a promise that is settled already is not enough. Arguments and results of compiled functions count too.',
    );
  }
}

export class Storage {
  readonly heap: Heap;
  readonly address: number;
  readonly bytes: number;
  /** Made outside every scope. */
  readonly unscoped: boolean;
  /** The memory itself: a storage without lanes. */
  readonly root: Storage;
  /** Where the examples of a `vmap` lie; null where all are one. */
  readonly lanes: Lanes | null;
  /** The observer that watched when it was made, 0 for none. */
  readonly madeUnder: number = observer()?.serial ?? 0;
  /** Memory of somebody outside the `vmap` that has these lanes: not to be written to. */
  readonly lent: boolean;
  #version = 0;
  /** Programs that write to this memory or read it; it stays while there are any. */
  #pins = 0;
  #block: Region | null;
  #handles = 0;

  /** The storage whose memory this one shows under another identity. */
  readonly #owner: Storage | null;

  constructor(
    heap: Heap,
    block: Region,
    bytes: number,
    unscoped: boolean,
    owner: Storage | null = null,
    lanes: Lanes | null = null,
    lent = false,
  ) {
    this.root = lanes === null || owner === null ? this : owner;
    this.lanes = lanes;
    this.lent = lent;
    this.heap = heap;
    this.#block = block;
    this.address = block.address;
    this.bytes = bytes;
    this.unscoped = unscoped;
    this.#owner = owner;
    owner?.retain();
  }

  /** The same memory as a storage of its own, so that uses by way of it can be told from others. */
  static aliasOf(owner: Storage): Storage {
    return new Storage(owner.heap, owner.#block as Region, owner.bytes, false, owner);
  }

  /** The same memory with other lanes: without any, the memory itself. */
  withLanes(lanes: Lanes, lent = this.lent): Storage {
    const { root } = this;
    if (lanes.size === 0) return root;
    return new Storage(root.heap, root.#block as Region, root.bytes, false, root, lanes, lent);
  }

  /** The storage that the memory belongs to, of all that show it. */
  get memory(): Storage {
    return this.#owner === null ? this : this.#owner.memory;
  }

  /** Grows by one with every in-place change; autograd compares it with what it saved. */
  get version(): number {
    return this.root.#version;
  }

  set version(value: number) {
    this.root.#version = value;
  }

  /** Whether a single handle holds the memory, by whatever storage. */
  get sole(): boolean {
    return this.#handles === 1 && (this.root === this || this.root.#handles === 1);
  }

  get freed(): boolean {
    return this.#block === null;
  }

  get handles(): number {
    return this.#handles;
  }

  /** The memory itself, for the backend that it belongs to. */
  get region(): Region {
    return this.#block as Region;
  }

  /** The ArrayBuffer that holds the memory at this moment. */
  get buffer(): ArrayBuffer {
    return this.heap.backend.bufferOf(this.#block as Region);
  }

  /** Whether every handle was disposed of, and only programs still hold on to the memory. */
  get abandoned(): boolean {
    return this.#handles <= 0;
  }

  retain(): void {
    this.#handles++;
  }

  release(): void {
    this.#handles--;
    this.#freeIfUnused();
  }

  /** Keeps the memory for a program. */
  pin(): void {
    this.#pins++;
  }

  unpin(): void {
    this.#pins--;
    this.#freeIfUnused();
  }

  #freeIfUnused(): void {
    if (this.#handles > 0 || this.#pins > 0 || this.#block === null) return;
    const block = this.#block;
    this.#block = null;
    if (this.#owner === null) this.heap.free(this, block);
    else this.#owner.release();
  }

  /**
   * A typed array over `length` elements from element `offset`. Made afresh every time:
   * a view of linear memory dies when the memory grows, so nobody may keep one.
   */
  view(dtype: DType, offset: number, length: number): TypedArray {
    observer()?.viewed(this.root);
    if (inFlight()) expectReadable('data', this);
    const block = this.#block as Region;
    const { array, bytes } = dtypeInfo[dtype];
    return new array(this.heap.backend.bufferOf(block), block.byteOffset + offset * bytes, length);
  }
}
