/**
 * Ops of several outputs of which only some are used: the others have no gradient, and what stands for them must be neither read nor
 * left unwritten. Every subset of the outputs, through every way to differentiate, in memory that was full of NaN.
 */
import * as ct from 'cotangent';
import { describe, expect, test } from 'vitest';
import { taylorCoefficients } from '../../src/autograd/jets.ts';
import { MultiheadAttention } from '../../src/nn/index.ts';
import { backends } from '../support/backends.ts';
import { sample } from '../support/naive.ts';
import { poison } from '../support/poison.ts';

type Outputs = (x: ct.Tensor) => readonly ct.Tensor[];

/** Ops on a tensor of shape [3, 4]. */
const OPS: Record<string, Outputs> = {
  'split into equal pieces': (x) => x.split(2, 1),
  'split into uneven pieces': (x) => x.split([1, 2, 1], 1),
  'split with an empty piece': (x) => x.split([2, 0, 1]),
  chunk: (x) => x.chunk(2),
  'chunk of a transpose': (x) => x.t().chunk(3),
  'unbind(0)': (x) => x.unbind(),
  'unbind(1) of a part': (x) => x.narrow(1, 1, 2).unbind(1),
  'pieces of pieces': (x) => x.chunk(2, 1).flatMap((piece) => piece.unbind(1)),
  sort: (x) => values(x.sort(1)),
  'sort, descending': (x) => values(x.sort({ dim: 0, descending: true })),
  topk: (x) => values(x.topk(2, 1)),
  'max with its index': (x) => values(x.max(1)),
  'min with its index': (x) => values(x.min(0)),
  varMean: (x) => ct.varMean(x, 1),
  stdMean: (x) => ct.stdMean(x, [0]),
};

const values = ({ values, indices }: { values: ct.Tensor; indices: ct.Tensor }): ct.Tensor[] => [
  values,
  // An index is no function of x, but stands beside one that is.
  indices.to('float64'),
];

/** Every non-empty set of `count` things. */
const subsets = (count: number): number[][] =>
  Array.from({ length: 2 ** count - 1 }, (_, bits) =>
    Array.from({ length: count }, (_, i) => i).filter((i) => ((bits + 1) >> i) & 1),
  );

/** A scalar that depends on some of the outputs, each in its own way. */
const using =
  (op: Outputs, used: readonly number[]) =>
  (x: ct.Tensor): ct.Tensor => {
    const outputs = op(x);
    return used
      .map((i) => {
        const y = outputs[i] as ct.Tensor;
        return y
          .square()
          .mul(i + 1)
          .add(y.sin())
          .sum();
      })
      .reduce((a, b) => a.add(b));
  };

/** The Jacobian of f at x by central differences. */
function differences(f: (x: ct.Tensor) => ct.Tensor, x: ct.Tensor): ct.Tensor {
  const h = 1e-5;
  const columns = Array.from({ length: x.size }, (_, i) => {
    const at = (step: number) => {
      const moved = x.clone();
      moved.view([x.size]).select(0, i).add_(step);
      return f(moved);
    };
    return at(h)
      .sub(at(-h))
      .div(2 * h);
  });
  return ct.stack(columns, -1).reshape([...(columns[0] as ct.Tensor).shape, ...x.shape]);
}

const close = (got: ct.Tensor | null, want: ct.Tensor, tolerance: number) => {
  expect(got?.shape).toEqual(want.shape);
  expect(got?.sub(want).abs().amax().item()).toBeLessThan(tolerance);
};

