/**
 * Runs programs of the WASM backend on a worker thread. Linear memory cannot be shared where pages are not isolated, so the
 * worker has a memory of its own, and every run carries what its program touches there and back. The
 * worker is started by the first run, and what it does is in service.ts.
 */
import { platform } from '#platform';
import { BackendError } from '../errors.ts';
import { ABI } from '../program/abi.ts';
import type { Span } from './backend.ts';
import type { Thread } from './platform.ts';
import type { Done, Reply, Request, Run } from './protocol.ts';

interface Pending {
  readonly address: number;
  readonly spans: readonly Span[];
  resolve(status: number): void;
  reject(error: BackendError): void;
}

const nothing = () => {};

/** The script of the worker where it is not the package's own. */
let script: URL | null = null;

/** Names the script that workers started from now on run. */
export function setWorkerScript(url: URL): void {
  script = url;
}

export class Remote {
  readonly #module: WebAssembly.Module;
  readonly #memory: WebAssembly.Memory;
  #thread: Thread | null = null;
  #pending: Pending | null = null;
  /** Settles when the runs that were asked for so far have. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(module: WebAssembly.Module, memory: WebAssembly.Memory) {
    this.#module = module;
    this.#memory = memory;
  }

  /** Runs begin in the order in which they are asked for, each with what the one before left in memory. */
  execute(address: number, end: number, repeat: number, spans: readonly Span[]): Promise<number> {
    const result = this.#last.then(() => this.#run(address, end, repeat, spans));
    this.#last = result.catch(nothing);
    return result;
  }

  #run(address: number, end: number, repeat: number, spans: readonly Span[]): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#pending = { address, spans, resolve, reject };
      try {
        const thread = this.#started();
        thread.hold(true);
        const { buffer } = this.#memory;
        const contents = spans.map((span) => buffer.slice(span.address, span.address + span.bytes));
        const run: Run = { kind: 'run', address, end, repeat, memoryBytes: buffer.byteLength, spans, contents };
        thread.post(run, contents);
      } catch (error) {
        this.#fail((error as Error).message);
      }
    });
  }

  #started(): Thread {
    if (this.#thread !== null) return this.#thread;
    const thread = platform.startThread(
      script,
      (reply) => this.#receive(reply),
      (reason) => {
        if (this.#thread === thread) this.#fail(reason);
      },
    );
    const start: Request = { kind: 'start', module: this.#module };
    thread.post(start, []);
    this.#thread = thread;
    return thread;
  }

  #receive(reply: Reply): void {
    const pending = this.#pending;
    if (pending === null) return;
    if (reply.kind === 'failed') this.#fail(reply.reason);
    else if (reply.kind === 'done') {
      this.#store(pending, reply);
      this.#settle();
      pending.resolve(reply.status);
    } else if (this.#header(pending.address)[ABI.HEADER_STOP] !== 0) this.#thread?.post({ kind: 'stop' }, []);
  }

  #header(address: number): Int32Array {
    return new Int32Array(this.#memory.buffer, address, ABI.HEADER_WORDS);
  }

  #store({ address, spans }: Pending, { header, contents }: Done): void {
    const { buffer } = this.#memory;
    const written = spans.filter((span) => span.written);
    for (const [i, span] of written.entries())
      new Uint8Array(buffer, span.address).set(new Uint8Array(contents[i] as ArrayBuffer));
    const own = this.#header(address);
    const stop = own[ABI.HEADER_STOP] as number;
    own.set(new Int32Array(header));
    // Whoever set it takes it back.
    own[ABI.HEADER_STOP] = stop;
  }

  #settle(): void {
    this.#pending = null;
    this.#thread?.hold(false);
  }

  /** A worker that broke down is not asked again: the next run starts another. */
  #fail(reason: string): void {
    const pending = this.#pending;
    const thread = this.#thread;
    this.#pending = null;
    this.#thread = null;
    thread?.end();
    pending?.reject(new BackendError('runAsync', `the worker of the wasm backend failed: ${reason}`));
  }
}
