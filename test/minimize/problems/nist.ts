/**
 * The nonlinear regressions of NIST's Statistical Reference Datasets (public domain): 27 models whose parameters are certified to eleven
 * digits, each with two starts, the first of them far from the answer. Data, starts and answers are in `nist.json`, models here. Meyer and
 * Osborne 1 of Moré, Garbow and Hillstrom are among them as MGH10 and MGH17, Kowalik and Osborne as MGH09, with harder starts.
 */
import { readFileSync } from 'node:fs';
import { type Tensor, tensor } from 'cotangent';
import { curve, type Problem } from './problem.ts';

interface Sheet {
  starts: readonly (readonly number[])[];
  /** Certified residual sum of squares. */
  value: number;
  /** Certified parameters. */
  point: readonly number[];
  y: readonly number[];
  /** One or more predictors. */
  x: readonly (readonly number[])[];
}

/** A regression y ≈ model(x; parameters). */
export interface Regression extends Omit<Sheet, 'x' | 'y'>, Pick<Problem, 'name' | 'residuals'> {}

const sheets = JSON.parse(readFileSync(new URL('nist.json', import.meta.url), 'utf8')) as Record<string, Sheet>;

const vector = (values: readonly number[]): Tensor => tensor([...values], { dtype: 'float64' });

function regression(
  name: string,
  model: (x: Tensor, ...parameters: Tensor[]) => Tensor,
  residual = (fitted: Tensor, y: Tensor): Tensor => fitted.sub(y),
): Regression {
  const { x, y, ...rest } = sheets[name] as Sheet;
  const [predictor = []] = x;
  return { name, ...rest, residuals: curve((...b) => residual(model(vector(predictor), ...b), vector(y))) };
}

type T = Tensor;

/** Polynomial of rising powers. */
const polynomial = (x: T, ...b: T[]): T => b.reduceRight((sum, term) => sum.mul(x).add(term), x.mul(0));

/** a e⁻ᵇˣ */
const decay = (x: T, a: T, b: T): T => x.mul(b).neg().exp().mul(a);

/** a exp(−(x − b)² / c²) */
const bell = (x: T, a: T, b: T, c: T): T => x.sub(b).div(c).square().neg().exp().mul(a);

/** a cos(2πx / c) + b sin(2πx / c) */
function wave(x: T, c: T | number, a: T, b: T): T {
  const angle = x.mul(2 * Math.PI).div(c);
  return angle.cos().mul(a).add(angle.sin().mul(b));
}

const saturating = (x: T, a: T, b: T) => x.mul(b).neg().exp().neg().add(1).mul(a);
const chwirut = (x: T, a: T, b: T, c: T) => x.mul(a).neg().exp().div(x.mul(c).add(b));
const lanczos = (x: T, a: T, b: T, c: T, d: T, e: T, f: T) =>
  decay(x, a, b)
    .add(decay(x, c, d))
    .add(decay(x, e, f));
const gauss = (x: T, a: T, b: T, c: T, d: T, e: T, f: T, g: T, h: T) =>
  decay(x, a, b)
    .add(bell(x, c, d, e))
    .add(bell(x, f, g, h));
/** (b₁ + b₂x + b₃x² + b₄x³) / (1 + b₅x + b₆x² + b₇x³) */
const cubicRatio = (x: T, ...b: T[]) =>
  polynomial(x, ...b.slice(0, 4)).div(
    polynomial(x, ...b.slice(4))
      .mul(x)
      .add(1),
  );

const second = (name: string): T => vector(sheets[name]?.x[1] ?? []);

export const regressions: readonly Regression[] = [
  regression('Misra1a', saturating),
  regression('Chwirut2', chwirut),
  regression('Chwirut1', chwirut),
  regression('Lanczos3', lanczos),
  regression('Gauss1', gauss),
  regression('Gauss2', gauss),
  regression('DanWood', (x, a: T, b: T) => x.pow(b).mul(a)),
  regression('Misra1b', (x, a: T, b: T) => x.mul(b).div(2).add(1).pow(-2).neg().add(1).mul(a)),
  regression('Kirby2', (x, a: T, b: T, c: T, d: T, e: T) =>
    polynomial(x, a, b, c).div(polynomial(x, d, e).mul(x).add(1)),
  ),
  regression('Hahn1', cubicRatio),
  regression(
    'Nelson',
    (x, a: T, b: T, c: T) => a.sub(x.mul(b).mul(second('Nelson').mul(c).neg().exp())),
    (fitted, y) => fitted.sub(y.log()),
  ),
  regression('MGH17', (x, a: T, b: T, c: T, d: T, e: T) =>
    decay(x, b, d)
      .add(decay(x, c, e))
      .add(a),
  ),
  regression('Lanczos1', lanczos),
  regression('Lanczos2', lanczos),
  regression('Gauss3', gauss),
  regression('Misra1c', (x, a: T, b: T) => x.mul(b).mul(2).add(1).pow(-0.5).neg().add(1).mul(a)),
  regression('Misra1d', (x, a: T, b: T) => x.mul(a.mul(b)).div(x.mul(b).add(1))),
  regression('Roszman1', (x, a: T, b: T, c: T, d: T) => a.sub(x.mul(b)).sub(c.div(x.sub(d)).atan().div(Math.PI))),
  regression('ENSO', (x, a: T, b: T, c: T, d: T, e: T, f: T, g: T, h: T, i: T) =>
    wave(x, 12, b, c)
      .add(wave(x, d, e, f))
      .add(wave(x, g, h, i))
      .add(a),
  ),
  regression('MGH09', (x, a: T, b: T, c: T, d: T) =>
    x
      .mul(x.add(b))
      .mul(a)
      .div(x.mul(x.add(c)).add(d)),
  ),
  regression('Thurber', cubicRatio),
  regression('BoxBOD', saturating),
  regression('Rat42', (x, a: T, b: T, c: T) => a.div(b.sub(x.mul(c)).exp().add(1))),
  regression('MGH10', (x, a: T, b: T, c: T) => b.div(x.add(c)).exp().mul(a)),
  regression('Eckerle4', (x, a: T, b: T, c: T) => x.sub(c).div(b).square().div(-2).exp().mul(a.div(b))),
  regression('Rat43', (x, a: T, b: T, c: T, d: T) => b.sub(x.mul(c)).exp().add(1).pow(d.reciprocal().neg()).mul(a)),
  regression('Bennett5', (x, a: T, b: T, c: T) => x.add(b).pow(c.reciprocal().neg()).mul(a)),
];
