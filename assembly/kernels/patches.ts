/**
 * The images of a convolution, as the places see them. Work goes by blocks of places; for one channel at a time the
 * part of the images that a block looks at becomes a *window*: with zeros where it leaves the image, and with columns
 * that are strideX apart next to each other, so that what neighbouring places see under one tap is contiguous. Where
 * that is so anyway, the window is the image itself.
 */
import { width } from '../simd/partial';
import { conv, startFromBias, tapsOf } from './convolution';
import { behindProducts } from './matmul';

/** Most places of a block. */
export const MAX_PLACES: i32 = 512;
/** Most taps that a convolution may have here; those of larger filters are taken in turn (convrun.ts). */
export const MAX_TAPS: i32 = 1024;
/** Most bytes that the taps of one place may reach over, and in one row. */
export const REACH_BYTES: i32 = 64 * 1024;
export const ROW_REACH_BYTES: i32 = 16 * 1024;
const WINDOW_BYTES: i32 = 256 * 1024;

@unmanaged
class Block {
  firstImage!: i32;
  images!: i32;
  firstRow!: i32;
  rows!: i32;
  firstColumn!: i32;
  columns!: i32;
  /** Images, rows and columns of a block that is not cut short. */
  allImages!: i32;
  allRows!: i32;
  allColumns!: i32;
  /** Whether the window is the image itself. */
  inside!: bool;
  /** Of the window: bytes from row to row, elements of a column modulo strideX, and rows from place to place. */
  pitch!: usize;
  phase!: i32;
  rowsApart!: i32;
  windowRows!: i32;
}

/** The block of places at work: `images` × `rows` × `columns`. Several rows are whole ones, several images too. */
export const block = changetype<Block>(memory.data(offsetof<Block>(), 8));

// @ts-ignore: decorator
@inline
function placesAt(): usize {
  return behindProducts();
}

// @ts-ignore: decorator
@inline
function tapsAt(): usize {
  return placesAt() + MAX_PLACES * 4;
}

// @ts-ignore: decorator
@inline
function windowAt(): usize {
  return tapsAt() + MAX_TAPS * 4;
}

/** Workspace that the other files may use. */
// @ts-ignore: decorator
@inline
export function behindWindow(): usize {
  return windowAt() + WINDOW_BYTES + 64;
}

/** Bytes from a window's start to what a place of the block sees under the first tap. */
// @ts-ignore: decorator
@inline
export function placeAt(i: i32): usize {
  return load<usize>(placesAt() + ((<usize>i) << 2));
}

/** Bytes from there to what it sees under another tap. */
// @ts-ignore: decorator
@inline
export function tapAt(i: i32): usize {
  return load<usize>(tapsAt() + ((<usize>i) << 2));
}

// @ts-ignore: decorator
@inline
function reachY(): i32 {
  return (conv.tapsY - 1) * conv.dilationY + 1;
}

// @ts-ignore: decorator
@inline
function reachX(): i32 {
  return (conv.tapsX - 1) * conv.dilationX + 1;
}

// @ts-ignore: decorator
@inline
function ceilDiv(a: i32, b: i32): i32 {
  return (a + b - 1) / b;
}

/** Elements of a window's row. Of columns that no tap reaches there are none. */
function rowElements(columns: i32): i64 {
  return <i64>(columns + (reachX() - 1) / conv.strideX) * min<i32>(conv.strideX, reachX());
}

function rowsOfWindow(rows: i32): i32 {
  return (rows - 1) * min<i32>(conv.strideY, reachY()) + reachY();
}

function windowBytes<T>(images: i32, rows: i32, columns: i32): i64 {
  return rowElements(columns) * rowsOfWindow(rows) * images * sizeof<T>();
}

/** Cuts the places into blocks of at most `most` and goes to the first of them. */
export function firstBlock<T>(most: i32): void {
  let columns = min<i32>(conv.columns, most);
  let rows = columns < conv.columns ? 1 : min<i32>(conv.rows, most / columns);
  let images = rows * columns < conv.rows * conv.columns ? 1 : min<i32>(conv.images, most / (rows * columns));
  while (windowBytes<T>(images, rows, columns) > WINDOW_BYTES) {
    if (images > 1) images = (images + 1) >> 1;
    else if (rows > 1) rows = (rows + 1) >> 1;
    else columns = (columns + 1) >> 1;
  }
  // As many blocks as needed, but all of about the same size.
  block.allImages = ceilDiv(conv.images, ceilDiv(conv.images, images));
  block.allRows = ceilDiv(conv.rows, ceilDiv(conv.rows, rows));
  block.allColumns = ceilDiv(conv.columns, ceilDiv(conv.columns, columns));
  block.firstImage = 0;
  block.firstRow = 0;
  block.firstColumn = 0;
}

/** Goes to the next block; false after the last. */
export function nextBlock(): bool {
  block.firstColumn += block.allColumns;
  if (block.firstColumn < conv.columns) return true;
  block.firstColumn = 0;
  block.firstRow += block.allRows;
  if (block.firstRow < conv.rows) return true;
  block.firstRow = 0;
  block.firstImage += block.allImages;
  return block.firstImage < conv.images;
}

