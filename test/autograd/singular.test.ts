/**
 * Derivatives where a formula is singular: at kinks, at ends of domains, at infinity, of the first and the second order. What PyTorch
 * defines is right (`singular.json`, made by test/golden/make_singular_golden.py), with the exceptions below; where it gives NaN and the
 * mathematics has a limit, that is in a table of its own.
 */
import { readFileSync } from 'node:fs';
import * as ct from 'cotangent';
import { type Tensor, tensor } from 'cotangent';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

interface Case {
  inputs: (number | string)[][];
  shape: number[];
  first: ((number | string)[] | null)[];
  second: (((number | string)[] | null)[] | null)[];
}

const golden = JSON.parse(readFileSync(new URL('../golden/singular.json', import.meta.url), 'utf8')) as {
  cases: Record<string, Case[]>;
};

type Fn = (...args: (Tensor | number)[]) => Tensor;
const functions = ct as unknown as Record<string, Fn>;
const named = (name: string): Fn => {
  const fn = functions[name];
  if (fn === undefined) throw new Error(`no function ${name}`);
  return fn;
};
const like = (x: Tensor, value: number) => ct.full(x.shape, value, { dtype: 'float64', backend: x.backend });
const joined = (parts: readonly Tensor[]) => ct.cat(parts.map((part) => part.reshape([part.size])));
const NONE = { reduction: 'none' } as const;

/** Functions of vectors, with their argument in parentheses if they have one. */
const VECTORS: Record<string, (x: Tensor, p: number) => Tensor> = {
  std: (x, correction) => ct.std(x, -1, { correction }),
  var: (x, correction) => ct.var(x, -1, { correction }),
  norm: (x, p) => x.norm(p, -1),
  stdMean: (x) => joined(ct.stdMean(x, -1)),
  varMean: (x) => joined(ct.varMean(x, -1)),
  prod: (x) => x.prod(-1),
  cumprod: (x) => x.cumprod(-1),
  logsumexp: (x) => x.logsumexp(-1),
  softmax: (x) => x.softmax(-1),
  logSoftmax: (x) => x.logSoftmax(-1),
  amax: (x) => x.amax(-1),
  amin: (x) => x.amin(-1),
  max: (x) => x.max(),
  min: (x) => x.min(),
  'max(dim)': (x) => x.max(-1).values,
  'min(dim)': (x) => x.min(-1).values,
  layerNorm: (x) => ct.layerNorm(x, x.shape.at(-1) as number),
  rmsNorm: (x) => ct.rmsNorm(x, x.shape.at(-1) as number, null, 1e-5),
  l1Loss: (x) => ct.l1Loss(x, like(x, 0)),
  bceWithLogits: (x) => ct.binaryCrossEntropyWithLogits(x, like(x, 0.25), NONE),
  crossEntropy: (x) => {
    const rows = x.reshape([-1, x.shape.at(-1) as number]);
    return ct.crossEntropy(rows, ct.zeros([rows.shape[0] as number], { dtype: 'int64', backend: x.backend }), NONE);
  },
  bce: (x, target) => ct.binaryCrossEntropy(x, like(x, target), NONE),
};

/** Name, arguments and kind of a case's key. */
function functionOf(key: string): { fn: (...xs: Tensor[]) => Tensor; weighted: boolean } {
  const [name, kind] = key.split('/') as [string, string?];
  const parts = /^(\w+)(?:\((.*)\))?$/.exec(name) as RegExpExecArray;
  const args = (parts[2] ?? '')
    .split(',')
    .map((text) => (text === 'inf' ? Infinity : text === '-inf' ? -Infinity : +text));
  const [op, given] = [parts[1] as string, parts[2] === undefined ? [] : args];
  if (kind === 'v') {
    const fn = (VECTORS[name] ?? VECTORS[op]) as (x: Tensor, p: number) => Tensor;
    return { fn: (x) => fn(x as Tensor, given[0] as number), weighted: true };
  }
  if (op === 'rpow') return { fn: (x) => ct.pow(given[0] as number, x as Tensor), weighted: false };
  if (op === 'geluTanh') return { fn: (x) => ct.gelu(x as Tensor, { approximate: 'tanh' }), weighted: false };
  return { fn: (...xs) => named(op)(...xs, ...given), weighted: false };
}

