/** Problems of Moré, Garbow and Hillstrom with two to four variables. */
import { type Tensor, where } from 'cotangent';
import { curve, data, each, list, type Problem } from './problem.ts';

/** An angle in turns, between −¼ and ¾. */
function turns(x: Tensor, y: Tensor): Tensor {
  const angle = y
    .div(x)
    .atan()
    .div(2 * Math.PI);
  return where(x.lt(0), angle.add(0.5), angle);
}

const BARD = [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.1, 4.39];
const GAUSSIAN = [0.0009, 0.0044, 0.0175, 0.054, 0.1295, 0.242, 0.3521, 0.3989];
const MEYER = [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872];
const KOWALIK_Y = [0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246];
const KOWALIK_U = [4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625];

export const few: readonly Problem[] = [
  {
    name: '1 Rosenbrock',
    residuals: list((x, y) => [y.sub(x.square()).mul(10), x.neg().add(1)]),
    start: [-1.2, 1],
    minima: [0],
    point: [1, 1],
  },
  {
    name: '2 Freudenstein and Roth',
    residuals: list((x, y) => [
      y.neg().add(5).mul(y).sub(2).mul(y).add(x).sub(13),
      y.add(1).mul(y).sub(14).mul(y).add(x).sub(29),
    ]),
    start: [0.5, -2],
    minima: [0, 48.98425368],
  },
  {
    name: '3 Powell badly scaled',
    residuals: list((x, y) => [x.mul(y).mul(1e4).sub(1), x.neg().exp().add(y.neg().exp()).sub(1.0001)]),
    start: [0, 1],
    minima: [0],
    point: [1.098159e-5, 9.106146],
  },
  {
    name: '4 Brown badly scaled',
    residuals: list((x, y) => [x.sub(1e6), y.sub(2e-6), x.mul(y).sub(2)]),
    start: [1, 1],
    minima: [0],
    point: [1e6, 2e-6],
  },
  {
    name: '5 Beale',
    residuals: list((x, y) =>
      [1.5, 2.25, 2.625].map((value, i) =>
        x
          .mul(
            y
              .pow(i + 1)
              .neg()
              .add(1),
          )
          .neg()
          .add(value),
      ),
    ),
    start: [1, 1],
    minima: [0],
    point: [3, 0.5],
  },
  {
    name: '6 Jennrich and Sampson',
    residuals: curve((x, y) => {
      const i = data(each(10, (k) => k));
      return i.mul(2).add(2).sub(i.mul(x).exp()).sub(i.mul(y).exp());
    }),
    start: [0.3, 0.4],
    minima: [124.3621824],
    point: [0.2578252, 0.2578252],
  },
  {
    name: '7 Helical valley',
    residuals: list((x, y, z) => [
      z.sub(turns(x, y).mul(10)).mul(10),
      x.square().add(y.square()).sqrt().sub(1).mul(10),
      z,
    ]),
    start: [-1, 0, 0],
    minima: [0],
    point: [1, 0, 0],
  },
  {
    name: '8 Bard',
    residuals: curve((a, b, c) => {
      const u = data(each(15, (i) => i));
      const v = data(each(15, (i) => 16 - i));
      const w = data(each(15, (i) => Math.min(i, 16 - i)));
      return data(BARD).sub(a.add(u.div(v.mul(b).add(w.mul(c)))));
    }),
    start: [1, 1, 1],
    minima: [8.2148773e-3],
    point: [0.08241056, 1.133036, 2.343695],
  },
  {
    name: '9 Gaussian',
    residuals: curve((a, b, c) => {
      const t = data(each(15, (i) => (8 - i) / 2));
      const y = data(each(15, (i) => GAUSSIAN[Math.min(i, 16 - i) - 1] as number));
      return t.sub(c).square().mul(b).div(-2).exp().mul(a).sub(y);
    }),
    start: [0.4, 1, 0],
    minima: [1.127933e-8],
  },
  {
    name: '10 Meyer',
    residuals: curve((a, b, c) => {
      const t = data(each(16, (i) => 45 + 5 * i));
      return b.div(t.add(c)).exp().mul(a).sub(data(MEYER));
    }),
    start: [0.02, 4000, 250],
    minima: [87.9458552],
    point: [5.609636e-3, 6181.346, 345.2236],
  },
  {
    name: '11 Gulf research and development',
    residuals: curve((a, b, c) => {
      const t = each(20, (i) => i / 100);
      const y = data(t.map((p) => 25 + (-50 * Math.log(p)) ** (2 / 3)));
      return y.sub(b).abs().pow(c).div(a).neg().exp().sub(data(t));
    }),
    start: [5, 2.5, 0.15],
    minima: [0],
    except: {
      method: 'levenberg-marquardt',
      why: 'is caught in a cusp, where b is one of y and the exponent is below 1',
    },
  },
  {
    name: '12 Box three-dimensional',
    residuals: curve((a, b, c) => {
      const t = data(each(10, (i) => i / 10));
      const decay = (rate: Tensor | number) => t.mul(rate).neg().exp();
      return decay(a)
        .sub(decay(b))
        .sub(decay(1).sub(decay(10)).mul(c));
    }),
    start: [0, 10, 20],
    minima: [0],
  },
  {
    name: '13 Powell singular',
    residuals: list((a, b, c, d) => [
      a.add(b.mul(10)),
      c.sub(d).mul(Math.sqrt(5)),
      b.sub(c.mul(2)).square(),
      a.sub(d).square().mul(Math.sqrt(10)),
    ]),
    start: [3, -1, 0, 1],
    minima: [0],
  },
  {
    name: '14 Wood',
    residuals: list((a, b, c, d) => [
      b.sub(a.square()).mul(10),
      a.neg().add(1),
      d.sub(c.square()).mul(Math.sqrt(90)),
      c.neg().add(1),
      b.add(d).sub(2).mul(Math.sqrt(10)),
      b.sub(d).div(Math.sqrt(10)),
    ]),
    start: [-3, -1, -3, -1],
    minima: [0],
    point: [1, 1, 1, 1],
  },
  {
    name: '15 Kowalik and Osborne',
    residuals: curve((a, b, c, d) => {
      const u = data(KOWALIK_U);
      return data(KOWALIK_Y).sub(
        u
          .mul(u.add(b))
          .mul(a)
          .div(u.mul(u.add(c)).add(d)),
      );
    }),
    start: [0.25, 0.39, 0.415, 0.39],
    minima: [3.075056e-4],
    point: [0.1928069, 0.1912823, 0.1230565, 0.1360623],
  },
  {
    name: '16 Brown and Dennis',
    residuals: curve((a, b, c, d) => {
      const t = data(each(20, (i) => i / 5));
      const first = t.mul(b).add(a).sub(t.exp());
      const second = t.sin().mul(d).add(c).sub(t.cos());
      return first.square().add(second.square());
    }),
    start: [25, 5, -5, -1],
    minima: [85822.20163],
    point: [-11.59444, 13.20363, -0.4034395, 0.2367788],
  },
];
