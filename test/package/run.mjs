/**
 * `npm run test:package`: packs the tarball, checks it with publint, installs it in a scratch project, and uses it there:
 * natively, without the addon, in bundles of every kind, and from TypeScript.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkBundles } from './bundles.mjs';
import { checkTypes } from './types.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'cotangent-package-'));
let passed = 0;
let failed = 0;

function check(name, fn) {
  try {
    fn();
    passed++;
    console.log(`ok    ${name}`);
  } catch (error) {
    failed++;
    console.error(`FAIL  ${name}\n${error.stdout ?? ''}${error.stderr ?? ''}${error.message}`);
  }
}

function equal(got, want) {
  if (got !== want) throw new Error(`got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}

const bin = (name) => join(root, 'node_modules', '.bin', name);
const run = (file, args, options = {}) =>
  execFileSync(file, args, { cwd: scratch, encoding: 'utf8', stdio: 'pipe', ...options });
const node = (code, env = {}) =>
  spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: scratch,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });

/** `.`, `./nn` …: what can be imported, apart from the script of the worker and from files. */
const { exports: entries } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const subpaths = Object.keys(entries).filter((path) => entries[path].types && path !== './worker');

let tarball = '';
let files = [];
try {
  check('npm pack', () => {
    run(process.execPath, [join(root, 'tools', 'prebuild.mjs')]);
    const [report] = JSON.parse(
      run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], { cwd: root }),
    );
    tarball = join(scratch, report.filename);
    files = report.files.map((file) => file.path);
  });
  check('the file list has binaries and modules, no binding.gyp, no sources', () => {
    const wanted = [
      'dist/index.js',
      'dist/index.d.ts',
      'dist/nn/index.js',
      'wasm/cotangent.wasm',
      'README.md',
      'LICENSE',
    ];
    for (const file of wanted) if (!files.includes(file)) throw new Error(`${file} is missing`);
    if (!files.some((file) => /^prebuilds\/[^/]+\/cotangent\.node$/.test(file))) throw new Error('no prebuilt binary');
    const unwanted = files.filter((file) => /binding\.gyp|^(src|test|native|assembly|bench)\//.test(file));
    if (unwanted.length > 0) throw new Error(`should not be there: ${unwanted.join(', ')}`);
  });
  check('publint has nothing to say', () => {
    const result = spawnSync(bin('publint'), ['run', tarball, '--strict'], { cwd: root, encoding: 'utf8' });
    if (result.status !== 0) throw new Error(result.stdout + result.stderr);
  });
  check('npm install of the tarball needs no scripts, no compiler, no network', () => {
    writeFileSync(join(scratch, 'package.json'), '{"name":"scratch","private":true,"type":"module"}');
    run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball]);
    equal(
      readdirSync(join(scratch, 'node_modules'))
        .filter((name) => !name.startsWith('.'))
        .join(),
      'cotangent',
    );
  });
  check('no declaration has the module in it', () => {
    const declared = statSync(join(scratch, 'node_modules/cotangent/dist/generated/wasm-binary.d.ts')).size;
    if (declared > 1000) throw new Error(`wasm-binary.d.ts has ${declared} bytes`);
  });
  const train = `
    import { tensor, backendInfo } from 'cotangent';
    import { Linear } from 'cotangent/nn';
    import { SGD } from 'cotangent/optim';
    const layer = new Linear(2, 1);
    const sgd = new SGD(layer.parameters(), { lr: 0.1 });
    const x = tensor([[1, 2], [3, -1]]);
    const losses = [];
    for (let i = 0; i < 20; i++) {
      sgd.zeroGrad();
      const loss = layer(x).sub(1).square().mean();
      loss.backward();
      sgd.step();
      losses.push(loss.item());
    }
    console.log(backendInfo().backend, losses.at(-1) < losses[0]);`;
  check('it trains natively from the prebuilt binary', () => {
    const { stdout, stderr } = node(train);
    equal(stdout + stderr, 'native true\n');
  });
  check('without the addon it warns once, says why, and trains on WASM', () => {
    const { stdout, stderr } = node(train, { COTANGENT_NATIVE: '0' });
    equal(stdout, 'wasm true\n');
    equal(stderr.trim().split('\n').length, 1);
    if (!stderr.includes('COTANGENT_NATIVE=0')) throw new Error(stderr);
  });
  check('several worker threads use the addon at once, and end', () => {
    const { stdout, stderr } = node(`
      import { Worker } from 'node:worker_threads';
      const work = \`
        import { parentPort } from 'node:worker_threads';
        import { backendInfo, ones } from 'cotangent';
        let x = ones([64, 64]);
        for (let i = 0; i < 200; i++) x = x.matmul(ones([64, 64])).mul(1 / 64);
        parentPort.postMessage([backendInfo().backend, x.sum().item()].join());\`;
      const results = await Promise.all(Array.from({ length: 4 }, () => new Promise((resolve, reject) => {
        const worker = new Worker(work, { eval: true });
        let answer = '';
        worker.on('message', (message) => { answer = message; }).on('error', reject).on('exit', () => resolve(answer));
      })));
      console.log([...new Set(results)].join(' '));`);
    equal(stdout + stderr, 'native,4096\n');
  });
  check('CommonJS can import it', () => {
    writeFileSync(
      join(scratch, 'use.cjs'),
      `import('cotangent').then(({ ones }) => console.log(ones([2]).sum().item()))`,
    );
    equal(run(process.execPath, ['use.cjs']).trim(), '2');
  });
  check('a browser bundle has no Node built-in', () => {
    mkdirSync(join(scratch, 'page'), { recursive: true });
    writeFileSync(join(scratch, 'page', 'index.html'), '<script type="module" src="./main.js"></script>');
    writeFileSync(
      join(scratch, 'page', 'main.js'),
      `import { ones } from 'cotangent'; import 'cotangent/nn'; document.title = ones([2]).sum().item();`,
    );
    const out = spawnSync(bin('vite'), ['build', 'page', '--outDir', join(scratch, 'out'), '--logLevel', 'warn'], {
      cwd: scratch,
      encoding: 'utf8',
    });
    if (out.status !== 0 || /externalized|node:/.test(out.stdout + out.stderr))
      throw new Error(out.stdout + out.stderr);
  });
  checkBundles(check, { scratch, run, bin, equal, subpaths });
  checkTypes(check, { scratch, run, bin, subpaths });
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
