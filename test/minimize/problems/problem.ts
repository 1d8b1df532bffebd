/**
 * Test problems of unconstrained optimisation: sums of squares with published starts and minima. Most are those of Moré, Garbow
 * and Hillstrom, "Testing Unconstrained Optimization Software" (ACM TOMS 7, 1981), by their numbers there.
 */
import { stack, type Tensor, tensor } from 'cotangent';

/** A sum of squares to minimise. */
export interface Problem {
  name: string;
  /** x [n], float64 → [m] */
  residuals: (x: Tensor) => Tensor;
  start: readonly number[];
  /** Published minima, local ones among them; 0 is reached to 1e-12 of the value at the start. */
  minima: readonly number[];
  /** Where the only minimum is, if it is a point. */
  point?: readonly number[];
  /** Methods that do not get there, and why. */
  except?: { readonly method: string; readonly why: string };
  /** A method whose values rounding hides before it is there, how small a part of the first value it surely reaches, and why. */
  flat?: { readonly method: string; readonly reached: number; readonly why: string };
}

/** Data as a float64 vector on the backend that is in use. */
export const data = (values: readonly number[]): Tensor => tensor([...values], { dtype: 'float64' });

/** i = 1 … n, as a function of i. */
export const each = (n: number, f: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => f(i + 1));

/** The variables one by one. */
export const split = (x: Tensor): Tensor[] => Array.from({ length: x.size }, (_, i) => x.select(0, i));

/** A function of separate variables with a list of residuals, as one of a vector. */
export const list =
  (f: (...x: Tensor[]) => Tensor[]): Problem['residuals'] =>
  (x) =>
    stack(f(...split(x)));

/** A function of separate variables with a vector of residuals, as one of a vector. */
export const curve =
  (f: (...x: Tensor[]) => Tensor): Problem['residuals'] =>
  (x) =>
    f(...split(x));

/** The sum of the squares. */
export const sumOfSquares =
  ({ residuals }: Problem) =>
  (x: Tensor): Tensor =>
    residuals(x).square().sum();
