/** Memory that a run on another thread uses: nothing else changes it, or reads what the run writes, until the promise has settled. */
import * as ct from 'cotangent';
import { CompileError, compile, type Tensor, tensor } from 'cotangent';
import { encodeSafetensors } from 'cotangent/io';
import { Linear } from 'cotangent/nn';
import { Adam, clipGradNorm, clipGradValue } from 'cotangent/optim';
import { beforeEach, describe, expect, test } from 'vitest';
import { inFlight } from '../../src/memory/flight.ts';
import { backends } from '../support/backends.ts';

const AWAIT = (method: string, name: string) =>
  new RegExp(`on another thread; await the promise of ${method} of '${name}' first`);

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));

  /** A step that reads and writes memory of every kind. */
  const training = () => {
    ct.manualSeed(3);
    const model = new Linear(4, 3);
    const optimizer = new Adam(model.parameters(), { lr: 0.1 });
    const data = ct.full([2, 4], 0.5);
    const train = compile(
      (x: Tensor) => {
        optimizer.zeroGrad();
        const loss = model(x).mul(ct.rand(2, 3)).square().sum();
        loss.backward();
        optimizer.step();
        return loss;
      },
      { name: 'train' },
    );
    const params = model.parameters() as Tensor[];
    const values = () => [
      ...params.map((p) => p.toArray()),
      ...params.map((p) => p.grad?.toArray()),
      ct.defaultGenerator.getState().toArray(),
    ];
    const free = () => {
      optimizer.zeroGrad();
      optimizer.loadStateDict({ ...optimizer.stateDict(), state: {} });
    };
    return { model, optimizer, data, train, params, values, weight: model.weight as Tensor, free };
  };
  type Training = ReturnType<typeof training>;

  /** What changes something that the step uses, or reads what it writes. */
  const forbidden: [string, string, (t: Training) => unknown][] = [
    ['fill_ of a parameter', 'fill_', ({ weight }) => ct.noGrad(() => weight.fill_(1))],
    ['add_ of a parameter', 'add_', ({ weight }) => ct.noGrad(() => weight.add_(1))],
    ['add_ of a view', 'add_', ({ weight }) => ct.noGrad(() => weight.detach().narrow(0, 0, 1).add_(1))],
    ['copy_ of a parameter', 'copy_', ({ weight }) => ct.noGrad(() => weight.copy_(ct.ones([3, 4])))],
    ['zero_ of the argument', 'fill_', ({ data }) => data.zero_()],
    [
      'copy_ of the argument from the other backend',
      'copy_',
      ({ data }) =>
        data.copy_(ct.ones([2, 4], { backend: backend === 'native' && backends.includes('wasm') ? 'wasm' : backend })),
    ],
    ['div_ of the argument', 'div_', ({ data }) => data.div_(2)],
    ['item of a parameter', 'item', ({ weight }) => weight.select(0, 0).select(0, 0).item()],
    ['data of a parameter', 'data', ({ weight }) => weight.data()],
    ['a parameter as text', 'toString', ({ weight }) => String(weight)],
    ['clone of a parameter', 'clone', ({ weight }) => weight.clone()],
    ['an eager forward pass', '', ({ model, data }) => model(data)],
    ['encodeSafetensors', '', ({ model }) => encodeSafetensors(model.stateDict())],
    ['a gradient of another function', 'square', ({ weight }) => ct.grad((w: Tensor) => w.square().sum())(weight)],
    ['backward', 'backward', ({ before }: Training & { before?: Tensor }) => before?.backward()],
    ['the optimizer', 'Adam', ({ optimizer }) => optimizer.step()],
    [
      'its learning rate',
      'Adam',
      ({ optimizer }) => {
        (optimizer.paramGroups[0] as { lr: number }).lr = 1;
      },
    ],
    ['its state', 'Adam', ({ optimizer }) => optimizer.loadStateDict({ ...optimizer.stateDict(), state: {} })],
    ['zeroGrad', 'zeroGrad', ({ optimizer }) => optimizer.zeroGrad()],
    ['zeroGrad of the module', 'zeroGrad', ({ model }) => model.zeroGrad()],
    [
      'a gradient',
      'grad',
      ({ weight }) => {
        weight.grad = null;
      },
    ],
    [
      'another gradient',
      'grad',
      ({ weight }) => {
        weight.grad = ct.ones([3, 4]);
      },
    ],
    ['clipGradNorm', '', ({ params }) => clipGradNorm(params, 1)],
    ['clipGradValue', 'clipGradValue', ({ params }) => clipGradValue(params, 1)],
    [
      'loadStateDict',
      'loadStateDict',
      ({ model }) => model.loadStateDict({ weight: ct.zeros([3, 4]), bias: ct.zeros([3]) }),
    ],
    ['a seed', 'manualSeed', () => ct.manualSeed(1)],
    ['a state of the generator', 'setState', () => ct.defaultGenerator.setState(ct.zeros([4], { dtype: 'int32' }))],
    ['the state of the generator', '', () => ct.defaultGenerator.getState()],
    ['random numbers', 'rand', () => ct.rand(3)],
    ['recording another function', 'mul', ({ weight }) => compile(() => weight.mul(2))()],
  ];

  test.each(forbidden)('%s meanwhile is an error, and the run is right', async (what, op, action) => {
    const calm = training();
    const results: number[] = [];
    for (let i = 0; i < 4; i++) results.push(calm.train(calm.data).item());
    const expected = calm.values();
    calm.free();
    const disturbed: Training & { before?: Tensor } = training();
    const { train, data } = disturbed;
    const got = [(await train.runAsync(data)).item(), (await train.runAsync(data)).item()];
    if (what === 'backward') disturbed.before = disturbed.params.reduce((sum, p) => sum.add(p.sum()), tensor(0));
    const running = train.repeatAsync(2, data);
    const attempt = () => action(disturbed);
    const during = () => {
      expect(attempt).toThrow(CompileError);
      expect(attempt).toThrow(AWAIT('repeatAsync', 'train'));
      expect(attempt).toThrow(new RegExp(`^${op}${op === '' ? '' : ':'}`));
    };
    during();
    await Promise.resolve();
    during();
    got.push((await running).item());
    expect(disturbed.values()).toEqual(expected);
    expect(got).toEqual([...results.slice(0, 2), results[3]]);
    expect(inFlight()).toBe(false);
    disturbed.free();
  });

  test('what the run only reads may be read, and what it does not use may be changed', async () => {
    const { train, data, free } = training();
    await train.runAsync(data);
    const other = tensor([1, 2], { requiresGrad: true });
    const running = train.runAsync(data);
    expect(data.sum().item()).toBe(4);
    expect(data.toArray()).toEqual(ct.full([2, 4], 0.5).toArray());
    other.square().sum().backward();
    ct.noGrad(() => other.add_(1));
    expect([other.toArray(), other.grad?.toArray()]).toEqual([
      [2, 3],
      [2, 4],
    ]);
    await running;
    free();
  });

  test('indices that are changed after they were checked', async () => {
    const table = ct.rand(64, 8);
    const index = tensor([1n, 2n, 3n], { dtype: 'int64' });
    const bad = ct.full([3], 2 ** 40, { dtype: 'int64' });
    const step = compile((t: Tensor, i: Tensor) => ct.embedding(i, t), { name: 'look' });
    const expected = step(table, index).toArray();
    for (const run of [() => step.runAsync(table, index), () => step.repeatAsync(50, table, index)]) {
      const running = run();
      for (let i = 0; i < 3; i++) {
        expect(() => index.copy_(bad)).toThrow(/^copy_: .*await the promise of (runAsync|repeatAsync) of 'look' first/);
        await Promise.resolve();
      }
      expect((await running).toArray()).toEqual(expected);
    }
    index.copy_(bad);
    expect(() => step(table, index)).toThrow(ct.IndexError);
    step.dispose();
  });

  test('another step that meets memory in flight writes nothing', async () => {
    const [free, held] = [tensor([1]), tensor([1])];
    const both = compile(() => {
      free.add_(1);
      held.add_(1);
      return free.mul(1);
    });
    const gradients = tensor([2], { requiresGrad: true });
    const differentiate = compile(() => gradients.square().sum().backward());
    differentiate();
    both();
    const holder = compile((x: Tensor) => held.add_(x).mul(1), { name: 'holder' });
    const user = compile(() => (gradients.grad as Tensor).mul(1), { name: 'user' });
    for (let i = 0; i < 2; i++) {
      const running = holder.runAsync(tensor([1]));
      if (i > 0)
        for (const call of [() => both(), () => both.repeat(3)])
          expect(call).toThrow(/await the promise of runAsync of 'holder'/);
      await running;
      const looking = user.runAsync();
      if (i > 0) expect(() => differentiate()).toThrow(/await the promise of runAsync of 'user'/);
      await looking;
    }
    expect([free.item(), held.item()]).toEqual([2, 4]);
    both();
    expect([free.item(), held.item()]).toEqual([3, 5]);
    differentiate();
    gradients.grad = null;
    for (const step of [both, differentiate, holder, user]) step.dispose();
  });

  test('calls that wait for their turn hold what they use, and share it with each other', async () => {
    const w = tensor([1, 1]);
    const [a, b] = [
      compile((x: Tensor) => w.add_(x).mul(1), { name: 'a' }),
      compile((x: Tensor) => w.mul_(x).mul(1), { name: 'b' }),
    ];
    a(tensor([0, 0]));
    b(tensor([1, 1]));
    const runs = [a.runAsync(tensor([1, 2])), b.repeatAsync(2, tensor([2, 3])), a.runAsync(tensor([1, 1]))];
    const states: string[] = [];
    for (const [i, run] of runs.entries()) {
      expect(() => w.fill_(0)).toThrow(AWAIT('runAsync', 'a'));
      states.push(JSON.stringify((await run).toArray()));
      if (i < 2) expect(() => w.data()).toThrow(AWAIT('runAsync', 'a'));
    }
    expect(states).toEqual(['[2,3]', '[8,27]', '[9,28]']);
    w.fill_(0);
    expect(w.toArray()).toEqual([0, 0]);
    for (const step of [a, b]) step.dispose();
  });

  test('tensors that are disposed of while they are used keep their memory', async () => {
    const size = 5000;
    const step = compile((x: Tensor, y: Tensor) => x.mul(y).add(1), { name: 'product' });
    step(ct.ones([size]), ct.ones([size]));
    for (let i = 0; i < 5; i++) {
      const [x, y] = [ct.full([size], i), ct.full([size], 3)];
      const running = step.repeatAsync(20, x, y);
      x.dispose();
      y.dispose();
      await Promise.resolve();
      const junk = Array.from({ length: 8 }, () => ct.full([size], Number.NaN));
      ct.emptyCache();
      const result = await running;
      expect([result.amin().item(), result.amax().item()]).toEqual([3 * i + 1, 3 * i + 1]);
      for (const t of junk) t.dispose();
    }
    step.dispose();
  });

  test('whatever becomes of a run, its memory is free afterwards', async () => {
    const [w, table] = [tensor([1]), ct.ones([4, 1])];
    const change = () => {
      expect(inFlight()).toBe(false);
      w.add_(1);
      table.fill_(1);
    };
    const step = compile((i: Tensor) => w.add_(ct.embedding(i, table).sum(0)).mul(1), { name: 'step' });
    const good = tensor([0n], { dtype: 'int64' });
    const bad = tensor([9n], { dtype: 'int64' });
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    await step.runAsync(good);
    change();
    for (const run of [
      () => step.runAsync(bad),
      () => step.runAsync(good, { signal: AbortSignal.abort() }),
      () => step.runAsync(cyclic as never),
      () => step.repeatAsync(0, good),
      () => compile(() => w.mul(tensor([[[1]]]).item())).runAsync(),
      () =>
        compile((_: Tensor) => {
          throw new Error('mine');
        }).runAsync(good),
      () => compile((_: Tensor) => cyclic).runAsync(good),
    ]) {
      await expect(run()).rejects.toThrow();
      change();
    }
    const controller = new AbortController();
    const running = step.repeatAsync(1000, good, { signal: controller.signal });
    await Promise.resolve().then();
    controller.abort();
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    change();
    step.dispose();
  });

  test('a function that is recorded in its turn may change what later calls use', async () => {
    const w = tensor([1]);
    const known = compile((x: Tensor) => w.mul_(x).mul(1), { name: 'known' });
    known(tensor([1]));
    const fresh = compile((x: Tensor) => w.add_(x).mul(1), { name: 'fresh' });
    const runs = [fresh.runAsync(tensor([2])), known.runAsync(tensor([5])), fresh.repeatAsync(2, tensor([1]))];
    expect((await Promise.all(runs)).map((y) => y.item())).toEqual([3, 15, 17]);
    for (const step of [known, fresh]) step.dispose();
  });
});
