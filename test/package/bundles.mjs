/** The installed package in bundles: formats without import.meta, and bundles that lie far from the package. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Uses every sub-path; the last line says what became of a run on another thread. */
const main = (subpaths) => `
${subpaths.map((path, i) => `import * as m${i} from 'cotangent${path.slice(1)}';`).join('\n')}
import { backendInfo, compile, tensor } from 'cotangent';
const unused = [${subpaths.map((_, i) => `m${i}`).join(', ')}].filter((module) => Object.keys(module).length === 0);
const step = compile((x) => x.square().sum());
const x = tensor([1, 2, 3]);
console.log(backendInfo().backend, step(x).item(), step(x).item(), unused.length);
step.runAsync(x).then((y) => console.log('async', y.item()), (error) => console.log(error.name, error.message));
`;

export function checkBundles(check, { scratch, run, bin, equal, subpaths }) {
  writeFileSync(join(scratch, 'main.js'), main(subpaths));
  const bundle = (format, platform) => {
    const file = join(scratch, `${platform}-${format}.${format === 'esm' ? 'mjs' : 'cjs'}`);
    const options = ['--bundle', `--format=${format}`, `--platform=${platform}`, `--outfile=${file}`];
    // What it warns of counts: the same would be said in every build of a user.
    const { status, stderr } = spawnSync(bin('esbuild'), ['main.js', ...options, '--log-level=warning'], {
      cwd: scratch,
      encoding: 'utf8',
    });
    if (status !== 0 || stderr !== '') throw new Error(stderr);
    return file;
  };
  const start = (file, env = {}) =>
    run(process.execPath, [file], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }).trim();

  for (const format of ['cjs', 'esm'])
    check(`a bundle for Node as ${format} finds the addon, and the script of the worker`, () => {
      const file = bundle(format, 'node');
      equal(start(file), 'native 14 14 0\nasync 14');
      equal(start(file, { COTANGENT_BACKEND: 'wasm' }), 'wasm 14 14 0\nasync 14');
    });
  for (const format of ['cjs', 'iife', 'esm'])
    check(`a bundle for anywhere else as ${format} loads and runs`, () => {
      const [first, second] = start(bundle(format, 'browser')).split('\n');
      equal(first, 'wasm 14 14 0');
      if (!/^BackendError runAsync: .*there are no workers here/.test(second)) throw new Error(second);
    });
  check('a bundle far from the package runs on WASM, and says what it lacks', () => {
    const far = mkdtempSync(join(tmpdir(), 'cotangent-far-'));
    try {
      for (const name of ['node-cjs.cjs', 'node-esm.mjs']) {
        copyFileSync(join(scratch, name), join(far, name));
        const { stdout, stderr } = spawnSync(process.execPath, [name], { cwd: far, encoding: 'utf8' });
        if (!/^wasm 14 14 0\nBackendError runAsync: .*init\(\{ worker \}\)/.test(stdout))
          throw new Error(stdout + stderr);
        if (!/the folder of the package was not found/.test(stderr)) throw new Error(stderr);
      }
    } finally {
      rmSync(far, { recursive: true });
    }
  });
}
