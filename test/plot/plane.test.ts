/** Functions over a rectangle: grids lie the right way round, paths and marks are where they belong. */
import { ArgumentError, AutogradError, ShapeError, setBackend, type Tensor, tensor } from 'cotangent';
import { contour, type Figure, gradientField, surface } from 'cotangent/plot';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

/** Different along x and y, and at every corner. */
const f = (x: Tensor, y: Tensor) => x.add(y.mul(10));
const plain = (x: number, y: number) => x + 10 * y;
const plane = { x: [0, 2], y: [0, 1], points: 3 } as const;
const trace = (figure: Figure, name: string) => figure.data.find((one) => one.name === name) as Record<string, unknown>;

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => setBackend(backend));

  const Z = [
    [0, 1, 2],
    [5, 6, 7],
    [10, 11, 12],
  ];
  const kinds = { tensors: f, numbers: plain, values: null };
  describe.each(Object.entries(kinds))('of %s', (_, given) => {
    test.each([
      ['contour', contour],
      ['surface', surface],
    ] as const)('%s: z[row][column] belongs to y[row] and x[column]', (_, draw) => {
      const [grid] = draw(given ?? tensor(Z), plane).data;
      expect(grid).toMatchObject({ x: [0, 1, 2], y: [0, 0.5, 1], z: Z });
    });

    test('paths and marks lie on the surface', () => {
      const path = tensor(
        [
          [0, 0],
          [1, 0.5],
          [2, 0.25],
        ],
        { dtype: 'float64' },
      );
      const figure = surface(given ?? tensor(Z), { ...plane, paths: { path }, marks: { minimum: [0.5, 0] } });
      expect(trace(figure, 'path')).toMatchObject({
        type: 'scatter3d',
        x: [0, 1, 2],
        y: [0, 0.5, 0.25],
        z: [0, 6, 4.5],
      });
      expect(trace(figure, 'minimum')).toMatchObject({ x: [0.5], y: [0], z: [0.5] });
    });
  });

  test('functions get whole grids in float64, and are not recorded', () => {
    const seen: string[] = [];
    const look = (x: Tensor, y: Tensor) => {
      const sum = x.add(y);
      seen.push(`${x.dtype} ${x.shape} ${sum.requiresGrad}`);
      return sum;
    };
    contour(look, { x: [0, 1], y: [0, 1], points: 11 });
    expect(seen).toEqual(['float64 121 false']);
  });

  test('arrows point uphill, or downhill, and the steepest is the longest', () => {
    const bowl = (x: Tensor, y: Tensor) => x.square().add(y.square());
    for (const [direction, sign] of [
      ['ascent', 1],
      ['descent', -1],
    ] as const) {
      const figure = gradientField(bowl, { x: [-1, 1], y: [-1, 1], points: 5, arrows: 4, direction });
      const { x, y } = trace(figure, sign > 0 ? 'gradient' : 'negative gradient') as { x: number[]; y: number[] };
      const lengths: number[] = [];
      for (let i = 0; i < x.length; i += 6) {
        const [x0, y0, x1, y1] = [x[i], y[i], x[i + 1], y[i + 1]] as [number, number, number, number];
        // The gradient of the bowl points away from the origin.
        expect(sign * (Math.hypot(x1, y1) - Math.hypot(x0, y0))).toBeGreaterThan(0);
        expect(x0 * y1 - y0 * x1).toBeCloseTo(0, 12);
        lengths.push(Math.hypot(x1 - x0, y1 - y0));
      }
      expect(lengths).toHaveLength(16);
      expect(Math.max(...lengths)).toBeCloseTo(lengths[0] as number, 12);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(0.5);
    }
  });

  test('arrows of a function of numbers are those of the same function of tensors', () => {
    const options = { x: [-1, 2], y: [0, 1], points: 5, arrows: 5, field: true } as const;
    const arrows = (g: (x: Tensor, y: Tensor) => Tensor) =>
      (trace(contour(g, options), 'gradient') as { x: (number | null)[] }).x;
    const numbers = (
      trace(
        contour((x: number, y: number) => Math.sin(x) * y, options),
        'gradient',
      ) as { x: (number | null)[] }
    ).x;
    for (const [i, value] of arrows((x, y) => x.sin().mul(y)).entries())
      if (value === null) expect(numbers[i]).toBeNull();
      else expect(numbers[i]).toBeCloseTo(value, 7);
  });
});

