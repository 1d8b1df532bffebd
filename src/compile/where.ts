/** Where in the user's code something happened. */

/** `<file>:<line>:<column>` at the end of a frame. */
const PLACE = /:\d+:\d+$/;

/** The place that a frame of a stack ends with, or null. Names of functions can be anything, and as long as anything. */
function placeOf(frame: string): string | null {
  const line = frame.trim();
  let place: string;
  // V8 writes `at name (place)` or `at place`, other engines `name@place`.
  if (line.endsWith(')')) place = line.slice(line.lastIndexOf(' (') + 2, -1);
  else if (line.startsWith('at ')) place = line.slice(line.startsWith('at async ') ? 9 : 3);
  else place = line.slice(line.indexOf('@') + 1);
  return PLACE.test(place) ? place : null;
}

/**
 * ` at <file>:<line>:<column>` of the innermost caller outside the library and Node itself. Empty where stacks do not tell:
 * in a bundle, library and caller are one file.
 */
export function callerLine(): string {
  const { stack } = new Error();
  // `Error.prepareStackTrace` is the user's to set.
  if (typeof stack !== 'string') return '';
  const [here, ...frames] = stack.split('\n').flatMap((frame) => placeOf(frame) ?? []);
  // Not by `import.meta.url`, which scripts and CommonJS do not have.
  const own = here?.match(/^(.*[/\\])compile[/\\]where\.[jt]s:\d+:\d+$/)?.[1];
  if (own === undefined) return '';
  const place = frames.find((each) => !each.startsWith(own) && !each.startsWith('node:'));
  return place === undefined ? '' : ` at ${place}`;
}
