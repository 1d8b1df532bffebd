/** Parameters: tensors that a module owns and an optimizer changes. */
import type { BackendName } from '../backend/registry.ts';
import { keep } from '../memory/scope.ts';
import { allocate, expectTensor } from '../tensor/create.ts';
import type { DType } from '../tensor/dtype.ts';
import type { Shape } from '../tensor/layout.ts';
import { resolveHeap } from '../tensor/options.ts';
import { format } from '../tensor/print.ts';
import { partsOf, Tensor } from '../tensor/tensor.ts';

/**
 * A leaf tensor that is found by `Module.parameters()` when it is a property of a module. It outlives every scope.
 */
export class Parameter extends Tensor {
  /** @param data The initial value; the memory is shared, its history is not. */
  constructor(data: Tensor, requiresGrad = true) {
    expectTensor('Parameter', data);
    super(...partsOf(data));
    keep(this);
    this.requiresGrad_(requiresGrad);
  }

  override toString(): string {
    return `Parameter containing:\n${format(this)}`;
  }
}

/** Where and as what a layer makes its parameters. */
export interface LayerOptions {
  /** float32 by default. */
  dtype?: 'float32' | 'float64';
  /** The current backend by default. */
  backend?: BackendName;
}

/** @internal A parameter that an initialiser is still to fill. */
export function emptyParameter(
  op: string,
  shape: Shape,
  { dtype, backend }: { dtype: DType; backend: BackendName | undefined },
): Parameter {
  const heap = resolveHeap(op, backend);
  const data = allocate(op, heap, dtype, shape);
  const parameter = new Parameter(data);
  data.dispose();
  return parameter;
}
