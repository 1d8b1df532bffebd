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
import { foreign } from '../support/bytes.ts';

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
const name = (text: string): string => `"${text}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`;

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
    ['nothing as header', file(''), /not an object/],
    ['a blank before the header', file(' {}'), /not an object/],
    ['a byte order mark before the header', file('\uFEFF{}'), /not an object/],
    ['a header that goes on', file('{}{}'), /not JSON/],
    ['a name twice', file(`{${name('a')},${name('b')},${name('a')}}`), /"a" is there twice/],
    ['a name twice, once with an escape', file(`{${name('a')},${name('\\u0061')}}`), /"a" is there twice/],
    [
      'a dtype twice',
      file('{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
      /"dtype" is there twice/,
    ],
    ['metadata twice', file('{"__metadata__":{},"__metadata__":{}}'), /"__metadata__" is there twice/],
    ['a name in metadata twice', file('{"__metadata__":{"a":"","a":""}}'), /"a" is there twice/],
    ['lists without end', file(`{"a":${'['.repeat(1e6)}`), /nested deeper/],
    ['objects without end', file('{"a":'.repeat(1e6)), /nested deeper/],
    ['bools of 2', file(entry('BOOL', [3], [0, 3]), [0, 1, 2]), /other than 0 and 1/],
    ['a size of minus zero', file('{"a":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}'), /entry of "a"/],
    [
      'a size beyond 2^53',
      file('{"a":{"dtype":"U8","shape":[9007199254740993],"data_offsets":[0,0]}}'),
      /entry of "a"/,
    ],
    ['a size that is a text', file(entry('U8', ['1'], [0, 1]), [0]), /entry of "a"/],
    [
      'sizes whose product is no number',
      file(entry('U8', [...Array(21).fill(2 ** 53 - 1), 0], [0, 0])),
      /for the shape/,
    ],
    ['a list of sizes in a list', file(entry('U8', [[1]], [0, 1]), [0]), /entry of "a"/],
    ['offsets of another kind', file(entry('U8', [1], { begin: 0, end: 1 }), [0]), /entry of "a"/],
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

  test('with more dimensions than a tensor has, or sizes that none has', () => {
    for (const shape of [Array(9).fill(1), Array(1000).fill(1)])
      expect(() => decodeSafetensors(file(entry('U8', shape, [0, 1]), [0]))).toThrow(
        /^decodeSafetensors: \d+ dimensions/,
      );
    const empty = file(entry('U8', [2 ** 40, 0], [0, 0]));
    expect(() => decodeSafetensors(empty)).toThrow(/^decodeSafetensors: the shape \[1099511627776, 0\] has more/);
    expect(() => readSafetensors(empty)).toThrow(/^readSafetensors: the shape/);
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
  ['metadata in a list', {}, ['a']],
  ['a set', new Set([tensor([1])]), {}],
  ['a promise', Promise.resolve({}), {}],
  ['bytes', new Uint8Array(2), {}],
  ['a text', 'text', {}],
  ['a Map with a number as name', new Map([[1, tensor([1])]]), {}],
  ['half a character as name', { '\ud800': tensor([1]) }, {}],
  ['half a character in metadata', {}, { a: 'b\udc00' }],
])('%s cannot be written', (_, record, metadata) => {
  expect(() => encodeSafetensors(record as Record<string, Tensor>, metadata as Record<string, string>)).toThrow(
    ArgumentError,
  );
});

test('records of another realm, and without a prototype, are records', () => {
  const map = new foreign.Map([['x', tensor([1])]]);
  expect(decodeSafetensors(encodeSafetensors(map)).x?.toArray()).toEqual([1]);
  const bare = Object.assign(Object.create(null), { x: tensor([2]) }) as Record<string, Tensor>;
  expect(decodeSafetensors(encodeSafetensors(bare)).x?.toArray()).toEqual([2]);
  const object = Object.assign(new foreign.Object(), { x: tensor([3]) }) as unknown as Record<string, Tensor>;
  expect(decodeSafetensors(encodeSafetensors(object)).x?.toArray()).toEqual([3]);
});

test('names of every kind come back', () => {
  const names = [
    '',
    'toJSON',
    'constructor',
    '__proto__',
    '0',
    '"',
    '\\',
    '{',
    '}',
    '[',
    ':',
    '\n',
    '\0',
    'é',
    '😀',
    '\uFEFF',
  ];
  const record = Object.fromEntries(names.map((each, i) => [each, tensor([i])]));
  const metadata = Object.fromEntries(names.map((each) => [each, each]));
  const bytes = encodeSafetensors(record, metadata);
  const { tensors, metadata: notes } = readSafetensors(bytes);
  expect(notes).toEqual(metadata);
  expect(Object.keys(tensors).sort()).toEqual([...names].sort());
  for (const [i, each] of names.entries()) expect(tensors[each]?.item()).toBe(i);
});

test('metadata with getters is read once', () => {
  let reads = 0;
  const metadata = {
    get note() {
      return reads++ === 0 ? 'text' : (1 as never);
    },
  };
  expect(readSafetensors(encodeSafetensors({}, metadata)).metadata).toEqual({ note: 'text' });
});

test('a header longer than readers take is not written', () => {
  const long = { a: 'x'.repeat(100_000_001) };
  expect(() => encodeSafetensors({}, long)).toThrow(/^encodeSafetensors: names and metadata take \d+ bytes/);
});

test('a disposed tensor cannot be written', () => {
  const gone = fromArray(Float32Array.of(1));
  gone.dispose();
  expect(() => encodeSafetensors({ gone })).toThrow(/dispose/);
});

test.each([[null], ['text'], [3], [[1, 2]]])('%j cannot be read', (junk) => {
  expect(() => decodeSafetensors(junk as unknown as Uint8Array)).toThrow(ArgumentError);
});
