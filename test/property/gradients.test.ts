/**
 * Gradients of random programs (graphs.ts) are those of finite differences: by `backward`, by `grad`, retained, seen by hooks, of
 * gradients, compiled, on all backends. Points where the differences of two steps disagree are no test of a derivative: there
 * the program has a kink. A program that changes what a derivative still needs is refused, and proves nothing either.
 * `COTANGENT_FUZZ_SECONDS=60` searches for so long.
 */
import {
  AutogradError,
  compile,
  grad,
  noGrad,
  ShapeError,
  scope,
  setBackend,
  stack,
  type Tensor,
  zeros,
  zerosLike,
} from 'cotangent';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { nodeOf } from '../../src/tensor/tensor.ts';
import { backends } from '../support/backends.ts';
import { numbers } from './functions.ts';
import { inputsOf, nameOf, type Program, programs, run } from './graphs.ts';

const SECONDS = Number(process.env.COTANGENT_FUZZ_SECONDS ?? 0);
const TIMEOUT = 180_000 + 1000 * SECONDS;
/** Tests on each backend, which share the time. */
const TESTS = 3;

/** Largest difference, relative to the larger of 1 and the largest element. */
function distance(a: Tensor, b: Tensor): number {
  if (a.shape.join() !== b.shape.join()) throw new Error(`shape [${a.shape}] instead of [${b.shape}]`);
  return a.sub(b).abs().amax().item() / Math.max(1, b.abs().amax().item());
}
function agree(what: string, got: Tensor, want: Tensor, tolerance: number): void {
  const apart = distance(got.detach(), want.detach());
  if (!(apart <= tolerance)) throw new Error(`${what}: ${apart} apart\ngot ${got}\nwant ${want}`);
}
const EXACT = 1e-10;
const NUMERIC = 1e-6;

type Scalar = (x: Tensor) => Tensor;

/** The gradient of a number by the five-point formula; of a vector's numbers, one row each. */
function differences(f: Scalar, x: Tensor, h: number): Tensor {
  const columns = Array.from({ length: x.size }, (_, i) => {
    const at = (offset: number) => {
      const moved = x.detach().clone().flatten();
      moved.select(0, i).add_(offset);
      return f(moved.reshape(x.shape)).detach();
    };
    return at(-2 * h)
      .sub(at(2 * h))
      .add(at(h).sub(at(-h)).mul(8))
      .div(12 * h);
  });
  const y = columns[0] as Tensor;
  return stack(columns, -1).reshape([...y.shape, ...x.shape]);
}
/** Null where the differences of two steps disagree. */
function numeric(f: Scalar, x: Tensor): Tensor | null {
  const [coarse, fine] = [differences(f, x, 1e-3), differences(f, x, 4e-4)];
  return distance(coarse, fine) < NUMERIC / 10 ? fine : null;
}

/** Runs what may be refused: saved tensors have been changed, or elements that share memory would be. */
function unlessRefused<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    fc.pre(!(error instanceof AutogradError || (error instanceof ShapeError && /share memory/.test(error.message))));
    throw error;
  }
}

function forAll(runs: number, property: (program: Program) => void): void {
  let checked = 0;
  fc.assert(
    fc.property(programs, (program) => {
      scope(() => {
        try {
          property(program);
          checked++;
        } catch (error) {
          if (error instanceof Error && !fc.PreconditionFailure.isFailure(error))
            error.message = `${nameOf(program)}: ${error.message}`;
          throw error;
        }
      });
    }),
    SECONDS > 0
      ? { numRuns: 1e9, maxSkipsPerRun: 1e9, interruptAfterTimeLimit: (SECONDS * 1000) / TESTS / backends.length }
      : { numRuns: runs },
  );
  // What is refused and what has kinks are few.
  if (SECONDS === 0) expect(checked).toBe(runs);
}

/** The gradients of a program with respect to its inputs, zeros where there is none. */
function gradientsOf(program: Program, a: Tensor, b: Tensor, createGraph = false): [Tensor, Tensor] {
  const [x, y] = createGraph ? [a, b] : [a.detach().requiresGrad_(), b.detach().requiresGrad_()];
  const loss = run(program, x, y);
  if (!loss.requiresGrad) return [zerosLike(a), zerosLike(b)];
  const [da, db] = grad(loss, [x, y], { allowUnused: true, createGraph });
  return [da ?? zerosLike(a), db ?? zerosLike(b)];
}