const ramp = (x: Tensor, weighted: boolean): Tensor =>
  weighted ? ct.arange(1, x.size + 1, { dtype: 'float64', backend: x.backend }).reshape(x.shape) : ct.onesLike(x);

const contracted = (x: Tensor, weighted: boolean): Tensor => x.mul(ramp(x, weighted)).sum();

/** Gradients by every input. */
function firstOf(key: string, xs: Tensor[]): Tensor[] {
  const { fn, weighted } = functionOf(key);
  const leaves = xs.map((x) => x.detach().requiresGrad_());
  const grads = ct.grad(contracted(fn(...leaves), weighted), leaves, { allowUnused: true });
  return grads.map((g, i) => g ?? like(xs[i] as Tensor, 0));
}

/** Gradients of each gradient by every input, row by row, and before that the gradients as they come with a graph. */
function secondOf(key: string, xs: Tensor[]): Tensor[] {
  const { fn, weighted } = functionOf(key);
  const leaves = xs.map((x) => x.detach().requiresGrad_());
  const zeros = leaves.map((x) => like(x, 0));
  const first = ct.grad(contracted(fn(...leaves), weighted), leaves, { createGraph: true, allowUnused: true });
  const second = first.flatMap((g) =>
    g?.requiresGrad
      ? ct
          .grad(contracted(g, weighted), leaves, { retainGraph: true, allowUnused: true })
          .map((h, i) => h ?? (zeros[i] as Tensor))
      : zeros,
  );
  return [...first.map((g, i) => g?.detach() ?? (zeros[i] as Tensor)), ...second];
}

/** Rounding errors of these are no matter here. The hard sigmoid's 1/6 is a float32 in PyTorch. */
const RELATIVE = 1e-6;
const ABSOLUTE = 1e-11;

const same = (got: number, want: number): boolean =>
  Object.is(got, want) || got === want || Math.abs(got - want) <= ABSOLUTE + RELATIVE * Math.abs(want);

/** Where PyTorch has a number that is not ours, and why: the case, the derivative, and the points. */
const OTHERWISE: readonly [key: RegExp, order: RegExp, at: (xs: readonly number[]) => boolean, reason: string][] = [
  [
    /^pow\/2/,
    /^second 01/,
    ([x, y]) => x !== 0 && y === 0,
    'the derivative of y · xʸ⁻¹ by y is 1/x at y = 0, and not 0',
  ],
  [/^pow\/2/, /^second 10/, ([x = 0]) => x < 0, 'where the derivative by y is NaN, it has no derivative'],
  [
    /^pow\/2/,
    /^second 10/,
    ([x = 0, y]) => x === Infinity && y === 0,
    'where the derivative by y is infinite, it has no derivative',
  ],
  [/^cumprod/, /^second/, ([x = 0]) => Math.abs(x) === Infinity, 'an infinite factor'],
];

