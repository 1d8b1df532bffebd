/**
 * Random programs for the gradient tests: a pool of tensors that grows by smooth ops, chains of views, ops of several outputs of which
 * only some are used, and changes in place, also of views of views. Everything is a sketch of plain numbers, so that fast-check can
 * shrink and print it.
 */
import { cat, customFunction, stack, type Tensor } from 'cotangent';
import fc from 'fast-check';
import { numbers } from './functions.ts';

/** One step: its name, which tensors of the pool it takes, a number that chooses among variants, which outputs are used. */
export interface Step {
  name: string;
  from: [number, number];
  at: number;
  used: number;
}

export interface Program {
  seed: number;
  steps: Step[];
  /** Which tensors of the pool the result is made of. */
  ends: number[];
  /** Whose gradient is retained, and who has a hook. */
  watched: number;
}

/** What steps may grow a tensor to. */
const MOST_ELEMENTS = 30;
/** Tensors have at most 8 dimensions; one that a step takes leaves room for another. */
const MOST_DIMENSIONS = 8;

/** The elements of `y`, repeated as needed, in another shape. */
function stretch(y: Tensor, shape: readonly number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const flat = y.flatten();
  const times = Math.ceil(size / flat.size);
  return (times > 1 ? cat(new Array<Tensor>(times).fill(flat)) : flat).narrow(0, 0, size).reshape(shape);
}

const VIEWS: readonly ((x: Tensor, dim: number, at: number) => Tensor)[] = [
  (x, dim, at) => x.select(dim, at % (x.shape[dim] as number)),
  (x, dim, at) =>
    x.narrow(
      dim,
      at % (x.shape[dim] as number),
      1 + ((at >> 2) % ((x.shape[dim] as number) - (at % (x.shape[dim] as number)))),
    ),
  (x, dim) => x.transpose(dim, -1),
  (x, _, at) => x.permute(x.shape.map((_, d) => (d + at) % x.ndim)),
  (x, dim) => x.unsqueeze(dim),
  (x, dim, at) => x.slice(dim, at % (x.shape[dim] as number), null, 2),
  (x, dim) => (x.ndim < 2 ? x : x.diagonal(0, dim, (dim + 1) % x.ndim)),
  (x) => x.squeeze(),
  (x, dim, at) => x.movedim(dim, at % x.ndim),
  (x, dim) => x.unflatten(dim, [1, -1]),
];
/** Up to four views, one of the other. */
function viewOf(x: Tensor, at: number): Tensor {
  let view = x;
  for (let i = 0, code = at; i <= at % 4; i++, code = (code * 5 + 3) >> 1) {
    if (view.ndim === 0) view = view.unsqueeze(0);
    if (view.ndim === MOST_DIMENSIONS) break;
    view = (VIEWS[code % VIEWS.length] as (typeof VIEWS)[number])(view, (code >> 3) % view.ndim, code >> 1);
  }
  return view;
}

const ranked = (x: Tensor): Tensor => (x.ndim === 0 ? x.reshape([1]) : x);
/** Elements that are all different, as far as can be: where they are equal there is a kink. */
const apart = (x: Tensor): Tensor => ranked(x).add(numbers(ranked(x).shape, 31).mul(3));

const cubed = customFunction({
  name: 'cubed',
  forward(context, x: Tensor, y: Tensor) {
    context.saveForBackward(x, y);
    return x.pow(3).mul(y);
  },
  backward(context, g) {
    const [x, y] = context.savedTensors as [Tensor, Tensor];
    return [x.square().mul(3).mul(y).mul(g), x.pow(3).mul(g)];
  },
});

/** Ops of several outputs. */
const SEVERAL: Readonly<Record<string, (x: Tensor, dim: number, at: number) => readonly Tensor[]>> = {
  chunk: (x, dim, at) => x.chunk(1 + (at % 3), dim),
  split: (x, dim, at) => x.split(1 + (at % 2), dim),
  unbind: (x, dim) => x.unbind(dim),
  sort: (x, dim, at) => [apart(x).sort(dim, { descending: at % 2 === 0 }).values],
  topk: (x, dim, at) => [apart(x).topk(1 + (at % (x.shape[dim] as number)), dim).values],
  max: (x, dim) => [apart(x).max(dim).values, x.sin()],
  min: (x, dim) => [apart(x).min(dim, true).values],
  varMean: (x, dim) => [...cat([x, numbers(x.shape, 5)], dim).varMean(dim)],
  stdMean: (x, dim) => [...cat([x, numbers(x.shape, 6).add(2)], dim).stdMean(dim)],
  'chunk of a chunk': (x, dim) => x.chunk(2, dim).flatMap((part) => part.chunk(2, -1)),
};

