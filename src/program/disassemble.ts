/** Programs as text, one line a record: what to read when a step does not do what it should. */
import { OPCODE_NAMES } from '../generated/opcodes.ts';
import { ABI, DTYPES } from './abi.ts';

const TWO_32 = 4294967296;

/**
 * The records between the header and word `end`, for example
 * `0008  add float32 [64, 32]  0x7f10:float32[32, 1] ← 0x7f20:float32[32, 1], 2:float32`.
 */
export function disassemble(words: Int32Array, end: number): string[] {
  const doubles = new Float64Array(words.buffer, words.byteOffset, words.length >> 1);
  const lines: string[] = [];
  for (let at: number = ABI.HEADER_WORDS; at < end; at += Math.max(2, words[at] as number))
    lines.push(line(words, doubles, at));
  return lines;
}

function line(w: Int32Array, doubles: Float64Array, at: number): string {
  const read = (offset: number) => w[at + offset] as number;
  const rank = read(ABI.RECORD_RANK);
  const count = read(ABI.RECORD_OPERANDS);
  const params = read(ABI.RECORD_PARAMS);
  const operandsAt = ABI.RECORD_FIXED_WORDS + 2 * params;
  const shapeAt = operandsAt + count * ABI.OPERAND_WORDS;
  const list = (offset: number, n: number) => Array.from({ length: n }, (_, i) => read(offset + i)).join(', ');
  const operands = Array.from({ length: count }, (_, k) => {
    const operand = operandsAt + k * ABI.OPERAND_WORDS;
    const type = DTYPES[read(operand + ABI.OPERAND_DTYPE)];
    if (read(operand + ABI.OPERAND_FLAGS) === ABI.FLAG_IMMEDIATE)
      return `${immediate(w, at + read(operand), type)}:${type}`;
    const address = (read(operand) >>> 0) + read(operand + 1) * TWO_32;
    return address === 0 ? '–' : `0x${address.toString(16)}:${type}[${list(shapeAt + rank + k * rank, rank)}]`;
  });
  const values = Array.from({ length: params }, (_, i) => String(doubles[((at + ABI.RECORD_FIXED_WORDS) >> 1) + i]));
  const name = OPCODE_NAMES[read(ABI.RECORD_OPCODE)] ?? `opcode ${read(ABI.RECORD_OPCODE)}`;
  const [out, ...inputs] = operands;
  return (
    `${String(at).padStart(4, '0')}  ${name} ${DTYPES[read(ABI.RECORD_DTYPE)]} [${list(shapeAt, rank)}]` +
    `${values.length > 0 ? ` (${values.join(', ')})` : ''}  ${out}${inputs.length > 0 ? ` ← ${inputs.join(', ')}` : ''}`
  );
}

function immediate(w: Int32Array, at: number, type: string | undefined): string {
  const view = new DataView(w.buffer, w.byteOffset + 4 * at, 8);
  if (type === 'float32') return String(view.getFloat32(0, true));
  if (type === 'float64') return String(view.getFloat64(0, true));
  return type === 'int64' ? String(view.getBigInt64(0, true)) : String(view.getInt32(0, true));
}
