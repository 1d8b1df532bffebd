/**
 * What all optimizers share: parameter groups, their state, saving and loading. An optimizer itself is a
 * list of settings and one function that updates one parameter; start with `sgd.ts`.
 *
 * What changes from step to step (learning rate, step counts) lives in tensors, so that a compiled step
 * sees the changes.
 */
import { gradMode, noGrad } from '../autograd/mode.ts';
import { ArgumentError, AutogradError, DTypeError, describe, formatShape } from '../errors.ts';
import { neg } from '../generated/elementwise.ts';
import { expectReadable, inFlight } from '../memory/flight.ts';
import { keep, outsideScopes } from '../memory/scope.ts';
import type { Heap } from '../memory/storage.ts';
import { fillWith } from '../ops/convert.ts';
import { observer, unobserved } from '../program/observer.ts';
import { finished } from '../program/setting.ts';
import { allocateOne, dropGrads, expectChangeable } from '../tensor/create.ts';
import type { DType } from '../tensor/dtype.ts';
import type { Shape } from '../tensor/layout.ts';
import { checkOptions } from '../tensor/options.ts';
import { dtypeOf, gradientOf, isTensor, nodeOf, shapeOf, storageOf, type Tensor } from '../tensor/tensor.ts';
import { type Check, listOf, listParameters, type Parameters } from './arguments.ts';
import { checkStateDict, copyState, type OptimizerStateDict } from './state.ts';

/** Settings that every optimizer has. */
export interface BaseOptions {
  /** Learning rate. */
  lr?: number;
  /** Climb instead of descend. */
  maximize?: boolean;
}

/** Parameters with settings of their own; those left out are the optimizer's. */
export type GroupOptions<O extends BaseOptions> = O & { params: Parameters };

/** A group as it is kept: every setting has a value and may be changed between steps. */
export type ParamGroup<O extends BaseOptions> = Required<O> & { params: Tensor[] };

/** What an optimizer remembers of one parameter: `step` (float64 []) and buffers of the parameter's shape. */
export type ParamState = Record<string, Tensor>;

/** What each setting may be. */
export type Checks<O> = { readonly [K in keyof Required<O>]: Check };

export abstract class Optimizer<O extends BaseOptions = BaseOptions> {
  /** The groups; settings in them may be changed between steps. */
  readonly paramGroups: ParamGroup<O>[] = [];
  /** Settings of groups that do not say otherwise. */
  readonly defaults: Required<O>;
  readonly #name: string;
  readonly #checks: Checks<O>;
  readonly #state = new Map<Tensor, ParamState>();
  readonly #rates = new Map<ParamGroup<O>, Map<Heap, Tensor>>();
  /** Grows when groups are added and states replaced. */
  #revision = 0;

  /** @internal Called by the optimizers, with their name, their defaults and what each setting may be. */
  constructor(
    name: string,
    params: Parameters | Iterable<GroupOptions<O>>,
    options: O,
    defaults: Required<O>,
    checks: Checks<O>,
  ) {
    if (new.target === Optimizer)
      throw new ArgumentError('Optimizer', 'is what optimizers extend; construct one of them');
    this.#name = name;
    this.#checks = checks;
    this.defaults = this.#complete(options, defaults, []);
    const list = listOf(name, params);
    if (list.length === 0) throw new ArgumentError(name, 'wants parameters, or groups of them, to optimize, got none');
    if (list.every((item) => isTensor(item))) this.addParamGroup({ params: list } as unknown as GroupOptions<O>);
    else for (const group of list) this.addParamGroup(group as GroupOptions<O>);
  }

