/**
 * From one example to all of them: the records of ops inside `vmap` get the examples as further dimensions. How, is
 * said once for every family of the table (`LaneRule`); what fits no rule is repeated, one record an example, in the same program.
 */
import { ArgumentError } from '../errors.ts';
import {
  BERNOULLI,
  LANE_RULES,
  NORMAL,
  OPERAND_ROLES,
  OPERATIONS,
  RANDOM_INTEGERS,
  UNIFORM,
} from '../generated/opcodes.ts';
import type { Level } from '../memory/lanes.ts';
import { ABI, ITEM_BYTES } from '../program/abi.ts';
import type { Operand } from '../program/encode.ts';
import type { Instruction } from './create.ts';
import { coalesce } from './layout.ts';

/** Kernels that advance a generator, which all examples share: each draws numbers of its own. */
const DRAWS: ReadonlySet<number> = new Set([UNIFORM, NORMAL, BERNOULLI, RANDOM_INTEGERS]);

/** What becomes of operand k: 'r' is read only. */
export const roleOf = (opcode: number, k: number): string => {
  const roles = OPERAND_ROLES.get(opcode);
  return roles === undefined ? (k === 0 ? 'w' : 'r') : (roles[k] ?? 'r');
};

const lanesOf = (operand: Operand | null) => operand?.storage?.lanes ?? null;

/** Whether an instruction touches memory that has lanes. */
const hasLanes = ({ operands }: Instruction): boolean => operands.some((operand) => lanesOf(operand) !== null);

/** Elements from one example to the next. */
const laneStride = (operand: Operand | null, level: Level): number =>
  operand === null ? 0 : (lanesOf(operand)?.get(level) ?? 0) / (ITEM_BYTES[operand.dtype] as number);

/** Operands of the memory itself, so that whoever looks at the record sees nothing of lanes. */
const rooted = (operand: Operand | null, strides: readonly number[], shift = 0): Operand | null => {
  if (operand === null) return null;
  const { storage } = operand;
  const at = operand.at + shift;
  return storage === undefined ? { ...operand, strides } : { ...operand, at, strides, storage: storage.root };
};

/** The levels that an instruction has to run over. */
function levelsOf(op: string, { opcode, operands }: Instruction): Level[] {
  const levels = new Set<Level>();
  for (const operand of operands) for (const level of lanesOf(operand)?.keys() ?? []) levels.add(level);
  for (const [k, operand] of operands.entries()) {
    const role = roleOf(opcode, k);
    if (operand === null || role === 'r' || (role === 'u' && DRAWS.has(opcode))) continue;
    const lanes = lanesOf(operand);
    for (const level of levels)
      if (lanes?.has(level) !== true)
        throw new ArgumentError(
          op,
          'would write what differs between the examples of a vmap into a tensor that they share: clone() it inside the function, or begin ' +
            'with zeros there. (Tensors made inside may leave the function by its result only.)',
        );
  }
  return [...levels];
}

/** With the examples as leading dimensions. */
function outer(instruction: Instruction, levels: readonly Level[], counted: boolean): Instruction | null {
  const { operands, params = [] } = instruction;
  const lead = levels.map(({ size }) => size);
  const shape = [...lead, ...instruction.shape];
  const strides = operands.map((operand) => [
    ...levels.map((level) => laneStride(operand, level)),
    ...(operand?.strides ?? instruction.shape.map(() => 0)),
  ]);
  const more = { ...instruction };
  if (counted && params.length > 0) more.params = [(params[0] as number) + levels.length, ...params.slice(1)];
  // Elementwise kernels like their loops long; other kernels count their dimensions from the end.
  const space = OPERATIONS.has(instruction.opcode) ? coalesce(shape, strides) : { shape, strides };
  if (space.shape.length > ABI.MAX_RANK) return null;
  return {
    ...more,
    shape: space.shape,
    operands: operands.map((operand, k) => rooted(operand, space.strides[k] as number[])),
  };
}

/** With the first dimension, of independent parts, grown by the examples; null where memory does not go on like that. */
function fold(instruction: Instruction, levels: readonly Level[]): Instruction | null {
  const { operands } = instruction;
  const shape = [...instruction.shape];
  for (const level of levels.toReversed()) {
    const n = shape[0] as number;
    if (operands.some((operand) => laneStride(operand, level) !== n * (operand?.strides[0] ?? 0))) return null;
    shape[0] = n * level.size;
  }
  return { ...instruction, shape, operands: operands.map((operand) => rooted(operand, operand?.strides ?? [])) };
}

/** One record an example. */
function repeat(instruction: Instruction, levels: readonly Level[]): Instruction[] {
  let shifts: number[][] = [instruction.operands.map(() => 0)];
  for (const level of levels)
    shifts = shifts.flatMap((shift) =>
      Array.from({ length: level.size }, (_, i) =>
        shift.map((bytes, k) => bytes + i * (lanesOf(instruction.operands[k] ?? null)?.get(level) ?? 0)),
      ),
    );
  return shifts.map((shift) => ({
    ...instruction,
    operands: instruction.operands.map((operand, k) => rooted(operand, operand?.strides ?? [], shift[k])),
  }));
}

function overLanes(op: string, instruction: Instruction): readonly Instruction[] {
  if (!hasLanes(instruction)) return [instruction];
  const levels = levelsOf(op, instruction);
  const { opcode } = instruction;
  const rule = OPERATIONS.has(opcode) ? 'outer' : LANE_RULES.get(opcode);
  let whole: Instruction | null = null;
  if (rule === 'outer' || rule === 'kept') whole = outer(instruction, levels, rule === 'kept');
  else if (rule === 'fold') whole = fold(instruction, levels);
  return whole === null ? repeat(instruction, levels) : [whole];
}

/** The instructions for all examples. */
export const allLanes = (op: string, instructions: readonly Instruction[]): readonly Instruction[] =>
  instructions.flatMap((instruction) => overLanes(op, instruction));
