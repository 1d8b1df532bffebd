/**
 * Checks a program before it runs: every length, code and reference, and, where the memory that each operand belongs to is
 * known, that no element of the loop nest lies outside it. Kernels rely on this and check nothing themselves.
 *
 * Eager records are right by construction and are verified in the tests only (`setVerification`); programs that are kept are
 * verified when they are built.
 */
import { CotangentError } from '../errors.ts';
import { GROUP, MATMUL_GROUP, OPCODE_NAMES, UPDATE_ALL } from '../generated/opcodes.ts';
import { ABI, DTYPES, ITEM_BYTES } from './abi.ts';

/** A program that must not run. */
export class ProgramError extends CotangentError {}

/** Memory that a program may touch: byte addresses from `start` to before `end`. */
export interface Extent {
  start: number;
  end: number;
}

/** Where operand `index` of the record at word `record` may reach; undefined if unknown. */
export type ExtentOf = (record: number, index: number) => Extent | undefined;

const TWO_32 = 4294967296;

function fail(record: number, message: string): never {
  throw new ProgramError('verify', `record at word ${record}: ${message}`);
}

/**
 * Checks the records between the header and word `end`.
 * @throws ProgramError naming the record and what is wrong with it.
 */
export function verify(words: Int32Array, end: number, extentOf: ExtentOf = () => undefined): void {
  if (!Number.isInteger(end) || end < ABI.HEADER_WORDS || end > words.length)
    fail(end, `the end is not within the buffer of ${words.length} words`);
  let at: number = ABI.HEADER_WORDS;
  while (at < end) at += verifyRecord(words, at, end, extentOf);
}

/** Checks the records that a container holds, from word `first` of it on. */
function verifyNested(w: Int32Array, at: number, end: number, extentOf: ExtentOf): void {
  const count = w[at + ABI.NESTED_COUNT] as number;
  let inner = at + ABI.NESTED_START;
  for (let i = 0; i < count; i++) {
    if (inner >= end) fail(at, `holds ${i} records instead of ${count}`);
    inner += verifyRecord(w, inner, end, extentOf);
  }
  if (inner !== end) fail(at, `ends ${end - inner} words after its last record`);
}

/** Checks a group's tail, which starts at word `start` of the record; returns the word after it. */
function verifyTail(
  w: Int32Array,
  at: number,
  start: number,
  length: number,
  operands: number,
  params: number,
): number {
  const read = (offset: number) => w[at + offset] as number;
  if (start + ABI.GROUP_TAIL_WORDS > length) fail(at, 'a group without steps');
  const [steps, temps] = [read(start + ABI.GROUP_STEPS), read(start + ABI.GROUP_TEMPS)];
  if (steps < 1 || steps > ABI.MAX_STEPS) fail(at, `${steps} steps`);
  if (temps < 0 || temps > ABI.MAX_TEMPS) fail(at, `${temps} tile buffers`);
  const end = start + ABI.GROUP_TAIL_WORDS + steps * ABI.STEP_WORDS;
  if (end > length) fail(at, `length ${length} is too short for ${steps} steps`);
  for (let i = 0; i < steps; i++) {
    const step = start + ABI.GROUP_TAIL_WORDS + i * ABI.STEP_WORDS;
    const [opcode, dtype] = [read(step + ABI.STEP_OPCODE), read(step + ABI.STEP_DTYPE)];
    if (opcode < 0 || opcode >= OPCODE_NAMES.length) fail(at, `step ${i}: unknown opcode ${opcode}`);
    if (dtype < 0 || dtype >= DTYPES.length) fail(at, `step ${i}: unknown dtype ${dtype}`);
    for (let k = ABI.STEP_OUT; k < ABI.STEP_PARAMS; k++) {
      const slot = read(step + k);
      if (slot < (k === ABI.STEP_OUT ? 0 : -1) || slot >= operands + temps) fail(at, `step ${i}: slot ${slot}`);
    }
    const param = read(step + ABI.STEP_PARAMS);
    if (param < 0 || param > params) fail(at, `step ${i}: param ${param}`);
  }
  return end + (end & 1);
}

