/**
 * The options of `npm start`, as one table: their limits, their defaults, their help. What cannot be
 * known from the command line alone (whether a file exists) is checked where it is used.
 */
import { parseArgs } from 'node:util';
import type { BackendName } from '../backend/registry.ts';
import { UsageError } from './errors.ts';

/** A run's settings. Null leaves the choice to the library, or to the name of the data. */
export interface TrainOptions {
  data: string | null;
  steps: number;
  backend: BackendName | null;
  seed: number;
  out: string | null;
  batch: number;
  context: number;
  layers: number;
  width: number;
  heads: number;
  lr: number;
  threads: number | null;
  /** Whether steps are compiled. */
  compile: boolean;
  /** Whether the report says how long steps take, eager and compiled, on each backend. */
  speed: boolean;
}

interface NumberOption {
  /** Null where the library decides. */
  fallback: number | null;
  min: number;
  max: number;
  /** Whole numbers only, unless false. */
  whole?: boolean;
  help: string;
}

type NumberName = 'steps' | 'batch' | 'context' | 'layers' | 'width' | 'heads' | 'lr' | 'seed' | 'threads';

/** Chosen so that a run ends well within four minutes on two cores, on either backend. */
const NUMBERS: Readonly<Record<NumberName, NumberOption>> = {
  steps: { fallback: 600, min: 1, max: 1e9, help: 'training steps' },
  batch: { fallback: 16, min: 1, max: 4096, help: 'sequences in a step' },
  context: { fallback: 64, min: 2, max: 4096, help: 'characters in a sequence' },
  layers: { fallback: 2, min: 1, max: 64, help: 'transformer blocks' },
  width: { fallback: 128, min: 1, max: 4096, help: 'features of a character; a multiple of heads' },
  heads: { fallback: 4, min: 1, max: 64, help: 'attention heads' },
  lr: { fallback: 3e-3, min: 1e-9, max: 10, whole: false, help: 'learning rate after warm-up' },
  seed: { fallback: 1, min: 0, max: Number.MAX_SAFE_INTEGER, help: 'the same seed gives the same batches and weights' },
  threads: { fallback: null, min: 1, max: 256, help: 'threads of the native backend; all cores unless given' },
};

const STRINGS = {
  data: { value: 'FILE', help: "text to learn; this library's own sources and documents unless given" },
  backend: { value: 'NAME', help: 'native or wasm; native where it is there unless given' },
  out: { value: 'DIR', help: 'folder for report.html and results.json; runs/<name of the data> unless given' },
} as const;

/** What is done unless it is switched off, by `--no-` and the name. */
const SWITCHES = {
  compile: { help: 'run every step op by op instead of recording it once and replaying it' },
  speed: { help: 'leave out the measurement of steps, eager and compiled, on each backend' },
} as const;

const HELP_LINES: readonly (readonly [option: string, help: string])[] = [
  ...Object.entries(STRINGS).map(([name, { value, help }]) => [`--${name} ${value}`, help] as const),
  ...Object.entries(NUMBERS).map(
    ([name, { fallback, help, whole = true }]) =>
      [`--${name} ${whole ? 'N' : 'X'}`, fallback === null ? help : `${help} (${fallback})`] as const,
  ),
  ...Object.entries(SWITCHES).map(([name, { help }]) => [`--no-${name}`, help] as const),
  ['--help', 'this text'],
];

export const HELP = `Trains a small transformer to write text, character by character.

  npm start -- [options]

${HELP_LINES.map(([option, help]) => `  ${option.padEnd(16)}${help}`).join('\n')}

Ctrl-C stops after the current step and still writes the results; a second one stops at once.
`;

function parseNumber(name: string, text: string, { min, max, whole = true }: NumberOption): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value) || (whole && !Number.isInteger(value)) || value < min || value > max)
    throw new UsageError(`--${name} wants a ${whole ? 'whole ' : ''}number from ${min} to ${max}, got '${text}'`);
  return value;
}

/**
 * The settings that arguments stand for, or 'help'.
 * @throws UsageError for an option that does not exist or a value that it does not take.
 */
export function parseOptions(args: readonly string[]): TrainOptions | 'help' {
  const names = [...Object.keys(STRINGS), ...Object.keys(NUMBERS)];
  let values: Record<string, string | boolean | undefined>;
  try {
    values = parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
        ...Object.fromEntries(Object.keys(SWITCHES).map((name) => [`no-${name}`, { type: 'boolean' as const }])),
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    // Node appends advice on positional arguments after the first sentence.
    const [sentence] = (error as Error).message.split(/\. |\n/);
    throw new UsageError(`${sentence}; --help lists the options`);
  }
  if (values.help === true) return 'help';
  const numbers = Object.fromEntries(
    Object.entries(NUMBERS).map(([name, option]) => {
      const text = values[name];
      return [name, typeof text === 'string' ? parseNumber(name, text, option) : option.fallback];
    }),
  ) as Pick<TrainOptions, NumberName>;
  const text = (name: keyof typeof STRINGS): string | null => {
    const value = values[name];
    if (value === '') throw new UsageError(`--${name} is empty`);
    return typeof value === 'string' ? value : null;
  };
  const backend = text('backend');
  if (backend !== null && backend !== 'native' && backend !== 'wasm')
    throw new UsageError(`--backend wants native or wasm, got '${backend}'`);
  const { width, heads } = numbers;
  if (width % heads !== 0) throw new UsageError(`--width ${width} is not a multiple of --heads ${heads}`);
  const on = (name: keyof typeof SWITCHES): boolean => values[`no-${name}`] !== true;
  return { ...numbers, data: text('data'), out: text('out'), backend, compile: on('compile'), speed: on('speed') };
}
