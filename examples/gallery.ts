/**
 * `npm run examples`: runs all worked examples, prints their figures beside the expected ones, and builds the gallery
 * `examples/out/index.html`. Fails if a figure differs.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildGallery } from './gallery/build.ts';

export const about = 'all worked examples and their gallery: --only A1,B --backend native|wasm --out FOLDER';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      backend: { type: 'string', default: 'native' },
      only: { type: 'string' },
      out: { type: 'string', default: here('out') },
    },
  });
  const { backend, only, out } = values;
  if (backend !== 'native' && backend !== 'wasm') throw new RangeError(`there is no backend '${backend}'`);
  const passed = await buildGallery({
    from: here('worked'),
    to: out,
    backend,
    only,
    print: (line) => console.log(line),
  });
  if (!passed) process.exitCode = 1;
}

/** Run by itself, and not by `npm run example -- gallery`. */
if (process.argv[1] === fileURLToPath(import.meta.url))
  await main(process.argv.slice(2)).catch((error: unknown) => {
    if (!(error instanceof RangeError) && (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') !== true)
      throw error;
    console.error((error as Error).message);
    process.exitCode = 2;
  });
