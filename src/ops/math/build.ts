/** What the files of this folder have in common: the type of an entry, and pieces of formula text. */

/** A function of lanes, written in the verbs of `docs/formulas.md`, once for each precision. */
export interface MathFunction {
  name: string;
  args: readonly string[];
  /** The formula for lanes of float32; it may call functions that come earlier in the list. */
  f32: string;
  f64: string;
  /** Lanes where `when` holds are computed by `slow`, which runs only if there are any. */
  large?: { when: { f32: string; f64: string }; slow: string };
  doc: string;
  /** Where the method comes from. */
  source: string;
}

/** c₀ + c₁v + c₂v² + …, by Horner's rule. */
export function horner(v: string, coefficients: readonly number[]): string {
  return coefficients.reduceRight((text, c) => (text === '' ? `k(${c})` : `fma(${text}, ${v}, k(${c}))`), '');
}

/** The argument limited to [low, high]; NaN stays NaN. */
export function limited(x: string, low: number, high: number): string {
  return `select(gt(${x}, k(${high})), k(${high}), select(lt(${x}, k(${low})), k(${low}), ${x}))`;
}

/** Infinity, as a product that overflows: formulas have finite constants only. */
export const INFINITY_32 = 'mul(k(1e30), k(1e30))';
export const INFINITY_64 = 'mul(k(1e300), k(1e300))';

/** 2^12 + 1 and 2^27 + 1: they split a significand in halves (Veltkamp). */
export const SPLITTER_32 = 4097;
export const SPLITTER_64 = 134217729;

/** A binding for the rounding error of the product a·b = p by Dekker (1971), which needs no fused multiply-add. */
export function productError(a: string, b: string, p: string, splitter: number): string {
  const split = (v: string) =>
    `${v}Wide = mul(${v}, k(${splitter})); ${v}High = sub(${v}Wide, sub(${v}Wide, ${v})); ${v}Low = sub(${v}, ${v}High)`;
  const halves = a === b ? split(a) : `${split(a)}; ${split(b)}`;
  const high = `sub(mul(${a}High, ${b}High), ${p})`;
  const middle = `add(mul(${a}High, ${b}Low), mul(${a}Low, ${b}High))`;
  return `${halves}; ${p}Error = add(add(${high}, ${middle}), mul(${a}Low, ${b}Low))`;
}
