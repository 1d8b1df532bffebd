/** The published types under the leanest settings: no DOM library, no types of Node, libraries checked, every sub-path. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const RESOLUTIONS = [
  ['nodenext', 'nodenext'],
  ['node16', 'node16'],
  ['esnext', 'bundler'],
];
/** The last two declare what the package declares for itself, once more. */
const LIBRARIES = ['es2023', 'es2023,esnext.disposable,dom', 'esnext,webworker'];

export function checkTypes(check, { scratch, run, bin, subpaths }) {
  const imports = subpaths.map((path, i) => `import * as m${i} from 'cotangent${path.slice(1)}';\nexport { m${i} };`);
  writeFileSync(join(scratch, 'all.ts'), imports.join('\n'));
  writeFileSync(
    join(scratch, 'use.ts'),
    `import { compile, init, ones, Tensor } from 'cotangent';
import { decodeSafetensors } from 'cotangent/io';
import { Linear } from 'cotangent/nn';
const y: Tensor = new Linear(2, 3)(ones([4, 2]));
const n: number = y.add(1).softmax(-1).sum(0, { keepdim: true }).mean().item();
const { values, indices } = y.max(1);
export const all: [number, Tensor, Tensor, Tensor] = [n, values, indices, y.reshape(2, -1)];
export const read = [decodeSafetensors(new Uint8Array(8)), decodeSafetensors(new DataView(new ArrayBuffer(8)))];
export const ready: Promise<void> = init({ wasm: new SharedArrayBuffer(8), worker: 'worker.js' });
export const step: Promise<Tensor> = compile((x: Tensor) => x.add(1)).runAsync(y);
export function freed(): number {
  using x = ones([2]);
  return x.sum().item();
}
// @ts-expect-error: a string is no operand
y.add('x');
// What lies behind a tensor or a program is not there.
// @ts-expect-error
y.storage;
// @ts-expect-error
y.attach;
// @ts-expect-error
y.shape[0] = 5e7;
// @ts-expect-error
y.offset = 1;
// @ts-expect-error
new Tensor();
// @ts-expect-error
class Own extends Tensor { constructor() { super({}, 'float32', [4]); } }
const compiled = compile((x: Tensor) => x.add(1));
export const text: string = compiled.program.toString();
export const moved: number = compiled.program.stats().bytesMoved;
// @ts-expect-error
compiled.program.dispose();
// @ts-expect-error
compiled.program.heap;
`,
  );
  const settings = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--target', 'es2023', '--types', ''];
  const compile = (module, resolution, lib) =>
    run(bin('tsc'), [
      ...settings,
      '--module',
      module,
      '--moduleResolution',
      resolution,
      '--lib',
      lib,
      'all.ts',
      'use.ts',
    ]);
  for (const [module, resolution] of RESOLUTIONS)
    check(`its types need nothing but es2023, resolved as ${resolution}`, () => compile(module, resolution, 'es2023'));
  for (const lib of LIBRARIES.slice(1))
    check(`its types get along with ${lib}`, () => compile('nodenext', 'nodenext', lib));
}
