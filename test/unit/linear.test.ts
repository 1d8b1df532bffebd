/**
 * Text of users takes no more than linear time. The inputs are so long that quadratic time would be hours, and that a
 * test which takes it would never end.
 */
import { tensor } from 'cotangent';
import { CharVocabulary, parseCsv } from 'cotangent/data';
import { decodeSafetensors } from 'cotangent/io';
import { describe, expect, test } from 'vitest';
import { parseOptions } from '../../src/cli/options.ts';
import { callerLine } from '../../src/compile/where.ts';
import { describe as show } from '../../src/errors.ts';
import { parseStrictly } from '../../src/io/json.ts';

const N = 400_000;
const MANY = [
  '1',
  '1.',
  '.',
  '.1',
  '1e',
  'e',
  '+',
  '-',
  '+1',
  'inf',
  'nan',
  'infinity',
  ' ',
  '\t',
  ' 1',
  '"',
  '\\',
  '\0',
  'é',
  '😀',
  ':1',
  '/',
  'a.',
];

describe.each(MANY)('%j over and over', (piece) => {
  const text = piece.repeat(N / piece.length);

  test.each([',', ' ', '11'])('parseCsv with the separator %j', (separator) => {
    for (const tail of ['x', '!', '', '\n'])
      for (const header of [true, false]) {
        try {
          parseCsv(text + tail, { separator, header });
        } catch (error) {
          expect(String(error)).toMatch(/^ArgumentError: parseCsv: line \d+/);
          expect(String(error).length).toBeLessThan(400);
        }
      }
  });

  test('vocabularies, JSON, options and messages', () => {
    const vocabulary = new CharVocabulary(text);
    expect(vocabulary.decode(vocabulary.encode(text))).toBe(text);
    expect(() => parseStrictly(`{${text}`, 128)).toThrow();
    expect(parseStrictly(JSON.stringify({ [text]: text }), 128)).toEqual({ [text]: text });
    expect(() => parseOptions([`--steps=${text}x`])).toThrow(/--steps wants/);
    expect(() => parseOptions([`--${text}`])).toThrow();
    expect(show(text).length).toBeLessThan(300);
    expect(() => tensor([1], { dtype: text as never })).toThrow(/unknown dtype/);
    expect(() => tensor([1]).to(text as never)).toThrow();
  });
});

test('a field of digits that ends in a letter', () => {
  expect(() => parseCsv(`${'1'.repeat(N)}x\n`, { header: false })).toThrow(
    /line 1, column 1: "1{40}…" is not a number/,
  );
  expect(parseCsv(`${'1'.repeat(300)}.${'0'.repeat(N)}`).values[0]).toBeCloseTo(1.1111111111111112e299, -287);
});

test('numbers are what they were', () => {
  const good = ['1', '+1', '-1', '1.', '.5', '1.5', '1e3', '1.E-3', '.5e+2', 'inf', '-Infinity', 'NaN'];
  const { values } = parseCsv(good.join(','), { header: false });
  expect([...values]).toEqual([1, 1, -1, 1, 0.5, 1.5, 1000, 0.001, 50, Infinity, -Infinity, Number.NaN]);
  for (const bad of ['.', '+', '1e', 'e1', '1.2.3', '0x10', '1_0', '--1', '1 2'])
    expect(() => parseCsv(`1\n${bad}`, { header: false }), bad).toThrow(/line 2, column 1/);
});

test('separators are short: looking for one takes time in proportion to it', () => {
  expect(parseCsv('1<tab>2', { separator: '<tab>' }).columns).toBe(2);
  for (const separator of ['', '1'.repeat(17), '1'.repeat(N)])
    expect(() => parseCsv('1', { separator })).toThrow(/separator is a string of 1 to 16 characters/);
});

test('a header nested without end is refused before it is parsed', () => {
  for (const open of ['[', '{"a":', '{"a":[']) {
    const header = `{"a":${open.repeat(N)}`;
    expect(() => parseStrictly(header, 128)).toThrow(/nested deeper than 128/);
    const bytes = new Uint8Array(8 + header.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    new TextEncoder().encodeInto(header, bytes.subarray(8));
    expect(() => decodeSafetensors(bytes)).toThrow(/nested deeper than 128/);
  }
});

test('names of functions in stacks', () => {
  for (const piece of ['a', 'node:', '(', ':1', ' ', '@', 'a://', '1:']) {
    const name = piece.repeat(N / piece.length);
    const caller = Object.defineProperty(() => callerLine(), 'name', { value: `${name} ` });
    expect(caller()).toMatch(/ at \S*linear\.test\.ts:\d+:\d+$/);
  }
});