describe('contour lines', () => {
  test('given levels lie where the function has them, and the scale names them', () => {
    const levels = [1, 10, 100];
    const { data } = contour((x: number) => x, { x: [0, 200], y: [0, 1], points: 201, levels });
    const [grid] = data as [{ z: number[][]; contours: object; colorbar: { ticktext: string[]; tickvals: number[] } }];
    const row = grid.z[0] as number[];
    expect([row[1], row[10], row[100]]).toEqual([0, 1, 2]);
    expect(row).toEqual(row.toSorted((a, b) => a - b));
    expect(grid.contours).toEqual({ start: 0, end: 2, size: 1 });
    expect(grid.colorbar).toMatchObject({ tickvals: [0, 1, 2], ticktext: ['1', '10', '100'] });
  });

  test('a log scale spaces levels by equal ratios above the lowest value', () => {
    const { data } = contour((x: number) => x - 3, { x: [0, 1000], y: [0, 1], levels: 7, scale: 'log' });
    const [grid] = data as [{ colorbar: { ticktext: string[] } }];
    const heights = grid.colorbar.ticktext.map((text) => Number(text) + 3);
    expect(heights).toHaveLength(7);
    for (const [i, height] of heights.entries())
      if (i > 0) expect(height / (heights[i - 1] as number)).toBeCloseTo(10 ** 0.5, 1);
  });

  test('levels must rise', () => {
    for (const levels of [[], [2, 1], [1, Number.NaN]])
      expect(() => contour(f, { ...plane, levels })).toThrow(/contour: levels are finite numbers in rising order/);
  });
});

describe('layout', () => {
  test('axes have names, the given ones or x, y and f(x, y)', () => {
    expect(contour(f, plane).layout).toMatchObject({
      xaxis: { title: { text: 'x' } },
      yaxis: { title: { text: 'y' } },
    });
    expect(contour(f, { ...plane, zLabel: 'loss' }).data[0]).toMatchObject({ colorbar: { title: { text: 'loss' } } });
    expect(surface(f, { ...plane, xLabel: 'w' }).layout.scene).toMatchObject({
      xaxis: { title: { text: 'w' } },
      zaxis: { title: { text: 'f(x, y)' } },
    });
  });

  test('units are equal on both axes unless the ranges are of different kinds', () => {
    expect(contour(f, plane).layout.yaxis).toMatchObject({ scaleanchor: 'x', scaleratio: 1 });
    expect(contour(f, { ...plane, x: [0, 1000] }).layout.yaxis).not.toHaveProperty('scaleanchor');
    expect(contour(f, { ...plane, equal: false }).layout.yaxis).not.toHaveProperty('scaleanchor');
  });

  test('a logarithmic z axis leaves gaps where there is no logarithm', () => {
    const figure = surface((x: number) => x, { x: [-1, 1], y: [0, 1], points: 3, logZ: true });
    expect(figure.data[0]).toMatchObject({
      z: [
        [null, null, 1],
        [null, null, 1],
        [null, null, 1],
      ],
    });
    expect(figure.layout.scene).toMatchObject({ zaxis: { type: 'log' } });
    expect(() => surface((x: number) => x, { x: [-2, -1], y: [0, 1], logZ: true })).toThrow(ArgumentError);
  });
});

