/**
 * Writes what a run of the main job starts from, for PyTorch to repeat it (`replay_run.py`): the initial weights
 * and the batches of its first steps, as safetensors.
 *
 *     npx tsx test/golden/export_run.ts FILE STEPS [options of npm start]
 */
import { writeFileSync } from 'node:fs';
import { Generator, manualSeed, stack, type Tensor } from 'cotangent';
import { encodeSafetensors } from 'cotangent/io';
import { batchAt, drawStarts } from '../../src/cli/batches.ts';
import { loadCorpus } from '../../src/cli/corpus.ts';
import { Gpt } from '../../src/cli/gpt.ts';
import { parseOptions } from '../../src/cli/options.ts';

const [file, count, ...args] = process.argv.slice(2);
const options = parseOptions(args);
if (file === undefined || !(Number(count) >= 1) || options === 'help')
  throw new Error('usage: export_run.ts FILE STEPS [options of npm start]');

const { train, vocabulary } = await loadCorpus(options.data, options.context);
manualSeed(options.seed);
const model = new Gpt({ ...options, vocabulary: vocabulary.size });
const generator = new Generator(options.seed);
const batches = Array.from({ length: Number(count) }, () =>
  batchAt(train, drawStarts(train, options.batch, options.context, generator), options.context),
);
const record: Record<string, Tensor> = {
  ...model.stateDict(),
  'batches.inputs': stack(batches.map(({ inputs }) => inputs)),
  'batches.targets': stack(batches.map(({ targets }) => targets)),
};
const { steps, lr, layers, heads } = options;
const settings = Object.entries({ steps, lr, layers, heads }).map(([name, value]) => [name, String(value)]);
writeFileSync(file, encodeSafetensors(record, Object.fromEntries(settings) as Record<string, string>));
