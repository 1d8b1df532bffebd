/**
 * No option is ignored: a name that a function does not know is an ArgumentError that lists those it knows, in every function that takes options; so
 * is one of the wrong kind. The table of calls has to hold every public function whose signature speaks of options.
 */
import { readdirSync, readFileSync } from 'node:fs';
import * as ct from 'cotangent';
import * as calculus from 'cotangent/calculus';
import * as data from 'cotangent/data';
import * as nn from 'cotangent/nn';
import * as optim from 'cotangent/optim';
import * as plot from 'cotangent/plot';
import { beforeEach, describe, expect, test } from 'vitest';
import { backends } from '../support/backends.ts';

type T = ct.Tensor;
type Call = (options: never) => unknown;
const { tensor } = ct;

const x = (): T =>
  tensor([
    [1, 2],
    [3, 4],
  ]);
const leaf = (): T =>
  tensor(
    [
      [1, 2],
      [3, 4],
    ],
    { requiresGrad: true },
  );
const v = (): T => tensor([1, 2]);
const labels = (): T => tensor([0, 1], { dtype: 'int64' });
const image = (): T => ct.ones([1, 1, 4, 4]);
const kernel = (): T => ct.ones([1, 1, 2, 2]);
const square = (...xs: T[]): T => xs.reduce((sum, y) => sum.add(y.square()), tensor(0, { dtype: 'float64' }));
const parameters = (): T[] => [new nn.Parameter(ct.ones(2))];
const set = () => new data.TensorDataset(x());

