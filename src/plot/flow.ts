/** Gradient flow: how large gradients are, layer by layer. */
import { ArgumentError, AutogradError, describe } from '../errors.ts';
import { scope } from '../memory/scope.ts';
import { Module } from '../nn/module.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { type Bars, type BarsOptions, drawBars } from './bars.ts';
import type { Figure } from './figure.ts';
import { toEntries } from './values.ts';

/** What has gradients: a model, tensors by name, or several models by name. */
export type Gradients = Module | Record<string, Tensor> | Record<string, Module>;

/**
 * Bars of the mean absolute gradient of every parameter, in the order in which the model has them, on a logarithmic axis: where they fall by
 * orders of magnitude, gradients vanish. Parameters without a gradient are left out.
 *
 * @param model a model, tensors by name, or several models by name, which are compared.
 * @throws AutogradError when nothing has a gradient: call backward first.
 * @throws ArgumentError when all gradients are 0 or not finite.
 */
export function gradientFlow(model: Gradients, options?: BarsOptions): Figure {
  const op = 'gradientFlow';
  const settings = { yLabel: 'mean |gradient|', logY: true, ...options };
  if (model instanceof Module) return drawBars(op, { gradient: sizes(op, model.namedParameters()) }, settings);
  const entries = toEntries<unknown>(op, model, 'model');
  if (entries.every(([, value]) => isTensor(value)))
    return drawBars(op, { gradient: sizes(op, entries as [string, Tensor][]) }, settings);
  const groups = entries.map(([name, value]): [string, Bars] => {
    if (!(value instanceof Module))
      throw new ArgumentError(op, `wants a module, tensors by name, or modules by name; ${name} is ${describe(value)}`);
    return [name, sizes(op, value.namedParameters())];
  });
  return drawBars(op, Object.fromEntries(groups), settings);
}

/** The mean |gradient| of every tensor that has one. */
function sizes(op: string, tensors: readonly [string, Tensor][]): Bars {
  const found = tensors.flatMap(([name, { grad }]): [string, number][] =>
    grad === null ? [] : [[name, scope(() => grad.detach().abs().mean().item())]],
  );
  if (found.length === 0) throw new AutogradError(op, 'no parameter has a gradient: call backward first');
  return Object.fromEntries(found);
}
