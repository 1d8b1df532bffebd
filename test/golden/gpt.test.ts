/**
 * The training run of `src/cli` against PyTorch (figures by make_gpt_golden.py), on each backend, compiled and not. Weights and
 * batches come from an integer hash that the Python file computes as well.
 */
import { readFileSync } from 'node:fs';
import { fromArray, manualSeed, noGrad, setBackend } from 'cotangent';
import { CharVocabulary } from 'cotangent/data';
import { afterAll, describe, expect, test } from 'vitest';
import type { Batch } from '../../src/cli/batches.ts';
import { Gpt, type GptConfig } from '../../src/cli/gpt.ts';
import { makeOptimizer, makeSteps } from '../../src/cli/steps.ts';
import { learningRate, train } from '../../src/cli/trainer.ts';

interface Golden {
  config: GptConfig;
  batch: number;
  steps: number;
  lr: number;
  losses: number[];
}
const golden = JSON.parse(readFileSync(new URL('gpt.json', import.meta.url), 'utf8')) as Golden;
const BACKENDS = ['native', 'wasm'] as const;

/** The integer hash `lowbias32` (Chris Wellons, hash-prospector). */
function mix(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

function hashedWeights(model: Gpt): void {
  for (const [name, parameter] of model.namedParameters()) {
    let seed = 0;
    for (const byte of new TextEncoder().encode(name)) seed = mix(Math.imul(seed, 31) + byte);
    const centre = name.endsWith('weight') && parameter.ndim === 1 ? 1 : 0;
    const values = Float32Array.from(
      { length: parameter.size },
      (_, i) => centre + (mix(i + seed) / 2 ** 32 - 0.5) * 0.2,
    );
    noGrad(() => parameter.copy_(fromArray(values, parameter.shape)));
  }
}

function hashedBatch(step: number): Batch {
  const { batch, config } = golden;
  const rows = (shift: number) =>
    fromArray(
      Int32Array.from({ length: batch * config.context }, (_, at) => {
        const start = mix(1000 + Math.floor(at / config.context) + step * batch) % 97;
        const i = (at % config.context) + shift;
        return (i * i + 3 * i * start) % config.vocabulary;
      }),
      [batch, config.context],
      { dtype: 'int64' },
    );
  return { inputs: rows(0), targets: rows(1) };
}

const largestRelativeDifference = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((x, i) => Math.abs(x - (b[i] as number)) / Math.abs(x)));

afterAll(() => setBackend('native'));

describe.each(BACKENDS)('%s', (backend) => {
  const lossesOf = (compiled: boolean): number[] => {
    setBackend(backend);
    const model = new Gpt(golden.config);
    hashedWeights(model);
    const optimizer = makeOptimizer(model, golden.lr);
    const run = makeSteps(model, optimizer, compiled);
    const losses = Array.from({ length: golden.steps }, (_, step) => {
      for (const group of optimizer.paramGroups) group.lr = learningRate(step, golden);
      return run.train(() => hashedBatch(step));
    });
    run.dispose();
    return losses;
  };

  test(`the first ${golden.steps} losses of a training run are PyTorch's`, () => {
    const losses = lossesOf(true);
    expect(losses).toHaveLength(golden.losses.length);
    expect(largestRelativeDifference(golden.losses, losses)).toBeLessThan(1e-4);
  });

  test('op by op, the losses are the same', () => {
    // Programs add sums up tile by tile, which shows in the last digits.
    expect(largestRelativeDifference(lossesOf(false), lossesOf(true))).toBeLessThan(1e-5);
  });
});

test('the backends agree on the first 50 losses of a seed', async () => {
  const text = Array.from({ length: 4000 }, (_, i) => String.fromCharCode(97 + (mix(i >> 2) % 23))).join('');
  const vocabulary = new CharVocabulary(text);
  const all = vocabulary.encode(text);
  const corpus = { name: 'hash', vocabulary, train: all.subarray(0, 3600), validation: all.subarray(3600) };
  const settings = { steps: 50, batch: 8, context: 32, lr: 3e-3, seed: 11, compile: true };
  const runs: number[][] = [];
  for (const backend of BACKENDS) {
    setBackend(backend);
    manualSeed(settings.seed);
    const model = new Gpt({ vocabulary: vocabulary.size, context: 32, layers: 2, width: 32, heads: 4 });
    const history = await train(
      model,
      corpus,
      settings,
      () => false,
      () => {},
    );
    runs.push(history.train.map(({ loss }) => loss));
  }
  const [native, wasm] = runs as [number[], number[]];
  expect(native).toHaveLength(50);
  expect(native.at(-1)).toBeLessThan((native[0] as number) * 0.9);
  expect(largestRelativeDifference(native, wasm)).toBeLessThan(1e-4);
});
