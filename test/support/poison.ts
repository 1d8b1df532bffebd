/** Memory that nothing was written to, made visible. */
import { type BackendName, full, scope } from '../../src/index.ts';

/** Size classes up to a few KiB, several blocks of each: more than a small backward pass allocates. */
const LENGTHS = Array.from({ length: 64 }, (_, i) => 8 * (i + 1));
const BLOCKS = 6;

/** Fills the free lists of a backend with NaN, so that what is allocated next and not written as a whole is seen to be so. */
export function poison(backend: BackendName): void {
  scope(() => {
    for (const length of LENGTHS)
      for (let i = 0; i < BLOCKS; i++) full([length], Number.NaN, { dtype: 'float64', backend });
  });
}
