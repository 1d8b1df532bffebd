/**
 * What all methods share while they run: the options, the path, the callback, the last word. A method is a function
 * that moves a `Run` from point to point and says why it stops.
 */
import { ArgumentError, ConvergenceError, describe } from '../../errors.ts';
import { keep, outsideScopes } from '../../memory/scope.ts';
import { checkOptions } from '../../tensor/options.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { AbortSignalLike } from '../../webtypes.ts';
import type { Evaluations, Objective } from './objective.ts';
import { norm } from './vectors.ts';

/** What a callback is told after every iteration. */
export interface MinimizeStep {
  /** 1 for the first. */
  iteration: number;
  /** [n], float64. */
  point: Tensor;
  value: number;
  /** Euclidean norm of the gradient. */
  gradientNorm: number;
}

/** What all methods take. */
export interface IterationOptions {
  /**
   * Accuracy: 1e-10 by default. The search ends when its model of the function promises to lower the value by less than
   * tol² of its size, which puts the point about tol from the minimum, in the units in which the function is curved.
   */
  tol?: number;
  /** How many steps may be taken; the default depends on the method. */
  maxIterations?: number;
  /** Told about every step; `false` ends the search, with the point it has reached as its result. */
  callback?: (step: MinimizeStep) => void | boolean;
  /** Ends the search by throwing `signal.reason`. */
  signal?: AbortSignalLike;
}

/**
 * Why a search ended: the function is flat ('gradient'), no further step can be told from rounding ('precision'), or the
 * callback said so.
 */
export type StopReason = 'gradient' | 'precision' | 'callback';

/** What a search has found. */
export interface MinimizeResult {
  /** [n], float64. */
  point: Tensor;
  value: number;
  /** Euclidean norm of the gradient. */
  gradientNorm: number;
  iterations: number;
  evaluations: Evaluations;
  /** The start and the point after every iteration, [iterations + 1, n]. */
  path: Tensor;
  /** The values along the path. */
  values: number[];
  reason: StopReason;
}

/** Options after checking. */
export interface Settings {
  tol: number;
  maxIterations: number | undefined;
  callback: ((step: MinimizeStep) => void | boolean) | undefined;
  signal: AbortSignalLike | undefined;
}

const NAMES = ['tol', 'maxIterations', 'callback', 'signal'] as const;
const DEFAULT_TOL = 1e-10;

/** @throws ArgumentError that names the option. */
export function checkSettings(op: string, options: unknown, extra: readonly string[] = []): Settings {
  const { tol = DEFAULT_TOL, maxIterations, callback, signal } = checkOptions(op, options, [...NAMES, ...extra]);
  if (typeof tol !== 'number' || !(tol >= 0 && tol < 1))
    throw new ArgumentError(op, `tol is a number of at least 0 and less than 1, got ${describe(tol)}`);
  if (maxIterations !== undefined && !(Number.isInteger(maxIterations) && (maxIterations as number) >= 0))
    throw new ArgumentError(op, `maxIterations is a whole number of at least 0, got ${describe(maxIterations)}`);
  if (callback !== undefined && typeof callback !== 'function')
    throw new ArgumentError(op, `callback is a function, got ${describe(callback)}`);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new ArgumentError(op, `signal is an AbortSignal, got ${describe(signal)}`);
  return { tol, maxIterations: maxIterations as number | undefined, callback, signal } as Settings;
}

/** Where a search is. */
interface Place {
  x: Float64Array;
  value: number;
  gradient: Float64Array;
}

/** A search under way. */
export class Run {
  readonly objective: Objective;
  readonly op: string;
  readonly #settings: Settings;
  readonly #maxIterations: number;
  readonly #path: Float64Array[] = [];
  readonly #values: number[] = [];
  #place: Place;
  #startValue: number;

  /** @throws ArgumentError unless value and gradient at the start are finite. */
  constructor(objective: Objective, settings: Settings, defaultIterations: number, place: Place) {
    this.objective = objective;
    this.op = objective.op;
    this.#settings = settings;
    this.#maxIterations = settings.maxIterations ?? defaultIterations;
    this.#place = place;
    this.#startValue = place.value;
    if (!Number.isFinite(place.value)) throw new ArgumentError(this.op, `the function is ${place.value} at the start`);
    if (!place.gradient.every(Number.isFinite))
      throw new ArgumentError(this.op, `the gradient is ${describe(Array.from(place.gradient))} at the start`);
    this.#record();
  }

  get place(): Readonly<Place> {
    return this.#place;
  }

  get iterations(): number {
    return this.#path.length - 1;
  }

  /** What counts as nothing in values of the function here: the accuracy asked for, with a floor for minima that are zero. */
  get negligible(): number {
    const { tol } = this.#settings;
    return tol * tol * Math.max(Math.abs(this.#place.value), tol * Math.abs(this.#startValue));
  }

  #record(): void {
    this.#path.push(this.#place.x);
    this.#values.push(this.#place.value);
  }

  /** Goes to the next point; returns whether the callback wants to go on. */
  move(place: Place): boolean {
    this.#place = place;
    this.#record();
    const { callback, signal } = this.#settings;
    signal?.throwIfAborted();
    if (callback === undefined) return true;
    const { x, value, gradient } = place;
    const step = { iteration: this.iterations, point: this.objective.tensor(x), value, gradientNorm: norm(gradient) };
    const proceed = callback(step) !== false;
    signal?.throwIfAborted();
    return proceed;
  }

  /** Whether all iterations are used up. */
  get exhausted(): boolean {
    return this.iterations >= this.#maxIterations;
  }

  /** @throws ConvergenceError when all iterations are used up. */
  expectMore(): void {
    if (this.exhausted) throw this.failure(`no convergence within ${this.#maxIterations} iterations`);
  }

  /** @throws ConvergenceError unless the value could at most be lowered by what rounding explains. */
  stuck(decrease: number): StopReason {
    const { value } = this.#place;
    // The square root of the machine epsilon: what a value computed with cancellation may be worth.
    const limit =
      Math.sqrt(Number.EPSILON) * Math.max(Math.abs(value), this.#settings.tol * Math.abs(this.#startValue));
    if (decrease <= limit) return 'precision';
    throw this.failure('no step lowers the value, though the gradient says that one should');
  }

  /** The error that carries what was found. */
  failure(message: string): ConvergenceError {
    const best = outsideScopes(() => this.result('precision'));
    keep(best.point);
    keep(best.path);
    const text = `${message}; the best value is ${best.value}, with a gradient of norm ${best.gradientNorm}`;
    return new ConvergenceError(this.op, text, { best, iterations: this.iterations });
  }

  result(reason: StopReason): MinimizeResult {
    const { x, value, gradient } = this.#place;
    const n = x.length;
    const path = new Float64Array(this.#path.length * n);
    for (const [k, point] of this.#path.entries()) path.set(point, k * n);
    return {
      point: this.objective.tensor(x),
      value,
      gradientNorm: norm(gradient),
      iterations: this.iterations,
      evaluations: { ...this.objective.counts },
      path: this.objective.tensor(path, [this.#path.length, n]),
      values: [...this.#values],
      reason,
    };
  }
}
