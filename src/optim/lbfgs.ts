/** L-BFGS as an optimizer: each step is a small minimisation of its own, which calls the closure many times. */
import { noGrad } from '../autograd/mode.ts';
import { ArgumentError, describe, StateError } from '../errors.ts';
import { scope } from '../memory/scope.ts';
import { copy_ } from '../ops/convert.ts';
import { fromArray } from '../ops/creation.ts';
import { observer } from '../program/observer.ts';
import { expectChangeable } from '../tensor/create.ts';
import { gradientOf, isTensor, type Tensor } from '../tensor/tensor.ts';
import { type Check, flag, nonNegative, type Parameters } from './arguments.ts';
import { strongWolfe, type Trial } from './minimize/linesearch.ts';
import { type Pair, twoLoop } from './minimize/twoloop.ts';
import { dot, plus } from './minimize/vectors.ts';
import { type BaseOptions, type Checks, type GroupOptions, Optimizer } from './optimizer.ts';
import type { OptimizerStateDict } from './state.ts';

/** Settings of `LBFGS`. */
export interface LBFGSOptions extends BaseOptions {
  /** Iterations of one step. */
  maxIter?: number;
  /** Calls of the closure in one step; 1¼ times `maxIter` by default. */
  maxEval?: number | null;
  /** A step ends when no element of the gradient is larger. */
  toleranceGrad?: number;
  /** A step ends when parameters and loss change by less. */
  toleranceChange?: number;
  /** Iterations that are remembered. */
  historySize?: number;
  /** How far to go: by a search for the strong Wolfe conditions, or always by the learning rate. */
  lineSearch?: 'strong-wolfe' | null;
}

const count: Check = {
  test: (value) => Number.isInteger(value) && (value as number) > 0,
  range: 'a positive whole number',
};
const CHECKS: Checks<LBFGSOptions> = {
  lr: nonNegative,
  maximize: flag,
  maxIter: count,
  maxEval: { test: (value) => value === null || count.test(value), range: 'a positive whole number, or null' },
  toleranceGrad: nonNegative,
  toleranceChange: nonNegative,
  historySize: count,
  lineSearch: { test: (value) => value === null || value === 'strong-wolfe', range: "'strong-wolfe' or null" },
};

const DEFAULTS: Required<LBFGSOptions> = {
  lr: 1,
  maximize: false,
  maxIter: 20,
  maxEval: null,
  toleranceGrad: 1e-7,
  toleranceChange: 1e-9,
  historySize: 100,
  lineSearch: null,
};

/** Less curvature than this along a step is not remembered (torch.optim.LBFGS). */
const LEAST_CURVATURE = 1e-10;
const MAX_TRIALS = 25;

const largest = (a: Float64Array): number => a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const sumOfSizes = (a: Float64Array): number => a.reduce((sum, value) => sum + Math.abs(value), 0);

/**
 * L-BFGS (Liu and Nocedal 1989), as torch.optim.LBFGS: `step(closure)` calls the closure, which computes the loss and its
 * gradients, until the step's iterations are used up or a tolerance is met.
 *
 * It decides by the values it sees, so it cannot be part of a compiled function; the closure can be one. Vectors are kept in
 * float64 whatever the parameters are.
 */
export class LBFGS extends Optimizer<LBFGSOptions> {
  #history: Pair[] = [];
  #iterations = 0;
  /** The gradient at the last iteration, and what it moved. */
  #gradient: Float64Array | null = null;
  #step: Float64Array | null = null;

  /**
   * @param params Tensors, or one group `{ params, lr, … }` of them.
   * @throws ArgumentError for settings out of range, more than one group, parameters that are none or appear twice.
   */
  constructor(params: Parameters | Iterable<GroupOptions<LBFGSOptions>>, options: LBFGSOptions = {}) {
    super('LBFGS', params, options, DEFAULTS, CHECKS);
  }

  override addParamGroup(group: GroupOptions<LBFGSOptions>): void {
    if (this.paramGroups.length > 0)
      throw new ArgumentError('LBFGS', 'all parameters share one history, so there can be only one group');
    super.addParamGroup(group);
  }

  protected buffers(): readonly string[] {
    return [];
  }

  protected update(): void {
    throw new ArgumentError('LBFGS', 'step moves all parameters together');
  }

