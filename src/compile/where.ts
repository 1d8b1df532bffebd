/** Where in the user's code something happened. */

/** The folder that the library's own modules are in. */
const OWN = new URL('..', import.meta.url).href;

/** ` at <file>:<line>:<column>` of the innermost caller outside the library and Node itself; empty where stacks do not tell. */
export function callerLine(): string {
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  const own = OWN.replace(/^file:\/\//, '');
  const foreign = (line: string) => !line.includes(OWN) && !line.includes(own) && !/\(?node:[^\s]+$/.test(line);
  const frame = frames.find((line) => /:\d+:\d+\)?$/.test(line) && foreign(line));
  const place = frame?.match(/\(?((?:[a-z]+:\/\/)?[^\s()]+:\d+:\d+)\)?$/)?.[1];
  return place === undefined ? '' : ` at ${place}`;
}
