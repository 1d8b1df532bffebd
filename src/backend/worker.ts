/** The worker thread in browsers; what it does is in service.ts. */
import type { Request } from './protocol.ts';
import { serve } from './service.ts';

// Timers would do, but browsers hold back repeated ones for 4 ms.
const turn = new MessageChannel();
const handle = serve(
  (reply, transfer) => postMessage(reply, { transfer }),
  (callback) => {
    turn.port1.onmessage = callback;
    turn.port2.postMessage(null);
  },
);
addEventListener('message', (event: MessageEvent<Request>) => handle(event.data));
