/**
 * Runs a whole test suite compiled: everything that happens between two looks at a tensor's elements is recorded, undone, and
 * done again by a program with all passes. Tests then check what programs computed; and here it is compared with what the
 * eager records had computed. `COTANGENT_TEST_COMPILED=1 npm test`; with `poison`, memory that holds nothing is filled with NaN.
 */

import { covers, type Instruction, type Memory, usesOf } from '../../src/compile/ir.ts';
import { Program } from '../../src/compile/program.ts';
import { instructionOf } from '../../src/compile/recorder.ts';
import { CotangentError } from '../../src/errors.ts';
import type { Heap, Storage } from '../../src/memory/storage.ts';
import { type Observer, unobserved, watch } from '../../src/program/observer.ts';
import type { Instruction as Emitted } from '../../src/tensor/create.ts';

/** Longer stretches are compiled in pieces, so that planning them stays cheap. */
const MAX_INSTRUCTIONS = 100;

const bytesOf = (storage: Storage): Uint8Array => storage.view('uint8', 0, storage.bytes) as Uint8Array;

class Segment {
  readonly instructions: Instruction[] = [];
  readonly memories = new Map<Storage, Memory>();
  /** Memory from before the segment that it changes, as it was. */
  readonly before = new Map<Storage, Uint8Array>();
}

export class CompiledStretches implements Observer {
  serial = 1_000_000_000;
  readonly #segments = new Map<Heap, Segment>();
  readonly #poison: boolean;

  constructor(poison: boolean) {
    this.#poison = poison;
  }

  emitted(op: string, heap: Heap, instructions: readonly Emitted[]): void {
    if ((this.#segments.get(heap)?.instructions.length ?? 0) > MAX_INSTRUCTIONS) this.flush();
    const segment = this.#segments.get(heap) ?? new Segment();
    this.#segments.set(heap, segment);
    for (const emitted of instructions) {
      if (emitted.shape.includes(0)) continue;
      segment.instructions.push(
        instructionOf(op, emitted, (storage, writes) => this.#memoryOf(segment, storage, writes)),
      );
    }
  }

  #memoryOf(segment: Segment, storage: Storage, writes: boolean): Memory {
    const made = storage.madeUnder === this.serial;
    if (writes && !made && !segment.before.has(storage))
      segment.before.set(
        storage,
        unobserved(() => bytesOf(storage).slice()),
      );
    const known = segment.memories.get(storage);
    if (known) return known;
    const memory: Memory = {
      id: segment.memories.size,
      bytes: storage.bytes,
      kind: made ? 'temporary' : 'bound',
      storage,
    };
    // Memory that is freed meanwhile must not be given to somebody else before it has been read again.
    if (!made) storage.pin();
    segment.memories.set(storage, memory);
    return memory;
  }

  reading(): void {
    this.flush();
  }

  intervened(): void {
    this.flush();
  }

  viewed(): void {
    this.flush();
  }

  gradRead(): void {}
  gradWritten(): void {}
  guard(): void {}

  /** Does again, by programs, what was done since the last time. */
  flush(): void {
    const segments = [...this.#segments];
    this.#segments.clear();
    this.serial++;
    unobserved(() => {
      for (const [heap, segment] of segments) this.#replay(heap, segment);
    });
  }

  #replay(heap: Heap, { instructions, memories, before }: Segment): void {
    const results = new Map<Memory, Uint8Array>();
    const pinned = [...memories.values()].map(({ storage, kind }) => ({ storage, kind }));
    for (const [storage, memory] of memories) {
      if (memory.kind === 'temporary' && !storage.abandoned) memory.kind = 'bound';
      if (memory.kind === 'temporary') continue;
      const state = before.get(storage);
      const isMade = state === undefined && instructions.some((instruction) => writes(instruction, memory));
      if (state === undefined && !isMade) continue;
      results.set(memory, bytesOf(storage).slice());
    }
    // What nobody wrote as a whole holds rubbish in places, here and there another.
    const defined = (memory: Memory) =>
      before.has(memory.storage) || instructions.some((instruction) => writes(instruction, memory, true));
    const restore = () => {
      for (const { storage } of results.keys()) {
        const state = before.get(storage);
        if (state === undefined) bytesOf(storage).fill(255);
        else bytesOf(storage).set(state);
      }
    };
    try {
      for (const exact of [true, false]) {
        restore();
        const program = new Program(heap, instructions, { poison: this.#poison, exact });
        try {
          program.run();
        } finally {
          program.dispose();
        }
        if (exact)
          for (const [memory, expected] of results) if (defined(memory)) compare(heap, memory, expected, instructions);
      }
    } catch (error) {
      // The test provoked a fault, which has been reported already.
      if (!(error instanceof CotangentError) || error.name === 'ProgramError') throw error;
      for (const [memory, state] of results) bytesOf(memory.storage).set(state);
    } finally {
      for (const { storage, kind } of pinned) if (kind === 'bound') storage.unpin();
    }
  }
}

const writes = (instruction: Instruction, memory: Memory, whole = false): boolean =>
  usesOf(instruction).some(
    ({ access, role, shape }) => role !== 'r' && access.memory === memory && (!whole || covers(access, shape)),
  );

/** Apart from sums in groups, programs compute what their instructions do to the last bit. */
function compare(heap: Heap, memory: Memory, expected: Uint8Array, instructions: readonly Instruction[]): void {
  const got = bytesOf(memory.storage);
  const at = expected.findIndex((byte, i) => byte !== got[i]);
  if (at < 0) return;
  const { report } = new Program(heap, instructions, { debug: true, exact: true });
  throw new Error(
    `a compiled program computed something else than its records did: memory ${memory.id} from byte ${at} on\n${report}`,
  );
}

let stretches: CompiledStretches | null = null;

/** Begins to run what tests do compiled. */
export function beginCompiled(mode: string): void {
  stretches = new CompiledStretches(mode === 'poison');
  watch(stretches);
}

/** Ends it; what is left is run. */
export function endCompiled(): void {
  const last = stretches;
  stretches = null;
  last?.flush();
  watch(null);
}
