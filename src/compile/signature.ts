/**
 * Signatures: what two calls must have in common to run the same program. A signature is a tree like the arguments; matching one
 * against a call's arguments allocates nothing.
 */
import { AutogradError, CompileError, describe, formatShape } from '../errors.ts';
import { Storage } from '../memory/storage.ts';
import { holdsBytes } from '../tensor/bytes.ts';
import { dtypeInfo } from '../tensor/dtype.ts';
import { type Shape, sameShape } from '../tensor/layout.ts';
import { isMap } from '../tensor/record.ts';
import {
  assertAlive,
  dtypeOf,
  isTensor,
  makeTensor,
  nodeOf,
  offsetOf,
  shapeOf,
  storageOf,
  stridesOf,
  type Tensor,
} from '../tensor/tensor.ts';

/** A tensor among the arguments. */
export interface TensorSpec {
  readonly kind: 'tensor';
  /** Its place in the list of all tensors of the call. */
  readonly index: number;
  readonly dtype: Tensor['dtype'];
  readonly shape: Shape;
  readonly strides: Shape;
  /** Elements from the start of its storage, when it was recorded. */
  readonly offset: number;
  /** The first tensor in the list that shares its storage, perhaps itself. */
  readonly shares: number;
  /** Bound by identity, because gradients go to it or the function reaches it by itself as well; null if any tensor like it will do. */
  bound: Tensor | null;
  readonly requiresGrad: boolean;
}

export type Spec =
  | TensorSpec
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'array'; readonly items: readonly Spec[] }
  | { readonly kind: 'map'; readonly keys: readonly unknown[]; readonly items: readonly Spec[] }
  | { readonly kind: 'object'; readonly keys: readonly string[]; readonly items: readonly Spec[] };

const isPlain = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** Deeper structures are refused: most likely they contain themselves, and every call walks them. */
const MAX_DEPTH = 500;

/** The tree of a value that is no tensor; `specOfPart` makes those of what it holds. */
function specOfItems(
  op: string,
  value: unknown,
  depth: number,
  specOfPart: (item: unknown, depth: number) => Spec,
): Spec {
  if (!isMap(value) && !Array.isArray(value) && !isPlain(value)) return { kind: 'value', value };
  if (depth === MAX_DEPTH)
    throw new CompileError(
      op,
      `arguments and results are at most ${MAX_DEPTH} levels deep, this one is deeper, or contains itself`,
    );
  const specs = (items: Iterable<unknown>) => Array.from(items, (item) => specOfPart(item, depth + 1));
  if (isMap(value)) return { kind: 'map', keys: [...value.keys()], items: specs(value.values()) };
  if (Array.isArray(value)) return { kind: 'array', items: specs(value) };
  return { kind: 'object', keys: Object.keys(value), items: specs(Object.values(value)) };
}

/** The signature of a value; the tensors in it are added to `tensors`. */
export function specOf(op: string, value: unknown, tensors: Tensor[], depth = 0): Spec {
  if (isTensor(value)) {
    assertAlive(value, op);
    if (!value.isLeaf)
      throw new AutogradError(
        op,
        `an argument of shape ${formatShape(shapeOf(value))} is a result of '${nodeOf(value)?.name}': gradients do not flow into a compiled function; detach() it`,
      );
    const index = tensors.push(value) - 1;
    return {
      kind: 'tensor',
      index,
      dtype: dtypeOf(value),
      shape: shapeOf(value),
      strides: stridesOf(value),
      offset: offsetOf(value),
      shares: tensors.findIndex((other) => storageOf(other) === storageOf(value)),
      bound: value.requiresGrad ? value : null,
      requiresGrad: value.requiresGrad,
    };
  }
  if (holdsBytes(value))
    throw new CompileError(op, `an argument is ${describe(value)}, whose contents would be frozen; make it a tensor`);
  return specOfItems(op, value, depth, (item, below) => specOf(op, item, tensors, below));
}

/** The tree of a result. @throws DisposedError for a tensor in it that has been disposed of. */
export function resultSpec(op: string, value: unknown, tensors: Tensor[], depth = 0): Spec {
  if (isTensor(value)) {
    assertAlive(value, op);
    const dtype = dtypeOf(value);
    const shape = shapeOf(value);
    const strides = stridesOf(value);
    const offset = offsetOf(value);
    const index = tensors.push(value) - 1;
    return { kind: 'tensor', index, dtype, shape, strides, offset, shares: index, bound: null, requiresGrad: false };
  }
  if (isMap(value) && [...value.keys()].some(isTensor))
    throw new CompileError(
      op,
      'a result has a tensor as a key of a Map, which every call would have to make anew; return it as a value',
    );
  return specOfItems(op, value, depth, (item, below) => resultSpec(op, item, tensors, below));
}

/** Whether a value has the signature. Its tensors are put into `tensors`. */
export function matches(spec: Spec, value: unknown, tensors: Tensor[]): boolean {
  switch (spec.kind) {
    case 'tensor': {
      if (!isTensor(value) || value.disposed) return false;
      tensors[spec.index] = value;
      if (value.requiresGrad !== spec.requiresGrad) return false;
      if (spec.bound !== null) return spec.bound === value;
      if (dtypeOf(value) !== spec.dtype) return false;
      if (!sameShape(shapeOf(value), spec.shape) || !sameShape(stridesOf(value), spec.strides)) return false;
      const first = tensors[spec.shares] as Tensor;
      return spec.shares === spec.index || storageOf(first) === storageOf(value);
    }
    case 'value':
      return Object.is(value, spec.value);
    case 'array': {
      if (!Array.isArray(value) || value.length !== spec.items.length) return false;
      for (let i = 0; i < spec.items.length; i++) if (!matches(spec.items[i] as Spec, value[i], tensors)) return false;
      return true;
    }
    case 'map': {
      if (!isMap(value) || value.size !== spec.keys.length) return false;
      for (let i = 0; i < spec.keys.length; i++)
        if (!value.has(spec.keys[i]) || !matches(spec.items[i] as Spec, value.get(spec.keys[i]), tensors)) return false;
      return true;
    }
    case 'object': {
      if (!isPlain(value)) return false;
      let count = 0;
      for (const _ in value) count++;
      if (count !== spec.keys.length) return false;
      for (let i = 0; i < spec.keys.length; i++)
        if (!matches(spec.items[i] as Spec, value[spec.keys[i] as string], tensors)) return false;
      return true;
    }
  }
}

