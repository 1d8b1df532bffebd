/** `.grad` before, during and after compiled calls: everything is as in eager code. */
import * as ct from 'cotangent';
import { AutogradError, compile, DisposedError, type Tensor, tensor } from 'cotangent';
import { clipGradNorm, SGD } from 'cotangent/optim';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

const INPUTS = [1, -2, 0.5, 3, 2, -1];

/** A parameter, and what happens to it in a step. */
class Fit {
  readonly w = tensor([1, -1, 0.5], { dtype: 'float64', requiresGrad: true });
  readonly optimizer = new SGD([this.w], { lr: 0.1, momentum: 0.9 });

  backward(x: Tensor): Tensor {
    const loss = this.w.mul(x).sub(1).square().sum();
    loss.backward();
    return loss;
  }
}

const input = (value: number) => ct.full([3], value, { dtype: 'float64' });
const numbers = (x: Tensor | null) => (x === null ? null : Array.from(x.data() as Float64Array));

describe.each(backends)('on %s', (backend) => {
  const fits: Fit[] = [];
  const made = () => {
    fits.push(new Fit());
    return fits.at(-1) as Fit;
  };
  beforeEach(() => ct.setBackend(backend));
  afterEach(() => {
    for (const { w, optimizer } of fits.splice(0)) {
      w.grad = null;
      optimizer.loadStateDict({ ...optimizer.stateDict(), state: {} });
    }
  });

  /** What a loop leaves in the parameter and its gradient after each step. */
  function trace(fit: Fit, step: (x: Tensor) => Tensor, around: (fit: Fit, i: number, run: () => Tensor) => Tensor) {
    return INPUTS.map((value, i) => {
      const loss = around(fit, i, () => step(input(value)));
      return [loss.item(), numbers(fit.w), numbers(fit.w.grad)];
    });
  }

  type Step = (fit: Fit, x: Tensor) => Tensor;
  type Around = (fit: Fit, i: number, run: () => Tensor) => Tensor;
  const plain: Around = (_, _i, run) => run();
  const cases: [name: string, step: Step, around: Around, recordings: number][] = [
    [
      'zeroGrad at the start',
      (fit, x) => {
        fit.optimizer.zeroGrad();
        const loss = fit.backward(x);
        fit.optimizer.step();
        return loss;
      },
      plain,
      1,
    ],
    [
      'zeroGrad at the end',
      (fit, x) => {
        const loss = fit.backward(x);
        fit.optimizer.step();
        fit.optimizer.zeroGrad();
        return loss;
      },
      plain,
      1,
    ],
    [
      'zeroGrad outside',
      (fit, x) => {
        const loss = fit.backward(x);
        fit.optimizer.step();
        return loss;
      },
      (fit, _, run) => {
        fit.optimizer.zeroGrad();
        return run();
      },
      1,
    ],
    [
      'no zeroGrad at all',
      (fit, x) => {
        const loss = fit.backward(x);
        fit.optimizer.step();
        return loss;
      },
      plain,
      2,
    ],
    [
      'gradients set to null outside',
      (fit, x) => fit.backward(x),
      (fit, i, run) => {
        if (i % 2 === 0) fit.w.grad = null;
        return run();
      },
      2,
    ],
    [
      'gradients that the user sets',
      (fit, x) => fit.backward(x),
      (fit, i, run) => {
        fit.w.grad = ct.full([3], i, { dtype: 'float64' });
        return run();
      },
      1,
    ],
    [
      'gradients set by hand inside',
      (fit, x) => {
        fit.w.grad = null;
        const loss = fit.backward(x);
        fit.w.grad = (fit.w.grad as Tensor | null)?.mul(2) ?? null;
        fit.optimizer.step();
        return loss;
      },
      plain,
      1,
    ],
    [
      'an argument as the gradient',
      (fit, x) => {
        fit.w.grad = x;
        fit.optimizer.step();
        return x.sum();
      },
      plain,
      1,
    ],
    [
      'clipped gradients',
      (fit, x) => {
        fit.optimizer.zeroGrad();
        fit.backward(x);
        const norm = clipGradNorm([fit.w], 0.5);
        fit.optimizer.step();
        return norm;
      },
      plain,
      1,
    ],
    [
      'two backwards in a step',
      (fit, x) => {
        fit.optimizer.zeroGrad();
        fit.backward(x);
        return fit.backward(x.mul(2));
      },
      plain,
      1,
    ],
  ];

  test.each(cases)('%s', (_, step, around, recordings) => {
    const [eager, fit] = [made(), made()];
    const compiled = compile((x: Tensor) => step(fit, x));
    expect(trace(fit, compiled, around)).toEqual(trace(eager, (x) => step(eager, x), around));
    expect(compiled.recordings).toBe(recordings);
  });

  test('gradients accumulated over two calls, and a step that is compiled by itself', () => {
    const run = (fit: Fit, wrap: <A extends unknown[], R>(fn: (...args: A) => R) => (...args: A) => R) => {
      const accumulate = wrap((x: Tensor) => fit.backward(x));
      const update = wrap(() => {
        fit.optimizer.step();
        fit.optimizer.zeroGrad();
      });
      return INPUTS.map((value) => {
        const losses = [accumulate(input(value)).item(), accumulate(input(value + 1)).item()];
        const grad = numbers(fit.w.grad);
        update();
        return [losses, grad, numbers(fit.w), fit.w.grad];
      });
    };
    expect(run(made(), compile)).toEqual(run(made(), (fn) => fn));
  });

  test('repeat accumulates as calls do', () => {
    const [a, b] = [made(), made()];
    const step = compile((x: Tensor) => a.backward(x));
    const loss = step.repeat(5, input(2));
    for (let i = 0; i < 4; i++) b.backward(input(2));
    expect(loss.item()).toBe(b.backward(input(2)).item());
    expect(numbers(a.w.grad)).toEqual(numbers(b.w.grad));
    expect(step.recordings).toBe(2);
  });

  test('a gradient that somebody holds keeps its value', () => {
    const fit = made();
    const step = compile((x: Tensor) => fit.backward(x));
    const held = [1, 2, 3].map((value) => {
      fit.w.grad = null;
      step(input(value));
      return fit.w.grad as unknown as Tensor;
    });
    const eager = made();
    const expected = [1, 2, 3].map((value) => {
      eager.w.grad = null;
      eager.backward(input(value));
      return numbers(eager.w.grad);
    });
    expect(held.map(numbers)).toEqual(expected);
  });

  type Wrap = <A extends unknown[], R>(fn: (...args: A) => R) => (...args: A) => R;
  const both = (run: (wrap: Wrap) => unknown) => expect(run(compile)).toEqual(run((fn) => fn));
  const values = (value: number) => ct.tensor([value, 1, -1], { dtype: 'float64' });

  test('a gradient from before the call as its result', () => {
    both((wrap) => {
      const { w } = made();
      const [get, row] = [wrap(() => w.grad), wrap(() => w.grad?.narrow(0, 1, 2) ?? null)];
      return [1, 2, 3].map((value) => {
        w.grad = values(value);
        const given = [get() === w.grad, numbers(get()), numbers(row())];
        w.grad = null;
        w.mul(value).sum().backward();
        return [given, get() === w.grad, numbers(get()), numbers(row())];
      });
    });
  });

  test('a gradient from before the call that is replaced, as its result', () => {
    both((wrap) => {
      const fit = made();
      const step = wrap((x: Tensor) => {
        const before = fit.w.grad;
        fit.w.grad = null;
        fit.backward(x);
        return [before, fit.w.grad as Tensor | null];
      });
      const take = wrap(() => {
        const { grad } = fit.w;
        fit.w.grad = null;
        return grad;
      });
      const kept: (Tensor | null)[] = [];
      for (const value of INPUTS) {
        fit.w.grad ??= values(value);
        kept.push(...step(input(value)));
        if (value % 2 === 0) kept.push(take());
      }
      return kept.map(numbers);
    });
  });

  test('nothing but gradients set to null, or handed on', () => {
    both((wrap) => {
      const [a, b] = [made(), made()];
      const clear = wrap(() => {
        a.w.grad = null;
      });
      const hand = wrap(() => {
        b.w.grad = a.w.grad;
      });
      return [1, 2, 3].map((value) => {
        a.w.grad = values(value);
        hand();
        clear();
        return [a.w.grad, numbers(b.w.grad)];
      });
    });
  });

  test('gradients that share their memory, and then do not', () => {
    both((wrap) => {
      const [a, b] = [made(), made()];
      const step = wrap((x: Tensor) => {
        a.backward(x);
        b.backward(x);
      });
      return [true, true, false, false, true, false].map((shared, i) => {
        a.w.grad = values(i);
        b.w.grad = shared ? a.w.grad : values(10 * i);
        step(input(i));
        return [numbers(a.w.grad), numbers(b.w.grad)];
      });
    });
  });

  test('a parameter that is frozen, and thawed again', () => {
    const fit = made();
    const step = compile((x: Tensor) => {
      fit.optimizer.zeroGrad();
      const y = fit.w.mul(x).sum();
      if (y.requiresGrad) y.backward();
      return y;
    });
    for (let i = 0; i < 2; i++) {
      fit.w.requiresGrad_(true);
      step(input(3));
      expect(numbers(fit.w.grad)).toEqual([3, 3, 3]);
      fit.w.requiresGrad_(false);
      step(input(4));
      expect(fit.w.grad).toBeNull();
    }
    fit.w.requiresGrad_(true);
  });

  test('a parameter that was disposed of is a DisposedError', () => {
    const fit = made();
    const step = compile((x: Tensor) => fit.w.mul(x).sum());
    step(input(1));
    fit.w.dispose();
    for (let i = 0; i < 2; i++) expect(() => step(input(1))).toThrow(DisposedError);
  });

  test('eager backward through what a compiled step changed since is refused', () => {
    const fit = made();
    const step = compile((x: Tensor) => {
      fit.optimizer.zeroGrad();
      fit.backward(x);
      fit.optimizer.step();
    });
    const x = input(2);
    const touch = compile((y: Tensor) => void y.mul_(2));
    for (let i = 0; i < 3; i++) {
      const stale = fit.w.square().sum();
      step(x);
      expect(() => stale.backward()).toThrow(AutogradError);
      const alsoStale = fit.w.mul(x).sum();
      touch(x);
      expect(() => alsoStale.backward()).toThrow(/changed in place|modified/);
    }
    expect([step.recordings, touch.recordings]).toEqual([1, 1]);
  });
});
