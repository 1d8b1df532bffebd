/** Runs an entry for a call: checks that it stands for it, binds memory, and does what the function did besides. */
import { isGradEnabled } from '../autograd/mode.ts';
import { getBackend } from '../backend/registry.ts';
import { expectGradientsFree, expectReadable, expectWritable } from '../memory/flight.ts';
import { isScoped, keep, outsideScopes } from '../memory/scope.ts';
import type { Storage } from '../memory/storage.ts';
import { dtypeInfo } from '../tensor/dtype.ts';
import { sameShape } from '../tensor/layout.ts';
import {
  dropGrad,
  dtypeOf,
  gradientHandles,
  gradientOf,
  makeTensor,
  offsetOf,
  renewGradient,
  setGradient,
  shapeOf,
  storageOf,
  stridesOf,
  type Tensor,
} from '../tensor/tensor.ts';
import { type Entry, type GradEffect, type Output, revived, viewOf } from './entry.ts';
import type { Memory } from './ir.ts';
import type { Program } from './program.ts';
import { addressOf, difference, matches, rebuild, sharesAlike, type TensorSpec } from './signature.ts';

/** Whether the gradients are such that the program may run. */
function gradsFit(grads: readonly GradEffect[]): boolean {
  for (let i = 0; i < grads.length; i++) {
    const { use, requiresGrad } = grads[i] as GradEffect;
    if (use.tensor.requiresGrad !== requiresGrad) return false;
    if (!use.read) continue;
    const grad = gradientOf(use.tensor);
    if ((grad === null) !== (use.entry === null)) return false;
    if (grad === null || use.entry === null) continue;
    if (grad.disposed || !sameShape(stridesOf(grad), stridesOf(use.entry))) return false;
    if (!sharesGradients(grads, i, storageOf(grad))) return false;
  }
  return true;
}

/** Whether a gradient shares its memory with an earlier one as it did when the call was recorded. */
function sharesGradients(grads: readonly GradEffect[], index: number, storage: Storage): boolean {
  const { shares } = grads[index] as GradEffect;
  if (shares === index && storage.sole) return true;
  for (let i = 0; i < index; i++) {
    const { use, shares: first } = grads[i] as GradEffect;
    const grad = use.read ? gradientOf(use.tensor) : null;
    if (grad !== null && (storageOf(grad) === storage) !== (first === shares)) return false;
  }
  return true;
}

/** Whether the call may run the entry's program. The tensors among the arguments are put into `tensors`. */
export function fits(entry: Entry, args: readonly unknown[], tensors: Tensor[]): boolean {
  if (entry.gradEnabled !== isGradEnabled() || entry.backend !== getBackend()) return false;
  if (!matches(entry.spec, args, tensors) || !sharesAlike(entry.tensors, tensors)) return false;
  if (entry.program !== null && boundArgument(entry, tensors)) return false;
  if (!gradsFit(entry.grads)) return false;
  for (let i = 0; i < entry.owned.length; i++) if ((entry.owned[i] as Storage).abandoned) return false;
  for (let i = 0; i < entry.guards.length; i++) if ((entry.guards[i] as () => string | null)() !== null) return false;
  return true;
}

/** Whether an argument is memory that the program is bound to as well, so that order would matter that was not recorded. */
function boundArgument(entry: Entry, tensors: readonly Tensor[]): boolean {
  const { heap } = entry.program as Program;
  for (let i = 0; i < entry.tensors.length; i++) {
    const { bound } = entry.tensors[i] as TensorSpec;
    const storage = storageOf(tensors[i] as Tensor);
    if (bound !== null || entry.inputs[i] === null) continue;
    if (storage.heap !== heap || (entry.program as Program).isBound(storage)) return true;
    if (entry.gradStorages.includes(storage) || isGradient(entry.grads, storage)) return true;
  }
  return false;
}

/** Whether the storage holds a gradient that the program reads. */
function isGradient(grads: readonly GradEffect[], storage: Storage): boolean {
  for (let i = 0; i < grads.length; i++) {
    const { use, memory } = grads[i] as GradEffect;
    const grad = memory === null ? null : gradientOf(use.tensor);
    if (grad !== null && storageOf(grad) === storage) return true;
  }
  return false;
}

/** Why the call may not, in words. */
export function reason(entry: Entry, args: readonly unknown[], names: string): string {
  const changed = difference(entry.spec, args, names);
  if (changed !== null) return changed;
  if (entry.gradEnabled !== isGradEnabled()) return 'gradients were switched on or off';
  if (entry.backend !== getBackend()) return 'the backend changed';
  for (const guard of entry.guards) {
    const text = guard();
    if (text !== null) return text;
  }
  if (!gradsFit(entry.grads))
    return 'gradients were there that had not been, or the other way round; call zeroGrad() inside';
  return 'arguments share memory with each other, or with what the function uses besides, in another way';
}

/** Who wants to know what a run touches that others may have. */
interface Passenger {
  use(storage: Storage, writes: boolean): void;
  useGradient(tensor: Tensor): void;
}

