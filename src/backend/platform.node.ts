/** Node: the native addon, the environment variables, threads, files, and packages. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { MissingDependencyError } from '../errors.ts';
import { reasonOf, writeAtomically } from '../io/files.node.ts';
import { loadNative } from './native.ts';
import { fromSources, packageRoot, requireFromHere } from './place.node.ts';
import type { Platform } from './platform.ts';
import type { Reply } from './protocol.ts';

function workerScript(): string {
  const root = packageRoot();
  if (root === null)
    throw new Error('the folder of the package was not found; init({ worker }) says where the script of a bundle is');
  // The sources cannot be run as they are.
  return fromSources() ? join(root, 'tools', 'worker.mjs') : join(root, 'dist', 'backend', 'worker.node.js');
}

export const platform: Platform = {
  expectsNative: true,
  requestedBackend: () => process.env.COTANGENT_BACKEND,
  loadNative,
  // Bun counts none.
  arrayBufferBytes: () => process.memoryUsage().arrayBuffers || Number.POSITIVE_INFINITY,
  debugs: (topic) => (process.env.COTANGENT_DEBUG ?? '').split(',').includes(topic),
  startThread(script, onReply, onFailure) {
    // The flags of this process are not the worker's: `--input-type` would keep it from starting.
    const worker = new Worker(script ?? workerScript(), { execArgv: [] });
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
  async writeFile(path, content) {
    try {
      await writeAtomically(path, content);
    } catch (error) {
      throw new Error(reasonOf(error), { cause: error });
    }
  },
  async plotlySource() {
    try {
      return await readFile(requireFromHere().resolve('plotly.js-dist-min'), 'utf8');
    } catch (error) {
      const what = 'pages need the package plotly.js-dist-min: npm install plotly.js-dist-min. Without it, save .json';
      throw new MissingDependencyError('toHTML', what, { cause: error });
    }
  },
};
