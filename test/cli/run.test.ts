/** Whole runs of the main job, small: what they print, leave behind, and do on Ctrl-C. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultGenerator, setBackend } from 'cotangent';
import { afterAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import type { Results } from '../../src/cli/report.ts';

const folder = mkdtempSync(join(tmpdir(), 'cotangent-run-'));
afterAll(() => {
  setBackend('native');
  rmSync(folder, { recursive: true });
});
const text = join(folder, 'tale.txt');
writeFileSync(text, 'she sells sea shells <by> the sea shore & so on.\n'.repeat(60));
const SHAPE = ['--data', text, '--width', '16', '--heads', '2', '--layers', '1', '--context', '16', '--batch', '4'];
const SMALL = [...SHAPE, '--no-speed'];
const ESCAPE = '\u001b[';

async function run(
  args: string[],
  { isTTY = false, colours = false, stopAfter = Number.POSITIVE_INFINITY, shape = SMALL } = {},
) {
  const out: string[] = [];
  let asked = 0;
  const code = await main([...shape, ...args], {
    stdout: { write: (line) => out.push(line), isTTY, columns: 100 },
    stderr: { write: (line) => out.push(line) },
    colours,
    stop: () => ++asked >= stopAfter,
  });
  return { code, out: out.join('') };
}
const resultsIn = (out: string): Results => JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as Results;

describe.each(['native', 'wasm'])('on %s', (backend) => {
  const out = join(folder, backend);

  test('a run learns and leaves a report', async () => {
    const { code, out: printed } = await run(['--steps', '60', '--backend', backend, '--out', out, '--lr', '1e-2']);
    expect(code).toBe(0);
    expect(printed).not.toContain(ESCAPE);
    expect(printed).toMatch(/step 60\/60 {2}loss \d\.\d+ .* chars\/s/);
    expect(printed).toMatch(/validation loss: \d\.\d{4} nats per character/);

    const results = resultsIn(out);
    expect(results.backend.backend).toBe(backend);
    expect(results.steps).toBe(60);
    expect(results.interrupted).toBe(false);
    expect(results.history.train).toHaveLength(60);
    expect(results.history.train[0]?.loss).toBeGreaterThan(2.5);
    expect(results.validationLoss).toBeLessThan(2);
    expect([...results.sample]).toHaveLength(500);

    const page = readFileSync(join(out, 'report.html'), 'utf8');
    expect(page).toContain('<svg');
    expect(page).toContain((results.validationLoss as number).toFixed(3));
    // Nothing from elsewhere, and the sample is text, not markup.
    expect(page).not.toMatch(/(src|href)=|url\(|<script/);
    expect(page).not.toContain('<by>');
    expect(readdirSync(out).sort()).toEqual(['report.html', 'results.json']);
  });

  test('a seed gives the same run again', async () => {
    const losses: number[][] = [];
    for (const seed of ['5', '5', '6']) {
      await run(['--steps', '5', '--backend', backend, '--out', out, '--seed', seed]);
      losses.push(resultsIn(out).history.train.map(({ loss }) => loss));
    }
    expect(losses[1]).toEqual(losses[0]);
    expect(losses[2]).not.toEqual(losses[0]);
  });

  test('a run op by op learns the same as a compiled one', async () => {
    const histories: Results['history'][] = [];
    for (const how of [[], ['--no-compile']]) {
      const { out: printed } = await run(['--steps', '12', '--backend', backend, '--out', out, ...how]);
      expect(printed.includes(', compiled')).toBe(how.length === 0);
      histories.push(resultsIn(out).history);
    }
    const [compiled, eager] = histories.map(({ train }) => train.map(({ loss }) => loss)) as [number[], number[]];
    for (const [i, loss] of eager.entries()) expect(compiled[i]).toBeCloseTo(loss, 4);
  });
});

test('steps are measured on both backends, without disturbing the random stream', async () => {
  const out = join(folder, 'speed');
  const states: unknown[] = [];
  for (const shape of [SMALL, SHAPE]) {
    const { out: printed } = await run(['--steps', '2', '--out', out], { shape });
    expect(printed.includes('measuring')).toBe(shape === SHAPE);
    states.push((['native', 'wasm'] as const).map((name) => defaultGenerator.getState(name).toArray()));
    expect(readFileSync(join(out, 'report.html'), 'utf8').includes('<h2>Speed</h2>')).toBe(shape === SHAPE);
  }
  expect(states[1]).toEqual(states[0]);
  const { speed, backend } = resultsIn(out);
  expect(backend.backend).toBe('native');
  expect(speed.map((measured) => measured.backend)).toEqual(['native', 'wasm']);
  for (const { eager, compiled, steps } of speed) {
    expect(Math.min(eager, compiled)).toBeGreaterThan(0);
    expect(steps).toBeGreaterThan(1);
  }
  const page = readFileSync(join(out, 'report.html'), 'utf8');
  expect(page.match(/<rect class="(eager|compiled)"/g)).toHaveLength(4);
  expect(page).toContain('wasm, compiled');
});

test('Ctrl-C while steps are measured keeps what was learned', async () => {
  const out = join(folder, 'unmeasured');
  const { code } = await run(['--steps', '3', '--out', out], { stopAfter: 5, shape: SHAPE });
  expect(code).toBe(0);
  expect(resultsIn(out)).toMatchObject({ steps: 3, interrupted: false, speed: [] });
});

test('stopping ends after the step in progress and still writes the results', async () => {
  const out = join(folder, 'stopped');
  const { code, out: printed } = await run(['--steps', '1000', '--out', out], { stopAfter: 3 });
  expect(code).toBe(0);
  expect(printed).toContain('stopped after 3 of 1000 steps');
  expect(resultsIn(out)).toMatchObject({ steps: 3, interrupted: true });
});

test('a terminal gets one line that renews itself, coloured only if wanted', async () => {
  const out = join(folder, 'screen');
  const plain = await run(['--steps', '5', '--out', out], { isTTY: true });
  expect(plain.out).toContain(`\r${ESCAPE}K▕█`);
  expect(plain.out).toContain('▏ step 5/5  loss');
  expect(plain.out).not.toContain(`${ESCAPE}36m`);
  const coloured = await run(['--steps', '5', '--out', out], { isTTY: true, colours: true });
  expect(coloured.out).toContain(`${ESCAPE}36m`);
});

test('Ctrl-C ends the process with its results; npm passing it on once more does not cut that short', async () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const out = join(folder, 'signal');
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(root, 'src/cli/train.ts'), ...SMALL, '--steps', '1000000', '--out', out],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const before = printed.includes('step ');
    printed += chunk;
    if (before || !printed.includes('step ')) return;
    child.kill('SIGINT');
    child.kill('SIGINT');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code).toBe(0);
  expect(printed).toMatch(/stopped after \d+ of 1000000 steps/);
  expect(resultsIn(out).interrupted).toBe(true);
});
