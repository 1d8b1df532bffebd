/**
 * What a backend is to the rest of the library: a program buffer, one function that runs
 * what is in it, and raw memory. No op appears here; see `docs/program-format.md`.
 */

/** A piece of memory that kernels can reach. */
export interface Region {
  /** Byte address as kernels see it. */
  readonly address: number;
  readonly bytes: number;
  /** What keeps it alive; null in WASM's linear memory, which never goes away. */
  readonly buffer: ArrayBuffer | null;
  /** Where it starts in `buffer`. */
  readonly byteOffset: number;
  /** Lives exactly as long as `buffer`, for the allocator's accounts. */
  readonly token?: object;
}

/** Memory that a program touches. */
export interface Span {
  readonly address: number;
  readonly bytes: number;
  /** Whether the program writes to it. */
  readonly written: boolean;
}

export interface Backend {
  readonly name: 'native' | 'wasm';
  /** True when unreachable memory returns by itself, also inside a synchronous loop. */
  readonly collected: boolean;
  /** The most bytes that can be reserved in one piece; without a collector also the most of all pieces together. */
  readonly limitBytes: number;
  /** The buffer that records are written to, and its float64 view. Valid until memory grows. */
  words(): Int32Array;
  doubles(): Float64Array;
  /** Runs the records between the header and word `end`; returns the status of the header. */
  execute(end: number): number;
  /**
   * Runs the records from word `begin` to word `end` of the program whose header begins the region, `repeat` times
   * over. A header whose stop word is set lets no further repetition begin; its done word counts the complete ones.
   */
  executeAt(code: Region, begin: number, end: number, repeat: number): number;
  /**
   * Runs all records before word `end` in the same way, on another thread. Nobody may change the memory that the program
   * touches before the promise settles, which `src/memory/flight.ts` sees to. `spans` is that memory: the program itself, and
   * whatever it reads or writes that is not scratch. Backends whose threads share memory have no use for it.
   * @throws BackendError (the promise rejects with it) when there is no other thread, or it broke down.
   */
  executeAsync(code: Region, end: number, repeat: number, spans: readonly Span[]): Promise<number>;
  /** Fresh, uninitialised memory, aligned to 64 bytes; null when there is none left. */
  reserve(bytes: number): Region | null;
  /** The ArrayBuffer that a region's bytes are in at this moment. */
  bufferOf(region: Region): ArrayBuffer;
  /** Facts for `backendInfo()`. */
  info(): { isa: string; threads: number; tableHash: number };
  setNumThreads(threads: number): void;
}

/** Why a backend is or is not there, kept for `backendInfo()`. */
export interface Attempt {
  backend: Backend | null;
  /** Empty when it loaded. */
  reason: string;
}
