/**
 * Arguments of layers: one by one in PyTorch's order, or by name in an options object that takes the place of
 * the first one left out.
 */
import type { BackendName } from '../backend/registry.ts';
import { ArgumentError, describe } from '../errors.ts';
import type { Pair, Size2d } from '../ops/window.ts';
import { argumentsByName } from '../tensor/options.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';

/** What an argument may be, and what it is when left out. */
export interface Kind<T> {
  readonly test: (value: unknown) => boolean;
  /** How the range is called in messages. */
  readonly range: string;
  /** Absent: the argument is required. */
  readonly fallback?: T;
}

type Values<S> = { [K in keyof S]: S[K] extends Kind<infer T> ? T : never };

const isNumber = (value: unknown): value is number => typeof value === 'number' && !Number.isNaN(value);

export const count: Kind<number> = {
  test: (v) => Number.isInteger(v) && (v as number) >= 1,
  range: 'a positive whole number',
};
export const whole = (fallback: number): Kind<number> => ({
  test: Number.isInteger,
  range: 'a whole number',
  fallback,
});
export const flag = (fallback: boolean): Kind<boolean> => ({
  test: (v) => typeof v === 'boolean',
  range: 'a boolean',
  fallback,
});
export const number = (fallback: number): Kind<number> => ({ test: isNumber, range: 'a number', fallback });
export const requiredNumber: Kind<number> = { test: isNumber, range: 'a number' };
export const probability = (fallback: number): Kind<number> => ({
  test: (v) => isNumber(v) && v >= 0 && v <= 1,
  range: 'a number from 0 to 1',
  fallback,
});
export const choice = <T extends string>(choices: readonly [T, ...T[]]): Kind<T> => ({
  test: (v) => choices.includes(v as T),
  range: choices.map((c) => `'${c}'`).join(' or '),
  fallback: choices[0],
});
/** The same, or null. */
export const optional = <T>({ test, range }: Kind<T>): Kind<T | null> => ({
  test: (v) => v === null || test(v),
  range: `${range}, or null`,
  fallback: null,
});
/** A whole number of at least `least` for both directions, or [vertical, horizontal]. */
export const size2d = (least: 0 | 1, fallback?: Size2d): Kind<Size2d> => ({
  test: (v) => {
    const list: readonly unknown[] = Array.isArray(v) ? v : [v];
    return list.length >= 1 && list.length <= 2 && list.every((n) => Number.isSafeInteger(n) && (n as number) >= least);
  },
  range: `a ${least === 0 ? 'non-negative' : 'positive'} whole number, or two of them`,
  ...(fallback === undefined ? {} : { fallback }),
});
/** Vertical and horizontal, each by itself. */
export const pair = (size: Size2d): Pair =>
  typeof size === 'number' ? [size, size] : [size[0] as number, size.at(-1) as number];
export const tensor: Kind<Tensor> = { test: (v) => isTensor(v) && !v.disposed, range: 'a tensor' };

/** Where a layer keeps its parameters. */
export const factory = {
  dtype: choice(['float32', 'float64']),
  backend: {
    test: (v) => v === undefined || v === 'native' || v === 'wasm',
    range: "'native' or 'wasm'",
    fallback: undefined,
  } as Kind<BackendName | undefined>,
};

/**
 * Resolves arguments against their specification, whose order is that of the positions.
 * @throws ArgumentError for one that is missing, unknown or out of range.
 */
export function readArguments<S extends Record<string, Kind<unknown>>>(
  op: string,
  given: readonly unknown[],
  spec: S,
): Values<S> {
  const names = Object.keys(spec);
  const own = argumentsByName(op, names, given);
  const values = names.map((name) => {
    const { test, range, fallback } = spec[name] as Kind<unknown>;
    // Null stands for the default, unless it means something of its own.
    const value = own[name] === null && test(null) ? null : (own[name] ?? fallback);
    if (!test(value)) throw new ArgumentError(op, `${name} is ${range}, got ${describe(value)}`);
    return [name, value];
  });
  return Object.fromEntries(values) as Values<S>;
}
