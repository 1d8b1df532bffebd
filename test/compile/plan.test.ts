/** Places in the arena. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { group } from '../../src/compile/group.ts';
import type { Memory } from '../../src/compile/ir.ts';
import { plan } from '../../src/compile/plan.ts';
import { ADD, EXP, MATMUL } from '../../src/generated/opcodes.ts';
import { access, instruction, Memories } from '../support/ir.ts';

const N = [1024];

describe('plan', () => {
  it('puts a result in the place of an operand that dies', () => {
    const memories = new Memories();
    const at = (id: number, kind?: Memory['kind']) => access(memories.get(id, 1024, kind), N);
    const { offsets, bytes } = plan([
      instruction(EXP, N, [at(1), at(0, 'bound')]),
      instruction(EXP, N, [at(2), at(1)]),
      instruction(EXP, N, [at(9, 'bound'), at(2)]),
    ]);
    expect(offsets.get(memories.get(1, 1024))).toBe(offsets.get(memories.get(2, 1024)));
    expect(bytes).toBe(4096);
  });

  it('but not of a factor of a product', () => {
    const memories = new Memories();
    const square = (id: number, kind?: Memory['kind']) => access(memories.get(id, 1024, kind), [32, 32]);
    const walk = (id: number, strides: readonly number[]) => access(memories.get(id, 1024), [32, 32, 32], strides);
    const { offsets } = plan([
      instruction(EXP, [32, 32], [square(1), square(0, 'bound')]),
      instruction(MATMUL, [32, 32, 32], [walk(2, [32, 1, 0]), walk(1, [32, 0, 1]), walk(1, [0, 1, 32])]),
      instruction(EXP, [32, 32], [square(9, 'bound'), square(2)]),
    ]);
    expect(offsets.get(memories.get(1, 1024))).not.toBe(offsets.get(memories.get(2, 1024)));
  });

  it('gives no place to what lives within a group', () => {
    const memories = new Memories();
    const at = (id: number, kind?: Memory['kind']) => access(memories.get(id, 1024, kind), N);
    const nodes = group([instruction(EXP, N, [at(1), at(0, 'bound')]), instruction(EXP, N, [at(9, 'bound'), at(1)])]);
    const { offsets, tiles, bytes } = plan(nodes);
    expect(bytes).toBe(0);
    expect(offsets.size).toBe(0);
    expect([...tiles]).toEqual([memories.get(1, 1024)]);
  });

  it('never gives one place to two memories that are alive together, whatever the program', () => {
    const program = fc.array(fc.tuple(fc.nat(11), fc.nat(11), fc.nat(11), fc.integer({ min: 1, max: 4 })), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(program, (steps) => {
        const memories = new Memories();
        const nodes = steps.map(([a, b, c, k]) => {
          const at = (id: number) => access(memories.get(id + 12 * k, 256 * k), [256 * k]);
          return instruction(ADD, [256 * k], [at(a), at(b), at(c)]);
        });
        const { offsets, lifetimes } = plan(nodes);
        const placed = [...offsets];
        for (const [a, atA] of placed)
          for (const [b, atB] of placed) {
            if (a === b || atA + a.bytes <= atB || atB + b.bytes <= atA) continue;
            const [x, y] = [lifetimes.get(a), lifetimes.get(b)] as [
              { first: number; last: number },
              { first: number; last: number },
            ];
            // At the node where one takes the place of the other, both are named.
            expect(x.last <= y.first || y.last <= x.first).toBe(true);
          }
      }),
    );
  });
});
