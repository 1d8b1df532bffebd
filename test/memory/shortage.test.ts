/** What is said when there is no memory: the limit that is really there. */
import { constants } from 'node:buffer';
import { empty, OutOfMemoryError } from 'cotangent';
import { expect, test } from 'vitest';
import type { Backend } from '../../src/backend/backend.ts';
import { heapOf } from '../../src/backend/registry.ts';
import { Allocator } from '../../src/memory/allocator.ts';
import { backends } from '../support/backends.ts';

const full = (collected: boolean): Allocator =>
  new Allocator({ name: 'native', collected, limitBytes: 64 * 2 ** 20, reserve: () => null } as unknown as Backend);

test('a piece that is too large, and memory that is full, are told apart', () => {
  expect(() => full(true).allocate('op', 2 ** 27)).toThrow(
    'op: 128.0 MiB are more than the native backend can hold in one piece, 64.0 MiB',
  );
  for (const collected of [true, false])
    expect(() => full(collected).allocate('op', 2 ** 27)).toThrow(OutOfMemoryError);
  expect(() => full(true).allocate('op', 2 ** 25)).toThrow(
    /no room for 32.0 MiB more on the native backend \(0.0 MiB in use\)/,
  );
  expect(() => full(false).allocate('op', 2 ** 25)).toThrow(/\(0.0 MiB in use of at most 64.0 MiB\)/);
});

test.each(backends)('the limit of %s is that of its buffers', (backend) => {
  const { limitBytes } = heapOf('test', backend).backend;
  expect(limitBytes).toBe(backend === 'wasm' ? 2 ** 32 : constants.MAX_LENGTH - 64);
  const elements = Math.ceil((limitBytes + 1) / 8);
  if (elements < 2 ** 31)
    expect(() => empty(elements, { dtype: 'float64', backend })).toThrow(
      backend === 'wasm'
        ? /in use of at most 4096.0 MiB/
        : /are more than the native backend can hold in one piece, 4096.0 MiB/,
    );
});
