/**
 * The case files: how values are written in them, and when two values count as equal.
 * Which function a case calls is in `adapter.ts`; what is done with the files is in `cases.ts`.
 */
import { type DType, fromArray, Tensor, type TypedArray } from 'cotangent';

/** The dtype that floating inputs get, and with it the tolerance. */
export type Precision = 'float32' | 'float64';

/** A tensor as it stands in a file. */
export interface TensorRecord {
  dtype: string;
  shape: number[];
  requiresGrad: boolean;
  data: (number | boolean | string)[];
}

/** Where a tensor sits among the arguments: `["args", 0]`, `["kwargs", "weight"]`. */
export type Path = (string | number)[];

export interface GradRecord {
  path: Path;
  grad: unknown;
}

/** One call of an op. */
export interface OpSample {
  input: unknown;
  args: unknown[];
  kwargs: Record<string, unknown>;
  output: unknown;
  cotangents?: unknown[];
  grads?: GradRecord[];
}

export interface OpFile {
  op: string;
  samples: OpSample[];
}

/** One call of a module. */
export interface ModuleSample extends Omit<OpSample, 'input'> {
  constructor: { args: unknown[]; kwargs: Record<string, unknown> };
  training: boolean;
  state: Record<string, unknown>;
  paramGrads?: Record<string, unknown>;
  stateAfter?: Record<string, unknown>;
}

export interface ModuleFile {
  module: string;
  samples: ModuleSample[];
}

/** A difference between what was computed and what was expected. */
export class Mismatch extends Error {}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The tensor in `{"$tensor": …}`; null for anything else. */
export const tensorRecord = (value: unknown): TensorRecord | null =>
  isObject(value) && '$tensor' in value ? (value.$tensor as TensorRecord) : null;

const WORDS: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
};

const toNumber = (value: unknown): number => (typeof value === 'string' ? (WORDS[value] ?? Number.NaN) : Number(value));

const isFloat = (dtype: string): boolean => dtype.startsWith('float');

const ARRAYS: Readonly<Record<string, (data: number[]) => TypedArray>> = {
  float32: (data) => Float32Array.from(data),
  float64: (data) => Float64Array.from(data),
  int32: (data) => Int32Array.from(data),
  int64: (data) => BigInt64Array.from(data.map(BigInt)),
  uint8: (data) => Uint8Array.from(data),
  bool: (data) => Uint8Array.from(data),
};

/** A tensor made from its record; floating ones in the run's precision. */
export function toTensor(record: TensorRecord, precision: Precision): Tensor {
  const dtype = isFloat(record.dtype) ? precision : record.dtype;
  // Nine digits name a float32 without being equal to it.
  const value = record.dtype === 'float32' ? (item: unknown) => Math.fround(toNumber(item)) : toNumber;
  const array = ARRAYS[dtype];
  if (array === undefined) throw new Mismatch(`no tensors of dtype ${dtype}`);
  const options = { dtype: dtype as DType, requiresGrad: record.requiresGrad };
  return fromArray(array(record.data.map(value)), record.shape, options);
}

/** A value of a file as JavaScript's: tensors, numbers, lists, dtypes by name. */
export function decode(value: unknown, precision: Precision): unknown {
  if (Array.isArray(value)) return value.map((item) => decode(item, precision));
  if (!isObject(value)) return value;
  const record = tensorRecord(value);
  if (record !== null) return toTensor(record, precision);
  if ('$float' in value) return toNumber(value.$float);
  // The samples were drawn for float32 and name it where they mean the run's dtype.
  if ('$dtype' in value) return value.$dtype === 'float32' ? precision : value.$dtype;
  if ('$slice' in value) return { slice: value.$slice };
  if ('$ellipsis' in value) return '...';
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item, precision)]));
}

/** The dtype of floating results: the widest that the arguments name or hold; null if there is none. */
export function floatingType(value: unknown, precision: Precision): Precision | null {
  if (!Array.isArray(value) && !isObject(value)) return null;
  const record = tensorRecord(value);
  if (record !== null) return isFloat(record.dtype) ? precision : null;
  if ('$dtype' in value) return isFloat(String(value.$dtype)) ? (decode(value, precision) as Precision) : null;
  const found = Object.values(value).map((item) => floatingType(item, precision));
  return found.find((dtype) => dtype === 'float64') ?? found.find((dtype) => dtype !== null) ?? null;
}