/** Tells what a run of the entry reads and writes, apart from new results: of arguments, of what it is bound to, of gradients. */
export function declare(entry: Entry, tensors: readonly Tensor[], passenger: Passenger): void {
  const { program, inputs, grads, gradSlots, gradStorages } = entry;
  const written = new Set(program?.written);
  for (const memory of program?.lasting ?? NOTHING) {
    const writes = written.has(memory);
    const slot = gradSlots.indexOf(memory);
    if (memory.kind === 'bound') passenger.use(memory.storage, writes);
    else if (slot >= 0) passenger.use(gradStorages[slot] as Storage, writes);
    for (const [i, input] of inputs.entries())
      if (input === memory) passenger.use(storageOf(tensors[i] as Tensor), writes);
    for (const { use, memory: before } of grads) {
      const grad = before === memory ? gradientOf(use.tensor) : null;
      if (grad !== null) passenger.use(storageOf(grad), writes);
    }
  }
  for (const { use } of grads) passenger.useGradient(use.tensor);
}

/** @throws CompileError when what a run of the entry touches is in flight. */
export function expectLanded(op: string, entry: Entry, tensors: readonly Tensor[]): void {
  declare(entry, tensors, {
    use: (storage, writes) => (writes ? expectWritable : expectReadable)(op, storage),
    useGradient: (tensor) => expectGradientsFree(op, [tensor]),
  });
}

/** Points the program at the memory of this call. */
export function bind(entry: Entry, tensors: readonly Tensor[]): void {
  const { program, inputs, grads, lasting, held } = entry;
  for (let i = 0; i < lasting.length; i++) {
    const grad = gradientOf((grads[lasting[i] as number] as GradEffect).use.tensor) as Tensor;
    held[i] = lastingOn(storageOf(grad), grad);
  }
  if (program === null) return;
  for (let i = 0; i < inputs.length; i++) {
    const memory = inputs[i];
    const tensor = tensors[i] as Tensor;
    if (memory)
      program.bind(
        memory,
        addressOf(tensor) - (entry.tensors[i] as TensorSpec).offset * dtypeInfo[dtypeOf(tensor)].bytes,
      );
  }
  for (let i = 0; i < grads.length; i++) {
    const { use, memory } = grads[i] as GradEffect;
    if (memory === null || use.entry === null) continue;
    const grad = gradientOf(use.tensor) as Tensor;
    program.bind(memory, addressOf(grad) - offsetOf(use.entry) * dtypeInfo[dtypeOf(grad)].bytes);
  }
  for (let i = 0; i < entry.gradSlots.length; i++) bindGradient(entry, program, i);
}

/**
 * Gradients of the last run are overwritten where nobody can tell. Where user code may hold one, or the run itself reads it, other
 * memory takes its place, and what was there goes back to the free list as soon as nothing holds it.
 */
function bindGradient(entry: Entry, program: Program, slot: number): void {
  const { grads, gradStorages, gradSlots } = entry;
  const before = gradStorages[slot] as Storage;
  let dropped = 0;
  for (let i = 0; i < grads.length; i++) {
    const { use, tensor, memory: read, slot: own } = grads[i] as GradEffect;
    if (own === slot && tensor !== null && read === null && gradientOf(use.tensor) === tensor)
      dropped += gradientHandles(use.tensor, use.drops);
  }
  if (before.handles === dropped) return;
  const memory = gradSlots[slot] as Memory;
  const after = program.heap.allocate('compile', memory.bytes, false);
  after.pin();
  before.unpin();
  gradStorages[slot] = after;
  program.bind(memory, after.address);
}

/** Gives back the memory of results that nobody gets. */
export function discard(entry: Entry, fresh: readonly Storage[]): void {
  for (const storage of fresh) {
    storage.retain();
    storage.release();
  }
  letGo(entry);
}

/** Gives up what a call held of gradients from before it. */
function letGo({ held }: Entry): void {
  for (let i = 0; i < held.length; i++) (held[i] as Tensor).dispose();
  held.length = 0;
}

/** New memory for results that every run has its own of. */
export function freshResults(entry: Entry): Storage[] {
  const { program, slots } = entry;
  return slots.map((memory) => {
    const storage = (program as Program).heap.allocate('compile', memory.bytes, isScoped());
    (program as Program).bind(memory, storage.address);
    return storage;
  });
}

const NOTHING: readonly Memory[] = [];

/** What the function does to JavaScript's side of things: versions, gradients. */
export function settle(entry: Entry, tensors: readonly Tensor[]): void {
  const { program, inputs, grads } = entry;
  const written = program?.written ?? NOTHING;
  for (let i = 0; i < written.length; i++) {
    const memory = written[i] as Memory;
    if (memory.kind === 'bound') memory.storage.version++;
    else {
      const at = inputs.indexOf(memory);
      if (at >= 0) storageOf(tensors[at] as Tensor).version++;
      const slot = entry.gradSlots.indexOf(memory);
      if (slot >= 0) (entry.gradStorages[slot] as Storage).version++;
    }
  }
  for (let i = 0; i < grads.length; i++) {
    const effect = grads[i] as GradEffect;
    if (effect.exit !== 'unchanged') leaveGrad(effect, entry, tensors);
    else if (effect.memory !== null && written.includes(effect.memory))
      storageOf(gradientOf(effect.use.tensor) as Tensor).version++;
  }
}

