/** What depends on where the library runs: here, anywhere without Node's built-ins. Chosen by the `#platform` import. */
import type { Attempt } from './backend.ts';

export interface Platform {
  /** Whether the absence of the native backend is worth a warning. */
  expectsNative: boolean;
  /** The backend that the environment asks for. */
  requestedBackend(): string | undefined;
  loadNative(): Attempt;
}

export const platform: Platform = {
  expectsNative: false,
  requestedBackend: () => undefined,
  loadNative: () => ({ backend: null, reason: 'native code runs only in Node.js' }),
};
