/**
 * Scopes: what is made inside and does not leave is freed at the end, at once and on
 * every backend. The stack of open scopes is the only state; backward opens scopes of its
 * own around every step of the tape.
 */
import type { GraphNode } from '../autograd/node.ts';
import { ArgumentError, describe } from '../errors.ts';
import {
  isTensor,
  leaveScope,
  leaveToUser,
  makeTensor,
  nodeOf,
  offsetOf,
  storageOf,
  type Tensor,
} from '../tensor/tensor.ts';

let current: Scope | null = null;

class Scope {
  readonly outer: Scope | null = current;
  closed = false;
  readonly tensors: Tensor[] = [];
  readonly nodes: GraphNode[] = [];
}

const open: Scope[] = [];

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

/** Tensors in a returned value: the value itself, in arrays, in Maps, and in plain objects, to any depth. */
export function collectTensors(
  value: unknown,
  into: Set<Tensor> = new Set(),
  seen: Set<object> = new Set(),
): Set<Tensor> {
  if (isTensor(value)) into.add(value);
  else if (typeof value === 'object' && value !== null && !seen.has(value)) {
    seen.add(value);
    if (value instanceof Map) for (const item of value.values()) collectTensors(item, into, seen);
    else if (Array.isArray(value) || value instanceof Set) for (const item of value) collectTensors(item, into, seen);
    else if (!ArrayBuffer.isView(value)) for (const item of Object.values(value)) collectTensors(item, into, seen);
  }
  return into;
}

function enter(): Scope {
  const scope = new Scope();
  open.push(scope);
  current = scope;
  return scope;
}

/** Takes a scope off the stack; what comes next belongs to the nearest one around it that is still open. */
function leave(scope: Scope): void {
  open.splice(open.lastIndexOf(scope), 1);
  scope.closed = true;
  while (current?.closed) current = current.outer;
}

function close(scope: Scope, kept: Set<Tensor>): void {
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

/**
 * Runs `fn` and frees every tensor made inside, except those in its result (the result
 * itself, or inside arrays, Maps and plain objects) and those passed to `keep`. Scopes nest; a kept
 * tensor belongs to the enclosing scope. `fn` may be async: the scope then closes when its promise
 * settles, and everything made meanwhile belongs to it, so run one async scope at a time.
 *
 * @example
 * for (const [x, y] of batches) scope(() => { loss(model(x), y).backward(); optimizer.step(); });
 */
export function scope<T>(fn: () => T): T {
  if (typeof fn !== 'function') throw new ArgumentError('scope', `wants a function, got ${describe(fn)}`);
  const mine = enter();
  let result: T;
  try {
    result = fn();
  } catch (error) {
    close(mine, new Set());
    throw error;
  }
  if (result instanceof Promise) {
    return result.then(
      (value) => {
        close(mine, collectTensors(value));
        return value;
      },
      (error) => {
        close(mine, new Set());
        throw error;
      },
    ) as T;
  }
  close(mine, collectTensors(result));
  return result;
}

/** @internal Opens a scope and returns what closes it, for code that cannot be put into one function. */
export function openScope(): () => void {
  const mine = enter();
  return () => close(mine, new Set());
}

/** Lets a tensor outlive every scope: from now on it is freed by `dispose()` or by the collector. */
export function keep<T extends Tensor>(tensor: T): T {
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
        return makeTensor(storageOf(tensor), tensor.dtype, tensor.shape, tensor.strides, offsetOf(tensor));
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
