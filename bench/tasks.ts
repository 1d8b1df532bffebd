/** Small trainings, each a model, an optimizer and one step; `peers/torch_steps.py` has the same ones. */
import { arange, crossEntropy, manualSeed, mseLoss, randint, randn, type Tensor, tensor } from 'cotangent';
import {
  Conv2d,
  Embedding,
  Flatten,
  LayerNorm,
  Linear,
  MaxPool2d,
  Module,
  ModuleList,
  ReLU,
  Sequential,
  TransformerBlock,
} from 'cotangent/nn';
import { Adam, AdamW, type Optimizer, SGD } from 'cotangent/optim';

/** A training from the same start every time. */
export interface Training {
  /** One step; the loss is that before the update. */
  step: (...args: Tensor[]) => Tensor;
  args: Tensor[];
}

export interface Task {
  /** What the peers' scripts call it. */
  id: string;
  name: string;
  /** The figures are for so many steps. */
  steps: number;
  /** Steps that are not measured, and rounds of how many that are. */
  warmUp: number;
  rounds: number;
  perRound: number;
  /** Rounds on WASM, where there is no other thread. */
  wasmRounds?: number;
  /** Whether `repeat` is measured as well. */
  repeat?: boolean;
  make: () => Training;
}

/** `lossOf` and everything that a step does with it. */
const training = (optimizer: Optimizer, lossOf: (...args: Tensor[]) => Tensor, args: Tensor[] = []): Training => ({
  step: (...given) => {
    optimizer.zeroGrad();
    const loss = lossOf(...given);
    loss.backward();
    optimizer.step();
    return loss;
  },
  args,
});

/** Himmelblau's function, from a start between two of its minima. */
function himmelblau(): Training {
  const at = tensor([-4, 0], { requiresGrad: true });
  return training(new Adam([at], { lr: 1e-3 }), () => {
    const [x, y] = [at.select(0, 0), at.select(0, 1)];
    return x.square().add(y).sub(11).square().add(x.add(y.square()).sub(7).square());
  });
}

function regression(): Training {
  const x = randn([100, 3]);
  const noise = randn([100, 1]).mul(0.01);
  const y = x
    .matmul(tensor([[1.5], [-2], [0.7]]))
    .add(0.3)
    .add(noise);
  const model = new Linear(3, 1);
  return training(new SGD(model.parameters(), { lr: 1e-2 }), (input, target) => mseLoss(model(input), target), [x, y]);
}

function classifier(sizes: readonly number[], batch: number, optimizer: (model: Module) => Optimizer): Training {
  const layers = sizes.slice(1).map((size, i) => new Linear(sizes[i] as number, size));
  const model = new Sequential(...layers.flatMap((layer, i) => (i === 0 ? [layer] : [new ReLU(), layer])));
  const data = [randn([batch, sizes[0] as number]), randint(0, sizes.at(-1) as number, [batch])];
  return training(optimizer(model), (x, y) => crossEntropy(model(x), y), data);
}

/** A small convolutional net on random images. */
export function cnn(): Training {
  const block = (from: number, to: number) => [new Conv2d(from, to, 3, { padding: 1 }), new ReLU(), new MaxPool2d(2)];
  const model = new Sequential(
    ...block(1, 32),
    ...block(32, 64),
    new Flatten(),
    new Linear(7 * 7 * 64, 128),
    new ReLU(),
    new Linear(128, 10),
  );
  return training(new Adam(model.parameters(), { lr: 1e-3 }), (x, y) => crossEntropy(model(x), y), [
    randn([64, 1, 28, 28]),
    randint(0, 10, [64]),
  ]);
}

const MLP = [784, 512, 256, 10];
const GPT = { layers: 4, heads: 4, width: 128, context: 64, vocabulary: 65, batch: 16 };

class Gpt extends Module {
  readonly tokens = new Embedding(GPT.vocabulary, GPT.width);
  readonly positions = new Embedding(GPT.context, GPT.width);
  readonly blocks = new ModuleList(
    Array.from({ length: GPT.layers }, () => new TransformerBlock(GPT.width, GPT.heads, { causal: true })),
  );
  readonly norm = new LayerNorm(GPT.width);
  readonly head = new Linear(GPT.width, GPT.vocabulary, { bias: false });

  override forward(tokens: Tensor): Tensor {
    let x = this.tokens(tokens).add(this.positions(arange(GPT.context)));
    for (const block of this.blocks) x = block(x);
    return this.head(this.norm(x));
  }
}

/** A small language model on random characters. */
export function gpt(): Training {
  const model = new Gpt();
  const shape = [GPT.batch, GPT.context];
  return training(
    new AdamW(model.parameters(), { lr: 1e-3 }),
    (inputs, targets) => crossEntropy(model(inputs).reshape([-1, GPT.vocabulary]), targets.reshape([-1])),
    [randint(0, GPT.vocabulary, shape), randint(0, GPT.vocabulary, shape)],
  );
}

/** A model so small that everything but arithmetic shows. */
export const smallMlp = (): Training =>
  classifier([32, 64, 64, 8], 32, (model) => new SGD(model.parameters(), { lr: 0.01 }));

const seeded = (make: () => Training) => (): Training => {
  manualSeed(0);
  return make();
};

export const TASKS: readonly Task[] = [
  {
    id: 'himmelblau',
    name: 'Himmelblau, Adam, 20,000 steps',
    steps: 20_000,
    warmUp: 1000,
    rounds: 10,
    perRound: 2000,
    repeat: true,
    make: himmelblau,
  },
  {
    id: 'regression',
    name: 'linear regression 100×3, SGD, 1,000 epochs',
    steps: 1000,
    warmUp: 500,
    rounds: 11,
    perRound: 200,
    repeat: true,
    make: regression,
  },
  {
    id: 'mlp_sgd',
    name: 'MLP 784-512-256-10, batch 128, SGD, a step',
    steps: 1,
    warmUp: 10,
    rounds: 9,
    perRound: 6,
    make: () => classifier(MLP, 128, (model) => new SGD(model.parameters(), { lr: 0.01 })),
  },
  {
    id: 'mlp_adam',
    name: 'MLP 784-512-256-10, batch 128, Adam, a step',
    steps: 1,
    warmUp: 10,
    rounds: 9,
    perRound: 6,
    make: () => classifier(MLP, 128, (model) => new Adam(model.parameters(), { lr: 1e-3 })),
  },
  {
    id: 'cnn',
    name: 'CNN 1-32-64, 28×28, batch 64, Adam, a step',
    steps: 1,
    warmUp: 3,
    rounds: 9,
    perRound: 2,
    wasmRounds: 5,
    make: cnn,
  },
  {
    id: 'gpt',
    name: 'GPT 4×128, 16×64 characters, AdamW, a step',
    steps: 1,
    warmUp: 2,
    rounds: 9,
    perRound: 2,
    wasmRounds: 5,
    make: gpt,
  },
].map((task) => ({ ...task, make: seeded(task.make) }));
