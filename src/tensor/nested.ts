/** Plain JavaScript data as elements: nested arrays, typed arrays, numbers, bigints and booleans. */
import { ArgumentError, DTypeError, describe, ShapeError } from '../errors.ts';
import { isTypedArray, plainArray, type SourceArray, typedArrayName } from './bytes.ts';
import { type DType, isFloating, promoteTypes } from './dtype.ts';
import { MAX_DIMS, resolveShape } from './layout.ts';
import { isList } from './lists.ts';

/** A single element. */
export type Scalar = number | bigint | boolean;

/** What `tensor` takes besides tensors. */
export type NestedData = Scalar | SourceArray | readonly NestedData[];

const OWN_TYPE: Readonly<Record<string, DType>> = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Int8Array: 'int32',
  Int16Array: 'int32',
  Int32Array: 'int32',
  BigInt64Array: 'int64',
  Uint8Array: 'uint8',
  Uint8ClampedArray: 'uint8',
  Uint16Array: 'int32',
  Uint32Array: 'int64',
  BigUint64Array: 'int64',
  Float16Array: 'float32',
};

export const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';

/** The dtype closest to a typed array's elements. */
export function typeOfArray(op: string, array: SourceArray): DType {
  const dtype = OWN_TYPE[typedArrayName(array) as string];
  if (dtype === undefined) throw new DTypeError(op, `no dtype corresponds to ${describe(array)}`);
  return dtype;
}

/**
 * The elements of a typed array as an array that memory of its dtype can be set from.
 * @throws ArgumentError when they do not fit, or the array has lost its memory.
 */
export function elementsOf(op: string, array: SourceArray): Exclude<SourceArray, Uint32Array | BigUint64Array> {
  const plain = plainArray(op, array);
  if (plain instanceof BigUint64Array)
    return BigInt64Array.from(plain, (value, i) => convertElement(op, value, 'int64', i) as bigint);
  // The one that goes into int64 without holding bigints.
  return plain instanceof Uint32Array ? BigInt64Array.from(plain, BigInt) : plain;
}

/** Row-major elements of nested data, its shape and the dtype that holds them all. */
export interface Flat {
  shape: number[];
  values: Scalar[];
  dtype: DType;
}

function lengthOf(op: string, array: readonly unknown[] | SourceArray): number {
  const { length } = isTypedArray(array) ? plainArray(op, array) : array;
  // A proxy's may be anything.
  if (!Number.isSafeInteger(length) || length < 0)
    throw new ArgumentError(op, `an array has ${describe(length)} elements`);
  return length;
}

/** Reads nested data and checks that it is a regular block of numbers. */
export function readNested(op: string, data: unknown): Flat {
  const shape: number[] = [];
  for (let level = data; isList(level) || isTypedArray(level); level = level[0]) {
    if (shape.length === MAX_DIMS) throw new ShapeError(op, `arrays nested deeper than ${MAX_DIMS} levels`);
    const length = lengthOf(op, level);
    shape.push(length);
    if (length === 0) break;
  }
  resolveShape(op, shape);
  const values: Scalar[] = [];
  const place: number[] = [];
  let found: DType | undefined;
  const merge = (dtype: DType) => {
    found = found === undefined ? dtype : promoteTypes(found, dtype);
  };
  const element = (value: unknown, dim: number): void => {
    if (!isScalar(value)) throw new ArgumentError(op, `wants numbers, got ${describe(value)}${at(place, dim)}`);
    if (dim !== shape.length)
      throw new ShapeError(op, `ragged data: a number${at(place, dim)}, expected an array as before`);
    merge(typeof value === 'boolean' ? 'bool' : typeof value === 'bigint' ? 'int64' : 'float32');
    values.push(value);
  };
  const walk = (value: unknown, dim: number): void => {
    const typed = isTypedArray(value);
    if (!typed && !isList(value)) {
      element(value, dim);
      return;
    }
    if (dim >= shape.length || (typed && dim + 1 < shape.length))
      throw new ShapeError(op, `ragged data: an array of another depth${at(place, dim)}, unlike the elements before`);
    const length = lengthOf(op, value);
    if (length !== shape[dim])
      throw new ShapeError(op, `ragged data: ${length} elements${at(place, dim)}, expected ${shape[dim]} as before`);
    if (typed) {
      merge(typeOfArray(op, value));
      for (const item of plainArray(op, value)) values.push(item);
      return;
    }
    // Counting reads a hole in an array as undefined, which is then rejected.
    for (let i = 0; i < length; i++) {
      place[dim] = i;
      walk(value[i], dim + 1);
    }
  };
  walk(data, 0);
  return { shape, values, dtype: found ?? 'float32' };
}

const at = (place: readonly number[], dim: number): string =>
  dim === 0
    ? ''
    : ` at data${place
        .slice(0, dim)
        .map((i) => `[${i}]`)
        .join('')}`;

const RANGES: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  uint8: [0, 255],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  // The largest float64 below 2⁶³.
  int64: [-(2 ** 63), 2 ** 63 - 1024],
};

/**
 * A value as an element of the given type; fractions are cut off for integers.
 * @throws ArgumentError when an integer type cannot hold it.
 */
export function convertElement(op: string, value: Scalar, dtype: DType, place?: number): number | bigint {
  if (dtype === 'bool') return Number(Number(value) !== 0);
  if (isFloating(dtype)) return Number(value);
  const [low, high] = RANGES[dtype] as readonly [number, number];
  if (dtype === 'int64' && typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) === value) return value;
  } else {
    const whole = Math.trunc(Number(value));
    if (whole >= low && whole <= high) return dtype === 'int64' ? BigInt(whole) : whole;
  }
  throw new ArgumentError(
    op,
    `${describe(value)}${place === undefined ? '' : ` (element ${place})`} does not fit ${dtype}`,
  );
}
