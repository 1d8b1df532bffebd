/**
 * Random arguments for the property tests. They are drawn as descriptions and built by `build`, so that
 * fast-check can shrink and print what it found.
 */
import { type DType, fromArray, permute, slice, type Tensor, zeros } from 'cotangent';
import fc from 'fast-check';
import { buildHostile, type HostileSketch, hostile } from './hostile.ts';

export const DTYPES: readonly DType[] = ['float32', 'float64', 'int32', 'int64', 'uint8', 'bool'];

/** A small tensor: its shape, and how it lies in memory. */
export interface TensorSketch {
  kind: 'tensor';
  shape: number[];
  dtype: DType;
  layout: 'contiguous' | 'reversed' | 'strided';
  requiresGrad: boolean;
  disposed: boolean;
}

export type Sketch =
  | TensorSketch
  | HostileSketch
  | { kind: 'value'; value: unknown }
  | { kind: 'list'; items: Sketch[] }
  | { kind: 'options'; entries: [string, Sketch][] }
  | { kind: 'function'; result: Sketch };

const shapes = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 5 }) },
);

/** One tensor in twenty has been disposed of. */
export const tensors: fc.Arbitrary<TensorSketch> = fc.record({
  kind: fc.constant('tensor'),
  shape: shapes,
  dtype: fc.oneof(
    { weight: 3, arbitrary: fc.constant<DType>('float32') },
    { weight: 2, arbitrary: fc.constantFrom(...DTYPES) },
  ),
  layout: fc.constantFrom('contiguous', 'contiguous', 'reversed', 'strided'),
  requiresGrad: fc.boolean(),
  disposed: fc.integer({ min: 0, max: 19 }).map((n) => n === 19),
});

/** Sizes that overflow are far beyond what could be allocated, so that none is granted by chance. */
const HUGE = [2 ** 40, -(2 ** 40), 2 ** 53, 1e18, -1e18, Number.MAX_VALUE];

const numbers = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -4, max: 4 }) },
  { weight: 2, arbitrary: fc.constantFrom(0.5, -0.25, 1.5, -0) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, ...HUGE),
  },
);

const BAD_SHAPES: number[][] = [
  [2 ** 31],
  [65536, 65536],
  [2, 2 ** 31],
  [1e18, 1e18],
  [2 ** 31, 0],
  [-(2 ** 31)],
  [Number.NaN],
  [1.5],
];

const sizeLists = fc.oneof(
  { weight: 8, arbitrary: fc.array(fc.integer({ min: -1, max: 4 }), { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom(...BAD_SHAPES) },
  { weight: 1, arbitrary: fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 7, maxLength: 20 }) },
);

/** An array that contains itself. */
const circular: unknown[] = [];
circular.push(circular);

const junk = fc.constantFrom<unknown[]>(
  undefined,
  null,
  true,
  false,
  '',
  'none',
  'constructor',
  '__proto__',
  10n,
  -(2n ** 70n),
  Symbol('junk'),
  {},
  [],
  [[1, 2], [3]],
  [null],
  ['a'],
  [Symbol('junk')],
  circular,
  { length: 3 },
  { shape: [2], dtype: 'float32' },
  Object.create(null),
  [Object.create(null)],
  new Date(0),
  new Float32Array(4),
  new Uint16Array(3),
  new ArrayBuffer(8),
  new Map([[1, 2]]),
  /x/,
);

const words = fc.constantFrom<unknown[]>(...DTYPES, 'native', 'wasm', 'mean', 'sum', 'fro', true, false);

/** Names of options that some function knows, and one that none does. */
const NAMES =
  'dim keepdim dtype reduction weight alpha beta correction eps requiresGrad backend gradient stable scale isCausal attnMask dropoutP ' +
  'ignoreIndex labelSmoothing posWeight approximate roundingMode decimals generator min max value unknown';

const value = (from: fc.Arbitrary<unknown>): fc.Arbitrary<Sketch> =>
  from.map((item) => ({ kind: 'value', value: item }));

/** Options that many functions take, as they are meant. */
const settings: fc.Arbitrary<[string, Sketch]> = fc.oneof(
  fc.tuple(fc.constant('dtype'), value(fc.constantFrom(...DTYPES))),
  fc.tuple(fc.constant('keepdim'), value(fc.boolean())),
);

const drawn = (leaves: fc.WeightedArbitrary<Sketch>[]): fc.Arbitrary<Sketch> =>
  fc.letrec<{ any: Sketch; leaf: Sketch }>((tie) => ({
    leaf: fc.oneof(
      { weight: 8, arbitrary: tensors },
      { weight: 6, arbitrary: value(numbers) },
      { weight: 3, arbitrary: value(sizeLists) },
      { weight: 2, arbitrary: value(words) },
      { weight: 3, arbitrary: value(junk) },
      ...leaves,
    ),
    any: fc.oneof(
      { weight: 12, arbitrary: tie('leaf') },
      {
        weight: 1,
        arbitrary: fc.array(tie('leaf'), { maxLength: 3 }).map((items): Sketch => ({ kind: 'list', items })),
      },
      { weight: 1, arbitrary: tie('leaf').map((result): Sketch => ({ kind: 'function', result })) },
      {
        weight: 2,
        arbitrary: fc
          .array(fc.oneof(fc.tuple(fc.constantFrom(...NAMES.split(' ')), tie('leaf')), settings), { maxLength: 2 })
          .map((entries): Sketch => ({ kind: 'options', entries })),
      },
    ),
  })).any;

/** Any argument, plausible ones most often. */
export const anything: fc.Arbitrary<Sketch> = drawn([]);
/** The same, and hostile ones. */
export const anythingHostile: fc.Arbitrary<Sketch> = drawn([{ weight: 4, arbitrary: hostile }]);

/** Whole numbers that are not sorted, and legal as small indices. */
const element = (i: number): number => (i * 7 + 3) % 5;

/** The memory behind a shape: for layouts other than contiguous, the tensor is a view of it. */
function memoryOf(shape: number[], layout: TensorSketch['layout']): number[] {
  if (layout === 'reversed') return shape.toReversed();
  return layout === 'strided' && shape.length > 0 ? shape.with(-1, (shape.at(-1) as number) * 2) : shape;
}

/** Makes the tensor. */
export function buildTensor({ shape, dtype, layout, requiresGrad, disposed }: TensorSketch): Tensor {
  const memory = memoryOf(shape, layout);
  const size = memory.reduce((a, b) => a * b, 1);
  const values = Float64Array.from({ length: size }, (_, i) => (dtype === 'bool' ? element(i) % 2 : element(i)));
  let out = size === 0 ? zeros(memory, { dtype }) : fromArray(values, memory).to(dtype);
  if (layout === 'reversed') out = permute(out, shape.map((_, d) => d).reverse());
  else if (memory !== shape) out = slice(out, -1, 0, null, 2);
  if (requiresGrad && out.isFloatingPoint) out.requiresGrad_();
  if (disposed) out.dispose();
  return out;
}

/** The argument that a sketch describes. */
export function build(sketch: Sketch): unknown {
  switch (sketch.kind) {
    case 'tensor':
      return buildTensor(sketch);
    case 'hostile':
      return buildHostile(sketch);
    case 'value':
      return sketch.value;
    case 'list':
      return sketch.items.map(build);
    case 'options':
      return Object.fromEntries(sketch.entries.map(([name, item]) => [name, build(item)]));
    case 'function':
      return () => build(sketch.result);
  }
}
