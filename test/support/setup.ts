/**
 * Runs around every test: what a test allocates must be gone after it. Each test runs in a scope; what outlives
 * that (gradients, parameters, modules' state) must be gone once the collector has had its turn.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect } from 'vitest';
import { type BackendName, emptyCache, getBackend, memory, rand, setBackend } from '../../src/index.ts';
import { openScope } from '../../src/memory/scope.ts';
import { setVerification } from '../../src/program/verify.ts';
import { backends } from './backends.ts';
import { beginCompiled, endCompiled } from './compiled.ts';

// A suite that passes once passes always; a search for new failures says how long it may take.
if (process.env.COTANGENT_FUZZ_SECONDS === undefined) fc.configureGlobal({ seed: 20261121 });

// Every record that the suite emits is checked against the memory it may touch.
setVerification(true);

// The generators' state lives for ever; it must not look like a leak of the first test that draws.
for (const backend of backends) rand([1], { backend }).dispose();

/** Whether tests run compiled; see compiled.ts. Not those that compile by themselves, and those that count bytes. */
const compiledMode = process.env.COTANGENT_TEST_COMPILED ?? '';
const runsCompiled = () =>
  compiledMode !== '' &&
  !/\/test\/(cli|compile|golden|memory|program|property)\//.test(expect.getState().testPath ?? '');

/** Small long-lived state, such as a module's constants, may come into being during a test. */
const STATE_BYTES = 4096;

let before = 0;
/** A describe block may have chosen one for all its tests. */
let backendBefore: BackendName = backends[0] as BackendName;
const nothing = () => {};
let closeScope = nothing;

async function settledBytes(limit: number): Promise<number> {
  for (let i = 0; i < 20; i++) {
    emptyCache();
    if (memory().bytes <= limit) break;
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, i < 3 ? 0 : 5));
  }
  return memory().bytes;
}

beforeEach(async () => {
  // Counted like at the end: a slab that holds anything at all counts whole.
  emptyCache();
  before = memory().bytes;
  backendBefore = getBackend();
  closeScope = openScope();
  if (runsCompiled()) beginCompiled(compiledMode);
});

afterEach(async () => {
  if (runsCompiled()) endCompiled();
  closeScope();
  // What closes a scope holds on to its list of tensors.
  closeScope = nothing;
  setBackend(backendBefore);
  const limit = before + STATE_BYTES;
  // What compiled tests keep for doing things again is not theirs.
  if (!runsCompiled())
    expect(await settledBytes(limit), 'bytes still in use after the test').toBeLessThanOrEqual(limit);
});
