/** An entry of a compiled function's cache: a program, what must hold for it to stand for a call, and what a call leaves. */
import type { BackendName } from '../backend/registry.ts';
import { keep, outsideScopes } from '../memory/scope.ts';
import type { Storage } from '../memory/storage.ts';
import { dtypeOf, makeTensor, offsetOf, revive, shapeOf, storageOf, stridesOf, type Tensor } from '../tensor/tensor.ts';
import type { Memory } from './ir.ts';
import type { Program } from './program.ts';
import type { GradUse } from './recorder.ts';
import type { Spec, TensorSpec } from './signature.ts';

/** A tensor in the result, and where later runs find it. */
export type Output =
  /** The argument itself. */
  | { readonly kind: 'argument'; readonly index: number }
  /** Another view of an argument's memory. */
  | { readonly kind: 'view'; readonly index: number; readonly tensor: Tensor }
  /** Memory that stays: a parameter, a reused result. */
  | { readonly kind: 'bound'; tensor: Tensor }
  /** A gradient that was there before, by its place among the gradients, or a view of it. */
  | { readonly kind: 'before'; readonly index: number; readonly tensor: Tensor }
  /** Memory of a gradient that the function left behind. */
  | { readonly kind: 'grad'; readonly slot: number; readonly tensor: Tensor }
  /** New memory in every run. */
  | { readonly kind: 'fresh'; readonly slot: number; readonly tensor: Tensor };

/** A gradient that the function left behind or used. */
export interface GradEffect {
  readonly use: GradUse;
  /** The memory of what it was before, where the program touches it. */
  readonly memory: Memory | null;
  /** What it is afterwards: the tensor that was there before counts as unchanged. */
  readonly exit: 'unchanged' | 'null' | 'tensor';
  tensor: Tensor | null;
  /** It is a tensor that user code has, and sees again. */
  readonly given: boolean;
  /** The argument whose memory it is afterwards, −1 for none. */
  readonly argument: number;
  /** Which of the entry's gradient memories it is in afterwards, −1 for none. */
  slot: number;
  /** The gradient, by its place among them, whose memory from before it is afterwards; −1 for none. */
  readonly before: number;
  /** The first gradient that had the same memory before: perhaps itself. */
  readonly shares: number;
  /** Whether gradients flowed to the tensor. */
  readonly requiresGrad: boolean;
}

/** A program, and everything that must hold for it to stand for a call of the function. */
export interface Entry {
  readonly spec: Spec;
  readonly tensors: readonly TensorSpec[];
  readonly backend: BackendName;
  readonly gradEnabled: boolean;
  readonly guards: readonly (() => string | null)[];
  /** Null where the function did nothing with tensors. */
  readonly program: Program | null;
  /** The memory of each tensor argument, by the first that has it; null where the program does not touch it. */
  readonly inputs: readonly (Memory | null)[];
  readonly grads: readonly GradEffect[];
  /** Memory of gradients that runs leave behind, and what it is at present: nobody else's while it is used again. */
  readonly gradSlots: readonly Memory[];
  readonly gradStorages: Storage[];
  /** Gradients whose memory from before is needed after a run, and handles on it while there is one. */
  readonly lasting: readonly number[];
  readonly held: Tensor[];
  /** Memory of fresh results. */
  readonly slots: readonly Memory[];
  readonly outputs: readonly Output[];
  readonly result: Spec;
  /** Results that every run returns again; null when each has its own. */
  reused: unknown;
  /** Lasting memory of results, which the entry keeps besides that of gradients. */
  readonly pins: readonly Storage[];
  /** Storages that must still be somebody's. */
  readonly owned: readonly Storage[];
}

/** A view that the function took of a tensor whose first element was at `offset`, over the memory of the one of this call. */
export const viewOf = (view: Tensor, tensor: Tensor, offset: number): Tensor =>
  makeTensor(
    storageOf(tensor),
    dtypeOf(view),
    shapeOf(view),
    stridesOf(view),
    offsetOf(tensor) + offsetOf(view) - offset,
  );

/** A tensor on lasting memory under a new handle, where the old one was disposed of. */
export const revived = (tensor: Tensor): Tensor => (tensor.disposed ? lastingHandle(tensor) : tensor);

const lastingHandle = (tensor: Tensor): Tensor => keep(outsideScopes(() => revive(tensor)));
