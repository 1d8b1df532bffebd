/**
 * Convolutions in float32, forward and both backward kernels, as rates beside that of a matrix product of as many operations; the
 * layers of a small net in PyTorch where it is installed.
 */
import { type BackendName, backendInfo, conv2d, grad, noGrad, randn, scope, setBackend, type Tensor } from 'cotangent';
import { measure, type Row } from './measure.ts';
import { findTorch, runTorchConv } from './peers/torch.ts';

export const title = 'conv: conv2d in float32, GFLOP/s';

interface Shape {
  name: string;
  x: readonly [number, number, number, number];
  /** Number and size of the filters. */
  filters: number;
  kernel: number;
  stride?: number;
  groups?: number;
  /** WASM has one thread, and need not do them all. */
  large?: boolean;
}

const SHAPES: readonly Shape[] = [
  { name: '3×3, 1→32, 64 × 28²', x: [64, 1, 28, 28], filters: 32, kernel: 3 },
  { name: '3×3, 32→64, 64 × 14²', x: [64, 32, 14, 14], filters: 64, kernel: 3 },
  { name: '3×3, 64→64, 4 × 56²', x: [4, 64, 56, 56], filters: 64, kernel: 3, large: true },
  { name: '3×3, 256→256, 8 × 14²', x: [8, 256, 14, 14], filters: 256, kernel: 3, large: true },
  { name: '3×3 by steps of 2, 64→128, 4 × 56²', x: [4, 64, 56, 56], filters: 128, kernel: 3, stride: 2, large: true },
  { name: '7×7 by steps of 2, 3→64, 2 × 224²', x: [2, 3, 224, 224], filters: 64, kernel: 7, stride: 2, large: true },
  { name: '1×1, 256→256, 16 × 14²', x: [16, 256, 14, 14], filters: 256, kernel: 1, large: true },
  { name: '3×3, each of 128 channels, 4 × 56²', x: [4, 128, 56, 56], filters: 128, kernel: 3, groups: 128 },
];

/** What PyTorch's script takes. */
const settings = ({ x, filters, kernel, stride = 1, groups = 1 }: Shape): number[] => [
  ...x,
  filters,
  kernel,
  stride,
  kernel >> 1,
  groups,
];

/** Operations per second of a square product with as many operations. */
function productRate(flops: number): number {
  const n = Math.round((flops / 2) ** (1 / 3));
  const [a, b] = [randn([n, n]), randn([n, n])];
  const seconds = noGrad(() => measure(() => scope(() => void a.matmul(b))));
  return (2 * n ** 3) / seconds / 1e9;
}

function rowsOf(shape: Shape, backend: BackendName, torch: readonly number[] | null): Row[] {
  const { name, x: size, filters, kernel, stride = 1, groups = 1 } = shape;
  const x = randn([...size], { requiresGrad: true });
  const w = randn([filters, size[1] / groups, kernel, kernel], { requiresGrad: true });
  const options = { stride, padding: kernel >> 1, groups };
  const y = conv2d(x, w, options);
  const g = randn([...y.shape]);
  const flops = 2 * y.size * (w.size / filters);
  const product = productRate(flops);
  const backward = (input: Tensor) => () => void grad([y], [input], { gradOutputs: [g], retainGraph: true });
  const seconds = [() => void noGrad(() => conv2d(x, w, options)), backward(x), backward(w)].map((fn) =>
    measure(() => scope(fn)),
  ) as [number, number, number];
  const row = (column: string, value: number, unit: string): Row => ({
    name: `${backend}: ${name}`,
    column,
    value,
    unit,
  });
  const rows = ['forward', 'to x', 'to weight'].map((column, i) =>
    row(column, flops / (seconds[i] as number) / 1e9, 'GFLOP/s'),
  );
  const all = seconds.reduce((sum, one) => sum + one, 0);
  rows.push(row('all / matmul', (3 * flops) / all / 1e9 / product, '×'), row('all', all * 1e3, 'ms'));
  if (torch !== null) {
    const ms = torch.reduce((sum, one) => sum + one, 0);
    rows.push(row('PyTorch', ms, 'ms'), row('PyTorch / all', ms / (all * 1e3), '×'));
  }
  return rows;
}

export function run(backends: readonly BackendName[]): Row[] {
  setBackend(backends[0] as BackendName);
  const torch = findTorch();
  console.log(
    torch === null
      ? '  PyTorch: not found (set PYTHON to a Python that has it), its columns are left out'
      : `  PyTorch ${torch.version} (${torch.python}), threads: ${backendInfo().threads}`,
  );
  const peers = SHAPES.map((shape) => (torch === null ? null : runTorchConv(torch.python, settings(shape))));
  return backends.flatMap((backend) => {
    setBackend(backend);
    return SHAPES.flatMap((shape, i) =>
      shape.large && backend === 'wasm' ? [] : scope(() => rowsOf(shape, backend, peers[i] ?? null)),
    );
  });
}
