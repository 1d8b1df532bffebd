/** C11: one training on native kernels and on WebAssembly: the same losses, and the speed of both. */
import {
  type BackendName,
  backendInfo,
  compile,
  crossEntropy,
  manualSeed,
  randint,
  randn,
  scope,
  setBackend,
} from 'cotangent';
import { Linear, ReLU, Sequential } from 'cotangent/nn';
import { Adam } from 'cotangent/optim';
import { bars } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = `
In Node the work is done by C++ kernels, in a browser by the same kernels in WebAssembly. The same seed draws the same
weights and data on both, and the losses agree but for rounding: sums are taken in another order, and fused multiply-adds
round once instead of twice, which in float32 is a relative difference of about $10^{-7}$ per operation.

The speeds depend on the machine: they are shown, and nothing is asserted about them. WebAssembly computes four float32
numbers at a time on one thread, native kernels eight or sixteen on several.`;

const STEPS = 12;

interface Run {
  losses: number[];
  /** Milliseconds of a step, op by op and compiled. */
  eager: number;
  compiled: number;
}

/** The median of the times that `step` takes. */
function milliseconds(step: () => void): number {
  const times = Array.from({ length: STEPS }, () => {
    const start = performance.now();
    step();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[STEPS / 2] as number;
}

function train(backend: BackendName): Run {
  setBackend(backend);
  manualSeed(11);
  const model = new Sequential(new Linear(128, 256), new ReLU(), new Linear(256, 10));
  const optimizer = new Adam(model.parameters(), { lr: 1e-3 });
  const [x, labels] = [randn([128, 128]), randint(0, 10, [128])];
  const step = () => {
    optimizer.zeroGrad();
    const loss = crossEntropy(model(x), labels);
    loss.backward();
    optimizer.step();
    return loss;
  };
  const losses = Array.from({ length: STEPS }, () => scope(() => step().item()));
  const eager = milliseconds(() => scope(() => void step().item()));
  const program = compile(step);
  scope(() => void program());
  const compiled = milliseconds(() => scope(() => void program().item()));
  program.dispose();
  return { losses, eager, compiled };
}

export const examples: readonly WorkedExample[] = [
  {
    id: 'C11',
    title: 'Native and WebAssembly',
    text,
    run(report) {
      const { available } = backendInfo();
      const names = (['native', 'wasm'] as const).filter((name) => available[name].ok);
      for (const name of ['native', 'wasm'] as const)
        if (!available[name].ok) report.note(`${name} is not available here: ${available[name].reason}.`);
      const runs = names.map((name) => ({ name, ...train(name) }));
      setBackend(report.backend);

      const [first, second] = runs;
      if (first !== undefined && second !== undefined)
        for (const i of [0, 5, STEPS - 1])
          report.figure(
            `loss of step ${i + 1}, ${second.name} against ${first.name}`,
            second.losses[i] as number,
            first.losses[i] as number,
            { relative: 2e-6 },
          );
      report.check(
        'the loss falls',
        runs.every(({ losses }) => (losses.at(-1) as number) < (losses[0] as number)),
      );
      const ms = (value: number) => `${value.toFixed(2)} ms`;
      report.table(
        ['backend', 'first loss', `loss of step ${STEPS}`, 'a step, op by op', 'a step, compiled'],
        runs.map(({ name, losses, eager, compiled }) => [
          name,
          losses[0] as number,
          losses.at(-1) as number,
          ms(eager),
          ms(compiled),
        ]),
      );
      report.picture(
        bars(Object.fromEntries(runs.map(({ name, eager, compiled }) => [name, { 'op by op': eager, compiled }])), {
          title: 'Time of a step',
          yLabel: 'milliseconds',
        }),
        'The median time of a training step on this machine, 128-256-10 with a batch of 128.',
      );
    },
  },
];
