/**
 * Loops that clear gradients by `grad = null`, as PyTorch's users do, beside the same loops with `zeroGrad` and beside filling as much
 * memory as the gradients take. A gradient that is not given back makes every backward pass write to pages that nobody has touched yet.
 */
import {
  type BackendName,
  compile,
  fullLike,
  layerNorm,
  memory,
  ones,
  randint,
  randn,
  scope,
  setBackend,
  type Tensor,
} from 'cotangent';
import { Embedding, Linear, ReLU, Sequential } from 'cotangent/nn';
import { SGD } from 'cotangent/optim';
import { measureInTurn, type Row } from './measure.ts';

const ROUNDS = 7;

export const title = 'gradients: milliseconds of a step that clears its gradients, each in a scope';

interface Task {
  name: string;
  parameters: Tensor[];
  /** Forward and backward. */
  pass: () => void;
  /** Steps in a round: few enough that a backend that gives nothing back does not run out of memory. */
  steps: number;
}

function tasks(): Task[] {
  const table = new Embedding(100_000, 64);
  const words = randint(0, 100_000, [256], { dtype: 'int64' });
  const rows = randn([1024, 1024]).requiresGrad_();
  const cotangent = ones([1024, 1024]);
  const mlp = new Sequential(new Linear(32, 64), new ReLU(), new Linear(64, 64), new ReLU(), new Linear(64, 8));
  const [x, y] = [randn([32, 32]), randn([32, 8])];
  return [
    {
      name: 'embedding of 100,000 × 64',
      parameters: table.parameters(),
      pass: () => (table(words) as Tensor).square().mean().backward(),
      steps: 4,
    },
    {
      name: 'layerNorm of 1024 × 1024',
      parameters: [rows],
      pass: () => layerNorm(rows, [1024]).backward(cotangent),
      steps: 16,
    },
    {
      name: 'MLP 32-64-64-8, batch 32',
      parameters: mlp.parameters(),
      pass: () => (mlp(x) as Tensor).sub(y).square().mean().backward(),
      steps: 200,
    },
  ];
}

export async function run(backends: readonly BackendName[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const backend of backends) {
    setBackend(backend);
    for (const task of tasks()) rows.push(...(await time(backend, task)));
  }
  return rows;
}

async function time(backend: BackendName, { name, parameters, pass, steps }: Task): Promise<Row[]> {
  const optimizer = new SGD(parameters, { lr: 1e-6 });
  const floors = parameters.map((parameter) => fullLike(parameter, 0));
  const clear = () => {
    for (const parameter of parameters) parameter.grad = null;
  };
  const norms = () => {
    for (const { grad } of parameters) grad?.norm().item();
  };
  const repeated = (step: () => void) => ({
    run: (n: number) => {
      for (let i = 0; i < n; i++) scope(step);
    },
  });
  const compiled = compile(() => {
    clear();
    pass();
  });
  const after = (before: () => void) => () => {
    before();
    pass();
  };
  const printed = (step: () => void) => () => {
    step();
    norms();
  };
  const zeroed = after(() => optimizer.zeroGrad());
  const cleared = after(clear);
  const FILLING = 'filling the gradients';
  const loops: { loop: string; step: () => void; to: string }[] = [
    { loop: 'zeroGrad', step: zeroed, to: FILLING },
    { loop: 'grad = null', step: cleared, to: 'zeroGrad' },
    { loop: 'zeroGrad, norms printed', step: printed(zeroed), to: FILLING },
    { loop: 'grad = null, norms printed', step: printed(cleared), to: 'zeroGrad, norms printed' },
    { loop: 'compiled, grad = null', step: () => compiled(), to: 'zeroGrad' },
    { loop: FILLING, step: () => floors.forEach((floor) => void floor.fill_(1)), to: FILLING },
  ];
  const timed = loops.map(({ step }) => repeated(step));
  for (const { run } of timed) run(2);
  const reserved = memory(backend).reserved;
  const seconds = await measureInTurn(timed, ROUNDS, steps);
  const growth = (memory(backend).reserved - reserved) / 2 ** 20;
  const rows = loops.map(({ loop, to }, i): Row => {
    const own = seconds[i] as number;
    const other = seconds[loops.findIndex(({ loop }) => loop === to)] as number;
    return { name: `${backend}: ${name}, ${loop}`, value: own * 1e3, unit: 'ms', ratio: { to, value: own / other } };
  });
  return [...rows, { name: `${backend}: ${name}, memory reserved meanwhile`, value: growth, unit: 'MiB' }];
}
