/** Programs written by hand, in memory of their own, as `src/compile` keeps them. */
import type { Backend } from '../../src/backend/backend.ts';
import { type BackendName, type DType, type Tensor, tensor } from '../../src/index.ts';
import { ABI } from '../../src/program/abi.ts';
import { type Operand, PROGRAM_START, writeImmediate, writeRecord } from '../../src/program/encode.ts';
import { operand } from '../../src/tensor/create.ts';
import { dtypeInfo } from '../../src/tensor/dtype.ts';

/** An operand that is a tensor, one with other strides (an output that is summed into), or a number of a dtype. */
export type Argument = Tensor | { tensor: Tensor; strides: readonly number[] } | { value: number; dtype: DType };

/** One step of a group: its slots count operands first, then tile buffers. */
export interface GroupStep {
  opcode: number;
  dtype: DType;
  out: number;
  inputs: readonly number[];
  params?: readonly number[];
}

const toOperand = (argument: Argument, rank: number): Operand => {
  if ('value' in argument) {
    const strides = new Array<number>(rank).fill(0);
    return { at: argument.value, dtype: dtypeInfo[argument.dtype].code, strides, immediate: true };
  }
  return 'tensor' in argument ? operand(argument.tensor, argument.strides) : operand(argument, argument.strides);
};

/** Writes records into a backend's program buffer; each method returns the writer. */
export class ProgramWriter {
  readonly backend: Backend;
  end = PROGRAM_START;

  constructor(backend: Backend) {
    this.backend = backend;
  }

  record(
    opcode: number,
    dtype: DType,
    shape: readonly number[],
    operands: readonly Argument[],
    params: readonly number[] = [],
  ): this {
    const { code } = dtypeInfo[dtype];
    const written = operands.map((argument) => toOperand(argument, shape.length));
    this.end = writeRecord(this.backend, this.end, opcode, code, shape, written, params);
    return this;
  }

  /** A `group` record: immediates come behind its tail. */
  group(
    opcode: number,
    dtype: DType,
    shape: readonly number[],
    operands: readonly Argument[],
    steps: readonly GroupStep[],
  ): this {
    const { backend, end: start } = this;
    const written = operands.map((argument) => toOperand(argument, shape.length));
    const params = steps.flatMap((step) => [...(step.params ?? [])]);
    const present = written.map((one) => (one.immediate === true ? null : one));
    let end = writeRecord(backend, start, opcode, dtypeInfo[dtype].code, shape, present, params);
    const w = backend.words();
    const slots = steps.flatMap((step) => [step.out, ...step.inputs]);
    w[end + ABI.GROUP_STEPS] = steps.length;
    w[end + ABI.GROUP_TEMPS] = Math.max(operands.length, ...slots.map((slot) => slot + 1)) - operands.length;
    end += ABI.GROUP_TAIL_WORDS;
    let param = 0;
    for (const step of steps) {
      w[end + ABI.STEP_OPCODE] = step.opcode;
      w[end + ABI.STEP_DTYPE] = dtypeInfo[step.dtype].code;
      w[end + ABI.STEP_OUT] = step.out;
      for (let i = 0; i < 4; i++) w[end + ABI.STEP_IN + i] = step.inputs[i] ?? -1;
      w[end + ABI.STEP_PARAMS] = param;
      param += step.params?.length ?? 0;
      end += ABI.STEP_WORDS;
    }
    for (const [i, { at, dtype: code, immediate }] of written.entries()) {
      if (immediate !== true) continue;
      writeImmediate(backend, end, at, code);
      const operandAt = start + ABI.RECORD_FIXED_WORDS + 2 * params.length + i * ABI.OPERAND_WORDS;
      w[operandAt + ABI.OPERAND_ADDRESS_LOW] = end - start;
      w[operandAt + ABI.OPERAND_DTYPE] = code;
      w[operandAt + ABI.OPERAND_FLAGS] = ABI.FLAG_IMMEDIATE;
      end += 2;
    }
    w[start + ABI.RECORD_LENGTH] = end - start;
    this.end = end;
    return this;
  }

  /** A record that holds the records that `write` writes. */
  holding(opcode: number, dtype: DType, write: () => void): this {
    const start = this.end;
    this.end = start + ABI.NESTED_START;
    const first = this.end;
    write();
    const w = this.backend.words();
    w.fill(0, start, first);
    let count = 0;
    for (let at = first; at < this.end; at += w[at] as number) count++;
    w[start + ABI.RECORD_LENGTH] = this.end - start;
    w[start + ABI.RECORD_OPCODE] = opcode;
    w[start + ABI.RECORD_DTYPE] = dtypeInfo[dtype].code;
    w[start + ABI.NESTED_COUNT] = count;
    return this;
  }

  /** Runs what was written. */
  run(): number {
    return this.backend.execute(this.end);
  }

  /** The program in memory of its own: an int32 tensor. */
  keep(name: BackendName): Tensor {
    const words = this.backend.words().slice(0, this.end);
    words.fill(0, 0, PROGRAM_START);
    return tensor(words, { dtype: 'int32', backend: name });
  }
}
