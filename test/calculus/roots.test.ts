/** Roots, stationary points and the shape of curves. */
import { ArgumentError, setBackend, type Tensor } from 'cotangent';
import { convexity, findRoots, monotonicity, stationaryPoints } from 'cotangent/calculus';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

const PI = Math.PI;
type Curve = (x: Tensor) => Tensor;

/** ∏ (x − r). */
const product =
  (roots: readonly number[]): Curve =>
  (x) =>
    roots.slice(1).reduce((y, r) => y.mul(x.sub(r)), x.sub(roots[0] as number));
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

const cases: [name: string, f: Curve, range: [number, number], roots: number[]][] = [
  ['sin', (x) => x.sin(), [0, 10], [0, PI, 2 * PI, 3 * PI]],
  ['sin, up to a root', (x) => x.sin(), [0, PI], [0, PI]],
  ['x² − 2', (x) => x.square().sub(2), [0, 2], [Math.SQRT2]],
  ['cos x − x', (x) => x.cos().sub(x), [0, 1], [0.7390851332151607]],
  ['x⁵ − x', (x) => x.pow(5).sub(x), [-2, 2], [-1, 0, 1]],
  ['a double root', (x) => x.sub(1).square(), [-3, 3], [1]],
  ['a double root multiplied out', (x) => x.square().sub(x.mul(2)).add(1), [-3, 3], [1]],
  ['a double root at 0', (x) => x.square(), [-1, 1.1], [0]],
  ['a triple root', (x) => x.sub(1).pow(3), [-3, 3.3], [1]],
  ['a quadruple root', (x) => x.sub(0.3).square().square(), [-3, 3.3], [0.3]],
  ['sin²', (x) => x.sin().square(), [1, 7], [PI, 2 * PI]],
  ['1 − cos', (x) => x.cos().neg().add(1), [-1, 8], [0, 2 * PI]],
  ['x sin x', (x) => x.mul(x.sin()), [-1, 4], [0, PI]],
  ['|x − 0.7|', (x) => x.sub(0.7).abs(), [-1, 1.1], [0.7]],
  ['a pair 1e-6 apart', product([1, 1.000001]), [-3, 3.3], [1, 1.000001]],
  ['a pair 1e-9 apart', product([1, 1 + 1e-9]), [-3, 3.3], [1, 1 + 1e-9]],
  ['three 1e-6 apart', product([1, 1.000001, 1.000002]), [-3, 3.3], [1, 1.000001, 1.000002]],
  ['a polynomial of degree 20', product(upTo(20)), [0.5, 20.5], upTo(20)],
  [
    'sin(1/x)',
    (x) => x.reciprocal().sin(),
    [0.001, 1],
    upTo(318)
      .map((k) => 1 / (k * PI))
      .reverse(),
  ],
  ['sin 100x', (x) => x.mul(100).sin(), [0.01, 30], upTo(954).map((k) => (k * PI) / 100)],
  ['∛x', (x) => x.sign().mul(x.abs().pow(1 / 3)), [-1, 1.1], [0]],
  ['tan, with poles', (x) => x.tan(), [-2, 5], [0, PI]],
  ['1/x', (x) => x.reciprocal(), [-1, 1.1], []],
  ['a jump', (x) => x.floor().sub(0.5), [-1, 1.1], []],
  ['x² + 1e-10, which only comes near', (x) => x.square().add(1e-10), [-1, 1.1], []],
];

describe.each(backends)('on the %s backend', (backend) => {
  beforeEach(() => setBackend(backend));

  test.each(cases)('roots of %s', (_, f, range, expected) => {
    const found = findRoots(f, range);
    expect(found.length).toBe(expected.length);
    found.forEach((root, i) => {
      const exact = expected[i] as number;
      expect(Math.abs(root - exact)).toBeLessThanOrEqual(1e-14 * Math.max(1, Math.abs(exact)));
    });
  });
});

test('roots of a function that is blurred by rounding are as good as it is', () => {
  const cubic = (x: Tensor) => x.pow(3).sub(x.square().mul(3)).add(x.mul(3)).sub(1);
  const [root] = findRoots(cubic, [-3, 3.1]);
  expect(Math.abs((root as number) - 1)).toBeLessThan(2e-5);
});

