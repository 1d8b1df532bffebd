/** Programs that lie in memory of their own: run over and over, in the background, and told to stop. */
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { heapOf } from '../../src/backend/registry.ts';
import { ADD, OPCODE_NAMES } from '../../src/generated/opcodes.ts';
import { ABI } from '../../src/program/abi.ts';
import { PROGRAM_START, writeRecord } from '../../src/program/encode.ts';
import { backends } from '../support/backends.ts';

const N = 100;
/** Repetitions that only a stop brings to an end. */
const FOREVER = 2 ** 31 - 1;

describe.each(backends.filter((name) => name === 'native'))('on %s', (name) => {
  const { backend } = heapOf('test', name);

  /** A program that adds 1 to each of its elements. */
  function counting() {
    const program = backend.reserve(4096);
    const data = backend.reserve(8 * N);
    if (program === null || data === null) throw new Error('no memory');
    const values = new Float32Array(backend.bufferOf(data), data.byteOffset, N).fill(0);
    const operand = { at: data.address, dtype: 0, strides: [1] };
    const one = { at: 1, dtype: 0, strides: [0], immediate: true };
    const end = writeRecord(backend, PROGRAM_START, ADD, 0, [N], [operand, operand, one], []);
    const words = new Int32Array(backend.bufferOf(program), program.byteOffset, 1024);
    words.set(backend.words().subarray(0, end));
    words.fill(0, 0, PROGRAM_START);
    return { code: program, end, words, values, data };
  }

  test('executeAt repeats a program and counts the repetitions', () => {
    const { code, end, words, values } = counting();
    expect(backend.executeAt(code, PROGRAM_START, end, 5)).toBe(0);
    expect(words[ABI.HEADER_DONE]).toBe(5);
    expect([...values]).toEqual(Array(N).fill(5));
  });

  test('executeAt runs the records from `begin` on', () => {
    const { code, end, words, values } = counting();
    expect(backend.executeAt(code, end, end, 3)).toBe(0);
    expect([words[ABI.HEADER_DONE], values[0]]).toEqual([3, 0]);
  });

  test('no repetition begins once the header says stop', () => {
    const { code, end, words, values } = counting();
    words[ABI.HEADER_STOP] = 1;
    expect(backend.executeAt(code, PROGRAM_START, end, 3)).toBe(0);
    expect([words[ABI.HEADER_DONE], values[0]]).toEqual([0, 0]);
  });

  test('a fault ends the repetitions and is left in the header of that program', async () => {
    const { code, end, words } = counting();
    words[PROGRAM_START + ABI.RECORD_OPCODE] = OPCODE_NAMES.length;
    expect(await backend.executeAsync(code, end, 3, [])).toBe(ABI.FAULT_NO_KERNEL);
    expect(words[ABI.HEADER_STATUS]).toBe(ABI.FAULT_NO_KERNEL);
    expect(words[ABI.HEADER_FAULT_RECORD]).toBe(PROGRAM_START);
    expect(words[ABI.HEADER_DONE]).toBe(0);
  });

  test('several programs run in the background at once', async () => {
    const all = Array.from({ length: 8 }, counting);
    expect(await Promise.all(all.map(({ code, end }) => backend.executeAsync(code, end, 200, [])))).toEqual(
      Array(8).fill(0),
    );
    for (const { values, words } of all) {
      expect([...values]).toEqual(Array(N).fill(200));
      expect(words[ABI.HEADER_DONE]).toBe(200);
    }
  });

  test('the event loop goes on meanwhile, and can stop a run between repetitions', async () => {
    const { code, end, words, values } = counting();
    const running = backend.executeAsync(code, end, FOREVER, []);
    while (values[0] === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    words[ABI.HEADER_STOP] = 1;
    expect(await running).toBe(0);
    expect(new Set(values)).toEqual(new Set([Math.min(words[ABI.HEADER_DONE] as number, 2 ** 24)]));
  });

  test('a worker that ends takes what it runs in the background with it', async () => {
    const addon = new URL('../../build/Release/cotangent.node', import.meta.url).pathname;
    const { words } = counting();
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       const addon = require(workerData.addon);
       const words = new Int32Array(workerData.words), data = new Float32Array(${N});
       const address = addon.addressOf(data.buffer);
       for (const operand of [0, 1]) {
         words[workerData.operands + operand * ${ABI.OPERAND_WORDS}] = address % 2 ** 32;
         words[workerData.operands + operand * ${ABI.OPERAND_WORDS} + 1] = Math.floor(address / 2 ** 32);
       }
       addon.executeAsync(words.buffer, 0, workerData.end, ${FOREVER});
       const poll = setInterval(() => { if (data[0] > 0) { clearInterval(poll); parentPort.postMessage('up'); } }, 1);`,
      {
        eval: true,
        workerData: {
          addon,
          words: [...words],
          end: PROGRAM_START + (words[PROGRAM_START] as number),
          operands: PROGRAM_START + ABI.RECORD_FIXED_WORDS,
        },
      },
    );
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    expect(await worker.terminate()).toBe(1);
  });
});
