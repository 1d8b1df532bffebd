/** Passes that leave records out: what nobody reads, what was computed before, what only carries a constant. */
import { COPY, OPERATIONS } from '../generated/opcodes.ts';
import {
  covers,
  type Instruction,
  isAccess,
  isCheck,
  isDense,
  type Memory,
  rename,
  replaceOperands,
  usesOf,
} from './ir.ts';

/** Whether an opcode computes every element by itself. */
const isElementwise = (opcode: number): boolean => OPERATIONS.has(opcode);

/** How often each memory is written. */
function writeCounts(instructions: readonly Instruction[]): Map<Memory, number> {
  const counts = new Map<Memory, number>();
  for (const instruction of instructions)
    for (const { access, role } of usesOf(instruction))
      if (role !== 'r') counts.set(access.memory, (counts.get(access.memory) ?? 0) + 1);
  return counts;
}

/**
 * Reads of memory that was filled with one number become that number: a gradient's first 1, a sum's first 0.
 * Only where the fill is the one write, and for elementwise records, which take constants anywhere.
 */
export function propagateConstants(instructions: readonly Instruction[]): Instruction[] {
  const writes = writeCounts(instructions);
  const constants = new Map<Memory, { value: number; dtype: number }>();
  return instructions.map((instruction) => {
    const { opcode, operands, shape } = instruction;
    if (opcode === COPY) {
      const [out, value] = operands;
      if (isAccess(out) && value && !isAccess(value) && out.memory.kind === 'temporary')
        if (writes.get(out.memory) === 1 && covers(out, shape) && out.dtype === value.dtype)
          constants.set(out.memory, value);
      return instruction;
    }
    if (!isElementwise(opcode)) return instruction;
    return replaceOperands(instruction, (operand, k) => {
      const constant = k > 0 && isAccess(operand) ? constants.get(operand.memory) : undefined;
      return constant !== undefined && constant.dtype === operand?.dtype ? constant : operand;
    });
  });
}

/** A record computed twice from the same values is computed once. */
export function shareRepeated(instructions: readonly Instruction[]): Instruction[] {
  const writes = writeCounts(instructions);
  const versions = new Map<Memory, number>();
  const seen = new Map<string, Memory>();
  const renamed = new Map<Memory, Memory>();
  const kept: Instruction[] = [];
  for (const original of instructions) {
    const instruction = rename(original, renamed);
    const uses = usesOf(instruction);
    const written = uses.filter(({ role }) => role !== 'r');
    const out = written[0];
    const shareable =
      written.length === 1 &&
      out?.role === 'w' &&
      out.access.memory.kind === 'temporary' &&
      writes.get(out.access.memory) === 1 &&
      covers(out.access, instruction.shape);
    if (shareable) {
      const key = keyOf(instruction, versions);
      const before = seen.get(key);
      if (before !== undefined && before.bytes === out.access.memory.bytes) {
        renamed.set(out.access.memory, before);
        continue;
      }
      seen.set(key, out.access.memory);
    }
    for (const { access } of written) versions.set(access.memory, (versions.get(access.memory) ?? 0) + 1);
    kept.push(instruction);
  }
  return kept;
}

/** Says all that decides what a record computes: what it reads, by memory and by how often that was written before. */
function keyOf({ opcode, dtype, shape, operands, params }: Instruction, versions: Map<Memory, number>): string {
  const terms = operands.map((operand, k) => {
    if (operand === null) return '-';
    if (!isAccess(operand)) return `${operand.dtype}=${Object.is(operand.value, -0) ? '-0' : operand.value}`;
    const { memory, offset, strides } = operand;
    const place = k === 0 ? '' : `${memory.id}.${versions.get(memory) ?? 0}+${offset}`;
    return `${place}:${operand.dtype}[${strides}]`;
  });
  return `${opcode} ${dtype} [${shape}] ${params} ${terms.join(' ')}`;
}

/** Leaves out records whose results nobody reads. What outlives the program counts as read; checks stay. */
export function removeDead(instructions: readonly Instruction[]): Instruction[] {
  const live = new Set<Memory>();
  const kept: Instruction[] = [];
  for (const instruction of instructions.toReversed()) {
    const uses = usesOf(instruction);
    const needed =
      isCheck(instruction) ||
      uses.some(({ access, role }) => role !== 'r' && (access.memory.kind !== 'temporary' || live.has(access.memory)));
    if (!needed) continue;
    for (const { access, role, shape } of uses) if (role === 'w' && covers(access, shape)) live.delete(access.memory);
    for (const { access, role } of uses) if (role === 'r' || role === 'u') live.add(access.memory);
    kept.push(instruction);
  }
  return kept.reverse();
}

/** A copy of a whole temporary into another layoutless temporary, neither of them written again, is the temporary itself. */
export function forwardCopies(instructions: readonly Instruction[]): Instruction[] {
  const writes = writeCounts(instructions);
  const renamed = new Map<Memory, Memory>();
  const kept: Instruction[] = [];
  for (const original of instructions) {
    const instruction = rename(original, renamed);
    const [out, source] = instruction.operands;
    if (
      instruction.opcode === COPY &&
      isAccess(out) &&
      isAccess(source) &&
      out.dtype === source.dtype &&
      out.memory.kind === 'temporary' &&
      source.memory.kind === 'temporary' &&
      writes.get(out.memory) === 1 &&
      writes.get(source.memory) === 1 &&
      out.memory.bytes === source.memory.bytes &&
      covers(out, instruction.shape) &&
      covers(source, instruction.shape) &&
      isDense(out, instruction.shape) &&
      isDense(source, instruction.shape)
    ) {
      renamed.set(out.memory, source.memory);
      continue;
    }
    kept.push(instruction);
  }
  return kept;
}
