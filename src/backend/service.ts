/**
 * What the worker thread does: it has an instance of the module of its own, and runs programs on copies of the memory
 * that they touch. worker.ts and worker.node.ts connect it to their thread.
 */
import { ABI } from '../program/abi.ts';
import type { Reply, Request, Run } from './protocol.ts';
import { type Exports, PAGE_BYTES } from './wasm-module.ts';

/** No message arrives while WASM runs, so repetitions run in slices of about this length. */
const SLICE_MS = 10;

type Send = (reply: Reply, transfer: ArrayBuffer[]) => void;

/** Returns what is to be called with every request. `later` calls back after the messages that wait have been heard. */
export function serve(send: Send, later: (callback: () => void) => void): (request: Request) => void {
  let wasm: Exports | null = null;
  let present: Job | null = null;
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (error) {
      present = null;
      send({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) }, []);
    }
  };
  const proceed = () =>
    attempt(() => {
      if (present === null) return;
      if (present.slice()) {
        send({ kind: 'progress' }, []);
        later(proceed);
      } else {
        present.finish(send);
        present = null;
      }
    });
  return (request) => {
    if (request.kind === 'stop') present?.stop();
    else
      attempt(() => {
        if (request.kind === 'start') wasm = new WebAssembly.Instance(request.module, {}).exports as unknown as Exports;
        else {
          if (wasm === null) throw new Error('the worker was not started');
          present = new Job(wasm, request);
          proceed();
        }
      });
  };
}

class Job {
  readonly #wasm: Exports;
  readonly #run: Run;
  #done = 0;
  #status = 0;
  /** Repetitions in the next slice. */
  #pace = 1;

  constructor(wasm: Exports, run: Run) {
    this.#wasm = wasm;
    this.#run = run;
    const { memory } = wasm;
    const missing = run.memoryBytes - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
    for (const [i, { address }] of run.spans.entries())
      new Uint8Array(memory.buffer, address).set(new Uint8Array(run.contents[i] as ArrayBuffer));
  }

  get #header(): Int32Array {
    return new Int32Array(this.#wasm.memory.buffer, this.#run.address, ABI.HEADER_WORDS);
  }

  /** Runs some repetitions; whether there are more. */
  slice(): boolean {
    const { address, end, repeat } = this.#run;
    const header = this.#header;
    const wanted = Math.min(this.#pace, repeat - this.#done);
    const start = performance.now();
    this.#status = this.#wasm.executeAt(address, ABI.HEADER_WORDS, end, wanted);
    const milliseconds = Math.max(performance.now() - start, 0.01);
    this.#pace = Math.max(1, Math.min(4 * wanted, Math.floor((wanted * SLICE_MS) / milliseconds)));
    this.#done += header[ABI.HEADER_DONE] as number;
    return this.#status === 0 && header[ABI.HEADER_STOP] === 0 && this.#done < repeat;
  }

  stop(): void {
    this.#header[ABI.HEADER_STOP] = 1;
  }

  finish(send: Send): void {
    const { address, spans, contents } = this.#run;
    const { buffer } = this.#wasm.memory;
    this.#header[ABI.HEADER_DONE] = this.#done;
    const header = buffer.slice(address, address + 4 * ABI.HEADER_WORDS);
    // What the contents came in serves to send them back.
    const written = contents.filter((content, i) => {
      const span = spans[i];
      if (span?.written !== true) return false;
      new Uint8Array(content).set(new Uint8Array(buffer, span.address, span.bytes));
      return true;
    });
    send({ kind: 'done', status: this.#status, header, contents: written }, [header, ...written]);
  }
}
