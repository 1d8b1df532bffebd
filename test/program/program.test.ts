/** The instruction format: what is encoded can be read back, and what is broken never runs. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { heapOf } from '../../src/backend/registry.ts';
import { ADD, COPY, OPCODE_NAMES } from '../../src/generated/opcodes.ts';
import { ABI } from '../../src/program/abi.ts';
import { disassemble } from '../../src/program/disassemble.ts';
import { PROGRAM_START, writeRecord } from '../../src/program/encode.ts';
import { ProgramError, verify } from '../../src/program/verify.ts';
import { backends } from '../support/backends.ts';

describe.each(backends)('on %s', (name) => {
  const { backend } = heapOf('test', name);
  const example = () => {
    let end = writeRecord(
      backend,
      PROGRAM_START,
      ADD,
      0,
      [64, 32],
      [
        { at: 2 ** 46 + 64, dtype: 0, strides: [32, 1] },
        { at: 4096, dtype: 0, strides: [32, 1] },
        { at: 2.5, dtype: 0, strides: [0, 0], immediate: true },
      ],
      [],
    );
    end = writeRecord(backend, end, COPY, 1, [], [{ at: 128, dtype: 1, strides: [] }, null], [7, -1.5]);
    return { words: backend.words().slice(), end };
  };

  test('disassemble shows opcode, dtype, space, params, and operands with their strides', () => {
    const { words, end } = example();
    expect(disassemble(words, end)).toEqual([
      '0008  add float32 [64, 32]  0x400000000040:float32[32, 1] ← 0x1000:float32[32, 1], 2.5:float32',
      '0036  copy float64 [] (7, -1.5)  0x80:float64[] ← –',
    ]);
  });

  test('verify accepts what the encoder writes, and knows how far an operand may reach', () => {
    const { words, end } = example();
    verify(words, end);
    const start = 4096;
    verify(words, end, (_, k) => (k === 1 ? { start, end: start + 64 * 32 * 4 } : undefined));
    expect(() => verify(words, end, (_, k) => (k === 1 ? { start, end: start + 64 * 32 * 4 - 1 } : undefined))).toThrow(
      /operand 1 reaches/,
    );
  });

  test.each([
    ['an unknown opcode', ABI.RECORD_OPCODE, OPCODE_NAMES.length],
    ['an unknown dtype', ABI.RECORD_DTYPE, 6],
    ['too many dimensions', ABI.RECORD_RANK, ABI.MAX_RANK + 1],
    ['no operands', ABI.RECORD_OPERANDS, 0],
    ['a length beyond the end', ABI.RECORD_LENGTH, 1 << 20],
    ['an odd length', ABI.RECORD_LENGTH, 29],
    ['params beyond the record', ABI.RECORD_PARAMS, 100],
  ])('verify refuses %s', (_, word, value) => {
    const { words, end } = example();
    words[PROGRAM_START + word] = value;
    expect(() => verify(words, end)).toThrow(ProgramError);
  });

  test('random damage is either harmless to the structure or refused, and never hangs or crashes', () => {
    const { words, end } = example();
    fc.assert(
      fc.property(
        fc.integer({ min: PROGRAM_START, max: end - 1 }),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        (at, value) => {
          const damaged = words.slice();
          damaged[at] = value;
          try {
            verify(damaged, end);
          } catch (error) {
            if (!(error instanceof ProgramError)) throw error;
            return;
          }
          expect(disassemble(damaged, end).length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
