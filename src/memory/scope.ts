/**
 * Scopes: what is made inside and does not leave is freed at the end, at once and on
 * every backend. The stack of open scopes is the only state; backward opens scopes of its
 * own around every step of the tape.
 */
import type { GraphNode } from '../autograd/node.ts';
import { ArgumentError, describe } from '../errors.ts';
import { finished, isThenable, silence } from '../program/setting.ts';
import { isMap, isSet } from '../tensor/record.ts';
import {
  dtypeOf,
  isTensor,
  leaveScope,
  leaveToUser,
  makeTensor,
  nodeOf,
  offsetOf,
  shapeOf,
  storageOf,
  stridesOf,
  type Tensor,
} from '../tensor/tensor.ts';

class Scope {
  readonly outer: Scope | null = current;
  closed = false;
  /** It stays open when its function, if it has one, has returned. */
  stays = false;
  readonly tensors: Tensor[] = [];
  readonly nodes: GraphNode[] = [];
}

let current: Scope | null = null;

/** All open scopes, in the order in which they were opened. */
const open: Scope[] = [];

/** The open one whose function has returned a promise. */
let awaited: Scope | null = null;

/** @internal Called for every new tensor. */
export function enlist(tensor: Tensor): void {
  current?.tensors.push(tensor);
}

/** @internal Called for every new node of the tape. */
export function enlistNode(node: GraphNode): void {
  current?.nodes.push(node);
}

/** @internal Whether memory allocated now belongs to a scope. */
export const isScoped = (): boolean => current !== null;

/** Arrays longer than this are sparse in every engine: what is not there takes no time. */
const SPARSE = 2 ** 25;

/** Calls `visit` with everything that an object holds; every getter is called once. */
function visitItems(op: string, value: object, visit: (item: unknown) => void): void {
  if (isMap(value))
    for (const [key, item] of value) {
      visit(key);
      visit(item);
    }
  else if (value instanceof Map || (value instanceof Set && !isSet(value)))
    throw new ArgumentError(
      op,
      `cannot look for tensors in ${describe(value)}: it passes for a Map or a Set and is none`,
    );
  else if (value instanceof Set || (Array.isArray(value) && value.length <= SPARSE))
    for (const item of value) visit(item);
  else if (!ArrayBuffer.isView(value)) for (const item of Object.values(value)) visit(item);
}

/** Tensors in a returned value: the value itself, in arrays, Maps, Sets, and in plain objects, to any depth. */
export function collectTensors(op: string, value: unknown): Set<Tensor> {
  const found = new Set<Tensor>();
  const seen = new Set<object>();
  const pending: object[] = [];
  const visit = (item: unknown): void => {
    if (typeof item !== 'object' || item === null) return;
    if (isTensor(item)) found.add(item);
    else if (!seen.has(item)) {
      seen.add(item);
      pending.push(item);
    }
  };
  visit(value);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) visitItems(op, next, visit);
  return found;
}

function enter(): Scope {
  const scope = new Scope();
  open.push(scope);
  current = scope;
  return scope;
}

/**
 * Takes a scope off the stack; what comes next belongs to the nearest one around it that is still open. Those above it end as
 * well, unless they were to stay: their functions are done, and an error (of a stack that overflowed) kept them from closing.
 */
function leave(scope: Scope): void {
  for (const other of open.splice(open.lastIndexOf(scope))) {
    if (other !== scope && other.stays) {
      open.push(other);
      continue;
    }
    other.closed = true;
    if (other === scope) continue;
    scope.tensors.push(...other.tensors);
    scope.nodes.push(...other.nodes);
  }
  let next = current ?? scope.outer;
  while (next?.closed) next = next.outer;
  current = next;
  if (awaited === scope) awaited = null;
}

function close(scope: Scope, kept: ReadonlySet<Tensor>): void {
  if (scope.closed) return;
  leave(scope);
  const reachable = new Set<GraphNode>();
  if (scope.nodes.length > 0) {
    const pending = [...kept].flatMap((tensor) => (nodeOf(tensor) ? [nodeOf(tensor)] : []));
    // A graph that was attached in place to a tensor from outside stays with that tensor.
    for (const node of scope.nodes) if (node.rebased) pending.push(node);
    while (pending.length > 0) {
      const node = pending.pop() as GraphNode;
      if (reachable.has(node)) continue;
      reachable.add(node);
      for (const edge of node.edges) if (edge) pending.push(edge.node);
    }
  }
  for (const node of scope.nodes) {
    if (!reachable.has(node)) node.release();
    else current?.nodes.push(node);
  }
  for (const tensor of scope.tensors) {
    if (!kept.has(tensor)) leaveScope(tensor);
    else current?.tensors.push(tensor);
  }
}

