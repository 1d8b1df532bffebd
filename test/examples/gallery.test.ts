/** The gallery tells right figures from wrong ones, goes on after a failure, and loads nothing from afar. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildGallery } from '../../examples/gallery/build.ts';
import { inline } from '../../examples/gallery/formulas.ts';
import { agrees } from '../../examples/gallery/record.ts';
import { backends } from '../support/backends.ts';

let folder = '';
let printed: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cotangent-gallery-'));
  await mkdir(join(folder, 'worked'));
  printed = [];
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** An example file that uses the library as the real ones do. */
async function put(file: string, id: string, run: string): Promise<void> {
  const root = (path: string) => JSON.stringify(fileURLToPath(new URL(`../../src/${path}`, import.meta.url)));
  await writeFile(
    join(folder, 'worked', file),
    `import { tensor } from ${root('index.ts')};
import { curves, graph, surface } from ${root('plot/index.ts')};
export const examples = [{ id: '${id}', title: 'Title of $x$', text: 'About $x^2$.', run: (report) => { ${run} } }];`,
  );
}

const gallery = (options: { only?: string; backend?: 'native' | 'wasm' } = {}) =>
  buildGallery({
    from: join(folder, 'worked'),
    to: folder,
    backend: options.backend ?? (backends[0] as 'native' | 'wasm'),
    only: options.only,
    print: (line) => printed.push(line),
  });

const RIGHT = `const w = tensor(3, { requiresGrad: true });
  const y = w.square();
  const drawing = graph(y, { names: { w } });
  y.backward();
  report.figure('slope of $x^2$', w.grad.item(), 6);
  report.check('it ran on ' + report.backend, w.backend === report.backend);
  report.table(['n', '$x$'], [[1, 2.5]]);
  report.note('A note.');
  report.picture(drawing, 'The graph');
  report.picture(surface((x, y) => x.mul(y), { x: [0, 1], y: [0, 1], points: 3 }), 'A surface');`;

describe.each(backends)('on %s', (backend) => {
  test('a right example passes, and its figures and pictures are on the page', async () => {
    await put('a01-right.ts', 'A1', RIGHT);
    expect(await gallery({ backend })).toBe(true);
    expect(printed.join('\n')).toMatch(/✓ slope of x\^2 +6 {2}expected 6/);
    expect(printed.at(-1)).toContain('1 examples, 2 figures agree, 0 differ, 0 failed, 2 pictures');
    const page = await readFile(join(folder, 'index.html'), 'utf8');
    for (const part of ['<math', 'A note.', 'The graph', '<svg', 'class="plot webgl"', 'a01-right.ts', '2.5'])
      expect(page).toContain(part);
    expect(page.match(/<script[^>]* src="[^"]*"/g)).toEqual(['<script src="plotly.min.js"']);
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect((await readdir(join(folder, 'pictures'))).sort()).toEqual(['A1-4.svg', 'A1-5.json']);
    expect((await readdir(folder)).sort()).toEqual(['index.html', 'pictures', 'plotly.min.js', 'worked']);
  });
});

test('a wrong figure, an error, nothing checked, and a broken file fail without keeping the others from running', async () => {
  await put('a01-wrong.ts', 'A1', "report.figure('wrong', 1.001, 1); report.figure('nan', Number.NaN, Number.NaN);");
  await put('a02-throws.ts', 'A2', "throw new TypeError('<boom>');");
  await put('b01-empty.ts', 'B1', '');
  await writeFile(join(folder, 'worked', 'b02-broken.ts'), 'export const examples = ;');
  await put('c01-right.ts', 'C1', RIGHT);
  expect(await gallery()).toBe(false);
  const text = printed.join('\n');
  expect(text).toMatch(/✗ wrong +1\.001 {2}expected 1 .*off by 1\.0e-3, allowed 1e-6 of it/);
  expect(text).toMatch(/✗ nan/);
  expect(text).toContain('✗ it threw: TypeError: <boom>');
  expect(text).toContain('nothing was checked');
  expect(text).toContain('✗ b02-broken.ts could not be loaded');
  expect(text).toContain('✓ C1');
  const page = await readFile(join(folder, 'index.html'), 'utf8');
  expect(page).toContain('TypeError: &#60;boom&#62;');
  expect(page).toContain('b02-broken.ts could not be loaded');
});

test.each([0, 1])('a wrong example fails wherever it stands', async (place) => {
  await put('a01-one.ts', 'A1', place === 0 ? "report.check('no', false);" : RIGHT);
  await put('a02-two.ts', 'A2', place === 0 ? RIGHT : "report.check('no', false);");
  expect(await gallery()).toBe(false);
});

test('--only chooses by id and by letter, and refuses what is not there', async () => {
  await put('a10-ten.ts', 'A10', RIGHT);
  await put('a02-two.ts', 'A2', "report.check('no', false);");
  await put('b01-one.ts', 'B1', RIGHT);
  expect(await gallery({ only: 'a10,b' })).toBe(true);
  expect(printed.at(-1)).toContain('2 examples');
  expect(await gallery()).toBe(false);
  // By number, not by the alphabet.
  expect(printed.join('\n')).toMatch(/A2 .*A10 .*B1 /s);
  await expect(gallery({ only: 'A1' })).rejects.toThrow("no example is called 'A1'; there are A2, A10, B1");
});

test('figures agree within a tolerance, and NaN with nothing', () => {
  expect(agrees(1 + 1e-7, 1)).toBe(true);
  expect(agrees(1 + 1e-5, 1)).toBe(false);
  expect(agrees(1e-9, 0)).toBe(false);
  expect(agrees(1e-9, 0, { absolute: 1e-8 })).toBe(true);
  expect(agrees(1.01, 1, { relative: 0.02 })).toBe(true);
  expect(agrees(Number.NaN, Number.NaN, { absolute: 1 })).toBe(false);
  expect(agrees(1, Number.NaN)).toBe(false);
  expect(agrees(Number.POSITIVE_INFINITY, 1)).toBe(false);
  expect(agrees(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)).toBe(true);
});

test('formulas become MathML, the rest is text', () => {
  expect(inline('a < $x^2$ & `b<c`')).toMatch(
    /^a &#60; <span.*<math.*<\/math>.*<\/span> &#38; <code>b&#60;c<\/code>$/s,
  );
  expect(inline('costs 5$')).toBe('costs 5$');
  expect(() => inline('$\\frac{1}$')).toThrow(/KaTeX/);
});
