/** What the caller of `executeAsync` and the worker thread of the WASM backend say to each other: remote.ts and service.ts. */
import type { Span } from './backend.ts';

/** Comes first. */
export interface Start {
  readonly kind: 'start';
  readonly module: WebAssembly.Module;
}

/** Run a program on copies of the memory that it touches, at the same addresses. */
export interface Run {
  readonly kind: 'run';
  readonly address: number;
  readonly end: number;
  readonly repeat: number;
  /** How large the caller's memory is. */
  readonly memoryBytes: number;
  readonly spans: readonly Span[];
  /** What is in them. */
  readonly contents: readonly ArrayBuffer[];
}

/** Begin no further repetition of the present run. */
export interface Stop {
  readonly kind: 'stop';
}

export type Request = Start | Run | Stop;

/** Some repetitions are over and others are to follow: the moment to say stop. */
export interface Progress {
  readonly kind: 'progress';
}

export interface Done {
  readonly kind: 'done';
  readonly status: number;
  readonly header: ArrayBuffer;
  /** What is in the spans that are written to. */
  readonly contents: readonly ArrayBuffer[];
}

export interface Failed {
  readonly kind: 'failed';
  readonly reason: string;
}

export type Reply = Progress | Done | Failed;