const main: Record<string, Call> = {
  tensor: (o) => tensor([1], o),
  fromArray: (o) => ct.fromArray(Float32Array.of(1), [1], o),
  zeros: (o) => ct.zeros(2, o),
  ones: (o) => ct.ones([2], o),
  empty: (o) => ct.empty(2, o),
  full: (o) => ct.full([2], 1, o),
  zerosLike: (o) => ct.zerosLike(x(), o),
  onesLike: (o) => ct.onesLike(x(), o),
  fullLike: (o) => ct.fullLike(x(), 1, o),
  emptyLike: (o) => ct.emptyLike(x(), o),
  arange: (o) => ct.arange(3, o),
  linspace: (o) => ct.linspace(0, 1, 3, o),
  logspace: (o) => ct.logspace(0, 1, 3, 10, o),
  eye: (o) => ct.eye(2, o),
  rand: (o) => ct.rand(2, o),
  randn: (o) => ct.randn([2], o),
  randLike: (o) => ct.randLike(x(), o),
  randnLike: (o) => ct.randnLike(x(), o),
  randint: (o) => ct.randint(3, [2], o),
  randintLike: (o) => ct.randintLike(x(), 3, o),
  randperm: (o) => ct.randperm(3, o),
  uniform_: (o) => ct.uniform_(x(), 0, 1, o),
  normal_: (o) => ct.normal_(x(), 0, 1, o),
  bernoulli: (o) => ct.bernoulli(x(), o),
  bernoulli_: (o) => ct.bernoulli_(x(), 0.5, o),
  dropout: (o) => ct.dropout(x(), 0.5, true, o),
  multinomial: (o) => ct.multinomial(v(), 1, true, o),
  sum: (o) => ct.sum(x(), 0, o),
  mean: (o) => ct.mean(x(), 0, o),
  prod: (o) => ct.prod(x(), 0, o),
  amax: (o) => ct.amax(x(), 0, o),
  amin: (o) => ct.amin(x(), 0, o),
  any: (o) => ct.any(x(), 0, o),
  all: (o) => ct.all(x(), 0, o),
  max: (o) => ct.max(x(), 0, o),
  min: (o) => ct.min(x(), 0, o),
  argmax: (o) => ct.argmax(x(), 0, o),
  argmin: (o) => ct.argmin(x(), 0, o),
  var: (o) => ct.var(x(), 0, o),
  std: (o) => ct.std(x(), 0, o),
  varMean: (o) => ct.varMean(x(), 0, o),
  stdMean: (o) => ct.stdMean(x(), 0, o),
  logsumexp: (o) => ct.logsumexp(x(), 0, o),
  norm: (o) => ct.norm(x(), 2, 0, o),
  cumsum: (o) => ct.cumsum(x(), 0, o),
  cumprod: (o) => ct.cumprod(x(), 0, o),
  softmax: (o) => ct.softmax(x(), 0, o),
  logSoftmax: (o) => ct.logSoftmax(x(), 0, o),
  sort: (o) => ct.sort(x(), o),
  argsort: (o) => ct.argsort(x(), 0, o),
  topk: (o) => ct.topk(x(), 1, o),
  add: (o) => ct.add(x(), 1, o),
  sub: (o) => ct.sub(x(), 1, o),
  rsub: (o) => ct.rsub(x(), 1, o),
  div: (o) => ct.div(x(), 2, o),
  clamp: (o) => ct.clamp(x(), o),
  nanToNum: (o) => ct.nanToNum(x(), o),
  round: (o) => ct.round(x(), o),
  gelu: (o) => ct.gelu(x(), o),
  logit: (o) => ct.logit(x(), o),
  elu: (o) => ct.elu(x(), o),
  celu: (o) => ct.celu(x(), o),
  leakyRelu: (o) => ct.leakyRelu(x(), o),
  hardtanh: (o) => ct.hardtanh(x(), o),
  hardshrink: (o) => ct.hardshrink(x(), o),
  softshrink: (o) => ct.softshrink(x(), o),
  softplus: (o) => ct.softplus(x(), o),
  threshold: (o) => ct.threshold(x(), 0, o),
  to: (o) => ct.to(x(), o),
  addmm: (o) => ct.addmm(x(), x(), x(), o),
  addmv: (o) => ct.addmv(v(), x(), v(), o),
  addr: (o) => ct.addr(x(), v(), v(), o),
  addbmm: (o) => ct.addbmm(x(), x().unsqueeze(0), x().unsqueeze(0), o),
  baddbmm: (o) => ct.baddbmm(x().unsqueeze(0), x().unsqueeze(0), x().unsqueeze(0), o),
  addcmul: (o) => ct.addcmul(x(), x(), x(), o),
  addcdiv: (o) => ct.addcdiv(x(), x(), x(), o),
  indexAdd: (o) => ct.indexAdd(x(), 0, labels(), x(), o),
  embedding: (o) => ct.embedding(labels(), x(), o),
  scaledDotProductAttention: (o) => ct.scaledDotProductAttention(x(), x(), x(), o),
  layerNorm: (o) => ct.layerNorm(x(), 2, o),
  rmsNorm: (o) => ct.rmsNorm(x(), 2, o),
  batchNorm: (o) => ct.batchNorm(x(), null, null, null, null, true, o),
  conv2d: (o) => ct.conv2d(image(), kernel(), o),
  convTranspose2d: (o) => ct.convTranspose2d(image(), kernel(), null, 1, o),
  maxPool2d: (o) => ct.maxPool2d(image(), 2, o),
  avgPool2d: (o) => ct.avgPool2d(image(), 2, o),
  mseLoss: (o) => ct.mseLoss(x(), x(), o),
  l1Loss: (o) => ct.l1Loss(x(), x(), o),
  binaryCrossEntropy: (o) => ct.binaryCrossEntropy(x().sigmoid(), x().sigmoid(), o),
  binaryCrossEntropyWithLogits: (o) => ct.binaryCrossEntropyWithLogits(x(), x(), o),
  nllLoss: (o) => ct.nllLoss(x(), labels(), o),
  crossEntropy: (o) => ct.crossEntropy(x(), labels(), o),
  backward: (o) => ct.backward(leaf().sum(), o),
  grad: (o) => {
    const w = leaf();
    return ct.grad(w.sum(), w, o);
  },
  gradcheck: (o) => ct.gradcheck((y: T) => y.square(), [tensor([1], { dtype: 'float64', requiresGrad: true })], o),
  gradgradcheck: (o) =>
    ct.gradgradcheck((y: T) => y.square(), [tensor([1], { dtype: 'float64', requiresGrad: true })], o),
  detectAnomaly: (o) => ct.detectAnomaly(() => 1, o),
  vmap: (o) => ct.vmap((y: T) => y.exp(), o),
  compile: (o) => ct.compile((y: T) => y.exp(), o),
  '.add_': (o) => x().add_(1, o),
  '.sub_': (o) => x().sub_(1, o),
  '.div_': (o) => x().div_(2, o),
  '.clamp_': (o) => x().clamp_(o),
  '.round_': (o) => x().round_(o),
  '.logit_': (o) => x().logit_(o),
};

