/**
 * Random programs compute the same eagerly and compiled. A program grows a pool of matrices by ops, views, changes in place, reductions
 * and products, and ends in the gradients of what it made; it is recorded on one input and replayed on another. Without
 * sums in groups the results are the same to the last bit, with them nearly so.
 */
import * as cotangent from 'cotangent';
import { type BackendName, fromArray, grad, scope, setBackend, type Tensor } from 'cotangent';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { compile } from '../../src/compile/compile.ts';
import { setBuildOptions } from '../../src/compile/compiled.ts';
import type { ElementwiseRow } from '../../src/ops/formula.ts';
import { table } from '../../src/ops/table.ts';
import { backends } from '../support/backends.ts';
import { random } from '../support/samples.ts';

afterEach(() => setBuildOptions({}));

/** Ops of one and two operands that keep numbers within reach, whatever they are. */
const tame = (row: ElementwiseRow): boolean =>
  row.dtypes === 'float' &&
  row.test === undefined &&
  row.params === undefined &&
  row.vjp !== undefined &&
  row.arity <= 2;
const rows = table.filter((row): row is ElementwiseRow => row.kind === 'elementwise').filter(tame);
const functions = cotangent as unknown as Readonly<Record<string, (...args: Tensor[]) => Tensor>>;
const ROWS = 6;
const COLUMNS = 5;

type Step = (pool: Tensor[], pick: (i: number) => Tensor) => Tensor;
const bounded = (x: Tensor): Tensor => x.nanToNum({ nan: 0.5, posinf: 1, neginf: -1 }).tanh();
/** Every value in the pool is a matrix of one shape. */
const matrix = (x: Tensor): Tensor => x.expand([ROWS, COLUMNS]);

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom(...rows).map(
      ({ name, arity }): Step =>
        (_, pick) =>
          bounded(
            (functions[name] as (...args: Tensor[]) => Tensor)(...Array.from({ length: arity }, (_, i) => pick(i))),
          ),
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom<(a: Tensor, b: Tensor) => Tensor>(
        (a, b) => a.add(b),
        (a, b) => a.mul(b),
        (a, b) => a.sub(b).relu(),
        (a) => a.mul(0.5),
        (a, b) => cotangent.where(a.gt(0), b, a),
      )
      .map(
        (run): Step =>
          (_, pick) =>
            run(pick(0), pick(1)),
      ),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom<(a: Tensor) => Tensor>(
        (a) => a.sum(0, true),
        (a) => a.sum(1, true),
        (a) => a.mean(),
        (a) => a.amax(1, true),
        (a) => a.square().sum(0),
      )
      .map(
        (run): Step =>
          (_, pick) =>
            bounded(matrix(run(pick(0)))),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom<(a: Tensor, b: Tensor) => Tensor>(
        (a, b) => a.matmul(b.t()).matmul(b),
        (a) => a.softmax(1),
        (a) => a.cumsum(0),
        (a) => a.flip([1]),
      )
      .map(
        (run): Step =>
          (_, pick) =>
            bounded(run(pick(0), pick(1))),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom<(a: Tensor, b: Tensor) => Tensor>(
        (a, b) => a.clone().add_(b),
        (a, b) => {
          const c = a.clone();
          c.narrow(0, 1, 3).mul_(b.narrow(0, 2, 3));
          return c;
        },
        (a, b) => {
          const c = a.clone();
          c.select(1, 2).copy_(b.select(1, 0));
          return c;
        },
      )
      .map(
        (run): Step =>
          (_, pick) =>
            run(pick(0), pick(1)),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom<(a: Tensor, b: Tensor) => Tensor>(
        (a) => a.t().contiguous().reshape([ROWS, COLUMNS]),
        (a, b) => cotangent.cat([a.narrow(1, 0, 2), b.narrow(1, 2, 3)], 1),
        (a) => matrix(a.narrow(0, 3, 1)),
        (a) => a.detach(),
      )
      .map(
        (run): Step =>
          (_, pick) =>
            run(pick(0), pick(1)),
      ),
  },
);

const programs = fc.record({
  seed: fc.integer({ min: 1, max: 1e6 }),
  steps: fc.array(fc.tuple(steps, fc.nat(20), fc.nat(20)), { minLength: 1, maxLength: 25 }),
});
type Program = typeof programs extends fc.Arbitrary<infer T> ? T : never;

/** What a program makes of two matrices: the last of its pool, the sum of all, and the gradients of that. */
function run(program: Program, x: Tensor, y: Tensor): Tensor[] {
  const [a, b] = [x.detach().requiresGrad_(), y.detach().requiresGrad_()];
  const pool: Tensor[] = [a, b];
  for (const [step, first, second] of program.steps) {
    const at = [first, second];
    pool.push(step(pool, (i) => pool[(at[i] as number) % pool.length] as Tensor));
  }
  const total = pool.map((value) => value.sum()).reduce((sum, value) => sum.add(value));
  const grads = grad(total, [a, b], { allowUnused: true });
  return [pool.at(-1) as Tensor, total, ...grads.map((g, i) => g ?? (pool[i] as Tensor))];
}

function inputs(seed: number, backend: BackendName): [Tensor, Tensor] {
  const next = random(seed);
  const make = () =>
    fromArray(
      Float64Array.from({ length: ROWS * COLUMNS }, () => next() * 2 - 1),
      [ROWS, COLUMNS],
      { backend },
    );
  return [make(), make()];
}

function compare(program: Program, backend: BackendName, exact: boolean): void {
  setBuildOptions({ exact, poison: true });
  const [x, y] = inputs(program.seed, backend);
  const step = compile((a: Tensor, b: Tensor) => run(program, a, b));
  step(...inputs(program.seed + 1, backend));
  const [want, got] = [run(program, x, y), step(x, y)];
  step.dispose();
  expect(step.recordings).toBe(1);
  for (const [i, expected] of want.entries()) {
    const [a, b] = [expected.data(), (got[i] as Tensor).data()];
    const scale = Array.from(a, Number).reduce((most, value) => Math.max(most, Math.abs(value) || 0), 1);
    for (const [k, value] of a.entries()) {
      const other = Number(b[k]);
      if (Object.is(Number(value), other) || Number(value) === other) continue;
      // A difference in the last digit grows in steep places; what is wrong differs in the first ones.
      if (!exact && Math.abs(Number(value) - other) <= 1e-4 * scale) continue;
      throw new Error(`result ${i}: element ${k} is ${value} eagerly and ${other} compiled`);
    }
  }
}

const seconds = process.env.COTANGENT_FUZZ_SECONDS;
const limits =
  seconds === undefined ? { numRuns: 150 } : { numRuns: 1e9, interruptAfterTimeLimit: Number(seconds) * 1000 };

describe.each(backends)('random programs on %s', (backend) => {
  test.each([
    ['to the last bit', true],
    ['with sums in groups', false],
  ])('compute the same compiled, %s', { timeout: 60_000 + 1000 * Number(seconds ?? 0) }, (_, exact) => {
    setBackend(backend);
    fc.assert(
      fc.property(programs, (program) => scope(() => compare(program, backend, exact))),
      limits,
    );
  });
});
