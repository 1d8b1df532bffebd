/** Scopes, dispose, and what they give back. */
import { describe, expect, test } from 'vitest';
import * as ct from '../../src/index.ts';
import { backends } from '../support/backends.ts';

describe.each(backends)('on %s', (backend) => {
  const make = () => ct.ones([100], { backend });
  const bytes = () => ct.memory(backend).bytes;

  test('a scope frees what does not leave it, and keeps what does', () => {
    const before = bytes();
    const kept = ct.scope(() => {
      make().add(1);
      return { list: [make().mul(2)], map: new Map([['a', make()]]) };
    });
    expect(kept.list[0]?.toArray()).toEqual(new Array(100).fill(2));
    expect(bytes() - before).toBeLessThanOrEqual(2 * 512);
    kept.list[0]?.dispose();
    kept.map.get('a')?.dispose();
    expect(bytes()).toBe(before);
  });

  test('memory is reused: a thousand scopes take no more than one', () => {
    const step = () => ct.scope(() => void make().add(1).mul(2).exp());
    step();
    const reserved = ct.memory(backend).reserved;
    for (let i = 0; i < 1000; i++) step();
    expect(ct.memory(backend).reserved).toBe(reserved);
  });

  test('an error inside a scope frees everything too', () => {
    const before = bytes();
    expect(() =>
      ct.scope(() => {
        make();
        throw new Error('mine');
      }),
    ).toThrow('mine');
    expect(bytes()).toBe(before);
  });

  test('an async scope closes when its promise settles', async () => {
    const before = bytes();
    const kept = await ct.scope(async () => {
      const x = make();
      await Promise.resolve();
      make();
      return x.add(1);
    });
    expect(kept.toArray()).toEqual(new Array(100).fill(2));
    kept.dispose();
    expect(bytes()).toBe(before);
  });

  describe('results that cannot be looked into', () => {
    const mine = new Error('mine');
    const throws = () => {
      throw mine;
    };
    const revoked = () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    };
    class Failing {
      readonly own = Object.defineProperty({}, 'x', { enumerable: true, get: throws });
    }
    test.each<[string, () => unknown]>([
      [
        'a getter',
        () => ({
          get x() {
            return throws();
          },
        }),
      ],
      ['a getter of an array', () => Object.defineProperty([1, 2], 1, { enumerable: true, get: throws })],
      [
        'a getter far down',
        () => [
          [
            new Map([
              [
                1,
                {
                  a: [
                    {
                      get x() {
                        return throws();
                      },
                    },
                  ],
                },
              ],
            ]),
          ],
        ],
      ],
      ['an instance of a class', () => new Failing()],
      [
        'a key of a Map',
        () =>
          new Map([
            [
              {
                get x() {
                  return throws();
                },
              },
              1,
            ],
          ]),
      ],
      ['a proxy', () => new Proxy({}, { ownKeys: throws })],
      ['a revoked proxy', revoked],
      ['one in an array', () => [1, revoked()]],
      ['a Map that is no Map', () => new Proxy(new Map(), {})],
    ])('%s', async (_, result) => {
      const before = bytes();
      const run = () => {
        make();
        return [make(), result()];
      };
      expect(() => ct.scope(run)).toThrow();
      expect(() => ct.scope(() => ct.scope(run))).toThrow();
      await expect(ct.scope(async () => run())).rejects.toThrow();
      expect(bytes()).toBe(before);
      // What is made from now on belongs to no scope of those.
      const after = make();
      ct.scope(() => void make());
      expect(after.disposed).toBe(false);
      after.dispose();
    });

    test('a stack that overflows inside scopes', () => {
      const before = bytes();
      let depth = 0;
      const again = (): unknown => {
        depth++;
        return ct.scope(() => (depth % 100 === 0 ? [make(), again()] : again()));
      };
      expect(() => again()).toThrow(RangeError);
      expect(() => ct.scope(() => ct.noGrad(again))).toThrow(RangeError);
      expect(bytes()).toBe(before);
      const after = make();
      ct.scope(() => void make());
      expect(after.disposed).toBe(false);
      after.dispose();
    });
  });

  test('tensors in results of any form stay', () => {
    const before = bytes();
    let deep: unknown = make();
    const found: ct.Tensor[] = [];
    const note = () => {
      const x = make();
      found.push(x);
      return x;
    };
    const cyclic: Record<string, unknown> = {};
    let reads = 0;
    (deep as ct.Tensor).dispose();
    ct.scope(() => {
      deep = note();
      for (let i = 0; i < 20_000; i++) deep = i % 2 ? [deep] : { deep };
      cyclic.self = [cyclic, new Map([[note(), new Set([note()])]])];
      const sparse: unknown[] = [];
      sparse[4e9] = note();
      const getter = {
        get x() {
          reads++;
          return note();
        },
      };
      return {
        deep,
        cyclic,
        sparse,
        getter,
        instance: new (class {
          own = note();
        })(),
        bytes: new Uint8Array(1e6),
      };
    });
    expect(found.map((x) => x.disposed)).toEqual(found.map(() => false));
    expect([found.length, reads]).toEqual([6, 1]);
    for (const x of found) x.dispose();
    expect(bytes()).toBe(before);
  });

  test('a proxy of a Map or a Set, whose tensors would be lost, is an error of ours', () => {
    const before = bytes();
    for (const collection of [new Map([['a', 1]]), new Set([1])]) {
      const proxy = new Proxy(collection, {});
      for (const result of [proxy, [proxy], { proxy }])
        expect(() =>
          ct.scope(() => {
            make();
            return result;
          }),
        ).toThrow(ct.ArgumentError);
    }
    expect(bytes()).toBe(before);
  });

  test('a generator is an error: its body would run outside', () => {
    const before = bytes();
    expect(() =>
      ct.scope(function* () {
        yield make();
      }),
    ).toThrow(/^scope: wants a synchronous function, got one that returns a generator/);
    expect(() =>
      ct.scope(async function* () {
        yield make();
      }),
    ).toThrow(ct.ArgumentError);
    expect(bytes()).toBe(before);
  });

  test('two async scopes at once: the second is an error, and the first is right', async () => {
    const before = bytes();
    const wait = () => new Promise((resolve) => setTimeout(resolve, 2));
    const first = ct.scope(async () => {
      const x = make();
      await wait();
      ct.scope(() => void make());
      return x.add(1);
    });
    const second = async () => {
      make();
      await wait();
      throw new Error('lost');
    };
    for (let i = 0; i < 2; i++) {
      expect(() => ct.scope(second)).toThrow(ct.ArgumentError);
      expect(() => ct.scope(second)).toThrow(
        /^scope: another scope of an async function is still open.*await it first/,
      );
      await Promise.resolve();
    }
    const kept = await first;
    expect(kept.toArray()).toEqual(new Array(100).fill(2));
    await wait();
    // One after the other as many as you like, failed ones too.
    await expect(ct.scope(second)).rejects.toThrow('lost');
    const last = await ct.scope(async () => make());
    const unscoped = make();
    ct.scope(() => void make());
    expect(unscoped.disposed).toBe(false);
    for (const x of [kept, last, unscoped]) x.dispose();
    expect(bytes()).toBe(before);
  });

  test('a scope that ends before an async one inside it', async () => {
    const before = bytes();
    const inner: Promise<ct.Tensor>[] = [];
    ct.scope(() => {
      make();
      inner.push(
        ct.scope(async () => {
          const x = make();
          await Promise.resolve();
          make();
          return x;
        }),
      );
    });
    const kept = (await inner[0]) as ct.Tensor;
    expect(kept.disposed).toBe(false);
    kept.dispose();
    expect(bytes()).toBe(before);
  });

  test('views keep the memory alive; the last handle frees it', () => {
    const before = bytes();
    const x = make();
    const y = x.reshape(10, 10);
    x.dispose();
    expect(y.isContiguous && y.sum().item()).toBe(100);
    y.dispose();
    y.dispose();
    expect(y.disposed).toBe(true);
    expect(() => y.add(1)).toThrow(ct.DisposedError);
    expect(() => y.add(1)).toThrow(/^add: a tensor of shape \[10, 10\] was used after dispose/);
    expect(bytes() - before).toBeLessThanOrEqual(64);
  });

  test('using disposes at the end of the block', () => {
    const before = bytes();
    {
      using x = make();
      expect(x.size).toBe(100);
    }
    expect(bytes()).toBe(before);
  });

  test('dispose of a saved tensor does not spoil backward', () => {
    const x = ct.tensor([1, 2, 3], { backend, requiresGrad: true });
    const h = x.mul(2);
    const loss = h.square().sum();
    h.dispose();
    loss.backward();
    expect(x.grad?.toArray()).toEqual([8, 16, 24]);
  });

  test('a graph that leaves its scope can still be differentiated', () => {
    const x = ct.tensor([1, 2], { backend, requiresGrad: true });
    const loss = ct.scope(() => x.exp().mul(x).sum());
    loss.backward();
    expect(x.grad?.select(0, 0).item()).toBeCloseTo(2 * Math.E, 5);
  });

  test('keep lets a tensor outlive every scope', () => {
    const state: { x?: ct.Tensor } = {};
    ct.scope(() => {
      ct.scope(() => {
        state.x = ct.keep(make());
      });
    });
    expect(state.x?.sum().item()).toBe(100);
  });
});

