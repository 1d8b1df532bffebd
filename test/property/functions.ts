/**
 * Random differentiable functions for the property tests: chains of the table's ops, each step brought into the op's domain and away from
 * its kinks. A probe at one point fixes the factors that keep values near 1, so that no step saturates and
 * finite differences stay accurate.
 */
import * as cotangent from 'cotangent';
import { cat, fromArray, scope, stack, type Tensor, tensor } from 'cotangent';
import fc from 'fast-check';
import type { ElementwiseRow } from '../../src/ops/formula.ts';
import { elementwiseRows, paramsOf, random } from '../support/samples.ts';

/** One step: the op's name for messages, and what it does to a tensor of any shape. */
interface Step {
  name: string;
  run(x: Tensor): Tensor;
}

const functions = cotangent as unknown as Readonly<Record<string, (...args: unknown[]) => Tensor>>;
const call = (name: string, ...args: unknown[]): Tensor => {
  const fn = functions[name];
  if (fn === undefined) throw new Error(`no function ${name}`);
  return fn(...args);
};

/** Numbers in [-1, 1) that are the same in every run. */
export function numbers(shape: readonly number[], seed: number): Tensor {
  const next = random(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return fromArray(
    Float64Array.from({ length: size }, () => 2 * next() - 1),
    shape,
    { dtype: 'float64' },
  );
}

/** The part of an input's range between two kinks, without its ends. */
function segment({ domain }: ElementwiseRow, input: number, which: number): [number, number] {
  const [low, high] = (domain.ranges[input] ?? domain.ranges.at(-1)) as readonly [number, number];
  const kinks = (domain.kinks ?? []).filter((kink) => kink > low && kink < high);
  const ends = [low, ...kinks, high];
  const at = which % (ends.length - 1);
  const [from, to] = [ends[at] as number, ends[at + 1] as number];
  return [from + 0.1 * (to - from), to - 0.1 * (to - from)];
}

/** A smooth map of the numbers near [-1, 1] into an interval. */
const into = (x: Tensor, [low, high]: readonly [number, number]): Tensor =>
  x
    .tanh()
    .mul((high - low) / 2)
    .add((low + high) / 2);

const smooth = elementwiseRows.filter(({ vjp, test }) => Array.isArray(vjp) && test === undefined);
const small = fc.integer({ min: 0, max: 23 });

const elementwise = fc.tuple(fc.constantFrom(...smooth), small, small).map(
  ([row, which, seed]): Step => ({
    name: row.name,
    run(x) {
      // Other operands are other functions of x, so that every derivative of the row counts.
      const operands = Array.from({ length: row.arity }, (_, i) => {
        const source = i === 0 ? x : x.mul(0.6 + 0.1 * i).add(numbers(x.shape, seed + i));
        return into(source, segment(row, i, which));
      });
      return call(row.name, ...operands, ...paramsOf(row));
    },
  }),
);

const last = (x: Tensor) => x.shape.at(-1) as number;
const step = (name: string, run: (x: Tensor, at: number) => Tensor) =>
  small.map((at): Step => ({ name, run: (x) => run(x, at) }));
/** Steps of one family, chosen by name; `run` gets the name, a tensor of at least one dimension, one of these, and a whole number. */
const family = (names: readonly string[], run: (name: string, x: Tensor, dim: number, at: number) => Tensor) =>
  fc.tuple(fc.constantFrom(...names), small).map(
    ([name, at]): Step => ({
      name,
      run: (x) => {
        const whole = x.ndim === 0 ? x.reshape([1]) : x;
        return run(name, whole, at % whole.ndim, at);
      },
    }),
  );

const reductions = family(
  ['sum', 'mean', 'prod', 'amax', 'amin', 'logsumexp', 'norm', 'var', 'std'],
  (name, x, dim, at) => {
    const keepdim = at % 2 === 0;
    // Norms and deviations have no derivative where they vanish, and variances of one element do not exist.
    if (name === 'norm') return x.add(1.5).norm(2, dim, keepdim);
    if (name === 'var' || name === 'std') return cat([x, numbers(x.shape, at).add(2)], dim)[name](dim, { keepdim });
    return call(name, x, dim, { keepdim });
  },
);

const rows = family(
  ['softmax', 'logSoftmax', 'cumsum', 'cumprod', 'flip', 'layerNorm', 'rmsNorm'],
  (name, x, dim, at) => {
    if (name === 'layerNorm' || name === 'rmsNorm') {
      const features = [last(x)];
      return call(name, x, features, { weight: numbers(features, at).add(1.5), eps: 0.1 });
    }
    return call(name, x, dim);
  },
);

const matrixOf = (x: Tensor): Tensor => x.reshape([-1, last(x)]);
const PRODUCTS: Readonly<Record<string, (x: Tensor, at: number) => Tensor>> = {
  matmul: (x) => x.matmul(x.transpose(-1, -2)),
  'matmul by a vector': (x, at) => x.matmul(numbers([last(x)], at)),
  linear: (x, at) => cotangent.linear(x, numbers([2, last(x)], at), numbers([2], at + 1)),
  bmm: (x) => matrixOf(x).unsqueeze(0).bmm(matrixOf(x).t().unsqueeze(0)),
  outer: (x) => matrixOf(x).select(0, 0).outer(matrixOf(x).select(-1, 0)),
  dot: (x) => x.flatten().dot(x.flatten().sin()),
  mv: (x, at) => matrixOf(x).mv(numbers([last(x)], at)),
  addmm: (x, at) => numbers([2], at).addmm(matrixOf(x), numbers([last(x), 2], at)),
  attention: (x, at) =>
    cotangent.scaledDotProductAttention(x, x.sin(), numbers(x.shape, at).add(x), { isCausal: at % 2 === 0 }),
};
const products = fc
  .constantFrom(...Object.entries(PRODUCTS))
  .chain(([name, run]) => step(name, (x, at) => run(x.ndim < 2 ? x.reshape([1, -1]) : x, at)));

const VIEWS: Readonly<Record<string, (x: Tensor, dim: number, at: number) => Tensor>> = {
  reshape: (x, _, at) => x.reshape(at % 2 === 0 ? [-1] : [x.size, 1]),
  permute: (x, _, at) => x.permute(x.shape.map((_, d) => (d + at) % x.ndim)),
  transpose: (x, dim) => x.transpose(dim, -1),
  movedim: (x, dim) => x.movedim(dim, 0),
  slice: (x, dim, at) => x.slice(dim, at % (x.shape[dim] as number), null, 1 + (at % 2)),
  select: (x, dim, at) => (x.ndim < 2 ? x : x.select(dim, at % (x.shape[dim] as number))),
  narrow: (x, dim) => x.narrow(dim, 0, Math.ceil((x.shape[dim] as number) / 2)),
  expand: (x) => (x.ndim > 2 ? x : x.expand([2, ...x.shape])),
  'unsqueeze, squeeze': (x, dim) => x.unsqueeze(dim).squeeze(dim),
  flatten: (x) => x.flatten(),
  'unbind, stack': (x, dim) => stack(x.unbind(dim).reverse(), -1),
  'chunk, cat': (x, dim) => cat(x.chunk(2, dim).reverse(), dim),
  diagonal: (x, dim) => (x.ndim < 2 ? x : x.diagonal(0, dim, (dim + 1) % x.ndim)),
  contiguous: (x, dim) => x.transpose(dim, 0).contiguous(),
};
const views = family(Object.keys(VIEWS), (name, x, dim, at) => (VIEWS[name] as (typeof VIEWS)[string])(x, dim, at));

/** The tensor as one image, and its rows as samples of features. */
const imageOf = (x: Tensor): Tensor => matrixOf(x).unsqueeze(0).unsqueeze(0);
const IMAGES: Readonly<Record<string, (x: Tensor, at: number) => Tensor>> = {
  conv2d: (x, at) => cotangent.conv2d(imageOf(x), numbers([2, 1, 2, 2], at), numbers([2], at), { padding: 1 }),
  'conv2d in steps': (x, at) =>
    cotangent.conv2d(cat([imageOf(x), imageOf(x).sin()], 1), numbers([2, 1, 3, 1], at), {
      padding: 1,
      stride: 2,
      groups: 2,
    }),
  'conv2d by a filter of x': (x, at) =>
    cotangent.conv2d(numbers([2, 1, last(x) + 1, x.size], at), imageOf(x).transpose(2, 3)),
  convTranspose2d: (x, at) => cotangent.convTranspose2d(imageOf(x), numbers([1, 1, 2, 2], at), { stride: 2 }),
  maxPool2d: (x) => cotangent.maxPool2d(imageOf(x), 2, { stride: 1, padding: 1 }),
  avgPool2d: (x) => cotangent.avgPool2d(imageOf(x), 2, { stride: 1, padding: 1 }),
  batchNorm: (x, at) =>
    cotangent.batchNorm(cat([matrixOf(x), numbers(matrixOf(x).shape, at)]), null, null, {
      weight: numbers([last(x)], at),
      training: true,
      eps: 0.1,
    }),
};
const images = family(Object.keys(IMAGES), (name, x, _, at) => (IMAGES[name] as (typeof IMAGES)[string])(x, at));

/** Places along a dimension, some of them more than once. */
const places = (n: number, at: number): Tensor => tensor([at % n, 0, (at * 5 + 1) % n], { dtype: 'int64' });
const CHOICES: Readonly<Record<string, (x: Tensor, dim: number, at: number) => Tensor>> = {
  indexSelect: (x, dim, at) => x.indexSelect(dim, places(x.shape[dim] as number, at)),
  gather: (x, dim) => x.gather(dim, x.detach().argsort(dim)),
  sort: (x, dim) => x.sort(dim).values,
  topk: (x, dim) => x.topk(Math.ceil((x.shape[dim] as number) / 2), dim).values,
  indexAdd: (x, dim, at) =>
    x.indexAdd(
      dim,
      places(x.shape[dim] as number, at),
      x.indexSelect(dim, places(x.shape[dim] as number, at + 1)).sin(),
    ),
  scatterAdd: (x, dim, at) => x.scatterAdd(dim, numbers(x.shape, at).argsort(dim), x.cos()),
  where: (x, _, at) => cotangent.where(numbers(x.shape, at).gt(0), x.sin(), x.exp()),
  maskedFill: (x, _, at) => x.maskedFill(numbers(x.shape, at).gt(0.5), 0.25),
  tril: (x) => (x.ndim < 2 ? x : x.tril()),
  triu: (x) => (x.ndim < 2 ? x : x.triu()),
};
const choices = family(Object.keys(CHOICES), (name, x, dim, at) =>
  (CHOICES[name] as (typeof CHOICES)[string])(x, dim, at),
);

const CHANGES: Readonly<Record<string, (x: Tensor, dim: number, at: number) => Tensor>> = {
  mul_: (x) => x.sin().mul_(x),
  'add_ to a part': (x, dim) => {
    const y = x.clone();
    y.select(dim, 0).add_(x.select(dim, -1).square());
    return y;
  },
  copy_: (x) => cotangent.zerosLike(x).copy_(x).exp_(),
};
const changes = family(Object.keys(CHANGES), (name, x, dim, at) =>
  (CHANGES[name] as (typeof CHANGES)[string])(x, dim, at),
);

const LOSSES: Readonly<Record<string, (x: Tensor, at: number) => Tensor>> = {
  mseLoss: (x, at) => cotangent.mseLoss(x, numbers(x.shape, at), { reduction: at % 2 === 0 ? 'mean' : 'none' }),
  crossEntropy: (x, at) => {
    const logits = matrixOf(x);
    const labels = tensor(
      Array.from({ length: logits.shape[0] as number }, (_, i) => (i + at) % last(x)),
      { dtype: 'int64' },
    );
    return cotangent.crossEntropy(logits, labels, { labelSmoothing: at % 2 === 0 ? 0 : 0.2 });
  },
  binaryCrossEntropyWithLogits: (x, at) => cotangent.binaryCrossEntropyWithLogits(x, numbers(x.shape, at).abs()),
};
const losses = family(Object.keys(LOSSES), (name, x, _, at) => (LOSSES[name] as (typeof LOSSES)[string])(x, at));

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: elementwise },
  { weight: 4, arbitrary: views },
  { weight: 3, arbitrary: reductions },
  { weight: 3, arbitrary: rows },
  { weight: 3, arbitrary: products },
  { weight: 3, arbitrary: choices },
  { weight: 2, arbitrary: changes },
  { weight: 2, arbitrary: images },
  { weight: 1, arbitrary: losses },
);

