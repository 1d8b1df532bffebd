/** Node: the native addon, the environment variables, and threads. */
import { Worker } from 'node:worker_threads';
import { loadNative } from './native.ts';
import type { Platform } from './platform.ts';
import type { Reply } from './protocol.ts';

/** The sources cannot be run as they are; the package has no sources. */
const WORKER = import.meta.url.endsWith('.ts') ? '../../tools/worker.mjs' : './worker.node.js';

export const platform: Platform = {
  expectsNative: true,
  requestedBackend: () => process.env.COTANGENT_BACKEND,
  loadNative,
  debugs: (topic) => (process.env.COTANGENT_DEBUG ?? '').split(',').includes(topic),
  startThread(onReply, onFailure) {
    // The flags of this process are not the worker's: `--input-type` would keep it from starting.
    const worker = new Worker(new URL(WORKER, import.meta.url), { execArgv: [] });
    worker.on('message', (reply: Reply) => onReply(reply));
    worker.on('messageerror', (error) => onFailure(error.message));
    worker.on('error', (error) => onFailure(error.message));
    worker.on('exit', (code) => onFailure(`it ended with code ${code}`));
    worker.unref();
    return {
      post: (request, transfer) => worker.postMessage(request, transfer),
      hold: (busy) => (busy ? worker.ref() : worker.unref()),
      end: () => void worker.terminate(),
    };
  },
};