test('more memory than there is: an error that says what to do', () => {
  expect(() => ct.zeros([1 << 16, 1 << 14], { dtype: 'float64', backend: 'wasm' })).toThrow(ct.OutOfMemoryError);
  expect(() => ct.zeros([1 << 16, 1 << 14], { dtype: 'float64', backend: 'wasm' })).toThrow(/scope\(\(\) => …\)/);
});

test('free neighbours of many sizes merge when linear memory runs short of one', () => {
  ct.setBackend('wasm');
  const reserved = () => ct.memory('wasm').reserved;
  for (let i = 1; i <= 40; i++) ct.empty([10_000 * i]).dispose();
  ct.emptyCache();
  const before = reserved();
  const x = ct.empty([400_000]);
  expect(reserved() - before).toBeLessThanOrEqual(4 * 400_000 * 1.25);
  x.dispose();
});

test('tensors of two backends do not mix', () => {
  const [a, b] = [ct.ones([2], { backend: 'native' }), ct.ones([2], { backend: 'wasm' })];
  expect(() => a.add(b)).toThrow(ct.BackendError);
  expect(() => a.add(b)).toThrow(/^add: tensors of the native and the wasm backend/);
  expect(a.add(b.to({ backend: 'native' })).toArray()).toEqual([2, 2]);
});
