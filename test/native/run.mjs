// Compiles the kernels and their tests with g++ (or $CXX) and runs them on every instruction set there is.
//   node test/native/run.mjs              with the address and undefined-behaviour sanitizers
//   node test/native/run.mjs --fast       without them
//   node test/native/run.mjs --thread     with the thread sanitizer
//   node test/native/run.mjs --plain      with the plain lanes that compilers without vector types get
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
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
  // Where it cannot run it is only linked, and half of the time went into checks that nobody makes.
  const runs512 = !existsSync('/proc/cpuinfo') || /\bavx512vl\b/.test(readFileSync('/proc/cpuinfo', 'utf8'));
  const unused = runs512 ? [] : ['-O0', '-g0', '-fno-sanitize=all'];
  isas.avx2 = ['-DCOTANGENT_AVX2', '-mavx2', '-mfma', '-mf16c'];
  isas.avx512 = ['-DCOTANGENT_AVX512', '-mavx512f', '-mavx512dq', '-mavx512bw', '-mavx512vl', '-mfma', ...unused];
  common.push('-DCOTANGENT_X86');
}

/** Runs a command to its end; the first that fails ends the whole. */
const run = (command, args) =>
  new Promise((resolve) => {
    spawn(command, args, { stdio: 'inherit', cwd: root }).on('close', (status) => {
      if (status !== 0) process.exit(status ?? 1);
      resolve();
    });
  });

mkdirSync(build, { recursive: true });
const compilation = (flags, source, name) => ({ flags, source, object: join(build, `${name}${mode}.o`) });
// The long ones first, so that the processors finish together.
const pending = [
  ...Object.entries(isas).map(([isa, flags]) =>
    compilation([...kernels, ...flags, `-DCOTANGENT_NS=${isa}`], 'native/kernels/all.cc', isa),
  ),
  ...readdirSync(here)
    .filter((name) => name.endsWith('.cc'))
    .map((source) => compilation(common, join(here, source), source.replace('.cc', ''))),
  ...['program/execute', 'program/tables', 'threads/pool'].map((source) =>
    compilation(common, `native/${source}.cc`, source.replace('/', '-')),
  ),
];
const objects = pending.map(({ object }) => object);
async function work() {
  for (let next = pending.shift(); next; next = pending.shift())
    await run(compiler, [...next.flags, '-c', next.source, '-o', next.object]);
}
await Promise.all(Array.from({ length: availableParallelism() }, work));
const program = join(build, `tests${mode}`);
await run(compiler, [...common, ...objects, '-pthread', '-o', program]);
await run(program, []);
