/**
 * The native backend: finds the addon and wraps it. One loader: a prebuilt binary, then a local
 * build; WASM is the registry's business. Only Node reaches this file.
 */
import { constants } from 'node:buffer';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAM_WORDS } from '../program/abi.ts';
import type { Attempt, Backend, Region } from './backend.ts';
import { packageRoot, requireFromHere } from './place.node.ts';

interface Addon {
  bindProgram(words: Int32Array): void;
  execute(end: number): number;
  executeAt(buffer: ArrayBuffer, byteOffset: number, begin: number, end: number, repeat: number): number;
  executeAsync(buffer: ArrayBuffer, byteOffset: number, end: number, repeat: number): Promise<number>;
  addressOf(buffer: ArrayBuffer): number;
  setNumThreads(threads: number): void;
  getNumThreads(): number;
  info(): { isa: string; isas: string[]; threads: number; tableHash: number };
}

const ALIGNMENT = 64;
/** What Node allows one buffer: 4 GiB in Node 20. How many of them there can be, the system decides. */
const LIMIT_BYTES = constants.MAX_LENGTH - ALIGNMENT;

/** `linux-x64`, `linuxmusl-arm64`, `darwin-arm64` …: the folder names under `prebuilds`. */
function target(): string {
  // Only glibc reports its version; musl systems differ in every other way of telling.
  const report =
    process.platform === 'linux'
      ? (process.report?.getReport() as { header?: { glibcVersionRuntime?: string } })
      : undefined;
  const musl = process.platform === 'linux' && !report?.header?.glibcVersionRuntime;
  return `${process.platform}${musl ? 'musl' : ''}-${process.arch}`;
}

/** Loads the addon: a prebuilt binary for this platform, or the one built in this checkout. */
export function loadNative(): Attempt {
  if (process.env.COTANGENT_NATIVE === '0') return { backend: null, reason: 'switched off by COTANGENT_NATIVE=0' };
  const root = packageRoot();
  if (root === null)
    return {
      backend: null,
      reason: 'the folder of the package was not found; a bundle needs it installed beside it for its native binary',
    };
  // In a checkout the local build is the newer one.
  const candidates = [
    join(root, 'build', 'Release', 'cotangent.node'),
    join(root, 'prebuilds', target(), 'cotangent.node'),
  ];
  // Not called require: bundlers look for that name.
  const load = requireFromHere();
  const failures: string[] = [];
  for (const path of candidates) {
    if (!existsSync(path)) continue;
    try {
      return { backend: wrap(load(path) as Addon), reason: '' };
    } catch (error) {
      failures.push(`${path}: ${(error as Error).message}`);
    }
  }
  const reason =
    failures.length > 0
      ? failures.join('; ')
      : `no binary for ${target()} with Node ${process.versions.node} was found (neither prebuilt nor built here with 'npm run build:native')`;
  return { backend: null, reason };
}

function wrap(addon: Addon): Backend {
  const words = new Int32Array(PROGRAM_WORDS);
  const doubles = new Float64Array(words.buffer);
  addon.bindProgram(words);
  return {
    name: 'native',
    collected: true,
    limitBytes: LIMIT_BYTES,
    words: () => words,
    doubles: () => doubles,
    execute: addon.execute,
    executeAt: ({ buffer, byteOffset }, begin, end, repeat) =>
      addon.executeAt(buffer as ArrayBuffer, byteOffset, begin, end, repeat),
    executeAsync: ({ buffer, byteOffset }, end, repeat) =>
      addon.executeAsync(buffer as ArrayBuffer, byteOffset, end, repeat),
    reserve(bytes: number): Region | null {
      let buffer: ArrayBuffer;
      try {
        // An ordinary ArrayBuffer that V8 frees by itself, also inside a synchronous loop where finalizers do
        // not run. `allocUnsafeSlow` is the one way to get one without clearing it.
        buffer = Buffer.allocUnsafeSlow(bytes + ALIGNMENT).buffer as ArrayBuffer;
      } catch {
        return null;
      }
      const start = addon.addressOf(buffer);
      const byteOffset = (ALIGNMENT - (start % ALIGNMENT)) % ALIGNMENT;
      return { address: start + byteOffset, bytes, buffer, byteOffset };
    },
    bufferOf: (region) => region.buffer as ArrayBuffer,
    info: () => {
      const { isa, tableHash } = addon.info();
      return { isa, threads: addon.getNumThreads(), tableHash };
    },
    setNumThreads: (threads) => addon.setNumThreads(threads),
  };
}
