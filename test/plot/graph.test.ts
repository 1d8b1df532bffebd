/** Graphs of computations: ops, shapes, names, and gradient norms after backward. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArgumentError, AutogradError, setBackend, type Tensor, tensor } from 'cotangent';
import { Linear } from 'cotangent/nn';
import { graph } from 'cotangent/plot';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

/** The texts of the boxes. */
const boxes = (dot: string): string[] =>
  [...dot.matchAll(/^ {2}n\d+ \[label="([^"]*)"/gm)].map((match) => match[1] as string);

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => setBackend(backend));

  test('a box for every op and leaf, with shapes, and arrows the way the numbers flow', () => {
    const w = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { requiresGrad: true },
    );
    const { dot } = graph(w.mul(3).sigmoid().sum(), { names: { w } });
    expect(boxes(dot)).toEqual(['sum\\nscalar', 'sigmoid\\n[2, 2]', 'mul\\n[2, 2]', 'w\\n[2, 2]']);
    expect(dot.match(/n\d+ -> n\d+/g)).toEqual(['n1 -> n0', 'n2 -> n1', 'n3 -> n2']);
  });

  test('backward fills in the norms of gradients, and computes what it did without the graph', () => {
    const w = tensor([3, 4], { requiresGrad: true, dtype: 'float64' });
    const y = w.square();
    const drawing = graph(y.sum(), { names: { w, y } });
    expect(drawing.dot).not.toContain('grad');
    y.sum().backward({ retainGraph: true });
    expect(w.grad?.toArray()).toEqual([6, 8]);
    // y's gradient is (1, 1), w's is 2 w.
    expect(boxes(drawing.dot)).toContain('y\\nsquare\\n[2]\\n|grad| = 1.41');
    expect(boxes(drawing.dot)).toContain('w\\n[2]\\n|grad| = 10');
  });

  test('a node that several use, and an op with several outputs, are drawn once', () => {
    const x = tensor([1, 2, 3, 4], { requiresGrad: true });
    const square = x.square();
    const [a, b] = square.split(2) as [Tensor, Tensor];
    const { dot } = graph(a.mul(b).sum().add(square.sum()));
    expect(boxes(dot).filter((text) => text.startsWith('square'))).toHaveLength(1);
    expect(boxes(dot).filter((text) => text.startsWith('leaf'))).toHaveLength(1);
  });
});

test('a module gives its parameters their names; a name may hold anything', () => {
  const layer = new Linear(2, 1);
  const y = layer(tensor([[1, 2]]));
  expect(boxes(graph(y, { names: layer }).dot)).toEqual(expect.arrayContaining(['weight\\n[1, 2]', 'bias\\n[1]']));
  const odd = tensor(1, { requiresGrad: true });
  expect(graph(odd.exp(), { names: { 'a"b\\c': odd } }).dot).toContain('label="a\\"b\\\\c\\nscalar"');
});

test('deep graphs need no recursion', () => {
  let x = tensor(1, { requiresGrad: true }) as Tensor;
  for (let i = 0; i < 12_000; i++) x = x.add(1);
  expect(boxes(graph(x).dot)).toHaveLength(12_001);
});

test('drawings have the names in them, and load nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cotangent-graph-'));
  try {
    const w = tensor(1, { requiresGrad: true });
    const drawing = graph(w.exp(), { names: { 'weight <w>': w } });
    await drawing.save(join(folder, 'g.svg'));
    await drawing.save(join(folder, 'g.dot'));
    await drawing.save(join(folder, 'g.html'));
    const svg = await readFile(join(folder, 'g.svg'), 'utf8');
    expect(svg).toContain('<svg');
    expect(svg).toContain('weight &lt;w&gt;');
    expect(svg).toContain('>exp<');
    expect(await readFile(join(folder, 'g.dot'), 'utf8')).toBe(drawing.dot);
    const page = await readFile(join(folder, 'g.html'), 'utf8');
    expect(page).toContain('>exp<');
    expect(page).not.toMatch(/(src|href)="http/);
    await expect(drawing.save(join(folder, 'g.png'))).rejects.toThrow(/\.svg, \.dot or \.html/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('notebooks get a picture', async () => {
  const drawing = graph(tensor(1, { requiresGrad: true }).exp());
  const display = Reflect.get(drawing, Symbol.for('Jupyter.display')) as () => Promise<Record<string, string>>;
  expect((await display.call(drawing))['image/svg+xml']).toContain('<svg');
});

test('what is wrong is named', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  expect(() => graph(tensor(1))).toThrow(AutogradError);
  expect(() => graph(3 as unknown as Tensor)).toThrow(ArgumentError);
  expect(() => graph(x, { names: { x: 3 as unknown as Tensor } })).toThrow(/names.x to be a tensor/);
  expect(() => graph(x, { names: 3 as never })).toThrow(ArgumentError);
  expect(() => graph(x, { direction: 'up' as never })).toThrow(/direction is 'down' or 'right'/);
});
