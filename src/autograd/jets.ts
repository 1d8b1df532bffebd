/**
 * Derivatives of high order along a line, in Taylor mode (Griewank and Walther, "Evaluating Derivatives", 2008, chapter 13): instead
 * of differentiating derivatives, whose graphs double with every order, tensors carry coefficients of power series in t. Products and
 * quotients have rules of their own. Every other elementwise op follows from its row in the table: if y = f(x), then y′ is the row's
 * derivative with x′ in the place of the cotangent, and that is a formula of ops again, of series that are one order shorter. An
 * op whose derivative depends on nothing that varies is linear, and is applied to every coefficient.
 */
import { add, div, mul, neg, sub } from '../generated/elementwise.ts';
import { filled } from '../ops/convert.ts';
import { type DerivativeSpec, type ElementwiseSpec, type Terms, termOf } from '../ops/elementwise.ts';
import { expand, reshape } from '../ops/view.ts';
import { type Shape, sameShape } from '../tensor/layout.ts';
import { isTensor, shapeOf, type Tensor, type TensorLike } from '../tensor/tensor.ts';
import { gradOf } from './backward.ts';
import { gradMode, isGradEnabled, type SeriesRules, series } from './mode.ts';
import type { Vjp } from './node.ts';

/** The coefficients of t, t², …; null stands for zero, and so does what is beyond the end. The one of t⁰ is the tensor itself. */
type Tail = readonly (Tensor | null)[];

/** Thrown where an op has no rule for series; never leaves this file. */
class NoRule extends Error {}

const scaled = (x: Tensor | null | undefined, factor: number): Tensor | null =>
  x ? (factor === 1 ? x : mul(x, factor)) : null;

const plus = (a: Tensor | null, b: Tensor | null): Tensor | null => (a && b ? add(a, b) : (a ?? b));

const times = (a: TensorLike | null, b: TensorLike | null): Tensor | null =>
  a === null || b === null ? null : mul(a, b);

const shaped = (x: Tensor | null, shape: Shape): Tensor | null =>
  x === null || sameShape(shapeOf(x), shape) ? x : expand(x, shape);

const sameData = (x: Tensor): Tensor => reshape(x, shapeOf(x));

/** One evaluation of a function on series. */
class Evaluation implements SeriesRules {
  readonly tails = new WeakMap<Tensor, Tail>();
  /** Coefficients up to this one are wanted; 0 while rules are at work, which compute with coefficients as with any other tensors. */
  #order: number;

  constructor(order: number) {
    this.#order = order;
  }

