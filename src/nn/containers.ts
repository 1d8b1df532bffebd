/** Modules that hold modules. */
import { ArgumentError, CotangentError, describe, IndexError } from '../errors.ts';
import { copyIterable } from '../tensor/lists.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Module } from './module.ts';

/** A module with one input and one output. */
export type Layer = Module & { forward(x: Tensor): Tensor };

/** An array of modules, named by their places. */
abstract class ModuleArray<M extends Module> extends Module {
  readonly #modules: M[] = [];

  constructor(modules: Iterable<M>) {
    super();
    const op = this.constructor.name;
    const entries = copyIterable(op, modules);
    if (entries === null) throw new ArgumentError(op, `wants modules, got ${describe(modules)}`);
    for (const module of entries) this.append(module as M);
  }

  /** Adds a module at the end. */
  append(module: M): this {
    if (!(module instanceof Module))
      throw new ArgumentError(this.constructor.name, `wants modules, got ${describe(module)}`);
    this.#modules.push(module);
    return this;
  }

  /** How many modules there are. */
  get size(): number {
    return this.#modules.length;
  }

  /** The module at a place, counted from the end if negative. */
  at(index: number): M {
    const module = Number.isInteger(index) ? this.#modules.at(index) : undefined;
    if (module === undefined)
      throw new IndexError(this.constructor.name, `index ${describe(index)} is out of range for ${this.size} modules`);
    return module;
  }

  [Symbol.iterator](): IterableIterator<M> {
    return this.#modules.values();
  }

  protected override unchanged(): () => string | null {
    const own = super.unchanged();
    const modules = [...this.#modules];
    return () => {
      let same = modules.length === this.#modules.length;
      for (let i = 0; same && i < modules.length; i++) same = modules[i] === this.#modules[i];
      return same ? own() : `the modules in a ${this.constructor.name} changed`;
    };
  }

  protected override members(): [string, unknown][] {
    return [...super.members(), ...this.#modules.map((module, i) => [String(i), module] as [string, unknown])];
  }
}

/** Modules one after the other, each taking the output of the one before. */
export class Sequential extends ModuleArray<Layer> {
  constructor(...modules: Layer[]) {
    super(modules);
  }

  forward(x: Tensor): Tensor {
    let out = x;
    for (const module of this) out = module(out);
    return out;
  }
}

/** A list of modules, whose parameters are found. It is not called itself: loop over it, or use `at`. */
export class ModuleList<M extends Module = Module> extends ModuleArray<M> {
  constructor(modules: Iterable<M> = []) {
    super(modules);
  }

  forward(): never {
    throw new CotangentError('ModuleList', 'is not called; call the modules in it');
  }
}
