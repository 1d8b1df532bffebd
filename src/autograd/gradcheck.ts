/**
 * Compares derivatives with finite differences. The outputs are projected on one random vector, so that one
 * gradient checks all of them (as HIPS/autograd does it); every input element is perturbed in turn.
 */
import { ArgumentError, AutogradError, DTypeError, describe } from '../errors.ts';
import { add, mul } from '../generated/elementwise.ts';
import { detach } from '../ops/convert.ts';
import { sum } from '../ops/reduce.ts';
import { allocateOne, expectChangeable, expectTensor } from '../tensor/create.ts';
import { listOf as entriesOf } from '../tensor/lists.ts';
import { checkOptions } from '../tensor/options.ts';
import { dtypeOf, ndimOf, numelOf, offsetOf, shapeOf, storageOf, stridesOf, type Tensor } from '../tensor/tensor.ts';
import { gradOf } from './backward.ts';
import { enableGrad, noGrad } from './mode.ts';

/** Options of `gradcheck` and `gradgradcheck`. */
export interface GradcheckOptions {
  /** Step of the central difference. */
  eps?: number;
  /** Absolute tolerance. */
  atol?: number;
  /** Relative tolerance. */
  rtol?: number;
}

/** A function of tensors with one result or several. */
export type CheckedFunction = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

/** Numbers in [-1, 1) that are the same in every run: Weyl's sequence with the golden ratio. */
function direction(like: Tensor, salt: number): Tensor {
  const out = allocateOne('gradcheck', storageOf(like).heap, dtypeOf(like), shapeOf(like));
  const view = storageOf(out).view(dtypeOf(like), 0, numelOf(like));
  for (let i = 0; i < numelOf(like); i++) view[i] = (2 * (((i + 1 + 7 * salt) * 0.6180339887498949) % 1) - 1) as never;
  return out;
}

function project(outputs: readonly Tensor[]): Tensor {
  const terms = outputs.filter((y) => y.isFloatingPoint).map((y, i) => sum(mul(y, direction(y, i))));
  if (terms.length === 0) throw new AutogradError('gradcheck', 'the function has no floating point result');
  return terms.reduce((a, b) => add(a, b));
}

function listOf(result: unknown): readonly Tensor[] {
  const list = entriesOf('gradcheck', result) ?? [result];
  return list.map((item) => expectTensor('gradcheck', item, 'the function to return a tensor or an array of them'));
}

/**
 * Checks the gradients of `f` with respect to all inputs that require grad, which must be float64.
 * @returns true
 * @throws AutogradError naming the element whose derivative differs, with both values.
 */
export function gradcheck(f: CheckedFunction, inputs: readonly Tensor[], options: GradcheckOptions = {}): true {
  if (typeof f !== 'function') throw new ArgumentError('gradcheck', `wants a function, got ${describe(f)}`);
  const given = entriesOf('gradcheck', inputs);
  if (given === null) throw new ArgumentError('gradcheck', `wants an array of inputs, got ${describe(inputs)}`);
  const { eps, atol, rtol } = tolerances('gradcheck', options);
  const tensors = given.map((x) => expectTensor('gradcheck', x));
  const wanted = tensors.filter((x) => x.requiresGrad);
  if (wanted.length === 0) throw new AutogradError('gradcheck', 'no input requires grad');
  for (const x of wanted)
    if (x.dtype !== 'float64') throw new DTypeError('gradcheck', `wants float64 inputs, got ${x.dtype}`);
  expectChangeable('gradcheck', wanted);
  const evaluate = () => project(listOf(f(...tensors)));
  const value = enableGrad(evaluate);
  const analytic = value.requiresGrad ? gradOf(value, wanted, { allowUnused: true }) : wanted.map(() => null);
  for (const [k, x] of wanted.entries()) {
    const got = analytic[k]?.data();
    const original = x.data() as Float64Array;
    const plain = detach(x);
    const at = (i: number, value: number) => {
      writeElements(plain, original.with(i, value));
      return noGrad(evaluate).item();
    };
    try {
      for (let i = 0; i < x.size; i++) {
        const here = original[i] as number;
        const numeric = (at(i, here + eps) - at(i, here - eps)) / (2 * eps);
        const exact = Number(got?.[i] ?? 0);
        if (!(Math.abs(exact - numeric) <= atol + rtol * Math.abs(numeric)))
          throw new AutogradError(
            'gradcheck',
            `derivative with respect to input ${inputs.indexOf(x)}, element ${i}: ${exact}, by finite differences ${numeric}`,
          );
      }
    } finally {
      writeElements(plain, original);
    }
  }
  return true;
}

function tolerances(op: string, options: GradcheckOptions): Required<GradcheckOptions> {
  const given = { eps: 1e-6, atol: 1e-5, rtol: 1e-3, ...checkOptions(op, options, ['eps', 'atol', 'rtol']) };
  for (const [name, value] of Object.entries(given))
    if (typeof value !== 'number' || !(value >= 0))
      throw new ArgumentError(op, `${name} is a number of at least 0, got ${describe(value)}`);
  return given;
}

/** Overwrites a tensor of any layout without the tape or the version counter noticing. */
function writeElements(x: Tensor, values: Float64Array): void {
  const index = new Array<number>(ndimOf(x)).fill(0);
  for (let i = 0; i < numelOf(x); i++) {
    let at = offsetOf(x);
    for (let d = 0; d < ndimOf(x); d++) at += (index[d] as number) * (stridesOf(x)[d] as number);
    storageOf(x).view('float64', at, 1)[0] = values[i] as number;
    for (let d = ndimOf(x) - 1; d >= 0 && ++(index[d] as number) === shapeOf(x)[d]; d--) index[d] = 0;
  }
}

/**
 * Checks second derivatives: the gradients of `f` are themselves differentiated and compared with finite differences.
 * @returns true
 * @throws AutogradError as `gradcheck`.
 */
export function gradgradcheck(f: CheckedFunction, inputs: readonly Tensor[], options: GradcheckOptions = {}): true {
  if (typeof f !== 'function') throw new ArgumentError('gradgradcheck', `wants a function, got ${describe(f)}`);
  tolerances('gradgradcheck', options);
  const gradients: CheckedFunction = (...xs) => {
    const wanted = xs.filter((x) => x.requiresGrad);
    return enableGrad(() => {
      const grads = gradOf(project(listOf(f(...xs))), wanted, { createGraph: true, allowUnused: true });
      return grads.map((g, i) => g ?? mul(wanted[i] as Tensor, 0));
    });
  };
  return gradcheck(gradients, inputs, options);
}
