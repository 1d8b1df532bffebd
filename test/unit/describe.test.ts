/** Values in messages: short, and looking at them runs none of their code. */
import { tensor } from 'cotangent';
import { expect, describe as group, test } from 'vitest';
import { describe } from '../../src/errors.ts';
import { foreign } from '../support/bytes.ts';

class Point {
  x = 1;
}
const trap = () => {
  throw new Error('ran');
};
const hostile = {
  get constructor() {
    return trap();
  },
  toString: trap,
  toJSON: trap,
  valueOf: trap,
  [Symbol.toPrimitive]: trap,
  get [Symbol.toStringTag]() {
    return trap();
  },
};
const revoked = (target: object): object => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};
const throwing = (target: object): object =>
  new Proxy(target, { get: trap, getOwnPropertyDescriptor: trap, getPrototypeOf: trap, has: trap, ownKeys: trap });
const holed: unknown[] = [1];
holed[2] = 3;
const nameless = () => (() => {}) as object;

// By number: the runner, too, would look at them.
const VALUES: [unknown, string][] = [
  [1n, '1n'],
  [-(2n ** 64n), '-18446744073709551616n'],
  [10n ** 1_000_000n, 'a bigint of more than 40 digits'],
  [1, '1'],
  [-0, '-0'],
  [Number.NaN, 'NaN'],
  [Number.NEGATIVE_INFINITY, '-Infinity'],
  [true, 'true'],
  [undefined, 'undefined'],
  [null, 'null'],
  ['a "b"', '"a \\"b\\""'],
  ['x'.repeat(1e6), `"${'x'.repeat(40)}…"`],
  [Symbol('s'), 'Symbol(s)'],
  [Symbol(), 'Symbol()'],
  [Symbol('s'.repeat(1e6)), `Symbol(${'s'.repeat(40)}…)`],
  [trap, 'the function trap'],
  [nameless(), 'a function'],
  [Point, 'the class Point'],
  [class {}, 'a class'],
  [Math.max, 'the function max'],
  [new Point(), 'a value of type Point'],
  [tensor([1]), 'a value of type Tensor'],
  [{}, 'a value of type Object'],
  [Object.create(null), 'an object'],
  [new foreign.Map(), 'a value of type Map'],
  [new Proxy(new Point(), {}), 'a value of type Point'],
  [hostile, 'a value of type Object'],
  [Object.assign(() => {}, { toString: trap }), 'a function'],
  [Object.defineProperty(() => {}, 'name', { get: trap }), 'a function'],
  [Object.create({ constructor: Object.defineProperty(() => {}, 'name', { value: trap }) }), 'a value of type Object'],
  [[1, [2n, -0]], '[1, [2n, -0]]'],
  [holed, '[1, a hole, 3]'],
  [Object.defineProperty([1, 2], 1, { get: trap }), '[1, a getter]'],
  [Array.from({ length: 9 }), 'an array of 9'],
  [[hostile], '[a value of type Object]'],
  [[revoked([])], '[a value that cannot be looked at]'],
  [revoked({}), 'a value that cannot be looked at'],
  [revoked(trap), 'a value that cannot be looked at'],
  [throwing({}), 'a value that cannot be looked at'],
  [throwing([]), 'a value that cannot be looked at'],
  [new Proxy([], { getOwnPropertyDescriptor: () => undefined }), 'a value that cannot be looked at'],
];

test.each([...VALUES.keys()])('value %i', (i) => {
  const [value, shown] = VALUES[i] as [unknown, string];
  expect(describe(value)).toBe(shown);
});

test('a list within itself ends', () => {
  const list: unknown[] = [];
  list.push(list);
  expect(describe(list)).toBe('[[[[an array of 1]]]]');
});

group('in the messages of ops', () => {
  const x = tensor([1]);
  const operands: [unknown, RegExp][] = [
    [1n, /got 1n$/],
    [Symbol('s'), /got Symbol\(s\)$/],
    [Point, /got the class Point$/],
    [hostile, /got a value of type Object$/],
    [revoked({}), /got a value that cannot be looked at$/],
  ];
  test.each([...operands.keys()])('operand %i', (i) => {
    const [value, message] = operands[i] as [unknown, RegExp];
    expect(() => x.add(value as never)).toThrow(message);
    expect(() => x.add(value as never)).toThrow(/^add: /);
  });
});
