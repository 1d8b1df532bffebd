/** Products with a group over their tiles. */
import { describe, expect, it } from 'vitest';
import { epilogues } from '../../src/compile/epilogue.ts';
import { group } from '../../src/compile/group.ts';
import { plan } from '../../src/compile/plan.ts';
import { ADD, GELU, MATMUL, SUM } from '../../src/generated/opcodes.ts';
import { access, instruction, Memories } from '../support/ir.ts';

const [M, N, K] = [4, 6, 2];

function setup() {
  const memories = new Memories();
  const c = memories.get(0, M * N);
  const product = instruction(
    MATMUL,
    [M, N, K],
    [
      access(c, [M, N, K], [N, 1, 0]),
      access(memories.get(1, M * K, 'bound'), [M, N, K], [K, 0, 1]),
      access(memories.get(2, N * K, 'bound'), [M, N, K], [0, 1, N]),
    ],
  );
  const bias = access(memories.get(3, N, 'bound'), [M, N], [0, 1]);
  const biased = access(memories.get(4, M * N), [M, N]);
  const out = access(memories.get(5, M * N, 'bound'), [M * N]);
  return { memories, c, product, bias, biased, out };
}

describe('epilogues', () => {
  it('take bias and activation into the product', () => {
    const { c, product, bias, biased, out } = setup();
    const nodes = epilogues(
      group([
        product,
        instruction(ADD, [M, N], [biased, access(c, [M, N]), bias]),
        instruction(GELU, [M * N], [out, access(biased.memory, [M * N])]),
      ]),
    );
    expect(nodes.map(({ kind }) => kind)).toEqual(['epilogue']);
    const [, taken] = nodes[0]?.kind === 'epilogue' ? nodes[0].parts : [];
    expect(taken?.shape).toEqual([M, N]);
  });

  it('put the result in the place of the product', () => {
    const { memories, c, product, bias, biased, out } = setup();
    const later = instruction(SUM, [M * N], [out, access(biased.memory, [M * N])], [0]);
    const nodes = epilogues([product, instruction(ADD, [M, N], [biased, access(c, [M, N]), bias]), later]);
    const { offsets } = plan(nodes);
    expect(offsets.get(c)).toBe(offsets.get(memories.get(4, M * N)));
  });

  it('leave alone what changes the factors, has sums, or lies in other dimensions', () => {
    const { memories, c, product, out } = setup();
    const overwrites = instruction(
      ADD,
      [M * K],
      [access(memories.get(1, M * K, 'bound'), [M * K]), access(c, [M * K]), access(c, [M * K])],
    );
    expect(epilogues([product, overwrites])).toHaveLength(2);
    const sums = instruction(SUM, [M * N], [access(out.memory, [M * N], [0]), access(c, [M * N])], [0]);
    expect(epilogues([product, sums])).toHaveLength(2);
    const turned = instruction(ADD, [3, 8], [access(out.memory, [3, 8]), access(c, [3, 8]), access(c, [3, 8], [1, 3])]);
    expect(epilogues([product, turned])).toHaveLength(2);
  });
});
