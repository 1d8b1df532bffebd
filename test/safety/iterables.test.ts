/**
 * What yields parameters, modules or indices: views whose memory is gone, collections behind proxies, iterators that are none. Each is a
 * typed error in the name of whoever was given it; what an iterator of the caller's throws by itself gets through.
 */
import { runInNewContext } from 'node:vm';
import { CotangentError, ones, setBackend } from 'cotangent';
import { CharVocabulary } from 'cotangent/data';
import { Linear, ModuleList } from 'cotangent/nn';
import { AdamW, clipGradNorm, clipGradValue, LBFGS, SGD } from 'cotangent/optim';
import { beforeAll, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

type Take = (list: never) => unknown;

const takers: readonly (readonly [name: string, take: Take])[] = [
  ['SGD', (list) => new SGD(list, { lr: 0.1 })],
  ['AdamW', (list) => new AdamW(list)],
  ['LBFGS', (list) => new LBFGS(list)],
  ['SGD', (params) => new SGD([{ params }], { lr: 0.1 })],
  ['clipGradNorm', (list) => clipGradNorm(list, 1)],
  ['clipGradValue', (list) => clipGradValue(list, 1)],
  ['ModuleList', (list) => new ModuleList(list)],
  ['decode', (list) => new CharVocabulary('ab').decode(list)],
];

const SHRUNK = `(() => {
  const buffer = new ArrayBuffer(16, { maxByteLength: 16 });
  const view = new Float32Array(buffer, 8);
  buffer.resize(4);
  return view;
})()`;

const broken: Readonly<Record<string, () => unknown>> = {
  'a view that has shrunk': () => runInNewContext(SHRUNK, { ArrayBuffer, Float32Array }),
  'a view of another realm that has shrunk': () => runInNewContext(SHRUNK),
  'a view whose memory has moved': () => {
    const view = new Int32Array(2);
    structuredClone(view.buffer, { transfer: [view.buffer] });
    return view;
  },
  'a map behind a proxy': () => new Proxy(new Map(), {}),
  'a view behind a proxy': () => new Proxy(new Float32Array(1), {}),
  'no iterator': () => ({ [Symbol.iterator]: 1 }),
  'an iterator that is a number': () => ({ [Symbol.iterator]: () => 1 }),
  'an iterator without next': () => ({ [Symbol.iterator]: () => ({}) }),
  'results that are none': () => ({ [Symbol.iterator]: () => ({ next: () => 1 }) }),
};

class OwnError extends Error {}

describe.each(backends)('on %s', (backend) => {
  beforeAll(() => setBackend(backend));

  describe.each(takers)('%s', (name, take) => {
    test.each(Object.entries(broken))('refuses %s', (_, make) => {
      let thrown: unknown;
      try {
        take(make() as never);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(CotangentError);
      expect((thrown as Error).message.startsWith(`${name}: `)).toBe(true);
    });

    test("passes on a generator's own error", () => {
      const failing = function* () {
        yield* [];
        throw new OwnError();
      };
      expect(() => take(failing() as never)).toThrow(OwnError);
    });
  });

  test('takes generators, sets and typed arrays', () => {
    const x = ones([2]).requiresGrad_();
    const once = function* <T>(value: T) {
      yield value;
    };
    expect(new SGD(once(x), { lr: 0.1 }).paramGroups[0]?.params).toEqual([x]);
    expect(new SGD(new Set([x]), { lr: 0.1 }).paramGroups[0]?.params).toEqual([x]);
    expect(new ModuleList(once(new Linear(1, 1))).size).toBe(1);
    expect(new ModuleList(new ModuleList([new Linear(1, 1)])).size).toBe(1);
    expect(new CharVocabulary('ab').decode(Uint8Array.of(1, 0))).toBe('ba');
    expect(new CharVocabulary('ab').decode(new Set([0n, 1n]))).toBe('ab');
  });
});
