/** C3: convolution and batch normalisation, forward and backward, by hand and by autograd. */
import { batchNorm, conv2d, type Tensor, tensor } from 'cotangent';
import { contour } from 'cotangent/plot';
import type { WorkedExample } from './example.ts';

const text = String.raw`
**Convolution** slides a filter $w$ over an image $x$ (without turning it over, which makes it a *cross-correlation*):
$$y_{ij} = \sum_{u,v} x_{i+u,\,j+v}\,w_{uv}.$$
$5\times5$ by $3\times3$ gives $3\times3$. Each $y_{ij}$ depends on $w_{uv}$ with slope $x_{i+u,j+v}$ and on that pixel with slope
$w_{uv}$. So with $g = \partial L/\partial y$, in one and the same loop, $\partial L/\partial w_{uv} = \sum_{ij} g_{ij}\,x_{i+u,j+v}$ and
$\partial L/\partial x_{i+u,j+v} \mathrel{+}= g_{ij}\,w_{uv}$.

**Batch normalisation** (Ioffe and Szegedy 2015) gives each feature mean 0 and variance 1 over the batch, then scales and
shifts: $\hat x = (x - \mu)/\sqrt{\sigma^2 + \epsilon}$, $y = \gamma\hat x + \beta$. As $\mu$ and $\sigma$ depend on all samples,
so does each gradient:
$$\frac{\partial L}{\partial x_i} = \frac{\gamma}{\sqrt{\sigma^2 + \epsilon}}\Big(g_i - \overline{g} - \hat x_i\,\overline{g\hat x}\Big).$$`;

type Matrix = number[][];
const matrix = (rows: number, columns: number, f: (i: number, j: number) => number): Matrix =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => f(i, j)));
const at = (m: Matrix, i: number, j: number): number => m[i]?.[j] as number;
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;

/** y, ∂L/∂x and ∂L/∂w for g = ∂L/∂y. */
function convolveByHand(x: Matrix, w: Matrix, g: Matrix): { y: Matrix; dx: Matrix; dw: Matrix } {
  const [y, dx, dw] = [matrix(3, 3, () => 0), matrix(5, 5, () => 0), matrix(3, 3, () => 0)];
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++)
      for (let u = 0; u < 3; u++)
        for (let v = 0; v < 3; v++) {
          (y[i] as number[])[j] = at(y, i, j) + at(x, i + u, j + v) * at(w, u, v);
          (dw[u] as number[])[v] = at(dw, u, v) + at(g, i, j) * at(x, i + u, j + v);
          (dx[i + u] as number[])[j + v] = at(dx, i + u, j + v) + at(g, i, j) * at(w, u, v);
        }
  return { y, dx, dw };
}

/** y and ∂L/∂x of one feature. */
function normaliseByHand(x: number[], g: number[], gamma: number, beta: number): { y: number[]; dx: number[] } {
  const mu = mean(x);
  const deviation = Math.sqrt(mean(x.map((v) => (v - mu) ** 2)) + 1e-5);
  const hat = x.map((v) => (v - mu) / deviation);
  const [meanG, meanGHat] = [mean(g), mean(g.map((v, i) => v * (hat[i] as number)))];
  const dx = g.map((v, i) => (gamma / deviation) * (v - meanG - (hat[i] as number) * meanGHat));
  return { y: hat.map((v) => gamma * v + beta), dx };
}

const variable = (values: number[] | Matrix) => tensor(values, { dtype: 'float64', requiresGrad: true });
const distance = (got: Tensor | null, want: number[] | Matrix): number =>
  got
    ?.reshape([-1])
    .sub(tensor(want.flat(), { dtype: 'float64' }))
    .abs()
    .amax()
    .item() ?? Number.NaN;
const tight = { absolute: 1e-10 };

export const examples: readonly WorkedExample[] = [
  {
    id: 'C3',
    title: 'Convolution and batch normalisation',
    text,
    run(report) {
      const image = matrix(5, 5, (i, j) => Math.exp(-((i - 2) ** 2 + (j - 1.5) ** 2) / 3));
      const sobel = [
        [-1, 0, 1],
        [-2, 0, 2],
        [-1, 0, 1],
      ];
      const [x, w] = [variable(image), variable(sobel)];
      const y = conv2d(x.reshape([1, 1, 5, 5]), w.reshape([1, 1, 3, 3]));
      // L = ½ Σ y², so that g = y.
      y.square().sum().mul(0.5).backward();
      const byHand = convolveByHand(image, sobel, y.reshape([3, 3]).toArray() as Matrix);
      report.figure('conv2d: y', distance(y, byHand.y), 0, tight);
      report.figure('conv2d: ∂L/∂x', distance(x.grad, byHand.dx), 0, tight);
      report.figure('conv2d: ∂L/∂w', distance(w.grad, byHand.dw), 0, tight);

      const batch = matrix(6, 2, (i, j) => Math.sin(1 + i * (2 + j)) * 3 + j);
      const cotangent = matrix(6, 2, (i, j) => Math.cos(i + 2 * j));
      const [gamma, beta] = [
        [1.5, -0.5],
        [0.2, 1],
      ] as const;
      const [rows, weight, bias] = [variable(batch), variable([...gamma]), variable([...beta])];
      const normal = batchNorm(rows, null, null, { weight, bias, training: true });
      normal.backward(tensor(cotangent, { dtype: 'float64' }));
      for (const j of [0, 1] as const) {
        const column = (m: Matrix) => m.map((row) => row[j] as number);
        const hand = normaliseByHand(column(batch), column(cotangent), gamma[j], beta[j]);
        report.figure(`batchNorm, feature ${j}: y`, distance(normal.select(1, j), hand.y), 0, tight);
        report.figure(`batchNorm, feature ${j}: ∂L/∂x`, distance(rows.grad?.select(1, j) ?? null, hand.dx), 0, tight);
        report.figure(`batchNorm, feature ${j}: mean`, normal.select(1, j).mean().item(), beta[j], tight);
      }

      const grid = matrix(48, 48, (i, j) => Math.exp(-((i - 24) ** 2 + (j - 20) ** 2) / 150));
      const spot = tensor(grid, { dtype: 'float64' });
      const slope = conv2d(spot.reshape([1, 1, 48, 48]), w.detach().reshape([1, 1, 3, 3])).reshape([46, 46]);
      const picture = (values: Tensor, title: string, zLabel: string) => {
        const range = [0, (values.shape[0] as number) - 1] as const;
        return contour(values, { x: range, y: range, title, xLabel: 'column', yLabel: 'row', zLabel });
      };
      report.picture(picture(spot, 'A spot', 'brightness'), 'A larger image, 48 × 48.');
      report.picture(
        picture(slope, 'Its horizontal slope', 'slope'),
        'The same filter, Sobel’s, over it: positive where brightness grows to the right, negative where it falls.',
      );
    },
  },
];