describe.each(backends)('random programs on %s', (backend) => {
  beforeEach(() => setBackend(backend));

  test('have the gradients of finite differences; retained ones and hooks too', { timeout: TIMEOUT }, () => {
    forAll(120, (program) => {
      const [a, b] = inputsOf(program);
      const [x, y] = [a.detach().requiresGrad_(), b.detach().requiresGrad_()];
      let seen: Tensor | null = null;
      let watched: Tensor | null = null;
      let made: unknown = null;
      const loss = unlessRefused(() =>
        run(program, x, y, (value) => {
          const copy = value.mul(1);
          if (!copy.requiresGrad) return copy;
          watched = copy;
          watched.retainGrad();
          made = nodeOf(watched);
          watched.registerHook((g) => {
            seen = g.clone();
          });
          return watched;
        }),
      );
      fc.pre(loss.requiresGrad);
      unlessRefused(() => loss.backward());
      const [da, db] = noGrad(() => [numeric((at) => run(program, at, b), a), numeric((at) => run(program, a, at), b)]);
      fc.pre(da !== null && db !== null);
      agree('the first gradient', x.grad ?? zerosLike(a), da as Tensor, NUMERIC);
      agree('the second gradient', y.grad ?? zerosLike(b), db as Tensor, NUMERIC);
      const [ga, gb] = unlessRefused(() => gradientsOf(program, a, b));
      agree('grad of the first', ga, x.grad ?? zerosLike(a), EXACT);
      agree('grad of the second', gb, y.grad ?? zerosLike(b), EXACT);
      if (watched === null) return;
      // The hook sees what a change of the value there and then does.
      const { grad: kept, shape } = watched as Tensor;
      const change = noGrad(() =>
        numeric((d) => run(program, a, b, (value) => value.add(d)), zeros(shape, { dtype: 'float64' })),
      );
      fc.pre(change !== null);
      agree('what the hook saw', seen ?? zerosLike(change as Tensor), change as Tensor, NUMERIC);
      // What is retained belongs to the tensor's last value: the same unless it was changed in place.
      if (nodeOf(watched) !== made) return;
      expect(seen === null).toBe(kept === null);
      if (kept !== null) agree('a retained gradient', kept, seen as unknown as Tensor, EXACT);
    });
  });

  test('have second derivatives', { timeout: TIMEOUT }, () => {
    forAll(80, (program) => {
      const [a, b] = inputsOf(program);
      // Of the fewer inputs, for the time that differences take; the gradients of both are differentiated.
      const [v, w] = [numbers(a.shape, program.seed + 2), numbers(b.shape, program.seed + 3)];
      const slope = (x: Tensor, y: Tensor, createGraph: boolean): Tensor => {
        const [da, db] = unlessRefused(() => gradientsOf(program, x, y, createGraph));
        return da.mul(v).sum().add(db.mul(w).sum());
      };
      const expected = numeric((at) => slope(a, at, false), b);
      fc.pre(expected !== null);
      const [x, y] = [a.detach().requiresGrad_(), b.detach().requiresGrad_()];
      const along = slope(x, y, true);
      const second = along.requiresGrad ? unlessRefused(() => grad(along, [y], { allowUnused: true }))[0] : null;
      agree('a gradient of gradients', second ?? zerosLike(b), expected as Tensor, NUMERIC);
    });
  });

  test('have the same gradients compiled', { timeout: TIMEOUT }, () => {
    forAll(120, (program) => {
      const [a, b] = inputsOf(program);
      const [c, d] = inputsOf({ ...program, seed: program.seed + 7 });
      const step = compile((x: Tensor, y: Tensor) => gradientsOf(program, x, y));
      try {
        unlessRefused(() => step(c, d));
        const [want, got] = [gradientsOf(program, a, b), step(a, b) as [Tensor, Tensor]];
        expect(step.recordings).toBe(1);
        agree('compiled, the first gradient', got[0], want[0], EXACT);
        agree('compiled, the second gradient', got[1], want[1], EXACT);
      } finally {
        step.dispose();
      }
    });
  });
});
