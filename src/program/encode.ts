/**
 * Writes records into a backend's program buffer and runs them. The layout is in `abi.ts`,
 * its meaning in `docs/program-format.md`. Everything that reaches this file is valid.
 */
import type { Backend } from '../backend/backend.ts';
import { ArgumentError, CotangentError, IndexError } from '../errors.ts';
import type { Storage } from '../memory/storage.ts';
import { ABI } from './abi.ts';

const TWO_32 = 4294967296;

/** An operand of a record. */
export interface Operand {
  /** Byte address, or the value itself for an immediate. */
  at: number;
  /** dtype code. */
  dtype: number;
  immediate?: boolean;
  strides: readonly number[];
  /** The memory it lies in, for the verifier and for recorders. */
  storage?: Storage;
}

/** What records are written to. */
export type ProgramBuffer = Pick<Backend, 'words' | 'doubles'>;

/** Writes one record at word `start` and returns the word after it. `tail` is what a container's record has behind its strides. */
export function writeRecord(
  backend: ProgramBuffer,
  start: number,
  opcode: number,
  dtype: number,
  shape: readonly number[],
  operands: readonly (Operand | null)[],
  params: readonly number[],
  tail?: readonly number[],
): number {
  const w = backend.words();
  const rank = shape.length;
  const count = operands.length;
  w[start + ABI.RECORD_OPCODE] = opcode;
  w[start + ABI.RECORD_DTYPE] = dtype;
  w[start + ABI.RECORD_RANK] = rank;
  w[start + ABI.RECORD_OPERANDS] = count;
  w[start + ABI.RECORD_PARAMS] = params.length;
  let at = start + ABI.RECORD_FIXED_WORDS;
  if (params.length > 0) {
    const doubles = backend.doubles();
    for (let i = 0; i < params.length; i++, at += 2) doubles[at >> 1] = params[i] as number;
  }
  const shapeAt = at + count * ABI.OPERAND_WORDS;
  let end = shapeAt + rank + count * rank;
  end += end & 1;
  if (tail !== undefined) {
    for (let i = 0; i < tail.length; i++) w[end + i] = tail[i] as number;
    end += tail.length + (tail.length & 1);
  }
  for (let i = 0; i < rank; i++) w[shapeAt + i] = shape[i] as number;
  let strideAt = shapeAt + rank;
  for (let k = 0; k < count; k++, at += ABI.OPERAND_WORDS, strideAt += rank) {
    const operand = operands[k] as Operand | null;
    if (operand === null) {
      for (let i = 0; i < ABI.OPERAND_WORDS; i++) w[at + i] = 0;
      for (let i = 0; i < rank; i++) w[strideAt + i] = 0;
      continue;
    }
    if (operand.immediate === true) {
      writeImmediate(backend, end, operand.at, operand.dtype);
      w[at + ABI.OPERAND_ADDRESS_LOW] = end - start;
      w[at + ABI.OPERAND_ADDRESS_HIGH] = 0;
      w[at + ABI.OPERAND_DTYPE] = operand.dtype;
      w[at + ABI.OPERAND_FLAGS] = ABI.FLAG_IMMEDIATE;
      end += 2;
    } else writeAddress(w, at, operand.at, operand.dtype);
    const { strides } = operand;
    for (let i = 0; i < rank; i++) w[strideAt + i] = strides[i] as number;
  }
  w[start] = end - start;
  return end;
}

/** Writes the operand at word `at`: an address and the dtype of what lies there. */
export function writeAddress(w: Int32Array, at: number, address: number, dtype: number): void {
  // `| 0` keeps the low 32 bits of any integer below 2⁵³.
  w[at + ABI.OPERAND_ADDRESS_LOW] = address | 0;
  w[at + ABI.OPERAND_ADDRESS_HIGH] = Math.floor(address / TWO_32);
  w[at + ABI.OPERAND_DTYPE] = dtype;
  w[at + ABI.OPERAND_FLAGS] = 0;
}

const scratch = new DataView(new ArrayBuffer(8));

/** Writes a constant of a dtype at word `at`. */
export function writeImmediate(backend: ProgramBuffer, at: number, value: number, dtype: number): void {
  const w = backend.words();
  if (dtype === 1) {
    backend.doubles()[at >> 1] = value;
    return;
  }
  if (dtype === 0) scratch.setFloat32(0, value, true);
  else if (dtype === 3) scratch.setBigInt64(0, BigInt(Math.trunc(value)), true);
  else scratch.setInt32(0, dtype === 5 ? Number(value !== 0) : value, true);
  w[at] = scratch.getInt32(0, true);
  w[at + 1] = dtype === 3 ? scratch.getInt32(4, true) : 0;
}

/** Runs the records before word `end`; a fault becomes an error in the name of `op`. */
export function run(op: string, backend: Backend, end: number): void {
  const status = backend.execute(end);
  if (status !== 0) throw faultError(op, backend, status);
}

/** What `check_nonzero` finds where it does not protect a division: its first param, and what its second one says about it. */
export const NOT_WEIGHTS = 1;
export const TOO_FEW_WEIGHTS = 2;
const CONDITIONS: Readonly<Record<number, (about: number) => string>> = {
  [NOT_WEIGHTS]: () => 'weights are finite and not negative',
  [TOO_FEW_WEIGHTS]: (n) =>
    n === 1
      ? 'a row has no positive weight'
      : `${n} samples without replacement need as many positive weights, a row has fewer`,
};

/** What the header of a program that stopped says, as an error in the name of `op`. */
export function faultError(op: string, backend: ProgramBuffer, status: number): CotangentError {
  const value = backend.doubles()[ABI.HEADER_FAULT_VALUE >> 1] as number;
  const record = backend.words()[ABI.HEADER_FAULT_RECORD] as number;
  const params = (record + ABI.RECORD_FIXED_WORDS) >> 1;
  switch (status) {
    case ABI.FAULT_INDEX: {
      const [low, high] = [backend.doubles()[params] as number, backend.doubles()[params + 1] as number];
      return new IndexError(op, `index ${value} is out of range, expected ${low} to ${high - 1}`);
    }
    case ABI.FAULT_RANGE: {
      const [low, high] = [backend.doubles()[params] as number, backend.doubles()[params + 1] as number];
      return new ArgumentError(op, `wants all elements to lie between ${low} and ${high}, got ${value}`);
    }
    case ABI.FAULT_ZERO_DIVISOR: {
      const [condition, about] = [backend.doubles()[params] as number, backend.doubles()[params + 1] as number];
      const stated = backend.words()[record + ABI.RECORD_PARAMS] === 2 ? CONDITIONS[condition]?.(about) : undefined;
      return new ArgumentError(op, stated ?? 'an integer cannot be divided by zero');
    }
    default: {
      const [opcode, dtype] = [backend.words()[record + ABI.RECORD_OPCODE], backend.words()[record + ABI.RECORD_DTYPE]];
      return new CotangentError(
        op,
        `internal error: no kernel for opcode ${opcode} with dtype code ${dtype} (status ${status})`,
      );
    }
  }
}

/** Where the first record of a program starts. */
export const PROGRAM_START: number = ABI.HEADER_WORDS;