// @ts-ignore: decorator
@inline
function top(): i32 {
  return conv.originY + block.firstRow * conv.strideY;
}

// @ts-ignore: decorator
@inline
function left(): i32 {
  return conv.originX + block.firstColumn * conv.strideX;
}

/** Whether every place sees nothing but the image, and neighbours see neighbours. */
function isInside(): bool {
  if (conv.strideX != 1 || top() < 0 || left() < 0) return false;
  const bottom = top() + (block.rows - 1) * conv.strideY + reachY();
  return bottom <= conv.height && left() + block.columns - 1 + reachX() <= conv.width;
}

/** Lays the windows of the present block out, and notes where places and taps are. Copies may be read beyond their end. */
export function layOut<T>(copied: bool): void {
  block.images = min<i32>(block.allImages, conv.images - block.firstImage);
  block.rows = min<i32>(block.allRows, conv.rows - block.firstRow);
  block.columns = min<i32>(block.allColumns, conv.columns - block.firstColumn);
  block.inside = !copied && isInside();
  block.windowRows = rowsOfWindow(block.rows);
  let imageStep = conv.imageStep;
  if (block.inside) {
    block.rowsApart = conv.strideY;
    block.phase = 0;
    block.pitch = <usize>conv.width * sizeof<T>();
  } else {
    block.rowsApart = min<i32>(conv.strideY, reachY());
    block.phase = block.columns + (reachX() - 1) / conv.strideX;
    block.pitch = <usize>rowElements(block.columns) * sizeof<T>();
    imageStep = block.pitch * block.windowRows;
  }
  const rowBytes = block.pitch * block.rowsApart;
  let at = placesAt();
  for (let image = 0; image < block.images; image++) {
    for (let y = 0; y < block.rows; y++) {
      const row = <usize>image * imageStep + <usize>y * rowBytes;
      for (let x: usize = 0; x < <usize>block.columns; x++, at += 4) store<usize>(at, row + x * sizeof<T>());
    }
  }
  at = tapsAt();
  for (let i = 0; i < conv.tapsY; i++) {
    for (let j = 0; j < conv.tapsX; j++, at += 4) {
      const x = j * conv.dilationX;
      const column = conv.strideX == 1 ? x : (x % conv.strideX) * block.phase + x / conv.strideX;
      store<usize>(at, <usize>(i * conv.dilationY) * block.pitch + <usize>column * sizeof<T>());
    }
  }
}

/** Elements x, x + step, … of a row of `conv.width` elements, zeros outside. */
function copyRow<T>(to: usize, count: i32, row: usize, x: i32, step: i32): void {
  const from = min<i32>(count, x < 0 ? ceilDiv(-x, step) : 0);
  const until = x < conv.width ? max<i32>(from, min<i32>(count, ceilDiv(conv.width - x, step))) : from;
  let i = 0;
  for (; i < from; i++, to += sizeof<T>()) store<T>(to, 0);
  let at = row + <usize>(x + i * step) * sizeof<T>();
  if (step == 1) {
    for (; i + width<T>() <= until; i += width<T>(), to += 16, at += 16) v128.store(to, v128.load(at));
  }
  for (; i < until; i++, to += sizeof<T>(), at += <usize>step * sizeof<T>()) store<T>(to, load<T>(at));
  for (; i < count; i++, to += sizeof<T>()) store<T>(to, 0);
}

function copyWindow<T>(from: usize): void {
  const phases = min<i32>(conv.strideX, reachX());
  // Rows that no tap reaches are left out.
  const together = conv.strideY > reachY() ? reachY() : block.windowRows;
  const skipped = conv.strideY - reachY();
  let to = windowAt();
  for (let image = 0; image < block.images; image++, from += conv.imageStep) {
    let y = top();
    for (let row = 0, run = 0; row < block.windowRows; row++, y++, run++, to += block.pitch) {
      if (run == together) {
        y += skipped;
        run = 0;
      }
      if (<u32>y >= <u32>conv.height) {
        memory.fill(to, 0, block.pitch);
        continue;
      }
      const line = from + <usize>y * conv.width * sizeof<T>();
      for (let phase = 0; phase < phases; phase++) {
        const at = to + <usize>(phase * block.phase) * sizeof<T>();
        copyRow<T>(at, block.phase, line, left() + phase, conv.strideX);
      }
    }
  }
}

/** What the block sees of a channel: element of place p under tap t is at `window(c) + placeAt(p) + tapAt(t)`. */
export function window<T>(channel: i32): usize {
  const from = conv.image + <usize>block.firstImage * conv.imageStep + <usize>channel * conv.channelStep;
  if (block.inside) return from + <usize>(top() * conv.width + left()) * sizeof<T>();
  copyWindow<T>(from);
  return windowAt();
}

/** Sets the block's part of the result, which has no gaps, to the bias. */
export function writeBias<T>(): void {
  const corner = <usize>block.firstRow * conv.rowStep + <usize>block.firstColumn * sizeof<T>();
  let image = conv.result + <usize>block.firstImage * conv.resultStep + corner;
  for (let i = 0; i < block.images; i++, image += conv.resultStep) startFromBias<T>(image, block.rows * block.columns);
}
