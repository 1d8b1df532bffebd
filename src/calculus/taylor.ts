/** Taylor polynomials, whose coefficients come from derivatives by autograd. */
import { ArgumentError, describe } from '../errors.ts';
import { scope } from '../memory/scope.ts';
import { filled } from '../ops/convert.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { type Elementwise, expectFinite, expectFunction, expectWhole, jetSampler } from './call.ts';

/** A polynomial in (x − at). */
export class TaylorPolynomial {
  readonly at: number;
  /** The coefficient of (x − at)ᵏ at index k. */
  readonly coefficients: readonly number[];

  constructor(at: number, coefficients: readonly number[]) {
    this.at = at;
    this.coefficients = coefficients;
  }

  /** The polynomial at a number, or at every element of a tensor, by Horner's rule. */
  evaluate(x: number): number;
  evaluate(x: Tensor): Tensor;
  evaluate(x: number | Tensor): number | Tensor {
    const { at, coefficients } = this;
    if (typeof x === 'number') return coefficients.reduceRight((total, c) => total * (x - at) + c, 0);
    if (!isTensor(x)) throw new ArgumentError('evaluate', `wants a number or a tensor, got ${describe(x)}`);
    return scope(() => {
      const from = x.sub(at);
      return coefficients.reduceRight((total, c) => total.mul(from).add(c), filled('evaluate', x.shape, 0, from));
    });
  }

  /** `1 + (x - 2) - 0.5(x - 2)^2`; terms with a coefficient of 0 are left out. */
  toString(): string {
    const base = this.at === 0 ? 'x' : `(x ${this.at < 0 ? '+' : '-'} ${Math.abs(this.at)})`;
    let text = '';
    this.coefficients.forEach((c, k) => {
      if (c === 0) return;
      const size = Number(Math.abs(c).toPrecision(6));
      const power = k === 0 ? '' : k === 1 ? base : `${base}^${k}`;
      const term = k > 0 && size === 1 ? power : `${size}${power}`;
      text += text === '' ? `${c < 0 ? '-' : ''}${term}` : ` ${c < 0 ? '-' : '+'} ${term}`;
    });
    return text === '' ? '0' : text;
  }
}

/**
 * The Taylor polynomial of f of the given order around `at`: f(at) + f′(at)(x − at) + … + f⁽ⁿ⁾(at)(x − at)ⁿ/n!.
 * @param f works elementwise on float64 tensors
 * @param order from 0 to 20; see `derivative` for what high orders cost
 */
export function taylor(f: Elementwise, at: number, order: number): TaylorPolynomial {
  expectFunction('taylor', f);
  expectFinite('taylor', 'at', at);
  expectWhole('taylor', 'the order', order, 0, 20);
  let factorial = 1;
  const coefficients = jetSampler(
    'taylor',
    f,
    order,
  )(Float64Array.of(at)).map((value, k) => {
    if (k > 0) factorial *= k;
    if (!Number.isFinite(value[0]))
      throw new ArgumentError('taylor', `derivative ${k} of the function is ${value[0]} at ${at}`);
    return (value[0] as number) / factorial;
  });
  return new TaylorPolynomial(at, coefficients);
}
