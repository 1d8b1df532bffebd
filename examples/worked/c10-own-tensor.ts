/** C10: a tensor with automatic differentiation from scratch, checked against the library. */
import { type Tensor, tensor } from 'cotangent';
import type { WorkedExample } from './example.ts';

const text = String.raw`
All that reverse-mode differentiation needs: each result remembers its inputs and, element by element, its *slope* with
respect to each of them. For $c = f(a, b)$ and a final sum $S$ the chain rule says
$$\frac{\partial S}{\partial a_i} \mathrel{+}= \frac{\partial S}{\partial c_i}\cdot\frac{\partial c_i}{\partial a_i},$$
a sum because $a$ may be used more than once. Results are numbered as they are made, so by falling numbers every one comes
after all its users, and its own gradient is complete when it passes it on. An input of one element is used for all elements
(broadcasting), and its gradient is the sum over them, which the same line of code does.`;

/** A vector that remembers how it was made. */
class Vector {
  static #made = 0;
  readonly #number = Vector.#made++;
  readonly grad: number[];

  constructor(
    readonly data: readonly number[],
    readonly inputs: readonly { of: Vector; slope: readonly number[] }[] = [],
  ) {
    this.grad = data.map(() => 0);
  }

  /** f of this and another vector, element by element; `slopes` are its derivatives with respect to the two. */
  #map(other: Vector, f: (a: number, b: number) => number, ...slopes: ((a: number, b: number) => number)[]): Vector {
    const length = Math.max(this.data.length, other.data.length);
    const each = (g: (a: number, b: number) => number) =>
      Array.from({ length }, (_, i) =>
        g(this.data[i % this.data.length] as number, other.data[i % other.data.length] as number),
      );
    return new Vector(
      each(f),
      slopes.map((slope, k) => ({ of: k === 0 ? this : other, slope: each(slope) })),
    );
  }

  add = (other: Vector): Vector =>
    this.#map(
      other,
      (a, b) => a + b,
      () => 1,
      () => 1,
    );
  mul = (other: Vector): Vector =>
    this.#map(
      other,
      (a, b) => a * b,
      (_, b) => b,
      (a) => a,
    );
  pow = (n: number): Vector =>
    this.#map(
      this,
      (a) => a ** n,
      (a) => n * a ** (n - 1),
    );
  exp = (): Vector => this.#map(this, Math.exp, Math.exp);
  log = (): Vector => this.#map(this, Math.log, (a) => 1 / a);

  /** Adds the derivative of the sum of this vector to `grad` of everything it was made from. */
  backward(): void {
    const graph = new Set<Vector>([this]);
    for (const vector of graph) for (const { of } of vector.inputs) graph.add(of);
    this.grad.fill(1);
    for (const { grad, inputs } of [...graph].sort((a, b) => b.#number - a.#number))
      for (const { of, slope } of inputs)
        for (const [i, g] of grad.entries()) (of.grad[i % of.grad.length] as number) += g * (slope[i] as number);
  }
}

/** Whatever has these methods can compute the test function: ours and the library's. */
interface Differentiable<T> {
  add(other: T): T;
  mul(other: T): T;
  pow(n: number): T;
  exp(): T;
  log(): T;
}

/** log(1 + e^(ab)) + c · a^2.5 / b: every method, inputs that are used twice, and one that is broadcast. */
const compute = <T extends Differentiable<T>>(a: T, b: T, c: T, one: T): T =>
  a
    .mul(b)
    .exp()
    .add(one)
    .log()
    .add(a.pow(2.5).mul(b.pow(-1)).mul(c));

const inputs = { a: [0.5, 1.2, 2, 3.1], b: [1.5, -0.7, 0.3, -2], c: [0.8], one: [1] };

export const examples: readonly WorkedExample[] = [
  {
    id: 'C10',
    title: 'A tensor from scratch',
    text,
    run(report) {
      const { a, b, c, one } = inputs;
      const own = [new Vector(a), new Vector(b), new Vector(c), new Vector(one)] as const;
      const result = compute(...own);
      result.backward();

      const variable = (values: number[]) => tensor(values, { dtype: 'float64', requiresGrad: true });
      const theirs = [variable(a), variable(b), variable(c), variable(one)] as const;
      const expected = compute<Tensor>(...theirs);
      expected.sum().backward();

      const compare = (name: string, got: readonly number[], want: Tensor | null) => {
        for (const [i, value] of got.entries())
          report.figure(`${name}[${i}]`, value, want?.select(0, i).item() ?? Number.NaN, { relative: 1e-14 });
      };
      compare('value', result.data, expected);
      for (const [i, name] of ['∂/∂a', '∂/∂b', '∂/∂c'].entries())
        compare(name, own[i]?.grad ?? [], theirs[i]?.grad ?? null);
    },
  },
];
