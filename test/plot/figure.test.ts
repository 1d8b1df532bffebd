/** Figures leave the program whole: as JSON, as pages that load nothing, for notebooks and for pages. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { ArgumentError, MissingDependencyError } from 'cotangent';
import { curves, Figure } from 'cotangent/plot';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { platform } from '#platform';
import { scriptJSON, scriptSource } from '../../src/plot/page.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cotangent-plot-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const line = (title = 'A line') => curves({ line: { x: [0, 1], y: [2, 3] } }, { title });

describe('save', () => {
  test('.json holds what Plotly needs', async () => {
    await line().save(join(folder, 'x.json'));
    const { data, layout, frames } = JSON.parse(await readFile(join(folder, 'x.json'), 'utf8'));
    expect(data[0]).toMatchObject({ type: 'scatter', x: [0, 1], y: [2, 3] });
    expect(layout.title.text).toBe('A line');
    expect(layout.xaxis.title.text).toBe('x');
    expect(frames).toEqual([]);
  });

  test('.html holds the library and loads nothing', async () => {
    const path = join(folder, 'x.html');
    await line('a < b </script><script>alert(1)</script>').save(path);
    const page = await readFile(path, 'utf8');
    const library = await platform.plotlySource();
    expect(page.length).toBeGreaterThan(library.length);
    expect(page).toContain('Plotly.newPlot');
    expect(page).not.toMatch(/<(script|link|img|iframe)[^>]*(src|href)=/i);
    expect(page).toContain("default-src 'none'");
    // Two scripts, each ended once: neither the library nor a title ends one early.
    expect(page.match(/<\/script/gi)).toHaveLength(2);
    expect(page).not.toContain('<script>alert');
  });

  test('nothing is left beside the file, and an old one is replaced', async () => {
    const path = join(folder, 'x.json');
    await line('old').save(path);
    await line('new').save(path);
    expect(await readdir(folder)).toEqual(['x.json']);
    expect(await readFile(path, 'utf8')).toContain('"new"');
  });

  test.each(['x.png', 'x', '.json', 'folder.html/x', ''])('%s is no format', async (name) => {
    await expect(line().save(name)).rejects.toThrow(ArgumentError);
    await expect(line().save(name)).rejects.toThrow(/save: wants a file name ending in \.html or \.json/);
  });

  test('a folder that does not exist is named', async () => {
    const path = join(folder, 'none', 'x.json');
    await expect(line().save(path)).rejects.toThrow(`save: cannot write ${path}: no such file or folder`);
  });

  test('without the Plotly package it says what to install', async () => {
    vi.spyOn(platform, 'plotlySource').mockRejectedValue(new MissingDependencyError('toHTML', 'npm install'));
    await expect(line().save(join(folder, 'x.html'))).rejects.toThrow(MissingDependencyError);
    expect(await readdir(folder)).toEqual([]);
    expect(await line().toHTML({ plotly: 'window.Plotly = {}' })).toContain('window.Plotly = {}');
  });
});

test('what could end a script element is written differently, and means the same', () => {
  const value = { title: '</script><!-- \u2028' };
  expect(scriptJSON(value)).not.toMatch(/[<\u2028]/);
  expect(JSON.parse(scriptJSON(value))).toEqual(value);
  const source = scriptSource('"</script>" + "<!--x-->"');
  expect(source).not.toMatch(/<\/script|<!--/);
  expect(runInThisContext(source)).toBe('</script><!--x-->');
});

test('notebooks get Plotly’s own format', () => {
  const figure = line();
  const display = Reflect.get(figure, Symbol.for('Jupyter.display')) as () => Record<string, { data: unknown[] }>;
  expect(display.call(figure)['application/vnd.plotly.v1+json']?.data).toHaveLength(1);
});

test('show draws with the library it is given', async () => {
  const newPlot = vi.fn(async () => {});
  await line().show('element', { newPlot });
  expect(newPlot).toHaveBeenCalledWith('element', JSON.parse(JSON.stringify(line())));
  await expect(line().show('element')).rejects.toThrow(/show: wants the Plotly library/);
});

test('figures can be put together by hand', () => {
  expect(JSON.parse(JSON.stringify(new Figure([{ type: 'pie' }], { height: 100 })))).toMatchObject({
    data: [{ type: 'pie' }],
    layout: { height: 100 },
  });
});
