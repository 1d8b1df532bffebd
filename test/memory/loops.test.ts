/** Loops that never free anything themselves: what each backend promises about them. */
import { expect, test, vi } from 'vitest';
import * as ct from '../../src/index.ts';
import { outsideScopes } from '../../src/memory/scope.ts';
import { backends } from '../support/backends.ts';

const MIB = 2 ** 20;
const megabyte = (backend: ct.BackendName) => ct.ones([MIB / 4], { backend });

test.runIf(backends.includes('native'))('a synchronous loop on native holds its memory flat by itself', () => {
  const highest = outsideScopes(() => {
    let most = 0;
    for (let i = 0; i < 2000; i++) {
      megabyte('native').add(1);
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    }
    return most;
  });
  // 4 GB were allocated; the collector lets some tens of megabytes of garbage stand.
  expect(highest).toBeLessThan(512 * MIB);
});

test('a loop that awaits gives its memory back on WASM', async () => {
  for (let i = 0; i < 300; i++) {
    outsideScopes(() => megabyte('wasm').add(1));
    if (i % 20 === 0) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
  expect(ct.memory('wasm').reserved).toBeLessThan(200 * MIB);
});

test('a synchronous loop on WASM without a scope warns once and says what to do', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const step = () => ct.empty([4 * MIB], { backend: 'wasm' });
  for (let i = 0; i < 100; i++) ct.scope(() => void step());
  // What is freed by hand does not count either.
  outsideScopes(() => {
    for (let i = 0; i < 100; i++) step().dispose();
  });
  expect(warn).not.toHaveBeenCalled();
  outsideScopes(() => {
    for (let i = 0; i < 70; i++) step();
  });
  expect(warn).toHaveBeenCalledTimes(1);
  expect(String(warn.mock.calls[0]?.[0])).toMatch(/scope\(\(\) => …\), or await/);
  warn.mockRestore();
});
