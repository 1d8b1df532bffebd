/** What math.test.ts asks of each function: where its error is measured, how large it may be, values at the edges. */

export type Range = readonly [low: number, high: number];

export interface Accuracy {
  /** Ranges in both precisions, then those that only float64 reaches. */
  ranges: readonly Range[];
  wide?: readonly Range[];
  /** Largest error in ulp, float32 and float64; the latter includes that of JavaScript's own function. */
  ulp: readonly [number, number];
}

const TINY: Range = [-1e-3, 1e-3];
const UNIT: Range = [-1, 1];
const ANGLES: readonly Range[] = [
  [-4, 4],
  [-100, 100],
  [-8191, 8191],
];
const LARGE_ANGLES: readonly Range[] = [[-99999, 99999]];
const LOGS: readonly Range[] = [
  [1e-44, 1e-38],
  [0.01, 2],
  [0.9, 1.1],
  [1, 1e6],
];
const LARGE_LOGS: readonly Range[] = [
  [1e-322, 1e-307],
  [1, 1e300],
];

export const ACCURACY: Readonly<Record<string, Accuracy>> = {
  sign: { ranges: [[-3, 3]], ulp: [0, 0] },
  hypot: { ranges: [[-3, 3]], ulp: [2, 3] },
  fmod: {
    ranges: [
      [-50, 50],
      [-1e-40, 1e-40],
      [-3e38, 3e38],
    ],
    wide: [[-1.7e308, 1.7e308]],
    ulp: [0, 0],
  },
  exp: { ranges: [[-103, 88.7], UNIT], wide: [[-745, 709.7]], ulp: [1, 2] },
  halfexp: { ranges: [[0, 89.4]], wide: [[0, 710.4]], ulp: [1, 2] },
  exp2: { ranges: [[-149, 127.9], UNIT], wide: [[-1074, 1023.9]], ulp: [1.5, 2] },
  expm1: { ranges: [[-20, 88.7], UNIT, TINY], wide: [[-40, 709.7]], ulp: [2, 3] },
  tanh: { ranges: [[-10, 10], UNIT, TINY], wide: [[-20, 20]], ulp: [3, 4] },
  log: { ranges: LOGS, wide: LARGE_LOGS, ulp: [1, 2] },
  log2: { ranges: LOGS, wide: LARGE_LOGS, ulp: [1.5, 3] },
  log10: { ranges: LOGS, wide: LARGE_LOGS, ulp: [2, 3] },
  log1p: { ranges: [[-0.99, 3], [-0.1, 0.1], TINY, [1, 1e6]], wide: [[1, 1e300]], ulp: [1.5, 2] },
  sigmoid: {
    ranges: [
      [-80, 20],
      [-3, 3],
    ],
    ulp: [2.5, 3],
  },
  sin: { ranges: ANGLES, wide: LARGE_ANGLES, ulp: [2, 2.5] },
  cos: { ranges: ANGLES, wide: LARGE_ANGLES, ulp: [2, 2.5] },
  tan: { ranges: [[-1.5, 1.5], ...ANGLES], wide: LARGE_ANGLES, ulp: [3.5, 4] },
  asin: { ranges: [UNIT, TINY], ulp: [3, 3] },
  acos: { ranges: [UNIT, [0.99, 1]], ulp: [2, 3] },
  atan: {
    ranges: [
      [-10, 10],
      [-0.5, 0.5],
      [10, 1e6],
    ],
    ulp: [2, 3],
  },
  atan2: { ranges: [[-3, 3]], ulp: [3, 4] },
  sinh: { ranges: [[-3, 3], TINY, [-89.4, 89.4]], wide: [[-710, 710]], ulp: [2, 4] },
  cosh: {
    ranges: [
      [-3, 3],
      [-89.4, 89.4],
    ],
    wide: [[-710, 710]],
    ulp: [2, 4],
  },
  asinh: { ranges: [[-3, 3], TINY, [1, 1e30]], wide: [[1, 1e300]], ulp: [2, 3] },
  acosh: {
    ranges: [
      [1, 3],
      [1, 1.01],
      [1, 1e30],
    ],
    wide: [[1, 1e300]],
    ulp: [2.5, 4],
  },
  atanh: { ranges: [UNIT, [-0.1, 0.1]], ulp: [2, 4] },
  erf: { ranges: [[-1.2, 1.2], [-6, 6], TINY], ulp: [1.5, 2] },
  gaussian: {
    ranges: [
      [-3, 3],
      [-14.5, 14.5],
    ],
    wide: [[-38.6, 38.6]],
    ulp: [1.5, 2.5],
  },
  ndtr: {
    ranges: [
      [-3, 3],
      [-14.5, 9],
    ],
    wide: [[-38.5, 9]],
    ulp: [3.5, 6],
  },
  erfc: {
    ranges: [
      [-3, 3],
      [0, 9],
      [9, 10.5],
    ],
    wide: [[0, 26.5]],
    ulp: [4, 6],
  },
  erfinv: { ranges: [UNIT, TINY, [0.999, 0.9999999]], wide: [[0.9999999, 1]], ulp: [4, 6] },
};

const PI = Math.PI;
const INF = Infinity;

