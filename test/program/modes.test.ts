/** What holds while a function runs ends with it, however it ends; functions that go on later are refused by name. */

import { runInNewContext } from 'node:vm';
import * as ct from 'cotangent';
import { ArgumentError, CompileError, compile, type Tensor, tensor } from 'cotangent';
import { Adam, LBFGS, minimize, SGD } from 'cotangent/optim';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inspector, seriesRules } from '../../src/autograd/mode.ts';
import { activeLevels } from '../../src/memory/lanes.ts';
import { observer } from '../../src/program/observer.ts';
import { backends } from '../support/backends.ts';

const tick = () => new Promise((resolve) => setTimeout(resolve, 1));

/** What must be as it was. */
const state = () => [ct.isGradEnabled(), inspector(), seriesRules(), activeLevels(), observer()];

let before: unknown[];
let unhandled: unknown[];
const note = (reason: unknown) => void unhandled.push(reason);

beforeEach(() => {
  before = state();
  unhandled = [];
  process.on('unhandledRejection', note);
});

afterEach(async () => {
  // Rejections that are not taken care of are told when microtasks are done.
  await tick();
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
  expect(state()).toEqual(before);
});

const mine = new Error('mine');
const THEN = 'then';

/** Functions that are not done when they return. */
const later: [string, () => unknown][] = [
  ['an async function', async () => 1],
  ['one that waits', async () => void (await tick())],
  ['one that fails at once', async () => Promise.reject(mine)],
  [
    'one that fails later',
    async () => {
      await tick();
      throw mine;
    },
  ],
  ['a promise of a class of its own', () => new (class Own extends Promise<number> {})((resolve) => resolve(1))],
  ['a promise of another realm', () => runInNewContext('Promise.resolve(1)')],
  ['a failed promise of another realm', () => runInNewContext('Promise.reject(new Error("mine"))')],
  ['a thenable', () => ({ [THEN]: (done: (value: number) => void) => done(1) })],
  [
    'a thenable whose then throws',
    () => ({
      [THEN]: () => {
        throw mine;
      },
    }),
  ],
  ['a function with then', () => Object.assign(() => 1, { [THEN]: () => undefined })],
  [
    'a generator',
    function* () {
      yield 1;
    },
  ],
  [
    'an async generator',
    async function* () {
      yield 1;
    },
  ],
  ['a generator of another realm', () => runInNewContext('(function* () {})()')],
];

/** Functions that fail, and how. */
const failing: [string, () => unknown][] = [
  [
    'an error',
    () => {
      throw mine;
    },
  ],
  [
    'an error deep inside',
    () =>
      ct.noGrad(() =>
        ct.enableGrad(() =>
          ct.detectAnomaly(() => {
            throw mine;
          }),
        ),
      ),
  ],
  [
    'a getter named then',
    () => ({
      get [THEN]() {
        throw mine;
      },
    }),
  ],
  [
    'a revoked proxy',
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
  ],
  [
    'a stack that overflows',
    () => {
      const again = (): unknown => ct.noGrad(() => ct.enableGrad(() => ct.detectAnomaly(again)));
      return again();
    },
  ],
];

const modes: [string, (fn: () => unknown) => unknown][] = [
  ['noGrad', (fn) => ct.noGrad(fn)],
  ['enableGrad', (fn) => ct.enableGrad(fn)],
  ['detectAnomaly', (fn) => ct.detectAnomaly(fn)],
  ['detectAnomaly', (fn) => ct.detectAnomaly(fn, { forward: false })],
  ['SGD', (fn) => new SGD([tensor([1], { requiresGrad: true })], { lr: 0.1 }).step(fn)],
  ['Adam', (fn) => new Adam([tensor([1], { requiresGrad: true })]).step(fn)],
];

describe.each(modes)('%s', (name, mode) => {
  test.each(later)('refuses %s', async (_, fn) => {
    const call = () => mode(fn);
    expect(call).toThrow(ArgumentError);
    expect(call).toThrow(
      new RegExp(`^${name}: wants a synchronous function, got one that returns a (promise|generator)`),
    );
    expect(state()).toEqual(before);
    await tick();
    expect(state()).toEqual(before);
  });

  test.each(failing)('ends with %s', (_, fn) => {
    expect(() => mode(fn)).toThrow();
    expect(state()).toEqual(before);
  });
});

const x = () => tensor([1, 2], { dtype: 'float64' });
const called: [string, (fn: () => unknown) => unknown][] = [
  ['vmap', (fn) => ct.vmap(fn as (y: Tensor) => Tensor)(x())],
  ['grad', (fn) => ct.grad(fn as () => Tensor)(x())],
  ['valueAndGrad', (fn) => ct.valueAndGrad(fn as () => Tensor)(x())],
  ['vjp', (fn) => ct.vjp(fn as () => Tensor, x())],
  ['jvp', (fn) => ct.jvp(fn as () => Tensor, x(), x())],
  ['linearize', (fn) => ct.linearize(fn as () => Tensor, x())],
  ['hvp', (fn) => ct.hvp(fn as () => Tensor, x(), x())],
  ['jacrev', (fn) => ct.jacrev(fn as () => Tensor)(x())],
  ['jacfwd', (fn) => ct.jacfwd(fn as () => Tensor)(x())],
  ['hessian', (fn) => ct.hessian(fn as () => Tensor, x())],
  ['gradcheck', (fn) => ct.gradcheck(fn as () => Tensor, [x().requiresGrad_()])],
  ['custom', (fn) => ct.customFunction({ name: 'custom', forward: fn as () => Tensor, backward: () => [] })()],
  ['minimize', (fn) => minimize(fn as () => Tensor, [1, 2])],
  ['step', (fn) => compile(fn, { name: 'step' })()],
  ['step', (fn) => compile(() => compile(fn, { name: 'step' })())()],
  ['step', (fn) => ct.vmap((y: Tensor) => (compile(fn, { name: 'step' })() === y ? y : y))(x())],
];

