// Compiles the kernels and their tests with g++ (or $CXX) and runs them on every instruction set there is.
//   node test/native/run.mjs              with the address and undefined-behaviour sanitizers
//   node test/native/run.mjs --fast       without them
//   node test/native/run.mjs --thread     with the thread sanitizer
//   node test/native/run.mjs --plain      with the plain lanes that compilers without vector types get
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const mode = process.argv[2] ?? '--sanitize';
const build = join(root, 'build', 'test-native');
const compiler = process.env.CXX ?? 'g++';

const checks = {
  '--sanitize': ['-O1', '-g1', '-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'],
  '--thread': ['-O1', '-g1', '-fsanitize=thread'],
  '--fast': ['-O2'],
  '--plain': ['-O2', '-DCOTANGENT_PLAIN'],
}[mode];
if (!checks) throw new Error(`unknown option ${mode}`);

// The flags of binding.gyp that change what is computed.
const common = ['-std=c++20', '-Wall', '-Wextra', ...checks];
const kernels = [
  ...common,
  '-fvisibility=hidden',
  '-ffp-contract=off',
  '-fwrapv',
  '-fno-math-errno',
  '-fno-exceptions',
  '-fno-rtti',
  '-Wno-unknown-pragmas',
  '-Wno-maybe-uninitialized',
  '-Wno-uninitialized',
];
const isas = { scalar: [] };
if (process.arch === 'x64') {
  isas.avx2 = ['-DCOTANGENT_AVX2', '-mavx2', '-mfma', '-mf16c'];
  isas.avx512 = ['-DCOTANGENT_AVX512', '-mavx512f', '-mavx512dq', '-mavx512bw', '-mavx512vl', '-mfma'];
  common.push('-DCOTANGENT_X86');
}

function run(command, args) {
  const result = spawnSync(command, args, { stdio: 'inherit', cwd: root });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

mkdirSync(build, { recursive: true });
const objects = [];
function compile(flags, source, name) {
  const object = join(build, `${name}${mode}.o`);
  run(compiler, [...flags, '-c', source, '-o', object]);
  objects.push(object);
}
for (const [isa, flags] of Object.entries(isas)) {
  compile([...kernels, ...flags, `-DCOTANGENT_NS=${isa}`], 'native/kernels/all.cc', isa);
}
for (const source of ['program/execute', 'program/tables', 'threads/pool']) {
  compile(common, `native/${source}.cc`, source.replace('/', '-'));
}
for (const source of readdirSync(here).filter((name) => name.endsWith('.cc'))) {
  compile(common, join(here, source), source.replace('.cc', ''));
}
const program = join(build, `tests${mode}`);
run(compiler, [...common, ...objects, '-pthread', '-o', program]);
run(program, []);
