/** What cannot be recorded is refused, with the line it happens on, and leaves nothing behind. */
import { inspect } from 'node:util';
import * as ct from 'cotangent';
import {
  ArgumentError,
  AutogradError,
  BackendError,
  CompileError,
  compile,
  memory,
  type Tensor,
  tensor,
} from 'cotangent';
import { LBFGS, SGD } from 'cotangent/optim';
import { beforeEach, describe, expect, test } from 'vitest';
import { storageOf } from '../../src/tensor/tensor.ts';
import { backends } from '../support/backends.ts';

const HERE = /refusals\.test\.ts:\d+:\d+/;
const point = () => tensor([1, 2, 3]);

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));

  test.each<[string, (x: Tensor) => unknown]>([
    ['item', (x) => x.sum().item()],
    ['data', (x) => x.data()],
    ['toArray', (x) => x.mul(2).toArray()],
    ['toJSON', (x) => JSON.stringify(x)],
    ['toString', (x) => `${x.exp()}`],
    ['printing', (x) => inspect(x)],
    ['control flow', (x) => (x.sum().item() > 0 ? x : x.neg())],
    ['reading a closed-over tensor', () => shared.item()],
    ['writing into a tensor', (x) => (storageOf(x).view('float32', 0, 1)[0] = 1)],
  ])('%s while recording is a CompileError that names the line', (_, fn) => {
    const step = compile(fn);
    expect(() => step(point())).toThrow(CompileError);
    expect(() => step(point())).toThrow(HERE);
    expect(step.recordings).toBe(0);
  });
  const shared = tensor(1, { backend });

  test.each<[string, (x: Tensor) => unknown]>([
    ['oneHot without a number of classes', (x) => ct.oneHot(x.to('int64'))],
  ])('%s looks at values', (_, fn) => {
    expect(() => compile(fn)(point())).toThrow(CompileError);
  });

  test('a learning rate, a seed or a generator set while recording is refused and not changed', () => {
    const w = tensor([1, 2, 3], { requiresGrad: true });
    const generator = new ct.Generator(3);
    const run = (set: () => void) => () =>
      compile(() => {
        set();
        ct.rand(3, { generator });
      })();
    for (const started of [false, true]) {
      const optimizer = new SGD([w], { lr: 0.5 });
      if (started) {
        w.mul(2).sum().backward();
        optimizer.step();
      }
      const [group] = optimizer.paramGroups;
      expect(run(() => Object.assign(group as object, { lr: 0.1 }))).toThrow(CompileError);
      expect(group?.lr).toBe(0.5);
    }
    expect(run(() => ct.manualSeed(1))).toThrow(CompileError);
    expect(run(() => generator.manualSeed(1))).toThrow(CompileError);
    expect(generator.initialSeed()).toBe(3n);
    expect(run(() => new ct.Generator(1))).toThrow(CompileError);
    w.grad = null;
  });

  test('a function that calls itself', () => {
    const step: ct.Compiled<[Tensor], Tensor> = compile((x: Tensor): Tensor => step(x.add(1)), { name: 'loop' });
    expect(() => step(point())).toThrow(/^loop: calls itself/);
    expect(() => step(point())).toThrow(CompileError);
  });

  test('an async function, also one that fails later', async () => {
    const step = compile(async (x: Tensor) => {
      await Promise.resolve();
      return x.add(1);
    });
    expect(() => step(point())).toThrow(/cannot be async/);
    await new Promise((resolve) => setTimeout(resolve, 0));
  });

  test('what is no function, and options that are none', () => {
    expect(() => compile(3 as never)).toThrow(ArgumentError);
    const fn = (x: Tensor) => x;
    for (const options of [
      { cacheSize: 0 },
      { cacheSize: 1.5 },
      { name: 3 },
      { reuseOutputs: 1 },
      { profile: 'yes' },
      { unknown: true },
      3,
    ])
      expect(() => compile(fn, options as never)).toThrow(ArgumentError);
    const step = compile(fn);
    for (const n of [0, -1, 1.5, Number.NaN, '3'])
      expect(() => step.repeat(n as never, point())).toThrow(ArgumentError);
    expect(() => step.program).toThrow(CompileError);
  });

  test('arguments with a history, and arguments that would be frozen', () => {
    const w = tensor([1, 2, 3], { requiresGrad: true });
    const step = compile((x: Tensor) => x.sum());
    expect(() => step(w.mul(2))).toThrow(AutogradError);
    expect(() => step(w.mul(2))).toThrow(/'mul'.*detach/);
    expect(step(w.mul(2).detach()).item()).toBe(12);
    const raw = compile((values: Float32Array) => tensor(values));
    expect(() => raw(new Float32Array(3))).toThrow(/Float32Array.*make it a tensor/);
  });

  test('backward outside on a result says where it belongs', () => {
    const w = tensor([1, 2, 3], { requiresGrad: true });
    const step = compile(() => w.mul(w).sum());
    for (let i = 0; i < 2; i++) {
      const loss = step();
      expect(loss.requiresGrad).toBe(false);
      expect(() => loss.backward()).toThrow(AutogradError);
      expect(() => loss.backward()).toThrow(/call backward\(\) inside/);
    }
  });

  if (backends.length > 1)
    test('tensors of two backends in one step', () => {
      const other = tensor([1], { backend: backend === 'wasm' ? 'native' : 'wasm' });
      expect(() => compile((x: Tensor) => x.add(other))(tensor([1]))).toThrow(BackendError);
      expect(() => compile((x: Tensor) => [x.add(1), other.add(1)])(tensor([1]))).toThrow(CompileError);
    });

  test.each([0, 1, 2])('an exception in the function, after %i ops, leaves nothing behind', (ops) => {
    const x = point();
    let fails = true;
    const step = compile((a: Tensor) => {
      let out = a;
      const constant = tensor([1, 1, 1]);
      for (let i = 0; i < 2; i++) {
        if (fails && i === ops) throw new TypeError('mine');
        out = out.add(constant);
      }
      if (fails) throw new TypeError('mine');
      return out;
    });
    const bytes = () => memory(backend).bytes;
    const before = bytes();
    const handles = storageOf(x).handles;
    for (let i = 0; i < 3; i++) expect(() => step(x)).toThrow(new TypeError('mine'));
    expect(bytes()).toBe(before);
    expect(storageOf(x).handles).toBe(handles);
    expect(step.recordings).toBe(0);
    fails = false;
    for (let i = 0; i < 3; i++) expect(step(x).toArray()).toEqual([3, 4, 5]);
    expect(step.recordings).toBe(1);
    expect(ct.isGradEnabled()).toBe(true);
  });

  test('a step of LBFGS, which reads values, is refused with its name', () => {
    const x = tensor([-1.2, 1], { dtype: 'float64', requiresGrad: true });
    const optimizer = new LBFGS([x]);
    const step = compile(() =>
      optimizer.step(() => {
        optimizer.zeroGrad();
        const loss = x.square().sum();
        loss.backward();
        return loss;
      }),
    );
    expect(() => step()).toThrow(CompileError);
    expect(() => step()).toThrow(/^LBFGS: /);
    expect(x.toArray()).toEqual([-1.2, 1]);
  });
});
