/** What optimizers keep, and that they keep no more with every step. */
import { memory, scope, setBackend, type Tensor, tensor } from 'cotangent';
import { Adam, AdamW } from 'cotangent/optim';
import { describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

/** A parameter with a gradient. */
function parameter(): Tensor {
  const x = tensor([0.5, -1, 2, 3], { dtype: 'float64', requiresGrad: true });
  x.grad = tensor([1, -2, 0.5, 0], { dtype: 'float64' });
  return x;
}

describe.each(backends)('on %s', (backend) => {
  test('state made inside a scope outlives it, and steps do not leak', () => {
    setBackend(backend);
    const optimizer = new AdamW([parameter()], { lr: 0.1 });
    const ams = new Adam([parameter()], { amsgrad: true, maximize: true, weightDecay: 0.1 });
    const step = () =>
      scope(() => {
        optimizer.step();
        ams.step();
      });
    step();
    const { bytes } = memory(backend);
    for (let i = 0; i < 10; i++) step();
    expect(memory(backend).bytes).toBe(bytes);
  });
});
