/**
 * Packing for matmul: a block of A or B, whatever its strides, becomes panels of `lanes` rows (or columns)
 * that the micro-kernel reads from front to back: panel after panel, and in each of them the `lanes`
 * elements of one k after those of the one before. Panels that stick out are padded with zeros.
 */
import { transpose2, transpose4 } from '../simd/transpose';

/** A whole panel whose lines are contiguous along k. */
function packLines<T>(to: usize, lanes: i32, depth: i32, x: usize, across: usize): void {
  const group = 16 / <i32>sizeof<T>();
  const pitch = <usize>lanes * sizeof<T>();
  let k = 0;
  for (; k + group <= depth; k += group, x += 16, to += <usize>group * pitch) {
    for (let lane = 0; lane < lanes; lane += group) {
      const at = to + <usize>lane * sizeof<T>();
      if (sizeof<T>() == 4) transpose4(at, pitch, x + <usize>lane * across, across);
      else transpose2(at, pitch, x + <usize>lane * across, across);
    }
  }
  for (; k < depth; k++, x += sizeof<T>(), to += pitch) {
    for (let lane = 0; lane < lanes; lane++) {
      store<T>(to + <usize>lane * sizeof<T>(), load<T>(x + <usize>lane * across));
    }
  }
}

/** A whole panel whose elements of one k are contiguous. */
function packVectors<T>(to: usize, lanes: i32, depth: i32, x: usize, along: usize): void {
  const bytes = <usize>lanes * sizeof<T>();
  for (let k = 0; k < depth; k++, x += along, to += bytes) {
    for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, v128.load(x + i));
  }
}

/** Any strides, and panels of which only `count` lanes exist. */
function packElements<T>(
  to: usize,
  lanes: i32,
  count: i32,
  depth: i32,
  x: usize,
  across: usize,
  along: usize,
): void {
  for (let k = 0; k < depth; k++, x += along, to += <usize>lanes * sizeof<T>()) {
    for (let lane = 0; lane < lanes; lane++) {
      store<T>(to + <usize>lane * sizeof<T>(), lane < count ? load<T>(x + <usize>lane * across) : <T>0);
    }
  }
}

/** Packs `count` lines of `depth` elements; `across` and `along` are byte steps, to the next line and to the next k. */
export function pack<T>(
  to: usize,
  lanes: i32,
  count: i32,
  depth: i32,
  x: usize,
  across: usize,
  along: usize,
): void {
  for (; count > 0; count -= lanes) {
    if (count < lanes) packElements<T>(to, lanes, count, depth, x, across, along);
    else if (across == sizeof<T>()) packVectors<T>(to, lanes, depth, x, along);
    else if (along == sizeof<T>()) packLines<T>(to, lanes, depth, x, across);
    else packElements<T>(to, lanes, lanes, depth, x, across, along);
    x += <usize>lanes * across;
    to += <usize>(lanes * depth) * sizeof<T>();
  }
}
