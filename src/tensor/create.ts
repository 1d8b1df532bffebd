/** How ops allocate results, read operands and emit records: the layer between `src/ops` and memory. */
import { defaultHeap } from '../backend/registry.ts';
import { ArgumentError, BackendError, describe } from '../errors.ts';
import { expectGradientsFree, expectReadable, expectWritable, inFlight } from '../memory/flight.ts';
import { activeLevels, type Level, mayHaveLanes } from '../memory/lanes.ts';
import { isScoped } from '../memory/scope.ts';
import type { Heap } from '../memory/storage.ts';
import { ABI } from '../program/abi.ts';
import { type Operand, PROGRAM_START, run, writeAddress, writeImmediate, writeRecord } from '../program/encode.ts';
import { observer } from '../program/observer.ts';
import { silence } from '../program/setting.ts';
import { type Extent, isVerifying, verify } from '../program/verify.ts';
import { type DType, dtypeInfo } from './dtype.ts';
import { allLanes, roleOf } from './lanes.ts';
import { type Shape, sizeOf } from './layout.ts';
import {
  assertAlive,
  dropGrad,
  dtypeOf,
  isTensor,
  makeTensor,
  numelOf,
  offsetOf,
  storageOf,
  type Tensor,
  type TensorLike,
} from './tensor.ts';

/** A new contiguous tensor with whatever the memory held; inside `vmap`, one for every example. */
export function allocate(op: string, heap: Heap, dtype: DType, shape: Shape): Tensor {
  const levels = activeLevels();
  return levels.length === 0 ? allocateOne(op, heap, dtype, shape) : allocateLanes(op, heap, dtype, shape, levels);
}

/** A new contiguous tensor that examples of a `vmap` share: what JavaScript writes to. */
export function allocateOne(op: string, heap: Heap, dtype: DType, shape: Shape): Tensor {
  const bytes = Math.max(sizeOf(shape), 1) * dtypeInfo[dtype].bytes;
  return makeTensor(heap.allocate(op, bytes, isScoped()), dtype, shape);
}

function allocateLanes(op: string, heap: Heap, dtype: DType, shape: Shape, levels: readonly Level[]): Tensor {
  let bytes = Math.max(sizeOf(shape), 1) * dtypeInfo[dtype].bytes;
  const lanes = new Map<Level, number>();
  for (const level of levels.toReversed()) {
    lanes.set(level, bytes);
    bytes *= Math.max(level.size, 1);
  }
  return makeTensor(heap.allocate(op, bytes, isScoped()).withLanes(lanes), dtype, shape);
}

/** The heap that the tensors among the operands share. Checks each of them. */
export function commonHeap(op: string, operands: readonly (TensorLike | null | undefined)[]): Heap {
  let heap: Heap | null = null;
  for (let i = 0; i < operands.length; i++) {
    const operand = operands[i];
    if (operand === null || operand === undefined || typeof operand === 'number') continue;
    if (!isTensor(operand)) throw new ArgumentError(op, `wants a tensor or a number, got ${describe(operand)}`);
    assertAlive(operand, op);
    const own = storageOf(operand).heap;
    if (heap === null) heap = own;
    else if (heap !== own)
      throw new BackendError(
        op,
        `tensors of the ${heap.backend.name} and the ${own.backend.name} backend do not mix; move one with to({ backend })`,
      );
  }
  return heap ?? defaultHeap(op);
}

/** Checks that an argument is a usable tensor. */
export function expectTensor(op: string, value: unknown, what = 'a tensor'): Tensor {
  if (!isTensor(value)) {
    silence(value);
    throw new ArgumentError(op, `wants ${what}, got ${describe(value)}`);
  }
  return assertAlive(value, op);
}

/**
 * Checks before the first of several tensors is changed that all may be.
 * @throws CompileError when a compiled function uses one on another thread
 */
export function expectChangeable(op: string, tensors: Iterable<Tensor>): void {
  if (inFlight()) for (const x of tensors) expectWritable(op, storageOf(x));
}

/**
 * Frees gradients and sets them to null.
 * @throws CompileError when a compiled function uses one on another thread; all are there then
 */
export function dropGrads(tensors: readonly Tensor[]): void {
  if (inFlight()) expectGradientsFree('zeroGrad', tensors);
  for (const x of tensors) dropGrad(x);
}

/** A tensor as an operand that is walked with the given strides. */
export function operand(tensor: Tensor, strides: Shape): Operand {
  const { code, bytes } = dtypeInfo[dtypeOf(tensor)];
  return { at: storageOf(tensor).address + offsetOf(tensor) * bytes, dtype: code, strides, storage: storageOf(tensor) };
}

/** A constant as an operand. */
export function immediate(value: number, dtype: DType, rank: number): Operand {
  return { at: value, dtype: dtypeInfo[dtype].code, immediate: true, strides: new Array<number>(rank).fill(0) };
}

/** What `emit` takes besides shapes and operands. */
export interface Instruction {
  opcode: number;
  dtype: DType;
  shape: Shape;
  operands: readonly (Operand | null)[];
  params?: readonly number[];
}

const extentOf = ({ address, bytes }: { readonly address: number; readonly bytes: number }): Extent => ({
  start: address,
  end: address + bytes,
});

/** Records that certainly fit the program buffer together. */
const MAX_RECORDS = 32;

