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

describe.each(backends)('cases from PyTorch on %s', (backend) => {
  describe.each<Precision>(['float32', 'float64'])('in %s', (precision) => {
    test.each(files.map((file) => [file.op, file] as const))('%s', (op, file) => {
      setBackend(backend);
      const { samples, passed, difference } = runFile(op, file, precision);
      expect([difference, passed]).toEqual([null, samples]);
    });
  });
});
