/**
 * Builds everything a checkout needs: the WASM module, the TypeScript, and the native addon where there is a compiler.
 * Runs as `prepare`, that is in `npm install` of a clone, never in the install of the published package.
 */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const step = (name) =>
  execFileSync(process.execPath, [fileURLToPath(new URL(name, import.meta.url))], { stdio: 'inherit' });
const require = createRequire(import.meta.url);

step('build-wasm.mjs');
const compiler = require.resolve('typescript/package.json');
execFileSync(process.execPath, [join(dirname(compiler), require(compiler).bin.tsc), '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
  cwd: fileURLToPath(new URL('..', import.meta.url)),
});
try {
  step('build-native.mjs');
} catch {
  // build-native has said why. WASM does the same job, and `backendInfo()` repeats the reason.
  console.warn('cotangent: continuing without the native addon; everything runs on WebAssembly.');
}
