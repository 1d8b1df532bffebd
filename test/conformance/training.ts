/** Runs recorded trajectories: optimizers on a small problem, and learning-rate schedules. All in float64. */
import { add, matmul, square, sub, sum, type Tensor, tanh, tensor } from 'cotangent';
import * as optim from 'cotangent/optim';
import { camelCase, type Keywords } from './adapter.ts';
import { compare, type Judgement, Mismatch } from './format.ts';

/** Where a run stands after a number of steps; `loss` is that of the closure's first evaluation in the last one. */
interface Point {
  step: number;
  loss: number;
  w: number[];
  b: number[];
}

export interface OptimizerRun {
  optimizer: string;
  kwargs: Record<string, unknown>;
  trajectory: Point[];
}

/** loss = Σ (tanh(A · w + b) − y)² and the runs on it. */
export interface OptimizerFile {
  problem: string;
  A: number[][];
  y: number[];
  w: number[];
  b: number[];
  runs: OptimizerRun[];
}

export interface SchedulerRun {
  scheduler: string;
  kwargs: Record<string, unknown>;
  baseLr: number;
  metrics?: number[];
  lrs: number[];
}

const JUDGEMENT: Judgement = { precision: 'float64', scale: 1, floating: 'float64' };

interface Optimizer {
  step(closure?: () => Tensor): unknown;
  zeroGrad(): void;
  readonly paramGroups: readonly { lr: number }[];
}

interface Scheduler {
  step(metric?: number): void;
}

/** A class of `cotangent/optim`, by name. */
function classOf<T>(name: string): new (...args: unknown[]) => T {
  const found = (optim as unknown as Readonly<Record<string, unknown>>)[name];
  if (typeof found !== 'function') throw new Mismatch(`no ${name}`);
  return found as new (
    ...args: unknown[]
  ) => T;
}

/** Settings that are called otherwise here. */
const RENAMED: Readonly<Record<string, string>> = { line_search_fn: 'lineSearch' };

const options = (kwargs: Keywords): Keywords =>
  Object.fromEntries(
    Object.entries(kwargs).map(([key, value]) => [
      RENAMED[key] ?? camelCase(key),
      value === 'strong_wolfe' ? 'strong-wolfe' : value,
    ]),
  );

/** @throws Mismatch where the library differs, or whatever the library throws. */
export function runOptimizer({ optimizer: name, kwargs, trajectory }: OptimizerRun, problem: OptimizerFile): void {
  const constant = (values: number[] | number[][]) => tensor(values, { dtype: 'float64' });
  const [A, y] = [constant(problem.A), constant(problem.y)];
  const [w, b] = [constant(problem.w).requiresGrad_(), constant(problem.b).requiresGrad_()];
  const optimizer = new (classOf<Optimizer>(name))([w, b], options(kwargs));
  const losses: number[] = [];
  const closure = () => {
    optimizer.zeroGrad();
    const loss = sum(square(sub(tanh(add(matmul(A, w), b)), y)));
    loss.backward();
    losses.push(loss.item());
    return loss;
  };
  let done = 0;
  for (const point of trajectory) {
    for (; done < point.step; done++) {
      losses.length = 0;
      optimizer.step(closure);
    }
    const where = `${name} ${JSON.stringify(kwargs)} step ${point.step}`;
    compare(losses[0], point.loss, `${where} loss`, JUDGEMENT);
    compare(Array.from(w.data(), Number), point.w, `${where} w`, JUDGEMENT);
    compare(Array.from(b.data(), Number), point.b, `${where} b`, JUDGEMENT);
  }
}

/** @throws Mismatch where the library differs, or whatever the library throws. */
export function runScheduler({ scheduler: name, kwargs, baseLr, metrics, lrs }: SchedulerRun): void {
  const parameter = tensor([1], { dtype: 'float64', requiresGrad: true });
  const optimizer = new (classOf<Optimizer>('SGD'))([parameter], { lr: baseLr });
  const scheduler = new (classOf<Scheduler>(name))(optimizer, options(kwargs));
  for (const [i, want] of lrs.entries()) {
    compare(optimizer.paramGroups[0]?.lr, want, `${name} step ${i}`, JUDGEMENT);
    optimizer.step();
    scheduler.step(metrics?.[i]);
  }
}
