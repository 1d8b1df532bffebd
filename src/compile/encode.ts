/** Turns planned nodes into the words of a program, and says which words hold addresses that change from run to run. */
import { COPY, GROUP, MATMUL_GROUP, UPDATE_ALL } from '../generated/opcodes.ts';
import { ABI } from '../program/abi.ts';
import { PROGRAM_START, type ProgramBuffer, type Operand as Written, writeRecord } from '../program/encode.ts';
import { dtypeInfo } from '../tensor/dtype.ts';
import { slotKey } from './group.ts';
import { type Group, type Instruction, instructionsOf, isAccess, type Memory, type Node, type Operand } from './ir.ts';
import type { Plan } from './plan.ts';

/** An operand's address words, and how far into its memory it points. */
export interface Patch {
  readonly word: number;
  readonly offset: number;
}

/** One node's place in the program. */
export interface Span {
  readonly node: Node;
  readonly start: number;
  readonly end: number;
}

export interface Encoded {
  readonly words: Int32Array;
  /** The word after the last record. */
  readonly end: number;
  readonly patches: ReadonlyMap<Memory, readonly Patch[]>;
  readonly spans: readonly Span[];
  /** Memories by record and operand, for the verifier. */
  readonly operands: ReadonlyMap<number, readonly (Memory | null)[]>;
}

/** Words that a node takes at most. */
function bound(node: Node): number {
  return instructionsOf(node).reduce(
    (sum, { operands, params, shape }) =>
      sum +
      64 +
      2 * params.length +
      operands.length * (ABI.OPERAND_WORDS + shape.length + 3) +
      shape.length +
      ABI.STEP_WORDS,
    64,
  );
}

class Encoder implements ProgramBuffer {
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #plan: Plan;
  readonly #arena: number;
  readonly patches = new Map<Memory, Patch[]>();
  readonly operands = new Map<number, (Memory | null)[]>();
  #end = PROGRAM_START;

  constructor(words: number, plan: Plan, arena: number) {
    this.#words = new Int32Array(words + (words & 1));
    this.#doubles = new Float64Array(this.#words.buffer);
    this.#plan = plan;
    this.#arena = arena;
  }

  words(): Int32Array {
    return this.#words;
  }

  doubles(): Float64Array {
    return this.#doubles;
  }

  get end(): number {
    return this.#end;
  }

