/** Settings of modules and optimizers that a recording took for granted: when they change, the step is recorded again. */
import * as ct from 'cotangent';
import { compile, crossEntropy, type Tensor, tensor } from 'cotangent';
import { Dropout, Linear, ModuleList, Parameter, Sequential, Tanh } from 'cotangent/nn';
import { AdamW, SGD } from 'cotangent/optim';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { setBuildOptions } from '../../src/compile/compiled.ts';
import { backends } from '../support/backends.ts';
import { sample } from '../support/naive.ts';

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => {
    ct.setBackend(backend);
    ct.manualSeed(3);
    // Compared bit by bit: this is about what is recorded, not about passes.
    setBuildOptions({ raw: true });
  });
  afterEach(() => setBuildOptions({}));

  /** A model in training, and the same again for eager steps. */
  function build() {
    ct.manualSeed(5);
    const model = new Sequential(new Linear(3, 4), new Tanh(), new Dropout(0), new Linear(4, 2));
    const optimizer = new AdamW(model.parameters(), { lr: 0.1 });
    const step = (x: Tensor, y: Tensor) => {
      optimizer.zeroGrad();
      const loss = crossEntropy(model(x), y);
      loss.backward();
      optimizer.step();
      return loss;
    };
    return { model, optimizer, step };
  }
  type Built = ReturnType<typeof build>;

  const linear = ({ model }: Built) => model.at(0) as Linear;
  const cases: [name: string, change: (built: Built) => unknown, recordings: number][] = [
    ['nothing', () => {}, 1],
    ['lr', ({ optimizer }) => Object.assign(optimizer.paramGroups[0] as object, { lr: 0.01 }), 1],
    ['weights copied in place', (b) => ct.noGrad(() => linear(b).weight.fill_(0.25)), 1],
    ['model.loadStateDict', ({ model }) => model.loadStateDict(structuredState(model)), 1],
    ['weightDecay', ({ optimizer }) => Object.assign(optimizer.paramGroups[0] as object, { weightDecay: 0.5 }), 2],
    ['betas', ({ optimizer }) => Object.assign(optimizer.paramGroups[0] as object, { betas: [0.5, 0.9] }), 2],
    // The new one is not the optimizer's to zero: its gradient is there in the second call and was not in the first.
    ['a parameter replaced', (b) => Object.assign(linear(b), { weight: new Parameter(ct.full([4, 3], 0.5)) }), 3],
    ['a parameter frozen', (b) => linear(b).weight.requiresGrad_(false), 2],
    ['model.eval()', ({ model }) => model.eval(), 2],
    ['p of dropout', ({ model }) => Object.assign(model.at(2), { p: 1 }), 2],
    ['a layer appended', ({ model }) => model.append(new Tanh()), 2],
    ['a parameter group added', ({ optimizer }) => optimizer.addParamGroup({ params: [extra()] }), 2],
    ['optimizer.loadStateDict', ({ optimizer }) => optimizer.loadStateDict(fresh(optimizer)), 2],
  ];
  const extra = () => tensor([1], { requiresGrad: true });
  const fresh = (optimizer: AdamW) => ({ ...optimizer.stateDict(), state: {} });
  const structuredState = (model: Sequential) =>
    Object.fromEntries(Object.entries(model.stateDict()).map(([name, value]) => [name, value.mul(0.5)]));

  test.each(cases)('%s changed between calls', (_, change, recordings) => {
    const [eager, built] = [build(), build()];
    const step = compile(built.step);
    const run = ({ model }: Built, f: (x: Tensor, y: Tensor) => Tensor, seed: number) => {
      ct.manualSeed(seed);
      const loss = f(sample([5, 3], seed, backend, 'float32'), tensor([0n, 1n, 1n, 0n, 1n], { dtype: 'int64' }));
      return [loss.item(), ...model.parameters().map((parameter) => parameter.toArray())];
    };
    for (let i = 0; i < 3; i++) expect(run(built, step, i)).toEqual(run(eager, eager.step, i));
    for (const one of [eager, built]) change(one);
    for (let i = 0; i < 3; i++) expect(run(built, step, i)).toEqual(run(eager, eager.step, i));
    expect(step.recordings).toBe(recordings);
    for (const { model, optimizer } of [eager, built]) {
      model.zeroGrad();
      optimizer.zeroGrad();
      optimizer.loadStateDict(fresh(optimizer));
    }
  });

  test('going back to what was recorded before needs no recording', () => {
    const dropout = new Dropout(0.5);
    const step = compile((x: Tensor) => dropout(x));
    const x = ct.ones(64);
    for (let i = 0; i < 3; i++) {
      expect(step(x).sum().item()).not.toBe(64);
      dropout.eval();
      expect(step(x).sum().item()).toBe(64);
      dropout.train();
    }
    expect(step.recordings).toBe(2);
  });

  test('a parameter of another size', () => {
    const layer = new Linear(2, 2, { bias: false });
    const step = compile((x: Tensor) => layer(x));
    for (const size of [2, 5, 1]) {
      layer.weight = new Parameter(ct.ones(size, 2));
      for (let i = 0; i < 2; i++) expect(step(ct.ones(2)).toArray()).toEqual(new Array(size).fill(2));
    }
  });

  test('modules in a list that is not called itself', () => {
    const model = new ModuleList([new Linear(2, 2), new Linear(2, 2)]);
    const step = compile((x: Tensor) => [...model].reduce((y, layer) => layer(y), x));
    const x = ct.ones(2);
    step(x);
    ct.noGrad(() => model.at(1).weight.fill_(0));
    expect(step(x).toArray()).toEqual(model.at(1).bias?.toArray());
    const last = model.at(1);
    last.bias = new Parameter(tensor([3, 4]));
    expect(step(x).toArray()).toEqual([3, 4]);
    expect(step.recordings).toBe(2);
  });

  test('a learning rate of a plain loop takes effect without another recording', () => {
    const w = tensor([0], { dtype: 'float64', requiresGrad: true });
    const optimizer = new SGD([w], { lr: 1 });
    const step = compile(() => {
      optimizer.zeroGrad();
      w.sum().backward();
      optimizer.step();
    });
    const seen = [1, 0.5, 0.25, 1].map((lr) => {
      Object.assign(optimizer.paramGroups[0] as object, { lr });
      step();
      return w.item();
    });
    expect(seen).toEqual([-1, -1.5, -1.75, -2.75]);
    expect(step.recordings).toBe(1);
    optimizer.zeroGrad();
  });

  if (backends.length > 1)
    test('the current backend', () => {
      const step = compile(() => ct.ones(2));
      const other = backend === 'wasm' ? 'native' : 'wasm';
      for (let i = 0; i < 2; i++) {
        expect(step().backend).toBe(backend);
        ct.setBackend(other);
        expect(step().backend).toBe(other);
        ct.setBackend(backend);
      }
      expect(step.recordings).toBe(2);
    });
});
