/** Problems of Moré, Garbow and Hillstrom with five variables and more, or as many as one likes. */
import { cat, stack, type Tensor, zeros } from 'cotangent';
import { curve, data, each, type Problem } from './problem.ts';

const OSBORNE_1 = [
  0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.85, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658, 0.628, 0.603, 0.58,
  0.558, 0.538, 0.522, 0.506, 0.49, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.42, 0.414, 0.411, 0.406,
];
const OSBORNE_2 = [
  1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608, 0.655, 0.616, 0.606, 0.602,
  0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661, 0.612, 0.558, 0.533, 0.495, 0.5, 0.423, 0.395, 0.375,
  0.372, 0.391, 0.396, 0.405, 0.428, 0.429, 0.523, 0.562, 0.607, 0.653, 0.672, 0.708, 0.633, 0.668, 0.645, 0.632, 0.591,
  0.559, 0.597, 0.625, 0.739, 0.71, 0.729, 0.72, 0.636, 0.581, 0.428, 0.292, 0.162, 0.098, 0.054,
];

const scalar = (x: Tensor): Tensor => x.reshape(1);

/** The neighbours of every element, with zeros beyond the ends. */
function neighbours(x: Tensor): { left: Tensor; right: Tensor } {
  const n = x.size;
  const end = zeros([1], { dtype: 'float64' });
  return { left: cat([end, x.narrow(0, 0, n - 1)]), right: cat([x.narrow(0, 1, n - 1), end]) };
}

function watson(n: number, minimum: number): Problem {
  const t = each(29, (i) => i / 29);
  return {
    name: `20 Watson, ${n} variables`,
    residuals: (x) => {
      const powers = data(t.flatMap((base) => each(n, (j) => base ** (j - 1)))).reshape(29, n);
      const slopes = data(t.flatMap((base) => each(n, (j) => (j === 1 ? 0 : (j - 1) * base ** (j - 2))))).reshape(
        29,
        n,
      );
      const first = x.select(0, 0);
      return cat([
        slopes.matmul(x).sub(powers.matmul(x).square()).sub(1),
        stack([first, x.select(0, 1).sub(first.square()).sub(1)]),
      ]);
    },
    start: each(n, () => 0),
    minima: [minimum],
    ...(n < 12
      ? {}
      : {
          flat: {
            method: 'lbfgs',
            reached: 1e-9,
            why: 'the Hessian has a condition number of 2e13: the last steps gain less than the rounding of the value, and whether they lead on depends on it',
          },
        }),
  };
}

function penalty1(n: number, minimum: number): Problem {
  return {
    name: `23 Penalty I, ${n} variables`,
    residuals: (x) => cat([x.sub(1).mul(Math.sqrt(1e-5)), scalar(x.square().sum().sub(0.25))]),
    start: each(n, (j) => j),
    minima: [minimum],
  };
}

function penalty2(n: number, minimum: number): Problem {
  const y = each(n - 1, (i) => Math.exp((i + 1) / 10) + Math.exp(i / 10));
  return {
    name: `24 Penalty II, ${n} variables`,
    residuals: (x) => {
      const power = x.div(10).exp();
      const [head, tail] = [power.narrow(0, 0, n - 1), power.narrow(0, 1, n - 1)];
      return cat([
        scalar(x.select(0, 0).sub(0.2)),
        tail.add(head).sub(data(y)).mul(Math.sqrt(1e-5)),
        tail.sub(Math.exp(-0.1)).mul(Math.sqrt(1e-5)),
        scalar(
          x
            .square()
            .mul(data(each(n, (j) => n - j + 1)))
            .sum()
            .sub(1),
        ),
      ]);
    },
    start: each(n, () => 0.5),
    minima: [minimum],
  };
}

/** Averages of Chebyshev polynomials, shifted to [0, 1], over the points, against their integrals. */
function chebyquad(n: number, minima: readonly number[]): Problem {
  return {
    name: `35 Chebyquad, ${n} variables`,
    residuals: (x) => {
      const y = x.mul(2).sub(1);
      const averages: Tensor[] = [];
      let [before, now] = [y.mul(0).add(1), y];
      for (let i = 1; i <= n; i++) {
        averages.push(now.mean().sub(i % 2 === 0 ? -1 / (i * i - 1) : 0));
        [before, now] = [now, y.mul(now).mul(2).sub(before)];
      }
      return stack(averages);
    },
    start: each(n, (j) => j / (n + 1)),
    minima,
  };
}

