/**
 * `npm run gen`: writes everything that is derived from the op table. With `--check`
 * it writes nothing and fails if a file is stale. Start with `kernels.ts`.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MATH } from '../../src/ops/math.ts';
import { table } from '../../src/ops/table.ts';
import { ABI } from '../../src/program/abi.ts';
import * as assembly from './assembly.ts';
import * as cpp from './cpp.ts';
import * as facade from './facade.ts';
import { elementwiseKernels, laneRules, opcodes, operations, roles } from './kernels.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const kernels = elementwiseKernels(table);
const names = opcodes(table);
const hash = createHash('sha256')
  .update(JSON.stringify([names, kernels, MATH, roles(table), ABI]))
  .digest()
  .readUInt32LE(0);

const files: Record<string, string> = {
  'native/generated/abi.h': cpp.abi(),
  'native/generated/opcodes.h': cpp.opcodes(names, hash),
  'native/generated/math.h': cpp.math(MATH),
  'native/generated/elementwise.h': cpp.elementwise(kernels),
  'native/generated/elementwise_rows.h': cpp.rows(kernels),
  'assembly/generated/abi.ts': assembly.abi(),
  'assembly/generated/opcodes.ts': assembly.opcodes(names, hash),
  'assembly/generated/math_f32.ts': assembly.math(MATH, 'f32'),
  'assembly/generated/math_f64.ts': assembly.math(MATH, 'f64'),
  ...Object.fromEntries(
    assembly.LANES.map((lane) => [
      `assembly/generated/elementwise_${lane}.ts`,
      assembly.elementwise(kernels, MATH, lane),
    ]),
  ),
  'src/generated/opcodes.ts': facade.opcodes(names, roles(table), operations(kernels), laneRules(table), hash),
  'src/generated/elementwise.ts': facade.elementwise(table),
  'src/generated/methods.ts': facade.methods(table),
  'src/generated/functions.ts': facade.functions(table),
  'test/generated/reference.ts': facade.reference(table),
  'docs/ops.md': facade.docs(table),
};

const check = process.argv.includes('--check');
const stale = Object.entries(files).filter(([path, text]) => {
  const full = join(root, path);
  return !existsSync(full) || readFileSync(full, 'utf8') !== text;
});
if (check) {
  for (const [path] of stale) console.error(`stale: ${path}`);
  if (stale.length > 0) {
    console.error('run npm run gen and commit what it writes');
    process.exit(1);
  }
  console.log(`${Object.keys(files).length} generated files are up to date`);
} else {
  for (const [path, text] of stale) {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(`${full}.new`, text);
    renameSync(`${full}.new`, full);
  }
  console.log(`${names.length} opcodes, ${stale.length} of ${Object.keys(files).length} files written`);
}
