/** Iteration spaces: one walk written over the dimensions of another. */
import type { Instruction, Operand } from './ir.ts';
import { isAccess } from './ir.ts';

/** Products of the trailing dimensions, innermost first: where dimensions begin. */
function boundaries(shape: readonly number[]): number[] {
  const out: number[] = [1];
  for (const n of shape.toReversed()) if (n !== 1) out.push((out.at(-1) as number) * n);
  return out;
}

/** The coarsest shape whose dimensions both shapes can be split into; null where their dimensions cross. */
export function refine(a: readonly number[], b: readonly number[]): number[] | null {
  const cuts = [...new Set([...boundaries(a), ...boundaries(b)])].sort((x, y) => x - y);
  const shape: number[] = [];
  for (let i = 1; i < cuts.length; i++) {
    const n = (cuts[i] as number) / (cuts[i - 1] as number);
    if (!Number.isInteger(n)) return null;
    shape.unshift(n);
  }
  const size = (s: readonly number[]) => s.reduce((x, y) => x * y, 1);
  return size(a) === size(shape) && size(b) === size(shape) ? shape : null;
}

/** The strides of a walk over `from`, over the finer shape `to`. */
function splitStrides(strides: readonly number[], from: readonly number[], to: readonly number[]): number[] {
  const out: number[] = [];
  let [d, left, stride] = [from.length, 1, 0];
  for (const n of to.toReversed()) {
    while (left === 1 && d > 0) {
      d--;
      left = from[d] as number;
      stride = strides[d] as number;
    }
    out.unshift(stride);
    stride *= n;
    left /= n;
  }
  return out;
}

const withStrides = (operand: Operand, change: (strides: readonly number[]) => number[]): Operand =>
  isAccess(operand) ? { ...operand, strides: change(operand.strides) } : operand;

/** The same instruction over a finer shape. */
export function split(instruction: Instruction, shape: readonly number[]): Instruction {
  const operands = instruction.operands.map((operand) =>
    withStrides(operand, (strides) => splitStrides(strides, instruction.shape, shape)),
  );
  return { ...instruction, shape, operands };
}

/** The same instruction with its dimensions in another order. */
export function permute(instruction: Instruction, order: readonly number[]): Instruction {
  const pick = (values: readonly number[]) => order.map((d) => values[d] as number);
  const operands = instruction.operands.map((operand) => withStrides(operand, pick));
  return { ...instruction, shape: pick(instruction.shape), operands };
}

/** Instructions over one shape, with neighbouring dimensions merged wherever every walk steps through them as one. */
export function merge(instructions: readonly Instruction[], shape: readonly number[]): Instruction[] {
  const walks = instructions.flatMap(({ operands }) => operands.filter(isAccess).map(({ strides }) => strides));
  const kept: { n: number; last: number }[] = [];
  for (let d = 0; d < shape.length; d++) {
    const n = shape[d] as number;
    const before = kept.at(-1);
    if (n === 1) continue;
    const joins = before !== undefined && walks.every((strides) => strides[before.last] === (strides[d] as number) * n);
    if (before !== undefined && joins) kept[kept.length - 1] = { n: before.n * n, last: d };
    else kept.push({ n, last: d });
  }
  // Something is to be walked over even where there is one element.
  if (kept.length === 0) kept.push({ n: 1, last: -1 });
  const merged = kept.map(({ n }) => n);
  return instructions.map((instruction) => ({
    ...instruction,
    shape: merged,
    operands: instruction.operands.map((operand) =>
      withStrides(operand, (strides) => kept.map(({ last }) => (last < 0 ? 1 : (strides[last] as number)))),
    ),
  }));
}
