/** What a call did, in a form that can be compared: the error's class, or the value with all numbers in it. */
import { CotangentError, type DType, type Tensor } from 'cotangent';
import { isTensor } from '../../src/tensor/tensor.ts';
import { OwnError } from './hostile.ts';

export type Outcome =
  | { kind: 'error'; name: string; message: string }
  | {
      kind: 'tensor';
      dtype: DType;
      shape: number[];
      requiresGrad: boolean;
      values: readonly (number | bigint | boolean)[] | null;
    }
  | { kind: 'value'; type: string; value: unknown }
  | { kind: 'parts'; parts: [string, Outcome][] };

/** More elements than these are not read. */
const MOST_ELEMENTS = 10_000;
const MOST_PARTS = 64;

/** Messages of the engine for what is the caller's own doing: proxies that are gone or contradict themselves, classes as functions. */
const OWN_MESSAGE = /revoked|'\w+' on proxy|^Class constructor/;

/** @throws the error itself unless it is one that a call may throw. */
export function failure(error: unknown): Outcome {
  if (error instanceof OwnError) return { kind: 'error', name: 'own', message: '' };
  if (error instanceof TypeError && OWN_MESSAGE.test(error.message))
    return { kind: 'error', name: 'proxy', message: error.message };
  if (!(error instanceof CotangentError)) throw error;
  return { kind: 'error', name: error.constructor.name, message: error.message };
}

function ofTensor(x: Tensor, reads: boolean): Outcome {
  const { dtype, requiresGrad } = x;
  const shape = [...x.shape];
  const size = shape.reduce((a, b) => a * b, 1);
  if (size !== x.size || shape.length !== x.strides.length)
    throw new Error(`a tensor of shape [${shape}] has size ${x.size}`);
  if (!reads || x.disposed || size > MOST_ELEMENTS) return { kind: 'tensor', dtype, shape, requiresGrad, values: null };
  const values = Array.from(x.data() as ArrayLike<number | bigint | boolean>);
  if (values.length !== size) throw new Error(`a tensor of shape [${shape}] has ${values.length} elements`);
  if (dtype === 'bool' && !values.every((v) => v === 0 || v === 1 || typeof v === 'boolean'))
    throw new Error(`a bool tensor holds ${values}`);
  return { kind: 'tensor', dtype, shape, requiresGrad, values };
}

/** Describes a result; `reads` says whether its numbers mean anything. */
export function outcomeOf(value: unknown, reads = true, depth = 0): Outcome {
  if (isTensor(value)) return ofTensor(value, reads);
  const type = value === null ? 'null' : typeof value;
  if (type === 'function') return { kind: 'value', type, value: null };
  if (type !== 'object' || depth > 3) return { kind: 'value', type, value: type === 'object' || !reads ? null : value };
  // Of a view whose memory is gone nothing can be read.
  if (ArrayBuffer.isView(value) && value.byteLength === 0) return { kind: 'value', type: 'view', value: null };
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return {
      kind: 'parts',
      parts: Array.from(value as Float32Array, (v, i): [string, Outcome] => [`${i}`, outcomeOf(v)]).slice(
        0,
        MOST_PARTS,
      ),
    };
  const parts = Object.entries(value as object).slice(0, MOST_PARTS);
  return { kind: 'parts', parts: parts.map(([key, part]) => [key, outcomeOf(part, reads, depth + 1)]) };
}

/** Numbers that differ by the rounding of a fused multiply-add, relative to the largest beside them. */
function near(a: unknown, b: unknown, scale: number, dtype: DType): boolean {
  if (Object.is(a, b) || a === b) return true;
  if (typeof a !== 'number' || typeof b !== 'number') return false;
  if (dtype !== 'float32' && dtype !== 'float64') return false;
  const largest = dtype === 'float32' ? 3.4e38 : 1.79e308;
  // At the end of the range one of them may have rounded to infinity.
  const clip = (x: number) => Math.max(-largest, Math.min(largest, x));
  const tolerance = dtype === 'float32' ? 2e-5 : 1e-12;
  return Math.abs(clip(a) - clip(b)) <= tolerance * Math.max(1, Math.min(scale, largest));
}

/** How two outcomes differ; null if they do not. */
export function difference(a: Outcome, b: Outcome, where = ''): string | null {
  if (a.kind === 'error' && b.kind === 'error')
    return a.name === b.name ? null : `${where}: ${a.name} (${a.message}) and ${b.name} (${b.message})`;
  if (a.kind === 'tensor' && b.kind === 'tensor') {
    if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join() || a.requiresGrad !== b.requiresGrad)
      return `${where}: ${a.dtype} [${a.shape}] ${a.requiresGrad} and ${b.dtype} [${b.shape}] ${b.requiresGrad}`;
    if (a.values === null || b.values === null) return a.values === b.values ? null : `${where}: one is gone`;
    const finite = [...a.values, ...b.values].map((v) => Math.abs(Number(v))).filter(Number.isFinite);
    const scale = finite.reduce((most, v) => Math.max(most, v), 0);
    for (const [i, value] of a.values.entries())
      if (!near(value, b.values[i], scale, a.dtype)) return `${where}: element ${i} is ${value} and ${b.values[i]}`;
    return null;
  }
  if (a.kind === 'value' && b.kind === 'value') {
    const scale = Math.max(Math.abs(Number(typeof a.value === 'symbol' ? 0 : a.value)) || 0, 1);
    const same = a.type === b.type && (typeof a.value === 'symbol' || near(a.value, b.value, scale, 'float32'));
    return same ? null : `${where}: ${String(a.value)} and ${String(b.value)}`;
  }
  if (a.kind === 'parts' && b.kind === 'parts') {
    if (a.parts.map(([key]) => key).join() !== b.parts.map(([key]) => key).join()) return `${where}: other keys`;
    for (const [i, [key, part]] of a.parts.entries()) {
      const found = difference(part, (b.parts[i] as [string, Outcome])[1], `${where}.${key}`);
      if (found !== null) return found;
    }
    return null;
  }
  const show = (o: Outcome) => (o.kind === 'error' ? `${o.name} (${o.message})` : o.kind);
  return `${where}: ${show(a)} and ${show(b)}`;
}
