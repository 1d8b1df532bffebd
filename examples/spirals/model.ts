/** The data, the network and one training step. Knows nothing of the page. */
import {
  binaryCrossEntropyWithLogits,
  fromArray,
  Generator,
  manualSeed,
  noGrad,
  randn,
  scope,
  type Tensor,
} from 'cotangent';
import { Linear, Sequential, Tanh } from 'cotangent/nn';
import { Adam } from 'cotangent/optim';

const POINTS = 150;
const TURNS = 1.75;
const NOISE = 0.02;
const HIDDEN = 32;
const LEARNING_RATE = 0.01;

/** The plane is shown from −EDGE to EDGE in both directions. */
export const EDGE = 1.15;

export interface Spirals {
  /** x and y, `[n, 2]`. */
  points: Tensor;
  /** 0 or 1, `[n, 1]`. */
  classes: Tensor;
}

/** Two arms around the origin, half a turn apart. */
export function makeSpirals(seed: number): Spirals {
  const noise = randn(2 * POINTS, 2, { generator: new Generator(seed) })
    .mul(NOISE)
    .data() as Float32Array;
  const points = new Float32Array(4 * POINTS);
  const classes = new Float32Array(2 * POINTS);
  for (let i = 0; i < 2 * POINTS; i++) {
    const arm = i % 2;
    const t = (Math.floor(i / 2) + 0.5) / POINTS;
    // The square root spreads the points evenly along the arm.
    const radius = 0.08 + 0.92 * Math.sqrt(t);
    const angle = 2 * Math.PI * TURNS * Math.sqrt(t) + arm * Math.PI;
    points[2 * i] = radius * Math.cos(angle) + (noise[2 * i] as number);
    points[2 * i + 1] = radius * Math.sin(angle) + (noise[2 * i + 1] as number);
    classes[i] = arm;
  }
  return { points: fromArray(points, [2 * POINTS, 2]), classes: fromArray(classes, [2 * POINTS, 1]) };
}

/** A network in training. */
export class Learner {
  readonly #spirals: Spirals;
  readonly #model: Sequential;
  readonly #optimizer: Adam;

  constructor(spirals: Spirals, seed: number) {
    manualSeed(seed);
    this.#spirals = spirals;
    this.#model = new Sequential(
      new Linear(2, HIDDEN),
      new Tanh(),
      new Linear(HIDDEN, HIDDEN),
      new Tanh(),
      new Linear(HIDDEN, 1),
    );
    this.#optimizer = new Adam(this.#model.parameters(), { lr: LEARNING_RATE });
  }

  /** One step on all points. Returns the loss before it. */
  step(): number {
    return scope(() => {
      const loss = binaryCrossEntropyWithLogits(this.#model(this.#spirals.points), this.#spirals.classes);
      this.#optimizer.zeroGrad();
      loss.backward();
      this.#optimizer.step();
      return loss.item();
    });
  }

  /** The network's probability of class 1 at points `[n, 2]`. */
  probabilities(points: Tensor): Float32Array {
    return scope(() => noGrad(() => this.#model(points).sigmoid().data() as Float32Array));
  }

  /** Share of the points on the right side. */
  accuracy(): number {
    const classes = this.#spirals.classes.data();
    const right = this.probabilities(this.#spirals.points).filter((p, i) => Math.round(p) === classes[i]);
    return right.length / classes.length;
  }
}
