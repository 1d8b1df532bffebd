/** Derivatives of many values by several variables as plain matrices, for solvers that work on numbers. */
import { filled } from '../ops/convert.ts';
import { eye } from '../ops/creation.ts';
import { cat } from '../ops/join.ts';
import { reshape } from '../ops/view.ts';
import { dtypeOf, numelOf, shapeOf, type Tensor } from '../tensor/tensor.ts';
import { gradOf } from './backward.ts';
import { vmap } from './vmap.ts';

/** The gradients of all variables as one vector, zeros where there is none. */
export const joinGradients = (gradients: readonly (Tensor | null)[], variables: readonly Tensor[]): Tensor =>
  cat(
    variables.map((variable, i) => {
      const gradient = gradients[i];
      return gradient ? reshape(gradient, [numelOf(variable)]) : filled('grad', [numelOf(variable)], 0, variable);
    }),
  );

/** Derivatives of every element of y by every element of the variables: [elements of y, elements of variables], all rows at once. */
export function derivativeRows(y: Tensor, variables: readonly Tensor[]): Tensor {
  const { backend } = y;
  const shape = shapeOf(y);
  const size = numelOf(y);
  const dtype = dtypeOf(y);
  const row = (cotangent: Tensor): Tensor => {
    const options = { gradOutputs: reshape(cotangent, shape), retainGraph: true, allowUnused: true };
    return joinGradients(gradOf(y, variables, options), variables);
  };
  return vmap(row)(eye(size, { dtype, backend }));
}
