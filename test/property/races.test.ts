/**
 * Steps on other threads, while this one reads, writes, frees and collects the same tensors, and runs other steps on them. What is
 * refused must be in flight, what is not refused must be right: everything that happened is computed again by plain loops, each
 * run at the moment of its call. `COTANGENT_FUZZ_SECONDS=60` searches for so long.
 */
import * as ct from 'cotangent';
import { type Compiled, CompileError, compile, IndexError, type Tensor } from 'cotangent';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inFlight } from '../../src/memory/flight.ts';
import { backends } from '../support/backends.ts';

/** Keeps numbers whole and small, so that every order of a sum gives the same. */
const P = 1009;
/** Tensors that steps are bound to, and tensors that they get as arguments. */
const BOUND = 4;
const GIVEN = 3;

type Kind = 'accumulate' | 'combine' | 'look up' | 'change argument';
interface Form {
  kind: Kind;
  /** Numbers of bound tensors: what is written, and what is read. */
  to: number;
  from: number;
}

/** What a tensor holds, by plain arrays; −1 among indices is out of range. */
interface Model {
  bound: number[][];
  given: number[][];
  index: number[];
}

/** What a step touches: `b` and `g` with a number, or `i`. */
function touched({ kind, to, from }: Form, arg: number): { reads: string[]; writes: string[] } {
  switch (kind) {
    case 'accumulate':
      return { reads: [`g${arg}`], writes: [`b${to}`] };
    case 'combine':
      return { reads: [`b${from}`], writes: [`b${to}`] };
    case 'look up':
      return { reads: [`b${from}`, 'i'], writes: [`b${to}`] };
    case 'change argument':
      return { reads: [`b${from}`], writes: [`g${arg}`] };
  }
}

/** One step in plain JavaScript: returns the sum of what it wrote, or null where an index is out of range. */
function simulate({ bound, given, index }: Model, { kind, to, from }: Form, arg: number): number | null {
  const [x, source, target] = [given[arg], bound[from], bound[to]] as [number[], number[], number[]];
  if (kind === 'look up' && index.includes(-1)) return null;
  const out = kind === 'change argument' ? x : target;
  const before = [...source];
  for (let i = 0; i < out.length; i++) {
    const own = out[i] as number;
    if (kind === 'accumulate') out[i] = (own * 3 + (x[i] as number)) % P;
    else if (kind === 'look up') out[i] = before[index[i] as number] as number;
    else out[i] = (own + (before[i] as number)) % P;
  }
  return out.reduce((a, b) => a + b, 0);
}

type Action =
  | { act: 'later'; step: number; arg: number; times: number }
  | { act: 'now'; step: number; arg: number }
  | { act: 'write'; name: string; value: number }
  | { act: 'read'; name: string }
  | { act: 'replace'; arg: number; value: number }
  | { act: 'index'; value: number }
  | { act: 'junk' | 'collect' | 'microtask' | 'turn' | 'all' | 'first' };

