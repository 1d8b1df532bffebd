/**
 * Element types: their codes, sizes, typed arrays, and the promotion rules.
 * Promotion follows PyTorch: tensors with dimensions outrank 0-d tensors, which outrank
 * plain numbers, within a category (bool < integer < floating point).
 */
import { DTypeError, describe } from '../errors.ts';
import { DTYPES, ITEM_BYTES } from '../program/abi.ts';

/** float32 (the default), float64, int32, int64, uint8 or bool. */
export type DType = (typeof DTYPES)[number];

export type TypedArray = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

interface DTypeInfo {
  readonly code: number;
  readonly bytes: number;
  readonly floating: boolean;
  /** 0 bool, 1 integer, 2 floating point. */
  readonly category: number;
  readonly array:
    | Float32ArrayConstructor
    | Float64ArrayConstructor
    | Int32ArrayConstructor
    | BigInt64ArrayConstructor
    | Uint8ArrayConstructor;
}

const ARRAYS = [Float32Array, Float64Array, Int32Array, BigInt64Array, Uint8Array, Uint8Array] as const;
const CATEGORIES = [2, 2, 1, 1, 1, 0] as const;

export const dtypeInfo = Object.fromEntries(
  DTYPES.map((dtype, code) => [
    dtype,
    {
      code,
      bytes: ITEM_BYTES[code],
      floating: CATEGORIES[code] === 2,
      category: CATEGORIES[code],
      array: ARRAYS[code],
    },
  ]),
) as Readonly<Record<DType, DTypeInfo>>;

export const isDType = (value: unknown): value is DType => typeof value === 'string' && Object.hasOwn(dtypeInfo, value);

/** @throws DTypeError for anything that is not the name of a dtype. */
function checkDType(op: string, dtype: DType): void {
  if (!isDType(dtype)) throw new DTypeError(op, `unknown dtype ${describe(dtype)}`);
}

/** Whether it is float32 or float64. */
export function isFloating(dtype: DType): boolean {
  checkDType('isFloating', dtype);
  return dtypeInfo[dtype].floating;
}

// Within a category the wider type wins; uint8 with a signed type gives the signed one.
const RANK: Readonly<Record<DType, number>> = { bool: 0, uint8: 1, int32: 2, int64: 3, float32: 4, float64: 5 };

/** The whole numbers that a dtype holds, all those between them included: [lowest, highest]. */
export function wholeNumbers(dtype: DType): [number, number] {
  const { bytes, floating } = dtypeInfo[dtype];
  if (dtype === 'bool') return [0, 1];
  if (dtype === 'uint8') return [0, 255];
  if (floating) return bytes === 4 ? [-(2 ** 24), 2 ** 24] : [-(2 ** 53), 2 ** 53];
  return [-(2 ** (8 * bytes - 1)), 2 ** (8 * bytes - 1) - 1];
}

/** The number of a floating dtype that comes next after one of its numbers, upwards (1) or downwards (-1). */
function neighbour(x: number, dtype: DType, direction: 1 | -1): number {
  if (x === 0) return direction * (dtype === 'float32' ? 2 ** -149 : Number.MIN_VALUE);
  const step = BigInt(direction * Math.sign(x));
  if (dtype === 'float32') {
    const view = new DataView(new ArrayBuffer(4));
    view.setFloat32(0, x);
    view.setUint32(0, view.getUint32(0) + Number(step));
    return view.getFloat32(0);
  }
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  view.setBigUint64(0, view.getBigUint64(0) + step);
  return view.getFloat64(0);
}

const rounded = (x: number, dtype: DType): number => (dtype === 'float32' ? Math.fround(x) : x);

/** The smallest number of a floating dtype that is at least x. */
export function atLeast(x: number, dtype: DType): number {
  const near = rounded(x, dtype);
  return near >= x ? near : neighbour(near, dtype, 1);
}

/** The largest number of a floating dtype that is less than x. */
export function below(x: number, dtype: DType): number {
  const near = rounded(x, dtype);
  return near < x ? near : neighbour(near, dtype, -1);
}

/** The smallest type that holds both, as PyTorch's `promote_types`. */
export function promoteTypes(a: DType, b: DType): DType {
  checkDType('promoteTypes', a);
  checkDType('promoteTypes', b);
  return RANK[a] >= RANK[b] ? a : b;
}

/** The category of a plain JavaScript value and the type it has when nothing else decides. */
export function typeOfScalar(value: number | bigint | boolean): DType {
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'bigint' || Number.isInteger(value) ? 'int64' : 'float32';
}

/** What takes part in a promotion: a tensor's type and whether it has dimensions, or a plain value's type. */
export interface Promoted {
  dtype: DType;
  /** 2 for tensors with dimensions, 1 for 0-d tensors, 0 for plain values. */
  priority: 0 | 1 | 2;
}

/** The common type of an op's operands, as PyTorch's `result_type`. */
export function resultType(operands: readonly Promoted[]): DType {
  const best: (DType | undefined)[] = [undefined, undefined, undefined];
  for (const { dtype, priority } of operands) {
    const seen = best[priority];
    best[priority] = seen === undefined ? dtype : promoteTypes(seen, dtype);
  }
  let result = best[2];
  for (const lower of [best[1], best[0]]) {
    if (lower === undefined) continue;
    // A lower priority decides only when it brings a higher category.
    if (result === undefined) result = lower;
    else if (dtypeInfo[lower].category > dtypeInfo[result].category) result = lower;
  }
  return result ?? 'float32';
}
