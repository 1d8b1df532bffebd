/**
 * Nonlinear regressions with certified answers: the Statistical Reference Datasets of NIST (public domain), of average and higher
 * difficulty. Each has two starts, the first of them far from the answer. Meyer and Osborne 1 of Moré, Garbow and Hillstrom are among
 * them as MGH10 and MGH17, Kowalik and Osborne as MGH09, with harder starts.
 */
import { type Tensor, tensor } from 'cotangent';
import { curve, type Problem } from './problem.ts';

/** A regression y ≈ model(x; parameters). */
export interface Regression extends Omit<Problem, 'start' | 'minima'> {
  starts: readonly (readonly number[])[];
  /** Certified residual sum of squares. */
  value: number;
  /** Certified parameters. */
  point: readonly number[];
}

interface Sheet extends Omit<Regression, 'residuals'> {
  x: readonly number[];
  y: readonly number[];
  model: (x: Tensor, ...parameters: Tensor[]) => Tensor;
}

const vector = (values: readonly number[]): Tensor => tensor([...values], { dtype: 'float64' });

const regression = ({ x, y, model, ...rest }: Sheet): Regression => ({
  ...rest,
  residuals: curve((...parameters) => model(vector(x), ...parameters).sub(vector(y))),
});

const MISRA_X = [77.6, 114.9, 141.1, 190.8, 239.9, 289, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760];
const MISRA_Y = [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.4, 75.47, 81.78];

const CHWIRUT_X = [
  0.5, 1, 1.75, 3.75, 5.75, 0.875, 2.25, 3.25, 5.25, 0.75, 1.75, 2.75, 4.75, 0.625, 1.25, 2.25, 4.25, 0.5, 3, 0.75, 3,
  1.5, 6, 3, 6, 1.5, 3, 0.5, 2, 4, 0.75, 2, 5, 0.75, 2.25, 3.75, 5.75, 3, 0.75, 2.5, 4, 0.75, 2.5, 4, 0.75, 2.5, 4, 0.5,
  6, 3, 0.5, 2.75, 0.5, 1.75,
];
const CHWIRUT_Y = [
  92.9, 57.1, 31.05, 11.5875, 8.025, 63.6, 21.4, 14.25, 8.475, 63.8, 26.8, 16.4625, 7.125, 67.3, 41, 21.15, 8.175, 81.5,
  13.12, 59.9, 14.62, 32.9, 5.44, 12.56, 5.44, 32, 13.95, 75.8, 20, 10.42, 59.5, 21.67, 8.55, 62, 20.2, 7.76, 3.75,
  11.81, 54.7, 23.7, 11.55, 61.3, 17.7, 8.74, 59.2, 16.3, 8.62, 81, 4.87, 14.62, 81.7, 17.17, 81.3, 28.9,
];

const THURBER_X = [
  -3.067, -2.981, -2.921, -2.912, -2.84, -2.797, -2.702, -2.699, -2.633, -2.481, -2.363, -2.322, -1.501, -1.46, -1.274,
  -1.212, -1.1, -1.046, -0.915, -0.714, -0.566, -0.545, -0.4, -0.309, -0.109, -0.103, 0.01, 0.119, 0.377, 0.79, 0.963,
  1.006, 1.115, 1.572, 1.841, 2.047, 2.2,
];
const THURBER_Y = [
  80.574, 84.248, 87.264, 87.195, 89.076, 89.608, 89.868, 90.101, 92.405, 95.854, 100.696, 101.06, 401.672, 390.724,
  567.534, 635.316, 733.054, 759.087, 894.206, 990.785, 1090.109, 1080.914, 1122.643, 1178.351, 1260.531, 1273.514,
  1288.339, 1327.543, 1353.863, 1414.509, 1425.208, 1421.384, 1442.962, 1464.35, 1468.705, 1447.894, 1457.628,
];

const ECKERLE_X = [
  400, 405, 410, 415, 420, 425, 430, 435, 436.5, 438, 439.5, 441, 442.5, 444, 445.5, 447, 448.5, 450, 451.5, 453, 454.5,
  456, 457.5, 459, 460.5, 462, 463.5, 465, 470, 475, 480, 485, 490, 495, 500,
];
const ECKERLE_Y = [
  0.0001575, 0.0001699, 0.000235, 0.0003102, 0.0004917, 0.000871, 0.0017418, 0.00464, 0.0065895, 0.0097302, 0.0149002,
  0.023731, 0.0401683, 0.0712559, 0.1264458, 0.2073413, 0.2902366, 0.3445623, 0.3698049, 0.3668534, 0.3106727,
  0.2078154, 0.1164354, 0.0616764, 0.03372, 0.0194023, 0.0117831, 0.0074357, 0.0022732, 0.00088, 0.0004579, 0.0002345,
  0.0001586, 0.0001143, 0.000071,
];

