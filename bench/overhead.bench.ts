/** What an op costs when there is nothing to compute: one-element tensors, eager, on each backend. */
import { type BackendName, noGrad, ones, scope, setBackend, type Tensor } from 'cotangent';
import { measure, type Row } from './measure.ts';

const OPS = 100;

/** Nanoseconds per op; a hundred ops share a scope, as the ops of a training step would. */
function perOp(fn: () => void): number {
  const seconds = measure(() =>
    scope(() => {
      for (let i = 0; i < OPS; i++) fn();
    }),
  );
  return (seconds / OPS) * 1e9;
}

function chain(x: Tensor, y: Tensor): Tensor {
  let z = x;
  for (let i = 0; i < 10; i++) z = z.add(y);
  return z;
}

/** A plain JavaScript loop that adds as many float32 numbers in typed arrays, allocating a result each: the floor. */
function typedArrayFloor(): number {
  const [a, b] = [new Float32Array([1]), new Float32Array([2])];
  let sink: Float32Array | null = null;
  const seconds = measure(() => {
    for (let i = 0; i < OPS; i++) {
      const c = new Float32Array(1);
      c[0] = (a[0] as number) + (b[0] as number);
      sink = c;
    }
  });
  if (sink === null) throw new Error('nothing was computed');
  return (seconds / OPS) * 1e9;
}

export const title = 'overhead: one-element tensors, nanoseconds';

export function run(backends: readonly BackendName[]): Row[] {
  const floor = typedArrayFloor();
  const to = 'a Float32Array add in JavaScript';
  const rows: Row[] = [{ name: 'Float32Array, c[0] = a[0] + b[0]', value: floor, unit: 'ns' }];
  for (const backend of backends) {
    setBackend(backend);
    const [a, b] = [ones([1]), ones([1])];
    const w = ones([1]).requiresGrad_();
    const line = (name: string, value: number, times = 1) =>
      rows.push({ name: `${backend}: ${name}`, value, unit: 'ns', ratio: { to, value: value / (floor * times) } });
    line(
      'add, no gradients',
      noGrad(() => perOp(() => a.add(b))),
    );
    line(
      'add, recorded',
      perOp(() => w.add(b)),
    );
    line(
      '10 adds forward and backward',
      measure(() =>
        scope(() => {
          chain(w, b).backward();
          w.grad?.dispose();
          w.grad = null;
        }),
      ) * 1e9,
      10,
    );
  }
  return rows;
}
