/**
 * Reads the fields of a record (`r` is its address); the layout is src/program/abi.ts.
 * Walking over its iteration space is walk.ts.
 */
import {
  FLAG_IMMEDIATE,
  OPERAND_ADDRESS_LOW,
  OPERAND_DTYPE,
  OPERAND_FLAGS,
  OPERAND_WORDS,
  RECORD_DTYPE,
  RECORD_FIXED_WORDS,
  RECORD_LENGTH,
  RECORD_OPCODE,
  RECORD_OPERANDS,
  RECORD_PARAMS,
  RECORD_RANK,
} from '../generated/abi';

// @ts-ignore: decorator
@inline
function word(base: usize, index: i32): i32 {
  return load<i32>(base + ((<usize>index) << 2));
}

// @ts-ignore: decorator
@inline
export function lengthOf(r: usize): i32 {
  return word(r, RECORD_LENGTH);
}

// @ts-ignore: decorator
@inline
export function opcodeOf(r: usize): i32 {
  return word(r, RECORD_OPCODE);
}

/** The dtype that selects the kernel. */
// @ts-ignore: decorator
@inline
export function dtypeOf(r: usize): i32 {
  return word(r, RECORD_DTYPE);
}

// @ts-ignore: decorator
@inline
export function rankOf(r: usize): i32 {
  return word(r, RECORD_RANK);
}

// @ts-ignore: decorator
@inline
export function operandsOf(r: usize): i32 {
  return word(r, RECORD_OPERANDS);
}

/** How many params there are. */
// @ts-ignore: decorator
@inline
export function paramsOf(r: usize): i32 {
  return word(r, RECORD_PARAMS);
}

/** Address of the params. */
// @ts-ignore: decorator
@inline
export function paramsAt(r: usize): usize {
  return r + (RECORD_FIXED_WORDS << 2);
}

// @ts-ignore: decorator
@inline
export function param(r: usize, i: i32): f64 {
  return load<f64>(paramsAt(r) + ((<usize>i) << 3));
}

// @ts-ignore: decorator
@inline
export function operandAt(r: usize, i: i32): usize {
  return paramsAt(r) + ((<usize>paramsOf(r)) << 3) + <usize>i * (OPERAND_WORDS << 2);
}

/** Where an operand's first element is; 0 when it is absent. */
export function address(r: usize, i: i32): usize {
  return addressIn(r, operandAt(r, i));
}

/** The same by the address of the operand's words. */
// @ts-ignore: decorator
@inline
export function addressIn(r: usize, operand: usize): usize {
  const low = <usize>word(operand, OPERAND_ADDRESS_LOW);
  return word(operand, OPERAND_FLAGS) & FLAG_IMMEDIATE ? r + (low << 2) : low;
}

// @ts-ignore: decorator
@inline
export function operandDtype(r: usize, i: i32): i32 {
  return dtypeIn(operandAt(r, i));
}

/** The same by the address of the operand's words. */
// @ts-ignore: decorator
@inline
export function dtypeIn(operand: usize): i32 {
  return word(operand, OPERAND_DTYPE);
}

// @ts-ignore: decorator
@inline
export function shapeAt(r: usize): usize {
  return operandAt(r, operandsOf(r));
}

// @ts-ignore: decorator
@inline
export function size(r: usize, dimension: i32): i32 {
  return word(shapeAt(r), dimension);
}

// @ts-ignore: decorator
@inline
export function stridesAt(r: usize, operand: i32): usize {
  return shapeAt(r) + ((<usize>((operand + 1) * rankOf(r))) << 2);
}

/** In elements. */
// @ts-ignore: decorator
@inline
export function stride(r: usize, operand: i32, dimension: i32): i32 {
  return word(stridesAt(r, operand), dimension);
}

/** Size of the last dimension; 1 for a record without dimensions. */
export function innerSize(r: usize): i32 {
  const rank = rankOf(r);
  return rank == 0 ? 1 : size(r, rank - 1);
}

/** Stride along the last dimension; 0 for a record without dimensions. */
export function innerStride(r: usize, operand: i32): i32 {
  const rank = rankOf(r);
  return rank == 0 ? 0 : stride(r, operand, rank - 1);
}

/** Elements in the iteration space. */
export function elements(r: usize): i32 {
  let n = 1;
  for (let d = 0, rank = rankOf(r); d < rank; d++) n *= size(r, d);
  return n;
}
