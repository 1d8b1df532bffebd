/**
 * The WASM backend: one linear memory, one module, one thread (and another for `executeAsync`). Runs wherever WebAssembly with
 * SIMD does; touches nothing of Node or of the page.
 */
import { WASM_BASE64 } from '../generated/wasm-binary.ts';
import { PROGRAM_WORDS } from '../program/abi.ts';
import type { WasmModule } from '../webtypes.ts';
import type { Attempt, Backend, Region } from './backend.ts';
import { Remote } from './remote.ts';
import { type Exports, PAGE_BYTES } from './wasm-module.ts';

const LIMIT_BYTES = 65536 * PAGE_BYTES;
/** Grow by at least this much: growing detaches every view and may move the memory. */
const GROWTH_BYTES = 16 * 2 ** 20;

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Instantiates the embedded module, or the given one. */
export function instantiateWasm(module?: WasmModule): Attempt {
  if (typeof WebAssembly !== 'object') return { backend: null, reason: 'this runtime has no WebAssembly' };
  try {
    const compiled = module ?? new WebAssembly.Module(decode(WASM_BASE64));
    const exports = new WebAssembly.Instance(compiled, {}).exports as unknown as Exports;
    return { backend: wrap(compiled, exports), reason: '' };
  } catch (error) {
    return { backend: null, reason: `the WASM module did not start: ${(error as Error).message}` };
  }
}

function wrap(module: WebAssembly.Module, wasm: Exports): Backend {
  const { memory } = wasm;
  const remote = new Remote(module, memory);
  const program = wasm.programAddress();
  let top = wasm.heapBase();
  let words = new Int32Array(memory.buffer, program, PROGRAM_WORDS);
  let doubles = new Float64Array(memory.buffer, program, PROGRAM_WORDS / 2);
  const grow = (pages: number): boolean => {
    try {
      memory.grow(pages);
    } catch {
      return false;
    }
    words = new Int32Array(memory.buffer, program, PROGRAM_WORDS);
    doubles = new Float64Array(memory.buffer, program, PROGRAM_WORDS / 2);
    return true;
  };
  return {
    name: 'wasm',
    collected: false,
    limitBytes: LIMIT_BYTES,
    words: () => words,
    doubles: () => doubles,
    execute: wasm.execute,
    executeAt: ({ address }, begin, end, repeat) => wasm.executeAt(address, begin, end, repeat),
    executeAsync: ({ address }, end, repeat, spans) => remote.execute(address, end, repeat, spans),
    reserve(bytes: number): Region | null {
      const end = top + bytes;
      if (end > LIMIT_BYTES) return null;
      const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE_BYTES);
      if (missing > 0 && !grow(Math.max(missing, GROWTH_BYTES / PAGE_BYTES)) && !grow(missing)) return null;
      const region = { address: top, bytes, buffer: null, byteOffset: top };
      top = end;
      return region;
    },
    bufferOf: () => memory.buffer,
    info: () => ({ isa: 'simd128', threads: 1, tableHash: wasm.tableHash() >>> 0 }),
    setNumThreads: () => {},
  };
}
