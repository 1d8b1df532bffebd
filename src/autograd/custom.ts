/** Ops that users write: their own forward and their own derivative. */
import { ArgumentError, AutogradError, describe, formatShape, ShapeError } from '../errors.ts';
import { detach } from '../ops/convert.ts';
import { commonHeap, expectTensor } from '../tensor/create.ts';
import { sameShape } from '../tensor/layout.ts';
import { listOf } from '../tensor/lists.ts';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.ts';
import { gradMode } from './mode.ts';
import { track } from './track.ts';

/** What forward leaves for backward. */
export class FunctionContext {
  #saved: readonly Tensor[] = [];
  /** Which of the inputs need a gradient. */
  needsInputGrad: readonly boolean[] = [];
  /** Anything else that backward wants to know. */
  readonly attributes: Record<string, unknown> = {};

  /** Saves inputs or outputs; a change in place before backward is then an error. */
  saveForBackward(...tensors: Tensor[]): void {
    for (const tensor of tensors) expectTensor('saveForBackward', tensor);
    this.#saved = tensors;
  }

  /** What was saved, in the same order. */
  get savedTensors(): readonly Tensor[] {
    return this.#saved;
  }

  /** @internal */
  restore(tensors: readonly Tensor[]): void {
    this.#saved = tensors;
  }
}

/** A function with its own derivative, as `torch.autograd.Function`. */
export interface CustomFunction<Args extends unknown[]> {
  /** The op's name in messages. */
  name: string;
  /** Computes the result; nothing in it is recorded. */
  forward(context: FunctionContext, ...args: Args): Tensor;
  /** The gradient of each argument (null for those without), given that of the result. Written in tensor ops, it can be differentiated again. */
  backward(context: FunctionContext, gradient: Tensor): (Tensor | null)[] | Tensor;
}

/**
 * Makes a function of tensors (and whatever else it takes) with a hand-written derivative.
 * @throws AutogradError in backward, when the number or the shapes of the gradients do not fit the arguments.
 */
export function customFunction<Args extends unknown[]>(definition: CustomFunction<Args>): (...args: Args) => Tensor {
  if (typeof definition?.forward !== 'function' || typeof definition.backward !== 'function')
    throw new ArgumentError('customFunction', `wants { name, forward, backward }, got ${describe(definition)}`);
  const { name } = definition;
  return (...args) => {
    const inputs = args.map((arg) => (isTensor(arg) ? arg : null));
    commonHeap(name, inputs);
    const context = new FunctionContext();
    context.needsInputGrad = inputs.map((input) => input?.requiresGrad ?? false);
    let out = expectTensor(
      name,
      gradMode.during(false, () => definition.forward(context, ...args)),
      'forward to return a tensor',
    );
    // An input handed back unchanged must not lose its own place in the graph.
    if (inputs.includes(out)) out = detach(out);
    track(name, inputs, [out], context.savedTensors, ([g], saved) => {
      context.restore(saved);
      const result = definition.backward(context, g as Tensor);
      const grads = (listOf(name, result) ?? [result]) as (Tensor | null | undefined)[];
      if (grads.length !== inputs.length)
        throw new AutogradError(name, `backward returned ${grads.length} gradients for ${inputs.length} arguments`);
      return grads.map((grad, i) => {
        const input = inputs[i];
        if (grad === null || grad === undefined || !input) return null;
        expectTensor(name, grad, 'backward to return tensors or null');
        if (!sameShape(shapeOf(grad), shapeOf(input)))
          throw new ShapeError(
            name,
            `gradient ${i} has shape ${formatShape(shapeOf(grad))}, its argument ${formatShape(shapeOf(input))}`,
          );
        return grad;
      });
    });
    return out;
  };
}
