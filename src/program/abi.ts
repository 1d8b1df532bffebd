/**
 * The instruction format: the one description of how a record is laid out in memory.
 *
 * `tools/gen` writes these constants for C++ (`native/generated/abi.h`) and for
 * AssemblyScript (`assembly/generated/abi.ts`). What each kernel expects of its record
 * is in `docs/program-format.md`; start reading there.
 */

/** Element types in the order of their codes. The code is what a record carries. */
export const DTYPES = ['float32', 'float64', 'int32', 'int64', 'uint8', 'bool'] as const;

/** Bytes per element, by dtype code. */
export const ITEM_BYTES = [4, 8, 4, 8, 1, 1] as const;

/** Every constant of the layout, in 32-bit words unless the name says otherwise. */
export const ABI = {
  /** Counts up when the arguments of a function that binaries export change, so that older ones are refused. */
  INTERFACE: 2,

  /** The program buffer starts with a header that `execute` writes faults to. */
  HEADER_WORDS: 8,
  /** Header: 0 after success, otherwise a FAULT_* code. */
  HEADER_STATUS: 0,
  /** Header: where the faulty record starts. */
  HEADER_FAULT_RECORD: 1,
  /** Header: the offending value as a float64 (two words). */
  HEADER_FAULT_VALUE: 2,
  /** Header: set by whoever wants a repeated program to stop after the present repetition. */
  HEADER_STOP: 4,
  /** Header: repetitions that were completed. */
  HEADER_DONE: 5,

  /** Record: its length, always even, so that float64 fields stay aligned. */
  RECORD_LENGTH: 0,
  RECORD_OPCODE: 1,
  /** Record: the dtype that selects the kernel. */
  RECORD_DTYPE: 2,
  RECORD_RANK: 3,
  RECORD_OPERANDS: 4,
  RECORD_PARAMS: 5,
  /** Record: where the params begin; each is a float64. */
  RECORD_FIXED_WORDS: 6,

  /** An operand: address (low, high), dtype, flags. */
  OPERAND_WORDS: 4,
  OPERAND_ADDRESS_LOW: 0,
  OPERAND_ADDRESS_HIGH: 1,
  OPERAND_DTYPE: 2,
  OPERAND_FLAGS: 3,
  /** Flag: the value sits inside the record, ADDRESS_LOW words after its start. */
  FLAG_IMMEDIATE: 1,

  /** A group's tail, after the strides: numbers of steps and of tile buffers, then the steps. */
  GROUP_STEPS: 0,
  GROUP_TEMPS: 1,
  GROUP_TAIL_WORDS: 2,
  /** A step of a group: opcode, dtype, slot written, slots read (up to four, −1 when absent), index of its first param. */
  STEP_WORDS: 8,
  STEP_OPCODE: 0,
  STEP_DTYPE: 1,
  STEP_OUT: 2,
  STEP_IN: 3,
  STEP_PARAMS: 7,
  /** Elements of a group's tile, and so of its tile buffers. */
  TILE: 512,
  MAX_STEPS: 24,
  MAX_TEMPS: 12,

  /** Records that hold whole records (`matmul_group`, `update_all`): how many, and where the first one starts. */
  NESTED_COUNT: 6,
  NESTED_START: 8,

  /** An index lay outside its range. */
  FAULT_INDEX: 1,
  /** An integer divisor was zero. */
  FAULT_ZERO_DIVISOR: 2,
  /** The record names an opcode and dtype for which there is no kernel. */
  FAULT_NO_KERNEL: 3,
  /** A number lay outside the interval that it has to lie in. */
  FAULT_RANGE: 4,

  MAX_RANK: 16,
  MAX_OPERANDS: 16,
} as const;

/** Size of the buffer that eager records are written to. */
export const PROGRAM_WORDS = 16384;
