/**
 * The safetensors format: named tensors as bytes, without code in them. Where the bytes come from and
 * go to (a file, a request, IndexedDB) is left to the caller.
 *
 * Layout (https://github.com/huggingface/safetensors): 8 bytes length of the header, little endian; the
 * header, JSON of `{ name: { dtype, shape, data_offsets: [begin, end] } }`; the tensors' bytes without gaps.
 */
import { ArgumentError, DTypeError, describe, formatShape, OutOfMemoryError } from '../errors.ts';
import { fromTypedArray } from '../ops/convert.ts';
import { type BytesSource, readBytes, type SourceArray } from '../tensor/bytes.ts';
import { type DType, dtypeInfo } from '../tensor/dtype.ts';
import { resolveShape, sizeOf } from '../tensor/layout.ts';
import { isPlainObject, namedTensors } from '../tensor/record.ts';
import { assertAlive, dtypeOf, isTensor, numelOf, shapeOf, type Tensor } from '../tensor/tensor.ts';
import { HALF_FORMATS, type HalfFormat } from './half.ts';
import { parseStrictly } from './json.ts';

const CODES = { float32: 'F32', float64: 'F64', int32: 'I32', int64: 'I64', uint8: 'U8', bool: 'BOOL' } as const;
const DTYPES = new Map<string, DType>(Object.entries(CODES).map(([dtype, code]) => [code, dtype as DType]));
const METADATA = '__metadata__';
const LENGTH_BYTES = 8;
/** The reference implementation refuses larger headers, so that a wrong length cannot exhaust memory. */
const MAX_HEADER_BYTES = 100_000_000;
/** As deep as the parser of the reference implementation goes; the format itself needs 3. */
const MAX_DEPTH = 128;
/** A header begins with it. */
const BRACE = 0x7b;

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** What `readSafetensors` returns. */
export interface Safetensors {
  tensors: Record<string, Tensor>;
  metadata: Record<string, string>;
}

/** Half of a character beyond 16 bits, which UTF-8 cannot say. */
const LONE_SURROGATE = /\p{Surrogate}/u;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The bytes of a safetensors file with the given tensors, e.g. a module's `stateDict()`.
 * Tensors are stored in row-major order whatever their strides.
 * @param metadata Strings to store beside them.
 * @throws ArgumentError for anything that is not a tensor and for names that are no Unicode text, OutOfMemoryError for more bytes
 *   than there can be in one array.
 */
