/** The backends that tests loop over. Native must be there: a test that silently ran on WASM alone would prove nothing. */
import type { BackendName } from '../../src/index.ts';

/** `COTANGENT_TEST_BACKENDS=wasm` runs the suite where no addon can be built. */
export const backends: readonly BackendName[] = (process.env.COTANGENT_TEST_BACKENDS ?? 'native,wasm').split(
  ',',
) as BackendName[];
