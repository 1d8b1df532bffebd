/**
 * Module: what layers and models are made of. Parameters, buffers and submodules are found in a module's own properties;
 * a model is called like a function, `model(x)`, which runs `forward` and the hooks.
 *
 * Names in states are PyTorch's: a property `inProjWeight` is `in_proj_weight` there, so that PyTorch's checkpoints load
 * as they are.
 */
import { noGrad } from '../autograd/mode.ts';
import { ArgumentError, CotangentError, DTypeError, describe, formatShape, StateError } from '../errors.ts';
import { keep, outsideScopes } from '../memory/scope.ts';
import { copy_, detach, type ToOptions, to } from '../ops/convert.ts';
import { observer } from '../program/observer.ts';
import { dropGrads, expectChangeable } from '../tensor/create.ts';
import { type DType, isDType, isFloating } from '../tensor/dtype.ts';
import { sameShape } from '../tensor/layout.ts';
import { checkOptions } from '../tensor/options.ts';
import { namedTensors } from '../tensor/record.ts';
import { dtypeOf, isTensor, shapeOf, type Tensor } from '../tensor/tensor.ts';
import { Parameter } from './parameter.ts';

const CALL = Symbol('call');

/** Makes instances functions: the constructor returns an arrow function that has the class's prototype. */
class Callable {
  constructor() {
    const self = (...inputs: unknown[]): unknown => (self as unknown as Module)[CALL](inputs);
    // A function's own properties would be in the way of a class that uses these names.
    for (const name of ['name', 'length']) Reflect.deleteProperty(self, name);
    // biome-ignore lint/correctness/noConstructorReturn: this is the point.
    return Object.setPrototypeOf(self, new.target.prototype);
  }
}

/** Parameters and buffers by name. */
export type StateDict = Record<string, Tensor>;

/** Names that differed in `loadStateDict`. */
export interface LoadResult {
  missingKeys: string[];
  unexpectedKeys: string[];
}

/** Sees the inputs of a module; what it returns (an array, or a single input), if anything, takes their place. */
export type ForwardPreHook = (module: Module, inputs: readonly unknown[]) => unknown;
/** Sees the inputs and the output of a module; what it returns, if anything, takes the output's place. */
export type ForwardHook = (module: Module, inputs: readonly unknown[], output: unknown) => unknown;

/** What a property is called in states: snake_case. */
const stateName = (property: string): string =>
  property.replace(/([a-z0-9])([A-Z])/g, (_, a: string, b: string) => `${a}_${b.toLowerCase()}`);

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

export interface Module {
  /** Runs `forward` and the hooks. */
  // biome-ignore lint/style/useShorthandFunctionType: a class can only be merged with an interface.
  (...inputs: Parameters<this['forward']>): ReturnType<this['forward']>;
}

/**
 * Base class of layers and models.
 * @example
 * class Net extends Module {
 *   fc = new Linear(4, 2);
 *   forward(x: Tensor): Tensor {
 *     return relu(this.fc(x));
 *   }
 * }
 * const y = new Net()(x);
 */
export abstract class Module extends Callable {
  /** Whether layers such as Dropout act as in training; set it with `train()` and `eval()`. */
  training = true;
  /** Property names of the buffers, and whether they are part of the state. */
  readonly #buffers = new Map<string, boolean>();
  readonly #preHooks = new Set<ForwardPreHook>();
  readonly #hooks = new Set<ForwardHook>();

  /** Computes the output. Call the module itself instead, for the hooks to run. */
  abstract forward(...inputs: never[]): unknown;

