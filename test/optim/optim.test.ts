/**
 * Optimizers: the settings, groups, states and memory that all share. The numbers of many configurations are compared
 * with PyTorch in `test/conformance`; here they are compared with the formulas in plain JavaScript, at sizes with remainders.
 */
import {
  ArgumentError,
  AutogradError,
  arange,
  backendInfo,
  DisposedError,
  DTypeError,
  getBackend,
  ones,
  StateError,
  setBackend,
  type Tensor,
  tensor,
  zeros,
} from 'cotangent';
import { Adam, AdamW, clipGradNorm, clipGradValue, type Optimizer, SGD } from 'cotangent/optim';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const before = getBackend();
const backends = (['native', 'wasm'] as const).filter((name) => backendInfo().available[name].ok);
const numbers = (x: Tensor): number[] => Array.from(x.data() as ArrayLike<number>);

const START = [0.5, -1, 2, 3, -4, 0.25, 1];
const GRADIENT = [1, -2, 0.5, 0, 3, -0.1, 0.7];

/** A parameter whose gradient is set by hand. */
function parameter(values: readonly number[] = START, dtype: 'float32' | 'float64' = 'float64'): Tensor {
  const x = tensor([...values], { dtype, requiresGrad: true });
  x.grad = tensor(GRADIENT.slice(0, values.length), { dtype });
  return x;
}

function run(optimizer: Optimizer, steps: number): void {
  for (let i = 0; i < steps; i++) optimizer.step();
}

