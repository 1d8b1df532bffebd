/** Curves, polar plots, bars, histograms, decision regions: what is in the figures is what was given. */
import { ArgumentError, AutogradError, ShapeError, setBackend, type Tensor, tensor } from 'cotangent';
import { Linear, Sequential, Sigmoid } from 'cotangent/nn';
import { bars, curves, decisionRegions, gradientFlow, histogram, polar } from 'cotangent/plot';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => setBackend(backend));

  test('curves of functions of tensors and of numbers are the same', () => {
    const { data } = curves({ a: (x) => x.square(), b: (x: number) => x * x }, { x: [-1, 1], points: 3 });
    for (const trace of data) expect(trace).toMatchObject({ x: [-1, 0, 1], y: [1, 0, 1] });
  });

  test('curves of tensors', () => {
    const { data } = curves({ loss: { x: tensor([1, 2]), y: tensor([0.5, 0.25]), mode: 'lines+markers' } });
    expect(data[0]).toMatchObject({ x: [1, 2], y: [0.5, 0.25], mode: 'lines+markers', name: 'loss' });
  });

  test('decision regions: the grid’s rows are y, scores win by the highest, samples keep their classes', () => {
    const options = { x: [-1, 1], y: [-2, 2], points: 3 } as const;
    const upper = (points: Tensor) => points.select(1, 1).gt(0).mul(1);
    const samples = {
      points: [
        [0, 1],
        [0, -1],
      ],
      labels: [1, 0],
    };
    const { data } = decisionRegions(upper, { ...options, samples, classes: ['low', 'high'] });
    expect(data[0]).toMatchObject({
      type: 'heatmap',
      x: [-1, 0, 1],
      y: [-2, 0, 2],
      z: [
        [0, 0, 0],
        [0, 0, 0],
        [1, 1, 1],
      ],
    });
    expect(data[2]).toMatchObject({ name: 'high', x: [0], y: [1] });
    const scores = (points: Tensor) =>
      points.matmul(
        tensor([
          [0, 1, 0],
          [0, 0, 0],
        ]),
      );
    expect(decisionRegions(scores, options).data[0]).toMatchObject({
      z: [
        [0, 0, 1],
        [0, 0, 1],
        [0, 0, 1],
      ],
    });
  });

  test('gradient flow is the mean |gradient| of every parameter', () => {
    const model = new Sequential(new Linear(2, 3), new Sigmoid(), new Linear(3, 1));
    expect(() => gradientFlow(model)).toThrow(AutogradError);
    (model(tensor([[1, 2]])) as Tensor).sum().backward();
    const { data, layout } = gradientFlow(model);
    const [trace] = data as [{ x: string[]; y: number[] }];
    expect(trace.x).toEqual(model.namedParameters().map(([name]) => name));
    const [weight] = model.parameters() as [Tensor];
    expect(trace.y[0]).toBeCloseTo((weight.grad as Tensor).abs().mean().item(), 6);
    expect(layout.yaxis).toMatchObject({ type: 'log' });
    expect(gradientFlow({ a: model, b: model }).data.map(({ name }) => name)).toEqual(['a', 'b']);
    const parameters = Object.fromEntries(model.namedParameters());
    expect(gradientFlow(parameters).data[0]).toMatchObject({ y: trace.y });
  });
});

describe('curves', () => {
  test('on logarithmic axes points are spaced by ratios, and what has no logarithm is a gap', () => {
    const { data, layout } = curves({ f: (x: number) => x - 1 }, { x: [0.1, 10], points: 3, logX: true, logY: true });
    const [{ x, y }] = data as [{ x: number[]; y: (number | null)[] }];
    expect(x.map((value) => value.toFixed(6))).toEqual(['0.100000', '1.000000', '10.000000']);
    expect(y[0]).toBeNull();
    expect(y[2]).toBeCloseTo(9, 12);
    expect(layout).toMatchObject({ xaxis: { type: 'log', range: [-1, 1] }, yaxis: { type: 'log' } });
  });

  test('functions are drawn over the values beside them', () => {
    const { data } = curves({ data: { x: [2, 4], y: [1, 1] }, f: (x) => x }, { points: 2 });
    expect(data[1]).toMatchObject({ x: [2, 4] });
  });

  test('values that are not finite are gaps; without any other it is an error', () => {
    const { data } = curves({ blown: { x: [0, 1, 2], y: [1, Number.POSITIVE_INFINITY, Number.NaN] } });
    expect(data[0]).toMatchObject({ y: [1, null, null] });
    expect(() => curves({ blown: { x: [0, 1], y: [Number.NaN, Number.NaN] } })).toThrow(
      /y of blown has no finite value/,
    );
  });

  test('one series names the y axis; several have a legend', () => {
    expect(curves({ loss: { x: [0], y: [1] } }).layout).toMatchObject({
      showlegend: false,
      yaxis: { title: { text: 'loss' } },
    });
    expect(curves({ a: (x) => x, b: (x) => x }).layout).toMatchObject({
      showlegend: true,
      yaxis: { title: { text: 'y' } },
    });
  });

  test('what is wrong is named', () => {
    const draw =
      (series: unknown, options = {}) =>
      () =>
        curves(series as { f: () => number }, options);
    expect(draw({})).toThrow('curves: series is empty');
    expect(draw([1, 2])).toThrow(ArgumentError);
    expect(draw({ a: 3 })).toThrow('curves: a is a function or { x, y }, got 3');
    expect(draw({ a: { x: [1, 2], y: [1] } })).toThrow(ShapeError);
    expect(draw({ a: { x: tensor([[1]]), y: [1] } })).toThrow(ShapeError);
    expect(draw({ a: { x: ['1'], y: [1] } })).toThrow(ArgumentError);
    expect(draw({ a: { x: [1], y: [1], mode: 'dots' } })).toThrow(/mode of a is 'lines'/);
    expect(draw({ a: Math.sin }, { x: [0, 1], logX: true })).toThrow(/x begins at 0, but the axis is logarithmic/);
    expect(draw({ a: Math.sin }, { x: [1, 0] })).toThrow(/empty range/);
  });
});

