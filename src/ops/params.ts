/** Optional arguments: one by one, or in an options object in the place of any of them. */
import { ArgumentError, describe } from '../errors.ts';
import { argumentsByName } from '../tensor/options.ts';

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
  const values = given.some((value) => typeof value === 'object') ? argumentsByName(op, names, given) : null;
  return names.map((name, i) => {
    const value = (values === null ? given[i] : values[name]) ?? defaults[i];
    if (typeof value !== 'number') throw new ArgumentError(op, `${name} is a number, got ${describe(value)}`);
    return value;
  });
}

/**
 * @internal Arguments by name, null where one was not given.
 * @throws ArgumentError for an unknown option.
 */
export function named<N extends string>(
  op: string,
  names: readonly N[],
  given: readonly unknown[],
): Readonly<Record<N, unknown>> {
  const values = argumentsByName(op, names, given);
  for (const name of names) values[name] ??= null;
  return values;
}