/** What is right where PyTorch gives NaN, or has no such function: [key, inputs, first derivatives, second derivatives]. */
const LIMITS: readonly [key: string, inputs: number[], first: number[], second: number[]][] = [
  ['sinc', [0], [0], [(-Math.PI * Math.PI) / 3]],
  ['logit', [0], [Infinity], [-Infinity]],
  ['logit', [1], [Infinity], [Infinity]],
  ['logit', [-0.5], [Number.NaN], [0]],
  ['logit', [2], [Number.NaN], [0]],
  ['logit(0.1)', [-5], [0], [0]],
  ['logit(0.1)', [1], [0], [0]],
  ['silu', [Infinity], [1], [0]],
  ['geluTanh', [Infinity], [1], [0]],
  ['geluTanh', [1e300], [1], [0]],
  ['geluTanh', [-1e300], [0], [0]],
  ['mish', [1e300], [1], [0]],
  ['pow(0)', [Number.NaN], [0], [0]],
  ['pow(-2)', [0], [-Infinity], [Infinity]],
  ['pow(-2)', [-0], [Infinity], [Infinity]],
  ['pow/2', [0, 0], [0, 0], [0, 0, 0, 0]],
  ['pow/2', [2, 0], [0, Math.log(2)], [0, 0.5, 0.5, Math.log(2) ** 2]],
  ['pow/2', [0, 3], [0, 0], [0, 0, 0, 0]],
  ['remainder/2', [-2, Infinity], [1, 1], [0, 0, 0, 0]],
  ['remainder/2', [2, -Infinity], [1, 1], [0, 0, 0, 0]],
  ['remainder/2', [2, Infinity], [1, 0], [0, 0, 0, 0]],
  ['clampMin/2', [Number.NaN, 1], [0, 0], [0, 0, 0, 0]],
  ['clampMax/2', [1, Number.NaN], [0, 0], [0, 0, 0, 0]],
  ['norm(0.5)/v', [0, 1, -2], [0, 1 + Math.SQRT2, -1 - Math.SQRT1_2], [0, -2.4748737, -1.2374369]],
  ['norm(2)/v', [0, 0], [0, 0], [0, 0]],
  ['norm(1.5)/v', [0, 0], [0, 0], [0, 0]],
  ['norm(2.5)/v', [0, 0], [0, 0], [0, 0]],
  ['norm(-1)/v', [0, 3], [0, 0], [0, 0]],
  ['amax/v', [Number.NaN, 1, Number.NaN], [0.5, 0, 0.5], [0, 0, 0]],
  ['std(0)/v', [5], [0], [0]],
];