describe('polar', () => {
  test('angles are radians; negative radii move the centre', () => {
    const { data, layout } = polar({ f: { angle: tensor([0, 1], { dtype: 'float64' }), radius: [2, -1] } });
    expect(data[0]).toMatchObject({ thetaunit: 'radians', theta: [0, 1], r: [2, -1] });
    expect(layout.polar).toMatchObject({ radialaxis: { range: [-1, expect.closeTo(2.12, 10)] } });
    expect(polar({ f: { angle: [0], radius: [2] } }).data).toHaveLength(1);
  });

  test('what is wrong is named', () => {
    expect(() => polar({ f: { angle: [0, 1], radius: [1] } })).toThrow(ShapeError);
    expect(() => polar({ f: [1] as never })).toThrow(ArgumentError);
  });
});

describe('bars', () => {
  test('of one group and of several', () => {
    expect(bars({ a: 1, b: 2 }).data[0]).toMatchObject({ x: ['a', 'b'], y: [1, 2] });
    const { data, layout } = bars({ one: { a: 1 }, two: { a: 2, b: 0 } }, { logY: true });
    expect(data[1]).toMatchObject({ name: 'two', x: ['a', 'b'], y: [2, null] });
    expect(layout.xaxis).toMatchObject({ categoryarray: ['a', 'b'] });
  });

  test('what is wrong is named', () => {
    expect(() => bars({})).toThrow('bars: groups is empty');
    expect(() => bars({ a: { b: '1' as never } })).toThrow('bars: a.b is a number, got "1"');
    expect(() => bars({ a: 0 }, { logY: true })).toThrow(ArgumentError);
  });
});

describe('histogram', () => {
  test('counts every value once, in the same bins for all series', () => {
    const { data } = histogram({ a: [0, 1, 2, 3, 4], b: [4, 4, 4] }, { bins: 2 });
    expect(data).toMatchObject([
      { x: [1, 3], y: [2, 3], width: 2 },
      { x: [1, 3], y: [0, 3] },
    ]);
    const many = Array.from({ length: 1000 }, (_, i) => Math.sin(i));
    const [{ y }] = histogram({ many }).data as unknown as [{ y: number[] }];
    expect(y.reduce((a, b) => a + b)).toBe(1000);
    expect(y.length).toBeGreaterThan(5);
  });

  test('one value alone has a bin; what falls into none is an error', () => {
    expect(histogram({ a: [3] }, { bins: 1 }).data[0]).toMatchObject({ x: [3], y: [1] });
    expect(() => histogram({ a: [1, Number.NaN] })).toThrow(/falls into no bin/);
    expect(() => histogram({ a: [] })).toThrow('histogram: a is empty');
  });
});

describe('decisionRegions', () => {
  const plane = { x: [0, 1], y: [0, 1], points: 2 } as const;
  test('what is wrong is named', () => {
    const draw =
      (predict: unknown, options = {}) =>
      () =>
        decisionRegions(predict as (p: Tensor) => Tensor, { ...plane, ...options });
    expect(draw(3)).toThrow(ArgumentError);
    expect(draw((p: Tensor) => p.sum())).toThrow(ShapeError);
    expect(draw(() => 3)).toThrow(/predict to return a tensor/);
    expect(draw((p: Tensor) => p.select(1, 0).add(0.5))).toThrow(/whole numbers from 0 to 6/);
    expect(draw((p: Tensor) => p.mul(Number.NaN))).toThrow(/scores that are NaN/);
    const fine = (p: Tensor) => p.select(1, 0).mul(0);
    expect(draw(fine, { classes: [] })).toThrow(ArgumentError);
    expect(draw(fine, { samples: { points: [[0, 1]], labels: [1, 2] } })).toThrow(ShapeError);
    expect(draw(fine, { dtype: 'int32' })).toThrow(ArgumentError);
  });
});
