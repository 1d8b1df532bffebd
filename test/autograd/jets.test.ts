/** Taylor mode gives what derivatives of derivatives give, for every op of the table. */
import * as ct from 'cotangent';
import { setBackend, type Tensor } from 'cotangent';
import { beforeEach, describe, expect, test } from 'vitest';
import { taylorCoefficients } from '../../src/autograd/jets.ts';
import { backends } from '../support/backends.ts';
import { elementwiseRows, paramsOf, samplesOf } from '../support/samples.ts';

/** By derivatives of derivatives along the line, one product with the Jacobian in another. */
function nested(f: (x: Tensor) => Tensor, x: Tensor, order: number): Tensor[] {
  const ones = ct.ones(x.shape, { dtype: 'float64' });
  let g = f;
  let factorial = 1;
  return Array.from({ length: order + 1 }, (_, n) => {
    const now = g;
    g = (v) => ct.jvp(now, v, ones)[1];
    factorial *= Math.max(n, 1);
    return now(x.detach()).detach().div(factorial);
  });
}

function expectAgreement(f: (x: Tensor) => Tensor, x: Tensor, order: number, name: string): void {
  const series = taylorCoefficients(f, x.detach(), order);
  if (series === null) throw new Error(`${name} has no rules`);
  const wanted = nested(f, x, order);
  for (const [k, c] of series.coefficients.entries()) {
    const [a, b] = [c.data() as Float64Array, (wanted[k] as Tensor).data() as Float64Array];
    expect(a.length).toBe(b.length);
    for (const [i, value] of a.entries()) {
      const other = b[i] as number;
      if (Object.is(value, other)) continue;
      expect(
        Math.abs(value - other),
        `${name}: coefficient ${k} at element ${i} is ${value}, by nesting ${other}`,
      ).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(other)));
    }
  }
}

describe.each(backends)('on the %s backend', (backend) => {
  beforeEach(() => {
    setBackend(backend);
  });

  test('every differentiable elementwise op, to the third order', () => {
    for (const row of elementwiseRows) {
      if (row.vjp === undefined || row.test) continue;
      const op = ct[row.name as 'add'] as unknown as (...args: unknown[]) => Tensor;
      const inputs = Array.from({ length: row.arity }, (_, k) => ct.fromArray(samplesOf(row, k, 6, true)));
      const [at, ...rest] = inputs as [Tensor, ...Tensor[]];
      const line = (x: Tensor) => op(x, ...rest, ...paramsOf(row));
      // A derivative that has none itself stops both.
      let derivable = true;
      try {
        nested(line, at, 3);
      } catch {
        derivable = false;
      }
      if (!derivable) {
        expect(taylorCoefficients(line, at, 3), row.name).toBeNull();
        continue;
      }
      expectAgreement(line, at, 3, row.name);
      if (row.arity > 1) {
        // All inputs move at once, each at a speed of its own.
        const all = (x: Tensor) => {
          const shift = x.sub(at);
          return op(x, ...rest.map((y, k) => y.add(shift.mul(0.3 * (k + 1)))), ...paramsOf(row));
        };
        expectAgreement(all, at, 3, `${row.name} along all inputs`);
      }
    }
  });

  test('ops that are linear where nothing else varies', () => {
    const x = ct.tensor([0.3, -0.7, 1.1, 0.2], { dtype: 'float64' });
    const w = ct.tensor([2, -1, 0.5, 3], { dtype: 'float64' });
    const f = (v: Tensor) => {
      const m = v.exp().reshape(2, 2).t();
      const parts = ct.cat([m.select(0, 0), m.select(0, 1)], 0).gather(0, ct.tensor([3, 2, 1, 0], { dtype: 'int64' }));
      return ct.where(v.gt(0), parts.sin(), v.mul(w)).add(parts.sum().expand(4)).mul(v.flip(0));
    };
    expectAgreement(f, x, 4, 'a mixture');
  });

  test('long compositions of high order', () => {
    const x = ct.tensor([0.3, 0.9], { dtype: 'float64' });
    expectAgreement((v) => v.sin().exp().div(v.square().add(1)).tanh().mul(v.log()), x, 5, 'a composition');
    const { coefficients } = taylorCoefficients(
      (v) => v.div(v.neg().add(1)),
      ct.zeros([1], { dtype: 'float64' }),
      30,
    ) as {
      coefficients: Tensor[];
    };
    expect(coefficients.map((c) => c.item())).toEqual([0, ...new Array<number>(30).fill(1)]);
  });

  test('coefficients can be differentiated', () => {
    const x = ct.tensor([0.4, 1.3], { dtype: 'float64', requiresGrad: true });
    const { coefficients } = taylorCoefficients((v) => v.sin(), x, 3) as { coefficients: Tensor[] };
    const [third] = ct.grad((coefficients[3] as Tensor).sum(), x) as [Tensor];
    const wanted = x.detach().sin().div(6).toArray() as number[];
    expect((third.toArray() as number[]).map((value, i) => Math.abs(value - (wanted[i] as number)) < 1e-15)).toEqual([
      true,
      true,
    ]);
  });

  test('what has no rule is said', () => {
    const x = ct.tensor([0.4, 1.3], { dtype: 'float64' });
    expect(taylorCoefficients((v) => v.softmax(0), x, 2)).toBeNull();
    expect(taylorCoefficients((v) => v.mul(2).add_(1), x, 2)).toBeNull();
    expect(taylorCoefficients((v) => v.detach().sin(), x, 2)?.varies).toBe(false);
    expect(taylorCoefficients((v) => ct.noGrad(() => v.sin()), x, 2)?.varies).toBe(false);
  });
});
