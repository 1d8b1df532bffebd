/**
 * Where digits used to be lost: remainders of large quotients, slopes at large arguments, the tails of the normal distribution,
 * variances of data far from zero. `digits.test.ts` has the formulas of the table in float64, `npm run bench -- accuracy`
 * measures every kernel.
 */
import { describe, expect, test } from 'vitest';
import * as ct from '../../src/index.ts';
import { ulps } from '../reference/evaluate.ts';
import * as reference from '../reference/verbs.ts';
import { backends } from '../support/backends.ts';
import { random } from '../support/samples.ts';

type Float = 'float32' | 'float64';
const FLOATS: readonly Float[] = ['float32', 'float64'];
const bitsOf = (dtype: Float) => (dtype === 'float32' ? 32 : 64);
const roundTo = (dtype: Float) => (dtype === 'float32' ? Math.fround : (x: number) => x);

/** Finite numbers of all magnitudes, from random bits. */
function numbersOf(dtype: Float, count: number, seed: number): number[] {
  const next = random(seed);
  const view = new DataView(new ArrayBuffer(8));
  return Array.from({ length: count }, () => {
    for (;;) {
      view.setUint32(0, next() * 2 ** 32);
      view.setUint32(4, next() * 2 ** 32);
      const x = dtype === 'float32' ? view.getFloat32(0) : view.getFloat64(0);
      if (Number.isFinite(x)) return x;
    }
  });
}

/** What C's fmod, Python's % and PyTorch's floor_divide are for numbers; JavaScript's % is exact. */
const fmod = (x: number, y: number) => x % y;
const remainder = (x: number, y: number, round: (v: number) => number) => {
  const m = x % y;
  return m !== 0 && m < 0 !== y < 0 ? round(m + y) : m;
};
function floorDivide(x: number, y: number, round: (v: number) => number): number {
  if (y === 0) return round(x / y);
  const m = x % y;
  const quotient = round(round(x - m) / y);
  const lower = m !== 0 && m < 0 !== y < 0 ? round(quotient - 1) : quotient;
  return lower === 0 ? reference.copysign(0, round(x / y)) : reference.rint(lower);
}

