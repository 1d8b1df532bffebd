/** Instructions for tests of the passes: float32 memories without anything behind them. */
import type { Access, Constant, Instruction, Memory, Operand } from '../../src/compile/ir.ts';
import type { Storage } from '../../src/memory/storage.ts';

const FLOAT32 = 0;

/** Memories by number, made when they are first named. */
export class Memories {
  readonly #known = new Map<number, Memory>();

  /** A memory of `elements` float32. */
  get(id: number, elements: number, kind: Memory['kind'] = 'temporary'): Memory {
    const known = this.#known.get(id);
    if (known) return known;
    const storage = { address: 4096 * (id + 1), bytes: 4 * elements } as unknown as Storage;
    const memory: Memory = { id, bytes: 4 * elements, kind, storage };
    this.#known.set(id, memory);
    return memory;
  }
}

/** A walk over a memory; row-major unless strides are given. */
export function access(memory: Memory, shape: readonly number[], strides?: readonly number[], offset = 0): Access {
  const dense = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
  return { memory, offset, dtype: FLOAT32, strides: strides ?? dense };
}

export const constant = (value: number): Constant => ({ value, dtype: FLOAT32 });

export const instruction = (
  opcode: number,
  shape: readonly number[],
  operands: readonly Operand[],
  params: readonly number[] = [],
): Instruction => ({ kind: 'record', op: 'test', opcode, dtype: FLOAT32, shape, operands, params });
