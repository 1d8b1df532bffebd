/** The one place where an op joins the tape. */
import type { Tensor } from '../tensor/tensor.ts';
import { isGradEnabled } from './mode.ts';
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
  if (!tracks(inputs)) return;
  const edges = inputs.map((input) =>
    input === null || input === undefined || typeof input === 'number' ? null : edgeOf(input),
  );
  const node = new GraphNode(name, edges, saved, vjp);
  for (const [i, output] of outputs.entries()) if (output.isFloatingPoint) output.attach(node, i);
}
