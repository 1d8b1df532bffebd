/** The examples do what they say. The page of two spirals has a test of its own, in a browser. */
import { setBackend } from 'cotangent';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { drawDigits } from '../../examples/digits/draw.ts';
import { trainDigits } from '../../examples/digits.ts';
import { compare } from '../../examples/micrograd.ts';

beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
});
afterAll(() => setBackend('native'));

describe.each(['native', 'wasm'] as const)('on %s', (backend) => {
  test('micrograd: a scalar tape and the library agree', () => {
    setBackend(backend);
    expect(compare()).toBeLessThan(1e-12);
  });

  test('digits: drawn ones are told apart', () => {
    setBackend(backend);
    const data = drawDigits(1000, 1);
    expect(data.pixels.shape).toEqual([1000, 64]);
    expect(trainDigits(data, 8, 1)).toBeGreaterThan(0.9);
  });
});