export const many: readonly Problem[] = [
  {
    name: '17 Osborne 1',
    residuals: curve((a, b, c, d, e) => {
      const t = data(each(33, (i) => 10 * (i - 1)));
      const model = t.mul(d).neg().exp().mul(b).add(t.mul(e).neg().exp().mul(c)).add(a);
      return data(OSBORNE_1).sub(model);
    }),
    start: [0.5, 1.5, -1, 0.01, 0.02],
    minima: [5.464895e-5],
    point: [0.37541, 1.935847, -1.464687, 0.01286753, 0.0221227],
  },
  {
    name: '18 Biggs EXP6',
    residuals: curve((a, b, c, d, e, f) => {
      const t = data(each(13, (i) => i / 10));
      const decay = (rate: Tensor | number, size: Tensor | number) => t.mul(rate).neg().exp().mul(size);
      return decay(a, c)
        .sub(decay(b, d))
        .add(decay(e, f))
        .sub(decay(1, 1).sub(decay(10, 5)).add(decay(4, 3)));
    }),
    start: [1, 2, 1, 1, 1, 1],
    minima: [0, 5.65565e-3],
  },
  {
    name: '19 Osborne 2',
    residuals: (x) => {
      const t = data(each(65, (i) => (i - 1) / 10));
      const [size, rate, centre] = [x.narrow(0, 0, 4), x.narrow(0, 4, 4), x.narrow(0, 8, 3)];
      const bell = (k: number) =>
        t
          .sub(centre.select(0, k - 1))
          .square()
          .mul(rate.select(0, k))
          .neg()
          .exp()
          .mul(size.select(0, k));
      const decay = t.mul(rate.select(0, 0)).neg().exp().mul(size.select(0, 0));
      return data(OSBORNE_2).sub(decay).sub(bell(1)).sub(bell(2)).sub(bell(3));
    },
    start: [1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5],
    minima: [4.013774e-2],
  },
  watson(6, 2.28767e-3),
  watson(9, 1.39976e-6),
  watson(12, 4.72238e-10),
  {
    name: '21 Extended Rosenbrock, 20 variables',
    residuals: (x) => {
      const [a, b] = [x.reshape(10, 2).select(1, 0), x.reshape(10, 2).select(1, 1)];
      return cat([b.sub(a.square()).mul(10), a.neg().add(1)]);
    },
    start: each(20, (j) => (j % 2 === 1 ? -1.2 : 1)),
    minima: [0],
    point: each(20, () => 1),
  },
  {
    name: '22 Extended Powell singular, 12 variables',
    residuals: (x) => {
      const [a, b, c, d] = [0, 1, 2, 3].map((k) => x.reshape(3, 4).select(1, k)) as [Tensor, Tensor, Tensor, Tensor];
      return cat([
        a.add(b.mul(10)),
        c.sub(d).mul(Math.sqrt(5)),
        b.sub(c.mul(2)).square(),
        a.sub(d).square().mul(Math.sqrt(10)),
      ]);
    },
    start: each(12, (j) => [3, -1, 0, 1][(j - 1) % 4] as number),
    minima: [0],
  },
  penalty1(4, 2.2499775e-5),
  penalty1(10, 7.087651e-5),
  penalty2(4, 9.376293e-6),
  penalty2(10, 2.936605e-4),
  {
    name: '25 Variably dimensioned, 10 variables',
    residuals: (x) => {
      const d = x.sub(1);
      const sum = scalar(d.mul(data(each(10, (j) => j))).sum());
      return cat([d, sum, sum.square()]);
    },
    start: each(10, (j) => 1 - j / 10),
    minima: [0],
    point: each(10, () => 1),
  },
  {
    name: '26 Trigonometric, 10 variables',
    residuals: (x) => {
      const cosine = x.cos();
      return cosine
        .neg()
        .add(1)
        .mul(data(each(10, (i) => i)))
        .add(10)
        .sub(cosine.sum())
        .sub(x.sin());
    },
    start: each(10, () => 1 / 10),
    minima: [0, 2.7950561e-5],
  },
  {
    name: '27 Brown almost-linear, 10 variables',
    residuals: (x) => cat([x.narrow(0, 0, 9).add(x.sum()).sub(11), scalar(x.prod().sub(1))]),
    start: each(10, () => 0.5),
    minima: [0, 1],
  },
  {
    name: '28 Discrete boundary value, 10 variables',
    residuals: (x) => {
      const { left, right } = neighbours(x);
      const cube = x.add(data(each(10, (i) => i / 11 + 1))).pow(3);
      return x
        .mul(2)
        .sub(left)
        .sub(right)
        .add(cube.div(2 * 11 * 11));
    },
    start: each(10, (j) => (j / 11) * (j / 11 - 1)),
    minima: [0],
  },
  {
    name: '30 Broyden tridiagonal, 10 variables',
    residuals: (x) => {
      const { left, right } = neighbours(x);
      return x.mul(-2).add(3).mul(x).sub(left).sub(right.mul(2)).add(1);
    },
    start: each(10, () => -1),
    minima: [0],
  },
  {
    name: '32 Linear, full rank, 5 variables and 10 residuals',
    residuals: (x) =>
      cat([x, zeros([5], { dtype: 'float64' })])
        .sub(x.sum().div(5))
        .sub(1),
    start: each(5, () => 1),
    minima: [5],
    point: each(5, () => -1),
  },
  chebyquad(8, [3.516874e-3]),
  chebyquad(9, [0]),
  chebyquad(10, [6.503955e-3, 4.772714e-3]),
];
