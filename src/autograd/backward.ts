/**
 * Walks the tape. Nodes are visited by falling number, which is an order in which every node
 * comes after all nodes that used its outputs; nothing here recurses, so depth is no limit.
 *
 * Unless a graph of the gradients is wanted, every gradient has exactly one owner and is freed, or
 * added to in place, as soon as it has been used.
 */
import { ArgumentError, AutogradError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { add, add_ } from '../generated/elementwise.ts';
import { expectGradientsFree, inFlight } from '../memory/flight.ts';
import { activeLevels, mayHaveLanes, union, withLevels } from '../memory/lanes.ts';
import { outsideScopes, owned } from '../memory/scope.ts';
import { clone, filled } from '../ops/convert.ts';
import { unobserved } from '../program/observer.ts';
import { expectChangeable, expectTensor } from '../tensor/create.ts';
import { sameShape } from '../tensor/layout.ts';
import { listOf } from '../tensor/lists.ts';
import { checkOptions } from '../tensor/options.ts';
import {
  dtypeOf,
  gradientOf,
  isRowMajor,
  isTensor,
  makeTensor,
  nodeOf,
  numelOf,
  offsetOf,
  setGradient,
  setTrackedGradient,
  shapeOf,
  storageOf,
  stridesOf,
  type Tensor,
  trackedGradientOf,
} from '../tensor/tensor.ts';
import { settle } from './lanes.ts';
import { gradMode, inspector } from './mode.ts';
import { type Edge, edgeOf, type GraphNode, levelsOf } from './node.ts';

/** Options of `backward`. */
export interface BackwardOptions {
  /** The vector in the vector-Jacobian product: the gradient of the tensor itself. Needed unless it has one element. */
  gradient?: Tensor | null;
  /** Keep the graph for another backward. Follows `createGraph` by default. */
  retainGraph?: boolean;
  /** Record the gradients' own graph, so that they can be differentiated again. */
  createGraph?: boolean;
}

/** Options of `grad`. */
export interface GradOptions {
  /** Gradients of the outputs, one each; null for those of one element. */
  gradOutputs?: Tensor | null | readonly (Tensor | null)[];
  retainGraph?: boolean;
  createGraph?: boolean;
  /** Give null for an input that the outputs do not depend on, rather than throw. */
  allowUnused?: boolean;
}

const alias = (x: Tensor): Tensor =>
  outsideScopes(() => makeTensor(storageOf(x), dtypeOf(x), shapeOf(x), stridesOf(x), offsetOf(x)));

/** Gradients on their way, by node and output. */
class Pending {
  readonly #grads = new Map<GraphNode, (Tensor | null)[]>();
  readonly #recorded: boolean;

  constructor(recorded: boolean) {
    this.#recorded = recorded;
  }

  add({ node, index }: Edge, given: Tensor): void {
    const grad = mayHaveLanes() ? this.#settle(given, node) : given;
    const grads = this.#grads.get(node) ?? node.withoutGradients();
    this.#grads.set(node, grads);
    const before = grads[index] as Tensor | null;
    if (before === null) grads[index] = grad;
    else
      overLevels([before, grad], () => {
        grads[index] = this.#recorded ? add(before, grad) : accumulate(before, grad);
      });
  }

  #settle(grad: Tensor, node: GraphNode): Tensor {
    if (this.#recorded) return settle(grad, node);
    const [settled] = owned(() => [settle(grad, node)]);
    grad.dispose();
    return settled as Tensor;
  }

  take(node: GraphNode): (Tensor | null)[] | null {
    const grads = this.#grads.get(node) ?? null;
    this.#grads.delete(node);
    return grads;
  }

  /** After an error: frees what was under way. */
  abandon(): void {
    if (!this.#recorded) for (const grads of this.#grads.values()) for (const grad of grads) grad?.dispose();
  }
}

/** Runs `fn` while memory is made for all levels that these gradients have lanes for. */
function overLevels(grads: readonly (Tensor | null)[], fn: () => void): void {
  if (!mayHaveLanes()) fn();
  else
    withLevels(
      grads.reduce((levels, grad) => union(levels, levelsOf(grad)), activeLevels()),
      fn,
    );
}

/** Whether nobody else can see this memory, and its examples do not share it, so that it may be written to. */
const isSole = (x: Tensor): boolean => storageOf(x).sole && !storageOf(x).lent && isRowMajor(x);

/** The sum of two gradients that we own, in the memory of one of them if possible. */
function accumulate(a: Tensor, b: Tensor): Tensor {
  const [into, other] = isSole(a) ? [a, b] : [b, a];
  let sum: Tensor;
  // One gradient for all examples of a vmap has no room for the sum with one for each.
  if (isSole(into) && levelsOf(into).length >= levelsOf(other).length) sum = add_(into, other);
  else {
    sum = outsideScopes(() => add(a, b));
    into.dispose();
  }
  other.dispose();
  return sum;
}

/** All nodes that gradients from the roots can reach, users first, leaves last. */
function collect(roots: readonly Edge[]): GraphNode[] {
  const seen = new Set<GraphNode>();
  const pending = roots.map((edge) => edge.node);
  while (pending.length > 0) {
    const node = pending.pop() as GraphNode;
    if (seen.has(node)) continue;
    seen.add(node);
    for (const edge of node.edges) if (edge !== null && !seen.has(edge.node)) pending.push(edge.node);
  }
  return [...seen].sort((a, b) => Number(a.leaf !== null) - Number(b.leaf !== null) || b.id - a.id);
}

/** Puts gradients through the hooks of their outputs. */
function runHooks(op: string, node: GraphNode, grads: (Tensor | null)[], recorded: boolean): void {
  if (node.hooks === null) return;
  for (const [index, hooks] of node.hooks) {
    for (const hook of hooks) {
      const grad = grads[index] as Tensor | null;
      if (grad === null) continue;
      const replaced = hook(grad);
      if (replaced === undefined || replaced === null || replaced === grad) continue;
      const next = expectTensor(op, replaced, 'hooks to return a tensor or nothing');
      if (!sameShape(shapeOf(next), shapeOf(grad)))
        throw new ShapeError(
          op,
          `a hook on '${node.name}' returned shape ${formatShape(shapeOf(next))} for a gradient of ${formatShape(shapeOf(grad))}`,
        );
      grads[index] = recorded ? next : alias(next);
      if (!recorded) grad.dispose();
    }
  }
}

/** Leaves gradients with the tensors that asked for theirs. */
function retain(node: GraphNode, grads: readonly (Tensor | null)[], recorded: boolean): void {
  if (node.retained === null) return;
  for (const [index, tensor] of node.retained) {
    const grad = grads[index];
    if (!grad || nodeOf(tensor) !== node) continue;
    if (recorded) setTrackedGradient(tensor, grad);
    else
      setGradient(
        tensor,
        outsideScopes(() => clone(grad)),
      );
  }
}

/** Adds a gradient to a leaf's `.grad`. The leaf's gradient outlives every scope. */
function accumulateLeaf(leaf: Tensor, grad: Tensor, recorded: boolean): void {
  const own = levelsOf(leaf);
  if (levelsOf(grad).some((level) => !own.includes(level)))
    throw new AutogradError(
      'backward',
      `inside vmap reached a tensor of shape ${formatShape(shapeOf(leaf))} that the examples share, whose grad cannot be one of each; use grad(…)`,
    );
  const last = recorded ? trackedGradientOf(leaf) : gradientOf(leaf);
  // A leaf that was disposed of has given up its gradient, but the graph may still reach it.
  const before = last?.disposed ? null : last;
  if (recorded) {
    setTrackedGradient(leaf, before === null ? grad : add(before, grad));
  } else if (before === null) {
    const own = isSole(grad) ? grad : outsideScopes(() => clone(grad));
    if (own !== grad) grad.dispose();
    setGradient(leaf, own);
  } else {
    add_(before, grad);
    grad.dispose();
  }
}

interface Walk {
  retainGraph: boolean;
  createGraph: boolean;
  /** Outputs of nodes whose gradients are wanted instead of accumulating into leaves. */
  capture: readonly Edge[] | null;
}

interface Root {
  edge: Edge;
  grad: Tensor;
}

const walk = (op: string, roots: readonly Root[], options: Walk): (Tensor | null)[] =>
  gradMode.during(options.createGraph, () => walkNodes(op, roots, options));

/** Checks before the first gradient is accumulated that all may be. @throws CompileError when a compiled function uses one. */
function expectLanded(op: string, nodes: readonly GraphNode[]): void {
  const leaves = nodes.flatMap(({ leaf }) => (leaf === null ? [] : [leaf]));
  expectGradientsFree(op, leaves);
  expectChangeable(
    op,
    leaves.flatMap((leaf) => unobserved(() => gradientOf(leaf)) ?? []),
  );
}

function walkNodes(op: string, roots: readonly Root[], options: Walk): (Tensor | null)[] {
  const { retainGraph, createGraph, capture } = options;
  const nodes = collect(roots.map((root) => root.edge));
  const needed = neededNodes(nodes, capture);
  if (inFlight() && capture === null) expectLanded(op, nodes);
  const captured: (Tensor | null)[] = capture?.map(() => null) ?? [];
  const pending = new Pending(createGraph);
  let current: (Tensor | null)[] = [];
  try {
    for (const { edge, grad } of roots) pending.add(edge, createGraph ? grad : alias(grad));
    for (const node of nodes) {
      const grads = pending.take(node);
      if (grads === null) continue;
      current = grads;
      overLevels(grads, () => {
        runHooks(op, node, grads, createGraph);
        retain(node, grads, createGraph);
      });
      capture?.forEach((edge, i) => {
        const grad = edge.node === node ? grads[edge.index] : null;
        if (grad) captured[i] = createGraph ? grad : alias(grad);
      });
      const { leaf } = node;
      if (leaf !== null) {
        const grad = grads[0] as Tensor;
        if (capture === null) overLevels(grads, () => accumulateLeaf(leaf, grad, createGraph));
        else if (!createGraph) grad.dispose();
        continue;
      }
      if (needed.has(node)) {
        const needs = node.edges.map((edge) => edge !== null && needed.has(edge.node));
        const compute = () => node.backward(op, grads, needs);
        const results = createGraph ? compute() : owned(compute);
        inspector()?.passed(op, node, results);
        node.edges.forEach((edge, i) => {
          const grad = results[i];
          if (edge !== null && needs[i] && grad) pending.add(edge, grad);
          else if (!createGraph) grad?.dispose();
        });
        if (!retainGraph) node.release();
      }
      if (!createGraph) for (const grad of grads) grad?.dispose();
    }
  } catch (error) {
    pending.abandon();
    if (!createGraph) for (const grad of current) grad?.dispose();
    throw error;
  }
  return captured;
}

/** Nodes that lie on a way to what is wanted: all of them for `backward`. */
function neededNodes(nodes: readonly GraphNode[], capture: readonly Edge[] | null): Set<GraphNode> {
  if (capture === null) return new Set(nodes);
  const needed = new Set(capture.map((edge) => edge.node));
  // From the leaves up: a node is needed if one of its inputs is.
  for (const node of nodes.toReversed())
    if (node.edges.some((edge) => edge !== null && needed.has(edge.node))) needed.add(node);
  return needed;
}

/** The edge and the starting gradient of an output. */
function rootOf(op: string, output: Tensor, gradient: Tensor | null | undefined): Root {
  const edge = edgeOf(output);
  if (edge === null)
    throw new AutogradError(
      op,
      `a tensor of shape ${formatShape(shapeOf(output))} does not require grad: nothing that it was computed from does, or a compiled function returned it (call backward() inside)`,
    );
  if (gradient === null || gradient === undefined) {
    if (numelOf(output) !== 1)
      throw new AutogradError(
        op,
        `wants a tensor of one element, or a gradient to start from; got shape ${formatShape(shapeOf(output))}`,
      );
    return { edge, grad: filled(op, shapeOf(output), 1, output) };
  }
  expectTensor(op, gradient, 'the gradient to be a tensor');
  if (!sameShape(shapeOf(gradient), shapeOf(output)))
    throw new ShapeError(
      op,
      `the gradient has shape ${formatShape(shapeOf(gradient))}, the output ${formatShape(shapeOf(output))}`,
    );
  if (dtypeOf(gradient) !== dtypeOf(output))
    throw new DTypeError(op, `the gradient is ${dtypeOf(gradient)}, the output ${dtypeOf(output)}`);
  return { edge, grad: gradient };
}

function flag(op: string, name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean')
    throw new ArgumentError(op, `${name} is a boolean, got ${describe(value)}`);
}

/** Options that `backward` and `grad` share. */
function flags(op: string, options: unknown, more: readonly string[]): { retainGraph: boolean; createGraph: boolean } {
  const { retainGraph, createGraph } = checkOptions(op, options, ['retainGraph', 'createGraph', ...more]);
  flag(op, 'retainGraph', retainGraph);
  flag(op, 'createGraph', createGraph);
  return { retainGraph: (retainGraph ?? createGraph ?? false) as boolean, createGraph: createGraph === true };
}

/**
 * Computes the gradients of `output` with respect to all leaves it depends on, and adds them to their `.grad`.
 * @throws AutogradError when nothing requires grad, when the tensor has more than one element and no `gradient` is given,
 * when the graph was used up by an earlier backward, or when a tensor it needs was changed in place since.
 */
export function backward(output: Tensor, options: BackwardOptions | Tensor = {}): void {
  expectTensor('backward', output);
  const given: BackwardOptions = isTensor(options) ? { gradient: options } : options;
  const { retainGraph, createGraph } = flags('backward', given, ['gradient']);
  const root = rootOf('backward', output, given.gradient);
  walk('backward', [root], { retainGraph, createGraph, capture: null });
  const made = given.gradient === null || given.gradient === undefined;
  if (made && !createGraph) root.grad.dispose();
}

/** Gradients of the outputs (summed, if there are several) with respect to the inputs; `.grad` stays as it is. */
export function gradOf(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions = {},
): (Tensor | null)[] {
  const list = (value: unknown, what: string): Tensor[] => {
    const all = listOf('grad', value) ?? [value];
    if (all.length === 0) throw new ArgumentError('grad', `wants at least one tensor as ${what}`);
    return all.map((item) => expectTensor('grad', item, `tensors as ${what}`));
  };
  const [from, wanted] = [list(outputs, 'outputs'), list(inputs, 'inputs')];
  const { retainGraph, createGraph } = flags('grad', options, ['gradOutputs', 'allowUnused']);
  flag('grad', 'allowUnused', options.allowUnused);
  const { gradOutputs } = options;
  const several = listOf('grad', gradOutputs);
  const given: readonly unknown[] = several ?? [gradOutputs];
  if (given.length > from.length || (several !== null && given.length !== from.length))
    throw new ArgumentError('grad', `got ${given.length} gradOutputs for ${from.length} outputs`);
  const capture = wanted.map((input, i) => {
    const edge = edgeOf(input);
    if (edge === null)
      throw new AutogradError('grad', `input ${i} of shape ${formatShape(shapeOf(input))} does not require grad`);
    return edge;
  });
  const roots = from.map((output, i) => rootOf('grad', output, given[i] as Tensor | null | undefined));
  const results = walk('grad', roots, { retainGraph, createGraph, capture });
  const unused = results.indexOf(null);
  if (unused >= 0 && options.allowUnused !== true)
    throw new AutogradError(
      'grad',
      `the outputs do not depend on input ${unused}; pass { allowUnused: true } to get null for it`,
    );
  // Results belong to the scope of the caller, and to nobody else's memory.
  return results.map((result) => {
    if (result === null || createGraph) return result;
    const own = clone(result);
    result.dispose();
    return own;
  });
}
