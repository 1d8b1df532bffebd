/** All that is exported, and how to call it on every backend and compare. */
import * as cotangent from 'cotangent';
import { type BackendName, isGradEnabled, manualSeed, setBackend, Tensor } from 'cotangent';
import * as calculus from 'cotangent/calculus';
import * as data from 'cotangent/data';
import * as io from 'cotangent/io';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as plot from 'cotangent/plot';
import { openScope } from '../../src/memory/scope.ts';
import { backends } from '../support/backends.ts';
import { difference, failure, type Outcome, outcomeOf } from './outcome.ts';

/** A call that takes longer hangs, as far as its caller can tell. */
const PATIENCE = 20_000;
export type AnyFunction = (...args: unknown[]) => unknown;
const isClass = (value: unknown) =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

/** These change the whole process. */
const GLOBAL = ['setBackend', 'setNumThreads', 'init', 'manualSeed', 'emptyCache'];
/** Not for users. */
const INTERNAL = ['constructor', 'attach', 'rebase', 'setBase', 'leafNode', 'revive', 'assertAlive'];
/** Whose numbers are those of the machine, or of memory that nothing was written to. */
const UNEQUAL = /^(empty|emptyLike|memory|backendInfo|getBackend|defaultGenerator|setState|getState)$|^to\b|Generator/;

function surfaceOf(module: object, prefix: string): [string, AnyFunction][] {
  return Object.entries(module).flatMap(([name, value]): [string, AnyFunction][] => {
    if (typeof value !== 'function' || GLOBAL.includes(name)) return [];
    if (!isClass(value)) return [[prefix + name, value]];
    return name === 'Tensor' || name.endsWith('Error') ? [] : [[prefix + name, (...args) => new value(...args)]];
  });
}
export const functions = new Map(surfaceOf(cotangent, ''));
export const others = new Map(
  Object.entries({ nn, optim, data, io, calculus, plot, init: nn.init }).flatMap(([name, module]) =>
    surfaceOf(module, `${name}.`),
  ),
);
export const methods = new Map<string, AnyFunction>();
export const setters: string[] = [];
for (const [name, { value, set }] of Object.entries(Object.getOwnPropertyDescriptors(Tensor.prototype))) {
  if (typeof value === 'function' && !INTERNAL.includes(name)) methods.set(name, value);
  if (set !== undefined) setters.push(name);
}

/** Runs a call on one backend: what came of it, and what became of its arguments. */
export async function attempt(
  backend: BackendName,
  name: string,
  make: () => unknown[],
  call: AnyFunction,
): Promise<Outcome> {
  setBackend(backend);
  manualSeed(7);
  const close = openScope();
  const reads = !UNEQUAL.test(name.replace(/^\./, ''));
  const started = performance.now();
  let args: unknown[] = [];
  let outcome: Outcome;
  try {
    args = make();
    let result = call(...args);
    if (!isGradEnabled()) throw new Error(`${name} returns with gradients off`);
    if (result instanceof Promise)
      result = await Promise.race([result, new Promise((resolve) => setTimeout(resolve, 50))]);
    // What a function made of a function does, it does when called.
    if (typeof result === 'function') result = [null, result(1)];
    outcome = outcomeOf(result, reads);
  } catch (error) {
    outcome = failure(error);
  } finally {
    close();
  }
  // What goes on later is done before the next call begins.
  await new Promise((resolve) => setImmediate(resolve));
  if (!isGradEnabled()) throw new Error(`${name} leaves gradients off`);
  const took = performance.now() - started;
  if (took > PATIENCE) throw new Error(`${name} took ${took} ms on ${backend}`);
  return outcome;
}

/** @throws Error unless the same call does the same on all backends. */
export async function everywhere(name: string, make: () => unknown[], call: AnyFunction): Promise<void> {
  const outcomes: Outcome[] = [];
  for (const backend of backends) outcomes.push(await attempt(backend, name, make, call));
  const [first, ...rest] = outcomes as [Outcome, ...Outcome[]];
  for (const other of rest) {
    const found = difference(first, other, name);
    if (found !== null) throw new Error(`${backends.join(' and ')} differ. ${found}`);
  }
}
