/**
 * The memory below `heapBase`, which belongs to the kernels: the program buffer and the workspaces that
 * replace allocation. One kernel runs at a time, so that all of them may share the same bytes; only the
 * program buffer is kept. Everything from `heapBase` up is TypeScript's.
 */
import { PROGRAM_WORDS } from '../generated/abi';

const PROGRAM_BYTES: usize = <usize>PROGRAM_WORDS * 4;
export const WORKSPACE_BYTES: usize = 1 << 20;

// @ts-ignore: decorator
@inline
export function programAt(): usize {
  return (__heap_base + 63) & ~63;
}

/** One mebibyte, aligned to a cache line. */
// @ts-ignore: decorator
@inline
export function workspace(): usize {
  return programAt() + PROGRAM_BYTES;
}

// @ts-ignore: decorator
@inline
export function heapStart(): usize {
  return workspace() + WORKSPACE_BYTES;
}
