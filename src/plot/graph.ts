/** Graphs of computations: the tape behind a tensor, in Graphviz's language. */
import { type Edge, edgeOf, type GraphNode } from '../autograd/node.ts';
import { ArgumentError, AutogradError, describe, formatShape, MissingDependencyError } from '../errors.ts';
import { scope } from '../memory/scope.ts';
import { Module } from '../nn/module.ts';
import { expectTensor } from '../tensor/create.ts';
import type { Shape } from '../tensor/layout.ts';
import { checkOptions } from '../tensor/options.ts';
import { gradientOf, isTensor, type Tensor } from '../tensor/tensor.ts';
import { toChoice } from './options.ts';
import { offlinePage } from './page.ts';
import { saveFile } from './save.ts';

/** Options of `graph`. */
export interface GraphOptions {
  /** Names of tensors, leaves and results alike; or a module, whose parameters have names. */
  names?: Record<string, Tensor> | Module;
  /** Where the result is drawn, seen from the leaves: below them by default. */
  direction?: 'down' | 'right';
}

/** A box of the drawing. */
interface Box {
  readonly id: string;
  readonly op: string;
  readonly name: string | null;
  readonly shapes: readonly Shape[];
  readonly leaf: Tensor | null;
  /** Gradient norms by output, as backward finds them. */
  readonly norms: Map<number, number>;
}

interface Arrow {
  readonly from: string;
  readonly to: string;
  /** The shape that flows along it, where a node has several outputs. */
  readonly label: string;
}

/** The Euclidean norm of a gradient. */
const normOf = (grad: Tensor): number => scope(() => grad.detach().square().sum().sqrt().item());

/** A drawing of the tape; see `graph`. */
export class Graph {
  readonly #boxes: readonly Box[];
  readonly #arrows: readonly Arrow[];
  readonly #rank: 'TB' | 'LR';

  /** @internal Made by `graph`. */
  constructor(boxes: readonly Box[], arrows: readonly Arrow[], rank: 'TB' | 'LR') {
    this.#boxes = boxes;
    this.#arrows = arrows;
    this.#rank = rank;
  }

  /** The graph in Graphviz's language, with the gradient norms that are known by now. */
  get dot(): string {
    const lines = [
      ...this.#boxes.map(boxLine),
      ...this.#arrows.map(
        ({ from, to, label }) => `${from} -> ${to}${label === '' ? '' : ` [label=${quoted([label])}, fontsize=10]`};`,
      ),
    ];
    return `digraph {
  graph [rankdir=${this.#rank}, bgcolor="white", nodesep=0.3, ranksep=0.35, fontname="Helvetica,Arial,sans-serif"];
  node [fontname="Helvetica,Arial,sans-serif", fontsize=12, style="filled,rounded", shape=box, margin="0.22,0.07", color="#445566", fillcolor="#eef3f8"];
  edge [fontname="Helvetica,Arial,sans-serif", color="#556677", arrowsize=0.7];
${lines.map((line) => `  ${line}\n`).join('')}}
`;
  }

  /**
   * The graph as SVG, laid out by Graphviz.
   * @throws MissingDependencyError when the package `@viz-js/viz` is not there.
   */
  async toSVG(): Promise<string> {
    // What the graph is now, and not when Graphviz has been loaded.
    const { dot } = this;
    let viz: typeof import('@viz-js/viz');
    // Bundlers let a package be missing where its import is tried.
    try {
      viz = await import('@viz-js/viz');
    } catch (error) {
      const what = 'drawing needs the package @viz-js/viz: npm install @viz-js/viz. Without it, save .dot';
      throw new MissingDependencyError('toSVG', what, { cause: error });
    }
    const svg = (await viz.instance()).renderString(dot, { format: 'svg' });
    // Without the declarations in front, it can be part of a page as well.
    return svg.slice(svg.indexOf('<svg'));
  }

  /**
   * Writes the drawing: `.svg`, `.html` for a page with it, `.dot` for Graphviz. The file appears whole or not at all. A browser
   * offers it for download.
   * @throws ArgumentError for any other ending, and when the file cannot be written.
   * @throws MissingDependencyError when the package `@viz-js/viz` is not there; `.dot` does without.
   */
  async save(path: string): Promise<void> {
    await saveFile('save', path, {
      svg: async () => `<?xml version="1.0" encoding="UTF-8"?>\n${await this.toSVG()}`,
      dot: async () => this.dot,
      html: async () => offlinePage('Computation graph', await this.toSVG()),
    });
  }

  /** What Deno's Jupyter kernel shows: https://docs.deno.com/runtime/reference/cli/jupyter/ */
  async [Symbol.for('Jupyter.display')](): Promise<Record<string, unknown>> {
    return { 'image/svg+xml': await this.toSVG(), 'text/plain': this.dot };
  }
}

