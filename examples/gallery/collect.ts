/** Finding the worked examples: every file `a01-….ts`, `b…`, `c…` of a folder exports some. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { WorkedExample } from '../worked/example.ts';

/** An example and where it stands. */
export interface Found {
  example: WorkedExample;
  file: string;
  /** The text of the file. */
  code: string;
}

/** A file that could not be loaded. */
export interface Broken {
  file: string;
  reason: string;
}

/** 'A6' and 'A16' by letter, then by number. */
const order = (a: string, b: string): number =>
  a.charCodeAt(0) - b.charCodeAt(0) || Number(a.slice(1)) - Number(b.slice(1));

/** Loads all examples of a folder, by their ids in order. A file that cannot be loaded does not keep the others from running. */
export async function collect(folder: string): Promise<{ found: Found[]; broken: Broken[] }> {
  const found: Found[] = [];
  const broken: Broken[] = [];
  const files = (await readdir(folder)).filter((file) => /^[abc]\d.*\.ts$/.test(file)).sort();
  for (const file of files) {
    const path = join(folder, file);
    try {
      const { examples } = (await import(pathToFileURL(path).href)) as { examples?: readonly WorkedExample[] };
      if (!Array.isArray(examples) || examples.length === 0) throw new Error('it exports no `examples`');
      const code = await readFile(path, 'utf8');
      for (const example of examples as readonly WorkedExample[]) {
        if (!/^[ABC]\d+$/.test(example.id)) throw new Error(`'${example.id}' is no id such as A1`);
        const twin = found.find((other) => other.example.id === example.id);
        if (twin) throw new Error(`${example.id} is in ${twin.file} already`);
        found.push({ example, file: basename(path), code });
      }
    } catch (error) {
      broken.push({ file, reason: (error as Error).message });
    }
  }
  found.sort((a, b) => order(a.example.id, b.example.id));
  return { found, broken };
}

/**
 * Those of the examples that a list names: ids and letters, 'A6,B', in any case.
 * @throws RangeError for a name that fits none.
 */
export function choose(found: readonly Found[], only: string): Found[] {
  const wanted = only.split(',').map((name) => name.trim().toUpperCase());
  const fits = (id: string, name: string) => id === name || (name.length === 1 && id.startsWith(name));
  for (const name of wanted)
    if (!found.some(({ example }) => fits(example.id, name)))
      throw new RangeError(
        `no example is called '${name}'; there are ${found.map(({ example }) => example.id).join(', ')}`,
      );
  return found.filter(({ example }) => wanted.some((name) => fits(example.id, name)));
}
