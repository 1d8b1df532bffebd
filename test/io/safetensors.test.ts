/** The safetensors format: what is written can be read, here and elsewhere; what is damaged is refused. */
import {
  ArgumentError,
  CotangentError,
  DTypeError,
  fromArray,
  setBackend,
  type Tensor,
  tensor,
  zeros,
} from 'cotangent';
import { decodeSafetensors, encodeSafetensors, readSafetensors } from 'cotangent/io';
import { afterAll, describe, expect, test } from 'vitest';

afterAll(() => setBackend('native'));

/** A file from its parts. */
function file(
  header: string,
  data: ArrayLike<number> = [],
  length = new TextEncoder().encode(header).length,
): Uint8Array {
  const json = new TextEncoder().encode(header);
  const out = new Uint8Array(8 + json.length + data.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.set(json, 8);
  out.set(data, 8 + json.length);
  return out;
}
const entry = (dtype: unknown, shape: unknown, offsets: unknown): string =>
  JSON.stringify({ a: { dtype, shape, data_offsets: offsets } });

describe.each(['native', 'wasm'] as const)('on %s', (backend) => {
  test('every dtype, shape and layout comes back as it was', () => {
    setBackend(backend);
    const record: Record<string, Tensor> = {
      'layer.weight': tensor([
        [1.5, -2],
        [Number.NaN, 1e-40],
      ]),
      double: tensor([Math.PI], { dtype: 'float64' }),
      whole: tensor([1, -2, 3], { dtype: 'int32' }),
      long: tensor([2n ** 62n, -1n]),
      bytes: tensor([0, 255], { dtype: 'uint8' }),
      flags: tensor([true, false, true]),
      scalar: tensor(7),
      empty: zeros(0, 3),
      turned: tensor([
        [1, 2],
        [3, 4],
      ]).t(),
      ['__proto__']: tensor([9]),
    };
    const back = decodeSafetensors(encodeSafetensors(record));
    expect(Object.keys(back).sort()).toEqual(Object.keys(record).sort());
    for (const [name, original] of Object.entries(record)) {
      const copy = back[name] as Tensor;
      expect(copy.backend).toBe(backend);
      expect(copy.dtype).toBe(original.dtype);
      expect(copy.shape).toEqual(original.shape);
      expect(copy.data()).toEqual(original.data());
    }
  });
});

test('metadata, Maps and parts of larger buffers', () => {
  const bytes = encodeSafetensors(new Map([['x', tensor([1, 2])]]), { format: 'pt' });
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  const { tensors, metadata } = readSafetensors(shifted.subarray(3));
  expect(metadata).toEqual({ format: 'pt' });
  expect(tensors.x?.toArray()).toEqual([1, 2]);
  expect(decodeSafetensors(bytes.buffer).x?.toArray()).toEqual([1, 2]);
});

test('the bytes are those of the format: aligned header, little endian, wide elements first', () => {
  const bytes = encodeSafetensors({ b: tensor([1], { dtype: 'uint8' }), a: tensor([1]) });
  const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  expect(headerBytes % 8).toBe(0);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes))) as unknown;
  expect(header).toEqual({
    a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
    b: { dtype: 'U8', shape: [1], data_offsets: [4, 5] },
  });
  expect([...bytes.subarray(8 + headerBytes)]).toEqual([0, 0, 128, 63, 1]);
});

test('16-bit floats of other writers are widened', () => {
  const half = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0xfc00, 0x7e00);
  const { a } = decodeSafetensors(file(entry('F16', [7], [0, 14]), new Uint8Array(half.buffer)));
  expect([...(a as Tensor).data()]).toEqual([
    1,
    -2,
    2 ** -24,
    65504,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
  ]);
  const brain = Uint16Array.of(0x3f80, 0xc049);
  const { a: b } = decodeSafetensors(file(entry('BF16', [2], [0, 4]), new Uint8Array(brain.buffer)));
  expect([...(b as Tensor).data()]).toEqual([1, -3.140625]);
});