const NOTHING: ReadonlySet<Tensor> = new Set();

/** Closes a scope whose function gave `result`; also when looking into that throws. */
function closeWith(scope: Scope, result: unknown): void {
  let kept = NOTHING;
  try {
    kept = collectTensors('scope', result);
  } finally {
    close(scope, kept);
  }
}

/**
 * Runs `fn` and frees every tensor made inside, except those in its result (the result itself, or inside arrays, Maps, Sets and
 * plain objects) and those passed to `keep`. Scopes nest; a kept tensor belongs to the enclosing scope. When `fn` throws, or a
 * getter of its result, everything is freed.
 *
 * `fn` may be async: the scope then closes when its promise settles, and everything made meanwhile, by whatever code, belongs to
 * it. So there is one such scope at a time, in which others may be opened as long as they are synchronous.
 * @throws ArgumentError for what is no function, for a generator, and for an async function while another one's scope is open.
 *
 * @example
 * for (const [x, y] of batches) scope(() => { loss(model(x), y).backward(); optimizer.step(); });
 */
export function scope<T>(fn: () => T): T {
  if (typeof fn !== 'function') throw new ArgumentError('scope', `wants a function, got ${describe(fn)}`);
  const mine = enter();
  try {
    const result = fn();
    if (isThenable(result)) return closeLater(mine, result) as T;
    closeWith(
      mine,
      finished('scope', result, 'open a scope inside, around what is done between one yield and the next'),
    );
    return result;
  } catch (error) {
    close(mine, NOTHING);
    throw error;
  }
}

/** The promise, when it has settled and the scope was closed. */
function closeLater<T>(mine: Scope, promise: PromiseLike<T>): Promise<T> {
  if (awaited !== null) {
    silence(promise);
    throw new ArgumentError(
      'scope',
      'another scope of an async function is still open, and what is made meanwhile can belong to one of them only: await it first, ' +
        'and put synchronous scopes inside, between one await and the next',
    );
  }
  mine.stays = true;
  awaited = mine;
  return Promise.resolve(promise).then(
    (value) => {
      closeWith(mine, value);
      return value;
    },
    (error) => {
      close(mine, NOTHING);
      throw error;
    },
  );
}

/** @internal Opens a scope and returns what closes it, for code that cannot be put into one function. */
export function openScope(): () => void {
  const mine = enter();
  mine.stays = true;
  return () => close(mine, NOTHING);
}

/**
 * Lets a tensor outlive every scope: from now on it is freed by `dispose()` or by the collector.
 * @throws ArgumentError for anything else.
 */
export function keep<T extends Tensor>(tensor: T): T {
  if (!isTensor(tensor)) throw new ArgumentError('keep', `wants a tensor, got ${describe(tensor)}`);
  leaveToUser(tensor);
  for (const scope of open) {
    const at = scope.tensors.lastIndexOf(tensor);
    if (at >= 0) scope.tensors.splice(at, 1);
  }
  return tensor;
}

/**
 * @internal Runs `fn` and frees all that it makes except its results, which belong to the caller alone: each is a
 * handle of its own and in no scope. This is how backward frees every intermediate gradient at once.
 */
export function owned(fn: () => readonly (Tensor | null)[]): (Tensor | null)[] {
  const mine = enter();
  let results: readonly (Tensor | null)[] = [];
  try {
    results = fn();
  } finally {
    const made = new Set(mine.tensors);
    const taken = new Set<Tensor>();
    current = null;
    results = results.map((tensor) => {
      if (tensor === null) return null;
      if (!made.has(tensor) || taken.has(tensor))
        return makeTensor(storageOf(tensor), dtypeOf(tensor), shapeOf(tensor), stridesOf(tensor), offsetOf(tensor));
      taken.add(tensor);
      return tensor;
    });
    current = mine;
    leave(mine);
    for (const node of mine.nodes) node.release();
    for (const tensor of mine.tensors) if (!taken.has(tensor)) leaveScope(tensor);
  }
  return results as (Tensor | null)[];
}

/** @internal Runs `fn` as if no scope were open: what it makes is long-lived state. */
export function outsideScopes<T>(fn: () => T): T {
  const saved = current;
  current = null;
  try {
    return fn();
  } finally {
    current = saved;
  }
}
