/** Handles on the arguments of calls that wait for their turn: whoever called may free its own meanwhile. */
import { dtypeOf, makeTensor, offsetOf, shapeOf, storageOf, stridesOf, type Tensor } from '../tensor/tensor.ts';
import { rebuild, resultSpec, type TensorSpec } from './signature.ts';

/** Handles of our own on the tensors of a call. */
export function holds(specs: readonly TensorSpec[], tensors: readonly Tensor[]): Tensor[] {
  return tensors.map((tensor, i) =>
    (specs[i] as TensorSpec).bound === null
      ? makeTensor(storageOf(tensor), dtypeOf(tensor), shapeOf(tensor), stridesOf(tensor), offsetOf(tensor))
      : tensor,
  );
}

/** A result with the caller's own tensors in the place of the handles that stood for them, where they still exist. */
export function handBack(
  result: unknown,
  held: readonly Tensor[],
  tensors: readonly Tensor[],
  returned: Set<Tensor>,
): unknown {
  const found: Tensor[] = [];
  const spec = resultSpec('compile', result, found);
  const own = found.map((tensor) => {
    const original = tensors[held.indexOf(tensor)];
    if (original !== undefined && !original.disposed) return original;
    returned.add(tensor);
    return tensor;
  });
  return own.every((tensor, i) => tensor === found[i]) ? result : rebuild(spec, own);
}