/** Compares derivatives, in the order in which `secondOf` gives them, at every point that `wanted` has a number for. */
function compare(
  what: string,
  key: string,
  inputs: readonly (readonly (number | string)[])[],
  values: Float64Array,
  got: readonly Tensor[],
  wanted: readonly (readonly (number | string)[])[],
): void {
  const n = inputs.length;
  for (const [i, want] of wanted.entries()) {
    const order = i < n ? `first ${i}` : `second ${Math.floor((i - n) / n)}${(i - n) % n}`;
    const numbers = got[i]?.data() as Float64Array;
    for (let k = 0; k < numbers.length; k++) {
      const at = inputs.map((data) => Number(data[k]));
      const number = Number(want[k]);
      // Where there is no value there is no derivative either, whatever PyTorch says.
      const valueless =
        values.length === numbers.length && n <= 2 ? Number.isNaN(values[k]) : values.some(Number.isNaN);
      if (valueless || Number.isNaN(number) || same(numbers[k] as number, number)) continue;
      const all = inputs.flat().map(Number);
      if (OTHERWISE.some(([k, o, where]) => k.test(key) && o.test(order) && where(key.endsWith('/v') ? all : at)))
        continue;
      expect.fail(
        `${what}: ${key}, ${order}, at (${at}) of [${inputs.map((data) => data.join(' '))}]: ${numbers[k]}, not ${number}`,
      );
    }
  }
}

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));
  const vector = (data: readonly (number | string)[], shape: readonly number[] = [data.length]) =>
    tensor(Float64Array.from(data, Number), { dtype: 'float64' }).reshape(shape);

  test.each(Object.entries(golden.cases))('%s', (key, cases) => {
    const compiledFirst = ct.compile((...xs: Tensor[]) => firstOf(key, xs));
    const compiledSecond = ct.compile((...xs: Tensor[]) => secondOf(key, xs));
    for (const { inputs, shape, first, second } of cases) {
      const xs = inputs.map((data) => vector(data, shape));
      const zeros = (inputs[0] as unknown[]).map(() => 0);
      const slopes = first.map((g) => g ?? zeros);
      const curvatures = second.flatMap((row) => inputs.map((_, i) => row?.[i] ?? zeros));
      const values = functionOf(key)
        .fn(...xs)
        .data() as Float64Array;
      compare('eager', key, inputs, values, firstOf(key, xs), slopes);
      compare('compiled', key, inputs, values, compiledFirst(...xs), slopes);
      compare('eager, with a graph', key, inputs, values, secondOf(key, xs), [...slopes, ...curvatures]);
      compare('compiled, with a graph', key, inputs, values, compiledSecond(...xs), [...slopes, ...curvatures]);
    }
  });

  test.each(LIMITS)('%s at %j', (key, inputs, first, second) => {
    const isVector = key.endsWith('/v');
    const xs = isVector ? [vector(inputs)] : inputs.map((x) => vector([x]));
    const numbers = (list: readonly Tensor[]) => list.flatMap((x) => Array.from(x.data() as Float64Array));
    const check = (got: number[], want: number[]) => {
      expect(got.length).toBe(want.length);
      for (const [i, number] of want.entries())
        expect(same(got[i] as number, number), `${got} instead of ${want}`).toBe(true);
    };
    check(numbers(firstOf(key, xs)), first);
    check(numbers(ct.compile((...xs: Tensor[]) => firstOf(key, xs))(...xs)), first);
    check(numbers(secondOf(key, xs)), [...first, ...second]);
    check(numbers(ct.compile((...xs: Tensor[]) => secondOf(key, xs))(...xs)), [...first, ...second]);
  });

  test.each([
    'silu',
    'mish',
    'softplus',
    'softsign',
    'tanhshrink',
    'logsigmoid',
    'hardswish',
    'hardsigmoid',
    'relu6',
    'elu',
    'selu',
    'celu',
    'gelu',
    'geluTanh',
    'tanh',
    'sigmoid',
    'sinc',
    'erf',
    'atan',
  ])('%s of huge numbers in float32', (key) => {
    const points = [1e4, 1e10, 1e15, 1e19, 2e19, 1e25, 1e38, 3.4e38];
    const x = tensor(Float32Array.from([...points, ...points.map((v) => -v)])).requiresGrad_();
    const f = (x: Tensor) => functionOf(key).fn(x).sum();
    const [first] = ct.grad(f(x), x, { createGraph: true }) as [Tensor];
    const second = first.requiresGrad ? (ct.grad(first.sum(), x)[0] as Tensor) : ct.zerosLike(x);
    expect(first.isfinite().all().item(), `${first}`).toBe(1);
    expect(second.isfinite().all().item(), `${second}`).toBe(1);
    expect(ct.grad(f)(x.detach()).sub(first).abs().amax().item()).toBeLessThan(1e-6);
  });

  test('derivatives of powers stay on their backend and keep their digits', () => {
    for (const other of backends) {
      const x = tensor([1.5, 2], { dtype: 'float64', backend: other, requiresGrad: true });
      const second = (y: Tensor) => {
        const [g] = ct.grad(y.sum(), x, { createGraph: true }) as [Tensor];
        return [...(g.data() as Float64Array), ...((ct.grad(g.sum(), x)[0] as Tensor).data() as Float64Array)];
      };
      const [power, exponential] = [second(x.pow(3.5)), second(ct.pow(2, x))];
      for (const [i, v] of [1.5, 2].entries()) {
        expect(power[i]).toBeCloseTo(3.5 * v ** 2.5, 12);
        expect(power[2 + i]).toBeCloseTo(8.75 * v ** 1.5, 12);
        expect(exponential[i]).toBeCloseTo(Math.LN2 * 2 ** v, 12);
        expect(exponential[2 + i]).toBeCloseTo(Math.LN2 ** 2 * 2 ** v, 12);
      }
    }
  });
});
