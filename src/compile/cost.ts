/** What a program costs, counted and not measured: bytes to and from memory, arithmetic operations. */
import { ATTENTION, ATTENTION_BACKWARD, MATMUL, OPERATIONS } from '../generated/opcodes.ts';
import { ITEM_BYTES } from '../program/abi.ts';
import { type Access, type Instruction, instructionsOf, type Memory, type Node, sizeOf, usesOf } from './ir.ts';

export interface Cost {
  /** Bytes that the kernels read and write, caches aside. */
  bytesMoved: number;
  /** Arithmetic operations; a transcendental function counts as one. */
  flops: number;
}

/** Elements that a walk touches, each counted once. */
const touched = ({ strides }: Access, shape: readonly number[]): number =>
  shape.reduce((product, n, d) => (strides[d] === 0 ? product : product * n), 1);

/** Operations for each element of the iteration space: a product is a multiplication and an addition. */
function operationsOf({ opcode, shape }: Instruction): number {
  const space = sizeOf(shape);
  if (opcode === MATMUL) return 2 * space;
  if (opcode === ATTENTION || opcode === ATTENTION_BACKWARD) {
    // [batch…, L, S, E, Eᵥ]: two products forward, five backward.
    const [e, ev] = shape.slice(-2) as [number, number];
    const scores = space / (e * ev);
    return scores * (opcode === ATTENTION ? 2 * (e + ev) : 2 * (3 * e + 2 * ev));
  }
  return space * (OPERATIONS.get(opcode) ?? 1);
}

/** What one node costs. What passes through tile buffers moves no bytes; what a group reads twice it reads once. */
export function costOf(node: Node, tiles: ReadonlySet<Memory>): Cost {
  let [bytesMoved, flops] = [0, 0];
  const seen = new Set<Memory>();
  for (const instruction of instructionsOf(node)) {
    flops += operationsOf(instruction);
    for (const { access, role, shape } of usesOf(instruction)) {
      if (tiles.has(access.memory) || (node.kind === 'group' && role === 'r' && seen.has(access.memory))) continue;
      seen.add(access.memory);
      bytesMoved += touched(access, shape) * (ITEM_BYTES[access.dtype] as number) * (role === 'u' ? 2 : 1);
    }
  }
  return { bytesMoved, flops };
}

/** What all of them cost together. */
export function total(nodes: readonly Node[], tiles: ReadonlySet<Memory>): Cost {
  const costs = nodes.map((node) => costOf(node, tiles));
  return {
    bytesMoved: costs.reduce((sum, cost) => sum + cost.bytesMoved, 0),
    flops: costs.reduce((sum, cost) => sum + cost.flops, 0),
  };
}