const modules: Record<string, Call> = {
  AvgPool2d: (o) => new nn.AvgPool2d(2, o),
  BCELoss: (o) => new nn.BCELoss(o),
  BCEWithLogitsLoss: (o) => new nn.BCEWithLogitsLoss(o),
  BatchNorm1d: (o) => new nn.BatchNorm1d(2, o),
  BatchNorm2d: (o) => new nn.BatchNorm2d(2, o),
  CELU: (o) => new nn.CELU(o),
  Conv2d: (o) => new nn.Conv2d(1, 1, 2, o),
  ConvTranspose2d: (o) => new nn.ConvTranspose2d(1, 1, 2, o),
  CrossEntropyLoss: (o) => new nn.CrossEntropyLoss(o),
  Dropout: (o) => new nn.Dropout(o),
  ELU: (o) => new nn.ELU(o),
  Embedding: (o) => new nn.Embedding(2, 2, o),
  GELU: (o) => new nn.GELU(o),
  L1Loss: (o) => new nn.L1Loss(o),
  LayerNorm: (o) => new nn.LayerNorm(2, o),
  LeakyReLU: (o) => new nn.LeakyReLU(o),
  Linear: (o) => new nn.Linear(2, 2, o),
  MSELoss: (o) => new nn.MSELoss(o),
  MaxPool2d: (o) => new nn.MaxPool2d(2, o),
  MultiheadAttention: (o) => new nn.MultiheadAttention(2, 1, o),
  NLLLoss: (o) => new nn.NLLLoss(o),
  RMSNorm: (o) => new nn.RMSNorm(2, o),
  Softplus: (o) => new nn.Softplus(o),
  TransformerBlock: (o) => new nn.TransformerBlock(2, 1, o),
  TransformerEncoderLayer: (o) => new nn.TransformerEncoderLayer(2, 1, 2, o),
  'Module.loadStateDict': (o) => new nn.Linear(1, 1).loadStateDict({}, o),
  'Module.registerBuffer': (o) => new nn.Linear(1, 1).registerBuffer('b', x(), o),
  'Module.to': (o) => new nn.Linear(1, 1).to(o),
  'MultiheadAttention.forward': (o) => new nn.MultiheadAttention(2, 1)(x(), x(), x(), o),
  'TransformerEncoderLayer.forward': (o) => new nn.TransformerEncoderLayer(2, 1, 2)(x(), o),
  'TransformerBlock.forward': (o) => new nn.TransformerBlock(2, 1)(x(), o),
  'init.uniform_': (o) => nn.init.uniform_(x(), 0, 1, o),
  'init.normal_': (o) => nn.init.normal_(x(), 0, 1, o),
  'init.truncNormal_': (o) => nn.init.truncNormal_(x(), 0, 1, -2, 2, o),
  'init.xavierUniform_': (o) => nn.init.xavierUniform_(x(), 1, o),
  'init.xavierNormal_': (o) => nn.init.xavierNormal_(x(), 1, o),
  'init.kaimingUniform_': (o) => nn.init.kaimingUniform_(x(), 0, 'fanIn', 'relu', o),
  'init.kaimingNormal_': (o) => nn.init.kaimingNormal_(x(), 0, 'fanIn', 'relu', o),
};