test('a function that is zero throughout an interval has no list of roots', () => {
  expect(() => findRoots((x) => x.relu(), [-1, 1])).toThrow(ArgumentError);
  expect(() => findRoots((x) => x.relu(), [-1, 1])).toThrow(/findRoots: the function is zero throughout \[-1, /);
  expect(() => findRoots((x) => x.log(), [-1, 1])).toThrow(/NaN at -1/);
});

const quartic = (x: Tensor) => x.pow(4).mul(3).sub(x.pow(3).mul(4)).sub(x.square().mul(12)).add(32);

describe('stationary points', () => {
  const list = (points: ReturnType<typeof stationaryPoints>) =>
    points.map(({ point, value, kind }) => ({ at: Array.from(point.data() as Float64Array), value, kind }));

  test('of one variable, in order', () => {
    const found = stationaryPoints(quartic, [-3, 4]);
    expect(found.map(({ kind }) => kind)).toEqual(['minimum', 'maximum', 'minimum']);
    found.forEach(({ point, value, eigenvalues }, i) => {
      expect(point.item()).toBeCloseTo([-1, 0, 2][i] as number, 14);
      expect(value).toBeCloseTo([27, 32, 0][i] as number, 12);
      expect(eigenvalues[0]).toBeCloseTo([36, -24, 72][i] as number, 11);
    });
    expect(stationaryPoints((x) => x.pow(4), [-1, 1.1]).map(({ kind }) => kind)).toEqual(['degenerate']);
    expect(stationaryPoints((x) => x.pow(3), [-1, 1.1]).map(({ kind }) => kind)).toEqual(['degenerate']);
    expect(stationaryPoints((x) => x.exp(), [-1, 1])).toEqual([]);
    expect(() => stationaryPoints((x) => x.relu(), [-1, 1])).toThrow(/constant throughout/);
  });

  test('all nine of Himmelblau’s function', () => {
    const f = (x: Tensor, y: Tensor) => x.square().add(y).sub(11).square().add(x.add(y.square()).sub(7).square());
    const found = list(
      stationaryPoints(f, [
        [-6, 6],
        [-6, 6],
      ]),
    );
    const kinds = found.map(({ kind }) => kind);
    expect(kinds).toEqual([...new Array(4).fill('minimum'), ...new Array(4).fill('saddle'), 'maximum']);
    const wanted = [
      [3, 2],
      [-2.805118086952745, 3.131312518250573],
      [-3.779310253377747, -3.28318599128617],
      [3.584428340330492, -1.848126526964404],
    ];
    for (const [x, y] of wanted as [number, number][])
      expect(found.some(({ at }) => Math.hypot((at[0] as number) - x, (at[1] as number) - y) < 1e-12)).toBe(true);
    expect(found.at(-1)?.value).toBeCloseTo(181.61652152258, 9);
  });

  test('of three variables, and as a vector', () => {
    const f = (x: Tensor, y: Tensor, z: Tensor) => x.square().add(y.square()).add(z.square()).sub(x.mul(y).mul(z));
    const found = list(
      stationaryPoints(f, [
        [-3, 3],
        [-3, 3],
        [-3, 3],
      ]),
    );
    expect(found.map(({ kind }) => kind)).toEqual(['minimum', 'saddle', 'saddle', 'saddle', 'saddle']);
    const vector = stationaryPoints(
      (v) => v.square().sum(),
      [
        [-1, 1],
        [-1, 2],
      ],
      { vector: true },
    );
    expect(vector.map(({ kind }) => kind)).toEqual(['minimum']);
  });

  test('a monkey saddle is degenerate; a plane has none', () => {
    const monkey = (x: Tensor, y: Tensor) => x.pow(3).sub(x.mul(y.square()).mul(3));
    expect(
      list(
        stationaryPoints(monkey, [
          [-1, 1.3],
          [-1, 1.5],
        ]),
      ).map(({ kind }) => kind),
    ).toEqual(['degenerate']);
    expect(
      stationaryPoints(
        (x, y) => x.add(y as Tensor),
        [
          [-1, 1],
          [-1, 1],
        ],
      ),
    ).toEqual([]);
  });
});

describe('monotonicity', () => {
  const shape = (f: Curve, range: [number, number]) =>
    monotonicity(f, range).map(({ from, to, kind }) => [Number(from.toFixed(12)), Number(to.toFixed(12)), kind]);
  test.each<[string, Curve, [number, number], unknown[]]>([
    [
      'a quartic',
      quartic,
      [-3, 4],
      [
        [-3, -1, 'falling'],
        [-1, 0, 'rising'],
        [0, 2, 'falling'],
        [2, 4, 'rising'],
      ],
    ],
    ['x³, past its flat point', (x) => x.pow(3), [-1, 1.5], [[-1, 1.5, 'rising']]],
    [
      'relu',
      (x) => x.relu(),
      [-1, 1.5],
      [
        [-1, 0, 'constant'],
        [0, 1.5, 'rising'],
      ],
    ],
    [
      '1/x, on both sides of its pole',
      (x) => x.reciprocal(),
      [-1, 1.5],
      [
        [-1, 0, 'falling'],
        [0, 1.5, 'falling'],
      ],
    ],
    [
      'tan',
      (x) => x.tan(),
      [-2, 3],
      [
        [-2, -1.570796326795, 'rising'],
        [-1.570796326795, 1.570796326795, 'rising'],
        [1.570796326795, 3, 'rising'],
      ],
    ],
  ])('of %s', (_, f, range, expected) => {
    expect(shape(f, range)).toEqual(expected);
  });
});

describe('convexity', () => {
  test.each<[string, Curve, [number, number], string, number[]]>([
    ['x³ − 2x² + 2', (x) => x.pow(3).sub(x.square().mul(2)).add(2), [0, 2], 'neither', [2 / 3]],
    ['eˣ', (x) => x.exp(), [-1, 2], 'convex', []],
    ['ln', (x) => x.log(), [0.1, 2], 'concave', []],
    ['x⁴, past its flat point', (x) => x.pow(4), [-1, 2], 'convex', []],
    ['2x + 1', (x) => x.mul(2).add(1), [-1, 2], 'linear', []],
    ['|x|, which bends only in one point', (x) => x.abs(), [-1, 2], 'convex', []],
    ['sin', (x) => x.sin(), [1, 7], 'neither', [PI, 2 * PI]],
  ])('of %s', (_, f, range, kind, inflections) => {
    const found = convexity(f, range);
    expect(found.kind).toBe(kind);
    expect(found.inflections.length).toBe(inflections.length);
    found.inflections.forEach((x, i) => {
      expect(x).toBeCloseTo(inflections[i] as number, 13);
    });
  });
});
