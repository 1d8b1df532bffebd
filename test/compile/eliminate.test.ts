/** Records that a program can do without. */
import { describe, expect, it } from 'vitest';
import { forwardCopies, propagateConstants, removeDead, shareRepeated } from '../../src/compile/eliminate.ts';
import { ADD, CHECK_INDEX, COPY, EXP, MUL, SCATTER_ADD, UNIFORM } from '../../src/generated/opcodes.ts';
import { access, constant, instruction, Memories } from '../support/ir.ts';

const SHAPE = [8];

function setup() {
  const memories = new Memories();
  const at = (id: number) => access(memories.get(id, 8), SHAPE);
  const bound = (id: number) => access(memories.get(id, 8, 'bound'), SHAPE);
  return { memories, at, bound };
}

describe('removeDead', () => {
  it('drops what nobody reads, and what only that needed', () => {
    const { at, bound } = setup();
    const used = instruction(ADD, SHAPE, [bound(9), bound(0), bound(1)]);
    const dead = instruction(EXP, SHAPE, [at(2), bound(0)]);
    const deader = instruction(EXP, SHAPE, [at(3), at(2)]);
    expect(removeDead([dead, deader, used])).toEqual([used]);
  });

  it('keeps writes of parts, updates in place, and checks', () => {
    const { memories, at, bound } = setup();
    const half = (offset: number) => access(memories.get(2, 8), [4], [1], offset);
    const program = [
      instruction(CHECK_INDEX, SHAPE, [bound(5)], [0, 3]),
      instruction(COPY, [4], [half(0), constant(1)]),
      instruction(COPY, [4], [half(16), constant(2)]),
      instruction(SCATTER_ADD, SHAPE, [at(2), bound(5), bound(0)], [1]),
      instruction(EXP, SHAPE, [bound(9), at(2)]),
    ];
    expect(removeDead(program)).toEqual(program);
  });

  it('drops a value that is overwritten before it is read', () => {
    const { at, bound } = setup();
    const first = instruction(COPY, SHAPE, [at(2), constant(1)]);
    const second = instruction(COPY, SHAPE, [at(2), constant(2)]);
    const read = instruction(EXP, SHAPE, [bound(9), at(2)]);
    expect(removeDead([first, second, read])).toEqual([second, read]);
  });
});

describe('shareRepeated', () => {
  it('computes the same record on the same values once', () => {
    const { at, bound } = setup();
    const shared = shareRepeated([
      instruction(EXP, SHAPE, [at(2), bound(0)]),
      instruction(EXP, SHAPE, [at(3), bound(0)]),
      instruction(MUL, SHAPE, [bound(9), at(2), at(3)]),
    ]);
    expect(shared).toHaveLength(2);
    expect(shared[1]?.operands.slice(1)).toEqual([at(2), at(2)]);
  });

  it('computes again what has changed in between', () => {
    const { at, bound } = setup();
    const program = [
      instruction(EXP, SHAPE, [at(2), bound(0)]),
      instruction(COPY, SHAPE, [bound(0), constant(1)]),
      instruction(EXP, SHAPE, [at(3), bound(0)]),
      instruction(MUL, SHAPE, [bound(9), at(2), at(3)]),
    ];
    expect(shareRepeated(program)).toEqual(program);
  });

  it('does not share results that are changed later, random numbers, or other params', () => {
    const { at, bound } = setup();
    const program = [
      instruction(UNIFORM, SHAPE, [at(2), bound(7)]),
      instruction(UNIFORM, SHAPE, [at(3), bound(7)]),
      instruction(EXP, SHAPE, [at(4), bound(0)], [1]),
      instruction(EXP, SHAPE, [at(5), bound(0)], [2]),
      instruction(EXP, SHAPE, [at(6), bound(0)], [2]),
      instruction(ADD, SHAPE, [at(6), at(6), at(2)]),
    ];
    expect(shareRepeated(program)).toEqual(program);
  });

  it('tells 0 from -0', () => {
    const { at, bound } = setup();
    const program = [
      instruction(ADD, SHAPE, [at(2), bound(0), constant(0)]),
      instruction(ADD, SHAPE, [at(3), bound(0), constant(-0)]),
    ];
    expect(shareRepeated(program)).toEqual(program);
  });
});

describe('propagateConstants', () => {
  it('puts the number in the place of memory that was filled with it', () => {
    const { at, bound } = setup();
    const [, read] = propagateConstants([
      instruction(COPY, SHAPE, [at(2), constant(3)]),
      instruction(MUL, SHAPE, [bound(9), bound(0), at(2)]),
    ]);
    expect(read?.operands).toEqual([bound(9), bound(0), constant(3)]);
  });

  it('leaves memory alone that is written again, or filled in part', () => {
    const { memories, at, bound } = setup();
    const part = access(memories.get(3, 8), [4], [1]);
    const program = [
      instruction(COPY, SHAPE, [at(2), constant(3)]),
      instruction(ADD, SHAPE, [at(2), at(2), bound(0)]),
      instruction(COPY, [4], [part, constant(3)]),
      instruction(MUL, SHAPE, [bound(9), at(2), at(3)]),
    ];
    expect(propagateConstants(program)).toEqual(program);
  });
});

describe('forwardCopies', () => {
  it('reads the original instead of a copy', () => {
    const { at, bound } = setup();
    const program = forwardCopies([
      instruction(EXP, SHAPE, [at(2), bound(0)]),
      instruction(COPY, SHAPE, [at(3), at(2)]),
      instruction(EXP, SHAPE, [bound(9), at(3)]),
    ]);
    expect(program).toHaveLength(2);
    expect(program[1]?.operands[1]).toEqual(at(2));
  });

  it('keeps copies of what changes afterwards, and of what lies in another order', () => {
    const { memories, at, bound } = setup();
    const turned = access(memories.get(2, 8), [2, 4], [1, 2]);
    const program = [
      instruction(EXP, SHAPE, [at(2), bound(0)]),
      instruction(COPY, [2, 4], [access(memories.get(4, 8), [2, 4]), turned]),
      instruction(EXP, SHAPE, [at(5), bound(0)]),
      instruction(COPY, SHAPE, [at(3), at(5)]),
      instruction(ADD, SHAPE, [at(5), at(5), at(3)]),
    ];
    expect(forwardCopies(program)).toEqual(program);
  });
});
