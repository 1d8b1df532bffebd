/**
 * Memory in flight: what runs on other threads read and write, from the call that asks for a run until its promise settles. Nothing
 * else may write to what a run reads, or touch what it writes: kernels check indices before they use them, and on WASM a run works on
 * copies. So whoever emits records, or lets JavaScript look at memory, asks here first; while nothing is in flight that is one comparison.
 */
import { CompileError } from '../errors.ts';
import { Setting } from '../program/setting.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Storage } from './storage.ts';

/** The runs that use something, in the order of their turns. */
interface Uses {
  readonly all: Set<Flight>;
  readonly writing: Set<Flight>;
}

const memories = new Map<Storage, Uses>();
/** Tensors whose `.grad` runs look at or leave behind. */
const gradients = new Map<Tensor, Uses>();
let flights = 0;

/** Runs come one after the other: what they do on this thread, between two runs, meets nothing but those that wait. */
const turn = new Setting(false);

/** Whether anything is in flight that what happens now could meet. */
export const inFlight = (): boolean => flights > 0 && !turn.value;

/** Runs `fn` as a part of the run whose turn it is. */
export const inTurn = <T>(fn: () => T): T => turn.during(true, fn);

/** One call of a compiled function on another thread. */
export class Flight {
  /** How the call is named in messages. */
  readonly call: string;
  readonly #memories = new Set<Storage>();
  readonly #gradients = new Set<Tensor>();

  constructor(name: string, method: string) {
    this.call = `${method} of '${name}'`;
    flights++;
  }

  /** The run reads the memory, or writes to it. It is kept until the run has ended. */
  use(storage: Storage, writes: boolean): void {
    const { memory } = storage;
    if (!this.#memories.has(memory)) {
      this.#memories.add(memory);
      memory.pin();
    }
    join(this, memories, memory, writes);
  }

  /** The run uses the tensor's `.grad`. */
  useGradient(tensor: Tensor): void {
    this.#gradients.add(tensor);
    join(this, gradients, tensor, true);
  }

  /** The run has ended. */
  land(): void {
    flights--;
    for (const tensor of this.#gradients) part(this, gradients, tensor);
    for (const memory of this.#memories) {
      part(this, memories, memory);
      memory.unpin();
    }
  }
}

function join<K>(flight: Flight, uses: Map<K, Uses>, key: K, writes: boolean): void {
  const own = uses.get(key) ?? { all: new Set(), writing: new Set() };
  uses.set(key, own);
  own.all.add(flight);
  if (writes) own.writing.add(flight);
}

function part<K>(flight: Flight, uses: Map<K, Uses>, key: K): void {
  const own = uses.get(key);
  own?.all.delete(flight);
  own?.writing.delete(flight);
  if (own?.all.size === 0) uses.delete(key);
}

function refuse(op: string, what: string, by: ReadonlySet<Flight>): void {
  // After the last one nothing is left to wait for.
  const last = [...by].at(-1);
  if (last === undefined) return;
  throw new CompileError(op, `would ${what} on another thread; await the promise of ${last.call} first`);
}

/** @throws CompileError when a run in flight writes to the memory. */
export function expectReadable(op: string, storage: Storage): void {
  const uses = memories.get(storage.memory);
  if (uses !== undefined) refuse(op, 'read a tensor that a compiled function writes to', uses.writing);
}

/** @throws CompileError when a run in flight reads the memory or writes to it. */
export function expectWritable(op: string, storage: Storage): void {
  const uses = memories.get(storage.memory);
  if (uses !== undefined) refuse(op, 'change a tensor that a compiled function uses', uses.all);
}

/** @throws CompileError when a run in flight uses the `.grad` of any of the tensors. */
export function expectGradientsFree(op: string, tensors: Iterable<Tensor>): void {
  if (gradients.size === 0) return;
  for (const tensor of tensors) {
    const uses = gradients.get(tensor);
    if (uses !== undefined) refuse(op, 'replace a gradient that a compiled function uses', uses.all);
  }
}