/** What is no tensor and no structure, in a signature. */
export function valuesOf(spec: Spec): unknown[] {
  if (spec.kind === 'value') return [spec.value];
  return spec.kind === 'tensor' ? [] : spec.items.flatMap(valuesOf);
}

/** The tensors of a signature. */
export function tensorSpecs(spec: Spec): TensorSpec[] {
  if (spec.kind === 'tensor') return [spec];
  return spec.kind === 'value' ? [] : spec.items.flatMap(tensorSpecs);
}

/** Whether tensors that do not share memory by the signature do not share it in the call, and the others lie as far apart as they did. */
export function sharesAlike(specs: readonly TensorSpec[], tensors: readonly Tensor[]): boolean {
  for (let i = 0; i < specs.length; i++) {
    const spec = specs[i] as TensorSpec;
    const tensor = tensors[i] as Tensor;
    if (spec.shares !== i) {
      const first = specs[spec.shares] as TensorSpec;
      if (offsetOf(tensor) - offsetOf(tensors[spec.shares] as Tensor) !== spec.offset - first.offset) return false;
      continue;
    }
    for (let j = 0; j < i; j++)
      if ((specs[j] as TensorSpec).shares === j && storageOf(tensors[j] as Tensor) === storageOf(tensor)) return false;
  }
  return true;
}

/** The value with other tensors in the place of its own. */
export function rebuild(spec: Spec, tensors: readonly Tensor[]): unknown {
  switch (spec.kind) {
    case 'tensor':
      return tensors[spec.index];
    case 'value':
      return spec.value;
    case 'array':
      return spec.items.map((item) => rebuild(item, tensors));
    case 'map':
      return new Map(spec.keys.map((key, i) => [key, rebuild(spec.items[i] as Spec, tensors)]));
    case 'object':
      return Object.fromEntries(spec.keys.map((key, i) => [key, rebuild(spec.items[i] as Spec, tensors)]));
  }
}

/**
 * The tensors that a function is recorded with: the same memory under another identity, so that what reaches it as an argument can
 * be told from what the function reaches by itself. Those that gradients go to stay themselves.
 */
export function placeholders(specs: readonly TensorSpec[], tensors: readonly Tensor[]): Tensor[] {
  const made = new Map<Tensor, Tensor>();
  const aliases = new Map<Storage, Storage>();
  return specs.map((spec, i) => {
    const tensor = tensors[i] as Tensor;
    if (spec.bound !== null) return tensor;
    const alias = aliases.get(storageOf(tensor)) ?? Storage.aliasOf(storageOf(tensor));
    aliases.set(storageOf(tensor), alias);
    const known =
      made.get(tensor) ?? makeTensor(alias, dtypeOf(tensor), shapeOf(tensor), stridesOf(tensor), offsetOf(tensor));
    made.set(tensor, known);
    return known;
  });
}

/** The byte address of a tensor's first element. */
export const addressOf = (tensor: Tensor): number =>
  storageOf(tensor).address + offsetOf(tensor) * dtypeInfo[dtypeOf(tensor)].bytes;

/** What first keeps a value from having the signature, in words; null if nothing does. */
export function difference(spec: Spec, value: unknown, path: string): string | null {
  switch (spec.kind) {
    case 'tensor': {
      if (!isTensor(value)) return `${path} was a tensor and is ${describe(value)}`;
      if (value.requiresGrad !== spec.requiresGrad)
        return `${path} ${value.requiresGrad ? 'requires' : 'does not require'} grad now`;
      if (spec.bound !== null && value !== spec.bound) return `${path} is another tensor, and is used by identity`;
      if (dtypeOf(value) !== spec.dtype) return `${path} changed from ${spec.dtype} to ${dtypeOf(value)}`;
      if (!sameShape(shapeOf(value), spec.shape))
        return `${path} changed from shape ${formatShape(spec.shape)} to ${formatShape(shapeOf(value))}`;
      if (!sameShape(stridesOf(value), spec.strides)) return `${path} is laid out differently in memory`;
      return null;
    }
    case 'value':
      return Object.is(value, spec.value) ? null : `${path} changed from ${describe(spec.value)} to ${describe(value)}`;
    case 'array': {
      if (!Array.isArray(value) || value.length !== spec.items.length) return `${path} has another length`;
      return firstOf(spec.items.map((item, i) => difference(item, value[i], `${path}[${i}]`)));
    }
    case 'map': {
      if (!isMap(value)) return `${path} was a Map`;
      return firstOf(
        spec.items.map((item, i) =>
          difference(item, value.get(spec.keys[i]), `${path}.get(${describe(spec.keys[i])})`),
        ),
      );
    }
    case 'object': {
      if (!isPlain(value)) return `${path} was an object`;
      return firstOf(
        spec.items.map((item, i) => difference(item, value[spec.keys[i] as string], `${path}.${spec.keys[i]}`)),
      );
    }
  }
}

const firstOf = (reasons: readonly (string | null)[]): string | null =>
  reasons.find((reason) => reason !== null) ?? null;