  [CALL](inputs: readonly unknown[]): unknown {
    if (typeof this.forward !== 'function') throw new CotangentError(this.constructor.name, 'has no forward method');
    observer()?.guard(this, () => this.unchanged());
    let given = inputs;
    for (const hook of this.#preHooks) {
      const replaced = hook(this, given);
      if (replaced !== undefined) given = Array.isArray(replaced) ? replaced : [replaced];
    }
    let output = (this.forward as (...inputs: unknown[]) => unknown)(...given);
    for (const hook of this.#hooks) output = hook(this, given, output) ?? output;
    return output;
  }

  /** Runs `hook` before every call; returns a function that removes it. */
  registerForwardPreHook(hook: ForwardPreHook): () => void {
    return this.#register(this.#preHooks, hook, 'registerForwardPreHook');
  }

  /** Runs `hook` after every call; returns a function that removes it. */
  registerForwardHook(hook: ForwardHook): () => void {
    return this.#register(this.#hooks, hook, 'registerForwardHook');
  }

  #register<T>(hooks: Set<T>, hook: T, op: string): () => void {
    if (typeof hook !== 'function') throw new ArgumentError(op, `wants a function, got ${describe(hook)}`);
    hooks.add(hook);
    return () => {
      hooks.delete(hook);
    };
  }

  /**
   * @internal What a recorded step took for granted about this module: its settings, `training`, and which tensors and modules it has.
   * The function that is returned says what has changed since, or returns null.
   */
  protected unchanged(): () => string | null {
    const entries = Object.entries(this);
    const names = entries.map(([name]) => name);
    const values = entries.map(([, value]) => value as unknown);
    const grads = values.map((value) => isTensor(value) && value.requiresGrad);
    return () => {
      for (let i = 0; i < names.length; i++) {
        const value: unknown = Reflect.get(this, names[i] as string);
        if (value !== values[i] || (isTensor(value) && value.requiresGrad !== grads[i]))
          return `${this.constructor.name}.${names[i]} changed`;
      }
      return null;
    };
  }

  // ---- what it consists of ----

  /** @internal Names and values of what may be parameters, buffers and submodules. */
  protected members(): [string, unknown][] {
    return Object.entries(this);
  }

  /** Makes a tensor part of the state that no optimizer changes, as the property `name`. `persistent: false` keeps it out of saved states. */
  registerBuffer(name: string, tensor: Tensor | null, options?: { persistent?: boolean }): void {
    const op = 'registerBuffer';
    const { persistent = true } = checkOptions(op, options, ['persistent']);
    if (typeof name !== 'string' || name === '' || name.includes('.'))
      throw new ArgumentError(op, `a name is a non-empty string without dots, got ${describe(name)}`);
    if (!this.#buffers.has(name) && name in this) throw new ArgumentError(op, `${name} exists already`);
    if (tensor !== null && !isTensor(tensor))
      throw new ArgumentError(op, `wants a tensor or null, got ${describe(tensor)}`);
    if (typeof persistent !== 'boolean')
      throw new ArgumentError(op, `persistent is a boolean, got ${describe(persistent)}`);
    this.#buffers.set(name, persistent);
    Reflect.set(this, name, tensor === null ? null : keep(tensor));
  }

  /** Submodules by name, not theirs in turn. */
  namedChildren(): [string, Module][] {
    return this.members().flatMap(([name, value]) =>
      value instanceof Module ? [[stateName(name), value] as [string, Module]] : [],
    );
  }

  children(): Module[] {
    return this.namedChildren().map(([, module]) => module);
  }

  /** This module (named '') and all below it, each once. */
  namedModules(): [string, Module][] {
    const found = new Map<Module, string>();
    const visit = (module: Module, path: string): void => {
      if (found.has(module)) return;
      found.set(module, path);
      for (const [name, child] of module.namedChildren()) visit(child, join(path, name));
    };
    visit(this, '');
    return [...found].map(([module, path]) => [path, module]);
  }

  modules(): Module[] {
    return this.namedModules().map(([, module]) => module);
  }

  #ownParameters(): [string, Parameter][] {
    return this.members().flatMap(([name, value]) =>
      value instanceof Parameter ? [[stateName(name), value] as [string, Parameter]] : [],
    );
  }

