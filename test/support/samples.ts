/** Numbers for tests: reproducible, within an op's domain, and away from its kinks. */
import type { ElementwiseRow } from '../../src/ops/formula.ts';
import { table } from '../../src/ops/table.ts';

export const elementwiseRows = table.filter((row): row is ElementwiseRow => row.kind === 'elementwise');

/** A linear congruential generator (Knuth's MMIX constants): numbers in [0, 1). */
export function random(seed: number): () => number {
  let state = BigInt(seed) * 2654435761n + 1n;
  return () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number(state >> 32n) / 2 ** 32;
  };
}

/** Gradient checks stay this far from points without a derivative. */
const KINK_DISTANCE = 0.02;

/** `count` values for input number `input` of an op. */
export function samplesOf(row: ElementwiseRow, input: number, count: number, awayFromKinks = false): Float64Array {
  const ranges = row.domain.ranges;
  const [low, high] = (ranges[input] ?? ranges.at(-1)) as readonly [number, number];
  const next = random(input * 1000 + count + row.name.length);
  const kinks = awayFromKinks ? (row.domain.kinks ?? []) : [];
  return Float64Array.from({ length: count }, () => {
    for (let attempt = 0; attempt < 1000; attempt++) {
      const value = low + (high - low) * next();
      if (kinks.every((kink) => Math.abs(value - kink) > KINK_DISTANCE)) return value;
    }
    throw new Error(`${row.name}: no samples away from its kinks`);
  });
}

/** Values for an op's scalar params: the default, or something unremarkable. */
export const paramsOf = (row: ElementwiseRow): number[] =>
  Object.values(row.params ?? {}).map((value, i) => value ?? [0.4, 0.9][i] ?? 1);

const bits = new DataView(new ArrayBuffer(8));

/** Distance between neighbouring numbers at `value`, in the given precision. */
export function ulpAt(value: number, dtype: 'float32' | 'float64'): number {
  const size = Math.abs(value);
  if (dtype === 'float32') {
    if (size < 2 ** -126) return 2 ** -149;
    return 2 ** (Math.floor(Math.log2(size)) - 23);
  }
  if (size < 2 ** -1022) return 2 ** -1074;
  bits.setFloat64(0, size);
  bits.setBigInt64(0, bits.getBigInt64(0) + 1n);
  return bits.getFloat64(0) - size;
}