export function encodeSafetensors(
  record: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const op = 'encodeSafetensors';
  const named = namedTensors(op, record) as [string, Tensor][];
  const notes = isPlainObject(metadata) ? Object.entries(metadata) : null;
  if (notes === null || !notes.every(([, value]) => typeof value === 'string'))
    throw new ArgumentError(op, `metadata is an object of strings, got ${describe(metadata)}`);
  for (const text of notes.flat())
    if (LONE_SURROGATE.test(text))
      throw new ArgumentError(op, `metadata has ${describe(text)}, which is no Unicode text`);
  for (const [name, tensor] of named) {
    if (!isTensor(tensor)) throw new ArgumentError(op, `${describe(name)} is not a tensor but ${describe(tensor)}`);
    if (typeof name !== 'string' || name === METADATA || LONE_SURROGATE.test(name))
      throw new ArgumentError(op, `a tensor cannot be called ${describe(name)}`);
    assertAlive(tensor, op);
  }
  // Wide elements first, so that each tensor starts at a multiple of its element's size.
  const bytesOf = (tensor: Tensor) => dtypeInfo[dtypeOf(tensor)].bytes;
  named.sort(([a, x], [b, y]) => bytesOf(y) - bytesOf(x) || (a < b ? -1 : 1));

  const header: [string, Entry | Readonly<Record<string, string>>][] = [];
  if (notes.length > 0) header.push([METADATA, Object.fromEntries(notes)]);
  let end = 0;
  for (const [name, tensor] of named) {
    const begin = end;
    end += numelOf(tensor) * bytesOf(tensor);
    header.push([name, { dtype: CODES[dtypeOf(tensor)], shape: [...shapeOf(tensor)], data_offsets: [begin, end] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  if (headerBytes > MAX_HEADER_BYTES)
    throw new ArgumentError(
      op,
      `names and metadata take ${headerBytes} bytes, at most ${MAX_HEADER_BYTES} can be read`,
    );
  const out = reserve(op, LENGTH_BYTES + headerBytes + end);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes), true);
  out.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  out.set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes;
  for (const [, tensor] of named) {
    const data = tensor.data();
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return out;
}

function reserve(op: string, bytes: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch (error) {
    throw new OutOfMemoryError(op, `no room for a file of ${bytes} bytes: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/**
 * The tensors in the bytes of a safetensors file: an ArrayBuffer, a SharedArrayBuffer, or any view of one, such as the Buffer that
 * Node reads a file into. 16-bit floats become float32.
 * @throws ArgumentError when the bytes are cut short or corrupt, DTypeError for an element type there is no tensor for.
 */
export const decodeSafetensors = (bytes: BytesSource): Record<string, Tensor> =>
  decode('decodeSafetensors', bytes).tensors;

/** Like `decodeSafetensors`, with the strings stored beside the tensors. */
export const readSafetensors = (bytes: BytesSource): Safetensors => decode('readSafetensors', bytes);

function corrupt(op: string, what: string): never {
  throw new ArgumentError(op, `not a safetensors file, or a damaged one: ${what}`);
}

function decode(op: string, bytes: BytesSource): Safetensors {
  const file = readBytes(op, bytes);
  const { entries, metadata, start } = readHeader(op, file);
  const data = file.subarray(start);
  checkEntries(op, entries, data);
  const tensors: [string, Tensor][] = [];
  try {
    for (const [name, entry] of entries)
      tensors.push([name, fromTypedArray(op, elements(entry, data), entry.shape, optionsOf(entry))]);
  } catch (error) {
    for (const [, tensor] of tensors) tensor.dispose();
    throw error;
  }
  // Not by assignment, which '__proto__' would escape.
  return { tensors: Object.fromEntries(tensors), metadata };
}

function readHeader(
  op: string,
  file: Uint8Array<ArrayBuffer>,
): { entries: [string, Entry][]; metadata: Record<string, string>; start: number } {
  if (file.length < LENGTH_BYTES) corrupt(op, `it has ${file.length} bytes`);
  const headerBytes = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const start = LENGTH_BYTES + headerBytes;
  if (headerBytes > MAX_HEADER_BYTES || start > file.length)
    corrupt(op, `its header would be ${headerBytes} bytes, of ${file.length} in all`);
  if (headerBytes === 0 || file[LENGTH_BYTES] !== BRACE) corrupt(op, 'its header is not an object');
  let header: unknown;
  try {
    // A copy, because decoders do not take buffers that can be resized.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(file.slice(LENGTH_BYTES, start));
    header = parseStrictly(text, MAX_DEPTH);
  } catch (error) {
    corrupt(op, `its header is not JSON that the format allows (${(error as Error).message})`);
  }
  const { [METADATA]: metadata = {}, ...rest } = header as Record<string, unknown>;
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === 'string'))
    return corrupt(op, 'its metadata is not an object of strings');
  const entries = Object.entries(rest).map(([name, entry]): [string, Entry] => {
    if (!isEntry(entry)) return corrupt(op, `the entry of ${describe(name)} is not { dtype, shape, data_offsets }`);
    return [name, entry];
  });
  return { entries, metadata: metadata as Record<string, string>, start };
}

function isEntry(value: unknown): value is Entry {
  if (!isObject(value)) return false;
  const { dtype, shape, data_offsets } = value;
  const isSizes = (values: unknown): values is number[] =>
    Array.isArray(values) && values.every((n) => Number.isSafeInteger(n) && n >= 0 && !Object.is(n, -0));
  return typeof dtype === 'string' && isSizes(shape) && isSizes(data_offsets) && data_offsets.length === 2;
}

/** The tensors' bytes follow one another without gaps up to the end. Checked before the first tensor is made. */
function checkEntries(op: string, entries: readonly [string, Entry][], data: Uint8Array): void {
  const inOrder = [...entries].sort(([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1]);
  const wrong = (what: string) => corrupt(op, what);
  let expected = 0;
  for (const [name, { dtype, shape, data_offsets }] of inOrder) {
    const [begin, end] = data_offsets;
    if (begin !== expected || end < begin || end > data.length)
      wrong(`${describe(name)} lies at ${begin} to ${end}, expected to begin at ${expected} and end by ${data.length}`);
    const known = DTYPES.get(dtype);
    if (known === undefined && !HALF_FORMATS.has(dtype))
      throw new DTypeError(op, `${describe(name)} has elements of type ${describe(dtype)}, which no tensor can hold`);
    const itemBytes = known === undefined ? 2 : dtypeInfo[known].bytes;
    if (end - begin !== sizeOf(shape) * itemBytes)
      wrong(`${describe(name)} has ${end - begin} bytes for the shape ${formatShape(shape)} of ${dtype}`);
    resolveShape(op, shape);
    if (known === 'bool' && data.subarray(begin, end).some((byte) => byte > 1))
      wrong(`${describe(name)} has bytes other than 0 and 1 for ${dtype}`);
    expected = end;
  }
  if (expected !== data.length) wrong(`${data.length - expected} bytes belong to no tensor`);
}

const optionsOf = ({ dtype }: Entry) => ({ dtype: DTYPES.get(dtype) ?? 'float32' });

/** The elements of a tensor as an array of their own: typed arrays want aligned bytes. */
function elements({ dtype, data_offsets: [begin, end] }: Entry, data: Uint8Array<ArrayBuffer>): SourceArray {
  const { buffer } = data.slice(begin, end);
  const known = DTYPES.get(dtype);
  return known === undefined
    ? (HALF_FORMATS.get(dtype) as HalfFormat)(new Uint16Array(buffer))
    : new dtypeInfo[known].array(buffer);
}
