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

test.runIf(backends.includes('native'))('what native memory() counts in a synchronous loop is there', async () => {
  const { bytes } = ct.memory('native');
  outsideScopes(() => {
    for (let i = 0; i < 3000; i++) megabyte('native');
    const { reserved } = ct.memory('native');
    expect(reserved).toBeLessThanOrEqual(process.memoryUsage().arrayBuffers);
    expect(reserved).toBeLessThan(512 * MIB);
  });
  await expect.poll(() => settled('native'), { interval: 5 }).toBeLessThanOrEqual(bytes + MIB);
});

/** Bytes in use after the collector had its turn. */
function settled(backend: ct.BackendName): number {
  ct.emptyCache();
  globalThis.gc?.();
  return ct.memory(backend).bytes;
}

test.runIf(backends.includes('native'))(
  'a synchronous loop on native leaves the collector next to nothing to tell',
  async () => {
    const registered = vi.spyOn(FinalizationRegistry.prototype, 'register');
    const step = () => ct.empty([MIB / 64], { backend: 'native' });
    outsideScopes(() => {
      for (let i = 0; i < 20_000; i++) step();
    });
    // The first 1,024 each, then one for two, for four …
    expect(registered.mock.calls.length).toBeLessThan(6 * 1024);
    registered.mockRestore();
    await expect.poll(() => settled('native'), { interval: 5 }).toBeLessThanOrEqual(64 * MIB);
  },
);

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