describe.each(backends)('on %s', (backend) => {
  beforeAll(() => setBackend(backend));
  afterAll(() => setBackend(before));

  test('SGD follows its formula with momentum, dampening and weight decay', () => {
    const x = parameter();
    run(new SGD([x], { lr: 0.1, momentum: 0.9, dampening: 0.5, weightDecay: 0.01 }), 3);
    const expected = START.map((start, i) => {
      let [p, buffer] = [start, 0];
      for (let step = 0; step < 3; step++) {
        const d = (GRADIENT[i] as number) + 0.01 * p;
        buffer = step === 0 ? d : 0.9 * buffer + 0.5 * d;
        p -= 0.1 * buffer;
      }
      return p;
    });
    for (const [i, v] of numbers(x).entries()) expect(v).toBeCloseTo(expected[i] as number, 12);
  });

  test.each(['float32', 'float64'] as const)('AdamW follows its formula in %s', (dtype) => {
    const x = parameter(START, dtype);
    run(new AdamW([x], { lr: 0.05, weightDecay: 0.1 }), 4);
    const expected = START.map((start, i) => {
      const g = GRADIENT[i] as number;
      let [p, m, v] = [start, 0, 0];
      for (let step = 1; step <= 4; step++) {
        p -= 0.05 * 0.1 * p;
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        p -= (0.05 / (1 - 0.9 ** step)) * (m / (Math.sqrt(v) / Math.sqrt(1 - 0.999 ** step) + 1e-8));
      }
      return p;
    });
    for (const [i, v] of numbers(x).entries())
      expect(v).toBeCloseTo(expected[i] as number, dtype === 'float64' ? 12 : 5);
  });

  test('maximize climbs, and AMSGrad equals Adam while second moments grow', () => {
    const [up, down] = [parameter(), parameter(START.map((v) => -v))];
    run(new Adam([up], { lr: 0.1, maximize: true }), 2);
    run(new Adam([down], { lr: 0.1 }), 2);
    for (const [i, v] of numbers(up).entries()) expect(v).toBeCloseTo(-(numbers(down)[i] as number), 12);
    const ams = parameter(START.map((v) => -v));
    run(new Adam([ams], { lr: 0.1, amsgrad: true }), 2);
    for (const [i, v] of numbers(ams).entries()) expect(v).toBeCloseTo(numbers(down)[i] as number, 12);
  });

  test('parameters in any layout are updated in place', () => {
    const base = arange(6, { dtype: 'float32' }).reshape(2, 3);
    const x = base.t().detach().requiresGrad_();
    x.grad = ones(3, 2);
    new SGD([x], { lr: 1 }).step();
    expect(base.toArray()).toEqual([
      [-1, 0, 1],
      [2, 3, 4],
    ]);
  });

  test('groups have settings of their own, and a rate may change between steps', () => {
    const [a, b] = [parameter([1]), parameter([1])];
    const optimizer = new SGD([{ params: [a], lr: 1 }, { params: b }], { lr: 0.5 });
    optimizer.step();
    expect([a.item(), b.item()]).toEqual([0, 0.5]);
    (optimizer.paramGroups[0] as { lr: number }).lr = 2;
    optimizer.step();
    expect([a.item(), b.item()]).toEqual([-2, 0]);
    expect(() => {
      (optimizer.paramGroups[0] as { lr: number }).lr = -1;
    }).toThrow(ArgumentError);
    const late = parameter([1]);
    optimizer.addParamGroup({ params: [late], lr: 3 });
    optimizer.step();
    expect(late.item()).toBe(-2);
  });

  test('a closure is run with gradients and its value returned', () => {
    const x = tensor([2], { requiresGrad: true });
    const optimizer = new SGD([x], { lr: 0.1 });
    const loss = optimizer.step(() => {
      optimizer.zeroGrad();
      const value = x.square().sum();
      value.backward();
      return value;
    });
    expect(loss.item()).toBe(4);
    expect(x.item()).toBeCloseTo(1.6, 6);
  });

  test('zeroGrad frees the gradients', () => {
    const x = parameter();
    const grad = x.grad as Tensor;
    new SGD([x]).zeroGrad();
    expect(x.grad).toBeNull();
    expect(grad.disposed).toBe(true);
  });

  test('a run goes on from its saved state as if it had not stopped', () => {
    const [straight, stopped] = [parameter(), parameter()];
    const one = new AdamW([straight], { lr: 0.1 });
    run(one, 5);
    const two = new AdamW([stopped], { lr: 0.1 });
    run(two, 2);
    const resumed = parameter(numbers(stopped));
    const three = new AdamW([resumed], { lr: 9 });
    three.loadStateDict(two.stateDict());
    run(three, 3);
    expect(numbers(resumed)).toEqual(numbers(straight));
    expect(three.paramGroups[0]?.lr).toBe(0.1);
  });

  test('a state that does not fit is refused as a whole, with all reasons', () => {
    const [x, y] = [parameter(), parameter([1, 2])];
    const optimizer = new Adam([x, y]);
    optimizer.step();
    const state = optimizer.stateDict();
    const other = new Adam([parameter([1, 2]), parameter([1])]);
    expect(() => other.loadStateDict(state)).toThrow(StateError);
    expect(() => other.loadStateDict(state)).toThrow(
      /expAvg of parameter 0 has shape \[7\], expected \[2\][\s\S]*parameter 1/,
    );
    expect(() => new Adam([x]).loadStateDict(state)).toThrow(/group 0 has 2 parameters/);
    for (const junk of [
      null,
      5,
      {},
      { state: {}, paramGroups: [null] },
      { state: { 0: 3 }, paramGroups: [{ params: [0, 1] }] },
    ])
      expect(() => optimizer.loadStateDict(junk as never)).toThrow(StateError);
    expect(() => optimizer.loadStateDict({ state: {}, paramGroups: [{ params: [0, 1], lr: -1 }] })).toThrow(
      ArgumentError,
    );
  });

  test('a step counts as a change for autograd', () => {
    const x = parameter();
    const loss = x.square().sum();
    new SGD([x], { lr: 0.1 }).step();
    expect(() => loss.backward()).toThrow(AutogradError);
  });

  test('clipGradNorm scales all gradients together', () => {
    const [a, b, none] = [parameter([0]), parameter([0, 0]), zeros(3, { requiresGrad: true })];
    a.grad = tensor([3], { dtype: 'float64' });
    b.grad = tensor([0, 4], { dtype: 'float64' });
    expect(clipGradNorm([a, b, none], 10).item()).toBeCloseTo(5, 12);
    expect(numbers(b.grad)).toEqual([0, 4]);
    expect(clipGradNorm([a, b], 1).item()).toBeCloseTo(5, 12);
    expect(numbers(a.grad)[0]).toBeCloseTo(0.6, 5);
    expect(numbers(b.grad)[1]).toBeCloseTo(0.8, 5);
    expect(clipGradNorm(b, 100, { normType: Number.POSITIVE_INFINITY }).item()).toBeCloseTo(0.8, 5);
    a.grad = tensor([Number.NaN], { dtype: 'float64' });
    expect(() => clipGradNorm([a], 1, { errorIfNonfinite: true })).toThrow(ArgumentError);
    expect(clipGradNorm([none], 1).item()).toBe(0);
  });

  test('clipGradValue cuts elements off', () => {
    const x = parameter();
    clipGradValue(x, 0.5);
    expect(numbers(x.grad as Tensor)).toEqual([0.5, -0.5, 0.5, 0, 0.5, -0.1, 0.5]);
  });

  test('bad settings and parameters are typed errors', () => {
    const x = parameter();
    expect(() => new SGD([x], { lr: -1 })).toThrow(/lr is a finite number of at least 0, got -1/);
    expect(() => new SGD([x], { nesterov: true })).toThrow(ArgumentError);
    expect(() => new Adam([x], { betas: [0.9, 1] })).toThrow(ArgumentError);
    expect(() => new Adam([x], { beta: 0.9 } as never)).toThrow(/unknown option "beta"/);
    expect(() => new SGD([])).toThrow(ArgumentError);
    expect(() => new SGD([x, x])).toThrow(/appears twice/);
    expect(() => new SGD([x.mul(2)])).toThrow(AutogradError);
    expect(() => new SGD([zeros(2, { dtype: 'int64' })])).toThrow(DTypeError);
    for (const junk of [undefined, null, 5, 'ab', [null], [{}], [{ params: 3 }]])
      expect(() => new SGD(junk as never)).toThrow(ArgumentError);
    expect(() => new SGD([x]).step(5 as never)).toThrow(ArgumentError);
    const gone = parameter();
    gone.dispose();
    expect(() => new SGD([gone])).toThrow(DisposedError);
    expect(() => clipGradNorm([x], -1)).toThrow(ArgumentError);
    expect(() => clipGradValue([x], Number.NaN)).toThrow(ArgumentError);
  });
});
