/** Node: the native addon, and the environment variables. */
import { loadNative } from './native.ts';
import type { Platform } from './platform.ts';

export const platform: Platform = {
  expectsNative: true,
  requestedBackend: () => process.env.COTANGENT_BACKEND,
  loadNative,
};