  get #settings() {
    const group = this.paramGroups[0] as (typeof this.paramGroups)[number];
    this.validate(group);
    return group;
  }

  /**
   * Moves all parameters.
   * @param closure Sets gradients to zero, computes the loss, calls backward and returns the loss, a tensor of one element.
   * @returns The loss before the step.
   * @throws ArgumentError without a closure that returns a loss; CompileError while a compiled function is recorded.
   */
  override step(): never;
  override step<T>(closure: () => T): T;
  override step<T>(closure?: () => T): T {
    if (typeof closure !== 'function')
      throw new ArgumentError('LBFGS', `step wants a function that computes the loss, got ${describe(closure)}`);
    expectChangeable('LBFGS', this.#params);
    observer()?.intervened('LBFGS', 'a step decided by values how to go on');
    const settings = this.#settings;
    const { lr, maxIter, toleranceGrad, toleranceChange, historySize, lineSearch } = settings;
    const maxEval = settings.maxEval ?? Math.floor((maxIter * 5) / 4);
    const sign = settings.maximize ? -1 : 1;
    let evaluations = 0;
    const evaluate = (): { value: number; gradient: Float64Array; result: T } => {
      evaluations++;
      const result = this.evaluate(closure);
      if (!isTensor(result) || result.size !== 1)
        throw new ArgumentError(
          'LBFGS',
          `the closure returns the loss, a tensor of one element, got ${describe(result)}`,
        );
      return { value: sign * result.item(), gradient: this.#gradients(sign), result };
    };
    const first = evaluate();
    let { value, gradient } = first;
    if (largest(gradient) <= toleranceGrad) return first.result;
    for (let k = 1; ; k++) {
      this.#iterations++;
      this.#remember(gradient, historySize);
      const direction = twoLoop(this.#history, gradient).map((d) => -d);
      this.#gradient = gradient;
      const slope = dot(gradient, direction);
      if (slope > -toleranceChange) break;
      let t = this.#iterations === 1 ? Math.min(1, 1 / sumOfSizes(gradient)) * lr : lr;
      const before = value;
      if (lineSearch === 'strong-wolfe') {
        const start = this.#parameters();
        const along = (distance: number): Trial => {
          this.#assign(plus(start, direction, distance));
          const there = evaluate();
          return { t: distance, value: there.value, gradient: there.gradient, slope: dot(there.gradient, direction) };
        };
        const found = strongWolfe(along, { t: 0, value, gradient, slope }, t, {
          size: largest(direction),
          tolerance: toleranceChange,
          maxTrials: MAX_TRIALS,
        });
        ({ t, value, gradient } = found);
        this.#assign(plus(start, direction, t));
      } else {
        this.#assign(plus(this.#parameters(), direction, t));
        if (k < maxIter) ({ value, gradient } = evaluate());
      }
      this.#step = direction.map((d) => d * t);
      if (k === maxIter || evaluations >= maxEval) break;
      if (largest(gradient) <= toleranceGrad || largest(this.#step) <= toleranceChange) break;
      if (Math.abs(value - before) < toleranceChange) break;
    }
    return first.result;
  }

  /** Adds what the last iteration has shown of the curvature. */
  #remember(gradient: Float64Array, historySize: number): void {
    if (this.#gradient === null || this.#step === null) return;
    const change = plus(gradient, this.#gradient, -1);
    const curvature = dot(change, this.#step);
    if (curvature <= LEAST_CURVATURE) return;
    this.#history.push({ step: this.#step, change, curvature });
    while (this.#history.length > historySize) this.#history.shift();
  }

  get #params(): readonly Tensor[] {
    return this.paramGroups[0]?.params ?? [];
  }

  #flat(numbers: (parameter: Tensor) => ArrayLike<number> | null): Float64Array {
    const out = new Float64Array(this.#params.reduce((sum, { size }) => sum + size, 0));
    let at = 0;
    for (const parameter of this.#params) {
      const own = numbers(parameter);
      if (own !== null) out.set(own, at);
      at += parameter.size;
    }
    return out;
  }

  #gradients(sign: number): Float64Array {
    const flat = this.#flat((parameter) => (gradientOf(parameter)?.data() ?? null) as Float64Array | null);
    return sign > 0 ? flat : flat.map((value) => -value);
  }

  #parameters(): Float64Array {
    return this.#flat((parameter) => parameter.data() as Float64Array);
  }

  /** The part of a vector that belongs to each parameter, as a tensor like it. */
  #parts(vector: Float64Array): Tensor[] {
    let at = 0;
    return this.#params.map(({ size, shape, dtype, backend }) => {
      const part = vector.slice(at, at + size);
      at += size;
      return fromArray(part, shape, { dtype, backend });
    });
  }

  #assign(vector: Float64Array): void {
    noGrad(() =>
      scope(() => {
        for (const [i, part] of this.#parts(vector).entries()) copy_(this.#params[i] as Tensor, part);
      }),
    );
  }

  /** Every vector that is kept, by name. */
  #vectors(): Record<string, Float64Array> {
    if (this.#gradient === null || this.#step === null) return {};
    const pairs = this.#history.flatMap(({ step, change }, k) => [
      [`step${k}`, step],
      [`change${k}`, change],
    ]);
    return Object.fromEntries([['lastGradient', this.#gradient], ['lastStep', this.#step], ...pairs]);
  }

  /** Settings, and copies of what is remembered: `step0`, `change0` and so on, and the last of each, in parts like the parameters. */
  override stateDict(): OptimizerStateDict {
    const { paramGroups } = super.stateDict();
    const state: OptimizerStateDict['state'] = {};
    for (const [i, { backend }] of this.#params.entries())
      if (this.#iterations > 0) state[i] = { step: fromArray(Float64Array.of(this.#iterations), [], { backend }) };
    for (const [name, vector] of Object.entries(this.#vectors()))
      for (const [i, part] of this.#parts(vector).entries()) (state[i] as Record<string, Tensor>)[name] = part;
    return { state, paramGroups };
  }

  override loadStateDict(dict: OptimizerStateDict): void {
    super.loadStateDict(dict);
    const entries = this.#params.map((_, i) => dict.state[i] ?? {});
    // What the base class has copied is of no use here.
    super.loadStateDict({ ...dict, state: {} });
    const read = (name: string): Float64Array | null => {
      const parts = entries.map((entry) => entry[name]);
      if (parts.every((part) => part === undefined)) return null;
      let i = 0;
      return this.#flat(() => {
        const part = parts[i++];
        if (part === undefined) throw new StateError('LBFGS', `${name} is missing for parameter ${i - 1}`);
        return part.data() as Float64Array;
      });
    };
    const history: Pair[] = [];
    for (let k = 0; ; k++) {
      const [step, change] = [read(`step${k}`), read(`change${k}`)];
      if (step === null || change === null) break;
      history.push({ step, change, curvature: dot(step, change) });
    }
    const { step } = entries[0] ?? {};
    [this.#gradient, this.#step] = [read('lastGradient'), read('lastStep')];
    this.#history = history;
    this.#iterations = step === undefined ? 0 : step.item();
  }
}