/** Ops of one. Two-argument ones get a second tensor of the same shape. */
const ONE: Readonly<Record<string, (x: Tensor, y: Tensor, at: number) => Tensor>> = {
  tanh: (x) => x.tanh(),
  sin: (x) => x.sin(),
  sigmoid: (x) => x.sigmoid(),
  mul: (x, y) => x.mul(y).tanh(),
  'mul by itself': (x) => x.mul(x).mul(0.5),
  add: (x, y) => x.add(y).mul(0.7),
  sub: (x, y) => x.sub(y),
  div: (x, y) => x.div(y.square().add(1)),
  lerp: (x, y) => x.lerp(y, 0.3),
  hypot: (x, y) => x.hypot(y.add(2)),
  where: (x, y, at) => x.mul(0.5).add(y.mul(numbers(x.shape, at).gt(0).to('float64'))),
  views: (x, _, at) => viewOf(x, at),
  'views, copied': (x, _, at) => viewOf(x, at).contiguous().mul(1.1),
  sum: (x, _, at) =>
    ranked(x)
      .sum(at % ranked(x).ndim, at % 2 === 0)
      .tanh(),
  mean: (x) => x.mean(),
  logsumexp: (x, _, at) => ranked(x).logsumexp(at % ranked(x).ndim),
  norm: (x) => x.add(1.5).norm(),
  prod: (x) => x.add(1.5).mul(0.6).prod().tanh(),
  cumsum: (x, _, at) =>
    ranked(x)
      .cumsum(at % ranked(x).ndim)
      .mul(0.4),
  softmax: (x, _, at) => ranked(x).softmax(at % ranked(x).ndim),
  outer: (x, y) =>
    x
      .flatten()
      .narrow(0, 0, Math.min(5, x.size))
      .outer(y.flatten().narrow(0, 0, Math.min(5, x.size))),
  stack: (x, y) => stack([x, y, x]),
  cat: (x, y, at) => cat([ranked(x), ranked(y)], at % ranked(x).ndim),
  expand: (x) => x.expand([2, ...x.shape]),
  gather: (x, y, at) =>
    ranked(x).gather(at % ranked(x).ndim, numbers(ranked(y).shape, at).argsort(at % ranked(x).ndim)),
  scatterAdd: (x, y, at) =>
    ranked(x).scatterAdd(
      at % ranked(x).ndim,
      numbers(ranked(x).shape, at).argsort(at % ranked(x).ndim),
      ranked(y).sin(),
    ),
  custom: (x, y) => cubed(x.tanh(), y.tanh()),
};

/** Changes of a fresh tensor, through a view of views of it; what they make is the whole, or another view. */
const CHANGES: Readonly<Record<string, (view: Tensor, y: Tensor) => unknown>> = {
  mul_: (view, y) => view.mul_(y),
  add_: (view, y) => view.add_(y.sin()),
  copy_: (view, y) => view.copy_(y),
  sin_: (view) => view.sin_(),
  tanh_: (view) => view.tanh_(),
  fill_: (view) => view.fill_(0.3),
  sub_: (view, y) => view.sub_(y).mul_(0.5),
  div_: (view, y) => view.div_(y.square().add(1)),
  lerp_: (view, y) => view.lerp_(y, 0.4),
  'twice, through a view of it': (view, y) => {
    view.mul_(y);
    viewOf(view, 6).add_(0.25);
  },
};

const NAMES = [...Object.keys(ONE), ...Object.keys(ONE), ...Object.keys(SEVERAL), ...Object.keys(CHANGES), 'in place'];
const small = fc.nat(99);

export const programs: fc.Arbitrary<Program> = fc.record({
  seed: fc.integer({ min: 1, max: 1e6 }),
  steps: fc.array(
    fc.record({
      name: fc.constantFrom(...NAMES),
      from: fc.tuple(small, small),
      at: small,
      used: fc.integer({ min: 1, max: 15 }),
    }),
    { minLength: 1, maxLength: 10 },
  ),
  ends: fc.array(small, { minLength: 1, maxLength: 4 }),
  watched: small,
});

/** The tensors that a step adds. */
function grow({ name, from, at, used }: Step, pool: readonly Tensor[]): Tensor[] {
  const x = pool[from[0] % pool.length] as Tensor;
  const y = stretch(pool[from[1] % pool.length] as Tensor, x.shape);
  const single = ONE[name];
  if (single !== undefined) return [single(x, y, at)];
  const several = SEVERAL[name];
  if (several !== undefined) {
    const whole = ranked(x);
    return several(whole, at % whole.ndim, at).filter((_, i) => ((used >> (i % 4)) & 1) === 1);
  }
  if (name === 'in place') {
    // Of the pool itself: earlier steps may have saved it, and then the program is refused.
    viewOf(x, at).mul_(0.8);
    return [];
  }
  const base = x.mul(1.1);
  const view = viewOf(base, at);
  const other = viewOf(base, used);
  (CHANGES[name] as (typeof CHANGES)[string])(view, stretch(y, view.shape));
  return [base, view, other].filter((_, i) => ((used >> i) & 1) === 1);
}

/** Tensors that a program is differentiated with respect to. */
export const inputsOf = ({ seed }: Program): [Tensor, Tensor] => [numbers([3, 4], seed), numbers([4], seed + 1)];

/** What `watch` gets to see of the tensor that a program watches; what it returns takes its place. */
export type Watch = (x: Tensor) => Tensor;

/** Nothing looks at it; it is a copy all the same, so that later changes in place reach as far in every run. */
const unwatched: Watch = (x) => x.mul(1);

/** Runs a program: a number that some of its tensors make. */
export function run(program: Program, a: Tensor, b: Tensor, watch: Watch = unwatched): Tensor {
  const pool: Tensor[] = [a.mul(1), b.mul(1)];
  const at = 2 + (program.watched % program.steps.length);
  let watched = false;
  const push = (x: Tensor) => {
    const kept =
      x.size > MOST_ELEMENTS || x.ndim >= MOST_DIMENSIONS
        ? x.flatten().narrow(0, 0, Math.min(x.size, MOST_ELEMENTS))
        : x;
    if (kept.size === 0) return;
    const watches = !watched && pool.length >= at;
    watched ||= watches;
    pool.push(watches ? watch(kept) : kept);
  };
  for (const step of program.steps) for (const x of grow(step, pool)) push(x);
  const ends = program.ends.map((end) => pool[pool.length - 1 - (end % pool.length)] as Tensor);
  return ends
    .map((x, i) => x.mul(numbers(x.shape, 50 + i)).sum())
    .reduce((sum, value) => sum.add(value))
    .mul(0.5);
}

export const nameOf = ({ steps }: Program): string => steps.map(({ name }) => name).join(' → ');