  #written(operand: Operand, rank: number): Written | null {
    if (operand === null) return null;
    if (!isAccess(operand))
      return { at: operand.value, dtype: operand.dtype, immediate: true, strides: new Array<number>(rank).fill(0) };
    const { memory, offset, dtype, strides } = operand;
    const place = this.#plan.offsets.get(memory);
    const base = place === undefined ? memory.storage.address : this.#arena + place;
    return { at: base + offset, dtype, strides };
  }

  #record(
    opcode: number,
    dtype: number,
    shape: readonly number[],
    operands: readonly Operand[],
    params: readonly number[],
    tail?: readonly number[],
  ): void {
    const start = this.#end;
    const written = operands.map((operand) => this.#written(operand, shape.length));
    this.#end = writeRecord(this, start, opcode, dtype, shape, written, params, tail);
    this.operands.set(
      start,
      operands.map((operand) => (isAccess(operand) ? operand.memory : null)),
    );
    const first = start + ABI.RECORD_FIXED_WORDS + 2 * params.length;
    for (const [k, operand] of operands.entries()) {
      if (!isAccess(operand) || operand.memory.kind !== 'slot') continue;
      const list = this.patches.get(operand.memory) ?? [];
      list.push({ word: first + k * ABI.OPERAND_WORDS, offset: operand.offset });
      this.patches.set(operand.memory, list);
    }
  }

  #group({ steps, shape }: Group): void {
    // Outputs first: which operands a group writes, and which of them are its own.
    const slots = new Map<string, Operand>();
    const temps = new Map<string, number>();
    const isTemp = (operand: Operand) => isAccess(operand) && this.#plan.tiles.has(operand.memory);
    const memoryKey = (operand: Operand) =>
      isAccess(operand) && isTemp(operand) ? `tile ${operand.memory.id}` : slotKey(operand);
    const all = [
      ...steps.map(({ operands }) => operands[0] as Operand),
      ...steps.flatMap(({ operands }) => operands.slice(1)),
    ];
    for (const operand of all) {
      const key = memoryKey(operand);
      if (isTemp(operand)) {
        if (!temps.has(key)) temps.set(key, temps.size);
      } else if (operand !== null && !slots.has(key)) slots.set(key, operand);
    }
    const order = [...slots.keys()];
    const slotOf = (operand: Operand | undefined): number => {
      if (operand === null || operand === undefined) return -1;
      const key = memoryKey(operand);
      return temps.has(key) ? order.length + (temps.get(key) as number) : order.indexOf(key);
    };
    const params: number[] = [];
    const tail = [steps.length, temps.size];
    for (const step of steps) {
      const [out, ...inputs] = step.operands;
      tail.push(step.opcode, step.dtype, slotOf(out), ...[0, 1, 2, 3].map((i) => slotOf(inputs[i])), params.length);
      params.push(...step.params);
    }
    this.#record(GROUP, 0, shape, [...slots.values()], params, tail);
  }

  node(node: Node): void {
    if (node.kind === 'record') this.#record(node.opcode, node.dtype, node.shape, node.operands, node.params);
    else if (node.kind === 'group') this.#group(node);
    else {
      const start = this.#end;
      this.#words.fill(0, start, start + ABI.NESTED_START);
      this.#words[start + ABI.RECORD_OPCODE] = node.kind === 'update' ? UPDATE_ALL : MATMUL_GROUP;
      // One kernel updates parameters of one dtype.
      if (node.kind === 'update')
        this.#words[start + ABI.RECORD_DTYPE] = (instructionsOf(node)[0] as Instruction).dtype;
      this.#words[start + ABI.NESTED_COUNT] = node.parts.length;
      this.#end += ABI.NESTED_START;
      for (const part of node.parts) this.node(part);
      this.#words[start] = this.#end - start;
    }
  }

  /** Makes what lies dead in the arena unusable. */
  poison(offset: number, bytes: number): void {
    const start = this.#end;
    const uint8 = dtypeInfo.uint8.code;
    const target: Written = { at: this.#arena + offset, dtype: uint8, strides: [1] };
    const value: Written = { at: 255, dtype: uint8, immediate: true, strides: [0] };
    this.#end = writeRecord(this, start, COPY, uint8, [bytes], [target, value], []);
    this.operands.set(start, [null, null]);
  }
}

/**
 * Encodes a program whose arena begins at address `arena`. With `poison` all of the arena is filled with bytes of 255 (NaN as a
 * float, −1 as an integer) at the start, and every temporary once it is dead: tests find reads of memory that holds nothing.
 */
export function encode(nodes: readonly Node[], plan: Plan, arena: number, poison = false): Encoded {
  const words = nodes.reduce((sum, node) => sum + bound(node), PROGRAM_START);
  const encoder = new Encoder(words + (poison ? 32 * (plan.lifetimes.size + 1) : 0), plan, arena);
  if (poison && plan.bytes > 0) encoder.poison(0, plan.bytes);
  const spans: Span[] = [];
  for (const [i, node] of nodes.entries()) {
    const start = encoder.end;
    encoder.node(node);
    spans.push({ node, start, end: encoder.end });
    if (!poison) continue;
    const alive = (offset: number, bytes: number) =>
      [...plan.lifetimes].some(([memory, { first, last }]) => {
        const at = plan.offsets.get(memory);
        return at !== undefined && first <= i && last > i && at < offset + bytes && offset < at + memory.bytes;
      });
    for (const [memory, { last }] of plan.lifetimes) {
      const offset = plan.offsets.get(memory);
      if (last === i && offset !== undefined && !alive(offset, memory.bytes)) encoder.poison(offset, memory.bytes);
    }
  }
  return {
    words: encoder.words().slice(0, encoder.end),
    end: encoder.end,
    patches: encoder.patches,
    spans,
    operands: encoder.operands,
  };
}
