/** Animations: every frame shows what its figure does, with a button and a slider. */
import { ArgumentError, type Tensor, tensor } from 'cotangent';
import { animation, bars, curves, type Figure, pathAnimation } from 'cotangent/plot';
import { expect, test } from 'vitest';

const steps = (figure: Figure) =>
  (figure.layout.sliders as { steps: { label: string; args: unknown[] }[] }[])[0]?.steps ?? [];

test('figures become frames, in axes that hold all of them', () => {
  const frames = [1, 2, 3].map((k) => curves({ f: { x: [0, k], y: [0, k * k] } }, { title: `k = ${k}` }));
  const figure = animation(frames, { labels: ['one', 'two', 'three'], frameMs: 50 });
  expect(figure.frames.map(({ data }) => data[0]?.y)).toEqual([
    [0, 1],
    [0, 4],
    [0, 9],
  ]);
  expect(figure.frames[2]?.layout).toMatchObject({ title: { text: 'k = 3' } });
  const { range } = figure.layout.yaxis as { range: [number, number] };
  expect(range[0]).toBeLessThan(0);
  expect(range[1]).toBeGreaterThan(9);
  expect(steps(figure).map(({ label }) => label)).toEqual(['one', 'two', 'three']);
  expect(steps(figure).map(({ args }) => (args[0] as string[])[0])).toEqual(figure.frames.map(({ name }) => name));
  expect(JSON.stringify(figure.layout.updatemenus)).toContain('"duration":50');
});

test('bars stand on 0', () => {
  const { layout } = animation([bars({ a: 1 }), bars({ a: 5 })]);
  expect((layout.yaxis as { range: number[] }).range[0]).toBe(0);
});

test('paths grow, and one that has ended stands still', () => {
  const f = (x: Tensor, y: Tensor) => x.square().add(y.square());
  const long = tensor([
    [2, 2],
    [1, 1],
    [0.5, 0.5],
    [0, 0],
  ]);
  const figure = pathAnimation(f, {
    x: [-2, 2],
    y: [-2, 2],
    points: 3,
    field: true,
    paths: {
      long,
      short: [
        [1, 0],
        [0, 0],
      ],
    },
    marks: { minimum: [0, 0] },
  });
  expect(figure.frames).toHaveLength(4);
  for (const { traces } of figure.frames) expect(traces?.map((i) => figure.data[i]?.name)).toEqual(['long', 'short']);
  const lengths = figure.frames.map(({ data }) => data.map((trace) => (trace.x as number[]).length));
  expect(lengths).toEqual([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 2],
  ]);
  expect(steps(figure).at(-1)?.label).toBe('step 3');
});

test('long paths advance several steps a frame, and end where they end', () => {
  const path = Array.from({ length: 1001 }, (_, i) => [i / 1000, 0]);
  const figure = pathAnimation((x) => x, { x: [0, 1], y: [0, 1], points: 3, paths: { path }, frames: 5 });
  expect(steps(figure).map(({ label }) => label)).toEqual(['step 0', 'step 250', 'step 500', 'step 750', 'step 1000']);
});

test('what is wrong is named', () => {
  const one = curves({ f: (x) => x });
  expect(() => animation([])).toThrow(ArgumentError);
  expect(() => animation([one, bars({ a: 1 })])).toThrow('animation: figure 1 has traces bar, the first has scatter');
  expect(() => animation([one], { labels: [] })).toThrow(ArgumentError);
  expect(() => animation([one], { frameMs: 0 })).toThrow(ArgumentError);
  expect(() => pathAnimation((x) => x, { x: [0, 1], y: [0, 1] })).toThrow('pathAnimation: there are no paths to draw');
});
