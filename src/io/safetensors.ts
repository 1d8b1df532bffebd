/**
 * The safetensors format: named tensors as bytes, without code in them. Where the bytes come from and
 * go to (a file, a request, IndexedDB) is left to the caller.
 *
 * Layout (https://github.com/huggingface/safetensors): 8 bytes length of the header, little endian; the
 * header, JSON of `{ name: { dtype, shape, data_offsets: [begin, end] } }`; the tensors' bytes without gaps.
 */
import { ArgumentError, DTypeError, describe, formatShape } from '../errors.ts';
import { fromArray } from '../ops/creation.ts';
import { type DType, dtypeInfo } from '../tensor/dtype.ts';
import { sizeOf } from '../tensor/layout.ts';
import { assertAlive, isTensor, type Tensor } from '../tensor/tensor.ts';
import { HALF_FORMATS, type HalfFormat } from './half.ts';

const CODES = { float32: 'F32', float64: 'F64', int32: 'I32', int64: 'I64', uint8: 'U8', bool: 'BOOL' } as const;
const DTYPES = new Map<string, DType>(Object.entries(CODES).map(([dtype, code]) => [code, dtype as DType]));
const METADATA = '__metadata__';
const LENGTH_BYTES = 8;
/** The reference implementation refuses larger headers, so that a wrong length cannot exhaust memory. */
const MAX_HEADER_BYTES = 100_000_000;

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

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isTensor(value);

/**
 * The bytes of a safetensors file with the given tensors, e.g. a module's `stateDict()`.
 * Tensors are stored in row-major order whatever their strides.
 * @param metadata Strings to store beside them.
 * @throws ArgumentError for anything that is not a tensor.
 */
export function encodeSafetensors(
  record: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const op = 'encodeSafetensors';
  if (!isRecord(record)) throw new ArgumentError(op, `wants an object of tensors, got ${describe(record)}`);
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string'))
    throw new ArgumentError(op, `metadata is an object of strings, got ${describe(metadata)}`);
  const named = [...(record instanceof Map ? record : Object.entries(record))] as [string, Tensor][];
  for (const [name, tensor] of named) {
    if (!isTensor(tensor)) throw new ArgumentError(op, `${describe(name)} is not a tensor but ${describe(tensor)}`);
    if (typeof name !== 'string' || name === METADATA)
      throw new ArgumentError(op, `a tensor cannot be called ${describe(name)}`);
    assertAlive(tensor, op);
  }
  // Wide elements first, so that each tensor starts at a multiple of its element's size.
  const bytesOf = (tensor: Tensor) => dtypeInfo[tensor.dtype].bytes;
  named.sort(([a, x], [b, y]) => bytesOf(y) - bytesOf(x) || (a < b ? -1 : 1));

  const header: [string, Entry | Readonly<Record<string, string>>][] = [];
  if (Object.keys(metadata).length > 0) header.push([METADATA, metadata]);
  let end = 0;
  for (const [name, tensor] of named) {
    const begin = end;
    end += tensor.size * bytesOf(tensor);
    header.push([name, { dtype: CODES[tensor.dtype], shape: [...tensor.shape], data_offsets: [begin, end] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(LENGTH_BYTES + headerBytes + end);
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

/**
 * The tensors in the bytes of a safetensors file. 16-bit floats become float32.
 * @throws ArgumentError when the bytes are cut short or corrupt, DTypeError for an element type there is no tensor for.
 */
export const decodeSafetensors = (bytes: Uint8Array | ArrayBuffer): Record<string, Tensor> =>
  readSafetensors(bytes).tensors;

function corrupt(what: string): never {
  throw new ArgumentError('decodeSafetensors', `not a safetensors file, or a damaged one: ${what}`);
}

/** Like `decodeSafetensors`, with the strings stored beside the tensors. */
export function readSafetensors(bytes: Uint8Array | ArrayBuffer): Safetensors {
  if (!(bytes instanceof Uint8Array) && !(bytes instanceof ArrayBuffer))
    throw new ArgumentError('decodeSafetensors', `wants a Uint8Array or an ArrayBuffer, got ${describe(bytes)}`);
  const file = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  const { entries, metadata, start } = readHeader(file);
  checkEntries(entries, file.length - start);
  const tensors = entries.map(([name, { dtype, shape, data_offsets }]): [string, Tensor] => {
    const [begin, end] = data_offsets;
    // A copy, because typed arrays want aligned bytes.
    const raw = file.slice(start + begin, start + end).buffer;
    const known = DTYPES.get(dtype);
    if (known === undefined)
      return [name, fromArray((HALF_FORMATS.get(dtype) as HalfFormat)(new Uint16Array(raw)), shape)];
    return [name, fromArray(new dtypeInfo[known].array(raw), shape, { dtype: known })];
  });
  // Not by assignment, which '__proto__' would escape.
  return { tensors: Object.fromEntries(tensors), metadata };
}

function readHeader(file: Uint8Array): { entries: [string, Entry][]; metadata: Record<string, string>; start: number } {
  if (file.length < LENGTH_BYTES) corrupt(`it has ${file.length} bytes`);
  const headerBytes = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const start = LENGTH_BYTES + headerBytes;
  if (headerBytes > MAX_HEADER_BYTES || start > file.length)
    corrupt(`its header would be ${headerBytes} bytes, of ${file.length} in all`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file.subarray(LENGTH_BYTES, start)));
  } catch (error) {
    corrupt(`its header is not JSON (${(error as Error).message})`);
  }
  if (!isRecord(header)) return corrupt('its header is not an object');
  const { [METADATA]: metadata = {}, ...rest } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string'))
    return corrupt('its metadata is not an object of strings');
  const entries = Object.entries(rest).map(([name, entry]): [string, Entry] => {
    if (!isEntry(entry)) return corrupt(`the entry of ${describe(name)} is not { dtype, shape, data_offsets }`);
    return [name, entry];
  });
  return { entries, metadata: metadata as Record<string, string>, start };
}

function isEntry(value: unknown): value is Entry {
  if (!isRecord(value)) return false;
  const { dtype, shape, data_offsets } = value;
  const isSizes = (values: unknown): values is number[] =>
    Array.isArray(values) && values.every((n) => Number.isSafeInteger(n) && n >= 0);
  return typeof dtype === 'string' && isSizes(shape) && isSizes(data_offsets) && data_offsets.length === 2;
}

/** The tensors' bytes follow one another without gaps up to the end. Checked before the first tensor is made. */
function checkEntries(entries: readonly [string, Entry][], dataBytes: number): void {
  const inOrder = [...entries].sort(([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1]);
  let expected = 0;
  for (const [name, { dtype, shape, data_offsets }] of inOrder) {
    const [begin, end] = data_offsets;
    if (begin !== expected || end < begin || end > dataBytes)
      corrupt(`${describe(name)} lies at ${begin} to ${end}, expected to begin at ${expected} and end by ${dataBytes}`);
    const known = DTYPES.get(dtype);
    if (known === undefined && !HALF_FORMATS.has(dtype))
      throw new DTypeError(
        'decodeSafetensors',
        `${describe(name)} has elements of type ${describe(dtype)}, which no tensor can hold`,
      );
    const itemBytes = known === undefined ? 2 : dtypeInfo[known].bytes;
    if (end - begin !== sizeOf(shape) * itemBytes)
      corrupt(`${describe(name)} has ${end - begin} bytes for the shape ${formatShape(shape)} of ${dtype}`);
    expected = end;
  }
  if (expected !== dataBytes) corrupt(`${dataBytes - expected} bytes belong to no tensor`);
}
