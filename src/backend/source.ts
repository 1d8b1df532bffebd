/** Where `init` takes the WASM module from. */
import { ArgumentError, BackendError } from '../errors.ts';
import { type BytesSource, readBytes } from '../tensor/bytes.ts';
import type { ResponseLike, UrlLike, WasmModule } from '../webtypes.ts';

/** A module, where it is, or its bytes. */
export type WasmSource = string | UrlLike | ResponseLike | BytesSource | WasmModule;

/** Modules of another realm are modules, too. */
function isModule(source: unknown): source is WebAssembly.Module {
  try {
    WebAssembly.Module.exports(source as WebAssembly.Module);
    return true;
  } catch {
    return false;
  }
}

const has = (source: WasmSource, name: string, type: string): boolean =>
  typeof source === 'object' && source !== null && typeof (source as Record<string, unknown>)[name] === type;

async function bytesOf(op: string, source: WasmSource): Promise<Uint8Array<ArrayBuffer>> {
  let from: unknown = source;
  if (typeof source === 'string') from = await fetch(source);
  else if (has(source, 'href', 'string')) from = await fetch((source as UrlLike).href);
  if ((from as Response | null)?.ok === false) throw new Error(`the server answered ${(from as Response).status}`);
  if (has(from as WasmSource, 'arrayBuffer', 'function')) from = await (from as ResponseLike).arrayBuffer();
  return readBytes(op, from);
}

/**
 * The module from anywhere.
 * @throws ArgumentError for what is no source, BackendError when the module cannot be had or compiled.
 */
export async function compileWasm(op: string, source: WasmSource): Promise<WasmModule> {
  if (isModule(source)) return source;
  try {
    // A copy of its own: compilers do not take buffers that can be resized.
    return await WebAssembly.compile((await bytesOf(op, source)).slice());
  } catch (error) {
    if (error instanceof ArgumentError) throw error;
    throw new BackendError(op, `the WASM module could not be compiled: ${(error as Error).message}`, { cause: error });
  }
}
