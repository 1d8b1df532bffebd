/** One iteration space in the dimensions of another. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAccess } from '../../src/compile/ir.ts';
import { merge, permute, refine, split } from '../../src/compile/space.ts';
import { EXP } from '../../src/generated/opcodes.ts';
import { access, instruction, Memories } from '../support/ir.ts';
import { indices } from '../support/naive.ts';

/** Elements in the order in which an instruction's operand visits them. */
function visits(operand: unknown, shape: readonly number[]): number[] {
  if (!isAccess(operand as never)) return [];
  const { strides } = operand as { strides: readonly number[] };
  return [...indices(shape)].map((index) => index.reduce((at, i, d) => at + i * (strides[d] as number), 0));
}

const dims = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 0, maxLength: 4 });

describe('refine', () => {
  it('finds dimensions that both can be split into', () => {
    expect(refine([24], [4, 6])).toEqual([4, 6]);
    expect(refine([4, 6], [8, 3])).toEqual([4, 2, 3]);
    expect(refine([4, 1, 6], [24])).toEqual([4, 6]);
  });

  it('finds none where dimensions cross, or sizes differ', () => {
    expect(refine([2, 3], [3, 2])).toBeNull();
    expect(refine([2, 3], [2, 4])).toBeNull();
  });
});

describe('split and merge', () => {
  it('visit the same elements in the same order', () => {
    fc.assert(
      fc.property(dims, fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 4, maxLength: 4 }), (shape, strides) => {
        const memories = new Memories();
        const walk = access(memories.get(0, 4096), shape, strides.slice(0, shape.length));
        const original = instruction(EXP, shape, [access(memories.get(1, 4096), shape), walk]);
        const fine = refine(shape, shape) as number[];
        for (const other of [split(original, fine), merge([original], shape)[0] as typeof original])
          for (const k of [0, 1])
            expect(visits(other.operands[k], other.shape)).toEqual(visits(original.operands[k], shape));
      }),
    );
  });

  it('merge leaves apart what only some walks step through as one', () => {
    const memories = new Memories();
    const bias = access(memories.get(0, 6), [4, 6], [0, 1]);
    const [merged] = merge([instruction(EXP, [4, 6], [access(memories.get(1, 24), [4, 6]), bias])], [4, 6]);
    expect(merged?.shape).toEqual([4, 6]);
  });

  it('permute changes the order of dimensions everywhere', () => {
    const memories = new Memories();
    const turned = permute(
      instruction(EXP, [2, 3], [access(memories.get(0, 6), [2, 3]), access(memories.get(1, 6), [2, 3], [1, 2])]),
      [1, 0],
    );
    expect(turned.shape).toEqual([3, 2]);
    expect(turned.operands.map((operand) => isAccess(operand) && operand.strides)).toEqual([
      [1, 3],
      [2, 1],
    ]);
  });
});
