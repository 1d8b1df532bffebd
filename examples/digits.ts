/**
 * Handwritten digits of 8 × 8 pixels, recognised by a small network. With `--data FILE` from a table of 64 pixel columns
 * (0 to 16) and the label, such as the UCI optical digits; without it from digits that `digits/draw.ts` makes.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  ArgumentError,
  crossEntropy,
  fromArray,
  Generator,
  manualSeed,
  noGrad,
  randnLike,
  randperm,
  scope,
  type Tensor,
} from 'cotangent';
import { DataLoader, parseCsv, TensorDataset } from 'cotangent/data';
import { Dropout, GELU, Linear, Sequential } from 'cotangent/nn';
import { AdamW } from 'cotangent/optim';
import { drawDigits } from './digits/draw.ts';

export const about = '8 × 8 digits: --data FILE (64 columns and the label), --epochs N, --seed N';

interface Labelled {
  pixels: Tensor;
  labels: Tensor;
}

const PIXELS = 64;
const HELD_BACK = 5;
const WIDTH = 256;
const DROPOUT = 0.3;
/** Standard deviation of the noise on training images, which makes a few hundred of them go further. */
const NOISE = 0.1;
const PEAK = 3e-3;

function fromCsv(path: string): Labelled {
  const { values, rows, columns } = parseCsv(readFileSync(path, 'utf8'));
  if (columns !== PIXELS + 1 || rows < HELD_BACK)
    throw new ArgumentError(
      'digits',
      `${path} wants ${PIXELS} pixel columns and a label, got ${rows} rows of ${columns} columns`,
    );
  const table = fromArray(values, [rows, columns], { dtype: 'float32' });
  return { pixels: table.narrow(1, 0, PIXELS).div(16), labels: table.select(1, PIXELS).to('int64') };
}

/** Share of the labels that the model gets right. */
function accuracy(model: Sequential, { pixels, labels }: Labelled): number {
  model.eval();
  const share = scope(() => noGrad(() => model(pixels).argmax(1).eq(labels).to('float64').mean().item()));
  model.train();
  return share;
}

/** Trains on four fifths and returns the accuracy on the rest. */
export function trainDigits({ pixels, labels }: Labelled, epochs: number, seed: number): number {
  const n = labels.size;
  const order = randperm(n, { generator: new Generator(seed) });
  const part = (start: number, end: number): Labelled => {
    const rows = order.slice(0, start, end);
    return { pixels: pixels.indexSelect(0, rows), labels: labels.indexSelect(0, rows) };
  };
  const cut = n - Math.floor(n / HELD_BACK);
  const [known, held] = [part(0, cut), part(cut, n)];

  manualSeed(seed);
  const hidden = (features: number) => [new Linear(features, WIDTH), new GELU(), new Dropout(DROPOUT)];
  const model = new Sequential(...hidden(PIXELS), ...hidden(WIDTH), new Linear(WIDTH, 10));
  const optimizer = new AdamW(model.parameters(), { lr: PEAK, weightDecay: 0.1 });
  const loader = new DataLoader(new TensorDataset(known.pixels, known.labels), { batchSize: 64, shuffle: true, seed });
  for (let epoch = 1; epoch <= epochs; epoch++) {
    let sum = 0;
    // Falling to nothing towards the end, so that the result does not depend on the last few batches.
    for (const group of optimizer.paramGroups) group.lr = PEAK * (1 - (epoch - 1) / epochs);
    for (const [x, y] of loader)
      scope(() => {
        const noisy = x.add(randnLike(x).mul(NOISE));
        const loss = crossEntropy(model(noisy), y);
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        sum += loss.item();
      });
    if (epoch % 5 === 0 || epoch === epochs)
      console.log(
        `epoch ${epoch}  loss ${(sum / loader.length).toFixed(4)}  held-back accuracy ${accuracy(model, held).toFixed(4)}`,
      );
  }
  return accuracy(model, held);
}

export function main(args: string[]): void {
  const { values } = parseArgs({
    args,
    options: {
      data: { type: 'string' },
      epochs: { type: 'string', default: '30' },
      seed: { type: 'string', default: '1' },
    },
  });
  const [epochs, seed] = [Number(values.epochs), Number(values.seed)];
  if (!Number.isInteger(epochs) || epochs < 1)
    throw new ArgumentError('digits', `--epochs wants a positive whole number, got '${values.epochs}'`);
  const started = performance.now();
  const data = values.data === undefined ? drawDigits(2000, seed) : fromCsv(values.data);
  const result = trainDigits(data, epochs, seed);
  console.log(
    `accuracy on the held-back fifth: ${result.toFixed(4)}, in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
}
