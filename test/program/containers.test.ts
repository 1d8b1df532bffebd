/** Records that hold records do what their parts do one after the other: bit for bit, except for sums. */
import { describe, expect, test } from 'vitest';
import { heapOf } from '../../src/backend/registry.ts';
import * as op from '../../src/generated/opcodes.ts';
import { type BackendName, type DType, type Tensor, zeros } from '../../src/index.ts';
import { ABI } from '../../src/program/abi.ts';
import { backends } from '../support/backends.ts';
import { difference, Naive, sample } from '../support/naive.ts';
import { type Argument, type GroupStep, ProgramWriter } from '../support/programs.ts';
import { random } from '../support/samples.ts';

type Draw = (n: number) => number;

const FLOAT_STEPS: readonly (readonly [number, number, number[]?])[] = [
  [op.ADD, 2],
  [op.SUB, 2],
  [op.MUL, 2],
  [op.MAXIMUM, 2],
  [op.TANH, 1],
  [op.SIGMOID, 1],
  [op.ABS, 1],
  [op.GELU, 1],
  [op.GELU_VJP_X, 2],
  [op.CLAMP, 1, [-0.7, 0.9]],
  [op.LEAKY_RELU, 1, [0.1]],
  [op.ADDCMUL, 3, [0.3]],
  [op.COPY, 1],
  [op.WHERE, 2],
];
const INTEGER_STEPS: readonly (readonly [number, number, number[]?])[] = [
  [op.ADD, 2],
  [op.SUB, 2],
  [op.MUL, 2],
  [op.COPY, 1],
  [op.WHERE, 2],
];

const SHAPES = [[], [1], [7], [512], [513], [1300], [5, 37], [4, 1], [3, 700], [2, 3, 40]];

/** A tensor of a shape whose memory is laid out in one of several ways. */
function layout(shape: readonly number[], draw: Draw, name: BackendName, dtype: DType): Tensor {
  const seed = draw(1e6);
  const reversed = [...shape].reverse();
  switch (draw(4)) {
    case 0: // transposed
      return sample(reversed, seed, name, dtype).permute(shape.map((_, d) => shape.length - 1 - d));
    case 1: // every other element along the last dimension
      if (shape.length === 0) return sample(shape, seed, name, dtype);
      return sample([...shape.slice(0, -1), (shape.at(-1) as number) * 2], seed, name, dtype).slice(-1, 0, null, 2);
    default:
      return sample(shape, seed, name, dtype);
  }
}

/** The same, or one that is broadcast along some dimensions. */
function input(shape: readonly number[], draw: Draw, name: BackendName, dtype: DType): Argument {
  const kind = draw(4);
  if (kind === 0) return { value: draw(5) - 2, dtype };
  if (kind === 1) {
    const narrow = shape.map((n) => (draw(2) === 0 ? 1 : n));
    return sample(narrow, draw(1e6), name, dtype).expand([...shape]);
  }
  return layout(shape, draw, name, dtype);
}

/** A random group: inputs, outputs (some of which are read first) and tile buffers, with twins of the outputs for the reference. */
function build(shape: readonly number[], dtype: DType, draw: Draw, name: BackendName) {
  const outputs = Array.from({ length: 1 + draw(3) }, () => layout(shape, draw, name, dtype));
  const twins: Argument[] = outputs.map((tensor) => tensor.clone());
  const inputs = Array.from({ length: 1 + draw(3) }, () => input(shape, draw, name, dtype));
  const operands: Argument[] = [...outputs, ...inputs];
  const reference: Argument[] = [...twins, ...inputs];
  const steps: GroupStep[] = [];
  const readable = operands.map((_, i) => i);
  const pick = () => readable[draw(readable.length)] as number;
  const buffer = (type: DType) => reference.push(zeros([...shape], { dtype: type, backend: name })) - 1;
  const kinds = dtype === 'int32' ? INTEGER_STEPS : FLOAT_STEPS;
  const last = outputs.map((_, i) => i);
  for (let left = draw(8) + last.length; left > 0; left--) {
    // A `where` may take two buffers, one for its condition.
    const full = reference.length - operands.length > ABI.MAX_TEMPS - 2;
    const [opcode, arity, params = []] = kinds[draw(kinds.length - (full ? 1 : 0))] as (typeof kinds)[number];
    const slots = Array.from({ length: arity }, pick);
    if (opcode === op.WHERE) {
      const mask = buffer('bool');
      steps.push({ opcode: op.LT, dtype, out: mask, inputs: [pick(), pick()] });
      slots.unshift(mask);
    }
    // The last steps write the outputs; those before them write tile buffers, new ones and old ones, or outputs as well.
    const used = readable.filter((slot) => slot >= operands.length);
    const choice = draw(4);
    let out = draw(outputs.length);
    if (left <= last.length) out = last[left - 1] as number;
    else if (!full && choice > 1) out = buffer(dtype);
    else if (choice > 0 && used.length > 0) out = used[draw(used.length)] as number;
    steps.push({ opcode, dtype, out, inputs: slots, params });
    if (!readable.includes(out)) readable.push(out);
  }
  return { outputs, twins: twins as Tensor[], operands, reference, steps };
}

