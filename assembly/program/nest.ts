/**
 * A nest of loops in an order of its own: dimensions are pushed one by one, sorted so that the input
 * is read as sequentially as possible, and merged where two of them are one. Each has two byte steps,
 * one in the input and one in the output. For kernels that treat groups of dimensions
 * differently (reductions); the others walk the record as it is (walk.ts).
 *
 * Memory of a nest: rank, input offset, output offset, then { size, index, input step, output step } each.
 */
import { MAX_RANK } from '../generated/abi';

export const NEST_BYTES: i32 = 16 + MAX_RANK * 16;

// @ts-ignore: decorator
@inline
export function rankOfNest(nest: usize): i32 {
  return load<i32>(nest);
}

/** Bytes from the first element of the input to that of the present index. */
// @ts-ignore: decorator
@inline
export function inputOffset(nest: usize): usize {
  return load<usize>(nest, 4);
}

// @ts-ignore: decorator
@inline
export function outputOffset(nest: usize): usize {
  return load<usize>(nest, 8);
}

// @ts-ignore: decorator
@inline
function dimension(nest: usize, d: i32): usize {
  return nest + 16 + ((<usize>d) << 4);
}

// @ts-ignore: decorator
@inline
function sizeAt(dim: usize): i32 {
  return load<i32>(dim);
}

// @ts-ignore: decorator
@inline
function inputStepAt(dim: usize): i32 {
  return load<i32>(dim, 8);
}

// @ts-ignore: decorator
@inline
function outputStepAt(dim: usize): i32 {
  return load<i32>(dim, 12);
}

function set(dim: usize, size: i32, inputStep: i32, outputStep: i32): void {
  store<i32>(dim, size);
  store<i32>(dim, 0, 4);
  store<i32>(dim, inputStep, 8);
  store<i32>(dim, outputStep, 12);
}

export function clear(nest: usize): void {
  memory.fill(nest, 0, 16);
}

/** Adds a dimension behind those with greater input steps. */
export function push(nest: usize, size: i32, inputStep: i32, outputStep: i32): void {
  if (size == 1) return;
  let d = rankOfNest(nest);
  store<i32>(nest, d + 1);
  for (; d > 0 && inputStepAt(dimension(nest, d - 1)) < inputStep; d--) {
    memory.copy(dimension(nest, d), dimension(nest, d - 1), 16);
  }
  set(dimension(nest, d), size, inputStep, outputStep);
}

/** Merges dimensions that together step like one. */
export function merge(nest: usize): void {
  const rank = rankOfNest(nest);
  let kept = 0;
  for (let d = 1; d < rank; d++) {
    const outer = dimension(nest, kept);
    const inner = dimension(nest, d);
    const size = sizeAt(inner);
    if (
      inputStepAt(outer) == inputStepAt(inner) * size &&
      outputStepAt(outer) == outputStepAt(inner) * size
    ) {
      set(outer, sizeAt(outer) * size, inputStepAt(inner), outputStepAt(inner));
    } else {
      kept++;
      memory.copy(dimension(nest, kept), inner, 16);
    }
  }
  if (rank > 0) store<i32>(nest, kept + 1);
}

/** Size of the innermost dimension; 1 when there is none. */
export function lastSize(nest: usize): i32 {
  const rank = rankOfNest(nest);
  return rank == 0 ? 1 : sizeAt(dimension(nest, rank - 1));
}

/** Input step of the innermost dimension; 0 when there is none. */
export function lastInputStep(nest: usize): i32 {
  const rank = rankOfNest(nest);
  return rank == 0 ? 0 : inputStepAt(dimension(nest, rank - 1));
}

export function lastOutputStep(nest: usize): i32 {
  const rank = rankOfNest(nest);
  return rank == 0 ? 0 : outputStepAt(dimension(nest, rank - 1));
}

/** Takes the innermost dimension out, for the caller to loop over. */
export function drop(nest: usize): void {
  const rank = rankOfNest(nest);
  if (rank > 0) store<i32>(nest, rank - 1);
}

/** The next index; false after the last, with the nest back at its start. */
export function advance(nest: usize): bool {
  for (let d = rankOfNest(nest) - 1; d >= 0; d--) {
    const dim = dimension(nest, d);
    const index = load<i32>(dim, 4) + 1;
    const more = index < sizeAt(dim);
    const steps = more ? 1 : 1 - index;
    store<i32>(dim, more ? index : 0, 4);
    store<usize>(nest, inputOffset(nest) + steps * inputStepAt(dim), 4);
    store<usize>(nest, outputOffset(nest) + steps * outputStepAt(dim), 8);
    if (more) return true;
  }
  return false;
}