const MGH09_X = [4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625];
const MGH09_Y = [0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246];
const MGH10_Y = [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872];
const MGH17_Y = [
  0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.85, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658, 0.628, 0.603, 0.58,
  0.558, 0.538, 0.522, 0.506, 0.49, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.42, 0.414, 0.411, 0.406,
];
const LANCZOS1_Y = [
  2.5134, 2.044333373291, 1.668404436564, 1.366418021208, 1.123232487372, 0.9268897180037, 0.7679338563728,
  0.6388775523106, 0.5337835317402, 0.4479363617347, 0.377584788435, 0.3197393199326, 0.2720130773746, 0.2324965529032,
  0.1996589546065, 0.1722704126914, 0.1493405660168, 0.1300700206922, 0.1138119324644, 0.1000415587559, 0.0883320908454,
  0.0783354401935, 0.06976693743449, 0.06239312536719,
];
const RAT43_Y = [
  16.08, 33.83, 65.8, 97.2, 191.55, 326.2, 386.87, 520.53, 590.03, 651.92, 724.93, 699.56, 689.96, 637.56, 717.41,
];

const evenly = (n: number, from: number, step: number): number[] =>
  Array.from({ length: n }, (_, i) => from + step * i);

/** (b₁ + b₂x + b₃x² + b₄x³) / (1 + b₅x + b₆x² + b₇x³) */
export function cubicRatio(x: Tensor, ...b: Tensor[]): Tensor {
  const [b1, b2, b3, b4, b5, b6, b7] = b as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
  const top = x.mul(b4).add(b3).mul(x).add(b2).mul(x).add(b1);
  const bottom = x.mul(b7).add(b6).mul(x).add(b5).mul(x).add(1);
  return top.div(bottom);
}

