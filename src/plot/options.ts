/** Options that all figures share, and their checks. */
import { ArgumentError, describe } from '../errors.ts';
import { checkOptions } from '../tensor/options.ts';

/** Options of every figure. */
export interface FigureOptions {
  /** Written above the figure. */
  title?: string;
  /** Name of the x axis. */
  xLabel?: string;
  /** Name of the y axis. */
  yLabel?: string;
  /** Name of the z axis of a surface, of the colours of a contour. */
  zLabel?: string;
  /** Pixels; as wide as the page by default. */
  width?: number;
  /** Pixels; 460 by default, more for surfaces. */
  height?: number;
}

const TEXTS = ['title', 'xLabel', 'yLabel', 'zLabel'] as const;
const SIZES = ['width', 'height'] as const;

/**
 * The options as they are, once their names and those that all figures share are known to be right.
 * @throws ArgumentError
 */
export function figureOptions<T extends FigureOptions>(
  op: string,
  options: T | undefined,
  known: readonly string[],
): T {
  const given = checkOptions(op, options, [...TEXTS, ...SIZES, ...known]);
  for (const name of TEXTS)
    if (given[name] !== undefined && typeof given[name] !== 'string')
      throw new ArgumentError(op, `${name} is a string, got ${describe(given[name])}`);
  for (const name of SIZES) {
    const value = given[name];
    if (value !== undefined && !(typeof value === 'number' && value >= 50 && Number.isFinite(value)))
      throw new ArgumentError(op, `${name} is a number of pixels, at least 50; got ${describe(value)}`);
  }
  return given as T;
}

/** A switch, `false` when it was not given. */
export function toFlag(op: string, value: unknown, what: string, otherwise = false): boolean {
  if (value !== undefined && typeof value !== 'boolean')
    throw new ArgumentError(op, `${what} is a boolean, got ${describe(value)}`);
  return value ?? otherwise;
}

/** One of a few words. */
export function toChoice<T extends string>(op: string, value: unknown, what: string, choices: readonly T[]): T {
  if (value === undefined) return choices[0] as T;
  const found = choices.find((choice) => choice === value);
  if (found === undefined)
    throw new ArgumentError(op, `${what} is ${choices.map((c) => `'${c}'`).join(' or ')}, got ${describe(value)}`);
  return found;
}