test.each(called)(
  '%s: a function of the user that goes on later is an error by that name, and leaves nothing behind',
  async (name, call) => {
    for (const [, fn] of [...later, ...failing]) {
      expect(() => call(fn)).toThrow();
      expect(state()).toEqual(before);
    }
    for (const [, fn] of later.filter(([kind]) => kind.startsWith('an async') || kind.startsWith('one')))
      expect(() => call(fn)).toThrow(new RegExp(`^${name}: `));
    await tick();
  },
);

test('hooks and closures that are async are errors, and fail by themselves', async () => {
  const w = tensor([1, 2], { requiresGrad: true });
  const y = w.mul(2);
  y.registerHook((async () => {
    throw mine;
  }) as never);
  expect(() => y.sum().backward()).toThrow(/^backward: wants hooks to return a tensor or nothing/);
  expect(() =>
    new LBFGS([w]).step((async () => {
      throw mine;
    }) as never),
  ).toThrow(/^LBFGS: wants a synchronous function/);
  await tick();
});

test('overlapping async functions leave gradients on, and what runs meanwhile is recorded', async () => {
  const run = async (ms: number) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return ct.isGradEnabled();
  };
  const attempt = (ms: number) => {
    try {
      return ct.noGrad(() => run(ms));
    } catch (error) {
      return Promise.resolve(error);
    }
  };
  const both = Promise.all([attempt(3), attempt(6)]);
  expect(ct.isGradEnabled()).toBe(true);
  expect(tensor([1], { requiresGrad: true }).mul(2).requiresGrad).toBe(true);
  for (const outcome of await both) expect(outcome).toBeInstanceOf(ArgumentError);
  expect(ct.isGradEnabled()).toBe(true);
});

test('a refused promise is told what to do', () => {
  expect(() => ct.noGrad(async () => 1)).toThrow(/put noGrad\(\(\) => …\) around the synchronous parts/);
});

test('what is done when it returns is handed back, whatever it is', () => {
  for (const value of [
    undefined,
    null,
    0,
    '',
    Symbol.iterator,
    [],
    new Map().values(),
    { [THEN]: 1 },
    { next: () => 1 },
    () => 1,
  ])
    expect(ct.noGrad(() => value)).toBe(value);
});

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));

  test('gradients of what comes after a mode that failed', () => {
    const w = tensor([1, 2, 3], { requiresGrad: true });
    for (const [, fn] of [...failing, ...later]) {
      expect(() => ct.noGrad(fn)).toThrow();
      expect(() => ct.scope(() => ct.noGrad(fn))).toThrow();
    }
    w.square().sum().backward();
    expect(w.grad?.toArray()).toEqual([2, 4, 6]);
  });

  test('runAsync runs with gradients on or off as they were when it was called', async () => {
    const w = tensor([2], { requiresGrad: true });
    const seen: boolean[] = [];
    const step = compile((y: Tensor) => {
      seen.push(ct.isGradEnabled());
      return w.mul(y).sum();
    });
    const runs: Promise<Tensor>[] = [];
    ct.noGrad(() => void runs.push(step.runAsync(tensor([3]))));
    runs.push(step.runAsync(tensor([4])));
    ct.noGrad(() => void runs.push(step.runAsync(tensor([5]))));
    expect((await Promise.all(runs)).map((y) => y.item())).toEqual([6, 8, 10]);
    expect(seen).toEqual([false, true]);
    expect(() => ct.noGrad(() => step.runAsync(tensor([3])))).toThrow(/^noGrad: /);
  });
});

test('gradcheck gives elements back when the function fails on the way', () => {
  const p = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
  let calls = 0;
  const f = (y: Tensor) => {
    if (++calls > 2) throw mine;
    return y.square();
  };
  expect(() => ct.gradcheck(f, [p])).toThrow('mine');
  expect(p.toArray()).toEqual([1, 2]);
});

test('an error while compiling names what is wrong with a result', () => {
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  let deep: unknown = x();
  for (let i = 0; i < 20_000; i++) deep = [deep];
  const sparse: unknown[] = [];
  sparse[2] = x();
  for (const value of [cyclic, deep]) {
    expect(() => compile(() => value)()).toThrow(CompileError);
    expect(() => compile((_: unknown) => 1)(value)).toThrow(CompileError);
  }
  expect(() => compile(() => new Map([[x(), 1]]))()).toThrow(/^fn|^step: a result has a tensor as a key/);
  const step = compile((list: unknown[]) => (list[2] as Tensor).mul(2));
  for (let i = 0; i < 3; i++) expect(step(sparse).toArray()).toEqual([2, 4]);
  expect(step.recordings).toBe(1);
});
