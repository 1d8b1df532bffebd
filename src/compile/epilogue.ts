/** Products take the group that follows with them: bias, activation, residual run over each tile while it is in the cache. */
import { MATMUL } from '../generated/opcodes.ts';
import { isStep, isSum } from './group.ts';
import { conflict, type Group, type Instruction, instructionsOf, type Node, usesOf } from './ir.ts';
import { refine, split } from './space.ts';

const same = (a: readonly number[] | null, b: readonly number[]): boolean =>
  a !== null && a.length === b.length && a.every((n, d) => n === b[d]);

/** The group over the rows and columns of a product of shape [batch…, m, n, k]; null where its dimensions are others. */
function overProduct(
  steps: readonly Instruction[],
  shape: readonly number[],
  product: readonly number[],
): Group | null {
  const dims = product.slice(0, -1);
  const n = dims.at(-1) as number;
  const merged = [dims.slice(0, -1).reduce((a, b) => a * b, 1), n];
  for (const target of [merged, dims])
    if (!target.includes(1) && same(refine(shape, target), target))
      return { kind: 'group', shape: target, steps: steps.map((step) => split(step, target)) };
  return null;
}

/** Joins each product with the group behind it that reads its result. */
export function epilogues(nodes: readonly Node[]): Node[] {
  const out: Node[] = [];
  for (const node of nodes) {
    const before = out.at(-1);
    const joined = before === undefined ? null : join(before, node);
    if (joined === null) out.push(node);
    else out[out.length - 1] = joined;
  }
  return out;
}

function join(product: Node, node: Node): Node | null {
  if (product.kind !== 'record' || product.opcode !== MATMUL) return null;
  if (node.kind !== 'group' && !(node.kind === 'record' && isStep(node))) return null;
  const steps = instructionsOf(node);
  if (steps.some(isSum)) return null;
  const [result, ...factors] = usesOf(product);
  const uses = steps.flatMap(usesOf);
  if (!uses.some(({ access }) => access.memory === result?.access.memory)) return null;
  if (uses.some((use) => factors.some((factor) => conflict(use, factor)))) return null;
  const group = overProduct(steps, node.shape, product.shape);
  return group === null ? null : { kind: 'epilogue', parts: [product, group] };
}
