/**
 * `npm run conformance -- DIR [--backend native|wasm] [--dtype float32|float64] [--only NAME] [--json FILE] [--compiled]`
 *
 * Runs every case file in a folder: ops, modules, optimizers and schedules. Prints one line for each file that falls
 * short, with the first difference, and the totals last; exits with 0 only if everything passes. How a case is run
 * is in `cases.ts`. With `--compiled` the call and its gradients are recorded, and their replay is compared; what looks at
 * values cannot be recorded, and is counted as refused.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type BackendName, setBackend } from 'cotangent';
import { type FileResult, runFile } from './cases.ts';

const USAGE =
  'usage: npm run conformance -- DIR [--backend native|wasm] [--dtype float32|float64] [--only NAME] [--json FILE] [--compiled]';

const OPTIONS = {
  backend: { type: 'string' },
  dtype: { type: 'string', default: 'float32' },
  only: { type: 'string' },
  json: { type: 'string' },
  compiled: { type: 'boolean', default: false },
} as const;

/** @throws Error for anything that the command does not take. */
function readArguments() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: OPTIONS });
  const { dtype, backend } = values;
  if (dtype !== 'float32' && dtype !== 'float64') throw new Error(`dtype is float32 or float64, not ${dtype}`);
  const [folder, ...more] = positionals;
  if (folder === undefined || more.length > 0) throw new Error('wants one folder');
  if (backend !== undefined) setBackend(backend as BackendName);
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort();
  return { ...values, dtype, folder, files } as const;
}

function main(): void {
  let given: ReturnType<typeof readArguments>;
  try {
    given = readArguments();
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  const { folder, files, dtype, only, json, compiled } = given;
  const results: FileResult[] = [];
  for (const file of files) {
    const name = basename(file, '.json');
    if (only !== undefined && name !== only) continue;
    const result = runFile(
      name,
      () => JSON.parse(readFileSync(join(folder, file), 'utf8')),
      dtype,
      compiled ? 'compiled' : 'eager',
    );
    if (result.difference !== null) console.log(`${name}: ${result.passed} of ${result.samples}: ${result.difference}`);
    results.push(result);
  }
  const total = (count: (result: FileResult) => number) => results.reduce((sum, result) => sum + count(result), 0);
  const whole = total(({ difference }) => (difference === null ? 1 : 0));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 1)}\n`);
  const samples = `SAMPLES: ${total(({ passed }) => passed)} of ${total((result) => result.samples)}`;
  const refused = compiled ? `, REFUSED: ${total((result) => result.refused)}` : '';
  console.log(`OPS: ${whole} of ${results.length} files, ${samples}${refused}`);
  process.exitCode = whole === results.length && results.length > 0 ? 0 : 1;
}

main();
