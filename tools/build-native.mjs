/** Builds the addon with node-gyp, incrementally. Fails with one clear line where there is no compiler. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));

if (process.platform !== 'win32') {
  const compilers = [process.env.CXX, 'c++', 'g++', 'clang++'].filter(Boolean);
  const works = (command) => spawnSync(command.split(' ')[0], ['--version'], { stdio: 'ignore' }).status === 0;
  if (!compilers.some(works)) {
    console.error(`cotangent: no C++ compiler found (tried ${compilers.join(', ')}), the native addon is not built.`);
    process.exit(1);
  }
}
// Most Node installations carry their own headers; using them saves a download and works offline.
const prefix = join(dirname(process.execPath), '..');
const nodedir =
  !process.env.npm_config_nodedir && existsSync(join(prefix, 'include', 'node', 'node_api.h'))
    ? [`--nodedir=${prefix}`]
    : [];
const gyp = require.resolve('node-gyp/bin/node-gyp.js');
const run = (...args) => {
  const { status } = spawnSync(process.execPath, [gyp, ...args, ...nodedir, '--loglevel=warn'], {
    stdio: 'inherit',
    cwd: root,
  });
  if (status !== 0) {
    console.error('cotangent: the native addon could not be built (see above).');
    process.exit(1);
  }
};
run('configure');
run('build', '-j', String(availableParallelism()));
