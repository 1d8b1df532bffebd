/** `init` takes the WASM module from anywhere, and what is wrong with it is an error after which it can be tried again. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ArgumentError, BackendError, init, type Tensor } from 'cotangent';
import { expect, test, vi } from 'vitest';
import { compileWasm } from '../../src/backend/source.ts';
import { foreign, holders, lost } from '../support/bytes.ts';

const WASM = readFileSync(fileURLToPath(new URL('../../wasm/cotangent.wasm', import.meta.url)));

test.each(holders(WASM))('takes the module from a %s', async (_, holder) => {
  expect(await compileWasm('init', holder)).toBeInstanceOf(WebAssembly.Module);
});

test('takes a module, of any realm, a response, and a blob', async () => {
  const module = await WebAssembly.compile(WASM);
  expect(await compileWasm('init', module)).toBe(module);
  const other = new foreign.WebAssembly.Module(WASM);
  expect(await compileWasm('init', other)).toBe(other);
  expect(await compileWasm('init', new Response(WASM))).toBeInstanceOf(WebAssembly.Module);
  expect(await compileWasm('init', new Blob([WASM]))).toBeInstanceOf(WebAssembly.Module);
});

test.each(lost(WASM))('refuses a %s', async (_, holder) => {
  await expect(init({ wasm: holder })).rejects.toThrow(/^init: the memory of .* is gone/);
});

test('refuses what is no module, and what is no address', async () => {
  await expect(init({ wasm: 7 as never })).rejects.toThrow(/^init: wants bytes/);
  await expect(init({ wasm: {} })).rejects.toThrow(ArgumentError);
  await expect(init({ wasm: new Uint8Array(0) })).rejects.toThrow(BackendError);
  await expect(init({ wasm: new Uint8Array(8) })).rejects.toThrow(/^init: the WASM module could not be compiled/);
  await expect(init({ wasm: new Response('', { status: 404 }) })).rejects.toThrow(/the server answered 404/);
  await expect(init({ worker: 'http://' })).rejects.toThrow(/^init: worker is an address/);
  await expect(init({ worker: 7 as never })).rejects.toThrow(ArgumentError);
});

/** The library as it is before anything was computed. */
async function unused(): Promise<typeof import('cotangent')> {
  vi.resetModules();
  return import('cotangent');
}

test('a module of something else leaves the embedded one in use', async () => {
  const { init, tensor } = await unused();
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  await expect(init({ wasm: empty })).rejects.toThrow(/^init: the WASM module did not start/);
  expect(tensor([1], { backend: 'wasm' }).add(1).item()).toBe(2);
});

test('takes the file as Node reads it; once', async () => {
  const { init, tensor } = await unused();
  await init({ wasm: WASM, backend: 'wasm' });
  expect(tensor([1], { backend: 'wasm' }).add(1).item()).toBe(2);
  await expect(init({ wasm: WASM })).rejects.toThrow(/^init: the wasm backend is already running/);
});

test('the script of the worker can be named', async () => {
  const { compile, init, tensor } = await unused();
  const step = compile((x: Tensor) => x.add(1));
  const x = tensor([1], { backend: 'wasm' });
  step(x);
  await init({ worker: new URL('nowhere.mjs', import.meta.url) });
  await expect(step.runAsync(x)).rejects.toThrow(/^runAsync: the worker of the wasm backend failed: /);
  // By any object that has an address.
  const { href } = new URL('../../tools/worker.mjs', import.meta.url);
  await init({ worker: { href } });
  expect((await step.runAsync(x)).item()).toBe(2);
});
