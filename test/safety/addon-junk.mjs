/** Calls every export of the addon with junk; prints what was called and ends with 0, unless a call corrupts the process. */
import { createRequire } from 'node:module';

const addon = createRequire(import.meta.url)(process.argv[2]);
const detached = new ArrayBuffer(64);
structuredClone(detached, { transfer: [detached] });
const gone = new Int32Array(new ArrayBuffer(64));
structuredClone(gone.buffer, { transfer: [gone.buffer] });
const shrunk = new ArrayBuffer(1 << 16, { maxByteLength: 1 << 16 });
const tracking = new Int32Array(shrunk);
const behind = new Int32Array(shrunk, 1 << 12);
shrunk.resize(0);
const garbage = new Int32Array(4096).map((_, i) => Math.imul(i + 1, 2654435761));
const zeros = new ArrayBuffer(4096);
/** One record whose head says that it is as long as `length`. */
const record = (length, rank = 1, operands = 3, params = 0) => {
  const words = new Int32Array(64);
  words.set([length, 1, 0, rank, operands, params], 8);
  return words;
};
const records = [0, -1, 1, 5, 6, 7, 1 << 20, 2 ** 31 - 1, -(2 ** 31)].flatMap((length) => [
  record(length),
  record(length, -1),
  record(length, 2 ** 31 - 1),
  record(length, 1, -1),
  record(length, 1, 2 ** 31 - 1),
  record(length, 1, 3, -1),
  record(length, 2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1),
]);
const numbers = [
  0,
  -0,
  1,
  -1,
  7,
  8,
  9,
  16,
  64,
  0.5,
  8.5,
  NaN,
  Infinity,
  -Infinity,
  4096,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 + 8,
];
const huge = [-(2 ** 31), -(2 ** 40), 2 ** 40, 2 ** 53, 2 ** 53 + 2, 2 ** 63, 2 ** 64, 1e300, -1e300];
const things = [undefined, null, true, '8', 'x', 8n, Symbol('x'), {}, [], [8], () => 8, new Date(), new Proxy({}, {})];
const buffers = [
  ...[detached, gone, shrunk, tracking, behind, garbage, zeros, garbage.buffer],
  ...[new SharedArrayBuffer(64), new Int32Array(new SharedArrayBuffer(4096)), new ArrayBuffer(0), new Int32Array(7)],
  ...[
    new Uint8Array(64),
    new Float64Array(64),
    new BigInt64Array(8),
    new DataView(new ArrayBuffer(64)),
    Buffer.alloc(64),
  ],
  ...[new Int32Array(new ArrayBuffer(68), 4), new Int32Array(zeros, 8)],
  ...records,
];
const all = [...numbers, ...huge, ...things, ...buffers];

/** Threads are the one thing that a junk call may change. */
const threads = addon.getNumThreads();
const promises = [];
let calls = 0;
let errors = 0;
const call = (name, ...args) => {
  calls++;
  try {
    const result = addon[name](...args);
    if (name === 'executeAsync') promises.push(Promise.resolve(result).catch(() => {}));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    errors++;
  }
};

for (const name of Object.keys(addon)) {
  call(name);
  call(name, ...all);
  for (const one of all) call(name, one);
}
for (const buffer of buffers)
  for (const n of [...numbers, ...huge, '8', null, undefined]) {
    call('bindProgram', buffer);
    call('execute', n);
    for (const m of [0, 8, 9, 64, -1, NaN, 2 ** 40]) {
      for (const repeat of [0, 1, -1, NaN, 1e10]) call('executeAt', buffer, n, m, 64, repeat);
      call('executeAt', buffer, 0, 8, n, m === 2 ** 40 ? 1 : m);
      call('executeAt', buffer, 0, n, m, 1);
      call('executeAsync', buffer, n, m, 1);
    }
  }
for (const shrink of [(b) => b.resize(0), (b) => b.resize(16), (b) => structuredClone(b, { transfer: [b] })]) {
  const buffer = new ArrayBuffer(1 << 16, { maxByteLength: 1 << 16 });
  call('bindProgram', new Int32Array(buffer));
  shrink(buffer);
  for (const end of [8, 64, 1 << 14]) call('execute', end);
}
await Promise.all(promises);
addon.setNumThreads(threads);
console.log(JSON.stringify({ names: Object.keys(addon), calls, errors }));
