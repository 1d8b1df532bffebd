/**
 * Random programs give the same numbers on both backends. A program is a chain of ops from the table on one
 * tensor of a random layout. After every step the results are compared, and the native ones carried on with,
 * so that what is measured is each op and not how the chain amplifies differences.
 */
import * as cotangent from 'cotangent';
import { fromArray, getBackend, isFloating, scope, setBackend, type Tensor } from 'cotangent';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ElementwiseRow } from '../../src/ops/formula.ts';
import { table } from '../../src/ops/table.ts';
import { storageOf } from '../../src/tensor/tensor.ts';

type Precision = 'float32' | 'float64';
const TOLERANCE: Readonly<Record<Precision, number>> = { float32: 1e-5, float64: 1e-12 };

const rows = table.filter((row): row is ElementwiseRow => row.kind === 'elementwise');
const functions = cotangent as unknown as Readonly<Record<string, (...args: unknown[]) => Tensor>>;
const call = (name: string, ...args: unknown[]): Tensor => {
  const fn = functions[name];
  if (fn === undefined) throw new Error(`no function ${name}`);
  return fn(...args);
};

/** One step: the op's name for messages, and what it does to a tensor. */
interface Step {
  name: string;
  run(x: Tensor): Tensor;
}

const small = fc.integer({ min: 0, max: 7 });

const elementwise = fc.tuple(fc.constantFrom(...rows), fc.constantFrom('number', 'self', 'row')).map(
  ([{ name, arity, params = {} }, other]): Step => ({
    name,
    run(x) {
      // A slice of the tensor itself, broadcast back, is a third layout beside numbers and the tensor's own.
      const operand = other === 'number' ? 1.25 : other === 'self' || x.ndim === 0 ? x : x.narrow(0, 0, 1);
      const required = Object.values(params).filter((value) => value === undefined);
      return call(name, x, ...new Array(arity - 1).fill(operand), ...required.map(() => 0.5));
    },
  }),
);

const reduction = fc.tuple(fc.constantFrom('sum', 'mean', 'prod', 'amax', 'amin', 'var', 'logsumexp'), small).map(
  ([name, at]): Step => ({
    name,
    run: (x) => call(name, x, x.ndim === 0 ? null : at % x.ndim, { keepdim: true }),
  }),
);

const along = fc
  .constantFrom('softmax', 'logSoftmax', 'cumsum')
  .map((name): Step => ({ name, run: (x) => (x.ndim === 0 ? x : call(name, x, -1)) }));

const matmul: Step = { name: 'matmul', run: (x) => (x.ndim < 2 ? x : x.matmul(x.transpose(-1, -2))) };

const sizeAt = (x: Tensor, at: number) => x.shape[at % x.ndim] as number;

/** Views, each with a whole number to choose by. */
const VIEWS: Readonly<Record<string, (x: Tensor, at: number) => Tensor>> = {
  permute: (x, at) => x.permute(x.shape.map((_, d) => (d + at) % x.ndim)),
  transpose: (x, at) => (x.ndim < 2 ? x : x.transpose(at % x.ndim, (at + 1) % x.ndim)),
  slice: (x, at) => (x.ndim === 0 ? x : x.slice(at % x.ndim, (at * 5) % sizeAt(x, at), null, 1 + (at % 2))),
  select: (x, at) => (x.ndim < 2 ? x : x.select(at % x.ndim, (at * 3) % sizeAt(x, at))),
  expand: (x, at) => (x.size > 64 || x.ndim > 3 ? x : x.expand([1 + (at % 3), ...x.shape])),
  reshape: (x, at) => x.reshape(at % 2 === 0 ? [-1] : [x.size, 1]),
  contiguous: (x) => x.contiguous(),
};

const view = fc
  .tuple(fc.constantFrom(...Object.entries(VIEWS)), small)
  .map(([[name, change], at]): Step => ({ name, run: (x) => change(x, at) }));

const programs = fc.record({
  shape: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
  seed: fc.integer({ min: 1, max: 1e6 }),
  steps: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: elementwise },
      { weight: 3, arbitrary: view },
      { weight: 2, arbitrary: reduction },
      { weight: 1, arbitrary: along },
      { weight: 1, arbitrary: fc.constant(matmul) },
    ),
    { minLength: 1, maxLength: 8 },
  ),
});
type Program = typeof programs extends fc.Arbitrary<infer T> ? T : never;

/** A linear congruential generator (Numerical Recipes), scaled to [-2, 2). */
function values(seed: number, n: number): Float64Array {
  let state = seed;
  return Float64Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 30 - 2;
  });
}

/** The largest finite magnitude, at least 1. */
function largest(x: Tensor): number {
  return Array.from(x.data() as Float64Array, Number).reduce((most, element) => {
    const size = Math.abs(element);
    return Number.isFinite(size) ? Math.max(most, size) : most;
  }, 1);
}

/** Runs `fn` on native, then on WASM. */
function onBoth<T>(fn: (which: 0 | 1) => T): [T, T] {
  const before = getBackend();
  try {
    setBackend('native');
    const first = fn(0);
    setBackend('wasm');
    return [first, fn(1)];
  } finally {
    setBackend(before);
  }
}

/** @throws Error at the first element that differs by more than is allowed. */
function agree([native, wasm]: [Tensor, Tensor], allowed: (want: number) => number, name: string): void {
  expect([name, wasm.shape, wasm.dtype, wasm.strides]).toEqual([name, native.shape, native.dtype, native.strides]);
  const [a, b] = [native.data(), wasm.data()];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [Number(a[i]), Number(b[i])];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y)) || Math.abs(x - y) <= allowed(x)) continue;
    throw new Error(`${name}: element ${i} of [${native.shape}] is ${x} on native and ${y} on wasm`);
  }
}

/** Brings values that have run away, or are not numbers, back into reach. */
const tame: Step = { name: 'tame', run: (x) => x.nanToNum({ nan: 0.75, posinf: 2, neginf: -2 }).tanh() };

function compareRuns(precision: Precision, { shape, seed, steps }: Program): void {
  const size = shape.reduce((a, b) => a * b, 1);
  let pair = onBoth(() => fromArray(values(seed, size), shape).to(precision));
  const advance = ({ name, run }: Step) => {
    const most = largest(pair[0]);
    // The unit of error: the sum of the terms' magnitudes, for whatever sums or multiplies elements.
    const unit = pair[0].size * most * (name === 'matmul' || name === 'var' ? most : 1);
    const next = onBoth((which) => run(pair[which]));
    const tolerance = isFloating(next[0].dtype) ? TOLERANCE[precision] : 0;
    agree(next, (want) => tolerance * Math.max(unit, Math.abs(want)), name);
    // A view shares memory that agrees already; a new result takes over the native numbers.
    if (storageOf(next[1]) !== storageOf(pair[1])) next[1].copy_(next[0]);
    pair = next;
    if (next[0].dtype !== precision) pair = onBoth((which) => next[which].to(precision));
  };
  for (const step of steps) {
    advance(step);
    const wild = pair[0].data().some((element) => !(Math.abs(Number(element)) < 50));
    if (wild) advance(tame);
  }
}

describe('random programs give the same numbers on native and wasm', () => {
  test.each<Precision>(['float32', 'float64'])('in %s', { timeout: 60_000 }, (precision) => {
    fc.assert(
      fc.property(programs, (program) => scope(() => compareRuns(precision, program))),
      { numRuns: 400 },
    );
  });
});
