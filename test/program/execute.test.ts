/** Programs that are kept: run in place, many times over, and stopped. */
import { describe, expect, test } from 'vitest';
import { heapOf } from '../../src/backend/registry.ts';
import { ADD, CHECK_INDEX, MUL } from '../../src/generated/opcodes.ts';
import { ones, type Tensor, tensor } from '../../src/index.ts';
import { ABI } from '../../src/program/abi.ts';
import { PROGRAM_START } from '../../src/program/encode.ts';
import { storageOf } from '../../src/tensor/tensor.ts';
import { backends } from '../support/backends.ts';
import { ProgramWriter } from '../support/programs.ts';

describe.each(backends)('on %s', (name) => {
  const { backend } = heapOf('test', name);
  const float32 = 'float32' as const;
  const header = (program: Tensor) => storageOf(program).view('int32', 0, PROGRAM_START) as Int32Array;
  const add = (x: Tensor, value: number) =>
    new ProgramWriter(backend).record(ADD, float32, [3], [x, x, { value, dtype: float32 }]);

  test('executeAt runs a program where it lies, as often as it is told', () => {
    const x = tensor([1, 2, 3], { backend: name });
    const writer = add(x, 1);
    const program = writer.keep(name);
    expect(backend.executeAt(storageOf(program).region, PROGRAM_START, writer.end, 5)).toBe(0);
    expect(x.toArray()).toEqual([6, 7, 8]);
    expect([...header(program)].slice(0, 6)).toEqual([0, 0, 0, 0, 0, 5]);
    backend.executeAt(storageOf(program).region, PROGRAM_START, writer.end, 0);
    expect(x.toArray()).toEqual([6, 7, 8]);
    expect(header(program)[ABI.HEADER_DONE]).toBe(0);
  });

  test('executeAt runs a part of a program', () => {
    const x = ones([3], { backend: name });
    const writer = add(x, 1);
    const middle = writer.end;
    writer.record(MUL, float32, [3], [x, x, { value: 3, dtype: float32 }]);
    const program = writer.keep(name);
    backend.executeAt(storageOf(program).region, middle, writer.end, 2);
    expect(x.toArray()).toEqual([9, 9, 9]);
    backend.executeAt(storageOf(program).region, PROGRAM_START, middle, 1);
    expect(x.toArray()).toEqual([10, 10, 10]);
  });

  test('a header that asks to stop lets no repetition begin', () => {
    const x = ones([3], { backend: name });
    const writer = add(x, 1);
    const program = writer.keep(name);
    header(program)[ABI.HEADER_STOP] = 1;
    expect(backend.executeAt(storageOf(program).region, PROGRAM_START, writer.end, 5)).toBe(0);
    expect(x.toArray()).toEqual([1, 1, 1]);
    expect(header(program)[ABI.HEADER_DONE]).toBe(0);
  });

  test('a fault stops the program before the next record and is left in its header', () => {
    const x = ones([3], { backend: name });
    const index = tensor([0n, 7n], { dtype: 'int64', backend: name });
    const writer = add(x, 1);
    const check = writer.end;
    writer.record(CHECK_INDEX, 'int64', [2], [index], [0, 5]).record(ADD, float32, [3], [x, x, x]);
    const program = writer.keep(name);
    expect(backend.executeAt(storageOf(program).region, PROGRAM_START, writer.end, 4)).toBe(ABI.FAULT_INDEX);
    expect(x.toArray()).toEqual([2, 2, 2]);
    const words = header(program);
    expect(words[ABI.HEADER_STATUS]).toBe(ABI.FAULT_INDEX);
    expect(words[ABI.HEADER_FAULT_RECORD]).toBe(check);
    expect(words[ABI.HEADER_DONE]).toBe(0);
    const value = storageOf(program).view('int32', ABI.HEADER_FAULT_VALUE, 2) as Int32Array;
    expect(new Float64Array(value.slice().buffer)[0]).toBe(7);
  });
});