/** Arguments, then the result; where that is rounded to float32, the function must round alike. */
export const EDGES: Readonly<Record<string, readonly (readonly number[])[]>> = {
  sign: [
    [-0, 0],
    [NaN, 0],
    [-INF, -1],
  ],
  hypot: [
    [0, -0, 0],
    [3, 4, 5],
    [INF, NaN, INF],
    [NaN, -INF, INF],
    [NaN, 1, NaN],
    [2 ** 127, 0, 2 ** 127],
  ],
  fmod: [
    [5.5, -2, 1.5],
    [-5.5, 2, -1.5],
    [-6, 3, -0],
    [6, 0.1875, 0],
    [-0, 1, -0],
    [1, INF, 1],
    [1.75 * 2 ** 127, 2 ** 127, 1.5 * 2 ** 126],
    [2 ** 25, 3, 2],
    [-(2 ** 60), 3, -1],
    [2 ** 126, -7, 1],
    [2 ** 127, 2 ** -149, 0],
    [-(2 ** 24), 1, -0],
    [2 ** 100, INF, 2 ** 100],
    [-INF, 2 ** -149, NaN],
    [2 ** 100, 0, NaN],
    [INF, 1, NaN],
    [1, 0, NaN],
    [NaN, 1, NaN],
    [1, NaN, NaN],
  ],
  exp: [
    [0, 1],
    [-0, 1],
    [INF, INF],
    [-INF, 0],
    [NaN, NaN],
    [1000, INF],
    [-1000, 0],
  ],
  halfexp: [
    [0, 0.5],
    [INF, INF],
    [NaN, NaN],
  ],
  exp2: [
    [0, 1],
    [3, 8],
    [-1, 0.5],
    [-140, 2 ** -140],
    [INF, INF],
    [-INF, 0],
    [NaN, NaN],
  ],
  expm1: [
    [-0, -0],
    [0, 0],
    [INF, INF],
    [-INF, -1],
    [-100, -1],
    [NaN, NaN],
    [2 ** -130, 2 ** -130],
  ],
  tanh: [
    [-0, -0],
    [INF, 1],
    [-INF, -1],
    [50, 1],
    [NaN, NaN],
    [2 ** -100, 2 ** -100],
  ],
  log: [
    [1, 0],
    [0, -INF],
    [-0, -INF],
    [-1, NaN],
    [INF, INF],
    [NaN, NaN],
    [-INF, NaN],
  ],
  log2: [
    [1, 0],
    [8, 3],
    [0.125, -3],
    [2 ** -140, -140],
    [0, -INF],
    [-1, NaN],
    [INF, INF],
    [NaN, NaN],
  ],
  log10: [
    [1, 0],
    [10, 1],
    [1000, 3],
    [1e6, 6],
    [0, -INF],
    [-1, NaN],
    [INF, INF],
    [NaN, NaN],
  ],
  log1p: [
    [0, 0],
    [-0, -0],
    [-1, -INF],
    [-2, NaN],
    [INF, INF],
    [NaN, NaN],
    [2 ** -130, 2 ** -130],
  ],
  sigmoid: [
    [0, 0.5],
    [INF, 1],
    [-INF, 0],
    [NaN, NaN],
  ],
  sin: [
    [0, 0],
    [-0, -0],
    [INF, NaN],
    [NaN, NaN],
    [2 ** -130, 2 ** -130],
  ],
  cos: [
    [0, 1],
    [-0, 1],
    [-INF, NaN],
    [NaN, NaN],
  ],
  tan: [
    [0, 0],
    [-0, -0],
    [INF, NaN],
    [NaN, NaN],
  ],
  asin: [
    [-0, -0],
    [1, PI / 2],
    [-1, -PI / 2],
    [1.5, NaN],
    [NaN, NaN],
  ],
  acos: [
    [1, 0],
    [0, PI / 2],
    [-1, PI],
    [-1.5, NaN],
    [NaN, NaN],
  ],
  atan: [
    [-0, -0],
    [1, PI / 4],
    [INF, PI / 2],
    [-INF, -PI / 2],
    [NaN, NaN],
  ],
  atan2: [
    [0, 1, 0],
    [-0, 1, -0],
    [0, -1, PI],
    [-0, -1, -PI],
    [0, 0, 0],
    [-0, 0, -0],
    [0, -0, PI],
    [-0, -0, -PI],
    [1, 0, PI / 2],
    [-1, 0, -PI / 2],
    [INF, INF, PI / 4],
    [INF, -INF, (3 * PI) / 4],
    [1, INF, 0],
    [1, -INF, PI],
    [-INF, 1, -PI / 2],
    [NaN, 1, NaN],
    [1, NaN, NaN],
  ],
  sinh: [
    [-0, -0],
    [INF, INF],
    [-INF, -INF],
    [NaN, NaN],
    [800, INF],
  ],
  cosh: [
    [0, 1],
    [INF, INF],
    [-INF, INF],
    [NaN, NaN],
    [-800, INF],
  ],
  asinh: [
    [-0, -0],
    [INF, INF],
    [-INF, -INF],
    [NaN, NaN],
  ],
  acosh: [
    [1, 0],
    [0.5, NaN],
    [-5, NaN],
    [-1e30, NaN],
    [INF, INF],
    [-INF, NaN],
    [NaN, NaN],
  ],
  atanh: [
    [-0, -0],
    [1, INF],
    [-1, -INF],
    [1.5, NaN],
    [-INF, NaN],
    [NaN, NaN],
  ],
  erf: [
    [-0, -0],
    [INF, 1],
    [-INF, -1],
    [40, 1],
    [-7, -1],
    [NaN, NaN],
  ],
  erfc: [
    [0, 1],
    [INF, 0],
    [-INF, 2],
    [30, 0],
    [NaN, NaN],
  ],
  gaussian: [
    [0, 1],
    [-0, 1],
    [INF, 0],
    [-INF, 0],
    [40, 0],
    [NaN, NaN],
  ],
  ndtr: [
    [0, 0.5],
    [INF, 1],
    [-INF, 0],
    [-40, 0],
    [9, 1],
    [NaN, NaN],
  ],
  erfinv: [
    [0, 0],
    [-0, -0],
    [1, INF],
    [-1, -INF],
    [1.5, NaN],
    [NaN, NaN],
  ],
};
