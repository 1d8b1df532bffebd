/** Saved states of optimizers: their form, and whether one fits. */
import { describe, formatShape, StateError } from '../errors.ts';
import { keep, outsideScopes } from '../memory/scope.ts';
import { copy_ } from '../ops/convert.ts';
import { allocate } from '../tensor/create.ts';
import { sameShape } from '../tensor/layout.ts';
import { isTensor, storageOf, type Tensor } from '../tensor/tensor.ts';

/** What `Optimizer.stateDict` returns. */
export interface OptimizerStateDict {
  /** Tensors by parameter number and name: `step` (float64 []), and buffers of the parameter's shape. */
  state: Record<number, Record<string, Tensor>>;
  /** The groups' settings, and the numbers of their parameters. */
  paramGroups: (Record<string, unknown> & { params: number[] })[];
}

/** A state that was found to fit. */
interface Loaded {
  state: Map<Tensor, Record<string, Tensor>>;
  settings: Record<string, unknown>[];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isTensor(value);

/** @throws StateError that lists all that does not fit. */
export function checkStateDict(
  op: string,
  dict: unknown,
  groups: readonly { params: Tensor[] }[],
  known: readonly string[],
): Loaded {
  if (
    !isRecord(dict) ||
    !isRecord(dict.state) ||
    !Array.isArray(dict.paramGroups) ||
    ![...dict.paramGroups].every(isRecord)
  )
    throw new StateError(op, `a state is an object with state and paramGroups, got ${describe(dict)}`);
  const saved: Record<string, unknown>[] = dict.paramGroups;
  const problems: string[] = [];
  if (saved.length !== groups.length) problems.push(`${saved.length} groups, the optimizer has ${groups.length}`);
  const state = new Map<Tensor, Record<string, Tensor>>();
  const settings: Record<string, unknown>[] = [];
  const used = new Set<string>();
  for (const [g, { params }] of groups.entries()) {
    const group = saved[g];
    if (group === undefined) break;
    if (!Array.isArray(group.params) || group.params.length !== params.length) {
      const count = Array.isArray(group.params) ? group.params.length : 'no';
      problems.push(`group ${g} has ${count} parameters, the optimizer's has ${params.length}`);
      continue;
    }
    settings.push(Object.fromEntries(Object.entries(group).filter(([name]) => known.includes(name))));
    for (const [i, parameter] of params.entries()) {
      const number = describe(group.params[i]);
      used.add(number);
      const own = dict.state[number];
      if (own === undefined) continue;
      problems.push(...misfits(number, own, parameter));
      state.set(parameter, own as Record<string, Tensor>);
    }
  }
  for (const number of Object.keys(dict.state))
    if (!used.has(number)) problems.push(`state of a parameter ${number} that is in no group`);
  if (problems.length > 0) throw new StateError(op, `the state does not fit:\n  ${problems.join('\n  ')}`);
  return { state, settings };
}

function misfits(number: string, own: unknown, parameter: Tensor): string[] {
  if (!isRecord(own)) return [`state of parameter ${number} is ${describe(own)}`];
  return Object.entries(own).flatMap(([name, value]) => {
    if (!isTensor(value)) return [`${name} of parameter ${number} is ${describe(value)}, expected a tensor`];
    if (value.disposed) return [`${name} of parameter ${number} was disposed of`];
    const expected = name === 'step' ? [] : parameter.shape;
    if (sameShape(value.shape, expected)) return [];
    return [`${name} of parameter ${number} has shape ${formatShape(value.shape)}, expected ${formatShape(expected)}`];
  });
}

/** Copies of saved tensors where the optimizer keeps its state; those that exist are overwritten, so that compiled steps see it. */
export function copyState(
  op: string,
  parameter: Tensor,
  given: Record<string, Tensor>,
  own: Record<string, Tensor>,
): Record<string, Tensor> {
  const { heap } = storageOf(parameter);
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const dtype = name === 'step' ? 'float64' : parameter.dtype;
      const target = own[name] ?? keep(outsideScopes(() => allocate(op, heap, dtype, value.shape)));
      copy_(target, value);
      return [name, target];
    }),
  );
}
