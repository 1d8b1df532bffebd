/**
 * All transforms agree with each other and with finite differences, on random functions composed of the table's ops, in float64 on both
 * backends. Points where the differences of two steps disagree are no test of a derivative: there the function has a kink.
 * `COTANGENT_FUZZ_SECONDS=60` searches for so long.
 */
import {
  compile,
  grad,
  gradcheck,
  hessian,
  hvp,
  jacfwd,
  jacobian,
  jacrev,
  jvp,
  linearize,
  scope,
  setBackend,
  stack,
  type Tensor,
  vjp,
  vmap,
} from 'cotangent';
import fc from 'fast-check';
import { beforeEach, describe, test } from 'vitest';
import { backends } from '../support/backends.ts';
import { build, nameOf, numbers, type Sketch, sketches } from './functions.ts';

const SECONDS = Number(process.env.COTANGENT_FUZZ_SECONDS ?? 0);
const options = (runs: number) =>
  SECONDS > 0 ? { numRuns: 1e9, interruptAfterTimeLimit: SECONDS * 1000 } : { numRuns: runs };

type Function1 = (x: Tensor) => Tensor;

/** Largest difference, relative to the larger of 1 and the largest element. */
function distance(a: Tensor, b: Tensor): number {
  if (a.shape.join() !== b.shape.join()) throw new Error(`shape [${a.shape}] instead of [${b.shape}]`);
  if (a.size === 0) return 0;
  return a.sub(b).abs().amax().item() / Math.max(1, b.abs().amax().item());
}

/** @throws Error unless two tensors are the same but for `tolerance`. */
function agree(what: string, got: Tensor, want: Tensor, tolerance: number): void {
  const apart = distance(got.detach(), want.detach());
  if (!(apart <= tolerance)) throw new Error(`${what}: ${apart} apart\ngot ${got}\nwant ${want}`);
}

/** Computed exactly, and computed in another order. */
const EXACT = 1e-10;
const NUMERIC = 1e-6;

/** The Jacobian by the five-point formula, of shape [...output, ...input]. */
function differences(f: Function1, x: Tensor, h: number): Tensor {
  const columns = Array.from({ length: x.size }, (_, i) => {
    const at = (offset: number) => {
      const moved = x.clone().flatten();
      moved.select(0, i).add_(offset);
      return f(moved.reshape(x.shape));
    };
    return at(-2 * h)
      .sub(at(2 * h))
      .add(at(h).sub(at(-h)).mul(8))
      .div(12 * h);
  });
  const y = columns[0] as Tensor;
  return stack(columns, -1).reshape([...y.shape, ...x.shape]);
}

/** The Jacobian by differences; null where those of two steps disagree. */
function numericJacobian(f: Function1, x: Tensor): Tensor | null {
  const [coarse, fine] = [differences(f, x, 2e-3), differences(f, x, 7e-4)];
  return distance(coarse, fine) < NUMERIC / 10 ? fine : null;
}

/** Contracts a Jacobian of shape [...output, ...input] with the input, or with the output. */
const push = (J: Tensor, y: Tensor, v: Tensor) => J.reshape([y.size, v.size]).matmul(v.flatten()).reshape(y.shape);
const pull = (J: Tensor, x: Tensor, u: Tensor) =>
  u
    .flatten()
    .matmul(J.reshape([u.size, x.size]))
    .reshape(x.shape);

/** Checks a property of random functions; a failure names the function. */
function forAll(runs: number, property: (f: Function1, x: Tensor, sketch: Sketch) => void): void {
  fc.assert(
    fc.property(sketches, (sketch) => {
      scope(() => {
        try {
          property(build(sketch), numbers(sketch.shape, sketch.seed), sketch);
        } catch (error) {
          if (error instanceof Error && !fc.PreconditionFailure.isFailure(error))
            error.message = `${nameOf(sketch)}: ${error.message}`;
          throw error;
        }
      });
    }),
    options(runs),
  );
}

