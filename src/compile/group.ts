/**
 * Puts instructions together: elementwise ones over the same elements into groups that run tile by tile, so that what passes
 * from one to the next stays in the cache, with sums of their results as epilogues; updates of parameters side by side.
 */
import { ADAM_STEP, COPY, MEAN, OPERATIONS, SGD_STEP, SUM, WHERE } from '../generated/opcodes.ts';
import { ABI, ITEM_BYTES } from '../program/abi.ts';
import {
  type Access,
  conflict,
  type Group,
  type Instruction,
  instructionsOf,
  isAccess,
  isCheck,
  isDense,
  type Node,
  sizeOf,
  type Use,
  usesOf,
} from './ir.ts';
import { merge, permute, refine, split } from './space.ts';

/** How far back an instruction looks for a group to join. */
const REACH = 24;
/** float32 and float64: what sums are fused for. */
const isFloat = (dtype: number): boolean => dtype < 2;

/** Whether an instruction can be a step of a group, a sum's own rules aside. */
export function isStep({ opcode, operands, dtype }: Instruction): boolean {
  if (OPERATIONS.has(opcode) || opcode === WHERE) return true;
  // Conversions have kernels of another kind.
  return opcode === COPY && operands[1]?.dtype === dtype;
}

/** Whether an instruction adds elements up. */
export const isSum = ({ opcode }: Instruction): boolean => opcode === SUM || opcode === MEAN;

const isUpdate = ({ opcode }: Instruction): boolean => opcode === SGD_STEP || opcode === ADAM_STEP;

/** Whether two walks over one shape touch the same element at every index, and no element twice. */
const sameWalk = (a: Access, b: Access, shape: readonly number[]): boolean =>
  a.offset === b.offset &&
  ITEM_BYTES[a.dtype] === ITEM_BYTES[b.dtype] &&
  shape.every((n, d) => n === 1 || (a.strides[d] === b.strides[d] && a.strides[d] !== 0));

/**
 * Whether one of the steps, all over one shape, can run tile by tile with the others. Sums are written when the whole group is done:
 * nothing else in it may touch them.
 */
function compatible(step: Instruction, steps: readonly Instruction[]): boolean {
  const writesSum = (of: Instruction, { role }: Use) => isSum(of) && role === 'w';
  const own = usesOf(step);
  for (const other of steps) {
    const uses = other === step ? own : usesOf(other);
    for (const a of own)
      for (const b of uses) {
        if (a === b || !conflict(a, b)) continue;
        if (writesSum(step, a) || writesSum(other, b) || !sameWalk(a.access, b.access, a.shape)) return false;
      }
  }
  return true;
}

/** The kinds of sums that groups know: of everything, along rows, along columns. */
function sumsFit(steps: readonly Instruction[], shape: readonly number[]): boolean {
  return steps.every((step) => {
    if (!isSum(step)) return true;
    const [out, x] = step.operands as [Access, Access];
    const strides = shape.map((n, d) => (n === 1 ? 0 : (out.strides[d] as number)));
    if (!isDense(x, shape)) return false;
    if (strides.every((stride) => stride === 0)) return true;
    return shape.length === 2 && ((strides[0] === 1 && strides[1] === 0) || (strides[0] === 0 && strides[1] === 1));
  });
}

/** Written operands lie densely, or are written only: what is gathered into a tile is not scattered back. */
function writesFit(steps: readonly Instruction[], shape: readonly number[]): boolean {
  const uses = steps.flatMap(usesOf);
  return uses.every(
    ({ access, role }) =>
      role === 'r' ||
      isDense(access, shape) ||
      uses.every((other) => other.role === 'w' || other.access.memory !== access.memory),
  );
}

const external = (steps: readonly Instruction[]): number =>
  new Set(steps.flatMap(({ operands }) => operands.map(slotKey))).size;

/** Operands with the same key can share a slot. */
export function slotKey(operand: Instruction['operands'][number]): string {
  if (operand === null) return '';
  if (!isAccess(operand)) return `${operand.dtype}=${Object.is(operand.value, -0) ? '-0' : operand.value}`;
  return `${operand.memory.id}+${operand.offset}:${operand.dtype}[${operand.strides}]`;
}