/** A random function and the point that it is differentiated at. */
export interface Sketch {
  shape: number[];
  seed: number;
  steps: Step[];
}

export const sketches: fc.Arbitrary<Sketch> = fc.record({
  shape: fc.array(fc.constantFrom(1, 2, 2, 3, 3), { minLength: 1, maxLength: 3 }),
  seed: fc.integer({ min: 1, max: 1e6 }),
  steps: fc.array(steps, { minLength: 1, maxLength: 5 }),
});

/** What steps may grow a tensor to. */
const MOST_ELEMENTS = 48;

/** The function of a sketch, for the current backend. */
export function build({ shape, seed, steps }: Sketch): (x: Tensor) => Tensor {
  const kept: { step: Step; factor: number }[] = [];
  scope(() => {
    let x = numbers(shape, seed);
    for (const each of steps) {
      const next = each.run(x);
      if (next.size > MOST_ELEMENTS) continue;
      const most = next.abs().amax().item();
      const factor = 1 / Math.max(1, most);
      kept.push({ step: each, factor });
      x = next.mul(factor);
    }
  });
  return (x) => kept.reduce((value, { step, factor }) => step.run(value).mul(factor), x);
}

/** Names of the steps, for messages. */
export const nameOf = ({ shape, steps }: Sketch): string => `[${shape}] → ${steps.map(({ name }) => name).join(' → ')}`;
