/**
 * The largest error of every elementwise float32 kernel and of its derivatives on one backend, in units in the last place. The
 * reference is the float64 kernel of the same op, which `test/ops/digits.test.ts` holds against three hundred digits. Run as a
 * program (`bench/accuracy.bench.ts` does, once per instruction set) it prints them as JSON:
 *
 *     tsx bench/accuracy/errors.ts BACKEND STEP
 */
import { pathToFileURL } from 'node:url';
import * as ct from 'cotangent';
import type { ElementwiseRow } from '../../src/ops/formula.ts';
import { SLOPE_FLOORS } from '../../test/reference/points.ts';
import { elementwiseRows, paramsOf } from '../../test/support/samples.ts';

/** What was found: the op, or `op′` for a derivative, with the number of the input where there are several. */
export interface Found {
  name: string;
  ulp: number;
  /** The inputs with the largest error. */
  at: number[];
}

/** Of float32 numbers of one input every STEP-th is tried, in the order of their bits. */
export const STEP = 4093;
const CHUNK = 1 << 20;

/** Columns of inputs: for one input float32 by their bits, for more of them random bits and numbers of moderate size. */
function* samples(arity: number, step: number): Generator<Float32Array[]> {
  const total = Math.floor(2 ** 32 / step);
  for (let start = 0; start < total; start += CHUNK) {
    const count = Math.min(CHUNK, total - start);
    if (arity === 1) {
      const words = Uint32Array.from({ length: count }, (_, i) => (start + i) * step);
      yield [new Float32Array(words.buffer)];
      continue;
    }
    // Weyl sequences with multipliers of their own, mixed (Steele et al., "Fast splittable pseudorandom number generators", 2014).
    yield Array.from({ length: arity }, (_, k) => {
      const words = Uint32Array.from({ length: count }, (_, i) => {
        let word = Math.imul(start + i + 1, [0x9e3779b9, 0x85ebca6b, 0xc2b2ae35][k] as number);
        word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
        word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
        return word ^ (word >>> 15);
      });
      const any = new Float32Array(words.buffer);
      // Every other point is moderate, as most numbers of random bits are too far apart to interact.
      return any.map((x, i) => (i % 2 ? x : ((words[i] as number) / 2 ** 31 - 1) * 30));
    });
  }
}

const word = new Float32Array(1);
const bits = new Int32Array(word.buffer);
const LAST = Float64Array.from({ length: 255 }, (_, field) => 2 ** (Math.max(field, 1) - 150));
const LARGEST = 3.4028234663852886e38;

/** The distance of `got` from `want` in units of the last place of the latter, or of `floor`, if that is greater. */
function errorOf(got: number, want: number, floor: number): number {
  if (got === want) return 0;
  if (Number.isNaN(want) || Number.isNaN(got)) return Number.isNaN(want) && Number.isNaN(got) ? 0 : Infinity;
  if (Math.abs(want) > LARGEST) return Math.abs(got) === Infinity && got > 0 === want > 0 ? 0 : Infinity;
  word[0] = Math.max(Math.abs(want), floor);
  const field = (bits[0] as number) >>> 23;
  if (field > 254) return Math.abs(got) === Infinity || Math.abs(got) === LARGEST ? 1 : Infinity;
  return Math.abs(got - want) / (LAST[field] as number);
}

class Worst {
  readonly found: Found;
  readonly #floor: number;
  constructor(name: string, floor: number) {
    this.found = { name, ulp: 0, at: [] };
    this.#floor = floor;
  }
  take(got: Float32Array, want: Float64Array, columns: readonly Float32Array[]): void {
    for (let i = 0; i < got.length; i++) {
      const error = errorOf(got[i] as number, want[i] as number, this.#floor);
      if (error > this.found.ulp) {
        this.found.ulp = error;
        this.found.at = columns.map((column) => column[i] as number);
      }
    }
  }
}

type Call = (...args: unknown[]) => ct.Tensor;

/** Value and derivatives of one op in one precision. */
function evaluate(
  row: ElementwiseRow,
  columns: readonly Float32Array[],
  dtype: 'float32' | 'float64',
  slopes: boolean,
) {
  return ct.scope(() => {
    const inputs = columns.map((column) => ct.tensor(column, { dtype }).requiresGrad_(slopes));
    const out = ((ct as unknown as Record<string, Call>)[row.name] as Call)(...inputs, ...paramsOf(row));
    if (slopes) out.backward(ct.ones([out.size], { dtype }));
    const results = [out, ...(slopes ? inputs.map((x) => x.grad as ct.Tensor) : [])].map((t) => t.data());
    for (const x of inputs) x.grad = null;
    return results;
  });
}

export function measureErrors(backend: ct.BackendName, step: number): Found[] {
  ct.setBackend(backend);
  return elementwiseRows
    .filter((row) => !row.test)
    .flatMap((row) => {
      const slopes = row.vjp !== undefined && row.vjp !== 'zero';
      const names = [
        row.name,
        ...(slopes ? Array.from({ length: row.arity }, (_, i) => `${row.name}′${row.arity > 1 ? i : ''}`) : []),
      ];
      const worst = names.map((name, i) => new Worst(name, i > 0 ? (SLOPE_FLOORS[row.name] ?? 0) : 0));
      for (const columns of samples(row.arity, step)) {
        const [got, want] = [evaluate(row, columns, 'float32', slopes), evaluate(row, columns, 'float64', slopes)];
        for (const [i, each] of worst.entries()) each.take(got[i] as Float32Array, want[i] as Float64Array, columns);
      }
      return worst.map(({ found }) => found);
    });
}

if (import.meta.url === pathToFileURL(process.argv[1] as string).href) {
  const [backend, step] = process.argv.slice(2) as [ct.BackendName, string];
  // JSON has no infinity.
  process.stdout.write(
    JSON.stringify(measureErrors(backend, Number(step)), (_, value) => (Object.is(value, Infinity) ? 'inf' : value)),
  );
}
