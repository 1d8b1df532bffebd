/**
 * `npx tsx test/conformance/pack.ts DIR` writes `core.json.br`: every sample of a folder's ops that pass on both
 * backends in both dtypes. The suite runs them where the folder is not at hand.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { setBackend } from 'cotangent';
import { runFile } from './cases.ts';
import type { OpFile } from './format.ts';

/** Whether all of a file passes, whichever way it is run. */
function passes(file: OpFile): boolean {
  return (['native', 'wasm'] as const).every((backend) => {
    setBackend(backend);
    return (['float32', 'float64'] as const).every((dtype) => runFile(file.op, () => file, dtype).difference === null);
  });
}

const folder = process.argv[2];
if (folder === undefined) throw new Error('wants a folder of case files');
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as OpFile)
  .filter(passes);
const packed = brotliCompressSync(JSON.stringify(files));
writeFileSync(new URL('core.json.br', import.meta.url), packed);
console.log(`${files.length} files, ${packed.length} bytes`);
