/** Saving by the ending of a file's name. */
import { platform } from '#platform';
import { ArgumentError, CotangentError, describe } from '../errors.ts';

/** The text of a file, by the ending of its name. */
export type Formats = Readonly<Record<string, () => Promise<string>>>;

/**
 * Writes one of the formats.
 * @throws ArgumentError when the ending is none of theirs, or the file cannot be written.
 */
export async function saveFile(op: string, path: unknown, formats: Formats): Promise<void> {
  const endings = Object.keys(formats).map((ending) => `.${ending}`);
  const choice = `${endings.slice(0, -1).join(', ')} or ${endings.at(-1)}`;
  if (typeof path !== 'string')
    throw new ArgumentError(op, `wants a file name ending in ${choice}, got ${describe(path)}`);
  const ending = /[^/\\]\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase();
  const text = ending !== undefined && Object.hasOwn(formats, ending) ? formats[ending] : undefined;
  if (text === undefined) throw new ArgumentError(op, `wants a file name ending in ${choice}, got ${describe(path)}`);
  const content = await text();
  try {
    await platform.writeFile(path, content);
  } catch (error) {
    if (error instanceof CotangentError) throw error;
    throw new ArgumentError(op, `cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
}
