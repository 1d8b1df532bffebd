/**
 * Which backends there are, which one new tensors go to, and why. A backend is loaded the first
 * time it is wanted, and what happened is kept for `backendInfo()`.
 */
import { platform } from '#platform';
import { ArgumentError, BackendError, describe } from '../errors.ts';
import { TABLE_HASH } from '../generated/opcodes.ts';
import { Heap } from '../memory/storage.ts';
import type { UrlLike, WasmModule } from '../webtypes.ts';
import type { Attempt } from './backend.ts';
import { setWorkerScript } from './remote.ts';
import { compileWasm, type WasmSource } from './source.ts';
import { instantiateWasm } from './wasm.ts';

export type BackendName = 'native' | 'wasm';

const NAMES: readonly BackendName[] = ['native', 'wasm'];
const attempts = new Map<BackendName, Attempt>();
const heaps = new Map<BackendName, Heap>();
let chosen: BackendName | null = null;
let warned = false;

function attempt(name: BackendName, wasm?: WasmModule): Attempt {
  const known = attempts.get(name);
  if (known) return known;
  let result = name === 'native' ? platform.loadNative() : instantiateWasm(wasm);
  const hash = result.backend?.info().tableHash;
  if (hash !== undefined && hash !== TABLE_HASH)
    result = {
      backend: null,
      reason: `the ${name} binary was built from another op table (${hash} instead of ${TABLE_HASH}); run npm run build`,
    };
  attempts.set(name, result);
  return result;
}

/** @internal The memory of a backend. */
export function heapOf(op: string, name: BackendName): Heap {
  const known = heaps.get(name);
  if (known) return known;
  if (!NAMES.includes(name)) throw new ArgumentError(op, `a backend is 'native' or 'wasm', got ${describe(name)}`);
  const { backend, reason } = attempt(name);
  if (backend === null) throw new BackendError(op, `the ${name} backend is not available: ${reason}`);
  const heap = new Heap(backend);
  heaps.set(name, heap);
  return heap;
}

/** @internal Every heap in use. */
export const openHeaps = (): readonly Heap[] => [...heaps.values()];

function choose(): BackendName {
  const wanted = platform.requestedBackend();
  if (wanted !== undefined && wanted !== '') {
    if (!NAMES.includes(wanted as BackendName))
      throw new BackendError('COTANGENT_BACKEND', `wants native or wasm, got ${describe(wanted)}`);
    return wanted as BackendName;
  }
  const native = attempt('native');
  if (native.backend !== null) return 'native';
  if (platform.expectsNative && !warned) {
    warned = true;
    console.warn(`cotangent: using WebAssembly, because the native backend did not load: ${native.reason}`);
  }
  return 'wasm';
}

/** @internal The heap that new tensors go to. */
export function defaultHeap(op: string): Heap {
  chosen ??= choose();
  return heaps.get(chosen) ?? heapOf(op, chosen);
}

/** The backend that new tensors go to. */
export function getBackend(): BackendName {
  chosen ??= choose();
  return chosen;
}

/**
 * Sends new tensors to `name`. Tensors made before stay where they are.
 * @throws BackendError when it is not available, with the reason.
 */
export function setBackend(name: BackendName): void {
  heapOf('setBackend', name);
  chosen = name;
}

/** Options of `init`. */
export interface InitOptions {
  backend?: BackendName;
  /** Where to take the WASM module from instead of the embedded copy: a URL, its bytes, a Response, or a compiled module. */
  wasm?: WasmSource;
  /**
   * The address of the script that `runAsync` and `repeatAsync` of the WASM backend start a worker from: the package's
   * `cotangent/worker`, built or served by itself. Not needed where the bundler follows `new Worker(new URL(…))`.
   */
  worker?: string | UrlLike;
}

const INIT_OPTIONS: readonly (keyof InitOptions)[] = ['backend', 'wasm', 'worker'];

function toUrl(address: string | UrlLike): URL {
  const text: unknown = typeof address === 'object' && address !== null ? address.href : address;
  const base = typeof location === 'undefined' ? undefined : location.href;
  try {
    if (typeof text === 'string') return new URL(text, base);
  } catch {}
  throw new ArgumentError('init', `worker is an address, in Node that of a file (file:///…), got ${describe(address)}`);
}

