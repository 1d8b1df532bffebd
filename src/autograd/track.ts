/** The one place where an op joins the tape. */
import { union } from '../memory/lanes.ts';
import { attach, storageOf, type Tensor } from '../tensor/tensor.ts';
import { inspector, isGradEnabled, seriesRules } from './mode.ts';
import { edgeOf, GraphNode, type Vjp } from './node.ts';

/** Whether a gradient could be wanted through an op on these inputs. */
export function tracks(inputs: readonly (Tensor | number | null | undefined)[]): boolean {
  if (!isGradEnabled()) return false;
  for (const input of inputs)
    if (input !== null && input !== undefined && typeof input !== 'number' && input.requiresGrad) return true;
  return false;
}

/**
 * Records that `outputs` came from `inputs`, if a gradient could be wanted.
 * `vjp` gets the gradients of the outputs, the saved tensors, and which inputs need a gradient;
 * it is written in differentiable ops, so that derivatives of any order work.
 */
export function track(
  name: string,
  inputs: readonly (Tensor | number | null | undefined)[],
  outputs: readonly Tensor[],
  saved: readonly Tensor[],
  vjp: Vjp,
): void {
  seriesRules()?.structured(inputs, outputs, saved, vjp);
  if (tracks(inputs)) record(name, inputs, outputs, saved, vjp);
}

/** @internal The same for inputs that are known to be tracked, of ops that are differentiated by their row in the table. */
export function record(
  name: string,
  inputs: readonly (Tensor | number | null | undefined)[],
  outputs: readonly Tensor[],
  saved: readonly Tensor[],
  vjp: Vjp,
): void {
  const edges = inputs.map((input) =>
    input === null || input === undefined || typeof input === 'number' ? null : edgeOf(input),
  );
  const node = new GraphNode(name, edges, saved, vjp, outputs.length);
  for (const [i, output] of outputs.entries())
    if (output.isFloatingPoint) {
      attach(output, node, i);
      const { lanes } = storageOf(output);
      if (lanes !== null) node.levels = union(node.levels, lanes.keys());
    }
  const looking = inspector();
  if (looking !== null) node.where = looking.made(name, outputs);
}
