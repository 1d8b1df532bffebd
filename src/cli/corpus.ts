/** The text that is learned: a file, or the library's own documents and sources. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { packageRoot } from '../backend/place.node.ts';
import { CharVocabulary } from '../data/vocabulary.ts';
import { reasonOf } from '../io/files.node.ts';
import { UsageError } from './errors.ts';

export interface Corpus {
  /** What the run is called unless told otherwise. */
  name: string;
  vocabulary: CharVocabulary;
  /** The first nine tenths and the rest, as character numbers. */
  train: Int32Array;
  validation: Int32Array;
}

const TRAIN_SHARE = 0.9;

/** Files under `folder` with a certain ending, in an order that no file system decides. */
async function filesUnder(folder: string, ending: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending) && basename(entry.parentPath) !== 'generated')
    .map((entry) => join(entry.parentPath, entry.name))
    .sort((a, b) => (a < b ? -1 : 1));
}

/** Documents and TypeScript sources; the compiled sources where the package was installed without the others. */
async function ownText(): Promise<string> {
  const root = packageRoot();
  if (root === null) throw new UsageError("the library's own text was not found; --data names another");
  const documents = ['README.md', 'CONTRIBUTING.md'].map((name) => join(root, name)).filter((path) => existsSync(path));
  documents.push(...(await filesUnder(join(root, 'docs'), '.md')));
  const sources = await filesUnder(join(root, 'src'), '.ts');
  if (sources.length === 0) sources.push(...(await filesUnder(join(root, 'dist'), '.js')));
  const texts = await Promise.all([...documents, ...sources].map((path) => readFile(path, 'utf8')));
  return texts.join('\n');
}

async function textOf(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${reasonOf(error)}`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${path} is not text in UTF-8`);
  }
}

/**
 * Reads and splits the text.
 * @throws UsageError when there is no such file, or too little in it for sequences of `context` characters.
 */
export async function loadCorpus(path: string | null, context: number): Promise<Corpus> {
  const text = (path === null ? await ownText() : await textOf(path)).replaceAll('\r\n', '\n');
  const what = path ?? 'the text';
  if (text.length === 0) throw new UsageError(`${what} is empty`);
  const vocabulary = new CharVocabulary(text);
  const all = vocabulary.encode(text);
  const cut = Math.floor(all.length * TRAIN_SHARE);
  // The smaller part, too, needs a sequence and the character that follows it.
  if (all.length - cut < context + 1) {
    const needed = Math.ceil((context + 1) / (1 - TRAIN_SHARE));
    throw new UsageError(`${what} is too short: ${all.length} characters, --context ${context} needs about ${needed}`);
  }
  return {
    name: path === null ? 'cotangent' : basename(path, extname(path)),
    vocabulary,
    train: all.subarray(0, cut),
    validation: all.subarray(cut),
  };
}
