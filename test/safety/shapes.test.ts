/** Shapes and strides can be looked at and not changed: not by assignment, not by shadowing what ops would read. */
import { add, matmul, ones, setBackend, sum, type Tensor, zeros } from 'cotangent';
import { beforeAll, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

const HUGE = 5e7;

describe.each(backends)('on %s', (backend) => {
  beforeAll(() => setBackend(backend));

  test('a shape and strides are frozen, also those that results share', () => {
    const x = zeros([2, 3]);
    for (const tensor of [
      x,
      add(x, x),
      x.transpose(0, 1),
      x.reshape(6),
      x.select(0, 1),
      sum(x, 0),
      x.unbind(0)[1] as Tensor,
    ])
      for (const look of [tensor.shape, tensor.strides]) {
        const before = [...look];
        const array = look as number[];
        expect(Object.isFrozen(array)).toBe(true);
        expect(() => {
          array[0] = HUGE;
        }).toThrow(TypeError);
        for (const change of ['push', 'pop', 'fill'] as const)
          expect(() => (array[change] as (n: number) => void)(1)).toThrow(TypeError);
        expect(() => Object.setPrototypeOf(array, null)).toThrow(TypeError);
        expect([...look]).toEqual(before);
      }
    expect(sum(x).item()).toBe(0);
  });

  test('what user code sees is not what ops read', () => {
    const x = ones([4]);
    expect(x.shape).toBe(x.shape);
    expect(add(x, x).shape).not.toBe(x.shape);
    const seen = x.shape;
    expect(x.reshape(seen as number[]).shape).not.toBe(seen);
    expect(zeros(seen as number[]).shape).toEqual([4]);
  });

  test('an array that made a tensor is not its shape', () => {
    const shape = [2, 3];
    const made = [zeros(shape), ones([6]).reshape(shape), ones([1, 1]).expand(shape), ones([2, 3]).permute([0, 1])];
    shape[0] = HUGE;
    shape.push(HUGE);
    for (const x of made) {
      expect(x.shape).toEqual([2, 3]);
      expect(x.data()).toHaveLength(6);
    }
  });

  test('properties that shadow a shape, a dtype or a size change no op', () => {
    const x = ones([2, 3]);
    const lies = {
      shape: [HUGE, 3],
      strides: [HUGE, 1],
      dtype: 'float64',
      size: HUGE,
      ndim: 1,
      offset: HUGE,
      isContiguous: true,
      storage: { address: 0, bytes: 1e12 },
      disposed: false,
    };
    for (const [name, value] of Object.entries(lies)) Object.defineProperty(x, name, { value });
    expect(sum(x).item()).toBe(6);
    expect([...sum(x, 0).data()]).toEqual([2, 2, 2]);
    expect([...add(x, 1).data()]).toEqual([2, 2, 2, 2, 2, 2]);
    expect([...matmul(x, ones([3, 1])).data()]).toEqual([3, 3]);
    expect(x.data()).toHaveLength(6);
    expect(x.toArray()).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ]);
  });

  test('a prototype that shadows them changes no op', () => {
    const x = ones([2, 3]);
    class Liar {
      get shape() {
        return [HUGE];
      }
      get dtype() {
        return 'float64';
      }
      get size() {
        return HUGE;
      }
    }
    Object.setPrototypeOf(Liar.prototype, Object.getPrototypeOf(x));
    Object.setPrototypeOf(x, Liar.prototype);
    expect(sum(x).item()).toBe(6);
    expect([...add(x, x).data()]).toEqual([2, 2, 2, 2, 2, 2]);
    expect(x.data()).toHaveLength(6);
  });
});
