/** Loops that never free anything themselves: what each backend promises about them. */
import { describe, expect, test, vi } from 'vitest';
import { heapOf } from '../../src/backend/registry.ts';
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
    // The collector may take some of them between the two.
    const { arrayBuffers } = process.memoryUsage();
    const { reserved } = ct.memory('native');
    expect(reserved).toBeLessThanOrEqual(arrayBuffers + MIB);
    expect(reserved).toBeLessThan(512 * MIB);
  });
  await expect.poll(() => settled('native'), { interval: 5, timeout: 20_000 }).toBeLessThanOrEqual(bytes + MIB);
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
    await expect.poll(() => settled('native'), { interval: 5, timeout: 20_000 }).toBeLessThanOrEqual(64 * MIB);
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
  expect(String(warn.mock.calls[0]?.[0])).toMatch(/scope\(\(\) => …\), or await a turn of the event loop/);
  warn.mockRestore();
});

/** What docs/compile.md promises of compiled steps in loops that never await. */
describe.each(backends)('compiled steps on %s', (backend) => {
  const batch = new Float32Array(8192);
  const shape = [16, 512];
  /** The library's own counts, which the collector does not change in a synchronous loop. */
  const taken = () => {
    const { reservedBytes, pooledBytes } = heapOf('test', backend).allocator;
    return { reservedBytes, pooledBytes };
  };
  const argument = () => ct.fromArray(batch, shape);
  const made = (reuseOutputs: boolean) => {
    ct.setBackend(backend);
    const w = ct.ones([512, 8]).requiresGrad_();
    const pass = (x: ct.Tensor) => {
      w.grad = null;
      const y = x.matmul(w);
      y.square().mean().backward();
      return y;
    };
    return ct.compile(pass, { reuseOutputs });
  };
  type Step = ReturnType<typeof made>;
  const loops: [string, boolean, (step: Step) => void][] = [
    ['a scope around the call and its argument', false, (step) => ct.scope(() => void step(argument()))],
    [
      'an argument that is disposed of, results that are reused',
      true,
      (step) => {
        using x = argument();
        step(x);
      },
    ],
    [
      'an argument and a result that are disposed of',
      false,
      (step) => {
        using x = argument();
        using _ = step(x);
      },
    ],
  ];

  test.each(loops)('memory is flat with %s', (_, reuseOutputs, call) => {
    const step = made(reuseOutputs);
    outsideScopes(() => {
      for (let i = 0; i < 3; i++) call(step);
      const before = taken();
      for (let i = 0; i < 3000; i++) call(step);
      expect(taken()).toEqual(before);
    });
    step.dispose();
  });

  test('memory is flat while a step is repeated', () => {
    const step = made(true);
    outsideScopes(() => {
      using x = argument();
      step.repeat(3, x);
      const before = taken();
      for (let i = 0; i < 30; i++) step.repeat(100, x);
      expect(taken()).toEqual(before);
    });
    step.dispose();
  });

  test('memory comes back while the event loop has its turns', async () => {
    const step = made(false);
    const { reserved } = ct.memory(backend);
    for (let i = 0; i < 600; i++) {
      outsideScopes(() => void step(argument()));
      if (i % 20 === 0) globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    // 600 calls take 30 MB.
    expect(ct.memory(backend).reserved - reserved).toBeLessThan(8 * MIB);
    step.dispose();
  });
});
