/** Programs on another thread: the same results as in place, one after the other, stopped on demand, and errors that say why. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Backend, Span } from '../../src/backend/backend.ts';
import { heapOf } from '../../src/backend/registry.ts';
import { ADD, CHECK_INDEX, MATMUL, MUL, TANH } from '../../src/generated/opcodes.ts';
import { BackendError, type BackendName, full, type Tensor, tensor, zeros } from '../../src/index.ts';
import { ABI } from '../../src/program/abi.ts';
import { PROGRAM_START } from '../../src/program/encode.ts';
import { storageOf } from '../../src/tensor/tensor.ts';
import { backends } from '../support/backends.ts';
import { sample } from '../support/naive.ts';
import { ProgramWriter } from '../support/programs.ts';

const span = (x: Tensor, written: boolean): Span => ({
  address: storageOf(x).address,
  bytes: storageOf(x).bytes,
  written,
});

const header = (program: Tensor) => storageOf(program).view('int32', 0, PROGRAM_START) as Int32Array;

/** out = tanh(x · w + out): what a repetition leaves behind matters to the next. */
function program(backend: Backend, name: BackendName) {
  const [x, w] = [sample([6, 5], 1, name), sample([5, 4], 2, name)];
  const product = zeros([6, 4], { dtype: 'float64', backend: name });
  const out = zeros([6, 4], { dtype: 'float64', backend: name });
  const writer = new ProgramWriter(backend)
    .record(
      MATMUL,
      'float64',
      [6, 4, 5],
      [
        { tensor: product, strides: [4, 1, 0] },
        { tensor: x, strides: [5, 0, 1] },
        { tensor: w, strides: [0, 1, 4] },
      ],
    )
    .record(ADD, 'float64', [6, 4], [product, product, out])
    .record(TANH, 'float64', [6, 4], [out, product]);
  const words = writer.keep(name);
  const spans = [span(words, false), span(x, false), span(w, false), span(out, true)];
  return { out, words, spans, code: storageOf(words).region, end: writer.end };
}

/** Adds 1 to x, over and over; each repetition takes about a hundred microseconds. */
function counter(backend: Backend, name: BackendName) {
  const x = zeros([100_000], { backend: name });
  const one = full([1], 1, { backend: name });
  const writer = new ProgramWriter(backend).record(ADD, 'float32', [100_000], [x, x, { tensor: one, strides: [0] }]);
  const words = writer.keep(name);
  const spans = [span(words, false), span(one, false), span(x, true)];
  return { x, words, spans, code: storageOf(words).region, end: writer.end };
}

describe.each(backends)('on %s', (name) => {
  const { backend } = heapOf('test', name);

  test('executeAsync leaves what executeAt leaves', async () => {
    const [here, there] = [program(backend, name), program(backend, name)];
    expect(backend.executeAt(here.code, PROGRAM_START, here.end, 7)).toBe(0);
    expect(await backend.executeAsync(there.code, there.end, 7, there.spans)).toBe(0);
    expect(there.out.toArray()).toEqual(here.out.toArray());
    expect([...header(there.words)]).toEqual([...header(here.words)]);
  });

  test('runs that are asked for at once all take place', async () => {
    const [here, there] = [program(backend, name), program(backend, name)];
    const other = counter(backend, name);
    backend.executeAt(here.code, PROGRAM_START, here.end, 1);
    const results = [
      backend.executeAsync(there.code, there.end, 1, there.spans),
      backend.executeAsync(other.code, other.end, 3, other.spans),
    ];
    expect(await Promise.all(results)).toEqual([0, 0]);
    expect(there.out.toArray()).toEqual(here.out.toArray());
    expect(other.x.data().every((value) => value === 3)).toBe(true);
  });

  test('the thread that asks goes on meanwhile, also when its memory grows', async () => {
    const { x, code, end, spans } = counter(backend, name);
    const running = backend.executeAsync(code, end, 200, spans);
    let turns = 0;
    let over = false;
    const done = running.finally(() => {
      over = true;
    });
    const large = zeros([8 << 20], { backend: name });
    while (!over) {
      turns++;
      large.add_(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
    expect(turns).toBeGreaterThan(0);
    expect(x.data().every((value) => value === 200)).toBe(true);
    expect(large.data()[0]).toBe(turns);
  });

  test('setting the stop word ends it between two repetitions', async () => {
    const { x, words, code, end, spans } = counter(backend, name);
    const running = backend.executeAsync(code, end, 2_000_000_000, spans);
    await new Promise((resolve) => setTimeout(resolve, 50));
    header(words)[ABI.HEADER_STOP] = 1;
    expect(await running).toBe(0);
    const done = header(words)[ABI.HEADER_DONE] as number;
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(2_000_000_000);
    expect(x.data().every((value) => value === done)).toBe(true);
  });

  test('a fault is in the header', async () => {
    const index = tensor([0n, 9n], { dtype: 'int64', backend: name });
    const x = full([2], 3, { backend: name });
    const writer = new ProgramWriter(backend)
      .record(MUL, 'float32', [2], [x, x, x])
      .record(CHECK_INDEX, 'int64', [2], [index], [0, 4]);
    const words = writer.keep(name);
    const spans = [span(words, false), span(index, false), span(x, true)];
    expect(await backend.executeAsync(storageOf(words).region, writer.end, 5, spans)).toBe(ABI.FAULT_INDEX);
    expect(header(words)[ABI.HEADER_STATUS]).toBe(ABI.FAULT_INDEX);
    expect(header(words)[ABI.HEADER_DONE]).toBe(0);
    const value = header(words).slice(ABI.HEADER_FAULT_VALUE, ABI.HEADER_FAULT_VALUE + 2);
    expect(new Float64Array(value.buffer)[0]).toBe(9);
    expect(x.toArray()).toEqual([9, 9]);
  });
});

describe('the worker of the wasm backend', () => {
  const { backend } = heapOf('test', 'wasm');

  test('a program that breaks down is a BackendError, and the next one runs', async () => {
    const wrong = counter(backend, 'wasm');
    const words = storageOf(wrong.words).view('int32', 0, wrong.end) as Int32Array;
    const operand = PROGRAM_START + ABI.RECORD_FIXED_WORDS;
    words[operand + ABI.OPERAND_ADDRESS_LOW] = -64;
    const failure = backend.executeAsync(wrong.code, wrong.end, 1, wrong.spans);
    const right = counter(backend, 'wasm');
    const success = backend.executeAsync(right.code, right.end, 2, right.spans);
    await expect(failure).rejects.toThrow(BackendError);
    await expect(failure).rejects.toThrow(/the worker of the wasm backend failed: .*out of bounds/);
    expect(await success).toBe(0);
    expect(right.x.data().every((value) => value === 2)).toBe(true);
  });

  test('it keeps the process alive while it runs, and not afterwards', () => {
    const script = fileURLToPath(new URL('./worker-process.ts', import.meta.url));
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', script], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(stderr).toBe('');
    expect(stdout).toBe('done 0\n');
    expect(status).toBe(0);
  });
});