  /** Settings from what is given and what is not, checked. */
  #complete(options: unknown, defaults: Required<O>, extra: readonly string[]): Required<O> {
    const known = Object.keys(this.#checks);
    const given = checkOptions(this.#name, options, [...known, ...extra]);
    const complete = { ...defaults } as Record<string, unknown>;
    for (const name of known) if (given[name] !== undefined) complete[name] = given[name];
    this.#validate(complete);
    return complete as Required<O>;
  }

  #validate(settings: Record<string, unknown>): void {
    for (const [key, { test, range }] of Object.entries<Check>(this.#checks))
      if (!test(settings[key]))
        throw new ArgumentError(this.#name, `${key} is ${range}, got ${describe(settings[key])}`);
    this.checkTogether(settings as Required<O>);
  }

  /** @internal Settings may have been changed since they were checked. */
  protected validate(group: ParamGroup<O>): void {
    this.#validate(group as unknown as Record<string, unknown>);
  }

  /** What looking at single settings cannot tell. */
  protected checkTogether(_settings: Required<O>): void {}

  /** Adds parameters with settings of their own, for instance layers that are thawed during training. */
  addParamGroup(group: GroupOptions<O>): void {
    const op = this.#name;
    if (typeof group !== 'object' || group === null || isTensor(group))
      throw new ArgumentError(op, `a group is an object with params, got ${describe(group)}`);
    const params = listParameters(op, group.params);
    if (params.length === 0) throw new ArgumentError(op, 'a group without parameters');
    const taken = new Set(this.paramGroups.flatMap((other) => other.params));
    for (const parameter of params) {
      if (!parameter.isLeaf)
        throw new AutogradError(
          op,
          `only leaves can be optimized, one parameter is a result of '${nodeOf(parameter)?.name}'`,
        );
      if (!parameter.isFloatingPoint)
        throw new DTypeError(op, `only float32 and float64 tensors can be optimized, got ${dtypeOf(parameter)}`);
      if (taken.has(parameter))
        throw new ArgumentError(op, `a parameter of shape ${formatShape(shapeOf(parameter))} appears twice`);
      taken.add(parameter);
    }
    const complete = { ...this.#complete(group, this.defaults, ['params']), params } as ParamGroup<O>;
    this.#exposeRate(complete);
    this.paramGroups.push(complete);
    this.#revision++;
  }

  /** Makes setting `group.lr` write the rate to where kernels read it. */
  #exposeRate(group: ParamGroup<O>): void {
    const rates = new Map<Heap, Tensor>();
    let lr = group.lr as number;
    this.#rates.set(group, rates);
    const { test, range } = this.#checks.lr;
    Object.defineProperty(group, 'lr', {
      enumerable: true,
      get: () => lr,
      set: (value: number) => {
        if (!test(value)) throw new ArgumentError(this.#name, `lr is ${range}, got ${describe(value)}`);
        if (value === lr) return;
        expectChangeable(this.#name, rates.values());
        observer()?.intervened(this.#name, 'lr was set');
        lr = value;
        for (const rate of rates.values()) storageOf(rate).view('float64', 0, 1)[0] = value;
      },
    });
  }

  #rateOn(group: ParamGroup<O>, heap: Heap): Tensor {
    const rates = this.#rates.get(group) as Map<Heap, Tensor>;
    const known = rates.get(heap);
    if (known) return known;
    const rate = this.#lasting(heap, 'float64', [], group.lr as number);
    rates.set(heap, rate);
    return rate;
  }

  /** A new tensor that no scope frees. */
  #lasting(heap: Heap, dtype: DType, shape: Shape, value: number): Tensor {
    return unobserved(() => {
      const out = keep(outsideScopes(() => allocateOne(this.#name, heap, dtype, shape)));
      fillWith(this.#name, out, value);
      return out;
    });
  }

  /** @internal Names of the buffers of a parameter's shape that a group's settings ask for. */
  protected abstract buffers(group: ParamGroup<O>): readonly string[];

  /** @internal What a buffer starts with. */
  protected initial(_name: string, _group: ParamGroup<O>): number {
    return 0;
  }

  /** @internal Updates one parameter in place; `rate` is a float64 [] tensor. */
  protected abstract update(
    parameter: Tensor,
    gradient: Tensor,
    state: ParamState,
    rate: Tensor,
    group: ParamGroup<O>,
  ): void;

  #stateOf(parameter: Tensor, group: ParamGroup<O>): ParamState {
    const { heap } = storageOf(parameter);
    let state = this.#state.get(parameter);
    if (state === undefined) {
      state = { step: this.#lasting(heap, 'float64', [], 0) };
      this.#state.set(parameter, state);
    }
    for (const name of this.buffers(group))
      state[name] ??= this.#lasting(heap, dtypeOf(parameter), shapeOf(parameter), this.initial(name, group));
    return state;
  }

  /**
   * Updates every parameter that has a gradient.
   * @param closure Computes the loss and its gradients first; its value is returned.
   */
  step(): undefined;
  step<T>(closure: () => T): T;
  step<T>(closure?: () => T): T | undefined {
    if (closure !== undefined && typeof closure !== 'function')
      throw new ArgumentError(this.#name, `step wants a function, got ${describe(closure)}`);
    observer()?.guard(this, () => this.#unchanged());
    if (inFlight()) this.#expectLanded();
    const loss = closure === undefined ? undefined : this.evaluate(closure);
    noGrad(() => {
      for (const group of this.paramGroups) {
        this.validate(group);
        for (const parameter of group.params) {
          const grad = gradientOf(parameter);
          if (grad === null) continue;
          const rate = this.#rateOn(group, storageOf(parameter).heap);
          const gradient = group.maximize === true ? neg(grad) : grad;
          this.update(parameter, gradient, this.#stateOf(parameter, group), rate, group);
          if (gradient !== grad) gradient.dispose();
        }
      }
    });
    return loss;
  }

  /** Checks before the first parameter is changed that all may be. */
  #expectLanded(): void {
    for (const parameter of this.paramGroups.flatMap((group) => group.params)) {
      expectChangeable(this.#name, [parameter, ...Object.values(this.#state.get(parameter) ?? {})]);
      const grad = unobserved(() => gradientOf(parameter));
      if (grad !== null) expectReadable(this.#name, storageOf(grad));
    }
  }

  /** @internal Calls a closure with gradients on. */
  protected evaluate<T>(closure: () => T): T {
    return finished(
      this.#name,
      gradMode.during(true, closure),
      'compute the loss and its gradients first, and call step() when they are there',
    );
  }

  /** What a recorded step took for granted: every setting but the learning rate, which is a tensor. */
  #unchanged(): () => string | null {
    const revision = this.#revision;
    const names = Object.keys(this.#checks).filter((name) => name !== 'lr');
    const values = this.paramGroups.map((group) => names.map((name) => group[name as keyof ParamGroup<O>]));
    const counts = this.paramGroups.map(({ params }) => params.length);
    return () => {
      if (revision !== this.#revision) return `groups or states of ${this.#name} changed`;
      for (let g = 0; g < values.length; g++) {
        const group = this.paramGroups[g] as ParamGroup<O>;
        if (group.params.length !== counts[g]) return `the parameters of ${this.#name} changed`;
        for (let i = 0; i < names.length; i++)
          if (group[names[i] as keyof ParamGroup<O>] !== (values[g] as unknown[])[i])
            return `${names[i]} of ${this.#name} changed`;
      }
      return null;
    };
  }

  /**
   * Sets all gradients to null and frees their memory at once, for the next backward to use. The tensors that `grad` gave, or was
   * given, are disposed of with them; `grad = null` leaves those to whoever has them.
   */
  zeroGrad(): void {
    dropGrads(this.paramGroups.flatMap((group) => group.params));
  }

  /** Settings of the groups and state of the parameters, numbered in the groups' order. The tensors are the ones in use, not copies. */
  stateDict(): OptimizerStateDict {
    const state: OptimizerStateDict['state'] = {};
    let index = 0;
    const paramGroups = this.paramGroups.map((group) => ({
      ...group,
      params: group.params.map((parameter) => {
        const own = this.#state.get(parameter);
        if (own !== undefined) state[index] = { ...own };
        return index++;
      }),
    }));
    return { state, paramGroups };
  }

  /**
   * Takes over what `stateDict` returned, by copying. Parameters are matched by their place in the groups.
   * @throws StateError that lists everything that does not fit; nothing is loaded then.
   */
  loadStateDict(dict: OptimizerStateDict): void {
    const op = this.#name;
    const loaded = checkStateDict(op, dict, this.paramGroups, Object.keys(this.#checks));
    for (const settings of loaded.settings) this.#validate({ ...this.defaults, ...settings });
    if (inFlight()) this.#expectLanded();
    this.#revision++;
    for (const [i, settings] of loaded.settings.entries()) Object.assign(this.paramGroups[i] as object, settings);
    for (const { params } of this.paramGroups)
      for (const parameter of params) {
        const own = this.#state.get(parameter) ?? {};
        const given = loaded.state.get(parameter);
        if (given !== undefined) this.#state.set(parameter, copyState(op, parameter, given, own));
        else {
          for (const tensor of Object.values(own)) tensor.dispose();
          this.#state.delete(parameter);
        }
      }
  }
}