  #ownBuffers(): { name: string; tensor: Tensor; persistent: boolean }[] {
    return [...this.#buffers].flatMap(([name, persistent]) => {
      const tensor: unknown = Reflect.get(this, name);
      return isTensor(tensor) ? [{ name: stateName(name), tensor, persistent }] : [];
    });
  }

  /** Everything `own` finds in any module, each tensor once. */
  #collect<T extends Tensor>(own: (module: Module) => [string, T][]): [string, T][] {
    const found = new Map<T, string>();
    for (const [path, module] of this.namedModules())
      for (const [name, tensor] of own(module)) if (!found.has(tensor)) found.set(tensor, join(path, name));
    return [...found].map(([tensor, path]) => [path, tensor]);
  }

  /** All parameters by name, each once. */
  namedParameters(): [string, Parameter][] {
    return this.#collect((module) => module.#ownParameters());
  }

  /** All parameters, each once: what an optimizer takes. */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** All buffers by name, each once. */
  namedBuffers(): [string, Tensor][] {
    return this.#collect((module) => module.#ownBuffers().map(({ name, tensor }) => [name, tensor]));
  }

  buffers(): Tensor[] {
    return this.namedBuffers().map(([, tensor]) => tensor);
  }

  // ---- state ----

  /** The tensors of the state; a shared one appears under each of its names. */
  #state(): Map<string, Tensor> {
    const state = new Map<string, Tensor>();
    const put = (name: string, tensor: Tensor): void => {
      if ((state.get(name) ?? tensor) !== tensor) throw new StateError('stateDict', `two tensors are named ${name}`);
      state.set(name, tensor);
    };
    const visit = (module: Module, path: string, above: readonly Module[]): void => {
      if (above.includes(module)) return;
      for (const [name, parameter] of module.#ownParameters()) put(join(path, name), parameter);
      for (const { name, tensor, persistent } of module.#ownBuffers()) if (persistent) put(join(path, name), tensor);
      for (const [name, child] of module.namedChildren()) visit(child, join(path, name), [...above, module]);
    };
    visit(this, '', []);
    return state;
  }

  /** Parameters and buffers by name. They share memory with the module: clone what shall not change with it. */
  stateDict(): StateDict {
    return Object.fromEntries([...this.#state()].map(([name, tensor]) => [name, detach(tensor)]));
  }

  /**
   * Copies a state into the module's parameters and buffers, converting dtypes.
   * @param options `strict: false` allows names to be missing or unexpected; they are returned.
   * @throws ArgumentError unless it is an object or a Map (decodeSafetensors makes one of a file's bytes).
   * @throws StateError that lists everything that is missing, unexpected or of another shape; nothing is loaded then.
   */
  loadStateDict(dict: StateDict | ReadonlyMap<string, Tensor>, options?: { strict?: boolean }): LoadResult {
    const op = 'loadStateDict';
    const { strict = true } = checkOptions(op, options, ['strict']);
    if (typeof strict !== 'boolean') throw new ArgumentError(op, `strict is a boolean, got ${describe(strict)}`);
    const given = new Map(namedTensors(op, dict));
    const own = this.#state();
    const missingKeys = [...own.keys()].filter((name) => !given.has(name));
    const unexpectedKeys = [...given.keys()].filter((name) => !own.has(name as string)).map(String);
    const problems: string[] = [];
    for (const [name, tensor] of own) {
      const value = given.get(name);
      if (!given.has(name)) continue;
      if (!isTensor(value)) problems.push(`${name} is ${describe(value)}, expected a tensor`);
      else if (value.disposed) problems.push(`${name} was disposed of`);
      else if (!sameShape(shapeOf(value), shapeOf(tensor)))
        problems.push(`${name} has shape ${formatShape(shapeOf(value))}, expected ${formatShape(shapeOf(tensor))}`);
    }
    if (strict) {
      problems.push(
        ...missingKeys.map((name) => `${name} is missing`),
        ...unexpectedKeys.map((name) => `${name} is unexpected`),
      );
    }
    if (problems.length > 0)
      throw new StateError(op, `the state does not fit ${this.constructor.name}:\n  ${problems.join('\n  ')}`);
    expectChangeable(op, own.values());
    noGrad(() => {
      for (const [name, tensor] of own) if (given.has(name)) copy_(tensor, given.get(name) as Tensor);
    });
    return { missingKeys, unexpectedKeys };
  }

  // ---- modes ----

  /** Switches this module and all below it to training, or to evaluation. */
  train(mode = true): this {
    if (typeof mode !== 'boolean') throw new ArgumentError('train', `wants a boolean, got ${describe(mode)}`);
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  /** Switches to evaluation: the same as `train(false)`. */
  eval(): this {
    return this.train(false);
  }

  /** Starts or stops tracking gradients for all parameters. */
  requiresGrad_(requiresGrad = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad_(requiresGrad);
    return this;
  }

  /** Sets all gradients to null and frees their memory, as `zeroGrad` of an optimizer does. */
  zeroGrad(): void {
    dropGrads(this.parameters());
  }

  /** Calls `fn` with every module, innermost first. */
  apply(fn: (module: Module) => void): this {
    if (typeof fn !== 'function') throw new ArgumentError('apply', `wants a function, got ${describe(fn)}`);
    for (const module of this.#innermostFirst([])) fn(module);
    return this;
  }

  /** All modules on every way down, after those below them; a module that contains itself is not entered again. */
  *#innermostFirst(above: readonly Module[]): Iterable<Module> {
    const path = [...above, this];
    for (const child of this.children()) if (!path.includes(child)) yield* child.#innermostFirst(path);
    yield this;
  }

  /**
   * Converts floating point parameters and buffers, or moves all of them to another backend. Parameters become new ones:
   * make optimizers afterwards.
   * @throws DTypeError for a dtype without gradients.
   */
  to(options: DType | ToOptions): this {
    const target = typeof options === 'string' ? { dtype: options } : checkOptions('to', options, ['dtype', 'backend']);
    const { dtype } = target;
    if (dtype !== undefined && !(isDType(dtype) && isFloating(dtype)))
      throw new DTypeError('to', `a module is float32 or float64, not ${describe(dtype)}`);
    const moved = new Map<Tensor, Tensor>();
    const move = (tensor: Tensor): Tensor => {
      const wanted = isFloating(dtypeOf(tensor)) ? target : { ...target, dtype: dtypeOf(tensor) };
      const data = detach(tensor);
      const result = to(data, wanted as ToOptions);
      if (result === data) return tensor;
      return tensor instanceof Parameter ? new Parameter(result, tensor.requiresGrad) : result;
    };
    for (const module of this.modules())
      for (const [name, value] of Object.entries(module)) {
        if (!(value instanceof Parameter) && !(module.#buffers.has(name) && isTensor(value))) continue;
        const tensor: Tensor = value;
        if (!moved.has(tensor))
          moved.set(
            tensor,
            outsideScopes(() => move(tensor)),
          );
        Reflect.set(module, name, moved.get(tensor));
      }
    return this;
  }

  // ---- text ----

  /** What `toString` puts between the parentheses. */
  extraRepr(): string {
    return '';
  }

  /** The tree of modules, as PyTorch prints it. */
  override toString(): string {
    return this.#text([]);
  }

  #text(above: readonly Module[]): string {
    const path = [...above, this];
    const children = this.namedChildren().map(([name, module]) => {
      const text = path.includes(module) ? `${module.constructor.name}(…)` : module.#text(path);
      return `  (${name}): ${text.replaceAll('\n', '\n  ')}`;
    });
    const extra = this.extraRepr();
    const inner = children.length === 0 ? extra : `${extra === '' ? '' : `\n  ${extra}`}\n${children.join('\n')}\n`;
    return `${this.constructor.name}(${inner})`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
