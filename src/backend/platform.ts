/** What depends on where the library runs: here, anywhere without Node's built-ins. Chosen by the `#platform` import. */
import { MissingDependencyError } from '../errors.ts';
import type { Attempt } from './backend.ts';
import type { Reply, Request } from './protocol.ts';

/** A worker thread. */
export interface Thread {
  post(request: Request, transfer: ArrayBuffer[]): void;
  /** Whether the process must not end before it. */
  hold(busy: boolean): void;
  end(): void;
}

export interface Platform {
  /** Whether the absence of the native backend is worth a warning. */
  expectsNative: boolean;
  /** The backend that the environment asks for. */
  requestedBackend(): string | undefined;
  loadNative(): Attempt;
  /** Bytes of ArrayBuffers that this thread has, by the engine's own count; infinite where it does not tell. */
  arrayBufferBytes(): number;
  /** Whether the environment asks for messages about `topic`. */
  debugs(topic: string): boolean;
  /**
   * Starts a worker thread, which runs service.ts: the package's own script, unless another is named. Either function may be
   * called at any time; after a failure the thread is of no use.
   */
  startThread(script: URL | null, onReply: (reply: Reply) => void, onFailure: (reason: string) => void): Thread;
  /** Writes a text file whole or not at all; a browser offers it for download. Rejects with an error that says why not. */
  writeFile(path: string, content: string): Promise<void>;
  /**
   * The text of the Plotly library.
   * @throws MissingDependencyError when it is not installed.
   */
  plotlySource(): Promise<string>;
}

const ADVICE = "init({ worker: url }) says where the script 'cotangent/worker' is";

function ownWorker(): Worker {
  try {
    // Bundlers look for exactly this expression.
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  } catch (error) {
    throw new Error(`its script was not found from here (${(error as Error).message}); ${ADVICE}`, { cause: error });
  }
}

export const platform: Platform = {
  expectsNative: false,
  requestedBackend: () => undefined,
  loadNative: () => ({ backend: null, reason: 'native code runs only in Node.js' }),
  arrayBufferBytes: () => Number.POSITIVE_INFINITY,
  debugs: () => false,
  startThread(script, onReply, onFailure) {
    if (typeof Worker === 'undefined') throw new Error('there are no workers here; a service worker has none');
    const worker = script === null ? ownWorker() : new Worker(script, { type: 'module' });
    worker.onmessage = (event: MessageEvent<Reply>) => onReply(event.data);
    worker.onmessageerror = () => onFailure('a message of it could not be read');
    // A script that does not load, or that the page's policy forbids, has no message.
    worker.onerror = ({ message }) => onFailure(message || `its script could not be loaded; ${ADVICE}`);
    return {
      post: (request, transfer) => worker.postMessage(request, transfer),
      hold: () => {},
      end: () => worker.terminate(),
    };
  },
  async writeFile(path, content) {
    if (typeof document === 'undefined') throw new Error('there are neither files nor a page here');
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([content]));
    link.download = path.split('/').at(-1) as string;
    link.click();
    // The browser has taken the address when the click's task is over.
    setTimeout(() => URL.revokeObjectURL(link.href));
  },
  async plotlySource() {
    throw new MissingDependencyError(
      'toHTML',
      'packages cannot be read here: pass the text of plotly.js-dist-min/plotly.min.js as { plotly }, save .json, or use show(element)',
    );
  },
};
