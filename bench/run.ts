/**
 * `npm run bench [-- NAME …] [--backend native|wasm] [--json FILE]`: runs benchmarks one after the other. Every figure is
 * printed with a ratio to something measured in the same run, because timings drift from machine to machine and day to day.
 */
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type BackendName, backendInfo } from 'cotangent';
import { printRows, type Row } from './measure.ts';

interface Benchmark {
  title: string;
  run(backends: readonly BackendName[]): Row[] | Promise<Row[]>;
}

const SUFFIX = '.bench.ts';
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length));

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

const { values, positionals } = (() => {
  try {
    return parseArgs({ allowPositionals: true, options: { backend: { type: 'string' }, json: { type: 'string' } } });
  } catch (error) {
    return fail(`bench: ${(error as Error).message}`);
  }
})();
const unknown = positionals.find((name) => !names.includes(name));
if (unknown !== undefined) fail(`bench: no benchmark '${unknown}'; there are ${names.join(', ')}`);
const { available } = backendInfo();
const backends = (values.backend === undefined ? ['native', 'wasm'] : [values.backend]).filter(
  (name): name is BackendName => {
    if (name !== 'native' && name !== 'wasm') return fail(`bench: --backend is native or wasm, not ${name}`);
    if (!available[name].ok) console.warn(`bench: leaving out ${name}: ${available[name].reason}`);
    return available[name].ok;
  },
);

const report: Record<string, Row[]> = {};
for (const name of positionals.length > 0 ? positionals : names) {
  const { title, run } = (await import(`./${name}${SUFFIX}`)) as Benchmark;
  report[name] = await run(backends);
  printRows(title, report[name] as Row[]);
}
if (values.json !== undefined) {
  const text = JSON.stringify(
    { node: process.version, platform: `${process.platform}-${process.arch}`, info: backendInfo(), report },
    null,
    2,
  );
  writeFileSync(`${values.json}.new`, `${text}\n`);
  renameSync(`${values.json}.new`, values.json);
}
