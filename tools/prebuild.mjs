/**
 * Puts the addon built here where the published package looks for it: `prebuilds/<platform>-<arch>/cotangent.node`.
 * A release collects these folders from one machine per platform before it packs.
 */
import { copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = join(root, 'build', 'Release', 'cotangent.node');
if (!existsSync(built)) {
  console.warn('cotangent: no addon was built here, the package will have no binary for this platform');
} else {
  const musl = process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
  const folder = join(root, 'prebuilds', `${process.platform}${musl ? 'musl' : ''}-${process.arch}`);
  mkdirSync(folder, { recursive: true });
  copyFileSync(built, join(folder, 'cotangent.node.new'));
  renameSync(join(folder, 'cotangent.node.new'), join(folder, 'cotangent.node'));
}
