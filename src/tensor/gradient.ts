/**
 * What stands behind a tensor's `.grad`. Its memory has a handle of our own, which never leaves the library, and a second one, the
 * look, once user code has asked for it (or when user code gave the gradient). So a gradient that is replaced gives its memory back at
 * once unless user code may still have the look: one that was handed out in a scope is the gradient's again when the scope ends.
 */
import { enlist, outsideScopes } from '../memory/scope.ts';
import {
  dtypeOf,
  lookStateOf,
  makeTensor,
  offsetOf,
  revive,
  shapeOf,
  storageOf,
  stridesOf,
  type Tensor,
} from './tensor.ts';

/** What is known of a tensor that is the `.grad` of others. */
export interface LookState {
  /** How many gradients it is the look of. */
  uses: number;
  /** User code may hold it: it was made by it or handed out, in a scope that is open or in none. */
  out: boolean;
}

/** Another handle on the same data, without history. */
const handleOn = (x: Tensor): Tensor => makeTensor(storageOf(x), dtypeOf(x), shapeOf(x), stridesOf(x), offsetOf(x));

export class Gradient {
  /** The library's own handle: what optimizers, backward and compiled functions work with. */
  readonly own: Tensor;
  #look: Tensor | null = null;

  /** @param own A handle that nobody else has, in no scope. */
  constructor(own: Tensor) {
    this.own = own;
  }

  /** A gradient that is a tensor as user code will see it, with its place on the tape; `out`: which user code has already. */
  static of(look: Tensor, out: boolean): Gradient {
    const gradient = new Gradient(outsideScopes(() => handleOn(look)));
    gradient.#show(look, out);
    return gradient;
  }

  #show(look: Tensor, out: boolean): Tensor {
    const state = lookStateOf(look);
    state.uses++;
    state.out ||= out;
    this.#look = look;
    return look;
  }

  /** Whether it is this very tensor that user code sees. */
  shows(tensor: Tensor): boolean {
    return this.#look === tensor;
  }

  /** The tensor that user code gets to see. It belongs to the innermost scope, unless it was handed out before. */
  handOut(): Tensor {
    const look = this.#look;
    // Of a tensor that was disposed of.
    if (this.own.disposed) return this.own;
    if (look === null) return this.#show(handleOn(this.own), true);
    if (look.disposed) return this.#show(revive(look), true);
    const state = lookStateOf(look);
    if (!state.out) {
      state.out = true;
      enlist(look);
    }
    return look;
  }

  /** The gradient with its place on the tape, for the library. */
  tracked(): Tensor {
    const look = this.#look;
    if (look === null) return this.own;
    return look.disposed
      ? this.#show(
          outsideScopes(() => revive(look)),
          false,
        )
      : look;
  }

  /** How many handles on the memory `release` gives up. */
  handles(drop: boolean): number {
    if (this.own.disposed) return 0;
    const look = this.#look;
    if (look === null || look.disposed) return 1;
    const { uses, out } = lookStateOf(look);
    return uses === 1 && (drop || !out) ? 2 : 1;
  }

  /** Gives up what the library has; `drop`: and the look, whoever has it. */
  release(drop: boolean): void {
    this.own.dispose();
    this.forget(drop);
  }

  /** Gives up the look, unless user code has it. */
  forget(drop: boolean): void {
    const look = this.#look;
    if (look === null) return;
    this.#look = null;
    const state = lookStateOf(look);
    state.uses--;
    if (state.uses === 0 && (drop || !state.out)) look.dispose();
  }
}
