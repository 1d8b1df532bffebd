/** Programs in words, before and after the passes: what `COTANGENT_DEBUG=compile` prints. */
import { OPCODE_NAMES } from '../generated/opcodes.ts';
import { DTYPES } from '../program/abi.ts';
import { type Cost, total } from './cost.ts';
import { type Instruction, instructionsOf, isAccess, type Memory, type Node, type Operand } from './ir.ts';

const LETTERS = { temporary: 't', bound: 'b', slot: 's' } as const;

function operandText(operand: Operand): string {
  if (operand === null) return '–';
  if (!isAccess(operand)) return String(operand.value);
  const { memory, offset, strides } = operand;
  return `${LETTERS[memory.kind]}${memory.id}${offset === 0 ? '' : `+${offset}`}[${strides.join(', ')}]`;
}

function instructionText({ opcode, dtype, shape, operands, params }: Instruction): string {
  const [out, ...inputs] = operands.map(operandText);
  const values = params.length === 0 ? '' : ` (${params.join(', ')})`;
  return `${OPCODE_NAMES[opcode]} ${DTYPES[dtype]} [${shape.join(', ')}]${values}  ${out} ← ${inputs.join(', ')}`;
}

function nodeText(node: Node): string[] {
  if (node.kind === 'record') return [instructionText(node)];
  return [node.kind, ...instructionsOf(node).map((step) => `  ${instructionText(step)}`)];
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MiB`;

/** t: temporary, b: bound, s: at another address in every run. */
export function reportOf(
  before: readonly Instruction[],
  after: readonly Node[],
  stats: Cost & { groups: number; arenaBytes: number; temporaryBytes: number },
  tiles: ReadonlySet<Memory>,
): string {
  const first = total(before, new Set());
  const last = total(after, tiles);
  return [
    `before: ${before.length} instructions, ${mib(first.bytesMoved)} moved, ${(first.flops / 1e6).toFixed(2)} Mflop`,
    ...before.map((instruction) => `  ${instructionText(instruction)}`),
    `after: ${after.length} records, ${stats.groups} of them groups, ${mib(last.bytesMoved)} moved, ${(last.flops / 1e6).toFixed(2)} Mflop, ` +
      `arena ${mib(stats.arenaBytes)} instead of ${mib(stats.temporaryBytes)}`,
    ...after.flatMap(nodeText).map((line) => `  ${line}`),
  ].join('\n');
}
