/**
 * What the passes work on: instructions whose operands are places in *memories* instead of addresses. A recording is
 * a list of them in the order in which they ran; a pass takes such a list and returns another one that means the same.
 */

import {
  ADAM_STEP,
  CHECK_INDEX,
  CHECK_NONZERO,
  CHECK_WITHIN,
  COPY,
  MATMUL,
  MEAN,
  OPERAND_ROLES,
  OPERATIONS,
  SGD_STEP,
  SUM,
  WHERE,
} from '../generated/opcodes.ts';
import type { Storage } from '../memory/storage.ts';
import { ITEM_BYTES } from '../program/abi.ts';

/** A block of memory as a program sees it. */
export interface Memory {
  /** Numbered in the order of first use. */
  readonly id: number;
  readonly bytes: number;
  /**
   * `temporary`: lives within one run, in the arena. `bound`: outlives the run, always at the same address (parameters, state, constants, gradients).
   * `slot`: outlives the run, at an address of its own in every run (arguments, results).
   */
  kind: 'temporary' | 'bound' | 'slot';
  /** Where it was while recording, and where a bound one stays. */
  storage: Storage;
}

/** A strided walk through a memory. */
export interface Access {
  readonly memory: Memory;
  /** Bytes from the start of the memory to the first element. */
  readonly offset: number;
  /** dtype code of the elements. */
  readonly dtype: number;
  /** In elements, one a dimension of the iteration space. */
  readonly strides: readonly number[];
}

/** A constant. */
export interface Constant {
  readonly value: number;
  readonly dtype: number;
}

export type Operand = Access | Constant | null;

export const isAccess = (operand: Operand | undefined): operand is Access =>
  operand !== null && operand !== undefined && 'memory' in operand;

/** One record to be. */
export interface Instruction {
  readonly kind: 'record';
  /** The public op, for messages. */
  readonly op: string;
  readonly opcode: number;
  /** dtype code that selects the kernel. */
  readonly dtype: number;
  readonly shape: readonly number[];
  readonly operands: readonly Operand[];
  readonly params: readonly number[];
}

/** Elementwise steps and sums over one iteration space, run tile by tile; strides are those of `shape`. */
export interface Group {
  readonly kind: 'group';
  readonly shape: readonly number[];
  readonly steps: readonly Instruction[];
}

/** Records of one container. */
export interface Nested {
  readonly kind: 'update' | 'epilogue';
  readonly parts: readonly (Instruction | Group)[];
}

/** What runs as one record. */
export type Node = Instruction | Group | Nested;

/** The instructions of a node. */
export function instructionsOf(node: Node): readonly Instruction[] {
  if (node.kind === 'record') return [node];
  return node.kind === 'group' ? node.steps : node.parts.flatMap(instructionsOf);
}

/** What becomes of operand k: 'w' overwritten, 'u' changed in place, 's' scratch, 'r' read. */
export function roleOf(opcode: number, k: number): 'w' | 'u' | 's' | 'r' {
  const roles = OPERAND_ROLES.get(opcode);
  if (roles === undefined) return k === 0 ? 'w' : 'r';
  return (roles[k] as 'w' | 'u' | 's' | undefined) ?? 'r';
}

/** Whether a record is there for what it may find, not for what it writes. */
export const isCheck = ({ opcode }: Instruction): boolean =>
  opcode === CHECK_INDEX || opcode === CHECK_NONZERO || opcode === CHECK_WITHIN;

/** Bytes from the start of the memory that an access touches: first, and one past the last. */
export function extentOf(access: Access, shape: readonly number[]): readonly [first: number, end: number] {
  let [low, high] = [0, 0];
  for (let d = 0; d < shape.length; d++) {
    const reach = ((shape[d] as number) - 1) * (access.strides[d] as number);
    if (reach < 0) low += reach;
    else high += reach;
  }
  const bytes = ITEM_BYTES[access.dtype] as number;
  return [access.offset + low * bytes, access.offset + (high + 1) * bytes];
}

/** Whether a walk visits each element of a dense run exactly once, in row-major order. */
export function isDense({ strides }: Access, shape: readonly number[]): boolean {
  let expected = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    const n = shape[d] as number;
    if (n !== 1 && strides[d] !== expected) return false;
    expected *= n;
  }
  return true;
}

/** Whether a walk visits every element of a dense run, in any order, repetitions allowed. */
function isFull({ strides }: Access, shape: readonly number[]): boolean {
  const dims = shape
    .map((n, d) => ({ n, stride: strides[d] as number }))
    .filter(({ n, stride }) => n > 1 && stride !== 0)
    .sort((a, b) => a.stride - b.stride);
  let expected = 1;
  for (const { n, stride } of dims) {
    if (stride !== expected) return false;
    expected *= n;
  }
  return true;
}

/** Whether a write leaves nothing of what the memory held. */
export function covers(access: Access, shape: readonly number[]): boolean {
  const [first, end] = extentOf(access, shape);
  // Storages of tensors without elements, and their padding, hold one element.
  return first === 0 && end >= access.memory.bytes && isFull(access, shape);
}

/** The instruction with other operands. */
export const replaceOperands = (
  instruction: Instruction,
  replace: (operand: Operand, k: number) => Operand,
): Instruction => ({
  ...instruction,
  operands: instruction.operands.map(replace),
});

/** The instruction with other memories in the place of those that have one. */
export const rename = (instruction: Instruction, renamed: ReadonlyMap<Memory, Memory>): Instruction =>
  replaceOperands(instruction, (operand) => {
    const other = isAccess(operand) ? renamed.get(operand.memory) : undefined;
    return other !== undefined && isAccess(operand) ? { ...operand, memory: other } : operand;
  });

/** Elements of an iteration space. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** A use of memory by an instruction. */
export interface Use {
  readonly access: Access;
  readonly role: 'w' | 'u' | 's' | 'r';
  readonly shape: readonly number[];
  /** Whether nothing but what the strides say is touched. */
  readonly walked: boolean;
}

/** Not elementwise, and touch what the strides over the shape say. All others may reach further: by indices, windows, whole rows. */
const WALKS: ReadonlySet<number> = new Set([COPY, WHERE, SUM, MEAN, MATMUL, SGD_STEP, ADAM_STEP]);

/** Every access of an instruction. */
export function usesOf(instruction: Instruction): Use[] {
  const { opcode, operands, shape } = instruction;
  const walked = OPERATIONS.has(opcode) || WALKS.has(opcode);
  return operands.flatMap((access, k): Use[] =>
    isAccess(access) ? [{ access, role: roleOf(opcode, k), shape, walked }] : [],
  );
}

/** Whether two uses may touch a byte in common, at least one of them writing. */
export function conflict(a: Use, b: Use): boolean {
  if (a.access.memory !== b.access.memory || (a.role === 'r' && b.role === 'r')) return false;
  if (!a.walked || !b.walked) return true;
  const [firstA, endA] = extentOf(a.access, a.shape);
  const [firstB, endB] = extentOf(b.access, b.shape);
  return firstA < endB && firstB < endA;
}
