/** What the main job says about wrong arguments, without training anything. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { parseOptions, type TrainOptions } from '../../src/cli/options.ts';

const folder = mkdtempSync(join(tmpdir(), 'cotangent-options-'));
afterAll(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

async function refusal(args: string[]): Promise<string> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(args, {
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    colours: false,
    stop: () => true,
  });
  expect(code).toBe(2);
  expect(out).toEqual([]);
  expect(err).toHaveLength(1);
  expect(err[0]).toMatch(/^cotangent: [^\n]+\n$/);
  return err[0] as string;
}

const text = inFolder('text.txt', 'to be or not to be '.repeat(100));

describe('one line and exit code 2 for', () => {
  test.each<[string, string[], RegExp]>([
    ['an unknown option', ['--stepz', '5'], /--stepz/],
    ['a value for a switch', ['--no-compile=1'], /no-compile/],
    ['an argument without an option', ['text.txt'], /text\.txt/],
    ['an option without its value', ['--steps'], /--steps/],
    ['a number that is none', ['--steps', 'many'], /--steps wants a whole number from 1 to .*'many'/],
    ['an empty number', ['--steps', ''], /--steps wants a whole number/],
    ['a fraction of a step', ['--steps', '1.5'], /--steps wants a whole number/],
    ['a negative number', ['--batch=-1'], /--batch wants/],
    ['a learning rate of zero', ['--lr', '0'], /--lr wants a number/],
    ['no layers', ['--layers', '0'], /--layers/],
    ['a width that heads do not divide', ['--width', '30', '--heads', '4'], /30 is not a multiple of --heads 4/],
    ['a backend that does not exist', ['--backend', 'cuda'], /native or wasm, got 'cuda'/],
    ['a missing file', ['--data', join(folder, 'nowhere.txt')], /cannot read .*nowhere\.txt: no such file/],
    ['a folder as file', ['--data', folder], /it is a folder/],
    ['an empty file', ['--data', inFolder('empty.txt', '')], /empty\.txt is empty/],
    ['a file that is too short', ['--data', inFolder('short.txt', 'to be')], /too short: 5 characters/],
    [
      'a file that is not text',
      ['--data', inFolder('image.bin', Uint8Array.of(0xff, 0xfe, 0xfd))],
      /not text in UTF-8/,
    ],
    ['a folder that is a file', ['--data', text, '--out', text], /cannot write to .*it exists and is not a folder/],
    ['a folder inside a file', ['--data', text, '--out', join(text, 'run')], /cannot write to .*not a folder/],
  ])('%s', async (_, args, message) => {
    expect(await refusal(args)).toMatch(message);
  });
});

test('--help lists every option and its default', async () => {
  const out: string[] = [];
  const screen = { write: (line: string) => out.push(line) };
  expect(await main(['--help'], { stdout: screen, stderr: screen, colours: false, stop: () => true })).toBe(0);
  const options = parseOptions([]) as TrainOptions;
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === 'boolean') {
      expect(value).toBe(true);
      expect(out.join('')).toContain(`--no-${name} `);
      continue;
    }
    expect(out.join('')).toContain(`--${name} `);
    if (value !== null) expect(out.join('')).toContain(`(${value})`);
  }
});

test('what is done unless told otherwise is switched off by --no-', () => {
  expect(parseOptions(['--no-compile'])).toMatchObject({ compile: false, speed: true });
  expect(parseOptions(['--no-speed'])).toMatchObject({ compile: true, speed: false });
});