const quoted = (lines: readonly string[]): string =>
  `"${lines.map((line) => line.replaceAll('\\', '\\\\').replaceAll('"', '\\"')).join('\\n')}"`;

/** A number of three digits. */
const short = (value: number): string => String(Number(value.toPrecision(3)));

function boxLine({ id, op, name, shapes, leaf, norms }: Box): string {
  const lines = name === null ? [op] : leaf === null ? [name, op] : [name];
  lines.push(shapes.map((shape) => (shape.length === 0 ? 'scalar' : formatShape(shape))).join(', '));
  const grad = leaf === null ? null : gradientOf(leaf);
  const known = grad === null || grad.disposed ? [...norms.values()] : [normOf(grad)];
  if (known.length > 0) lines.push(`|grad| = ${known.map(short).join(', ')}`);
  const style = leaf === null ? '' : ', style="filled", fillcolor="#fdebd3"';
  return `${id} [label=${quoted(lines)}${style}];`;
}

/** Names by node, and by output of the node. */
function nameNodes(names: GraphOptions['names']): Map<GraphNode, string> {
  const found = new Map<GraphNode, string>();
  if (names === undefined) return found;
  const entries: Iterable<[string, unknown]> =
    names instanceof Module ? names.namedParameters() : typeof names === 'object' && names ? Object.entries(names) : [];
  if (!(names instanceof Module) && (typeof names !== 'object' || names === null || isTensor(names)))
    throw new ArgumentError('graph', `names is a module or an object of tensors, got ${describe(names)}`);
  for (const [name, tensor] of entries) {
    const edge = edgeOf(expectTensor('graph', tensor as Tensor, `names.${name} to be a tensor`));
    if (edge !== null) found.set(edge.node, name);
  }
  return found;
}

/**
 * The graph of the computation behind a tensor: a box for every op and every leaf that requires grad, with its shape, arrows from inputs to
 * results. What does not require grad is not on the tape, and so not in the graph.
 *
 * Gradient norms: the graph looks on while `backward` runs, so make it before, and save it after. (It registers a hook on every op; the
 * norm of a gradient is taken as it passes, nothing is kept.) Of leaves, the norm of `.grad` is shown whenever there is one.
 *
 * @param output a tensor that requires grad, of any shape.
 * @throws AutogradError when it does not.
 * @example
 * const drawing = graph(loss, { names: model });
 * loss.backward();
 * await drawing.save('graph.svg');
 */
export function graph(output: Tensor, options?: GraphOptions): Graph {
  const op = 'graph';
  const given = checkOptions(op, options, ['names', 'direction']) as GraphOptions;
  const direction = toChoice(op, given.direction, 'direction', ['down', 'right']);
  const root = edgeOf(expectTensor(op, output));
  if (root === null)
    throw new AutogradError(
      op,
      `a tensor of shape ${formatShape(output.shape)} does not require grad: there is no computation to draw`,
    );
  const names = nameNodes(given.names);
  const boxes: Box[] = [];
  const arrows: Arrow[] = [];
  const seen = new Map<GraphNode, string>();
  const pending: GraphNode[] = [];
  const visit = ({ node }: Edge): string => {
    const known = seen.get(node);
    if (known !== undefined) return known;
    const id = `n${seen.size}`;
    seen.set(node, id);
    pending.push(node);
    return id;
  };
  visit(root);
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const id = seen.get(node) as string;
    const { leaf } = node;
    const norms = leaf === null ? watch(node) : new Map<number, number>();
    const shapes = leaf === null ? shapesOf(node) : [leaf.shape];
    boxes.push({ id, op: leaf === null ? node.name : 'leaf', name: names.get(node) ?? null, shapes, leaf, norms });
    for (const edge of node.edges) {
      if (edge === null) continue;
      const several = shapesOf(edge.node).length > 1;
      arrows.push({
        from: visit(edge),
        to: id,
        label: several ? `output ${edge.index}` : '',
      });
    }
  }
  return new Graph(boxes, arrows, direction === 'down' ? 'TB' : 'LR');
}

/** The shapes of the outputs that have gradients. */
const shapesOf = (node: GraphNode): Shape[] => node.shapes.filter((shape) => shape !== null);

/** Takes the norm of every gradient that passes a node. */
function watch(node: GraphNode): Map<number, number> {
  const norms = new Map<number, number>();
  node.hooks ??= new Map();
  for (const index of node.shapes.keys()) {
    const hooks = node.hooks.get(index) ?? new Set();
    node.hooks.set(
      index,
      hooks.add((grad) => void norms.set(index, normOf(grad))),
    );
  }
  return norms;
}
