/** Every worked example computes the figures that it promises, on both backends. */
import { readdirSync } from 'node:fs';
import { setBackend } from 'cotangent';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Report, WorkedExample } from '../../examples/worked/example.ts';
import { backends } from '../support/backends.ts';

const folder = new URL('../../examples/worked/', import.meta.url);
const files = readdirSync(folder).filter((file) => file !== 'example.ts');
const modules = await Promise.all(
  files.map((file) => import(new URL(file, folder).href) as Promise<{ examples: readonly WorkedExample[] }>),
);
const examples = modules.flatMap((module) => module.examples);

/** Counts what is reported; what is wrong is listed, to be shown all at once. */
class Checked implements Report {
  readonly wrong: string[] = [];
  checked = 0;

  constructor(readonly backend: Report['backend']) {}

  figure: Report['figure'] = (label, got, expected, { absolute = 0, relative } = { relative: 1e-6 }) => {
    this.checked++;
    const allowed = Math.max(absolute, (relative ?? 0) * Math.abs(expected));
    if (!(got === expected || Math.abs(got - expected) <= allowed))
      this.wrong.push(`${label}: ${got} instead of ${expected}, at most ${allowed} apart`);
  };

  check: Report['check'] = (label, holds) => {
    this.checked++;
    if (!holds) this.wrong.push(`${label}: does not hold`);
  };

  note: Report['note'] = (text) => expect(text).not.toBe('');

  table: Report['table'] = (head, rows) => {
    for (const row of rows) expect(row).toHaveLength(head.length);
  };

  picture: Report['picture'] = (picture, caption) => {
    expect(picture.save).toBeTypeOf('function');
    expect(caption).not.toBe('');
  };
}

test('each example has a number of its own', () => {
  expect(examples.length).toBeGreaterThanOrEqual(files.length);
  expect(new Set(examples.map(({ id }) => id)).size).toBe(examples.length);
});

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => setBackend(backend));

  test.each(examples.map((example) => [example.id, example] as const))('%s', async (_, example) => {
    const report = new Checked(backend);
    await example.run(report);
    expect(report.wrong).toEqual([]);
    expect(report.checked).toBeGreaterThan(0);
  });
});