describe.each(backends)('on %s', (backend) => {
  const point = () => sample([3, 4], 3, backend);

  /** What `f` gives in memory that was full of NaN. */
  const poisoned = <T>(f: () => T): T => {
    poison(backend);
    return f();
  };

  describe.each(Object.entries(OPS))('%s', (_, op) => {
    const count = ct.noGrad(() => op(ct.zeros([3, 4], { dtype: 'float64', backend: 'wasm' }))).length;

    test.each(subsets(count).map((used) => [used.join(), used] as const))('outputs %s', (_, used) => {
      const f = using(op, used);
      const x = point();
      const gradient = differences(f, x).reshape(x.shape);
      const leaf = x.clone().requiresGrad_();
      if (f(leaf).requiresGrad) {
        poisoned(() => f(leaf).backward());
        close(leaf.grad, gradient, 1e-7);
        const step = ct.compile((x: ct.Tensor) => ct.grad(f)(x));
        for (let i = 0; i < 2; i++)
          close(
            poisoned(() => step(x)),
            gradient,
            1e-7,
          );
      }
      const slope = ct.grad(f);
      close(
        poisoned(() => slope(x)),
        gradient,
        1e-7,
      );
      close(
        poisoned(() => ct.vmap(slope)(x.unsqueeze(0)).select(0, 0)),
        gradient,
        1e-7,
      );
      const both = ct.stack([x, x.mul(0.5)]);
      close(
        poisoned(() => ct.vmap(slope)(both)),
        ct.stack([slope(x), slope(x.mul(0.5))]),
        1e-12,
      );
    });

    test.each([[[count - 1]], [Array.from({ length: count }, (_, i) => i)]])(
      'second derivatives, outputs %j',
      (used) => {
        const f = using(op, used);
        const x = point();
        const second = differences((x) => ct.grad(f)(x), x);
        close(
          poisoned(() => ct.hessian(f, x)),
          second,
          1e-6,
        );
        close(
          poisoned(() => ct.jacrev((x) => ct.grad(f)(x))(x)),
          second,
          1e-6,
        );
        close(
          poisoned(() => ct.jacfwd((x) => ct.grad(f)(x))(x)),
          second,
          1e-6,
        );
        const v = sample([3, 4], 4, backend);
        const along = second
          .reshape([12, 12])
          .matmul(v.reshape([12]))
          .reshape([3, 4]);
        close(
          poisoned(() => ct.hvp(f, x, v)[1]),
          along,
          1e-5,
        );
        const compiled = ct.compile((x: ct.Tensor) => ct.hessian(f, x));
        for (let i = 0; i < 2; i++)
          close(
            poisoned(() => compiled(x)),
            second,
            1e-6,
          );
      },
    );

    test('each output along a line, in both modes', () => {
      for (let i = 0; i < count; i++) {
        const f = using(op, [i]);
        const x = point();
        const v = sample([3, 4], 5, backend);
        const slope = differences(f, x).mul(v).sum();
        close(
          poisoned(() => ct.jvp(f, x, v)[1]),
          slope,
          1e-6,
        );
        close(
          poisoned(() => ct.linearize(f, x)[1](v)),
          slope,
          1e-6,
        );
        const series = poisoned(() => taylorCoefficients(f, x, 2));
        if (series === null) continue;
        const ones = ct.ones([3, 4], { dtype: 'float64', backend });
        close(series.coefficients[1] as ct.Tensor, differences(f, x).mul(ones).sum(), 1e-6);
      }
    });
  });

  test('the inputs of the report', () => {
    for (const [i, want] of [
      [0, [1, 1, 0, 0]],
      [1, [0, 0, 1, 1]],
    ] as const) {
      const x = ct.tensor([1, 2, 3, 4], { backend, requiresGrad: true });
      poisoned(() => x.chunk(2)[i]?.sum().backward());
      expect(x.grad?.toArray()).toEqual(want);
    }
  });

  test('hooks and retainGrad of one output', () => {
    const x = point().requiresGrad_();
    const [a, b] = x.mul(2).chunk(2) as [ct.Tensor, ct.Tensor];
    const seen: ct.NestedArray[] = [];
    a.registerHook((g) => void seen.push(g.toArray()));
    b.registerHook((g) => g.mul(10));
    b.retainGrad();
    poisoned(() => b.sum().backward());
    expect(seen).toEqual([]);
    expect(b.grad?.data()).toEqual(new Float64Array(4).fill(10));
    expect(x.grad?.data()).toEqual(Float64Array.from({ length: 12 }, (_, i) => (i < 8 ? 0 : 20)));
  });

  test('grad of some outputs by other outputs', () => {
    const x = point().requiresGrad_();
    const pieces = x.sin().split(1);
    const y = (pieces[1] as ct.Tensor).mul(3).sum();
    const [g, none] = ct.grad(y, [pieces[1] as ct.Tensor, pieces[2] as ct.Tensor], { allowUnused: true });
    expect(g?.data()).toEqual(new Float64Array(4).fill(3));
    expect(none).toBeNull();
  });

  test('pieces that are changed in place', () => {
    const x = point().requiresGrad_();
    const changed = (x: ct.Tensor) => {
      const z = x.mul(1);
      const rows = z.unbind();
      rows[1]?.mul_(x.select(0, 0));
      const halves = z.chunk(2, 1);
      halves[0]?.square_();
      return z.sin();
    };
    expect(poisoned(() => ct.gradcheck(changed, [x]))).toBe(true);
    expect(poisoned(() => ct.gradgradcheck(changed, [x]))).toBe(true);
  });

  describe.each([
    ['the output', [0]],
    ['the weights', [1]],
    ['both', [0, 1]],
  ] as const)('MultiheadAttention, %s used', (_, used) => {
    test.each([true, false])('one input for all three: %s', (same) => {
      const layer = new MultiheadAttention(4, 2, { dtype: 'float64', backend });
      const inputs = [1, 2, 3].map((seed) => sample([3, 2, 4], seed, backend));
      const f = (...given: ct.Tensor[]) => {
        const [q, k, v] = given as [ct.Tensor, ct.Tensor, ct.Tensor];
        const outputs = same ? layer.forward(q, q, q) : layer.forward(q, k, v);
        return used.map((i) => (outputs[i] as ct.Tensor).square().sum()).reduce((a, b) => a.add(b));
      };
      const leaves = inputs.map((x) => x.clone().requiresGrad_());
      expect(poisoned(() => ct.gradcheck(f, leaves))).toBe(true);
      expect(poisoned(() => ct.gradgradcheck(f, leaves))).toBe(true);
      poisoned(() => f(...leaves).backward());
      for (const [name, parameter] of layer.namedParameters()) {
        if (parameter.grad === null) expect(name).toMatch(/^out_proj/);
        else expect(parameter.grad.isfinite().all().item(), name).toBe(1);
      }
    });
  });
});
