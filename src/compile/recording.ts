/** Runs a function once, for real, and makes a program of what it did: one entry of a compiled function's cache. */
import { isGradEnabled } from '../autograd/mode.ts';
import { getBackend } from '../backend/registry.ts';
import { CompileError, formatShape } from '../errors.ts';
import { collectTensors, keep, outsideScopes, scope } from '../memory/scope.ts';
import type { Storage } from '../memory/storage.ts';
import { clone } from '../ops/convert.ts';
import { observed, unobserved } from '../program/observer.ts';
import { silence, unfinished } from '../program/setting.ts';
import {
  dtypeOf,
  gradientOf,
  makeTensor,
  nodeOf,
  offsetOf,
  setGradient,
  shapeOf,
  storageOf,
  stridesOf,
  type Tensor,
  trackedGradientOf,
} from '../tensor/tensor.ts';
import { type Entry, type GradEffect, type Output, viewOf } from './entry.ts';
import type { Memory } from './ir.ts';
import { type BuildOptions, Program } from './program.ts';
import { type GradUse, Recorder } from './recorder.ts';
import {
  placeholders,
  rebuild,
  resultSpec,
  type Spec,
  specOf,
  type TensorSpec,
  tensorSpecs,
  valuesOf,
} from './signature.ts';

export interface RecordOptions extends BuildOptions {
  name: string;
  reuseOutputs: boolean;
}

/** A result without history, in the caller's scope. Gradients do not flow out of a compiled function. */
function bare(recorder: Recorder, tensor: Tensor): Tensor {
  // A constant is the program's own: whoever gets it may change it.
  const result = recorder.isConstant(storageOf(tensor)) ? observed(recorder, () => clone(tensor)) : tensor;
  return nodeOf(result) !== null || (recorder.isMade(storageOf(result)) && result.requiresGrad)
    ? makeTensor(storageOf(result), dtypeOf(result), shapeOf(result), stridesOf(result), offsetOf(result))
    : result;
}

/** @throws CompileError for the result of a function that goes on after it has returned. */
export function expectFinished(name: string, value: unknown): void {
  const kind = unfinished(value);
  if (kind === null) return;
  silence(value);
  throw new CompileError(
    name,
    `a compiled function returns its result at once; it cannot be async, and this one returned ${kind}`,
  );
}

/** @throws CompileError for a tensor in a result where later calls could not put theirs. */
function expectNoneInside(name: string, recorder: Recorder, result: Spec): void {
  for (const tensor of collectTensors(name, valuesOf(result)))
    if (recorder.isMade(storageOf(tensor)))
      throw new CompileError(
        name,
        `a result of shape ${formatShape(shapeOf(tensor))} is in a Set or in an instance of a class; return tensors in arrays, Maps and plain objects`,
      );
}

/** Records a call. */
export function record(
  fn: (...args: never[]) => unknown,
  args: readonly unknown[],
  options: RecordOptions,
): { entry: Entry; result: unknown } {
  const { name, reuseOutputs } = options;
  const actual: Tensor[] = [];
  const spec = specOf(name, args, actual);
  const specs = tensorSpecs(spec);
  const recorder = new Recorder();
  const stands = placeholders(specs, actual);
  const results: Tensor[] = [];
  let result: Spec = { kind: 'value', value: undefined };
  try {
    scope(() => {
      const value = observed(recorder, () => fn(...(rebuild(spec, stands) as never[])));
      expectFinished(name, value);
      const found: Tensor[] = [];
      result = observed(null, () => resultSpec(name, value, found));
      for (const tensor of found) results.push(bare(recorder, tensor));
      expectNoneInside(name, recorder, result);
      return results;
    });
    return unobserved(() => finish());
  } finally {
    releasePlaceholders(stands, actual);
    recorder.release();
  }

  function finish(): { entry: Entry; result: unknown } {
    const offsetAt = (index: number) => (specs[index] as TensorSpec).offset;
    const aliases = new Map<Storage, number>();
    for (const [i, storage] of stands.map(storageOf).entries())
      if (stands[i] !== actual[i] && !aliases.has(storage)) aliases.set(storage, i);
    // Tensors that are arguments and that the function reaches by itself as well are bound, whichever way they are used.
    for (const [i, spec] of specs.entries()) {
      const [stand, tensor] = [stands[i] as Tensor, actual[i] as Tensor];
      if (stand === tensor || !recorder.memories.has(storageOf(tensor))) continue;
      recorder.unite(storageOf(stand), storageOf(tensor));
      spec.bound = tensor;
    }
    const grads = gradEffects(recorder, (tensor) => aliases.get(storageOf(tensor)) ?? -1);
    for (const { use, tensor, argument } of grads)
      if (tensor !== null && argument >= 0)
        setGradient(
          use.tensor,
          outsideScopes(() => viewOf(tensor, actual[argument] as Tensor, offsetAt(argument))),
        );
    const { gradSlots, slots, kept } = classify(recorder, aliases, grads, results, reuseOutputs);
    const gradStorages = gradSlots.map(({ storage }) => storage);
    const outputs = results.map((tensor): Output => {
      const index = aliases.get(storageOf(tensor));
      if (index !== undefined) {
        const whole = stands.indexOf(tensor);
        return whole >= 0 ? { kind: 'argument', index: whole } : { kind: 'view', index, tensor };
      }
      const slot = slots.findIndex(({ storage }) => storage === storageOf(tensor));
      if (slot >= 0) return { kind: 'fresh', slot, tensor };
      const gradSlot = gradStorages.indexOf(storageOf(tensor));
      if (gradSlot >= 0) return { kind: 'grad', slot: gradSlot, tensor };
      const before = whoseBefore(grads, tensor);
      if (before >= 0) return { kind: 'before', index: before, tensor };
      if (reuseOutputs && recorder.isMade(storageOf(tensor))) keep(tensor);
      return { kind: 'bound', tensor };
    });
    const { heap } = recorder;
    const program = heap === null ? null : new Program(heap, recorder.instructions, options);
    const memoryOf = (i: number) => {
      const memory = recorder.memories.get(storageOf(stands[i] as Tensor)) ?? null;
      return memory !== null && memory.kind === 'slot' ? memory : null;
    };
    const bound = outputs.flatMap((output) => (output.kind === 'bound' ? [storageOf(output.tensor)] : []));
    const pins = [...new Set([...bound, ...kept])];
    const needed = [
      ...outputs.map((output) => (output.kind === 'before' ? output.index : -1)),
      ...grads.map(({ before }) => before),
    ];
    for (const storage of [...pins, ...gradStorages]) storage.pin();
    const entry: Entry = {
      spec,
      tensors: specs,
      backend: getBackend(),
      gradEnabled: isGradEnabled(),
      guards: recorder.guards(),
      program,
      inputs: specs.map(({ shares }, i) => (shares === i ? memoryOf(i) : null)),
      grads,
      gradSlots,
      gradStorages,
      lasting: [...new Set(needed)].filter((index) => index >= 0),
      held: [],
      slots,
      outputs,
      result,
      reused: null,
      pins,
      owned: (program?.bound ?? []).filter((storage) => !recorder.isMade(storage) && !recorder.isOwn(storage)),
    };
    // What the recording left is the first result.
    const first = outputs.map((output, i) => {
      if (output.kind === 'argument') return actual[output.index] as Tensor;
      if (output.kind !== 'view') return results[i] as Tensor;
      output.tensor.dispose();
      return viewOf(output.tensor, actual[output.index] as Tensor, offsetAt(output.index));
    });
    const value = rebuild(result, first);
    if (reuseOutputs && outputs.every(({ kind }) => kind === 'bound')) entry.reused = value;
    return { entry, result: value };
  }
}

