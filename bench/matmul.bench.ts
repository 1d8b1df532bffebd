/** Square matrix products in float32, beside a plain JavaScript triple loop of the same run. */
import { type BackendName, noGrad, randn, scope, setBackend } from 'cotangent';
import { measure, type Row } from './measure.ts';

export const title = 'matmul: n × n float32, GFLOP/s';

function typedArrayRate(n: number): number {
  const [a, b, c] = [0, 1, 2].map(() => new Float32Array(n * n).fill(1)) as [Float32Array, Float32Array, Float32Array];
  const seconds = measure(
    () => {
      c.fill(0);
      for (let i = 0; i < n; i++)
        for (let p = 0; p < n; p++) {
          const left = a[i * n + p] as number;
          for (let j = 0; j < n; j++) c[i * n + j] = (c[i * n + j] as number) + left * (b[p * n + j] as number);
        }
    },
    { rounds: 3 },
  );
  return (2 * n ** 3) / seconds / 1e9;
}

export function run(backends: readonly BackendName[]): Row[] {
  const floor = typedArrayRate(256);
  const rows: Row[] = [{ name: 'JavaScript loops, n = 256', value: floor, unit: 'GFLOP/s' }];
  for (const backend of backends) {
    setBackend(backend);
    for (const n of [64, 128, 256, 512, 1024]) {
      const [a, b] = [randn([n, n]), randn([n, n])];
      const seconds = noGrad(() => measure(() => scope(() => void a.matmul(b))));
      const rate = (2 * n ** 3) / seconds / 1e9;
      rows.push({
        name: `${backend}: n = ${n}`,
        value: rate,
        unit: 'GFLOP/s',
        ratio: { to: 'JavaScript loops', value: rate / floor },
      });
      a.dispose();
      b.dispose();
    }
  }
  return rows;
}