/** Whether two tensors hold the same bits. */
const same = (x: Tensor, y: Tensor): boolean => {
  const [a, b] = [x.data(), y.data()];
  return Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
};

describe.each(backends)('on %s', (name) => {
  const { backend } = heapOf('test', name);

  describe.each(['float32', 'float64', 'int32'] as const)('group of %s', (dtype) => {
    test.each(SHAPES.map((shape) => [shape]))('over %j does what its steps do as records', (shape) => {
      for (let seed = 0; seed < 25; seed++) {
        const next = random(seed + 100 * shape.length);
        const draw: Draw = (n) => Math.floor(next() * n);
        const { outputs, twins, operands, reference, steps } = build(shape, dtype, draw, name);
        const alone = new ProgramWriter(backend);
        for (const { opcode, out, inputs, params = [] } of steps) {
          const parts = [out, ...inputs].map((slot) => reference[slot] as Argument);
          alone.record(opcode, dtype, shape, parts, params);
        }
        expect(alone.run()).toBe(0);
        expect(new ProgramWriter(backend).group(op.GROUP, dtype, shape, operands, steps).run()).toBe(0);
        for (const [i, output] of outputs.entries()) {
          expect(same(output, twins[i] as Tensor), `output ${i} with seed ${seed}`).toBe(true);
        }
      }
    });
  });

  const SUMS = [
    ['everything', (rank: number) => new Array<number>(rank).fill(0), (_: readonly number[]) => [] as number[]],
    ['each row', () => [1, 0], ([m]: readonly number[]) => [m as number]],
    ['the columns', () => [0, 1], ([, n]: readonly number[]) => [n as number]],
  ] as const;
  /** Far fewer than the roundings of a naive sum in the dtype. */
  const TOLERANCE = { float32: 3e-7, float64: 1e-15 } as const;

  describe.each(['float32', 'float64'] as const)('sums of %s', (dtype) => {
    const shapes = [
      [1, 1],
      [3, 5],
      [1, 600],
      [600, 1],
      [9, 512],
      [70, 513],
      [40, 1025],
    ];
    test.each(shapes.map((shape) => [shape]))('over %j are those of the results of the steps before them', (shape) => {
      const x = sample(shape, 1, name, dtype);
      const y = sample([...shape].reverse(), 2, name, dtype).t();
      const out = zeros(shape, { dtype, backend: name });
      const sums = SUMS.map(([, , shapeOf]) => zeros(shapeOf(shape), { dtype, backend: name }));
      const operands: Argument[] = [
        out,
        ...sums.map((tensor, i) => ({ tensor, strides: (SUMS[i] as (typeof SUMS)[number])[1](2) })),
        x,
        y,
      ];
      const steps: GroupStep[] = [
        { opcode: op.MUL, dtype, out: 6, inputs: [4, 5] },
        { opcode: op.ADD, dtype, out: 0, inputs: [6, 4] },
        ...[1, 2, 3].map((slot) => ({ opcode: op.SUM, dtype, out: slot, inputs: [slot === 2 ? 6 : 0] })),
      ];
      expect(new ProgramWriter(backend).group(op.GROUP, dtype, shape, operands, steps).run()).toBe(0);
      expect(same(out, x.mul(y).add(x))).toBe(true);
      const [product, result] = [Naive.of(x.mul(y)), Naive.of(out)];
      const [m, n] = shape as [number, number];
      const over = (of: Naive, rows: readonly number[], columns: readonly number[]) =>
        rows.reduce((a, i) => a + columns.reduce((b, j) => b + of.at([i, j]), 0), 0);
      const all = (size: number) => Array.from({ length: size }, (_, i) => i);
      const size = Math.sqrt(m * n);
      const wanted = [
        Naive.build([], () => over(result, all(m), all(n))),
        Naive.build([m], ([i]) => over(product, [i as number], all(n))),
        Naive.build([n], ([j]) => over(result, all(m), [j as number])),
      ];
      for (const [i, want] of wanted.entries()) {
        expect(difference(sums[i] as Tensor, want), SUMS[i]?.[0]).toBeLessThanOrEqual(TOLERANCE[dtype] * size);
      }
    });
  });

  test('more columns than there are accumulators are summed block by block, rows across blocks', () => {
    const shape = [2, 130_000];
    const x = sample(shape, 5, name, 'float32');
    const [columns, rows] = [zeros([130_000], { backend: name }), zeros([2], { backend: name })];
    const operands = [{ tensor: columns, strides: [0, 1] }, { tensor: rows, strides: [1, 0] }, x];
    const steps: GroupStep[] = [
      { opcode: op.SQUARE, dtype: 'float32', out: 3, inputs: [2] },
      { opcode: op.SUM, dtype: 'float32', out: 0, inputs: [3] },
      { opcode: op.SUM, dtype: 'float32', out: 1, inputs: [3] },
    ];
    expect(new ProgramWriter(backend).group(op.GROUP, 'float32', shape, operands, steps).run()).toBe(0);
    expect(same(columns, x.square().sum(0))).toBe(true);
    expect(difference(rows, Naive.of(x.square().sum(1)))).toBeLessThan(3e-7);
  });

  test('a step that has no kernel is a fault', () => {
    const x = zeros([3], { backend: name });
    const steps: GroupStep[] = [{ opcode: op.TANH, dtype: 'bool', out: 0, inputs: [0] }];
    expect(new ProgramWriter(backend).group(op.GROUP, 'bool', [3], [x], steps).run()).toBe(ABI.FAULT_NO_KERNEL);
  });

  test('update_all steps every optimizer record once, exactly as the records alone', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      const run = (together: boolean) => {
        const states: Tensor[] = [];
        const writer = new ProgramWriter(backend);
        const make = (n: number, seed: number) => {
          const tensor = sample([n], seed, name, dtype);
          states.push(tensor);
          return tensor;
        };
        const scalar = (value: number) => {
          const tensor = zeros([], { dtype: 'float64', backend: name }).add_(value);
          states.push(tensor);
          return { tensor, strides: [0] };
        };
        // Everything there is before the first record is written: making tensors uses the program buffer.
        const adam = [3, 700, 1].map((n) => {
          const second = make(n, 4 * n).square_();
          return { n, parts: [make(n, n), make(n, 2 * n), make(n, 3 * n), second, scalar(2), scalar(0.01)] };
        });
        const sgd = { n: 9, parts: [make(9, 50), make(9, 51), make(9, 52), scalar(1), scalar(0.1)] };
        const write = () => {
          for (const { n, parts } of adam) writer.record(op.ADAM_STEP, dtype, [n], parts, [0.9, 0.999, 1e-8, 0.01, 1]);
          writer.record(op.SGD_STEP, dtype, [sgd.n], sgd.parts, [0.9, 0.1, 0.02, 1]);
        };
        if (together) writer.holding(op.UPDATE_ALL, dtype, write);
        else write();
        expect(writer.run()).toBe(0);
        return states;
      };
      const [together, alone] = [run(true), run(false)];
      for (const [i, state] of together.entries()) expect(same(state, alone[i] as Tensor), `state ${i}`).toBe(true);
    }
  });

  test.each([
    ['a space of the matrix', true],
    ['a flat space', false],
  ])('matmul_group multiplies, then runs its group over %s', (_, matrix) => {
    for (const [m, n, k] of [
      [3, 5, 4],
      [130, 70, 33],
      [1, 9, 8],
      [64, 1, 8],
    ] as const) {
      const [a, b, bias] = [sample([m, k], 1, name), sample([k, n], 2, name), sample([n], 3, name)];
      const product = zeros([m, n], { dtype: 'float64', backend: name });
      const out = zeros([m, n], { dtype: 'float64', backend: name });
      const shape = matrix ? [m, n] : [m * n];
      const flat = (tensor: Tensor) => (matrix ? tensor : { tensor, strides: [1] });
      const second: Argument = matrix ? bias.expand([m, n]) : { value: 0.5, dtype: 'float64' };
      const steps: GroupStep[] = [
        { opcode: op.ADD, dtype: 'float64', out: 3, inputs: [1, 2] },
        { opcode: op.RELU, dtype: 'float64', out: 0, inputs: [3] },
      ];
      const writer = new ProgramWriter(backend);
      writer.holding(op.MATMUL_GROUP, 'float64', () => {
        const walked = [
          { tensor: product, strides: [n, 1, 0] },
          { tensor: a, strides: [k, 0, 1] },
          { tensor: b, strides: [0, 1, n] },
        ];
        writer.record(op.MATMUL, 'float64', [m, n, k], walked);
        writer.group(op.GROUP, 'float64', shape, [flat(out), flat(product), second], steps);
      });
      expect(writer.run()).toBe(0);
      expect(same(product, a.matmul(b))).toBe(true);
      expect(same(out, product.add(matrix ? bias : 0.5).relu())).toBe(true);
    }
  });
});
