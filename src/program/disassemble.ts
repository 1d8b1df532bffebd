/** Programs as text, one line a record: what to read when a step does not do what it should. */
import { GROUP, MATMUL_GROUP, OPCODE_NAMES, UPDATE_ALL } from '../generated/opcodes.ts';
import { ABI, DTYPES } from './abi.ts';

const TWO_32 = 4294967296;

/**
 * The records between the header and word `end`, for example
 * `0008  add float32 [64, 32]  0x7f10:float32[32, 1] ← 0x7f20:float32[32, 1], 2:float32`.
 */
export function disassemble(words: Int32Array, end: number): string[] {
  const doubles = new Float64Array(words.buffer, words.byteOffset, words.length >> 1);
  return list(words, doubles, ABI.HEADER_WORDS, end);
}

/** The lines of the records from word `start` on; those inside another record are indented. */
function list(words: Int32Array, doubles: Float64Array, start: number, end: number): string[] {
  const lines: string[] = [];
  for (let at = start; at < end; at += Math.max(2, words[at] as number)) {
    const opcode = words[at + ABI.RECORD_OPCODE] as number;
    if (opcode === MATMUL_GROUP || opcode === UPDATE_ALL) {
      lines.push(`${String(at).padStart(4, '0')}  ${OPCODE_NAMES[opcode]}`);
      const inner = list(words, doubles, at + ABI.NESTED_START, at + (words[at] as number));
      lines.push(...inner.map((text) => `  ${text}`));
    } else {
      lines.push(line(words, doubles, at));
      if (opcode === GROUP) lines.push(...steps(words, doubles, at));
    }
  }
  return lines;
}

/** The steps of a group; `%n` is slot n: an operand in the group's order, or behind those a tile buffer. */
function steps(w: Int32Array, doubles: Float64Array, at: number): string[] {
  const read = (offset: number) => w[at + offset] as number;
  const [rank, operands, params] = [read(ABI.RECORD_RANK), read(ABI.RECORD_OPERANDS), read(ABI.RECORD_PARAMS)];
  const shapeAt = ABI.RECORD_FIXED_WORDS + 2 * params + operands * ABI.OPERAND_WORDS;
  const body = shapeAt + rank + operands * rank;
  const tail = body + (body & 1);
  const count = read(tail + ABI.GROUP_STEPS);
  return Array.from({ length: count }, (_, i) => {
    const step = tail + ABI.GROUP_TAIL_WORDS + i * ABI.STEP_WORDS;
    const inputs = [0, 1, 2, 3].map((k) => read(step + ABI.STEP_IN + k)).filter((slot) => slot >= 0);
    const first = read(step + ABI.STEP_PARAMS);
    const next = i + 1 < count ? read(step + ABI.STEP_WORDS + ABI.STEP_PARAMS) : params;
    const values = Array.from(
      { length: next - first },
      (_, p) => doubles[((at + ABI.RECORD_FIXED_WORDS) >> 1) + first + p],
    );
    return (
      `        %${read(step + ABI.STEP_OUT)} = ${OPCODE_NAMES[read(step + ABI.STEP_OPCODE)]} ${DTYPES[read(step + ABI.STEP_DTYPE)]}` +
      ` ${inputs.map((slot) => `%${slot}`).join(', ')}${values.length > 0 ? ` (${values.join(', ')})` : ''}`
    );
  });
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
