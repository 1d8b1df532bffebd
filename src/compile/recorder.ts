/**
 * Watches one run of a function and writes down what it does: every instruction with the memory it touches, and what in
 * JavaScript the outcome depended on (gradients that were there, settings of modules and optimizers).
 */
import { CompileError, formatShape } from '../errors.ts';
import { COPY } from '../generated/opcodes.ts';
import type { Heap, Storage } from '../memory/storage.ts';
import { type Observer, unobserved } from '../program/observer.ts';
import type { Instruction as Emitted } from '../tensor/create.ts';
import { dtypeInfo } from '../tensor/dtype.ts';
import { gradientOf, shapeOf, storageOf, type Tensor } from '../tensor/tensor.ts';
import { type Instruction, type Memory, type Operand, rename, roleOf, sizeOf } from './ir.ts';
import { callerLine } from './where.ts';

/** A gradient that the function read or replaced. */
export interface GradUse {
  readonly tensor: Tensor;
  /** What it was before. */
  readonly entry: Tensor | null;
  /** It was looked at before it was replaced: what happened depended on it. */
  readonly read: boolean;
  /** What it was before was disposed of, even if user code had it. */
  drops: boolean;
}

/** What was emitted, with memories in the place of addresses. */
export function instructionOf(
  op: string,
  { opcode, dtype, shape, operands, params = [] }: Emitted,
  memoryOf: (storage: Storage, writes: boolean) => Memory,
): Instruction {
  const placed = operands.map((operand, k): Operand => {
    if (operand === null) return null;
    const { at, strides, immediate, storage } = operand;
    if (immediate === true || storage === undefined) return { value: at, dtype: operand.dtype };
    const memory = memoryOf(storage, roleOf(opcode, k) !== 'r');
    return { memory, offset: at - storage.address, dtype: operand.dtype, strides: [...strides] };
  });
  return {
    kind: 'record',
    op,
    opcode,
    dtype: dtypeInfo[dtype].code,
    shape: [...shape],
    operands: placed,
    params: [...params],
  };
}

let count = 0;

const UINT8 = dtypeInfo.uint8.code;

export class Recorder implements Observer {
  readonly serial = ++count;
  readonly instructions: Instruction[] = [];
  readonly memories = new Map<Storage, Memory>();
  readonly grads = new Map<Tensor, GradUse>();
  readonly #guards = new Map<object, () => () => string | null>();
  /** What JavaScript wrote into memory made here: constants. */
  readonly #written = new Map<Storage, 'kept' | 'overwritten'>();
  readonly #copies = new Set<Storage>();
  #heap: Heap | null = null;

  /** The memory that everything happened in; null when nothing did. */
  get heap(): Heap | null {
    return this.#heap;
  }

  /** Whether the memory came into being while this recorder watched. */
  isMade(storage: Storage): boolean {
    return storage.madeUnder === this.serial;
  }

  /** Whether memory made here holds what JavaScript wrote into it. */
  isConstant(storage: Storage): boolean {
    return this.#written.get(storage) === 'kept';
  }

  /** Functions that say what has changed since now, or null. */
  guards(): (() => string | null)[] {
    return [...this.#guards.values()].map((make) => make());
  }

  emitted(op: string, heap: Heap, instructions: readonly Emitted[]): void {
    this.#heap ??= heap;
    if (this.#heap !== heap)
      throw new CompileError(op, `a compiled function works on one backend, this one uses native and wasm tensors`);
    for (const emitted of instructions)
      if (sizeOf(emitted.shape) > 0)
        this.instructions.push(
          instructionOf(op, emitted, (storage, writes) => {
            if (writes && this.isConstant(storage)) this.#preserve(storage);
            return this.memoryOf(storage);
          }),
        );
  }

  /** The memory that a storage is. */
  memoryOf(storage: Storage): Memory {
    const known = this.memories.get(storage);
    if (known) return known;
    const kind = this.isMade(storage) ? 'temporary' : 'bound';
    const memory: Memory = { id: this.memories.size, bytes: storage.bytes, kind, storage };
    this.memories.set(storage, memory);
    return memory;
  }

  /** From now on, what happened by way of `alias` happened to `storage`, whose memory it is. */
  unite(alias: Storage, storage: Storage): void {
    const before = this.memories.get(alias);
    if (before === undefined) return;
    const renamed = new Map([[before, this.memoryOf(storage)]]);
    this.memories.delete(alias);
    for (const [i, instruction] of this.instructions.entries()) this.instructions[i] = rename(instruction, renamed);
  }

  /** Whether the memory is a copy of the recorder's own, which nobody else has. */
  isOwn(storage: Storage): boolean {
    return this.#copies.has(storage);
  }

  /** A constant is about to be overwritten: every run begins with a fresh copy of it. */
  #preserve(storage: Storage): void {
    const { heap, bytes } = storage;
    const copy = unobserved(() => {
      const original = heap.allocate('compile', bytes, false);
      original.view('uint8', 0, bytes).set(storage.view('uint8', 0, bytes) as never);
      return original;
    });
    this.#copies.add(copy);
    this.#written.set(storage, 'overwritten');
    const access = (memory: Memory) => ({ memory, offset: 0, dtype: UINT8, strides: [1] });
    this.instructions.unshift({
      kind: 'record',
      op: 'compile',
      opcode: COPY,
      dtype: UINT8,
      shape: [bytes],
      operands: [access(this.memoryOf(storage)), access(this.memoryOf(copy))],
      params: [],
    });
  }

  reading(op: string, tensor: Tensor): never {
    throw new CompileError(
      op,
      `a tensor of shape ${formatShape(shapeOf(tensor))} was read while a compiled function was being recorded${callerLine()}. ` +
        'What is computed from the number would be frozen: stay with tensors, or return the tensor and read it outside.',
    );
  }

  intervened(op: string, what: string): never {
    throw new CompileError(
      op,
      `${what} while a compiled function was being recorded${callerLine()}: that happens once, and not in every call; do it outside`,
    );
  }

  viewed(storage: Storage): void {
    if (this.isMade(storage) && !this.memories.has(storage)) {
      // The function's scope ends before the program holds on to what it needs.
      if (!this.#written.has(storage)) storage.pin();
      this.#written.set(storage, 'kept');
      return;
    }
    throw new CompileError(
      'compile',
      `JavaScript wrote into a tensor while a compiled function was being recorded${callerLine()}. That happens once, and not in ` +
        'every call: set learning rates and seeds outside, or use tensor ops.',
    );
  }

  gradRead(tensor: Tensor, value: Tensor | null): void {
    if (this.isMade(storageOf(tensor)) || this.grads.has(tensor)) return;
    this.grads.set(tensor, { tensor, entry: value, read: true, drops: false });
  }

  gradWritten(tensor: Tensor, drops: boolean): void {
    if (this.isMade(storageOf(tensor))) return;
    const use = this.grads.get(tensor);
    if (use === undefined) {
      const entry = unobserved(() => gradientOf(tensor));
      this.grads.set(tensor, { tensor, entry, read: false, drops });
    } else if (drops && unobserved(() => gradientOf(tensor)) === use.entry) use.drops = true;
  }

  guard(key: object, changed: () => () => string | null): void {
    this.#guards.set(key, changed);
  }

  /** Lets go of constants; those that a program needs it holds by then. */
  release(): void {
    for (const storage of this.#written.keys()) storage.unpin();
    this.#written.clear();
  }
}
