/**
 * The main job, `npm start`: train a language model on text, show how it goes, leave a report.
 * This file ties the parts together and turns what goes wrong into an exit code; read `trainer.ts` for the training.
 */
import { join, resolve } from 'node:path';
import '../generated/methods.ts';
import '../autograd/methods.ts';
import { backendInfo, setBackend, setNumThreads } from '../backend/registry.ts';
import { CotangentError } from '../errors.ts';
import { reasonOf, writeAtomically } from '../io/files.node.ts';
import { Generator, manualSeed } from '../random/generator.ts';
import { loadCorpus } from './corpus.ts';
import { UsageError } from './errors.ts';
import { prepareFolder } from './files.ts';
import { Gpt, generate } from './gpt.ts';
import { HELP, parseOptions, type TrainOptions } from './options.ts';
import { Progress, type Screen } from './progress.ts';
import { type Results, reportPage } from './report.ts';
import { measureSpeed, type Speed } from './speed.ts';
import { train } from './trainer.ts';

/** What a run is connected to. */
export interface Surroundings {
  stdout: Screen;
  stderr: Screen;
  colours: boolean;
  /** Asked after every step. */
  stop(): boolean;
}

const SAMPLE_CHARACTERS = 500;
const TEMPERATURE = 0.8;

/** Runs the command and returns its exit code: 0, or 2 when it cannot be carried out as given. */
export async function main(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    const options = parseOptions(args);
    if (options === 'help') surroundings.stdout.write(HELP);
    else await run(options, surroundings);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof CotangentError)) throw error;
    surroundings.stderr.write(`cotangent: ${error.message.replaceAll('\n', ' ')}\n`);
    return 2;
  }
}

const speedLines = (speeds: readonly Speed[]): string =>
  speeds
    .map(
      ({ backend, eager, compiled }) =>
        `a step on ${backend}: ${eager.toFixed(1)} ms eager, ${compiled.toFixed(1)} ms compiled\n`,
    )
    .join('');

async function writeResults(folder: string, results: Results): Promise<void> {
  try {
    await writeAtomically(join(folder, 'results.json'), `${JSON.stringify(results, null, 1)}\n`);
    await writeAtomically(join(folder, 'report.html'), reportPage(results));
  } catch (error) {
    throw new UsageError(`cannot write to ${folder}: ${reasonOf(error)}`);
  }
}

async function run(options: TrainOptions, { stdout, colours, stop }: Surroundings): Promise<void> {
  if (options.backend !== null) setBackend(options.backend);
  if (options.threads !== null) setNumThreads(options.threads);
  const corpus = await loadCorpus(options.data, options.context);
  const folder = resolve(options.out ?? join('runs', corpus.name));
  await prepareFolder(folder);

  manualSeed(options.seed);
  const { vocabulary } = corpus;
  const model = new Gpt({ ...options, vocabulary: vocabulary.size });
  const parameters = [...model.parameters()].reduce((sum, { size }) => sum + size, 0);
  const characters = corpus.train.length + corpus.validation.length;
  const info = backendInfo();
  stdout.write(
    `${corpus.name}: ${characters.toLocaleString('en')} characters, ${vocabulary.size} different ones\n` +
      `model: ${options.layers} layers of width ${options.width}, ${parameters.toLocaleString('en')} parameters\n` +
      `backend: ${info.backend} (${info.isa}, ${info.threads} thread${info.threads === 1 ? '' : 's'})${options.compile ? ', compiled' : ''}\n`,
  );

  const progress = new Progress(stdout, options.steps, options.batch * options.context, colours);
  const history = await train(model, corpus, options, stop, (state) => progress.update(state));
  progress.finish();

  const sample = generate(model, vocabulary, SAMPLE_CHARACTERS, TEMPERATURE, new Generator(options.seed));
  const steps = history.train.length;
  const loss = history.validation.at(-1)?.loss as number;
  const results: Results = {
    name: corpus.name,
    options,
    backend: info,
    data: { characters, vocabulary: vocabulary.size },
    parameters,
    steps,
    interrupted: history.interrupted,
    seconds: history.seconds,
    charactersPerSecond: (steps * options.batch * options.context) / history.seconds,
    validationLoss: Number.isFinite(loss) ? loss : null,
    sample,
    speed: [],
    history: { train: history.train, validation: history.validation },
  };
  // What was learned is safe before anything else is tried.
  await writeResults(folder, results);
  if (options.speed && !history.interrupted) {
    results.speed = await measureSpeed(corpus, options, stop, (backend) =>
      stdout.write(`measuring training steps on ${backend}, eager and compiled\n`),
    );
    await writeResults(folder, results);
  }
  if (history.interrupted) stdout.write(`stopped after ${steps} of ${options.steps} steps\n`);
  stdout.write(
    `${speedLines(results.speed)}validation loss: ${loss.toFixed(4)} nats per character\n\n${sample}\n\n` +
      `report: ${join(folder, 'report.html')}\n`,
  );
}