/** The group with one more instruction; null where it does not fit in. */
function joined(group: Group, instruction: Instruction): Group | null {
  if (group.steps.length >= ABI.MAX_STEPS) return null;
  if (sizeOf(group.shape) !== sizeOf(instruction.shape)) return null;
  let next = instruction;
  if (isSum(instruction)) {
    const [, x] = instruction.operands as [Access, Access];
    // Kept dimensions come first in a sum; in a group elements are walked as they lie.
    const order = instruction.shape
      .map((_, d) => d)
      .sort((a, b) => (x.strides[b] as number) - (x.strides[a] as number));
    next = permute(instruction, order);
    const made = group.steps.some((step) =>
      usesOf(step).some(({ access, role }) => role === 'w' && access.memory === x.memory),
    );
    if (!made || !isFloat(instruction.dtype)) return null;
  }
  const shape = refine(group.shape, next.shape);
  if (shape === null || shape.length > ABI.MAX_RANK) return null;
  const fine = [...group.steps, next].map((step) => split(step, shape));
  const steps = merge(fine, shape).map(settled);
  const common = (steps[0] as Instruction).shape;
  if (external(steps) > ABI.MAX_OPERANDS) return null;
  if (!compatible(steps.at(-1) as Instruction, steps) || !sumsFit(steps, common) || !writesFit(steps, common))
    return null;
  return { kind: 'group', shape: common, steps };
}

/** What a sum is written to does not move where there is one element. */
function settled(step: Instruction): Instruction {
  if (!isSum(step)) return step;
  const [out, x] = step.operands as [Access, Access];
  const strides = out.strides.map((stride, d) => (step.shape[d] === 1 ? 0 : stride));
  return { ...step, operands: [{ ...out, strides }, x] };
}

/** Whether a write outlives the run: where a check fails before it, it must not have happened. */
const lasts = ({ access, role }: Use): boolean => role !== 'r' && access.memory.kind !== 'temporary';

const conflicts = (a: readonly Use[], b: readonly Use[]): boolean => a.some((x) => b.some((y) => conflict(x, y)));

/**
 * Instructions as nodes. The order changes only where nothing can tell: results are the same to the last bit, unless `sums` go
 * into groups, which add up tile by tile.
 */
export function group(instructions: readonly Instruction[], sums = true): Node[] {
  const nodes: { node: Node; uses: Use[] }[] = [];
  for (const instruction of instructions) {
    const uses = usesOf(instruction);
    const alone = isSum(instruction) && !sums;
    if (alone || !place(instruction, uses, nodes)) nodes.push({ node: opened(instruction), uses });
  }
  return nodes.map(({ node }) => simplified(node));
}

/** A node that others may join. */
function opened(instruction: Instruction): Node {
  if (isUpdate(instruction)) return { kind: 'update', parts: [instruction] };
  if (!isStep(instruction)) return instruction;
  const steps = merge([instruction], instruction.shape);
  if (!compatible(steps[0] as Instruction, steps)) return instruction;
  return { kind: 'group', shape: (steps[0] as Instruction).shape, steps };
}

/** Adds the instruction to the nearest node that takes it, unless something on the way there stands in between. */
function place(instruction: Instruction, uses: Use[], nodes: { node: Node; uses: Use[] }[]): boolean {
  const fuses = isStep(instruction) || isSum(instruction);
  if (!fuses && !isUpdate(instruction)) return false;
  for (let i = nodes.length - 1; i >= Math.max(0, nodes.length - REACH); i--) {
    const at = nodes[i] as { node: Node; uses: Use[] };
    const { node } = at;
    if (fuses && node.kind === 'group') {
      const next = joined(node, instruction);
      if (next !== null) {
        nodes[i] = { node: next, uses: next.steps.flatMap(usesOf) };
        return true;
      }
    }
    if (conflicts(uses, at.uses) || (node.kind === 'record' && isCheck(node) && uses.some(lasts))) return false;
    if (
      node.kind === 'update' &&
      isUpdate(instruction) &&
      node.parts.every((part) => (part as Instruction).dtype === instruction.dtype)
    ) {
      nodes[i] = { node: { kind: 'update', parts: [...node.parts, instruction] }, uses: [...at.uses, ...uses] };
      return true;
    }
  }
  return false;
}

/** Groups of one are records. */
function simplified(node: Node): Node {
  const parts = instructionsOf(node);
  return node.kind !== 'record' && parts.length === 1 ? (parts[0] as Instruction) : node;
}
