/**
 * The web's types as far as the public functions use them, so that the published types need neither the DOM library nor
 * Node's types. The real ones fit.
 */

/** An `AbortSignal`. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** A `URL`. */
export interface UrlLike {
  readonly href: string;
}

/** A `Response`, or a `Blob`. */
export interface ResponseLike {
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** A `WebAssembly.Module`; any object where the types of WebAssembly are not known. */
export type WasmModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer M } } } ? M : object;