  #tail(x: TensorLike): Tail | null {
    return typeof x === 'number' ? null : (this.tails.get(x) ?? null);
  }

  #varies(inputs: readonly (TensorLike | null | undefined)[]): boolean {
    return (
      isGradEnabled() && inputs.some((x) => x !== null && x !== undefined && typeof x !== 'number' && this.tails.has(x))
    );
  }

  /** Coefficient k of an operand. */
  #at(x: TensorLike, k: number): TensorLike | null {
    return k === 0 ? x : (this.#tail(x)?.[k - 1] ?? null);
  }

  elementwise(spec: ElementwiseSpec, inputs: readonly TensorLike[], out: Tensor, params: readonly number[]): void {
    if (this.#order === 0 || spec.test || !this.#varies(inputs)) return;
    const tail = this.#upTo(0, (order) =>
      this.#series(spec, inputs, out, params, order).map((x) => shaped(x, shapeOf(out))),
    );
    this.tails.set(out, tail);
  }

  /** Runs `fn`, which is told the present order, while coefficients up to another one are wanted. */
  #upTo<T>(order: number, fn: (before: number) => T): T {
    const before = this.#order;
    this.#order = order;
    try {
      return fn(before);
    } finally {
      this.#order = before;
    }
  }

  #series(
    spec: ElementwiseSpec,
    inputs: readonly TensorLike[],
    out: Tensor,
    params: readonly number[],
    order: number,
  ): Tail {
    if (spec.vjp === null) throw new NoRule();
    const [x, y] = inputs as [TensorLike, TensorLike];
    if (spec.name === 'mul') return this.#product(x, y, order);
    if (spec.name === 'div') return this.#quotient(x, y, out, order);
    let slopes: (Tensor | null)[] = new Array<null>(order).fill(null);
    // The result's own series, shorter by one, for derivatives that read it.
    let known: Tail | null = null;
    for (const [i, derivative] of spec.vjp.entries()) {
      const tail = this.#tail(inputs[i] as TensorLike);
      if (tail === null || tail.length === 0) continue;
      if (derivative.uses.includes('r'))
        known ??= order === 1 ? [] : this.#series(spec, inputs, out, params, order - 1);
      const part = this.#slope(derivative, inputs, i, tail, out, known, params, order);
      slopes = slopes.map((slope, k) => plus(slope, part[k] ?? null));
    }
    return slopes.map((slope, k) => scaled(slope, 1 / (k + 1)));
  }

  /** The coefficients of the derivative by t that comes through input i. */
  #slope(
    { compose }: DerivativeSpec,
    inputs: readonly TensorLike[],
    i: number,
    tail: Tail,
    out: Tensor,
    known: Tail | null,
    params: readonly number[],
    order: number,
  ): Tail {
    const moving = inputs[i] as Tensor;
    const [x, y, z] = inputs.map((input) => termOf('jet', input, moving));
    // Handles of their own, because series belong to handles.
    const g = sameData(tail[0] ?? filled('jet', shapeOf(moving), 0, moving));
    const r = sameData(out);
    this.tails.set(
      g,
      Array.from({ length: order - 1 }, (_, k) => scaled(tail[k + 1], k + 2)),
    );
    if (known !== null) this.tails.set(r, known);
    const result = this.#upTo(order - 1, () => compose({ x, y, z, r, g } as Terms, params));
    if (typeof result === 'number') return [filled('jet', shapeOf(out), result, out)];
    return [result, ...(this.tails.get(result) ?? [])];
  }

  #product(x: TensorLike, y: TensorLike, order: number): Tail {
    return Array.from({ length: order }, (_, i) => {
      let sum: Tensor | null = null;
      for (let j = 0; j <= i + 1; j++) sum = plus(sum, times(this.#at(x, j), this.#at(y, i + 1 - j)));
      return sum;
    });
  }

  /** From q · y = x: the highest coefficient of q by all others. */
  #quotient(x: TensorLike, y: TensorLike, q: Tensor, order: number): Tail {
    const tail: (Tensor | null)[] = [];
    for (let k = 1; k <= order; k++) {
      let rest = this.#at(x, k) as Tensor | null;
      for (let j = 1; j <= k; j++) {
        const part = times(this.#at(y, j), j === k ? q : (tail[k - j - 1] ?? null));
        if (part !== null) rest = rest === null ? neg(part) : sub(rest, part);
      }
      tail.push(rest && div(rest, y));
    }
    return tail;
  }

  /** An op that is no elementwise one: linear where nothing that its derivative reads varies. */
  structured(
    inputs: readonly (TensorLike | null | undefined)[],
    outputs: readonly Tensor[],
    saved: readonly Tensor[],
    vjp: Vjp,
  ): void {
    if (this.#order === 0 || !this.#varies(inputs)) return;
    if (saved.some((x) => this.tails.has(x) || outputs.includes(x))) throw new NoRule();
    const needs = inputs.map((x) => isTensor(x) && this.tails.has(x));
    for (const [index, out] of outputs.entries()) {
      if (!out.isFloatingPoint) continue;
      const tail = this.#upTo(0, (order) => {
        const cotangent = filled('jet', shapeOf(out), 0, out).requiresGrad_();
        const pulled = vjp(
          outputs.map((_, i) => (i === index ? cotangent : null)),
          saved,
          needs,
        );
        const push = (k: number): Tensor | null => {
          const terms = pulled.flatMap((grad, i) => {
            const term = needs[i] ? this.#at(inputs[i] as Tensor, k) : null;
            return grad?.requiresGrad && isTensor(term) ? [{ grad, term }] : [];
          });
          if (terms.length === 0) return null;
          const options = { gradOutputs: terms.map(({ term }) => term), retainGraph: true, allowUnused: true };
          return gradOf(
            terms.map(({ grad }) => grad),
            cotangent,
            { ...options, createGraph: terms.some(({ term }) => term.requiresGrad) },
          )[0] as Tensor | null;
        };
        return Array.from({ length: order }, (_, k) => push(k + 1));
      });
      this.tails.set(out, tail);
    }
  }

  inPlace(): void {
    if (this.#order > 0) throw new NoRule();
  }
}

/**
 * Taylor coefficients of t ↦ f(x + t) at 0, every element of x moving by t: f(x), f′(x), f″(x)/2, … up to the one of tⁿ. The ops that
 * compute them are recorded where x requires grad.
 * @returns null where f contains an op without a rule for series; `varies` is false where the result does not depend on x by way of
 * ops at all
 */
export function taylorCoefficients(
  f: (x: Tensor) => Tensor,
  x: Tensor,
  order: number,
): { coefficients: Tensor[]; varies: boolean } | null {
  const evaluation = new Evaluation(order);
  evaluation.tails.set(x, [filled('jet', shapeOf(x), 1, x)]);
  try {
    const y = series.during(evaluation, () => gradMode.during(true, () => f(x)));
    const tail = evaluation.tails.get(y);
    const coefficients = [y, ...Array.from({ length: order }, (_, k) => tail?.[k] ?? filled('jet', shapeOf(y), 0, y))];
    return { coefficients, varies: tail !== undefined };
  } catch (error) {
    if (error instanceof NoRule) return null;
    throw error;
  }
}
