/** Scalar arguments of elementwise ops: one by one, or as an options object in the first optional place. */
import { ArgumentError, describe } from '../errors.ts';

/**
 * @internal Resolves arguments against their names and defaults (null: required).
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
