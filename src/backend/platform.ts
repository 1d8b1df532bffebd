/** What depends on where the library runs: here, anywhere without Node's built-ins. Chosen by the `#platform` import. */
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
  /** Whether the environment asks for messages about `topic`. */
  debugs(topic: string): boolean;
  /** Starts a worker thread, which runs service.ts. Either may be called at any time; after a failure the thread is of no use. */
  startThread(onReply: (reply: Reply) => void, onFailure: (reason: string) => void): Thread;
}

export const platform: Platform = {
  expectsNative: false,
  requestedBackend: () => undefined,
  loadNative: () => ({ backend: null, reason: 'native code runs only in Node.js' }),
  debugs: () => false,
  startThread(onReply, onFailure) {
    // Bundlers look for exactly this expression.
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    worker.onmessage = (event: MessageEvent<Reply>) => onReply(event.data);
    worker.onmessageerror = () => onFailure('a message of it could not be read');
    // A script that does not load, or that the page's policy forbids, has no message.
    worker.onerror = ({ message }) => onFailure(message || 'its script could not be loaded');
    return {
      post: (request, transfer) => worker.postMessage(request, transfer),
      hold: () => {},
      end: () => worker.terminate(),
    };
  },
};