/**
 * Prepares a backend ahead of time. Not needed: the first tensor does it. It is for pages that serve
 * the module as a file, or that compile it off the critical path.
 * @throws BackendError when the backend is not available, or is already in use from another module, ArgumentError for other
 *   arguments.
 */
export async function init(options: InitOptions = {}): Promise<void> {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentError('init', `wants options as an object, got ${describe(options)}`);
  for (const name of Object.keys(options))
    if (!INIT_OPTIONS.includes(name as keyof InitOptions))
      throw new ArgumentError('init', `unknown option ${describe(name)}; knows ${INIT_OPTIONS.join(', ')}`);
  if (options.worker !== undefined) setWorkerScript(toUrl(options.worker));
  if (options.wasm !== undefined) {
    const compiled = await compileWasm('init', options.wasm);
    if (attempts.get('wasm')?.backend) throw new BackendError('init', 'the wasm backend is already running');
    attempts.delete('wasm');
    const { backend, reason } = attempt('wasm', compiled);
    if (backend === null) {
      // The embedded one is still there.
      attempts.delete('wasm');
      throw new BackendError('init', reason);
    }
    chosen ??= 'wasm';
  }
  if (options.backend !== undefined) setBackend(options.backend);
  else getBackend();
}

/** What `backendInfo` tells. */
export interface BackendInfo {
  /** The backend that new tensors go to. */
  backend: BackendName;
  /** Instruction set in use: 'scalar', 'avx2', 'avx512' … or 'simd128'. */
  isa: string;
  threads: number;
  /** Every backend, and why it is not there if it is not. */
  available: Record<BackendName, { ok: boolean; reason: string }>;
}

/** Which backend is in use, what it runs on, and why the other one is not there. */
export function backendInfo(): BackendInfo {
  const backend = getBackend();
  const { isa, threads } = heapOf('backendInfo', backend).backend.info();
  const status = (name: BackendName) => {
    const { backend: loaded, reason } = attempt(name);
    return { ok: loaded !== null, reason };
  };
  return { backend, isa, threads, available: { native: status('native'), wasm: status('wasm') } };
}

/**
 * How many threads native kernels may use. WASM runs on the calling thread.
 * @throws ArgumentError unless it is a whole number from 1 to 256.
 */
export function setNumThreads(threads: number): void {
  if (!Number.isInteger(threads) || threads < 1 || threads > 256)
    throw new ArgumentError('setNumThreads', `wants a whole number from 1 to 256, got ${describe(threads)}`);
  for (const name of NAMES) attempt(name).backend?.setNumThreads(threads);
}

/** Bytes of tensor memory, over all backends or one of them. */
export interface MemoryInfo {
  /** Not free: in use by tensors and programs, or forgotten and not yet taken back. */
  bytes: number;
  /** In free lists, ready for reuse. */
  pooled: number;
  /** Taken from the system: both together. */
  reserved: number;
}

/**
 * Counters of tensor memory. What is freed explicitly (`dispose`, `scope`, `using`, a gradient that is replaced) counts at once. Tensors that
 * are merely forgotten are known to be gone only when the garbage collector tells, after the event loop has had a turn; until then
 * `bytes` and `reserved` count them. So after a synchronous loop that forgets tensors they are upper bounds: on WASM of memory that
 * is taken indeed; on native of memory that has mostly gone, so there they are never more than the ArrayBuffers of this thread by
 * the engine's own count (`process.memoryUsage().arrayBuffers`), which knows what was swept.
 */
export function memory(name?: BackendName): MemoryInfo {
  let pooled = 0;
  let reserved = 0;
  for (const heap of openHeaps()) {
    if (name !== undefined && heap.backend.name !== name) continue;
    const { pooledBytes, reservedBytes } = heap.allocator;
    pooled += pooledBytes;
    reserved += heap.backend.collected ? Math.min(reservedBytes, platform.arrayBufferBytes()) : reservedBytes;
  }
  return { bytes: reserved - pooled, pooled, reserved };
}

/** Gives pooled memory back to the system on native; on WASM, where memory cannot shrink, makes it usable for other sizes. */
export function emptyCache(): void {
  for (const heap of openHeaps()) heap.allocator.emptyCache();
}