describe.each(backends)('on %s', (backend) => {
  describe.each(FLOATS)('%s', (dtype) => {
    const round = roundTo(dtype);
    const check = (dividends: readonly number[], divisors: readonly number[]) => {
      const [x, y] = [ct.tensor(dividends, { dtype, backend }), ct.tensor(divisors, { dtype, backend })];
      const divide = (a: ct.Tensor, b: ct.Tensor) => [a.fmod(b), a.remainder(b), a.floorDivide(b)];
      const compiled = ct.compile(divide);
      for (const results of [divide(x, y), compiled(x, y)]) {
        const [f, r, q] = results.map((t) => t.data()) as [Float64Array, Float64Array, Float64Array];
        for (const [i, a] of dividends.entries()) {
          const b = divisors[i] as number;
          expect(f[i], `fmod(${a}, ${b})`).toBe(fmod(a, b));
          expect(r[i], `remainder(${a}, ${b})`).toBe(remainder(a, b, round));
          expect(q[i], `floorDivide(${a}, ${b})`).toBe(floorDivide(a, b, round));
        }
      }
      compiled.dispose();
    };

    test('remainders are exact, however large the quotient', () => {
      check(numbersOf(dtype, 4001, 1), numbersOf(dtype, 4001, 2));
    });

    test('so they are where quotients cease to be numbers of the precision', () => {
      const last = dtype === 'float32' ? 2 ** 24 : 2 ** 53;
      const quotients = [last / 2 - 1, last - 1, last, last + 2, 2 * last + 4, 3 * last, last * 2 ** 20];
      for (const y of [3, -3, 0.7, 1, 1e-30, -7e20].map(round))
        check(
          [...quotients, ...quotients.map((q) => -q)].map((q) => round(q * y)),
          quotients.flatMap(() => [y, y]),
        );
    });

    test('zeros, infinities and NaN', () => {
      const values = [0, -0, 1, -1, 5e-324, 3e38, -3e38, Infinity, -Infinity, NaN].map(round);
      check(
        values.flatMap((x) => values.map(() => x)),
        values.flatMap(() => values),
      );
    });

    const slope = (f: (x: ct.Tensor) => ct.Tensor, points: readonly number[]) => {
      const x = ct.tensor(points, { dtype, backend, requiresGrad: true });
      f(x).sum().backward();
      return (x.grad as ct.Tensor).data();
    };
    const expectClose = (
      got: ArrayLike<number | bigint>,
      want: readonly number[],
      points: readonly number[],
      ulp: number,
    ) => {
      for (const [i, expected] of want.entries()) {
        const error = ulps(Number(got[i]), expected, bitsOf(dtype));
        if (!(error <= ulp)) expect.fail(`at ${points[i]}: ${got[i]} instead of ${expected}, ${error.toFixed(1)} ulp`);
      }
    };
    // sech²(x) and the slope of the logistic function, from the small exponential.
    const sech2 = (x: number) => {
      const e = Math.exp(-2 * Math.abs(x));
      return (4 * e) / (1 + e) ** 2;
    };
    const logistic = (x: number) => sech2(x / 2) / 4;
    const ELU_ALPHA = 1.6732632423543772,
      ELU_SCALE = 1.0507009873554805;
    const LOW = [-0.3, -3.1, -9, -15, -17.5, -30, -43.2, -80.3].map(Math.fround);
    const BOTH = [...LOW, ...LOW.map((x) => -x)];
    const FAR = [1.5, 3e5, 2e19, 1e30, 3e38].map(Math.fround);
    test.each<[string, (x: ct.Tensor) => ct.Tensor, (x: number) => number, readonly number[]]>([
      ['elu', (x) => ct.elu(x), Math.exp, LOW],
      ['elu with alpha', (x) => ct.elu(x, 0.75), (x) => 0.75 * Math.exp(x), LOW],
      ['selu', (x) => ct.selu(x), (x) => ELU_ALPHA * ELU_SCALE * Math.exp(x), LOW],
      ['celu with alpha', (x) => ct.celu(x, 2), (x) => Math.exp(x / 2), LOW],
      ['expm1', (x) => x.expm1(), Math.exp, BOTH],
      ['sigmoid', (x) => x.sigmoid(), logistic, BOTH],
      ['tanh', (x) => x.tanh(), sech2, BOTH.filter((x) => Math.abs(x) < 40)],
      ['sinh', (x) => x.sinh(), Math.cosh, BOTH],
      ['cosh', (x) => x.cosh(), Math.sinh, BOTH],
      ['asinh', (x) => x.asinh(), (x) => 1 / Math.hypot(x, 1), [...FAR, ...FAR.map((x) => -x)]],
      ['acosh', (x) => x.acosh(), (x) => 1 / (Math.sqrt(x - 1) * Math.sqrt(x + 1)), FAR],
      ['erf', (x) => x.erf(), (x) => 1.1283791670955126 * reference.gaussian(x) ** 2, [0.5, 3, -6, 9].map(Math.fround)],
      [
        'sinc',
        (x) => ct.sinc(x),
        (x) => (Math.cos(Math.PI * x) * Math.PI * x - Math.sin(Math.PI * x)) / (Math.PI * x * x),
        [0.24, 0.26, -0.5, 0.3],
      ],
    ])('the slope of %s keeps its digits', (_, f, want, points) => {
      const rounded = points.map(round);
      expectClose(slope(f, rounded), rounded.map(want), rounded, 8);
    });

    test('second derivatives are those of the function, at zero too', () => {
      const at = (f: (x: ct.Tensor) => ct.Tensor, x: number): number[] => {
        const out: number[] = [];
        const input = ct.tensor([x], { dtype, backend, requiresGrad: true });
        let y = f(input);
        for (let order = 0; order < 3; order++) {
          y = (ct.grad(y.sum(), [input], { createGraph: true }) as ct.Tensor[])[0] as ct.Tensor;
          out.push(y.item());
        }
        return out;
      };
      const close = (got: number[], want: number[]) => {
        for (const [i, v] of want.entries()) expect(got[i]).toBeCloseTo(v, 5);
      };
      close(
        at((x) => x.tanh(), 0),
        [1, 0, -2],
      );
      close(
        at((x) => x.sigmoid(), 0),
        [0.25, 0, -0.125],
      );
      close(
        at((x) => x.asinh(), 0),
        [1, 0, -1],
      );
      close(
        at((x) => x.erf(), 0),
        [1.1283791670955126, 0, -2.256758334191],
      );
      close(
        at((x) => ct.gelu(x), 0),
        [0.5, 0.7978845608028654, 0],
      );
      close(
        at((x) => ct.elu(x), -1),
        [Math.exp(-1), Math.exp(-1), Math.exp(-1)],
      );
      close(
        at((x) => x.tanh(), 95),
        [0, 0, 0],
      );
      close(
        at((x) => ct.elu(x), 800),
        [1, 0, 0],
      );
      close(
        at((x) => ct.gelu(x), 50),
        [1, 0, 0],
      );
    });

    test('gelu and its slope keep their digits in the tail', () => {
      const points = [-1, -3, -4.9, -5, -5.1, -6.25, -8, -10, -12.5].map(round);
      const x = ct.tensor(points, { dtype, backend, requiresGrad: true });
      const y = ct.gelu(x);
      expectClose(
        y.data(),
        points.map((v) => v * reference.ndtr(v)),
        points,
        9,
      );
      y.sum().backward();
      const slopes = points.map((v) => reference.ndtr(v) + (v * reference.gaussian(v)) / Math.sqrt(2 * Math.PI));
      expectClose((x.grad as ct.Tensor).data(), slopes, points, 12);
    });

    test('variances of data far from zero', () => {
      // An offset that the mean cannot express: it is rounded by a large part of the deviations.
      const offset = dtype === 'float32' ? 2 ** 23 : 2 ** 52;
      for (const data of [
        [0, 0, 1],
        [0, 1, 1, 3, 0],
        [5, 5, 5, 6],
        [2, 2, 2, 2, 2, 2, 2],
      ]) {
        const x = ct.tensor(
          data.map((d) => offset + d),
          { dtype, backend },
        );
        const mean = data.reduce((a, b) => a + b) / data.length;
        const squares = data.reduce((sum, d) => sum + (d - mean) ** 2, 0);
        const digits = dtype === 'float32' ? 6 : 12;
        expect(ct.var(x).item()).toBeCloseTo(squares / (data.length - 1), digits);
        expect(ct.std(x, 0, { correction: 0 }).item()).toBeCloseTo(Math.sqrt(squares / data.length), digits);
        const want = data.map((d) => (d - mean) / Math.sqrt(squares / data.length + 1e-5));
        const normals = [
          ct.layerNorm(x, data.length).data(),
          ct.batchNorm(x.reshape(-1, 1), null, null, { training: true }).reshape(-1).data(),
          ct
            .batchNorm(x.reshape(1, 1, -1), null, null, { training: true })
            .reshape(-1)
            .data(),
        ];
        for (const normal of normals) for (const [i, v] of want.entries()) expect(normal[i]).toBeCloseTo(v, digits - 1);
      }
    });

    test('the variance of equal numbers is zero, never less', () => {
      for (const value of [0.1, 1e10 / 3, -7e-12]) {
        const x = ct.full([3, 1000], round(value), { dtype, backend });
        for (const v of ct.var(x, 1).data()) expect(v).toBeGreaterThanOrEqual(0);
        for (const v of ct.std(x, 0).data()) expect(v).toBe(0);
        for (const y of [
          ct.layerNorm(x, 1000, { eps: 1e-30 }),
          ct.batchNorm(x, null, null, { training: true, eps: 1e-30 }),
        ])
          expect(y.isnan().any().item()).toBe(0);
      }
    });
  });

  test('no step of a float32 lets erf fall, erfc rise', () => {
    const between = (low: number, high: number) => {
      const [from, to] = [...new Uint32Array(Float32Array.of(low, high).buffer)] as [number, number];
      return new Float32Array(Uint32Array.from({ length: to - from + 1 }, (_, i) => from + i).buffer);
    };
    const sweep = between(3, 4);
    const rising = ct.tensor(sweep, { backend }).erf().data();
    const falling = ct.tensor(sweep, { backend }).erfc().data();
    let wrong = 0;
    for (let i = 1; i < sweep.length; i++)
      if (
        !((rising[i] as number) >= (rising[i - 1] as number)) ||
        !((falling[i] as number) <= (falling[i - 1] as number))
      )
        wrong++;
    expect(wrong).toBe(0);
  });

  test('float32 erf and erfc are within 2 and 4 ulp', () => {
    const points = new Float32Array(Array.from({ length: 60_000 }, (_, i) => -5 + (i * 15) / 60_000));
    const [erf, erfc] = [ct.tensor(points, { backend }).erf().data(), ct.tensor(points, { backend }).erfc().data()];
    let [worst, complement] = [0, 0];
    for (const [i, x] of points.entries()) {
      worst = Math.max(worst, ulps(Number(erf[i]), reference.erf(x), 32));
      complement = Math.max(complement, ulps(Number(erfc[i]), reference.erfc(x), 32));
    }
    expect(worst).toBeLessThan(2);
    expect(complement).toBeLessThan(4);
  });
});
