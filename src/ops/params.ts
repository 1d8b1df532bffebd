/** Optional arguments: one by one, or in an options object in the place of any of them. */
import { ArgumentError, describe } from '../errors.ts';
import { checkOptions } from '../tensor/options.ts';

/**
 * @internal Resolves the scalars of an elementwise op against their names and defaults (null: required).
 * @throws ArgumentError for a missing argument, an unknown option, or anything that is not a number.
 */
export function params(
  op: string,
  names: readonly string[],
  defaults: readonly (number | null)[],
  given: readonly unknown[],
): number[] {
  const at = given.findIndex((value) => typeof value === 'object' && value !== null);
  const options = at < 0 ? {} : (given[at] as Record<string, unknown>);
  for (const key of Object.keys(options))
    if (!names.includes(key)) throw new ArgumentError(op, `unknown option ${describe(key)}; knows ${names.join(', ')}`);
  return names.map((name, i) => {
    const positional = i === at ? undefined : given[i];
    const value = positional ?? options[name] ?? defaults[i];
    if (typeof value !== 'number') throw new ArgumentError(op, `${name} is a number, got ${describe(value)}`);
    return value;
  });
}

const isOptions = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/**
 * @internal Arguments by name, null where one was not given.
 * @throws ArgumentError for an unknown option.
 */
export function named<N extends string>(
  op: string,
  names: readonly N[],
  given: readonly unknown[],
): Readonly<Record<N, unknown>> {
  const at = given.findIndex(isOptions);
  const options = at < 0 ? {} : checkOptions(op, given[at], names);
  return Object.fromEntries(
    names.map((name, i) => [name, (i === at ? undefined : given[i]) ?? options[name] ?? null]),
  ) as Record<N, unknown>;
}
