/**
 * The tests that come with a row of the table: every elementwise op, on each backend, against the float64
 * reference, against the other backend, against finite differences to second order, and in every layout.
 */
import { describe, expect, test } from 'vitest';
import * as ops from '../../src/generated/elementwise.ts';
import * as ct from '../../src/index.ts';
import type { ElementwiseRow } from '../../src/ops/formula.ts';
import { reference } from '../generated/reference.ts';
import { backends } from '../support/backends.ts';
import { elementwiseRows, paramsOf, samplesOf, ulpAt } from '../support/samples.ts';

const SIZES = [1, 7, 17, 513];
/** A formula of two verbs: two roundings of at most 2⁻ᵖ relative, which is 2 ulp where the mantissa is almost 2. */
const DEFAULT_ULP = [2, 2] as const;

type Call = (...args: unknown[]) => ct.Tensor;
const functionOf = (name: string) => (ops as unknown as Record<string, Call>)[name] as Call;
const call = (row: ElementwiseRow, inputs: readonly (ct.Tensor | number)[]) =>
  functionOf(row.name)(...inputs, ...paramsOf(row));

function inputsOf(
  row: ElementwiseRow,
  dtype: ct.DType,
  count: number,
  backend: ct.BackendName,
  awayFromKinks = false,
): ct.Tensor[] {
  return Array.from({ length: row.arity }, (_, i) =>
    ct.tensor(samplesOf(row, i, count, awayFromKinks), { dtype, backend }),
  );
}

const referenceOf = (row: ElementwiseRow, inputs: readonly ct.Tensor[]): number[] => {
  const columns = inputs.map((x) => x.data());
  const f = reference[row.name] as (params: readonly number[], ...inputs: number[]) => number | boolean;
  return Array.from({ length: (inputs[0] as ct.Tensor).size }, (_, i) =>
    Number(f(paramsOf(row), ...columns.map((c) => Number(c[i])))),
  );
};

function expectWithinUlp(
  row: ElementwiseRow,
  dtype: 'float32' | 'float64',
  got: ct.Tensor,
  want: readonly number[],
  inputs: readonly ct.Tensor[],
): void {
  const budget = (row.ulp ?? DEFAULT_ULP)[dtype === 'float32' ? 0 : 1];
  const values = got.data();
  for (const [i, expected] of want.entries()) {
    const actual = Number(values[i]);
    if (actual === expected || (Number.isNaN(actual) && Number.isNaN(expected))) continue;
    const error = Math.abs(actual - expected) / ulpAt(expected, dtype);
    if (!(error <= budget)) {
      const args = inputs.map((x) => Number(x.data()[i])).join(', ');
      expect.fail(
        `${row.name}(${args}) = ${actual}, expected ${expected}: ${error.toFixed(1)} ulp of at most ${budget}`,
      );
    }
  }
}

