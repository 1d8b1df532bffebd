/** Where the package's own files are in Node, also when its modules were put into a bundle. */
import { existsSync, readFileSync } from 'node:fs';
// Not createRequire by its name: webpack puts what it knows of the build in its place.
import modules from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE = 'cotangent';

/** This module, or the bundle that it is in. Bundles in CommonJS have no `import.meta`, modules have no `__filename`. */
function ownPath(): string | null {
  const { url } = import.meta;
  if (typeof url === 'string' && url.startsWith('file:')) return fileURLToPath(url);
  return typeof __filename === 'string' ? __filename : null;
}

/** Whether the library runs from its sources, as in tests and benchmarks. The package has none. */
export const fromSources = (): boolean => ownPath()?.endsWith('.ts') === true;

/** Resolves other packages as this module would; from the working folder where it does not know its own. */
export const requireFromHere = (): NodeJS.Require =>
  modules.createRequire(ownPath() ?? join(process.cwd(), 'index.js'));

function isPackage(folder: string): boolean {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name === PACKAGE;
  } catch {
    return false;
  }
}

/** The package's folder: above this module or, for a bundle, where the package is installed for it; null if neither. */
export function packageRoot(): string | null {
  const path = ownPath();
  if (path !== null)
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      if (isPackage(folder)) return folder;
      if (existsSync(join(folder, 'package.json')) || dirname(folder) === folder) break;
    }
  try {
    return dirname(requireFromHere().resolve(`${PACKAGE}/package.json`));
  } catch {
    return null;
  }
}