/** Runs instructions as one program, in order. Iteration spaces without elements are skipped. */
export function emit(op: string, heap: Heap, ...given: readonly Instruction[]): void {
  const instructions = mayHaveLanes() ? allLanes(op, given) : given;
  if (inFlight()) expectLanded(op, instructions);
  if (instructions.length > MAX_RECORDS)
    for (let i = 0; i < instructions.length; i += MAX_RECORDS)
      emitRecords(op, heap, instructions.slice(i, i + MAX_RECORDS));
  else emitRecords(op, heap, instructions);
}

/** @throws CompileError when a run on another thread is in the way of an instruction; nothing has run by then. */
function expectLanded(op: string, instructions: readonly Instruction[]): void {
  for (const { opcode, shape, operands } of instructions) {
    if (sizeOf(shape) === 0) continue;
    for (const [k, operand] of operands.entries())
      if (operand?.storage !== undefined)
        (roleOf(opcode, k) === 'r' ? expectReadable : expectWritable)(op, operand.storage);
  }
}

function emitRecords(op: string, heap: Heap, instructions: readonly Instruction[]): void {
  observer()?.emitted(op, heap, instructions);
  let end = PROGRAM_START;
  const encoded: { start: number; operands: readonly (Operand | null)[] }[] | null = isVerifying() ? [] : null;
  for (const { opcode, dtype, shape, operands, params } of instructions) {
    if (sizeOf(shape) === 0) continue;
    encoded?.push({ start: end, operands });
    end = writeRecord(heap.backend, end, opcode, dtypeInfo[dtype].code, shape, operands, params ?? []);
  }
  if (end === PROGRAM_START) return;
  if (encoded !== null)
    verify(heap.backend.words(), end, (record, k) => {
      const storage = encoded.find(({ start }) => start === record)?.operands[k]?.storage;
      return storage && extentOf(storage);
    });
  run(op, heap.backend, end);
}

const UNIT: Shape = [1];

/** What `emitFlat` runs, as an instruction. */
function flatInstruction(
  opcode: number,
  out: Tensor,
  dtype: DType,
  inputs: readonly TensorLike[],
  params: readonly number[],
): Instruction {
  const operands = inputs.map((x) => (typeof x === 'number' ? immediate(x, dtype, 1) : operand(x, UNIT)));
  return { opcode, dtype, shape: [numelOf(out)], operands: [operand(out, UNIT), ...operands], params };
}

const touchesLanes = (out: Tensor, inputs: readonly TensorLike[]): boolean =>
  storageOf(out).lanes !== null || inputs.some((x) => typeof x !== 'number' && storageOf(x).lanes !== null);

/**
 * Runs one elementwise record whose tensors all lie in row-major order in one shape: a single loop of stride 1. Says the
 * same as `emit`, without building anything first; eager training is made of little else.
 */
export function emitFlat(
  op: string,
  heap: Heap,
  opcode: number,
  out: Tensor,
  dtype: DType,
  inputs: readonly TensorLike[],
  params: readonly number[],
): void {
  if (mayHaveLanes() && touchesLanes(out, inputs)) {
    emit(op, heap, flatInstruction(opcode, out, dtype, inputs, params));
    return;
  }
  if (inFlight()) expectLanded(op, [flatInstruction(opcode, out, dtype, inputs, params)]);
  observer()?.emitted(op, heap, [flatInstruction(opcode, out, dtype, inputs, params)]);
  const { backend } = heap;
  const words = backend.words();
  const count = inputs.length + 1;
  const start = PROGRAM_START;
  const { code, bytes } = dtypeInfo[dtype];
  words[start + ABI.RECORD_OPCODE] = opcode;
  words[start + ABI.RECORD_DTYPE] = code;
  words[start + ABI.RECORD_RANK] = 1;
  words[start + ABI.RECORD_OPERANDS] = count;
  words[start + ABI.RECORD_PARAMS] = params.length;
  let at = start + ABI.RECORD_FIXED_WORDS;
  for (let i = 0; i < params.length; i++, at += 2) backend.doubles()[at >> 1] = params[i] as number;
  const shapeAt = at + count * ABI.OPERAND_WORDS;
  let end = shapeAt + 1 + count;
  end += end & 1;
  words[shapeAt] = numelOf(out);
  writeAddress(
    words,
    at,
    storageOf(out).address + offsetOf(out) * dtypeInfo[dtypeOf(out)].bytes,
    dtypeInfo[dtypeOf(out)].code,
  );
  words[shapeAt + 1] = 1;
  for (let i = 0; i < inputs.length; i++) {
    at += ABI.OPERAND_WORDS;
    const input = inputs[i] as TensorLike;
    if (typeof input === 'number') {
      words[at + ABI.OPERAND_ADDRESS_LOW] = end - start;
      words[at + ABI.OPERAND_ADDRESS_HIGH] = 0;
      words[at + ABI.OPERAND_DTYPE] = code;
      words[at + ABI.OPERAND_FLAGS] = ABI.FLAG_IMMEDIATE;
      words[shapeAt + 2 + i] = 0;
      writeImmediate(backend, end, input, code);
      end += 2;
    } else {
      writeAddress(words, at, storageOf(input).address + offsetOf(input) * bytes, code);
      words[shapeAt + 2 + i] = 1;
    }
  }
  words[start] = end - start;
  if (isVerifying())
    verify(words, end, (_, k) => {
      const tensor = k === 0 ? out : inputs[k - 1];
      return isTensor(tensor) ? extentOf(storageOf(tensor)) : undefined;
    });
  run(op, backend, end);
}
