/**
 * What the WASM module exports: the program buffer, the functions that run programs, and where the
 * memory begins that TypeScript may hand out. The kernels mirror those in native/, file by file; start
 * reading at program/execute.ts. `memory` is exported by the compiler.
 */
import { HEADER_WORDS } from './generated/abi';
import { TABLE_HASH } from './generated/opcodes';
import { executeProgram } from './program/execute';
import { heapStart, programAt } from './program/workspace';

/** Byte address of the program buffer, PROGRAM_WORDS words long. */
export function programAddress(): usize {
  return programAt();
}

/** The first byte that kernels never touch on their own account, aligned to 64. */
export function heapBase(): usize {
  return heapStart();
}

/** Compared with the hash of the table in TypeScript when the module is loaded. */
export function tableHash(): u32 {
  return TABLE_HASH;
}

/** Runs the records up to word `end` of the program buffer; 0 or a FAULT_* code. */
export function execute(end: i32): i32 {
  return executeProgram(programAt(), HEADER_WORDS, end, 1);
}

/**
 * Runs the records from word `begin` to before `end` of the program whose header is at `address`, `repeat` times
 * or until the header asks to stop; 0 or a FAULT_* code.
 */
export function executeAt(address: usize, begin: i32, end: i32, repeat: i32): i32 {
  return executeProgram(address, begin, end, repeat);
}
