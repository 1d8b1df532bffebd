/**
 * A node of the tape: one op that was run, the tensors its derivative will need, and the
 * edges to the nodes that made its inputs. Nodes are numbered in the order they are made, so that
 * walking them by falling number visits every node after all its users, without recursion.
 *
 * The whole idea at the size of a page is `examples/micrograd.ts`.
 */
import { AutogradError } from '../errors.ts';
import { activeLevels, type Level, mayHaveLanes, NO_LEVELS, union, withLevels } from '../memory/lanes.ts';
import { enlistNode } from '../memory/scope.ts';
import type { Storage } from '../memory/storage.ts';
import type { Shape } from '../tensor/layout.ts';
import { leafNodeOf, nodeOf, outputIndexOf, revive, shapeOf, storageOf, type Tensor } from '../tensor/tensor.ts';

/** The levels that a tensor has lanes for. */
export const levelsOf = (tensor: Tensor | null): readonly Level[] => {
  const lanes = tensor === null ? null : storageOf(tensor).lanes;
  return lanes === null ? NO_LEVELS : [...lanes.keys()];
};

/** Where a gradient flows on to: output `index` of `node`. */
export interface Edge {
  readonly node: GraphNode;
  readonly index: number;
}

/**
 * Gradients of a node's outputs to gradients of its inputs. There is an entry for each output, null where no gradient came to it
 * (a node of several outputs runs when one of them was used), and one for each input, null where there is none.
 */
export type Vjp = (
  grads: readonly (Tensor | null)[],
  saved: readonly Tensor[],
  needs: readonly boolean[],
) => (Tensor | null)[];

/** A function that sees a gradient and may replace it. */
export type GradHook = (grad: Tensor) => Tensor | undefined | void;

let count = 0;

// Nearly every node has one output, and a literal costs a tenth of an array that is filled.
const nulls = (length: number): null[] => (length === 1 ? [null] : new Array<null>(length).fill(null));

export class GraphNode {
  readonly id = ++count;
  /** The op's public name, for messages. */
  readonly name: string;
  readonly edges: readonly (Edge | null)[];
  /** Set in a leaf's node: where its gradient accumulates. */
  readonly leaf: Tensor | null;
  readonly #vjp: Vjp | null;
  #saved: { tensor: Tensor; storage: Storage; version: number }[];
  #released = false;
  /** Hooks on each output's gradient, run in the order they were registered. */
  hooks: Map<number, Set<GradHook>> | null = null;
  /** Tensors that were some output, by output, and asked for their gradient; one that was changed in place meanwhile is that no more. */
  retained: Map<number, Tensor> | null = null;
  /** Shapes of the outputs, for whoever looks at the graph; null for those that have no gradient. */
  readonly shapes: (Shape | null)[];
  /** Became the history of a tensor that existed before. */
  rebased = false;
  /** Where the op was called, if somebody wanted to know: ` at <file>:<line>`. */
  where = '';
  /** The levels that its outputs have lanes for: gradients that differ along others are summed on their way to it. */
  levels: readonly Level[] = NO_LEVELS;

  constructor(
    name: string,
    edges: readonly (Edge | null)[],
    saved: readonly Tensor[],
    vjp: Vjp | null,
    outputs = 1,
    leaf: Tensor | null = null,
  ) {
    this.name = name;
    this.edges = edges;
    this.leaf = leaf;
    this.shapes = nulls(outputs);
    this.#vjp = vjp;
    this.#saved = saved.map((tensor) => {
      storageOf(tensor).retain();
      return { tensor, storage: storageOf(tensor), version: storageOf(tensor).version };
    });
    if (leaf === null) enlistNode(this);
    else this.levels = levelsOf(leaf);
  }

  /** Notes that a tensor wants the gradient of an output. */
  retain(index: number, tensor: Tensor): void {
    this.retained ??= new Map();
    this.retained.set(index, tensor);
  }

  /** A place for the gradient of each output, all of them missing so far. */
  withoutGradients(): (Tensor | null)[] {
    return nulls(this.shapes.length);
  }

  /** Gradients of those inputs that need one, from the gradients of the outputs. */
  backward(op: string, grads: readonly (Tensor | null)[], needs: readonly boolean[]): (Tensor | null)[] {
    if (this.#released)
      throw new AutogradError(
        op,
        `the graph was already used (at '${this.name}') and what it had saved is freed. ` +
          'Call backward once, or pass { retainGraph: true } to all calls but the last.',
      );
    const saved = this.#saved.map(({ tensor, storage, version }) => {
      if (storage.version !== version)
        throw new AutogradError(
          op,
          `a tensor of shape [${shapeOf(tensor).join(', ')}] that '${this.name}' needs for its gradient was changed in place afterwards ` +
            `(version ${storage.version}, saved at ${version}). Use the op without the underscore, or clone() first.`,
        );
      // A disposed handle gave up the user's claim, not ours.
      return tensor.disposed ? revive(tensor) : tensor;
    });
    const vjp = this.#vjp as Vjp;
    if (!mayHaveLanes()) return vjp(grads, saved, needs);
    let levels = union(activeLevels(), this.levels);
    for (const grad of grads) levels = union(levels, levelsOf(grad));
    return withLevels(levels, () => vjp(grads, saved, needs));
  }

  /** Lets go of what was saved for backward. */
  release(): void {
    if (this.leaf !== null || this.#released) return;
    this.#released = true;
    for (const { storage } of this.#saved) storage.release();
    this.#saved = [];
  }
}

/** The edge that a gradient of `tensor` flows along; null when it needs none. */
export function edgeOf(tensor: Tensor): Edge | null {
  const node = nodeOf(tensor);
  if (node !== null) return { node, index: outputIndexOf(tensor) };
  if (!tensor.requiresGrad) return null;
  return { node: leafNodeOf(tensor), index: 0 };
}