function verifyRecord(w: Int32Array, at: number, end: number, extentOf: ExtentOf): number {
  const read = (offset: number) => w[at + offset] as number;
  if (end - at < ABI.RECORD_FIXED_WORDS) fail(at, 'cut short');
  const length = read(ABI.RECORD_LENGTH);
  if (length < ABI.RECORD_FIXED_WORDS || length % 2 !== 0 || length > end - at) fail(at, `length ${length}`);
  const opcode = read(ABI.RECORD_OPCODE);
  if (opcode < 0 || opcode >= OPCODE_NAMES.length) fail(at, `unknown opcode ${opcode}`);
  if (opcode === MATMUL_GROUP || opcode === UPDATE_ALL) {
    if (length < ABI.NESTED_START) fail(at, `length ${length}`);
    verifyNested(w, at, at + length, extentOf);
    return length;
  }
  const dtype = read(ABI.RECORD_DTYPE);
  if (dtype < 0 || dtype >= DTYPES.length) fail(at, `unknown dtype ${dtype}`);
  const rank = read(ABI.RECORD_RANK);
  if (rank < 0 || rank > ABI.MAX_RANK) fail(at, `rank ${rank}`);
  const operands = read(ABI.RECORD_OPERANDS);
  if (operands < 1 || operands > ABI.MAX_OPERANDS) fail(at, `${operands} operands`);
  const params = read(ABI.RECORD_PARAMS);
  if (params < 0 || params > length) fail(at, `${params} params`);
  const operandsAt = ABI.RECORD_FIXED_WORDS + 2 * params;
  const shapeAt = operandsAt + operands * ABI.OPERAND_WORDS;
  let body = shapeAt + rank + operands * rank;
  if (body > length) fail(at, `length ${length} is too short for ${operands} operands of rank ${rank}`);
  const shape = Array.from({ length: rank }, (_, d) => read(shapeAt + d));
  if (shape.some((n) => n < 1)) fail(at, `iteration space [${shape.join(', ')}]`);
  if (opcode === GROUP) body = verifyTail(w, at, body + (body & 1), length, operands, params);
  for (let k = 0; k < operands; k++) {
    const operand = operandsAt + k * ABI.OPERAND_WORDS;
    const [low, high, type, flags] = [0, 1, 2, 3].map((i) => read(operand + i)) as [number, number, number, number];
    if (low === 0 && high === 0 && flags === 0) continue;
    if (type < 0 || type >= DTYPES.length) fail(at, `operand ${k} has unknown dtype ${type}`);
    const strides = shape.map((_, d) => read(shapeAt + rank + k * rank + d));
    if ((flags & ~ABI.FLAG_IMMEDIATE) !== 0) fail(at, `operand ${k} has unknown flags ${flags}`);
    if (flags === ABI.FLAG_IMMEDIATE) {
      if (low < body || low + 2 > length || low % 2 !== 0) fail(at, `operand ${k}: immediate at word ${low}`);
      if (strides.some((s) => s !== 0)) fail(at, `operand ${k}: an immediate with strides`);
      continue;
    }
    const extent = extentOf(at, k);
    if (extent === undefined) continue;
    let [first, last] = [0, 0];
    for (const [d, n] of shape.entries()) {
      const reach = (n - 1) * (strides[d] as number);
      if (reach < 0) first += reach;
      else last += reach;
    }
    const address = (low >>> 0) + high * TWO_32;
    const bytes = ITEM_BYTES[type] as number;
    if (address + first * bytes < extent.start || address + (last + 1) * bytes > extent.end)
      fail(at, `operand ${k} reaches from element ${first} to ${last}, outside its ${extent.end - extent.start} bytes`);
  }
  return length;
}

let always = false;

/** @internal Whether eager records are verified as well. */
export const isVerifying = (): boolean => always;

/** @internal Switches the verification of eager records on or off. */
export function setVerification(on: boolean): void {
  always = on;
}
