/** The worker thread in Node; what it does is in service.ts. */
import { parentPort } from 'node:worker_threads';
import type { Request } from './protocol.ts';
import { serve } from './service.ts';

// Node hears a thousand messages of one port before it looks at another, so that a port of our own would not do.
const handle = serve((reply, transfer) => parentPort?.postMessage(reply, transfer), setImmediate);
parentPort?.on('message', (request: Request) => handle(request));
