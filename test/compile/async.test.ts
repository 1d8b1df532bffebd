/** Steps on another thread: in order, with the results of synchronous ones, and stopped between steps. */
import * as ct from 'cotangent';
import { CompileError, compile, type Tensor, tensor } from 'cotangent';
import { Adam } from 'cotangent/optim';
import { beforeEach, describe, expect, test } from 'vitest';
import { storageOf } from '../../src/tensor/tensor.ts';
import { backends } from '../support/backends.ts';

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));

  /** Counts its steps in tensor memory. */
  const counting = () => {
    const counter = tensor(0, { dtype: 'float64' });
    return { counter, step: compile((x: Tensor) => counter.add_(x).mul(1)) };
  };
  const one = () => tensor(1, { dtype: 'float64' });

  test('runAsync and repeatAsync do what the others do', async () => {
    const train = () => {
      ct.manualSeed(1);
      const w = tensor([1, -2, 3], { dtype: 'float64', requiresGrad: true });
      const optimizer = new Adam([w], { lr: 0.1 });
      const step = compile((x: Tensor) => {
        optimizer.zeroGrad();
        const loss = w
          .mul(x)
          .add(ct.rand(3, { dtype: 'float64' }))
          .square()
          .sum();
        loss.backward();
        optimizer.step();
        return loss;
      });
      const state = () => [w.toArray(), w.grad?.toArray()];
      const free = () => {
        optimizer.zeroGrad();
        optimizer.loadStateDict({ ...optimizer.stateDict(), state: {} });
      };
      return { step, state, free };
    };
    const x = ct.full([3], 0.5, { dtype: 'float64' });
    const sync = train();
    const expected = [sync.step(x), sync.step(x), sync.step.repeat(5, x), sync.step(x)].map((r) => r.item());
    const later = train();
    const got = [
      await later.step.runAsync(x),
      await later.step.runAsync(x),
      await later.step.repeatAsync(5, x),
      later.step(x),
    ];
    expect(got.map((r) => r.item())).toEqual(expected);
    expect(later.state()).toEqual(sync.state());
    expect(later.step.recordings).toBe(1);
    for (const { free } of [sync, later]) free();
  });

  test('calls that overlap run in order, also those of two functions', async () => {
    const log = tensor(0, { dtype: 'float64' });
    const [push, double] = [
      compile((x: Tensor) => log.mul_(10).add_(x).mul(1)),
      compile((_: Tensor) => log.mul_(2).mul(1)),
    ];
    const results = await Promise.all([
      push.runAsync(one()),
      double.runAsync(one()),
      push.repeatAsync(2, one()),
      double.runAsync(one()),
      push.runAsync(one()),
    ]);
    expect(results.map((r) => r.item())).toEqual([1, 2, 211, 422, 4221]);
  });

  test('a synchronous call or a dispose meanwhile is a CompileError', async () => {
    const { counter, step } = counting();
    const running = step.repeatAsync(3, one());
    expect(() => step(one())).toThrow(CompileError);
    expect(() => step.repeat(2, one())).toThrow(/await/);
    expect(() => step.dispose()).toThrow(CompileError);
    expect((await running).item()).toBe(3);
    expect(step(one()).item()).toBe(4);
    expect(counter.item()).toBe(4);
  });

  test('arguments that are freed before their turn', async () => {
    const { counter, step } = counting();
    const running = ct.scope(() => {
      const x = tensor(2, { dtype: 'float64' });
      const calls = [step.runAsync(x), step.repeatAsync(3, x), step.runAsync(x)];
      x.dispose();
      return Promise.all(calls);
    });
    const junk = Array.from({ length: 16 }, () => tensor(-100, { dtype: 'float64' }));
    await running;
    expect(counter.item()).toBe(10);
    expect(junk).toHaveLength(16);
  });

  test('an argument that is returned is the caller’s own', async () => {
    const step = compile((x: Tensor) => ({ x, view: x.reshape(1), y: x.add(1) }));
    for (let i = 0; i < 3; i++) {
      const x = tensor(i);
      const handles = storageOf(x).handles;
      const result = await step.runAsync(x);
      expect(result.x).toBe(x);
      expect([result.view.item(), result.y.item()]).toEqual([i, i + 1]);
      result.view.dispose();
      expect(storageOf(x).handles).toBe(handles);
    }
    const x = tensor(5);
    const running = step.runAsync(x);
    x.dispose();
    const { x: same } = await running;
    expect(same.item()).toBe(5);
    same.dispose();
  });

  test('an error is that of the eager op, and later calls run', async () => {
    const table = ct.rand(4, 2);
    const step = compile((index: Tensor) => ct.embedding(index, table));
    const index = (i: bigint) => tensor([i], { dtype: 'int64' });
    await step.runAsync(index(0n));
    const calls = [step.runAsync(index(1n)), step.repeatAsync(3, index(9n)), step.runAsync(index(2n))];
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const { reason } = outcomes[1] as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(ct.IndexError);
    expect(String(reason)).toMatch(/^IndexError: embedding: /);
  });

  test('what is wrong with a call is a rejection, not an exception', async () => {
    const { step } = counting();
    await expect(step.repeatAsync(0, one())).rejects.toThrow(ct.ArgumentError);
    const gone = one();
    gone.dispose();
    await expect(step.runAsync(gone)).rejects.toThrow(ct.DisposedError);
    const broken = compile(() => {
      throw new TypeError('mine');
    });
    await expect(broken.runAsync()).rejects.toThrow('mine');
    const inside = compile(() => void step.runAsync(one()).catch((error) => seen.push(error)));
    const seen: unknown[] = [];
    inside();
    await Promise.resolve().then();
    expect(seen[0]).toBeInstanceOf(CompileError);
  });

  test('a signal that is aborted before, and one that is aborted too late', async () => {
    const { counter, step } = counting();
    step(one());
    const reason = new Error('enough');
    await expect(step.runAsync(one(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(counter.item()).toBe(1);
    const controller = new AbortController();
    expect((await step.repeatAsync(4, one(), { signal: controller.signal })).item()).toBe(5);
    controller.abort();
    expect(step(one()).item()).toBe(6);
  });

  test('a signal that is aborted between steps lets no further one begin', async () => {
    const { counter, step } = counting();
    step(one());
    const controller = new AbortController();
    const running = step.repeatAsync(1000, one(), { signal: controller.signal });
    const waiting = step.runAsync(one());
    // The first step runs by itself: by now it has begun.
    await Promise.resolve().then();
    controller.abort();
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    // The call that waited ran afterwards, whole.
    expect((await waiting).item()).toBe(counter.item());
    expect(counter.item()).toBeLessThan(1000);
    expect(step(one()).item()).toBe(counter.item());
  });

  if (backend === 'native')
    test('the event loop turns while steps run, and may stop them', async () => {
      const { counter, step } = counting();
      step(one());
      const steps = 2 ** 31 - 1;
      // On a busy machine the other thread may not have begun when the timer fires: then the next try is longer.
      for (let wait = 20; counter.item() <= 3; wait *= 2) {
        const controller = new AbortController();
        counter.fill_(0);
        const running = step.repeatAsync(steps, one(), { signal: controller.signal });
        setTimeout(() => controller.abort(), wait);
        await expect(running).rejects.toMatchObject({ name: 'AbortError' });
      }
      expect(counter.item()).toBeLessThan(steps);
    });
});