/** Says of every memory how long it lives: one run, as long as the program, or at an address of its own in every run. */
function classify(
  recorder: Recorder,
  aliases: ReadonlyMap<Storage, number>,
  grads: readonly GradEffect[],
  results: readonly Tensor[],
  reuseOutputs: boolean,
): { gradSlots: Memory[]; slots: Memory[]; kept: Set<Storage> } {
  const kept = new Set<Storage>();
  const gradSlots: Memory[] = [];
  for (const effect of grads) {
    if (effect.tensor === null || effect.argument >= 0 || effect.before >= 0) continue;
    const storage = storageOf(effect.tensor);
    const memory = recorder.memories.get(storage);
    if (memory === undefined || recorder.isConstant(storage) || !recorder.isMade(storage)) kept.add(storage);
    else {
      if (!gradSlots.includes(memory)) gradSlots.push(memory);
      effect.slot = gradSlots.indexOf(memory);
    }
  }
  const made = new Set(results.map(storageOf).filter((storage) => recorder.isMade(storage)));
  const slots: Memory[] = [];
  for (const [storage, memory] of recorder.memories) {
    if (aliases.has(storage) || gradSlots.includes(memory)) memory.kind = 'slot';
    else if (recorder.isConstant(storage) || kept.has(storage)) memory.kind = 'bound';
    else if (made.has(storage)) {
      memory.kind = reuseOutputs ? 'bound' : 'slot';
      if (!reuseOutputs) slots.push(memory);
    } else if (recorder.isMade(storage)) memory.kind = storage.abandoned ? 'temporary' : 'bound';
  }
  for (const { memory } of grads) if (memory !== null && memory.kind === 'bound') memory.kind = 'slot';
  return { gradSlots, slots, kept };
}

/** Gives up the tensors that stood for the arguments; what was changed in place by way of them counts as changed. */
function releasePlaceholders(stands: readonly Tensor[], actual: readonly Tensor[]): void {
  for (const [i, stand] of stands.entries()) {
    const tensor = actual[i] as Tensor;
    if (stand === tensor || stand.disposed) continue;
    storageOf(tensor).version += storageOf(stand).version;
    storageOf(stand).version = 0;
    stand.dispose();
  }
}

/** The gradient that had a tensor's memory before, by its place; −1 for none. */
const whoseBefore = (grads: readonly { readonly use: GradUse }[], tensor: Tensor): number =>
  grads.findIndex(({ use }) => use.read && use.entry !== null && storageOf(use.entry) === storageOf(tensor));

function gradEffects(recorder: Recorder, argumentOf: (tensor: Tensor) => number): GradEffect[] {
  const uses = [...recorder.grads.values()].map((use) => ({ use }));
  return uses.map(({ use }, i): GradEffect => {
    const after = gradientOf(use.tensor);
    const read = use.read ? use.entry : null;
    const common = {
      use,
      memory: read === null ? null : (recorder.memories.get(storageOf(read)) ?? null),
      given: false,
      argument: -1,
      slot: -1,
      before: -1,
      shares: read === null ? i : whoseBefore(uses, read),
      requiresGrad: use.tensor.requiresGrad,
    };
    if (after === use.entry) return { ...common, exit: 'unchanged', tensor: null };
    if (after === null) return { ...common, exit: 'null', tensor: null };
    const argument = argumentOf(after);
    if (argument >= 0) return { ...common, exit: 'tensor', tensor: after, argument };
    const before = whoseBefore(uses, after);
    if (before >= 0 || recorder.isMade(storageOf(after))) return { ...common, exit: 'tensor', tensor: after, before };
    return { ...common, exit: 'tensor', tensor: trackedGradientOf(use.tensor), given: true };
  });
}
