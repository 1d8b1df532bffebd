/** Sequences of characters and the characters that follow them: drawn at random to learn from, evenly spaced to measure with. */
import { fromArray } from '../ops/creation.ts';
import { randint } from '../random/create.ts';
import type { Generator } from '../random/generator.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Characters `[batch, context]` and the ones after each, int64. */
export interface Batch {
  inputs: Tensor;
  targets: Tensor;
}

/** The sequences that begin at `starts`. */
export function batchAt(data: Int32Array, starts: readonly number[], context: number): Batch {
  const rows = (shift: number) => {
    const out = new Int32Array(starts.length * context);
    for (const [row, start] of starts.entries())
      out.set(data.subarray(start + shift, start + shift + context), row * context);
    return fromArray(out, [starts.length, context], { dtype: 'int64' });
  };
  return { inputs: rows(0), targets: rows(1) };
}

/** Where the sequences of a random batch begin: the same on every backend for the same state of the generator. */
export function drawStarts(data: Int32Array, batch: number, context: number, generator: Generator): number[] {
  const drawn = randint(0, data.length - context, [batch], { generator });
  const starts = Array.from(drawn.data(), Number);
  drawn.dispose();
  return starts;
}

/** At most `count` starts that cover the data evenly, without overlap. */
export function evenStarts(data: Int32Array, count: number, context: number): number[] {
  const last = data.length - context - 1;
  const n = Math.min(count, Math.floor(last / context) + 1);
  return Array.from({ length: n }, (_, i) => (n === 1 ? 0 : Math.floor((i * last) / (n - 1))));
}
