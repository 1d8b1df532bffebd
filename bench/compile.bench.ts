/**
 * Training steps, op by op in a plain loop, op by op in `scope`, and compiled; PyTorch beside them where it is installed. Then
 * what compiled steps leave behind over a long loop, and how late timers are while steps run on another thread.
 *
 * Every variant begins from the same seed and does as many steps; a benchmark whose losses did not fall, or whose variants
 * do not agree, fails.
 */
import { type BackendName, backendInfo, type Compiled, compile, scope, setBackend, type Tensor } from 'cotangent';
import { steadyRows } from './compiled/steady.ts';
import { timerRows } from './compiled/timers.ts';
import { measureInTurn, type Row } from './measure.ts';
import { findTorch, runTorch } from './peers/torch.ts';
import { TASKS, type Task, type Training } from './tasks.ts';

const AGREEMENT = 1e-3;

/** A way to run a training. */
interface Variant {
  name: string;
  /** Does n steps and returns the last loss. */
  run: (n: number) => number;
}

function variantsOf({ make, repeat = false }: Task): { variants: Variant[]; dispose: () => void } {
  const programs: Compiled<Tensor[], Tensor>[] = [];
  const compiled = ({ step }: Training) => {
    const program = compile(step, { reuseOutputs: true });
    programs.push(program);
    return program;
  };
  const [plain, scoped, replayed] = [make(), make(), make()];
  const program = compiled(replayed);
  const variants: Variant[] = [
    { name: 'eager', run: (n) => lastOf(n, () => plain.step(...plain.args)).item() },
    {
      name: 'scope',
      run: (n) =>
        lastOf(n, (last) =>
          scope(() => {
            const loss = scoped.step(...scoped.args);
            return last ? loss.item() : Number.NaN;
          }),
        ),
    },
    { name: 'compiled', run: (n) => lastOf(n, () => program(...replayed.args)).item() },
  ];
  if (repeat) {
    const repeated = make();
    const own = compiled(repeated);
    variants.push({ name: 'repeat', run: (n) => own.repeat(n, ...repeated.args).item() });
  }
  return { variants, dispose: () => programs.forEach((one) => void one.dispose()) };
}

/** Calls `step` n times, the last time with true, and returns what that returns. */
function lastOf<T>(n: number, step: (last: boolean) => T): T {
  for (let i = 1; i < n; i++) step(false);
  return step(true);
}

function checkLosses(what: string, first: number, last: number): void {
  if (!Number.isFinite(last) || last >= first)
    throw new Error(`bench: the loss of ${what} went from ${first} to ${last}`);
}

/** Milliseconds of a step of each variant. */
async function stepTimes(task: Task, backend: BackendName): Promise<Map<string, number>> {
  const { id, warmUp, perRound, wasmRounds } = task;
  const rounds = backend === 'wasm' ? (wasmRounds ?? task.rounds) : task.rounds;
  setBackend(backend);
  const { variants, dispose } = variantsOf(task);
  try {
    const first = variants.map(({ run }) => run(1));
    for (const { run } of variants) run(warmUp);
    const last = variants.map(() => Number.NaN);
    const timed = variants.map(({ run }, i) => ({
      run: (n: number) => {
        last[i] = run(n);
      },
    }));
    const seconds = await measureInTurn(timed, rounds, perRound);
    for (const [i, { name }] of variants.entries()) {
      const [start, end, eager] = [first[i], last[i], last[0]] as [number, number, number];
      checkLosses(`${id}, ${backend}, ${name}`, start, end);
      if (Math.abs(end - eager) > AGREEMENT * Math.abs(eager))
        throw new Error(`bench: ${id} on ${backend} ends at ${eager} eager and at ${end} ${name}`);
    }
    return new Map(variants.map(({ name }, i) => [name, (seconds[i] as number) * 1000]));
  } finally {
    dispose();
  }
}

function rowsOf(task: Task, backend: BackendName, times: ReadonlyMap<string, number>, torch: number | null): Row[] {
  const row = (column: string, value: number, unit: string): Row => ({
    name: `${task.name}: ${backend}`,
    column,
    value,
    unit,
  });
  const rows = [...times].map(([name, ms]) => row(name, ms * task.steps, 'ms'));
  const [eager, scoped, compiled] = ['eager', 'scope', 'compiled'].map((name) => times.get(name) as number) as [
    number,
    number,
    number,
  ];
  if (torch !== null)
    rows.push(row('PyTorch', torch * task.steps, 'ms'), row('PyTorch / compiled', torch / compiled, '×'));
  rows.push(row('eager / compiled', eager / compiled, '×'), row('scope / compiled', scoped / compiled, '×'));
  return rows;
}

export const title = 'compile: training steps, milliseconds';

export async function run(backends: readonly BackendName[]): Promise<Row[]> {
  // PyTorch gets as many threads as the first backend.
  const [first] = backends as [BackendName];
  setBackend(first);
  const torch = findTorch();
  console.log(
    torch === null
      ? '  PyTorch: not found (set PYTHON to a Python that has it), its column is left out'
      : `  PyTorch ${torch.version} (${torch.python}), threads: ${backendInfo().threads}, matmul at ${torch.gflops.toFixed(0)} GFLOP/s`,
  );
  const rows: Row[] = [];
  for (const task of TASKS) {
    console.log(`  … ${task.name}`);
    setBackend(first);
    const peer = torch === null ? null : runTorch(torch.python, task);
    if (peer !== null) checkLosses(`${task.id}, PyTorch`, peer.first, peer.last);
    for (const backend of backends)
      rows.push(...rowsOf(task, backend, await stepTimes(task, backend), peer?.ms ?? null));
  }
  console.log('  … long loops, timers');
  for (const backend of backends) rows.push(...(await steadyRows(backend)));
  for (const backend of backends) rows.push(...(await timerRows(backend)));
  return rows;
}
