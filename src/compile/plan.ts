/**
 * Gives temporaries their places in one arena: lifetimes, results in place of operands that die, offsets. What lives
 * within one group needs no place at all.
 */
import { COPY, OPERATIONS, WHERE } from '../generated/opcodes.ts';
import { ABI, ITEM_BYTES } from '../program/abi.ts';
import {
  type Access,
  covers,
  type Instruction,
  instructionsOf,
  isDense,
  type Memory,
  type Node,
  usesOf,
} from './ir.ts';

const ALIGNMENT = 64;
const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Nodes between which a memory holds something, both included. */
export interface Lifetime {
  first: number;
  last: number;
}

export interface Plan {
  /** Bytes from the start of the arena, of every temporary that has a place. */
  readonly offsets: ReadonlyMap<Memory, number>;
  /** Temporaries that live in a group's tile buffers. */
  readonly tiles: ReadonlySet<Memory>;
  readonly lifetimes: ReadonlyMap<Memory, Lifetime>;
  readonly bytes: number;
  /** What the temporaries would take side by side. */
  readonly bytesUnshared: number;
}

/** When each temporary is used. */
export function lifetimes(nodes: readonly Node[]): Map<Memory, Lifetime> {
  const out = new Map<Memory, Lifetime>();
  for (const [i, node] of nodes.entries())
    for (const instruction of instructionsOf(node))
      for (const { access } of usesOf(instruction)) {
        if (access.memory.kind !== 'temporary') continue;
        const life = out.get(access.memory);
        if (life) life.last = i;
        else out.set(access.memory, { first: i, last: i });
      }
  return out;
}

/** Temporaries that one group writes and reads, and nobody else: its tile buffers, as far as they go. */
function tileBuffers(nodes: readonly Node[], lives: ReadonlyMap<Memory, Lifetime>): Set<Memory> {
  const out = new Set<Memory>();
  for (const [i, node] of nodes.entries()) {
    const groups = node.kind === 'epilogue' ? node.parts.filter((part) => part.kind === 'group') : [node];
    for (const group of groups) {
      if (group.kind !== 'group') continue;
      let left: number = ABI.MAX_TEMPS;
      for (const [memory, uses] of usesByMemory(group.steps)) {
        const life = lives.get(memory);
        if (life === undefined || life.first !== i || life.last !== i || uses[0]?.role !== 'w') continue;
        const elsewhere =
          node.kind === 'epilogue' && node.parts.some((part) => part !== group && touches(part, memory));
        if (!elsewhere && uses.every(({ access }) => isDense(access, group.shape) && access.offset === 0) && left-- > 0)
          out.add(memory);
      }
    }
  }
  return out;
}

const touches = (node: Node, memory: Memory): boolean =>
  instructionsOf(node).some((step) => usesOf(step).some(({ access }) => access.memory === memory));

/** A use of a memory by a step. */
interface Step {
  readonly access: Access;
  readonly role: string;
  readonly step: number;
}

function usesByMemory(steps: readonly Instruction[]): Map<Memory, Step[]> {
  const out = new Map<Memory, Step[]>();
  for (const [step, instruction] of steps.entries())
    for (const { access, role } of usesOf(instruction)) {
      const list = out.get(access.memory) ?? [];
      list.push({ access, role, step });
      out.set(access.memory, list);
    }
  return out;
}

/** Whether element i of the result depends on element i of the operands alone, so that they may share memory. */
const isElementwise = ({ opcode }: Instruction): boolean =>
  OPERATIONS.has(opcode) || opcode === WHERE || opcode === COPY;

/** Steps that compute element by element, and where in the node's order they begin to. */
function elementwiseSteps(node: Node): readonly Instruction[] | null {
  if (node.kind === 'update') return null;
  const steps = node.kind === 'epilogue' ? instructionsOf(node.parts[1] as Node) : instructionsOf(node);
  return steps.every(isElementwise) ? steps : null;
}

/** Pairs of memories [result, dying operand] of which the first may take the place of the second. */
function replacements(nodes: readonly Node[], lives: ReadonlyMap<Memory, Lifetime>): [Memory, Memory][] {
  const out: [Memory, Memory][] = [];
  for (const [i, node] of nodes.entries()) {
    const steps = elementwiseSteps(node);
    if (steps === null) continue;
    const uses = [...usesByMemory(steps)];
    const taken = new Set<Memory>();
    for (const [result, writes] of uses) {
      const begin = writes[0] as Step;
      if (lives.get(result)?.first !== i || begin.role !== 'w' || lives.get(result)?.last === i) continue;
      const place = uses.find(
        ([operand, reads]) =>
          !taken.has(operand) &&
          lives.get(operand)?.last === i &&
          // What a product leaves for its group alone is an operand like any other.
          ((lives.get(operand) as Lifetime).first < i || reads[0]?.role === 'r') &&
          mayReplace(operand, reads, result, writes, steps),
      );
      if (place === undefined) continue;
      taken.add(place[0]);
      out.push([result, place[0]]);
    }
  }
  return out;
}

/** Whether element i of the result is written when element i of the operand has been read for the last time. */
function mayReplace(
  operand: Memory,
  reads: readonly Step[],
  result: Memory,
  writes: readonly Step[],
  steps: readonly Instruction[],
): boolean {
  const begin = writes[0] as Step;
  const shapeOf = ({ step }: Step) => (steps[step] as Instruction).shape;
  return (
    operand.bytes === result.bytes &&
    (reads.at(-1) as Step).step <= begin.step &&
    reads.every(({ role }) => role === 'r') &&
    [...reads, ...writes].every(
      (use) =>
        isDense(use.access, shapeOf(use)) &&
        use.access.offset === 0 &&
        ITEM_BYTES[use.access.dtype] === ITEM_BYTES[begin.access.dtype],
    ) &&
    covers(begin.access, shapeOf(begin))
  );
}

/** A run of memories one in the place of the other. */
interface Block {
  readonly members: Memory[];
  readonly bytes: number;
  first: number;
  last: number;
  offset: number;
}

/** Plans the arena of a program. Places are given to the largest blocks first, each as low as its lifetime allows. */
export function plan(nodes: readonly Node[]): Plan {
  const lives = lifetimes(nodes);
  const tiles = tileBuffers(nodes, lives);
  const blocks = new Map<Memory, Block>();
  for (const [memory, { first, last }] of lives)
    if (!tiles.has(memory))
      blocks.set(memory, { members: [memory], bytes: aligned(memory.bytes), first, last, offset: 0 });
  const bytesUnshared = [...blocks.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  for (const [result, operand] of replacements(nodes, lives)) {
    const [into, from] = [blocks.get(operand), blocks.get(result)];
    if (into === undefined || from === undefined || into === from) continue;
    into.members.push(...from.members);
    into.first = Math.min(into.first, from.first);
    into.last = Math.max(into.last, from.last);
    for (const memory of from.members) blocks.set(memory, into);
  }
  const offsets = new Map<Memory, number>();
  const placed: Block[] = [];
  let end = 0;
  for (const block of [...new Set(blocks.values())].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    const neighbours = placed
      .filter(({ first, last }) => first <= block.last && block.first <= last)
      .sort((a, b) => a.offset - b.offset);
    let at = 0;
    for (const { offset, bytes } of neighbours) {
      if (offset >= at + block.bytes) break;
      at = Math.max(at, offset + bytes);
    }
    block.offset = at;
    end = Math.max(end, at + block.bytes);
    placed.push(block);
    for (const memory of block.members) offsets.set(memory, at);
  }
  return { offsets, tiles, lifetimes: lives, bytes: end, bytesUnshared };
}
