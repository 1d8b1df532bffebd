/** The addon by itself, called with junk of every kind: errors of JavaScript, never the end of the process. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test.runIf(backends.includes('native'))('no export corrupts the process, whatever it is called with', () => {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [at('addon-junk.mjs'), at('../../build/Release/cotangent.node')],
    { encoding: 'utf8', timeout: 50_000 },
  );
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  const { names, calls, errors } = JSON.parse(stdout) as { names: string[]; calls: number; errors: number };
  expect(names).toEqual([
    'bindProgram',
    'execute',
    'executeAt',
    'executeAsync',
    'addressOf',
    'setNumThreads',
    'getNumThreads',
    'info',
  ]);
  expect(errors).toBeGreaterThan(calls / 2);
});
