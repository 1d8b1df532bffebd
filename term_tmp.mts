import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import * as ct from '/work/wt/state/src/index.ts';
if (isMainThread) {
  for (const backend of ['native','wasm']) for (let i = 0; i < 4; i++) {
    const w = new Worker(new URL(import.meta.url), { workerData: backend, execArgv: ['--import','tsx'] });
    await new Promise((r) => w.once('message', r));
    const t = performance.now();
    await w.terminate();
    console.log(backend, 'terminated in', (performance.now() - t).toFixed(0), 'ms');
  }
  ct.setBackend('native');
  const step = ct.compile((x) => x.mul(2).sum());
  console.log((await step.repeatAsync(10, ct.ones([4]))).item());
  void step.repeatAsync(2**30, ct.ones([1000]));
  setTimeout(() => process.exit(7), 50);
} else {
  ct.setBackend(workerData);
  const w = ct.ones([1000]);
  const step = ct.compile((x) => w.add_(x).sum());
  void step.repeatAsync(2**30, ct.ones([1000]));
  setTimeout(() => { let e; try { w.fill_(1) } catch (x) { e = x.message } parentPort.postMessage(e); }, 100);
}
