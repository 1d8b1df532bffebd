/** What a long loop of compiled steps leaves behind: objects for the collector, tensor memory, resident memory. */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { type BackendName, compile, memory, setBackend, type Tensor } from 'cotangent';
import { median, type Row } from '../measure.ts';
import { smallMlp } from '../tasks.ts';

const STEPS = 10_000;
const CHUNKS = 20;
const PER_CHUNK = STEPS / CHUNKS;
/** Until V8 has compiled the calls, it makes arrays of their arguments. */
const WARM_UP = 20_000;

const heapBytes = () => getHeapStatistics().used_heap_size;

/** Growth of V8's heap over `fn`, less what asking for it takes. A collection in between makes it negative. */
function growth(fn: () => void): number {
  const idle = heapBytes();
  const before = heapBytes();
  fn();
  return heapBytes() - before - (before - idle);
}

/** Rows on one backend. The loop is synchronous: nothing is given back by yielding. */
export async function steadyRows(backend: BackendName): Promise<Row[]> {
  setBackend(backend);
  const { step, args } = smallMlp();
  const program = compile(step, { reuseOutputs: true });
  const [x, y] = args as [Tensor, Tensor];
  for (let i = 0; i < WARM_UP; i++) program(x, y);
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  const [tensors, resident] = [memory(backend).bytes, process.memoryUsage().rss];
  const grown: number[] = [];
  for (let chunk = 0; chunk < CHUNKS; chunk++)
    grown.push(
      growth(() => {
        for (let i = 0; i < PER_CHUNK; i++) program(x, y);
      }),
    );
  const after = { tensors: memory(backend).bytes - tensors, resident: process.memoryUsage().rss - resident };
  // Collections are told in a later turn.
  await new Promise((resolve) => setTimeout(resolve, 10));
  observer.disconnect();
  program.dispose();
  const name = (what: string) => `${backend}: ${what} over ${STEPS.toLocaleString('en')} compiled steps of a small MLP`;
  return [
    { name: name('garbage per step'), value: median(grown) / PER_CHUNK, unit: 'bytes' },
    { name: name('collections'), value: collections, unit: '' },
    { name: name('growth of tensor memory'), value: after.tensors, unit: 'bytes' },
    { name: name('growth of resident memory'), value: after.resident / 2 ** 20, unit: 'MiB' },
  ];
}