const others: Record<string, Call> = {
  SGD: (o) => new optim.SGD(parameters(), o),
  Adam: (o) => new optim.Adam(parameters(), o),
  AdamW: (o) => new optim.AdamW(parameters(), o),
  Adagrad: (o) => new optim.Adagrad(parameters(), o),
  RMSprop: (o) => new optim.RMSprop(parameters(), o),
  LBFGS: (o) => new optim.LBFGS(parameters(), o),
  clipGradNorm: (o) => optim.clipGradNorm(parameters(), 1, o),
  minimize: (o) => optim.minimize(square, [1], o),
  leastSquares: (o) => optim.leastSquares((a: T) => ct.stack([a]), [1], o),
  DataLoader: (o) => new data.DataLoader(set(), o),
  parseCsv: (o) => data.parseCsv('1,2', o),
  difference: (o) => calculus.difference((y: T) => y.square(), 1, o),
  numericGradient: (o) => calculus.numericGradient((y: T) => y.square().sum(), tensor([1], { dtype: 'float64' }), o),
  findRoots: (o) => calculus.findRoots((y: T) => y.sub(1), [0, 3], o),
  integrate: (o) => calculus.integrate((y: T) => y.square(), 0, 1, o),
  integrate2: (o) => calculus.integrate2((a: T, b: T) => a.mul(b), [0, 1], [0, 1], o),
  limit: (o) => calculus.limit((y: T) => y.square(), 1, o),
  lagrange: (o) => calculus.lagrange(square, (a: T) => a.sub(1), [1], o),
  stationaryPoints: (o) => calculus.stationaryPoints(square, [-1, 1], o),
  animation: (o) => plot.animation([plot.curves({ a: (y: T) => y.square() }, {})], o),
  bars: (o) => plot.bars({ a: 1 } as never, o),
  contour: (o) => plot.contour((a: T, b: T) => a.mul(b), o),
  gradientField: (o) => plot.gradientField((a: T, b: T) => a.mul(b), o),
  curves: (o) => plot.curves({ a: (y: T) => y.square() }, o),
  gradientFlow: (o) => {
    const layer = new nn.Linear(1, 1);
    layer(ct.ones([1, 1]))
      .sum()
      .backward();
    return plot.gradientFlow(layer, o);
  },
  graph: (o) => plot.graph(leaf().sum(), o),
  histogram: (o) => plot.histogram({ a: v() }, o),
  pathAnimation: (o) => plot.pathAnimation((a: T, b: T) => a.mul(b), o),
  polar: (o) => plot.polar({}, o),
  surface: (o) => plot.surface((a: T, b: T) => a.mul(b), o),
};

const cases = Object.entries({ ...main, ...modules, ...others });

/** Names of exported functions whose signature, up to its body, speaks of options. */
function functionsWithOptions(): string[] {
  const root = new URL('../../src/', import.meta.url);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !/^(cli|generated)/.test(name),
  );
  return files.flatMap((file) => {
    const text = readFileSync(new URL(file.replaceAll('\\', '/'), root), 'utf8');
    const headers = text.matchAll(
      /^export (?:async )?(?:function|const) (\w+)[^\n]*?\(([\s\S]*?)\n?\)(?:: [^{;]+?)?(?: =>| \{)/gm,
    );
    return [...headers]
      .filter(([, , parameters]) => /\b\w*Options\b|Sizes</.test(parameters as string))
      .map(([, name]) => name as string);
  });
}

describe.each(backends)('on %s', (backend) => {
  beforeEach(() => ct.setBackend(backend));

  test.each(cases)('%s knows its options', async (_, call) => {
    const attempt = async (options: unknown) => {
      try {
        await call(options as never);
      } catch (error) {
        return error;
      }
      return null;
    };
    for (const options of [{ keepDim: true }, { bogus: undefined }, { retain_graph: true, x: 1 }]) {
      const error = await attempt(options);
      expect(error).toBeInstanceOf(ct.ArgumentError);
      expect((error as Error).message).toContain(Object.keys(options)[0]);
    }
    for (const options of ['all', [true]]) expect(await attempt(options)).toBeInstanceOf(ct.CotangentError);
  });
});

test('the table holds every public function that takes options', () => {
  const exported = new Set([ct, nn, optim, data, calculus, plot].flatMap((entry) => Object.keys(entry)));
  const missing = functionsWithOptions().filter(
    (name) => exported.has(name) && !cases.some(([known]) => known === name),
  );
  // Promises are refused as well.
  expect(missing.filter((name) => name !== 'init')).toEqual([]);
  return expect(ct.init({ bogus: 1 } as never)).rejects.toThrow(ct.ArgumentError);
});
