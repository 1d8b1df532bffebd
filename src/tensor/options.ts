/** The arguments that all creating functions share: sizes one by one or as an array, and a last options object. */
import { type BackendName, defaultHeap, heapOf } from '../backend/registry.ts';
import { ArgumentError, BackendError, DTypeError, describe } from '../errors.ts';
import type { Heap } from '../memory/storage.ts';
import { expectTensor } from './create.ts';
import { type DType, isDType, isFloating } from './dtype.ts';
import { resolveShape, type Shape } from './layout.ts';
import { isList } from './lists.ts';
import { dtypeOf, storageOf, Tensor } from './tensor.ts';

/** Options of functions that create tensors. */
export interface TensorOptions {
  /** Element type; what it is otherwise is said at each function. */
  dtype?: DType;
  /** Start recording what is computed from the tensor. */
  requiresGrad?: boolean;
  /** Where the tensor lives; the current backend by default. */
  backend?: BackendName;
}

/** A shape as an array or as numbers one by one, then options: `(2, 3)`, `([2, 3])`, `(2, 3, { dtype })`. */
export type Sizes<O = TensorOptions> = [shape: Shape, options?: O] | number[] | [...sizes: number[], options: O];

/** Options after checking. */
export interface Resolved {
  dtype: DType;
  requiresGrad: boolean;
  heap: Heap;
}

/** Whether a value has a tensor's prototype: also a proxy of one, whose properties only throw. */
function inheritsTensor(value: object): boolean {
  try {
    return value instanceof Tensor;
  } catch {
    return false;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !isList(value) && !ArrayBuffer.isView(value) && !inheritsTensor(value);

function keysOf(op: string, options: object): string[] {
  try {
    return Object.keys(options);
  } catch (cause) {
    throw new ArgumentError(op, 'wants options as an object, got a proxy that cannot be read', { cause });
  }
}

/**
 * Checks an options object, its kind and the names in it, and copies it.
 * @throws ArgumentError for anything but an object with known names, or undefined.
 */
export function checkOptions(op: string, options: unknown, known: readonly string[]): Record<string, unknown> {
  if (options === undefined) return {};
  if (!isObject(options)) throw new ArgumentError(op, `wants options as an object, got ${describe(options)}`);
  for (const key of keysOf(op, options))
    if (!known.includes(key)) throw new ArgumentError(op, `unknown option ${describe(key)}; knows ${known.join(', ')}`);
  // Each is read once: what is checked is what is used.
  return Object.fromEntries(known.filter((key) => key in options).map((key) => [key, options[key]]));
}

/**
 * Arguments by name: one by one in the order of the names, or in a last options object in the place of the first one left out. What is not given
 * is undefined; null leaves a place open.
 * @throws ArgumentError for an unknown option, one that was given in its place as well, and for what follows the options.
 */
export function argumentsByName<N extends string>(
  op: string,
  names: readonly N[],
  given: readonly unknown[],
): Record<N, unknown> {
  const at = given.findIndex(isObject);
  const options = at < 0 ? {} : checkOptions(op, given[at], names);
  const after = at < 0 ? undefined : given.slice(at + 1).find((value) => value !== undefined);
  if (after !== undefined) throw new ArgumentError(op, `options come last, got ${describe(after)} after them`);
  const entries = names.map((name, i) => {
    const placed = at < 0 || i < at ? given[i] : undefined;
    const named = options[name];
    if (placed === undefined || placed === null) return [name, named === undefined ? placed : named];
    if (named !== undefined) throw new ArgumentError(op, `${name} is given twice`);
    return [name, placed];
  });
  return Object.fromEntries(entries) as Record<N, unknown>;
}

/** @throws ArgumentError unless it is a boolean. */
export function expectFlag(op: string, name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new ArgumentError(op, `${name} is a boolean, got ${describe(value)}`);
  return value;
}

const KNOWN = ['dtype', 'requiresGrad', 'backend'] as const;

/** Checks tensor options; `fallback` is the dtype when none is given. */
export function resolveOptions(op: string, options: unknown, fallback: DType, extra: readonly string[] = []): Resolved {
  const { dtype = fallback, requiresGrad = false, backend } = checkOptions(op, options, [...KNOWN, ...extra]);
  if (!isDType(dtype)) throw new DTypeError(op, `unknown dtype ${describe(dtype)}`);
  if (typeof requiresGrad !== 'boolean')
    throw new ArgumentError(op, `requiresGrad is a boolean, got ${describe(requiresGrad)}`);
  if (requiresGrad && !isFloating(dtype))
    throw new DTypeError(op, `only float32 and float64 tensors can require grad, not ${dtype}`);
  return { dtype, requiresGrad, heap: resolveHeap(op, backend) };
}

/** Options completed from a tensor: its dtype and its backend. */
export function optionsLike(op: string, like: Tensor, options: unknown, extra: readonly string[] = []): Resolved {
  expectTensor(op, like);
  const resolved = resolveOptions(op, options, dtypeOf(like), extra);
  const named = (options as TensorOptions | undefined)?.backend !== undefined;
  return named ? resolved : { ...resolved, heap: storageOf(like).heap };
}

/** The memory that the `backend` option names. */
export function resolveHeap(op: string, backend: unknown): Heap {
  if (backend === undefined) return defaultHeap(op);
  if (backend === 'native' || backend === 'wasm') return heapOf(op, backend);
  throw new BackendError(op, `backend is 'native' or 'wasm', got ${describe(backend)}`);
}

/** Splits the arguments of a creating function into a shape and its options. */
export function resolveSizes(op: string, args: readonly unknown[]): { shape: number[]; options: unknown } {
  const last = args.at(-1);
  const hasOptions = isObject(last) || (last === undefined && args.length > 1);
  const sizes = hasOptions ? args.slice(0, -1) : args;
  const listed = sizes.length === 1 && isList(sizes[0]);
  return { shape: checkShape(op, listed ? sizes[0] : sizes), options: hasOptions ? last : undefined };
}

/** A shape without any -1 in it. */
export function checkShape(op: string, shape: unknown): number[] {
  return resolveShape(op, shape);
}

/** Marks a new tensor if its options ask for gradients. */
export const finish = (out: Tensor, { requiresGrad }: Resolved): Tensor => (requiresGrad ? out.requiresGrad_() : out);
