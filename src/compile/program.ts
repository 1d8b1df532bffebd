/** A program that is kept: its words, its arena, and the memory that it holds on to. */
import type { Span as MemorySpan } from '../backend/backend.ts';
import { DisposedError } from '../errors.ts';
import { OPCODE_NAMES } from '../generated/opcodes.ts';
import type { Heap, Storage } from '../memory/storage.ts';
import { ABI } from '../program/abi.ts';
import { disassemble } from '../program/disassemble.ts';
import { faultError } from '../program/encode.ts';
import { unobserved } from '../program/observer.ts';
import { verify } from '../program/verify.ts';
import type { AbortSignalLike } from '../webtypes.ts';
import { costOf, total } from './cost.ts';
import { forwardCopies, propagateConstants, removeDead, shareRepeated } from './eliminate.ts';
import { type Encoded, encode, type Patch, type Span } from './encode.ts';
import { epilogues } from './epilogue.ts';
import { group } from './group.ts';
import { type Instruction, instructionsOf, type Memory, usesOf } from './ir.ts';
import { type Plan, plan } from './plan.ts';
import { reportOf } from './report.ts';
import type { ProgramStats, TraceEvent, Program as View } from './view.ts';

export interface BuildOptions {
  /** Leaves sums out of groups, so that results are those of the instructions to the last bit. */
  exact?: boolean;
  /** Leaves the passes out. */
  raw?: boolean;
  /** Fills memory that holds nothing with NaN; for tests. */
  poison?: boolean;
  /** Writes a report. */
  debug?: boolean;
}

/** The passes, in order, over what was recorded. */
export function optimize(instructions: readonly Instruction[]): Instruction[] {
  return removeDead(shareRepeated(forwardCopies(removeDead(propagateConstants(instructions)))));
}

export class Program {
  /** The program before and after the passes, if that was asked for. */
  readonly report: string;
  /** What users get: always the same one. */
  readonly view: View = Object.freeze({
    stats: () => this.stats(),
    trace: () => this.trace(),
    toString: () => this.toString(),
  });
  readonly #heap: Heap;
  readonly #encoded: Encoded;
  readonly #plan: Plan;
  readonly #recorded: number;
  /** Words and arena. */
  readonly #code: Storage;
  readonly #arena: Storage | null;
  readonly #pinned: readonly Storage[];
  readonly #boundSet: ReadonlySet<Storage>;
  /** Memory outside the arena that the program touches. */
  readonly #lasting: readonly Memory[];
  /** Memory outside the arena that the program writes to. */
  readonly #written: readonly Memory[];
  readonly #addresses = new Map<Memory, number>();
  #words: Int32Array | null = null;
  #disposed = false;
  #events: TraceEvent[] = [];