export const regressions: readonly Regression[] = [
  regression({
    name: 'Misra1a',
    x: MISRA_X,
    y: MISRA_Y,
    model: (x, a: Tensor, b: Tensor) => x.mul(b).neg().exp().neg().add(1).mul(a),
    starts: [
      [500, 0.0001],
      [250, 0.0005],
    ],
    value: 1.2455138894e-1,
    point: [2.3894212918e2, 5.5015643181e-4],
  }),
  regression({
    name: 'Misra1d',
    x: MISRA_X,
    y: MISRA_Y,
    model: (x, a: Tensor, b: Tensor) => x.mul(a.mul(b)).div(x.mul(b).add(1)),
    starts: [
      [500, 0.0001],
      [450, 0.0003],
    ],
    value: 5.6419295283e-2,
    point: [4.3736970754e2, 3.0227324449e-4],
  }),
  regression({
    name: 'Chwirut2',
    x: CHWIRUT_X,
    y: CHWIRUT_Y,
    model: (x, a: Tensor, b: Tensor, c: Tensor) => x.mul(a).neg().exp().div(x.mul(c).add(b)),
    starts: [
      [0.1, 0.01, 0.02],
      [0.15, 0.008, 0.01],
    ],
    value: 5.1304802941e2,
    point: [1.6657666537e-1, 5.1653291286e-3, 1.2150007096e-2],
  }),
  regression({
    name: 'Lanczos1',
    x: evenly(24, 0, 0.05),
    y: LANCZOS1_Y,
    model: (x, a: Tensor, b: Tensor, c: Tensor, d: Tensor, e: Tensor, f: Tensor) =>
      x.mul(b).neg().exp().mul(a).add(x.mul(d).neg().exp().mul(c)).add(x.mul(f).neg().exp().mul(e)),
    starts: [
      [1.2, 0.3, 5.6, 5.5, 6.5, 7.6],
      [0.5, 0.7, 3.6, 4.2, 4, 6.3],
    ],
    value: 1.4307867721e-25,
    point: [9.5100000027e-2, 1.0000000001, 8.6070000013e-1, 3.0000000002, 1.5575999998, 5.0000000001],
  }),
  regression({
    name: 'MGH17',
    x: evenly(33, 0, 10),
    y: MGH17_Y,
    model: (x, a: Tensor, b: Tensor, c: Tensor, d: Tensor, e: Tensor) =>
      x.mul(d).neg().exp().mul(b).add(x.mul(e).neg().exp().mul(c)).add(a),
    starts: [
      [50, 150, -100, 1, 2],
      [0.5, 1.5, -1, 0.01, 0.02],
    ],
    value: 5.4648946975e-5,
    point: [3.7541005211e-1, 1.9358469127, -1.4646871366, 1.286753464e-2, 2.2122699662e-2],
  }),
  regression({
    name: 'MGH09',
    x: MGH09_X,
    y: MGH09_Y,
    model: (x, a: Tensor, b: Tensor, c: Tensor, d: Tensor) =>
      x
        .mul(x.add(b))
        .mul(a)
        .div(x.mul(x.add(c)).add(d)),
    starts: [
      [25, 39, 41.5, 39],
      [0.25, 0.39, 0.415, 0.39],
    ],
    value: 3.0750560385e-4,
    point: [1.9280693458e-1, 1.9128232873e-1, 1.2305650693e-1, 1.3606233068e-1],
  }),
  regression({
    name: 'MGH10',
    x: evenly(16, 50, 5),
    y: MGH10_Y,
    model: (x, a: Tensor, b: Tensor, c: Tensor) => b.div(x.add(c)).exp().mul(a),
    starts: [
      [2, 400_000, 25_000],
      [0.02, 4000, 250],
    ],
    value: 8.7945855171e1,
    point: [5.609636471e-3, 6.1813463463e3, 3.4522363462e2],
  }),
  regression({
    name: 'Thurber',
    x: THURBER_X,
    y: THURBER_Y,
    model: cubicRatio,
    starts: [
      [1000, 1000, 400, 40, 0.7, 0.3, 0.03],
      [1300, 1500, 500, 75, 1, 0.4, 0.05],
    ],
    value: 5.6427082397e3,
    point: [
      1.28813968e3, 1.4910792535e3, 5.8323836877e2, 7.5416644291e1, 9.6629502864e-1, 3.9797285797e-1, 4.9727297349e-2,
    ],
  }),
  regression({
    name: 'BoxBOD',
    x: [1, 2, 3, 5, 7, 10],
    y: [109, 149, 149, 191, 213, 224],
    model: (x, a: Tensor, b: Tensor) => x.mul(b).neg().exp().neg().add(1).mul(a),
    starts: [
      [1, 1],
      [100, 0.75],
    ],
    value: 1.1680088766e3,
    point: [2.1380940889e2, 5.4723748542e-1],
  }),
  regression({
    name: 'Rat42',
    x: [9, 14, 21, 28, 42, 57, 63, 70, 79],
    y: [8.93, 10.8, 18.59, 22.33, 39.35, 56.11, 61.73, 64.62, 67.08],
    model: (x, a: Tensor, b: Tensor, c: Tensor) => a.div(b.sub(x.mul(c)).exp().add(1)),
    starts: [
      [100, 1, 0.1],
      [75, 2.5, 0.07],
    ],
    value: 8.0565229338,
    point: [7.2462237576e1, 2.6180768402, 6.7359200066e-2],
  }),
  regression({
    name: 'Rat43',
    x: evenly(15, 1, 1),
    y: RAT43_Y,
    model: (x, a: Tensor, b: Tensor, c: Tensor, d: Tensor) =>
      b.sub(x.mul(c)).exp().add(1).pow(d.reciprocal().neg()).mul(a),
    starts: [
      [100, 10, 1, 1],
      [700, 5, 0.75, 1.3],
    ],
    value: 8.786404908e3,
    point: [6.996415127e2, 5.2771253025, 7.5962938329e-1, 1.2792483859],
  }),
  regression({
    name: 'Eckerle4',
    x: ECKERLE_X,
    y: ECKERLE_Y,
    model: (x, a: Tensor, b: Tensor, c: Tensor) => x.sub(c).div(b).square().div(-2).exp().mul(a.div(b)),
    starts: [
      [1, 10, 500],
      [1.5, 5, 450],
    ],
    value: 1.4635887487e-3,
    point: [1.5543827178, 4.0888321754, 4.5154121844e2],
  }),
];
