// Fuzzes the kernels: libFuzzer makes programs, a verifier lets valid ones pass (fuzz/verifier.h), and the address and
// undefined-behaviour sanitizers watch them run on every instruction set. Wants clang++ and its libraries (on Debian
// clang and libclang-rt-*-dev). Passes when nothing was found and every opcode ran.
//   node test/native/fuzz.mjs              for 25 seconds, from the same seeds in every run
//   COTANGENT_FUZZ_SECONDS=3600 node test/native/fuzz.mjs
//   node test/native/fuzz.mjs FILE         runs one input that was found
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const build = join(root, 'build', 'test-fuzz');
const compiler = process.env.CLANGXX ?? 'clang++';
const seconds = Number(process.env.COTANGENT_FUZZ_SECONDS ?? 25);

try {
  execFileSync(compiler, ['--version'], { stdio: 'ignore' });
} catch {
  console.error(`no ${compiler}: libFuzzer comes with clang (on Debian clang and libclang-rt-*-dev)`);
  process.exit(1);
}

// What a select leaves out is computed all the same, and may be a conversion that C++ leaves undefined.
const sanitizers = [
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=undefined',
  '-fno-sanitize=float-cast-overflow',
];
const common = ['-std=c++20', '-O1', '-g1', '-Wall', '-Wextra', ...sanitizers];
// As in test/native/run.mjs.
const kernels = [
  ...common,
  '-fvisibility=hidden',
  '-ffp-contract=off',
  '-fwrapv',
  '-fno-math-errno',
  '-fno-exceptions',
  '-fno-rtti',
  '-Wno-unknown-pragmas',
];
// The plain kernels tell libFuzzer where it gets to; the others have the same ways.
const isas = { scalar: ['-fsanitize=fuzzer-no-link'] };
if (process.arch === 'x64') {
  isas.avx2 = ['-DCOTANGENT_AVX2', '-mavx2', '-mfma', '-mf16c'];
  const runs512 = !existsSync('/proc/cpuinfo') || /\bavx512vl\b/.test(readFileSync('/proc/cpuinfo', 'utf8'));
  isas.avx512 = ['-DCOTANGENT_AVX512', '-mavx512f', '-mavx512dq', '-mavx512bw', '-mavx512vl', '-mfma'];
  if (!runs512) isas.avx512.push('-O0', '-g0', '-fno-sanitize=all');
  common.push('-DCOTANGENT_X86');
}

/** Runs a command to its end; returns its status. */
const run = (command, args, options = {}) =>
  new Promise((resolve) => {
    spawn(command, args, { stdio: 'inherit', cwd: root, ...options }).on('close', (status) => resolve(status ?? 1));
  });

mkdirSync(build, { recursive: true });
const object = (name) => join(build, `${name}.o`);
const pending = [
  ...Object.entries(isas).map(([isa, flags]) => [
    ...kernels,
    ...flags,
    `-DCOTANGENT_NS=${isa}`,
    '-c',
    'native/kernels/all.cc',
    '-o',
    object(isa),
  ]),
  [...common, '-fsanitize=fuzzer-no-link', '-c', 'test/native/fuzz/target.cc', '-o', object('target')],
  ...['program/execute', 'program/tables', 'threads/pool'].map((source) => [
    ...common,
    '-c',
    `native/${source}.cc`,
    '-o',
    object(source.replace('/', '-')),
  ]),
];
const objects = pending.map((args) => args.at(-1));
async function work() {
  for (let next = pending.shift(); next; next = pending.shift()) if (await run(compiler, next)) process.exit(1);
}
await Promise.all(Array.from({ length: availableParallelism() }, work));
const program = join(build, 'fuzz');
if (await run(compiler, [...common, '-fsanitize=fuzzer', ...objects, '-pthread', '-o', program])) process.exit(1);

const given = process.argv.slice(2);
if (given.length > 0) process.exit(await run(program, given, { env: { ...process.env, COTANGENT_FUZZ_TRACE: '1' } }));

// Every opcode first in some inputs, by numbers that are the same in every run (Numerical Recipes' generator).
const seeds = join(build, 'seeds');
const corpus = join(build, 'corpus');
rmSync(seeds, { recursive: true, force: true });
if (process.env.COTANGENT_FUZZ_SECONDS === undefined) rmSync(corpus, { recursive: true, force: true });
mkdirSync(seeds);
mkdirSync(corpus, { recursive: true });
const opcodes = readFileSync(join(root, 'native/generated/opcodes.h'), 'utf8').match(/^ {2}OP_(?!COUNT)\w+/gm).length;
let state = 1;
const byte = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state >>> 24;
};
for (let opcode = 0; opcode < opcodes; opcode++) {
  for (let i = 0; i < 8; i++)
    writeFileSync(
      join(seeds, `${opcode}-${i}`),
      Uint8Array.from([i, 0, 0, opcode & 255, opcode >> 8, ...Array.from({ length: 60 }, byte)]),
    );
}
const limits = [
  `-max_total_time=${seconds}`,
  '-max_len=256',
  '-len_control=0',
  '-timeout=20',
  '-rss_limit_mb=4096',
  '-seed=1',
];
process.exit(await run(program, [...limits, `-artifact_prefix=${build}/`, '-print_final_stats=1', corpus, seeds]));
