/**
 * Optimizer steps: a parameter and its state updated in place in one pass. Which parameters there are
 * and with which settings is the business of `src/optim`.
 */
import { ArgumentError, DTypeError, formatShape, ShapeError } from '../errors.ts';
import { ADAM_STEP, SGD_STEP } from '../generated/opcodes.ts';
import type { Operand } from '../program/encode.ts';
import { commonHeap, emit, expectTensor, operand } from '../tensor/create.ts';
import { sameShape } from '../tensor/layout.ts';
import { dtypeOf, isRowMajor, ndimOf, numelOf, shapeOf, storageOf, type Tensor } from '../tensor/tensor.ts';
import { contiguous, copyInto, detach } from './convert.ts';

/** Settings of `sgdStep` that stay the same from step to step. */
export interface SgdSettings {
  momentum: number;
  dampening: number;
  weightDecay: number;
  nesterov: boolean;
}

/** Settings of `adamStep` that stay the same from step to step. */
export interface AdamSettings {
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** Shrink the parameter itself (AdamW) instead of adding to its gradient. */
  decoupled: boolean;
}

function update(
  op: string,
  opcode: number,
  parameter: Tensor,
  gradient: Tensor,
  state: readonly (Tensor | null)[],
  step: Tensor,
  rate: Tensor,
  params: readonly number[],
): void {
  const heap = commonHeap(op, [parameter, gradient, ...state, step, rate]);
  if (!parameter.isFloatingPoint)
    throw new DTypeError(op, `wants a float32 or float64 parameter, got ${dtypeOf(parameter)}`);
  for (const other of [gradient, ...state]) {
    if (other === null) continue;
    if (dtypeOf(other) !== dtypeOf(parameter))
      throw new DTypeError(
        op,
        `wants ${dtypeOf(parameter)} like the parameter, got ${dtypeOf(other)}; convert one with to({ dtype })`,
      );
    if (!sameShape(shapeOf(other), shapeOf(parameter)))
      throw new ShapeError(
        op,
        `wants the parameter's shape ${formatShape(shapeOf(parameter))}, got ${formatShape(shapeOf(other))}`,
      );
  }
  for (const scalar of [step, rate]) {
    if (dtypeOf(scalar) !== 'float64' || ndimOf(scalar) !== 0)
      throw new ShapeError(
        op,
        `step and rate are 0-d float64 tensors, got ${dtypeOf(scalar)} of shape ${formatShape(shapeOf(scalar))}`,
      );
  }
  for (const own of state)
    if (own !== null && !isRowMajor(own)) throw new ArgumentError(op, 'optimizer state is contiguous');
  // The kernel walks everything as one row; a parameter laid out otherwise goes through a copy.
  const target = isRowMajor(parameter) ? parameter : contiguous(detach(parameter));
  const given = contiguous(gradient);
  const row = (x: Tensor): Operand => operand(x, [1]);
  emit(op, heap, {
    opcode,
    dtype: dtypeOf(parameter),
    shape: [numelOf(parameter)],
    operands: [
      row(target),
      row(given),
      ...state.map((x) => (x === null ? null : row(x))),
      operand(step, [0]),
      operand(rate, [0]),
    ],
    params,
  });
  if (target !== parameter) {
    copyInto(op, parameter, target);
    target.dispose();
  }
  if (given !== gradient) given.dispose();
  storageOf(parameter).version++;
}

/**
 * parameter −= rate · d with d the gradient, decayed and averaged as the settings say (torch.optim.SGD).
 * @param buffer The running average; null without momentum.
 * @param step float64 [], the number of steps made; grows by one.
 * @param rate float64 [], the learning rate.
 */
export function sgdStep(
  parameter: Tensor,
  gradient: Tensor,
  buffer: Tensor | null,
  step: Tensor,
  rate: Tensor,
  settings: SgdSettings,
): void {
  const { momentum, dampening, weightDecay, nesterov } = settings;
  expectTensor('sgdStep', parameter);
  update('sgdStep', SGD_STEP, parameter, gradient, [buffer], step, rate, [
    momentum,
    dampening,
    weightDecay,
    Number(nesterov),
  ]);
}

/**
 * One step of Adam (Kingma and Ba 2015), or of AdamW (Loshchilov and Hutter 2019) with `decoupled`.
 * @param first Running mean of the gradient.
 * @param second Running mean of its square.
 * @param step float64 [], the number of steps made; grows by one.
 * @param rate float64 [], the learning rate.
 */
export function adamStep(
  parameter: Tensor,
  gradient: Tensor,
  first: Tensor,
  second: Tensor,
  step: Tensor,
  rate: Tensor,
  settings: AdamSettings,
): void {
  const { beta1, beta2, eps, weightDecay, decoupled } = settings;
  expectTensor('adamStep', parameter);
  update('adamStep', ADAM_STEP, parameter, gradient, [first, second], step, rate, [
    beta1,
    beta2,
    eps,
    weightDecay,
    Number(decoupled),
  ]);
}