describe.each(elementwiseRows.map((row) => [row.name, row] as const))('%s', (_, row) => {
  describe.each(backends)('on %s', (backend) => {
    test.each(['float32', 'float64'] as const)(
      '%s values are within the ulp budget of the float64 reference',
      (dtype) => {
        for (const size of SIZES) {
          const inputs = inputsOf(row, dtype, size, backend);
          const out = call(row, inputs);
          expect(out.dtype).toBe(row.test ? 'bool' : dtype);
          expectWithinUlp(row, dtype, out, referenceOf(row, inputs), inputs);
        }
      },
    );

    test('any layout gives the values of the contiguous one', () => {
      const flat = inputsOf(row, 'float64', 60, backend);
      const want = call(row, flat).data();
      const layouts: Record<string, (x: ct.Tensor) => ct.Tensor> = {
        permuted: (x) => x.reshape(3, 4, 5).permute(2, 0, 1).contiguous().permute(1, 2, 0),
        'offset and stepped': (x) => ct.stack([x, x], 1).reshape(120).slice(0, 1, null, 2).reshape(60),
        'a narrowed part': (x) => ct.cat([x.slice(0, 0, 7), x]).narrow(0, 7, 60),
      };
      for (const [name, layout] of Object.entries(layouts))
        expect(call(row, flat.map(layout)).reshape(60).data(), name).toEqual(want);
    });

    test('empty and 0-d tensors keep their shapes', () => {
      const empty = Array.from({ length: row.arity }, () => ct.zeros([0, 3], { dtype: 'float64', backend }));
      expect(call(row, empty).shape).toEqual([0, 3]);
      const flat = inputsOf(row, 'float64', 1, backend);
      const scalar = call(
        row,
        flat.map((x) => x.reshape([])),
      );
      expect(scalar.shape).toEqual([]);
      expect(scalar.data()).toEqual(call(row, flat).data());
    });

    if (row.arity > 1)
      test('operands broadcast, and plain numbers count as 0-d', () => {
        const [x, ...rest] = inputsOf(row, 'float64', 6, backend) as [ct.Tensor, ...ct.Tensor[]];
        const columns = rest.map((y) => y.slice(0, 0, 3).reshape(3, 1));
        const wide = call(row, [x, ...columns]);
        expect(wide.shape).toEqual([3, 6]);
        for (let i = 0; i < 3; i++) {
          const one = call(row, [x, ...columns.map((y) => y.select(0, i).item())]);
          expect(wide.select(0, i).data(), `row ${i}`).toEqual(one.data());
        }
      });

    if (row.inPlace !== false && !row.test)
      test('the in-place form gives the same values and bumps the version', () => {
        const inputs = inputsOf(row, 'float64', 33, backend);
        const want = call(row, inputs).data();
        const target = (inputs[0] as ct.Tensor).clone();
        const version = target.version;
        functionOf(`${row.name}_`)(target, ...inputs.slice(1), ...paramsOf(row));
        expect(target.data()).toEqual(want);
        expect(target.version).toBeGreaterThan(version);
      });

    if (row.vjp !== undefined && row.vjp !== 'zero')
      test('gradients agree with finite differences, to second order', () => {
        const inputs = inputsOf(row, 'float64', 6, backend, true).map((x, i) =>
          (i === 0 ? x.reshape(2, 3) : x.slice(0, 0, 3)).clone().requiresGrad_(),
        );
        const f = (...xs: ct.Tensor[]) => call(row, xs);
        expect(ct.gradcheck(f, inputs)).toBe(true);
        expect(ct.gradgradcheck(f, inputs)).toBe(true);
      });

    if (row.dtypes !== 'float')
      test.each(['int32', 'int64', 'uint8'] as const)('%s values match the reference', (dtype) => {
        const spread = Array.from({ length: row.arity }, (_, i) =>
          ct.tensor(
            Float64Array.from(
              { length: 40 },
              (_, n) => ((n * (7 + 4 * i)) % 13) + (i > 0 || dtype === 'uint8' ? 1 : -6),
            ),
            { dtype, backend },
          ),
        );
        // Integers take whole numbers as params.
        const params = Object.entries(row.params ?? {}).map(([name, value], i) => [name, value ?? i + 1] as const);
        const whole: ElementwiseRow = params.length === 0 ? row : { ...row, params: Object.fromEntries(params) };
        const got = call(whole, spread);
        expect(got.dtype).toBe(row.test ? 'bool' : dtype);
        const want = referenceOf(whole, spread).map((value) =>
          dtype === 'uint8' && !row.test ? ((Math.trunc(value) % 256) + 256) % 256 : Math.trunc(value) + 0,
        );
        expect(Array.from(got.data() as Iterable<number | bigint>, Number)).toEqual(want);
      });

    test('junk is refused with an error that names the op', () => {
      for (const junk of ['x', null, {}, Symbol('s')]) {
        const inputs: unknown[] = Array.from({ length: row.arity }, () => ct.ones([2], { backend }));
        inputs[row.arity - 1] = junk;
        expect(() => functionOf(row.name)(...inputs, ...paramsOf(row))).toThrow(ct.CotangentError);
        expect(() => functionOf(row.name)(...inputs, ...paramsOf(row))).toThrow(new RegExp(`^${row.name}`));
      }
    });
  });

  if (backends.length === 2)
    test.each(['float32', 'float64'] as const)('native and WASM agree in %s', (dtype) => {
      const budget = 2 * (row.ulp ?? DEFAULT_ULP)[dtype === 'float32' ? 0 : 1];
      const [native, wasm] = backends.map((backend) => call(row, inputsOf(row, dtype, 257, backend)).data()) as [
        Float64Array,
        Float64Array,
      ];
      for (let i = 0; i < native.length; i++) {
        const [a, b] = [Number(native[i]), Number(wasm[i])];
        if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
        expect(Math.abs(a - b) / ulpAt(a, dtype), `element ${i}: ${a} and ${b}`).toBeLessThanOrEqual(budget);
      }
    });
});
