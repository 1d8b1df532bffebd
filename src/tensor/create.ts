/** @internal How ops allocate results, read operands and emit records: the layer between `src/ops` and memory. */
import { defaultHeap } from '../backend/registry.ts';
import { ArgumentError, BackendError, describe } from '../errors.ts';
import { isScoped } from '../memory/scope.ts';
import type { Heap } from '../memory/storage.ts';
import { type Operand, PROGRAM_START, run, writeRecord } from '../program/encode.ts';
import { isVerifying, verify } from '../program/verify.ts';
import { type DType, dtypeInfo } from './dtype.ts';
import { type Shape, sizeOf } from './layout.ts';
import { Tensor, type TensorLike } from './tensor.ts';

/** A new contiguous tensor with whatever the memory held. */
export function allocate(op: string, heap: Heap, dtype: DType, shape: Shape): Tensor {
  const bytes = Math.max(sizeOf(shape), 1) * dtypeInfo[dtype].bytes;
  return new Tensor(heap.allocate(op, bytes, isScoped()), dtype, shape);
}

/** The heap that the tensors among the operands share. Checks each of them. */
export function commonHeap(op: string, operands: readonly (TensorLike | null | undefined)[]): Heap {
  let heap: Heap | null = null;
  for (let i = 0; i < operands.length; i++) {
    const operand = operands[i];
    if (operand === null || operand === undefined || typeof operand === 'number') continue;
    if (!(operand instanceof Tensor))
      throw new ArgumentError(op, `wants a tensor or a number, got ${describe(operand)}`);
    operand.assertAlive(op);
    const own = operand.storage.heap;
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
  if (!(value instanceof Tensor)) throw new ArgumentError(op, `wants ${what}, got ${describe(value)}`);
  return value.assertAlive(op);
}

/** A tensor as an operand that is walked with the given strides. */
export function operand(tensor: Tensor, strides: Shape): Operand {
  const { code, bytes } = dtypeInfo[tensor.dtype];
  return { at: tensor.storage.address + tensor.offset * bytes, dtype: code, strides, storage: tensor.storage };
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

/** Runs instructions as one program, in order. Iteration spaces without elements are skipped. */
export function emit(op: string, heap: Heap, ...instructions: readonly Instruction[]): void {
  let end = PROGRAM_START;
  const encoded: { start: number; operands: readonly (Operand | null)[] }[] = [];
  for (const { opcode, dtype, shape, operands, params } of instructions) {
    if (sizeOf(shape) === 0) continue;
    if (isVerifying()) encoded.push({ start: end, operands });
    end = writeRecord(heap.backend, end, opcode, dtypeInfo[dtype].code, shape, operands, params ?? []);
  }
  if (end === PROGRAM_START) return;
  if (isVerifying())
    verify(heap.backend.words(), end, (record, k) => {
      const storage = encoded.find(({ start }) => start === record)?.operands[k]?.storage;
      return storage && { start: storage.address, end: storage.address + storage.bytes };
    });
  run(op, heap.backend, end);
}
