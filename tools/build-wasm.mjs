/**
 * Compiles assembly/ with asc into wasm/cotangent.wasm, and embeds the module in src/generated/wasm-binary.ts:
 * loading it needs no fetch. Run `node tools/build-wasm.mjs` after the generator (tools/gen).
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));

const FLAGS = [
  // At -O3 Binaryen copies loops and functions into all their callers: 60 % more code, hardly faster.
  '-O2',
  '--noAssert',
  '--runtime',
  'stub',
  '--enable',
  'simd',
  // v128 parameters of functions that are not exported.
  '--disableWarning',
  '112',
  // Static data, program buffer and workspaces take 18 pages; the allocator grows the rest.
  '--initialMemory',
  '32',
  '--maximumMemory',
  '65536',
];

await mkdir(`${root}wasm`, { recursive: true });
const { error, stderr } = await asc.main([
  'assembly/index.ts',
  '--baseDir',
  root,
  '--outFile',
  'wasm/cotangent.wasm',
  ...FLAGS,
]);
const messages = stderr.toString();
if (messages) process.stderr.write(messages);
if (error) process.exit(1);

const binary = await readFile(`${root}wasm/cotangent.wasm`);
await mkdir(`${root}src/generated`, { recursive: true });
await writeFile(
  `${root}src/generated/wasm-binary.ts`,
  `// Written by tools/build-wasm.mjs from wasm/cotangent.wasm. Do not edit.
// Typed, or its declaration would hold the module once more.
export const WASM_BASE64: string =
  '${binary.toString('base64')}';
`,
);
console.log(`wasm/cotangent.wasm: ${binary.length} bytes`);