  constructor(
    heap: Heap,
    instructions: readonly Instruction[],
    { exact = false, raw = false, poison = false, debug = false }: BuildOptions = {},
  ) {
    this.#heap = heap;
    this.#recorded = instructions.length;
    const kept = raw ? instructions : optimize(instructions);
    const nodes = raw ? kept : epilogues(group(kept, !exact));
    this.#plan = plan(nodes);
    const memories = new Set(
      nodes
        .flatMap(instructionsOf)
        .flatMap(usesOf)
        .map(({ access }) => access.memory),
    );
    [this.#arena, this.#code, this.#encoded] = unobserved(() => {
      const arena = this.#plan.bytes === 0 ? null : heap.allocate('compile', this.#plan.bytes, false);
      arena?.pin();
      const encoded = encode(nodes, this.#plan, arena?.address ?? 0, poison);
      const code = heap.allocate('compile', encoded.words.byteLength, false);
      code.pin();
      (code.view('int32', 0, encoded.words.length) as Int32Array).set(encoded.words);
      return [arena, code, encoded];
    });
    this.#lasting = [...memories].filter(({ kind }) => kind !== 'temporary');
    this.#pinned = [...memories].filter(({ kind }) => kind === 'bound').map(({ storage }) => storage);
    this.#boundSet = new Set(this.#pinned);
    for (const storage of this.#pinned) storage.pin();
    const written = new Set<Memory>();
    for (const instruction of nodes.flatMap(instructionsOf))
      for (const { access, role } of usesOf(instruction))
        if (role !== 'r' && access.memory.kind !== 'temporary') written.add(access.memory);
    this.#written = [...written];
    for (const memory of memories) if (memory.kind === 'slot') this.#addresses.set(memory, memory.storage.address);
    this.#verify();
    this.report = debug ? reportOf(instructions, nodes, this.stats(), this.#plan.tiles) : '';
  }

  /** Every record against the memory that its operands belong to, as they are now. */
  #verify(): void {
    const { words, end, operands } = this.#encoded;
    const arena =
      this.#arena === null ? undefined : { start: this.#arena.address, end: this.#arena.address + this.#arena.bytes };
    verify(words, end, (record, k) => {
      const memory = operands.get(record)?.[k];
      if (!memory || this.#plan.offsets.has(memory)) return arena;
      return { start: memory.storage.address, end: memory.storage.address + memory.storage.bytes };
    });
  }

  get heap(): Heap {
    return this.#heap;
  }

  /** Memory outside the arena that a run touches. */
  get lasting(): readonly Memory[] {
    return this.#lasting;
  }

  /** Memory outside the arena that a run changes. */
  get written(): readonly Memory[] {
    return this.#written;
  }

  /** Whether the program is bound to a storage. */
  isBound(storage: Storage): boolean {
    return this.#boundSet.has(storage);
  }

  /** Memory that the program is bound to. */
  get bound(): readonly Storage[] {
    return this.#pinned;
  }

  /** The words in memory. Kept, because making a view for every run would be garbage; memory that grows makes it anew. */
  #view(): Int32Array {
    if (this.#words === null || this.#words.length === 0 || this.#words.buffer !== this.#code.buffer)
      this.#words = unobserved(() => this.#code.view('int32', 0, this.#encoded.end) as Int32Array);
    return this.#words;
  }

  /** Puts a slot at a byte address, given as that of the memory's start. */
  bind(memory: Memory, address: number): void {
    if (this.#addresses.get(memory) === address) return;
    const patches = this.#encoded.patches.get(memory);
    if (patches === undefined) return;
    this.#addresses.set(memory, address);
    const words = this.#view();
    for (let i = 0; i < patches.length; i++) {
      const { word, offset } = patches[i] as Patch;
      const at = address + offset;
      words[word + ABI.OPERAND_ADDRESS_LOW] = at | 0;
      words[word + ABI.OPERAND_ADDRESS_HIGH] = Math.floor(at / 4294967296);
    }
  }

  /** Runs the program `repeat` times. @throws the error of the op whose record found a fault. */
  run(repeat = 1): void {
    const status = this.#heap.backend.executeAt(this.#code.region, ABI.HEADER_WORDS, this.#encoded.end, repeat);
    if (status !== 0) this.#fault(status);
  }

  #fault(status: number): never {
    const words = this.#view();
    const doubles = new Float64Array(words.buffer, words.byteOffset, words.length >> 1);
    const record = words[ABI.HEADER_FAULT_RECORD] as number;
    const span = this.#encoded.spans.find(({ start, end }) => start <= record && record < end);
    const op = span === undefined ? 'compile' : (instructionsOf(span.node)[0] as Instruction).op;
    throw faultError(op, { words: () => words, doubles: () => doubles }, status);
  }

  /**
   * Runs the program up to `repeat` times on another thread and resolves to how many times it did: a signal that is
   * aborted lets no further one begin. Nothing else may touch the program meanwhile.
   */
  async runAsync(repeat: number, signal: AbortSignalLike | null): Promise<number> {
    const { backend } = this.#heap;
    const header = (word: number, value: number) => {
      this.#view()[word] = value;
    };
    header(ABI.HEADER_STOP, 0);
    const stop = () => header(ABI.HEADER_STOP, 1);
    signal?.addEventListener('abort', stop);
    try {
      const status = await backend.executeAsync(this.#code.region, this.#encoded.end, repeat, this.#spans());
      if (status !== 0) this.#fault(status);
      return this.#view()[ABI.HEADER_DONE] as number;
    } finally {
      signal?.removeEventListener('abort', stop);
      header(ABI.HEADER_STOP, 0);
    }
  }

  /** The memory that a run touches, as backends see it. */
  #spans(): MemorySpan[] {
    const span = ({ address, bytes }: Storage, written: boolean): MemorySpan => ({ address, bytes, written });
    const written = new Set(this.#written);
    return [
      span(this.#code, true),
      ...this.#lasting.map((memory) => ({
        address: this.#addresses.get(memory) ?? memory.storage.address,
        bytes: memory.bytes,
        written: written.has(memory),
      })),
    ];
  }

  /** Runs the program record by record and notes how long each takes. */
  runTimed(): void {
    const events: TraceEvent[] = [];
    for (const span of this.#encoded.spans) {
      const start = performance.now();
      const status = this.#heap.backend.executeAt(this.#code.region, span.start, span.end, 1);
      const dur = (performance.now() - start) * 1000;
      if (status !== 0) this.#fault(status);
      events.push(eventOf(span, start * 1000, dur));
    }
    this.#events = events;
  }

  /** The records of the last timed run in the format of Chrome's tracing. */
  trace(): { traceEvents: TraceEvent[]; displayTimeUnit: 'ns' } {
    return { traceEvents: structuredClone(this.#events), displayTimeUnit: 'ns' };
  }

  stats(): ProgramStats {
    const nodes = this.#encoded.spans.map(({ node }) => node);
    return {
      recorded: this.#recorded,
      instructions: nodes.reduce((sum, node) => sum + instructionsOf(node).length, 0),
      records: nodes.length,
      groups: nodes.filter(({ kind }) => kind === 'group').length,
      arenaBytes: this.#plan.bytes,
      temporaryBytes: this.#plan.bytesUnshared,
      ...total(nodes, this.#plan.tiles),
    };
  }

  /** The disassembled program. */
  toString(): string {
    if (this.#disposed) throw new DisposedError('compile', 'the program was freed, and what it was is gone');
    return disassemble(this.#view(), this.#encoded.end).join('\n');
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const storage of this.#pinned) storage.unpin();
    this.#arena?.unpin();
    this.#code.unpin();
  }
}

function eventOf({ node, start }: Span, ts: number, dur: number): TraceEvent {
  const steps = instructionsOf(node);
  const names = [...new Set(steps.map(({ opcode }) => OPCODE_NAMES[opcode] as string))];
  const { bytesMoved, flops } = costOf(node, new Set());
  const [first] = steps as [Instruction];
  return {
    name: names.join('+'),
    cat: node.kind,
    ph: 'X',
    ts,
    dur,
    pid: 0,
    tid: 0,
    args: { word: start, op: first.op, shape: `[${first.shape.join(', ')}]`, bytes: bytesMoved, flops },
  };
}
