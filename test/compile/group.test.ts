/** What goes into one group, and what must not. */
import { describe, expect, it } from 'vitest';
import { group } from '../../src/compile/group.ts';
import { instructionsOf, type Node } from '../../src/compile/ir.ts';
import {
  ADAM_STEP,
  ADD,
  CHECK_WITHIN,
  EXP,
  GATHER,
  MATMUL,
  MUL,
  SCATTER_ADD,
  SUM,
} from '../../src/generated/opcodes.ts';
import { ABI } from '../../src/program/abi.ts';
import { access, constant, instruction, Memories } from '../support/ir.ts';

const N = [24];
const kinds = (nodes: readonly Node[]) => nodes.map((node) => [node.kind, instructionsOf(node).length]);

function setup() {
  const memories = new Memories();
  return {
    memories,
    at: (id: number, shape: readonly number[] = N, strides?: readonly number[]) =>
      access(memories.get(id, 24), shape, strides),
  };
}

describe('group', () => {
  it('puts neighbours over the same elements together', () => {
    const { at } = setup();
    const nodes = group([
      instruction(EXP, N, [at(1), at(0)]),
      instruction(MUL, N, [at(2), at(1), constant(2)]),
      instruction(ADD, N, [at(3), at(2), at(0)]),
    ]);
    expect(kinds(nodes)).toEqual([['group', 3]]);
  });

  it('over other dimensions of the same elements too', () => {
    const { memories, at } = setup();
    const bias = access(memories.get(9, 6), [4, 6], [0, 1]);
    const nodes = group([
      instruction(ADD, [4, 6], [at(1, [4, 6]), at(0, [4, 6]), bias]),
      instruction(EXP, N, [at(2), at(1)]),
    ]);
    expect(kinds(nodes)).toEqual([['group', 2]]);
    expect(nodes[0]?.kind === 'group' && nodes[0].shape).toEqual([4, 6]);
  });

  it('past others that have nothing to do with them', () => {
    const { memories, at } = setup();
    const matrix = (id: number) => access(memories.get(id, 4), [2, 2, 2]);
    const nodes = group([
      instruction(EXP, N, [at(1), at(0)]),
      instruction(MATMUL, [2, 2, 2], [matrix(5), matrix(6), matrix(7)]),
      instruction(MUL, N, [at(2), at(1), constant(2)]),
    ]);
    expect(kinds(nodes)).toEqual([
      ['group', 2],
      ['record', 1],
    ]);
  });

  it('not past what they read or write', () => {
    const { memories, at } = setup();
    const product = access(memories.get(1, 24), [4, 6, 2], [6, 1, 0]);
    const factor = (id: number) => access(memories.get(id, 24), [4, 6, 2], [2, 0, 1]);
    const program = [
      instruction(EXP, N, [at(8), at(0)]),
      instruction(MATMUL, [4, 6, 2], [product, factor(5), factor(6)]),
      instruction(MUL, N, [at(2), at(1), constant(2)]),
    ];
    expect(kinds(group(program))).toEqual([
      ['record', 1],
      ['record', 1],
      ['record', 1],
    ]);
  });

  it('not past what reaches further than its strides say: by indices', () => {
    const { memories } = setup();
    const row = (id: number) => access(memories.get(id, 8), [2, 4]);
    // Places along the first dimension are in the index, so that the strides stay in the first of three rows.
    const rows = access(memories.get(1, 24), [2, 4], [0, 1]);
    const later = access(memories.get(1, 24), [2, 4], [4, 1], 64);
    const read = [
      instruction(EXP, [2, 4], [row(6), row(7)]),
      instruction(SCATTER_ADD, [2, 4], [rows, row(4), row(5)], [6]),
      instruction(MUL, [2, 4], [row(8), later, constant(2)]),
    ];
    const written = [
      instruction(EXP, [2, 4], [row(6), row(7)]),
      instruction(GATHER, [2, 4], [row(5), rows, row(4)], [6]),
      instruction(MUL, [2, 4], [later, row(7), constant(2)]),
    ];
    for (const program of [read, written])
      expect(kinds(group(program))).toEqual([
        ['record', 1],
        ['record', 1],
        ['record', 1],
      ]);
    expect(kinds(group(read.with(2, instruction(MUL, [2, 4], [row(8), row(7), constant(2)]))))).toEqual([
      ['group', 2],
      ['record', 1],
    ]);
  });

  it('past a check only with what nobody sees when that fails', () => {
    const { memories, at } = setup();
    const state = access(memories.get(9, 24, 'bound'), N);
    const program = (out: typeof state) => [
      instruction(EXP, N, [at(1), at(0)]),
      instruction(CHECK_WITHIN, N, [at(0)], [0, 1]),
      instruction(ADD, N, [out, at(1), constant(1)]),
    ];
    expect(kinds(group(program(at(2))))).toEqual([
      ['group', 2],
      ['record', 1],
    ]);
    expect(kinds(group(program(state)))).toEqual([
      ['record', 1],
      ['record', 1],
      ['record', 1],
    ]);
  });

  it('not where elements are read in another order than they were written', () => {
    const { at } = setup();
    const nodes = group([
      instruction(EXP, [4, 6], [at(1, [4, 6]), at(0, [4, 6])]),
      instruction(EXP, [6, 4], [at(2, [6, 4]), at(1, [6, 4], [1, 6])]),
    ]);
    expect(kinds(nodes)).toEqual([
      ['record', 1],
      ['record', 1],
    ]);
  });

  it('not where an element that others still read would be overwritten', () => {
    const { memories, at } = setup();
    const shifted = access(memories.get(0, 24), [20], [1], 16);
    const first = access(memories.get(0, 24), [20]);
    const nodes = group([instruction(EXP, [20], [at(1, [20]), shifted]), instruction(EXP, [20], [first, at(1, [20])])]);
    expect(kinds(nodes)).toHaveLength(2);
  });

  it.each([
    ['everything', N, [0], N],
    ['rows', [4, 6], [1, 0], [4, 6]],
  ])('takes sums over %s along', (_, shape, strides, order) => {
    const { memories, at } = setup();
    const out = access(memories.get(9, 4), order, strides);
    const nodes = group([
      instruction(EXP, shape, [at(1, shape), at(0, shape)]),
      instruction(SUM, order, [out, at(1, shape)], [shape.length - 1]),
    ]);
    expect(kinds(nodes)).toEqual([['group', 2]]);
    const exact = group(
      [instruction(EXP, shape, [at(1, shape), at(0, shape)]), instruction(SUM, order, [out, at(1, shape)])],
      false,
    );
    expect(kinds(exact)).toHaveLength(2);
  });

  it('takes sums over columns along, whose records have their dimensions the other way round', () => {
    const { memories, at } = setup();
    const out = access(memories.get(9, 6), [6, 4], [1, 0]);
    const nodes = group([
      instruction(EXP, [4, 6], [at(1, [4, 6]), at(0, [4, 6])]),
      instruction(SUM, [6, 4], [out, at(1, [6, 4], [1, 6])], [1]),
    ]);
    expect(kinds(nodes)).toEqual([['group', 2]]);
  });

  it('lets nobody read a sum in the group that makes it', () => {
    const { memories, at } = setup();
    const total = access(memories.get(9, 1), N, [0]);
    const nodes = group([
      instruction(EXP, N, [at(1), at(0)]),
      instruction(SUM, N, [total, at(1)], [0]),
      instruction(MUL, N, [at(2), at(1), total]),
    ]);
    expect(kinds(nodes)).toEqual([
      ['group', 2],
      ['record', 1],
    ]);
  });

  it('keeps to the limits of a record', () => {
    const memories = new Memories();
    const at = (id: number) => access(memories.get(id, 24), N);
    const chain = Array.from({ length: 60 }, (_, i) => instruction(EXP, N, [at(i + 1), at(i)]));
    const nodes = group(chain);
    expect(nodes.flatMap(instructionsOf)).toHaveLength(60);
    for (const node of nodes) {
      const steps = instructionsOf(node);
      expect(steps.length).toBeLessThanOrEqual(ABI.MAX_STEPS);
      expect(new Set(steps.flatMap(({ operands }) => operands)).size).toBeLessThanOrEqual(2 * ABI.MAX_OPERANDS);
    }
  });

  it('puts updates of parameters side by side', () => {
    const { memories, at } = setup();
    const scalar = (id: number) => access(memories.get(id, 2), N, [0]);
    const update = (base: number) =>
      instruction(ADAM_STEP, N, [at(base), at(base + 1), at(base + 2), at(base + 3), scalar(base + 4), scalar(99)]);
    expect(kinds(group([update(0), update(10), update(20)]))).toEqual([['update', 3]]);
    expect(kinds(group([update(0), update(0)]))).toHaveLength(2);
  });
});
