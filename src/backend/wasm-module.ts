/** What the WASM module exports; assembly/index.ts says more. */
export interface Exports {
  readonly memory: WebAssembly.Memory;
  execute(end: number): number;
  executeAt(address: number, begin: number, end: number, repeat: number): number;
  programAddress(): number;
  heapBase(): number;
  tableHash(): number;
}

export const PAGE_BYTES = 65536;