describe('a damaged file is refused', () => {
  const good = encodeSafetensors({ a: tensor([1, 2, 3]), b: tensor([[1], [2]], { dtype: 'int64' }) });

  test('wherever it is cut off', () => {
    for (let n = 0; n < good.length; n++)
      expect(() => decodeSafetensors(good.subarray(0, n)), `${n} bytes`).toThrow(ArgumentError);
  });

  test('with bytes appended', () => {
    expect(() => decodeSafetensors(Uint8Array.of(...good, 0))).toThrow(/belong to no tensor/);
  });

  test('whatever single byte of the header is changed: refused, or read as something well formed', () => {
    for (let at = 0; at < good.length - 28; at++)
      for (const value of [0, 0x22, 0x39, 0x7d, 0xff]) {
        const bad = good.slice();
        bad[at] = value;
        try {
          decodeSafetensors(bad);
        } catch (error) {
          expect(error).toBeInstanceOf(CotangentError);
        }
      }
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['a header beyond the end', file('{}', [], 2 ** 40), /header would be/],
    ['no JSON', file('{"a"'), /not JSON/],
    ['no UTF-8', file('{}', [0xff], 3), /not JSON/],
    ['a list as header', file('[]'), /not an object/],
    ['null as header', file('null'), /not an object/],
    ['an entry that is none', file('{"a":1}'), /entry of "a"/],
    ['a missing shape', file('{"a":{"dtype":"F32","data_offsets":[0,0]}}'), /entry of "a"/],
    ['a negative size', file(entry('F32', [-1], [0, 4]), [0, 0, 0, 0]), /entry of "a"/],
    ['a fraction of an element', file(entry('F32', [0.5], [0, 2]), [0, 0]), /entry of "a"/],
    ['three offsets', file(entry('F32', [1], [0, 4, 4]), [0, 0, 0, 0]), /entry of "a"/],
    ['offsets backwards', file(entry('F32', [1], [4, 0]), [0, 0, 0, 0]), /lies at 4 to 0/],
    ['a hole', file(entry('U8', [1], [1, 2]), [0, 0]), /expected to begin at 0/],
    ['an end beyond the file', file(entry('F32', [2], [0, 8]), [0, 0, 0, 0]), /end by 4/],
    ['a shape that does not fit', file(entry('F32', [2], [0, 4]), [0, 0, 0, 0]), /for the shape \[2\]/],
    ['a shape that overflows', file(entry('F32', [2 ** 40, 2 ** 40], [0, 4]), [0, 0, 0, 0]), /for the shape/],
    ['metadata of numbers', file('{"__metadata__":{"a":1}}'), /metadata/],
  ])('with %s', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(message);
    expect(() => decodeSafetensors(bytes)).toThrow(ArgumentError);
  });

  test('with overlapping tensors', () => {
    const header = {
      a: { dtype: 'U8', shape: [2], data_offsets: [0, 2] },
      b: { dtype: 'U8', shape: [2], data_offsets: [1, 3] },
    };
    expect(() => decodeSafetensors(file(JSON.stringify(header), [0, 0, 0]))).toThrow(/expected to begin at 2/);
  });

  test('with elements of an unknown type', () => {
    expect(() => decodeSafetensors(file(entry('F8_E4M3', [1], [0, 1]), [0]))).toThrow(DTypeError);
  });
});

test.each<[string, unknown, unknown]>([
  ['no record', null, {}],
  ['a list', [tensor([1])], {}],
  ['a tensor', tensor([1]), {}],
  ['a number among tensors', { a: 1 }, {}],
  ['the reserved name', { __metadata__: tensor([1]) }, {}],
  ['metadata that are no strings', {}, { a: 1 }],
])('%s cannot be written', (_, record, metadata) => {
  expect(() => encodeSafetensors(record as Record<string, Tensor>, metadata as Record<string, string>)).toThrow(
    ArgumentError,
  );
});

test('a disposed tensor cannot be written', () => {
  const gone = fromArray(Float32Array.of(1));
  gone.dispose();
  expect(() => encodeSafetensors({ gone })).toThrow(/dispose/);
});

test.each([[null], ['text'], [3], [[1, 2]]])('%j cannot be read', (junk) => {
  expect(() => decodeSafetensors(junk as unknown as Uint8Array)).toThrow(ArgumentError);
});
