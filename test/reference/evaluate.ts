/** Runs formula text on any set of verbs: the reference ones, or lanes that round to float32. */
import { MATH } from '../../src/ops/math.ts';
import * as verbs from './verbs.ts';

type Verb = (...values: never[]) => unknown;
type Scalar = (...values: number[]) => number;
export type Verbs = Readonly<Record<string, Verb>>;

/** A formula as a function of its named values; masks come out as 0 and 1. */
export function evaluator(text: string, args: readonly string[], by: Verbs = verbs): Scalar {
  const parts = text.split(';').map((part) => part.trim());
  const result = parts.pop() as string;
  const called = [...new Set([...text.matchAll(/\b([a-zA-Z]\w*)\(/g)].map((match) => match[1] as string))];
  const body = [...parts.map((part) => `const ${part};`), `return +(${result});`].join('\n');
  // A param may have the name of a verb that the formula does not call: clamp's min and max.
  return new Function(...called, ...args, body).bind(null, ...called.map((name) => by[name])) as Scalar;
}

/** The verbs over numbers of one precision, each result rounded, with or without fused multiply-add. */
export function lanes(bits: 32 | 64, fused: boolean): Verbs {
  const round = bits === 32 ? Math.fround : (x: number) => x;
  const rounded =
    (f: Scalar): Scalar =>
    (...values) =>
      round(f(...values));
  const out: Record<string, Verb> = { ...verbs };
  for (const name of ['k', 'add', 'sub', 'mul', 'div', 'sqrt', 'pow', 'fmodlarge', 'sinlarge', 'coslarge'])
    out[name] = rounded(out[name] as Scalar);
  // A float32 product is exact in float64, so that this rounds twice only in the rarest cases.
  out.fma = fused ? rounded(verbs.fma as Scalar) : (a: number, b: number, c: number) => round(round(a * b) + c);
  const limit = bits === 32 ? 127 : 1023;
  out.exp2i = (n: number) => {
    if (n !== Math.trunc(n) || n > limit || n < 1 - limit) {
      if (!Number.isNaN(n)) throw new RangeError(`exp2i(${n}) is outside the normal numbers`);
    }
    return 2 ** n;
  };
  for (const f of MATH) {
    const near = evaluator(f[`f${bits}`], f.args, out);
    out[f.name] = near;
    if (!f.large) continue;
    const when = evaluator(f.large.when[`f${bits}`], f.args, out);
    const then = evaluator(f.large.slow, f.args, out);
    out[f.name] = (...values: number[]) => (when(...values) ? then(...values) : near(...values));
  }
  return out;
}

/** The distance of `got` from `want` in units of the last place of `want`. */
export function ulps(got: number, want: number, bits: 32 | 64): number {
  const [digits, least, largest] = bits === 32 ? [23, -126, 3.4028234663852886e38] : [52, -1022, Number.MAX_VALUE];
  const overflows = Math.abs(want) > largest * (1 + 2 ** -digits / 4);
  const target = overflows ? Math.sign(want) * Infinity : want;
  if (got === target || (Number.isNaN(got) && Number.isNaN(want))) return 0;
  // Next to the largest number either answer is a rounding away.
  if (!Number.isFinite(got)) return Math.abs(want) > largest * (1 - 2 ** (2 - digits)) ? 1 : Infinity;
  const binade = want === 0 ? least : Math.max(least, verbs.exponent(want));
  return (Math.abs(got - want) / 2 ** binade) * 2 ** digits;
}