describe('bad input', () => {
  const bad = (options: unknown) => () => contour(f, options as typeof plane);

  test('ranges', () => {
    expect(bad({ x: [1, 1], y: [0, 1] })).toThrow('contour: x is an empty range: it goes from 1 to 1');
    expect(bad({ x: [2, 1], y: [0, 1] })).toThrow(ArgumentError);
    expect(bad({ x: [0, Number.NaN], y: [0, 1] })).toThrow(ArgumentError);
    expect(bad({ x: [0, Number.POSITIVE_INFINITY], y: [0, 1] })).toThrow(ArgumentError);
    expect(bad({ x: [0, 1] })).toThrow(ArgumentError);
    expect(bad(undefined)).toThrow(ArgumentError);
  });

  test('options', () => {
    expect(bad({ ...plane, level: 3 })).toThrow(/level/);
    expect(bad({ ...plane, points: 1 })).toThrow(ArgumentError);
    expect(bad({ ...plane, points: 2.5 })).toThrow(ArgumentError);
    expect(bad({ ...plane, field: 'yes' })).toThrow(ArgumentError);
    expect(bad({ ...plane, title: 3 })).toThrow(ArgumentError);
    expect(bad({ ...plane, width: -1 })).toThrow(ArgumentError);
  });

  test('functions', () => {
    const draw = (g: unknown) => () => contour(g as typeof f, plane);
    expect(draw(3)).toThrow('contour: f is a function, got 3');
    expect(draw(undefined)).toThrow(ArgumentError);
    expect(draw(() => 'text')).toThrow(/contour: f returns a tensor or a number/);
    expect(draw(() => Number.NaN)).toThrow('contour: what f returns has no finite value');
    expect(draw((x: Tensor) => x.mul(Number.NaN))).toThrow(ArgumentError);
    expect(draw((x: Tensor) => x.narrow(0, 0, 2))).toThrow(ShapeError);
    expect(draw((x: Tensor) => x.matmul(x.unsqueeze(0).unsqueeze(0)))).toThrow(/matmul/);
    // A mistake of the user's own comes through as it is.
    expect(draw((x: Tensor) => (x as unknown as { nothing(): Tensor }).nothing())).toThrow(TypeError);
  });

  test('a value that is not finite is a gap', () => {
    const figure = contour((x: number, y: number) => Math.log(x) + y, { x: [-1, 1], y: [0, 1], points: 3 });
    expect(figure.data[0]?.z).toEqual([
      [null, null, 0],
      [null, null, 0.5],
      [null, null, 1],
    ]);
  });

  test('a constant function is flat, and has no arrows', () => {
    expect(surface(() => tensor(3), plane).data[0]).toMatchObject({
      z: [
        [3, 3, 3],
        [3, 3, 3],
        [3, 3, 3],
      ],
    });
    expect(() => gradientField((x) => x.detach(), plane)).toThrow(AutogradError);
    expect(() =>
      gradientField(
        tensor([
          [1, 2],
          [3, 4],
        ]),
        plane,
      ),
    ).toThrow(ArgumentError);
  });

  test('tensors, paths and marks of other shapes', () => {
    expect(() => contour(tensor([1, 2]), plane)).toThrow(ShapeError);
    expect(() => surface(tensor([[1, 2]]), plane)).toThrow(ShapeError);
    expect(() => contour(f, { ...plane, paths: { p: tensor([1, 2, 3]) } })).toThrow(/contour: paths.p is points/);
    expect(() => contour(f, { ...plane, paths: { p: [[1, 2, 3]] } })).toThrow(ShapeError);
    expect(() => contour(f, { ...plane, marks: { m: 3 as unknown as number[] } })).toThrow(ArgumentError);
    expect(() => contour(f, { ...plane, marks: { m: [Number.NaN, Number.NaN] } })).toThrow(ArgumentError);
    expect(() => contour(f, { ...plane, marks: { m: [] } })).toThrow(ArgumentError);
  });
});
