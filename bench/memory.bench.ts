/**
 * Memory over a long synchronous loop: a small MLP, trained without a single memory call on native and inside
 * `scope` on WASM. Resident size and live bytes every 2,000 steps.
 */
import { type BackendName, memory, randn, scope, setBackend, type Tensor } from 'cotangent';
import { Linear, ReLU, Sequential } from 'cotangent/nn';
import { SGD } from 'cotangent/optim';
import type { Row } from './measure.ts';

const STEPS = 20_000;
const REPORT = 2_000;

export const title = `memory: ${STEPS.toLocaleString('en')} synchronous steps of an MLP 32-64-64-8, batch 32`;

export function run(backends: readonly BackendName[]): Row[] {
  return backends.flatMap((backend) => train(backend));
}

function train(backend: BackendName): Row[] {
  setBackend(backend);
  const model = new Sequential(new Linear(32, 64), new ReLU(), new Linear(64, 64), new ReLU(), new Linear(64, 8));
  const optimizer = new SGD(model.parameters(), { lr: 0.01 });
  const [x, y] = [randn([32, 32]), randn([32, 8])];
  const step = () => {
    optimizer.zeroGrad();
    const loss: Tensor = model(x).sub(y).square().mean();
    loss.backward();
    optimizer.step();
  };
  const mib = (bytes: number) => bytes / 2 ** 20;
  const samples: { rss: number; live: number }[] = [];
  for (let i = 1; i <= STEPS; i++) {
    if (backend === 'native') step();
    else scope(step);
    // The loop never yields: `memory()` cannot know what the collector took, V8's own count can.
    if (i % REPORT === 0) {
      const usage = process.memoryUsage();
      samples.push({
        rss: mib(usage.rss),
        live: mib(backend === 'native' ? usage.arrayBuffers : memory('wasm').bytes),
      });
      const { rss, live } = samples.at(-1) as { rss: number; live: number };
      console.log(
        `  ${backend} step ${String(i).padStart(6)}  resident ${rss.toFixed(1)} MiB  tensors ${live.toFixed(2)} MiB`,
      );
    }
  }
  const [first, last] = [samples[0], samples.at(-1)] as [{ rss: number; live: number }, { rss: number; live: number }];
  const peak = Math.max(...samples.map((sample) => sample.rss));
  const to = `after ${REPORT.toLocaleString('en')} steps`;
  return [
    { name: `${backend}: resident, most`, value: peak, unit: 'MiB', ratio: { to, value: peak / first.rss } },
    { name: `${backend}: growth of resident memory after the first ${REPORT}`, value: peak - first.rss, unit: 'MiB' },
    {
      name: `${backend}: tensor bytes at the end`,
      value: last.live,
      unit: 'MiB',
      ratio: { to, value: last.live / first.live },
    },
  ];
}
