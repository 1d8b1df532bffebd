/**
 * Ulp sweeps: the largest error of every elementwise float32 kernel and its derivatives, on every instruction set of this processor
 * and in WebAssembly, the input that has it, and the error of PyTorch beside it, where there is a Python that has one. By default every
 * 4093rd float32 is tried, and a million pairs for ops of two inputs; COTANGENT_ACCURACY_STEP=1 tries all (hours), others what they say.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type BackendName, backendInfo } from 'cotangent';
import { type Found, STEP } from './accuracy/errors.ts';
import type { Row } from './measure.ts';
import { findTorch, torchErrors } from './peers/torch.ts';

const ISAS = ['scalar', 'avx2', 'avx512'];

/** The errors of a backend under an instruction set, found by a process of its own: the choice is made when the addon loads. */
function errorsUnder(backend: BackendName, isa: string, step: number): Found[] {
  const script = join(import.meta.dirname, 'accuracy', 'errors.ts');
  const { status, stdout } = spawnSync(process.execPath, [...process.execArgv, script, backend, String(step)], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, COTANGENT_ISA: isa },
  });
  if (status !== 0) throw new Error(`bench: the sweep of ${isa || backend} failed`);
  return JSON.parse(stdout, (_, value) => (value === 'inf' ? Number.POSITIVE_INFINITY : value)) as Found[];
}

export const title = 'accuracy: largest errors in float32, ulp, and the input of the worst of ours';

export function run(backends: readonly BackendName[]): Row[] {
  const step = Number(process.env.COTANGENT_ACCURACY_STEP ?? STEP);
  if (!Number.isInteger(step) || step < 1)
    throw new RangeError('bench: COTANGENT_ACCURACY_STEP is a whole number from 1 on');
  const ours = backends.flatMap((backend): [string, Found[]][] =>
    backend === 'wasm'
      ? [['wasm', errorsUnder(backend, '', step)]]
      : instructionSets().map((isa) => [isa, errorsUnder(backend, isa, step)]),
  );
  const inputs = new Map<string, Found>();
  for (const found of ours.flatMap(([, list]) => list))
    if (found.ulp >= (inputs.get(found.name)?.ulp ?? 0)) inputs.set(found.name, found);
  const torch = findTorch();
  const theirs: [string, Found[]][] =
    torch === null ? [] : [[`PyTorch ${torch.version}`, torchErrors(torch.python, step)]];
  return [...ours, ...theirs].flatMap(([column, list]) =>
    list.flatMap(({ name, ulp }) => {
      const worst = inputs.get(name);
      if (worst === undefined) return [];
      const at = worst.at.map((x) => Number(x.toPrecision(9))).join(', ');
      return [{ name: worst.ulp > 0 ? `${name} at ${at}` : name, value: ulp, unit: '', column }];
    }),
  );
}

/** Those that this machine's native backend can be told to use: the one it chooses, and all below. */
const instructionSets = () => ISAS.slice(0, ISAS.indexOf(backendInfo().isa) + 1);