const below = (n: number) => fc.integer({ min: 0, max: n - 1 });
const names = fc.constantFrom(
  ...Array.from({ length: BOUND }, (_, i) => `b${i}`),
  ...Array.from({ length: GIVEN }, (_, i) => `g${i}`),
);
const form: fc.Arbitrary<Form> = fc.record({
  kind: fc.constantFrom<Kind>('accumulate', 'combine', 'look up', 'change argument'),
  to: below(BOUND),
  from: below(BOUND),
});
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant('later' as const),
      step: below(4),
      arg: below(GIVEN),
      times: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('now' as const), step: below(4), arg: below(GIVEN) }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant('write' as const), name: names, value: below(P) }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant('read' as const), name: names }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('replace' as const), arg: below(GIVEN), value: below(P) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('index' as const), value: fc.integer({ min: -1, max: 15 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constantFrom(
        'junk' as const,
        'collect' as const,
        'microtask' as const,
        'turn' as const,
        'all' as const,
        'first' as const,
      ),
    }),
  },
);
const scenario = fc.record({
  size: fc.constantFrom(1, 16, 3000, 50_000),
  forms: fc.array(form, { minLength: 4, maxLength: 4 }),
  actions: fc.array(action, { minLength: 10, maxLength: 50 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

/** A call that has not been seen to settle. */
interface Run {
  reads: string[];
  writes: string[];
  settled: boolean;
  /** It was called in this very turn of the event loop, so that it cannot have settled. */
  young: boolean;
  done: Promise<void>;
}

async function play({ size, forms, actions }: Scenario): Promise<void> {
  const filled = (value: number) => ct.full([size], value, { dtype: 'float64' });
  const bound = Array.from({ length: BOUND }, (_, i) => filled(i + 1));
  const given = Array.from({ length: GIVEN }, (_, i) => filled(i + 5));
  const index = ct.zeros([size], { dtype: 'int64' });
  const constant = (value: number) => new Array<number>(size).fill(value);
  const model: Model = {
    bound: bound.map((_, i) => constant(i + 1)),
    given: given.map((_, i) => constant(i + 5)),
    index: constant(0),
  };
  const junk: Tensor[] = [];
  const runs: Run[] = [];
  const tensorOf = (name: string): Tensor => (name[0] === 'b' ? bound : given)[Number(name[1])] as Tensor;
  const modelOf = (name: string): number[] =>
    (name[0] === 'b' ? model.bound : model.given)[Number(name[1])] as number[];
  const steps = forms.map(
    (f): Compiled<[Tensor], Tensor> =>
      compile((x: Tensor) => {
        const [to, from] = [bound[f.to] as Tensor, bound[f.from] as Tensor];
        if (f.kind === 'accumulate') return to.mul_(3).add_(x).remainder_(P).sum();
        if (f.kind === 'combine') return to.add_(from).remainder_(P).sum();
        if (f.kind === 'look up') return to.copy_(from.gather(0, index)).sum();
        return x.add_(from).remainder_(P).sum();
      }),
  );
  // What was never recorded is not known to hold anything.
  for (const [i, step] of steps.entries())
    expect(step(given[0] as Tensor).item()).toBe(simulate(model, forms[i] as Form, 0));

  /** Does something that reads or writes; whether it was refused must fit what is in flight. */
  const attempt = (reads: readonly string[], writes: readonly string[], what: () => void): void => {
    const inTheWay = runs.filter(
      (run) =>
        !run.settled &&
        (writes.some((n) => run.reads.includes(n) || run.writes.includes(n)) ||
          reads.some((n) => run.writes.includes(n))),
    );
    try {
      what();
    } catch (error) {
      expect(error).toBeInstanceOf(CompileError);
      expect(String(error)).toMatch(/await (the promise of|its promise)/);
      expect(inTheWay).not.toEqual([]);
      return;
    }
    expect(inTheWay.filter(({ young }) => young)).toEqual([]);
  };

  const later = (at: number, arg: number, times: number): void => {
    const [step, f, x] = [steps[at], forms[at], given[arg]] as [Compiled<[Tensor], Tensor>, Form, Tensor];
    const promise = times === 1 ? step.runAsync(x) : step.repeatAsync(times, x);
    let expected: number | null = 0;
    for (let i = 0; i < times && expected !== null; i++) expected = simulate(model, f, arg);
    const { reads, writes } = touched(f, arg);
    // A call holds its arguments whether its program reads them or not, and the step itself.
    const run: Run = {
      reads: [...reads, `g${arg}`],
      writes: [...writes, `step${at}`],
      settled: false,
      young: true,
      done: Promise.resolve(),
    };
    run.done = promise.then(
      (result) => {
        run.settled = true;
        expect(result.item()).toBe(expected);
        result.dispose();
      },
      (error) => {
        run.settled = true;
        expect(error).toBeInstanceOf(IndexError);
        expect(expected).toBe(null);
      },
    );
    runs.push(run);
  };

  const now = (at: number, arg: number): void => {
    const f = forms[at] as Form;
    if (f.kind === 'look up' && model.index.includes(-1)) return;
    const { reads, writes } = touched(f, arg);
    attempt([...reads, `step${at}`], writes, () => {
      const result = (steps[at] as Compiled<[Tensor], Tensor>)(given[arg] as Tensor);
      expect(result.item()).toBe(simulate(model, f, arg));
    });
  };

  for (const a of actions) {
    if (a.act === 'later') later(a.step, a.arg, a.times);
    else if (a.act === 'now') now(a.step, a.arg);
    else if (a.act === 'write')
      attempt([], [a.name], () => {
        tensorOf(a.name).fill_(a.value);
        modelOf(a.name).fill(a.value);
      });
    else if (a.act === 'read')
      attempt([a.name], [], () => expect(Array.from(tensorOf(a.name).data(), Number)).toEqual(modelOf(a.name)));
    else if (a.act === 'replace') {
      // Runs in flight keep the memory; a new tensor is in the way of none of them.
      given[a.arg]?.dispose();
      given[a.arg] = filled(a.value);
      model.given[a.arg] = constant(a.value);
      for (const run of runs) {
        run.reads = run.reads.filter((name) => name !== `g${a.arg}`);
        run.writes = run.writes.filter((name) => name !== `g${a.arg}`);
      }
    } else if (a.act === 'index')
      attempt([], ['i'], () => {
        const value = a.value < 0 ? -1 : a.value % size;
        index.fill_(value < 0 ? 2 ** 40 : value);
        model.index.fill(value);
      });
    else if (a.act === 'junk') junk.push(filled(Number.NaN));
    else if (a.act === 'collect') {
      for (const t of junk.splice(0)) t.dispose();
      ct.emptyCache();
      globalThis.gc?.();
    } else {
      for (const run of runs) run.young = false;
      if (a.act === 'microtask') await Promise.resolve();
      else if (a.act === 'turn') await new Promise((resolve) => setTimeout(resolve, 0));
      else if (a.act === 'first') await runs.find(({ settled }) => !settled)?.done;
      else await Promise.all(runs.map(({ done }) => done));
    }
  }
  await Promise.all(runs.map(({ done }) => done));
  expect(inFlight()).toBe(false);
  for (const name of ['b0', 'b1', 'b2', 'b3', 'g0', 'g1', 'g2'])
    expect(Array.from(tensorOf(name).data(), Number)).toEqual(modelOf(name));
  for (const step of steps) step.dispose();
}

const seconds = process.env.COTANGENT_FUZZ_SECONDS;
const limits =
  seconds === undefined ? { numRuns: 30 } : { numRuns: 1e9, interruptAfterTimeLimit: Number(seconds) * 1000 };

describe.each(backends)('races on %s', (backend) => {
  test('what runs on other threads is never disturbed', { timeout: 60_000 + 1000 * Number(seconds ?? 0) }, async () => {
    ct.setBackend(backend);
    await fc.assert(
      fc.asyncProperty(scenario, (s) => ct.scope(() => play(s))),
      limits,
    );
  });
});
