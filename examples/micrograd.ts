/**
 * The idea of the library at the size of a page: numbers that remember how they were made, and one walk
 * backwards over that memory. `src/autograd` is the same with tensors, memory and errors taken seriously. The form of
 * this example is that of Andrej Karpathy's micrograd.
 */
import { matmul, tanh, tensor } from 'cotangent';

/** A number on the tape. */
class Value {
  grad = 0;
  readonly #inputs: readonly Value[];
  /** Passes this number's gradient on to its inputs. */
  readonly #backward: () => void;

  constructor(
    readonly data: number,
    inputs: readonly Value[] = [],
    backward: () => void = () => {},
  ) {
    this.#inputs = inputs;
    this.#backward = backward;
  }

  add(other: Value): Value {
    const out: Value = new Value(this.data + other.data, [this, other], () => {
      this.grad += out.grad;
      other.grad += out.grad;
    });
    return out;
  }

  mul(other: Value): Value {
    const out: Value = new Value(this.data * other.data, [this, other], () => {
      this.grad += other.data * out.grad;
      other.grad += this.data * out.grad;
    });
    return out;
  }

  tanh(): Value {
    const y = Math.tanh(this.data);
    const out: Value = new Value(y, [this], () => {
      this.grad += (1 - y * y) * out.grad;
    });
    return out;
  }

  /** d this / d v in `v.grad`, for every v that this number was made from. */
  backward(): void {
    // Depth first, so that every number comes after its inputs; backwards, before them.
    const order: Value[] = [];
    const seen = new Set<Value>();
    const visit = (value: Value) => {
      if (seen.has(value)) return;
      seen.add(value);
      value.#inputs.forEach(visit);
      order.push(value);
    };
    visit(this);
    this.grad = 1;
    for (const value of order.reverse()) value.#backward();
  }
}

export const about = 'automatic differentiation of numbers in under 100 lines, compared with the library';

/** Σ tanh(W x)² and its gradient, once with scalars and once with tensors. Returns the largest difference. */
export function compare(): number {
  const weights = [0.3, -0.7, 1.1, 0.2, 0.5, -1.3];
  const inputs = [1.5, -2, 0.25];

  const w = weights.map((v) => new Value(v));
  const x = inputs.map((v) => new Value(v));
  const rows = [w.slice(0, 3), w.slice(3)];
  const units = rows.map((row) =>
    row
      .map((v, i) => v.mul(x[i] as Value))
      .reduce((a, b) => a.add(b))
      .tanh(),
  );
  const loss = units.map((u) => u.mul(u)).reduce((a, b) => a.add(b));
  loss.backward();

  const options = { dtype: 'float64', requiresGrad: true } as const;
  const W = tensor([weights.slice(0, 3), weights.slice(3)], options);
  const X = tensor(inputs, options);
  const total = tanh(matmul(W, X)).square().sum();
  total.backward();

  const scalars = [loss.data, ...w.map((v) => v.grad), ...x.map((v) => v.grad)];
  const tensors = [total.item(), ...(W.grad?.data() ?? []), ...(X.grad?.data() ?? [])].map(Number);
  for (const [i, name] of ['loss', 'W00', 'W01', 'W02', 'W10', 'W11', 'W12', 'x0', 'x1', 'x2'].entries())
    console.log(`${name.padEnd(5)}${scalars[i]?.toFixed(12).padStart(18)}${tensors[i]?.toFixed(12).padStart(18)}`);
  return Math.max(...scalars.map((v, i) => Math.abs(v - (tensors[i] as number))));
}

export function main(): void {
  console.log(`largest difference: ${compare().toExponential(1)}`);
}