/** Relative and absolute part of the tolerance, which the README of the cases sets. */
const TOLERANCE = {
  float32: { absolute: 1e-5, relative: 1e-4 },
  float64: { absolute: 1e-8, relative: 1e-8 },
} as const;

/** How a result is judged. */
export interface Judgement {
  precision: Precision;
  /** What the absolute part of the float32 tolerance is multiplied by: the largest magnitude, for sums, products and powers. */
  scale: number;
  /** The dtype that floating results have. */
  floating: Precision;
}

function close(got: number, want: number, { precision, scale }: Judgement): boolean {
  if (got === want) return true;
  if (Number.isNaN(want) || Number.isNaN(got)) return Number.isNaN(want) && Number.isNaN(got);
  const { absolute, relative } = TOLERANCE[precision];
  return Math.abs(got - want) <= absolute * (precision === 'float32' ? scale : 1) + relative * Math.abs(want);
}

const brackets = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** @throws Mismatch with the first element that differs. */
function compareTensor(got: unknown, want: TensorRecord, where: string, judgement: Judgement): void {
  if (!(got instanceof Tensor))
    throw new Mismatch(`${where}: ${String(got)} instead of a tensor of shape ${brackets(want.shape)}`);
  if (brackets(got.shape) !== brackets(want.shape))
    throw new Mismatch(`${where}: shape ${brackets(got.shape)} instead of ${brackets(want.shape)}`);
  const floating = isFloat(want.dtype);
  const dtype = floating ? judgement.floating : want.dtype;
  if (got.dtype !== dtype) throw new Mismatch(`${where}: dtype ${got.dtype} instead of ${dtype}`);
  const data = got.data();
  for (let i = 0; i < want.data.length; i++) {
    const [a, b] = [Number(data[i]), toNumber(want.data[i])];
    if (floating ? !close(a, b, judgement) : a !== b)
      throw new Mismatch(`${where}: element ${i} is ${a} instead of ${b}`);
  }
}

/**
 * Compares a result, which may be nested, with what the file says.
 * @throws Mismatch where they differ.
 */
export function compare(got: unknown, want: unknown, where: string, judgement: Judgement): void {
  const record = tensorRecord(want);
  if (record !== null) {
    compareTensor(got, record, where, judgement);
    return;
  }
  if (Array.isArray(want)) {
    const list = listOf(got);
    if (list.length !== want.length) throw new Mismatch(`${where}: ${list.length} results instead of ${want.length}`);
    for (const [i, item] of want.entries()) compare(list[i], item, `${where}[${i}]`, judgement);
    return;
  }
  const expected = decode(want, judgement.precision);
  const numbers = typeof expected === 'number' && typeof got === 'number';
  if (!(numbers ? close(got, expected, judgement) : got === expected))
    throw new Mismatch(`${where}: ${String(got)} instead of ${String(expected)}`);
}

/** Several results as a list: an array as it is, an object of tensors in the order of its keys. */
export function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Tensor || !isObject(value)) return [value];
  return Object.values(value);
}

/** All tensors in a result, in order. */
export function tensorsOf(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value];
  return Array.isArray(value) || isObject(value) ? listOf(value).flatMap(tensorsOf) : [];
}

/** The largest finite magnitude among the tensors of a sample, at least 1. */
export function magnitude(value: unknown): number {
  const record = tensorRecord(value);
  if (record === null) {
    if (!Array.isArray(value) && !isObject(value)) return 1;
    return Object.values(value).reduce((most: number, item) => Math.max(most, magnitude(item)), 1);
  }
  return record.data.reduce((most: number, item) => {
    const size = Math.abs(toNumber(item));
    return Number.isFinite(size) ? Math.max(most, size) : most;
  }, 1);
}

/** What a path leads to. */
export function lookUp(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], root);
}
