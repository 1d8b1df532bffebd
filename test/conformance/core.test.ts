/** The ops that agreed with PyTorch's cases still do. `run.ts` runs whole folders, `pack.ts` makes the file used here. */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { getBackend, setBackend } from 'cotangent';
import { afterAll, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';
import { runFile } from './cases.ts';
import type { OpFile, Precision } from './format.ts';

const packed = readFileSync(new URL('core.json.br', import.meta.url));
const files = JSON.parse(brotliDecompressSync(packed).toString()) as OpFile[];
const before = getBackend();
afterAll(() => setBackend(before));

describe.each(backends)("PyTorch's cases on %s", (backend) => {
  test.each<Precision>(['float32', 'float64'])('in %s', { timeout: 60_000 }, (precision) => {
    setBackend(backend);
    expect(files.length).toBeGreaterThan(200);
    const results = files.map((file) => runFile(file.op, () => file, precision));
    expect(results.filter(({ difference }) => difference !== null)).toEqual([]);
  });
});
