/**
 * Walks over the outer dimensions of a record and keeps a pointer per operand up to date:
 *
 *   begin(r);
 *   do { … pointer(0), pointer(1) … } while (next(r, rank - 1));
 *
 * There is one walk at a time: kernels do not nest.
 */
import { MAX_OPERANDS, MAX_RANK, OPERAND_WORDS, itemBytes } from '../generated/abi';
import { addressIn, dtypeIn, operandAt, operandsOf, rankOf, shapeAt, stride } from './record';

const INDEX: usize = memory.data(MAX_RANK * 4, 8);
const POINTERS: usize = memory.data(MAX_OPERANDS * 4, 8);
const BYTES: usize = memory.data(MAX_OPERANDS * 4, 8);

/** Points every operand at its first element. */
export function begin(r: usize): void {
  for (let d = 0, rank = rankOf(r); d < rank; d++) store<i32>(INDEX + ((<usize>d) << 2), 0);
  let operand = operandAt(r, 0);
  for (
    let at: usize = 0, end = (<usize>operandsOf(r)) << 2;
    at < end;
    at += 4, operand += OPERAND_WORDS << 2
  ) {
    store<usize>(POINTERS + at, addressIn(r, operand));
    store<i32>(BYTES + at, itemBytes(dtypeIn(operand)));
  }
}

/** Where the operand's element of the present index is. */
// @ts-ignore: decorator
@inline
export function pointer(operand: i32): usize {
  return load<usize>(POINTERS + ((<usize>operand) << 2));
}

/** Bytes in an element of the operand. */
// @ts-ignore: decorator
@inline
export function bytesOf(operand: i32): i32 {
  return load<i32>(BYTES + ((<usize>operand) << 2));
}

function move(r: usize, dimension: i32, steps: i32): void {
  for (let i = 0, n = operandsOf(r); i < n; i++) {
    store<usize>(POINTERS + ((<usize>i) << 2), pointer(i) + stride(r, i, dimension) * steps * bytesOf(i));
  }
}

/** The next index over the first `dimensions` dimensions, the last of them fastest; false after the last. */
export function next(r: usize, dimensions: i32): bool {
  const shape = shapeAt(r);
  for (let d = dimensions - 1; d >= 0; d--) {
    const at = (<usize>d) << 2;
    const index = load<i32>(INDEX + at) + 1;
    if (index < load<i32>(shape + at)) {
      store<i32>(INDEX + at, index);
      move(r, d, 1);
      return true;
    }
    store<i32>(INDEX + at, 0);
    move(r, d, 1 - index);
  }
  return false;
}