function leaveGrad(effect: GradEffect, entry: Entry, tensors: readonly Tensor[]): void {
  const { use } = effect;
  const { tensor } = use;
  if (effect.given) {
    if (use.drops) dropGrad(tensor);
    tensor.grad = effect.tensor = revived(effect.tensor as Tensor);
    return;
  }
  const after = gradientAfter(effect, entry, tensors);
  if (after !== null && gradientOf(tensor) === after) {
    renewGradient(tensor, use.drops);
    return;
  }
  if (use.drops) dropGrad(tensor);
  setGradient(tensor, after);
}

/** The handle on what is a tensor's gradient after the run. */
function gradientAfter(effect: GradEffect, entry: Entry, tensors: readonly Tensor[]): Tensor | null {
  const { exit, argument, slot, before } = effect;
  const last = effect.tensor;
  if (exit !== 'tensor' || last === null) return null;
  if (argument >= 0) return lastingView(last, tensors[argument] as Tensor, offsetAt(entry, argument));
  if (before >= 0) return lastingView(last, heldOf(entry, before), offsetBefore(entry, before));
  effect.tensor = slot < 0 ? revived(last) : gradientOn(entry.gradStorages[slot] as Storage, last);
  return effect.tensor;
}

/** A gradient on its memory: the tensor that it was after the last run, if that may be used again. */
const gradientOn = (storage: Storage, last: Tensor): Tensor =>
  storageOf(last) === storage && !last.disposed ? last : lastingOn(storage, last);

// Apart from their callers, because a function with a closure in it makes room for what that captures whenever it is called.
const lastingOn = (storage: Storage, like: Tensor): Tensor => keep(outsideScopes(() => onStorage(storage, like)));

const lastingView = (view: Tensor, tensor: Tensor, offset: number): Tensor =>
  outsideScopes(() => viewOf(view, tensor, offset));

const onStorage = (storage: Storage, like: Tensor): Tensor =>
  makeTensor(storage, dtypeOf(like), shapeOf(like), stridesOf(like), offsetOf(like));

/** The offset that an argument had when the call was recorded, and the one that a gradient from before it had. */
const offsetAt = (entry: Entry, index: number): number => (entry.tensors[index] as TensorSpec).offset;
const offsetBefore = (entry: Entry, index: number): number =>
  offsetOf((entry.grads[index] as GradEffect).use.entry as Tensor);

/** What a gradient was before this call. */
const heldOf = ({ lasting, held }: Entry, index: number): Tensor => held[lasting.indexOf(index)] as Tensor;

/** Whether a view shows all of a gradient, as it is. */
const isWhole = (view: Tensor, grad: Tensor): boolean =>
  sameShape(shapeOf(view), shapeOf(grad)) && sameShape(stridesOf(view), stridesOf(grad));

/** One tensor of the result of a run. */
function outputOf(output: Output, entry: Entry, tensors: readonly Tensor[], fresh: readonly Storage[]): Tensor {
  switch (output.kind) {
    case 'argument':
      return tensors[output.index] as Tensor;
    case 'view':
      return viewOf(output.tensor, tensors[output.index] as Tensor, offsetAt(entry, output.index));
    case 'before': {
      const { use, exit } = entry.grads[output.index] as GradEffect;
      const grad = exit === 'unchanged' && isWhole(output.tensor, use.entry as Tensor) ? use.tensor.grad : null;
      return grad ?? viewOf(output.tensor, heldOf(entry, output.index), offsetBefore(entry, output.index));
    }
    case 'bound':
      output.tensor = revived(output.tensor);
      return output.tensor;
    case 'grad': {
      // Where it is somebody's gradient as a whole, that very tensor.
      const effect = entry.grads.find(
        ({ slot, tensor }) => slot === output.slot && tensor !== null && offsetOf(tensor) === offsetOf(output.tensor),
      );
      const grad = effect?.use.tensor.grad;
      return grad && isWhole(output.tensor, grad)
        ? grad
        : onStorage(entry.gradStorages[output.slot] as Storage, output.tensor);
    }
    case 'fresh':
      return onStorage(fresh[output.slot] as Storage, output.tensor);
  }
}

/** The result of a run. */
export function resultOf(entry: Entry, tensors: readonly Tensor[], fresh: readonly Storage[]): unknown {
  const { reused, outputs } = entry;
  if (reused !== null) {
    let whole = true;
    for (let i = 0; i < outputs.length; i++) {
      const output = outputs[i] as Output;
      if (output.kind === 'bound' && output.tensor.disposed) whole = false;
    }
    if (whole) return reused;
  }
  const result = rebuild(
    entry.result,
    outputs.map((output) => outputOf(output, entry, tensors, fresh)),
  );
  if (reused !== null) entry.reused = result;
  letGo(entry);
  return result;
}
