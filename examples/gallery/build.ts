/** Running the examples and building the gallery from what they reported. */
import { copyFile, mkdir, rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { BackendName } from 'cotangent';
import { writeAtomically } from '../../src/io/files.node.ts';
import { type Broken, choose, collect, type Found } from './collect.ts';
import { galleryPage, pictureName, type Shown } from './page.ts';
import { record } from './record.ts';
import { outcomeText, summary } from './terminal.ts';

export interface GalleryOptions {
  /** Where the examples are. */
  from: string;
  /** Where the gallery goes. */
  to: string;
  backend: BackendName;
  /** Ids and letters, 'A6,B'; all by default. */
  only?: string | undefined;
  /** Where lines of text go. */
  print(line: string): void;
}

/** Runs examples one after another and prints what they report. */
async function runAll(found: readonly Found[], backend: BackendName, print: (line: string) => void): Promise<Shown[]> {
  const shown: Shown[] = [];
  for (const [i, one] of found.entries()) {
    const outcome = await record(one.example, backend);
    shown.push({ found: one, outcome });
    print(`[${i + 1}/${found.length}] ${outcomeText(one, outcome)}`);
    // Lets go of what the example forgot, which WebAssembly can only do between tasks.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return shown;
}

/** Pictures as files: Plotly's JSON, and SVG. */
async function writePictures(folder: string, shown: readonly Shown[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { found, outcome } of shown)
    for (const [i, entry] of outcome.entries.entries()) {
      if (entry.kind !== 'picture') continue;
      const { picture } = entry;
      const path = join(folder, pictureName(found.example.id, i));
      if (picture.kind === 'svg') await writeAtomically(`${path}.svg`, picture.svg);
      else await writeAtomically(`${path}.json`, `${picture.json}\n`);
    }
}

async function copyPlotly(folder: string): Promise<void> {
  const temporary = join(folder, `plotly.min.js.${process.pid}.tmp`);
  await copyFile(createRequire(import.meta.url).resolve('plotly.js-dist-min'), temporary);
  await rename(temporary, join(folder, 'plotly.min.js'));
}

/**
 * Runs the examples, prints their figures, and writes the gallery. Whether all figures agree and nothing failed.
 * @throws RangeError when `only` names an example that is not there.
 */
export async function buildGallery({ from, to, backend, only, print }: GalleryOptions): Promise<boolean> {
  const start = performance.now();
  const { found, broken } = await collect(from);
  const shown = await runAll(only === undefined ? found : choose(found, only), backend, print);
  const problems: Broken[] = only === undefined ? broken : [];
  for (const { file, reason } of problems) print(`✗ ${file} could not be loaded: ${reason}`);
  await writePictures(join(to, 'pictures'), shown);
  await copyPlotly(to);
  const page = galleryPage(shown, problems, backend, (performance.now() - start) / 1000);
  await writeAtomically(join(to, 'index.html'), page);
  const outcomes = shown.map(({ outcome }) => outcome);
  print(`\n${summary(outcomes, problems)}\n${join(to, 'index.html')}`);
  return problems.length === 0 && outcomes.length > 0 && outcomes.every(({ passed }) => passed);
}