/** A scalar function of the same, in which all outputs count. */
const scalar =
  (f: Function1): Function1 =>
  (x) => {
    const y = f(x);
    return y.mul(numbers(y.shape, 7)).sum();
  };

/** Points around that of a sketch, as many as a batch has. */
const points = ({ shape, seed }: Sketch, count = 3): Tensor[] =>
  Array.from({ length: count }, (_, i) => numbers(shape, seed).add(numbers(shape, seed + 10 + i).mul(0.2)));

const TIMEOUT = 60_000 + 1000 * SECONDS;

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => setBackend(backend));

  test('first derivatives: jacobian, jacrev, jacfwd, jvp, linearize, vjp, gradcheck', { timeout: TIMEOUT }, () => {
    forAll(60, (f, x, { seed }) => {
      const numeric = numericJacobian(f, x);
      fc.pre(numeric !== null);
      const J = jacobian(f, x);
      agree('jacobian', J, numeric as Tensor, NUMERIC);
      agree('jacrev', jacrev(f)(x), J, EXACT);
      agree('jacfwd', jacfwd(f)(x), J, EXACT);
      const tangent = numbers(x.shape, seed + 1);
      const [y, pushed] = jvp(f, x, tangent);
      agree('the value of jvp', y, f(x), EXACT);
      agree('jvp', pushed, push(J, y, tangent), EXACT);
      const [start, linear] = linearize(f, x);
      agree('the value of linearize', start, y, EXACT);
      agree('linearize', linear(tangent), pushed, EXACT);
      agree('linearize, again', linear(tangent.mul(-2)), pushed.mul(-2), EXACT);
      const [value, pullback] = vjp(f, x);
      agree('the value of vjp', value, y, EXACT);
      const cotangent = numbers(y.shape, seed + 2);
      agree('vjp', pullback(cotangent)[0] as Tensor, pull(J, x, cotangent), EXACT);
      gradcheck(f, [x.clone().requiresGrad_()], { eps: 1e-5 });
    });
  });

  test('second derivatives: hessian, hvp, and transforms of transforms', { timeout: TIMEOUT }, () => {
    forAll(40, (f, x, { seed }) => {
      const g = scalar(f);
      const gradient = grad(g);
      const numeric = numericJacobian(gradient, x);
      fc.pre(numeric !== null);
      const H = hessian(g, x);
      agree('hessian', H, numeric as Tensor, NUMERIC);
      agree('jacfwd of grad', jacfwd(gradient)(x), H, EXACT);
      agree('jacrev of jacfwd', jacrev(jacfwd(g))(x), H, EXACT);
      agree('jacfwd of jacrev', jacfwd(jacrev(g))(x), H, EXACT);
      const v = numbers(x.shape, seed + 3);
      const [value, product] = hvp(g, x, v);
      agree('the value of hvp', value, g(x), EXACT);
      agree('hvp', product, push(H, x, v), EXACT);
      agree('jvp of grad', jvp(gradient, x, v)[1], product, EXACT);
      agree('linearize of grad', linearize(gradient, x)[1](v), product, EXACT);
    });
  });

  test('vmap is the loop, whatever the dimensions', { timeout: TIMEOUT }, () => {
    forAll(200, (f, x, sketch) => {
      const batch = points(sketch, 1 + (sketch.seed % 3));
      const results = batch.map(f);
      const inDim = sketch.seed % (x.ndim + 1);
      const outDim = (sketch.seed % ((results[0] as Tensor).ndim + 1)) - (sketch.seed % 2 === 0 ? 0 : 1);
      const got = vmap(f, { inDims: inDim, outDims: outDim })(stack(batch, inDim));
      agree(`vmap from ${inDim} to ${outDim}`, got, stack(results, outDim), EXACT);
    });
  });

  test('vmap over one of several inputs, or all', { timeout: TIMEOUT }, () => {
    fc.assert(
      fc.property(sketches, sketches, (first, second) => {
        scope(() => {
          const [f, g] = [build(first), build(second)];
          const h = (a: Tensor, b: Tensor) => f(a).mul(g(b).sum().tanh().add(2));
          const [as, bs] = [points(first), points(second)] as [Tensor[], Tensor[]];
          const [a, b] = [as[0] as Tensor, bs[0] as Tensor];
          const [i, j] = [first.seed % (a.ndim + 1), second.seed % (b.ndim + 1)];
          const name = `${nameOf(first)} and ${nameOf(second)}`;
          const both = vmap(h, { inDims: [i, j] })(stack(as, i), stack(bs, j));
          agree(`${name}: both`, both, stack(as.map((one, k) => h(one, bs[k] as Tensor))), EXACT);
          agree(
            `${name}: first`,
            vmap(h, { inDims: [i, null] })(stack(as, i), b),
            stack(as.map((one) => h(one, b))),
            EXACT,
          );
          agree(
            `${name}: second`,
            vmap(h, { inDims: [null, j] })(a, stack(bs, j)),
            stack(bs.map((one) => h(a, one))),
            EXACT,
          );
          // The gradient of a shared input, one per example.
          const shared = vmap(
            grad((p, q) => h(p, q).sum()),
            { inDims: [null, j] },
          )(a, stack(bs, j));
          const want = bs.map((one) => grad((p: Tensor) => h(p, one).sum())(a));
          agree(`${name}: gradients of the first`, shared, stack(want), EXACT);
        });
      }),
      options(80),
    );
  });

  test('vmap of derivatives, derivatives of vmap', { timeout: TIMEOUT }, () => {
    forAll(40, (f, x, sketch) => {
      const g = scalar(f);
      const batch = points(sketch);
      const all = stack(batch);
      const v = numbers(x.shape, sketch.seed + 4);
      const gradients = stack(batch.map((p) => grad(g)(p)));
      agree('vmap of grad', vmap(grad(g))(all), gradients, EXACT);
      agree('grad of vmap', grad((points) => vmap(g)(points).sum())(all), gradients, EXACT);
      agree('vmap of jvp', vmap((p: Tensor) => jvp(f, p, v)[1])(all), stack(batch.map((p) => jvp(f, p, v)[1])), EXACT);
      agree('vmap of hvp', vmap((p: Tensor) => hvp(g, p, v)[1])(all), stack(batch.map((p) => hvp(g, p, v)[1])), EXACT);
      agree('vmap of jacrev', vmap(jacrev(f))(all), stack(batch.map((p) => jacrev(f)(p))), EXACT);
      agree('vmap of jacfwd', vmap(jacfwd(f))(all), stack(batch.map((p) => jacrev(f)(p))), EXACT);
      const tangents = stack(batch.map((_, i) => numbers(x.shape, sketch.seed + 20 + i)));
      const [, pushed] = jvp(vmap(f), all, tangents);
      agree('jvp of vmap', pushed, stack(batch.map((p, i) => jvp(f, p, tangents.select(0, i))[1])), EXACT);
    });
  });

  test('vmap of vmap, and vmap compiled', { timeout: TIMEOUT }, () => {
    forAll(60, (f, _, sketch) => {
      const rows = [points(sketch, 2), points({ ...sketch, seed: sketch.seed + 1 }, 2)] as const;
      const all = stack(rows.map((row) => stack(row)));
      const want = stack(rows.map((row) => stack(row.map(f))));
      agree('vmap of vmap', vmap(vmap(f))(all), want, EXACT);
      agree('vmap of vmap, the other way round', vmap(vmap(f), { inDims: 1, outDims: 1 })(all), want, EXACT);
      const program = compile(vmap(f));
      for (const [i, row] of rows.entries())
        agree(`compiled, call ${i}`, program(stack(row)), want.select(0, i), EXACT);
      program.dispose();
    });
  });
});
