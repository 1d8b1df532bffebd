/**
 * Views: other shapes, orders and parts of the same memory. Nothing here computes, except that
 * `reshape` copies where no strides describe the result.
 */
import { track } from '../autograd/track.ts';
import { ArgumentError, describe, formatShape, ShapeError } from '../errors.ts';
import { allocate, expectTensor } from '../tensor/create.ts';
import {
  resolveDim,
  resolveDims,
  resolveIndex,
  resolveShape,
  type Shape,
  sizeOf,
  viewStrides,
} from '../tensor/layout.ts';
import { listOf } from '../tensor/lists.ts';
import {
  baseOf,
  dtypeOf,
  isTensor,
  makeTensor,
  ndimOf,
  numelOf,
  offsetOf,
  setBase,
  shapeOf,
  storageOf,
  stridesOf,
  type Tensor,
} from '../tensor/tensor.ts';
import { clone, contiguous, copyInto, fillWith, sumTo } from './convert.ts';

/** A view and the rule that brings its gradient back. */
function viewOf(
  op: string,
  x: Tensor,
  shape: Shape,
  strides: Shape,
  offset: number,
  back: (g: Tensor) => Tensor,
): Tensor {
  const out = makeTensor(storageOf(x), dtypeOf(x), shape, strides, offset);
  setBase(out, baseOf(x) ?? x);
  track(op, [x], [out], [], ([g]) => [back(g as Tensor)]);
  return out;
}

/** A gradient of a part, put back into zeros of the whole shape: the derivative of taking a part. */
function embed(op: string, g: Tensor, shape: Shape, part: (whole: Tensor) => Tensor): Tensor {
  const whole = allocate(op, storageOf(g).heap, dtypeOf(g), shape);
  fillWith(op, whole, 0);
  const target = part(whole);
  copyInto(op, target, g);
  target.dispose();
  track(op, [g], [whole], [], ([gg]) => [part(gg as Tensor)]);
  return whole;
}

/** Sizes given one by one or as one array. */
type Sizes = [sizes: Shape] | number[];
const flatSizes = (op: string, sizes: Sizes): readonly unknown[] => listOf(op, sizes[0]) ?? sizes;

/**
 * The same elements in another shape, one entry of which may be -1. A view where the strides allow, otherwise a copy.
 * @throws ShapeError when the number of elements differs.
 */
export function reshape(x: Tensor, ...sizes: Sizes): Tensor {
  expectTensor('reshape', x);
  const wanted = flatSizes('reshape', sizes) as Shape;
  return reshapeOr('reshape', x, wanted, () => reshape(clone(x), wanted));
}

function reshapeOr(op: string, x: Tensor, wanted: unknown, otherwise: () => Tensor): Tensor {
  const shape = resolveShape(op, wanted, numelOf(x));
  if (sizeOf(shape) !== numelOf(x))
    throw new ShapeError(
      op,
      `${numelOf(x)} elements of shape ${formatShape(shapeOf(x))} do not fit the shape ${formatShape(shape)}`,
    );
  const strides = viewStrides(shapeOf(x), stridesOf(x), shape);
  if (strides === null) return otherwise();
  const from = shapeOf(x);
  return viewOf(op, x, shape, strides, offsetOf(x), (g) => reshape(g, from));
}

/**
 * Like `reshape`, but never copies.
 * @throws ShapeError when the strides do not allow it.
 */
export function view(x: Tensor, ...sizes: Sizes): Tensor {
  expectTensor('view', x);
  const wanted = flatSizes('view', sizes);
  return reshapeOr('view', x, wanted, () => {
    throw new ShapeError(
      'view',
      `a tensor of shape ${formatShape(shapeOf(x))} with strides ${formatShape(stridesOf(x))} cannot be seen as ` +
        `${describe(wanted)} without a copy; use reshape`,
    );
  });
}

/** The dimensions in another order: dimension `dims[i]` becomes dimension i. */
export function permute(x: Tensor, ...dims: Sizes): Tensor {
  expectTensor('permute', x);
  const wanted = flatSizes('permute', dims) as Shape;
  if (wanted.length !== ndimOf(x))
    throw new ShapeError('permute', `wants each of the ${ndimOf(x)} dimensions once, got ${describe(wanted)}`);
  const order = resolveDims('permute', wanted, ndimOf(x));
  const back = order.map((_, i) => order.indexOf(i));
  const pick = (values: Shape) => order.map((d) => values[d] as number);
  return viewOf('permute', x, pick(shapeOf(x)), pick(stridesOf(x)), offsetOf(x), (g) => permute(g, back));
}

/** Two dimensions exchanged. */
export function transpose(x: Tensor, dim0: number, dim1: number): Tensor {
  expectTensor('transpose', x);
  const [a, b] = [resolveDim('transpose', dim0, ndimOf(x)), resolveDim('transpose', dim1, ndimOf(x))];
  const order = shapeOf(x).map((_, d) => (d === a ? b : d === b ? a : d));
  const pick = (values: Shape) => order.map((d) => values[d] as number);
  return viewOf('transpose', x, pick(shapeOf(x)), pick(stridesOf(x)), offsetOf(x), (g) => transpose(g, a, b));
}

/** The transpose of a matrix; vectors and scalars stay as they are. */
export function t(x: Tensor): Tensor {
  expectTensor('t', x);
  if (ndimOf(x) > 2) throw new ShapeError('t', `wants at most 2 dimensions, got ${ndimOf(x)}; use transpose`);
  return ndimOf(x) < 2 ? reshape(x, shapeOf(x)) : transpose(x, 0, 1);
}

/** Dimensions `source` moved to the places `destination`, the others keeping their order. */
export function movedim(x: Tensor, source: number | Shape, destination: number | Shape): Tensor {
  expectTensor('movedim', x);
  const from = resolveDims('movedim', source, ndimOf(x));
  const into = resolveDims('movedim', destination, ndimOf(x));
  if (from.length !== into.length)
    throw new ShapeError('movedim', `wants as many destinations as sources, got ${into.length} and ${from.length}`);
  const rest = shapeOf(x)
    .map((_, d) => d)
    .filter((d) => !from.includes(d));
  const order = shapeOf(x).map((_, d) =>
    into.includes(d) ? (from[into.indexOf(d)] as number) : (rest.shift() as number),
  );
  return permute(x, order);
}

/**
 * The tensor repeated along dimensions of size 1, and along new leading ones, without copying. -1 keeps a size.
 * @throws ShapeError when a dimension is neither 1 nor of the wanted size.
 */
export function expand(x: Tensor, ...sizes: Sizes): Tensor {
  expectTensor('expand', x);
  const wanted = flatSizes('expand', sizes);
  const lead = wanted.length - ndimOf(x);
  if (lead < 0)
    throw new ShapeError(
      'expand',
      `a tensor of shape ${formatShape(shapeOf(x))} cannot shrink to ${wanted.length} dimensions`,
    );
  const shape = resolveShape(
    'expand',
    wanted.map((n, i) => (n === -1 && i >= lead ? shapeOf(x)[i - lead] : n)),
  );
  const strides = shape.map((n, i) => {
    if (i < lead) return 0;
    const own = shapeOf(x)[i - lead] as number;
    if (own === n) return stridesOf(x)[i - lead] as number;
    if (own === 1) return 0;
    throw new ShapeError(
      'expand',
      `the shape ${formatShape(shapeOf(x))} does not expand to ${formatShape(shape)} (dimension ${i})`,
    );
  });
  const from = shapeOf(x);
  return viewOf('expand', x, shape, strides, offsetOf(x), (g) => sumTo(g, from));
}

/** Expands to the shape of `other`. */
export const expandAs = (x: Tensor, other: Tensor): Tensor => expand(x, shapeOf(expectTensor('expandAs', other)));

/** Expands to `shape`; another name for `expand`. */
export const broadcastTo = (x: Tensor, shape: Shape): Tensor => expand(x, shape);

/**
 * Elements from `start` to before `end` in steps of `step` along `dim`. Negative positions count from the end; positions
 * beyond the ends are cut back, as in Python.
 */
export function slice(x: Tensor, dim = 0, start: number | null = null, end: number | null = null, step = 1): Tensor {
  expectTensor('slice', x);
  if (ndimOf(x) === 0) throw new ShapeError('slice', 'a 0-d tensor cannot be sliced');
  const d = resolveDim('slice', dim, ndimOf(x));
  if (!Number.isInteger(step) || step < 1)
    throw new ArgumentError('slice', `step is a positive whole number, got ${describe(step)}`);
  const n = shapeOf(x)[d] as number;
  const clip = (value: number | null | undefined, otherwise: number) => {
    if (value === null || value === undefined) return otherwise;
    if (typeof value !== 'number' || (!Number.isInteger(value) && Math.abs(value) !== Number.POSITIVE_INFINITY))
      throw new ArgumentError('slice', `start and end are whole numbers, got ${describe(value)}`);
    return Math.min(Math.max(value < 0 ? value + n : value, 0), n);
  };
  const first = clip(start, 0);
  const count = Math.max(0, Math.ceil((clip(end, n) - first) / step));
  const shape = shapeOf(x).with(d, count);
  const strides = stridesOf(x).with(d, (stridesOf(x)[d] as number) * step);
  const offset = count === 0 ? offsetOf(x) : offsetOf(x) + first * (stridesOf(x)[d] as number);
  const from = shapeOf(x);
  const part = (whole: Tensor) => slice(whole, d, first, first + count * step, step);
  return viewOf('slice', x, shape, strides, offset, (g) => embed('slice', g, from, part));
}

/** The value of a 0-d integer tensor. */
function wholeNumber(op: string, x: Tensor): number {
  expectTensor(op, x);
  if (ndimOf(x) !== 0 || x.isFloatingPoint || dtypeOf(x) === 'bool')
    throw new ShapeError(
      op,
      `wants a number or a 0-d integer tensor, got ${dtypeOf(x)} of shape ${formatShape(shapeOf(x))}`,
    );
  return x.item();
}

/** `length` elements from `start`, which may be a 0-d integer tensor, along `dim`. */
export function narrow(x: Tensor, dim: number, start: number | Tensor, length: number): Tensor {
  expectTensor('narrow', x);
  if (isTensor(start)) return narrow(x, dim, wholeNumber('narrow', start), length);
  if (ndimOf(x) === 0) throw new ShapeError('narrow', 'a 0-d tensor cannot be narrowed');
  const d = resolveDim('narrow', dim, ndimOf(x));
  const n = shapeOf(x)[d] as number;
  const first = Number.isInteger(start) && start < 0 ? start + n : start;
  if (!Number.isInteger(first) || !Number.isInteger(length) || first < 0 || length < 0 || first + length > n)
    throw new ShapeError(
      'narrow',
      `${describe(length)} elements from ${describe(start)} do not lie within dimension ${d} of size ${n}`,
    );
  return slice(x, d, first, first + length);
}

/** The part at one index of `dim`, which disappears. */
export function select(x: Tensor, dim: number, index: number): Tensor {
  expectTensor('select', x);
  if (ndimOf(x) === 0) throw new ShapeError('select', 'a 0-d tensor has nothing to select from');
  const d = resolveDim('select', dim, ndimOf(x));
  const i = resolveIndex('select', index, shapeOf(x)[d] as number, d);
  const from = shapeOf(x);
  const part = (whole: Tensor) => select(whole, d, i);
  return viewOf(
    'select',
    x,
    shapeOf(x).toSpliced(d, 1),
    stridesOf(x).toSpliced(d, 1),
    offsetOf(x) + i * (stridesOf(x)[d] as number),
    (g) => embed('select', g, from, part),
  );
}

/** Without the dimensions of size 1: all of them, or those named (a named one of another size stays). */
export function squeeze(x: Tensor, dim?: number | Shape | null): Tensor {
  expectTensor('squeeze', x);
  const dims = resolveDims('squeeze', dim, ndimOf(x)).filter((d) => shapeOf(x)[d] === 1);
  const stays = (_: number, d: number) => !dims.includes(d);
  const from = shapeOf(x);
  return viewOf('squeeze', x, shapeOf(x).filter(stays), stridesOf(x).filter(stays), offsetOf(x), (g) =>
    reshape(g, from),
  );
}

/** With a new dimension of size 1 at `dim`, which counts in the result. */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  expectTensor('unsqueeze', x);
  const d = resolveDim('unsqueeze', dim, ndimOf(x) + 1);
  const from = shapeOf(x);
  return viewOf('unsqueeze', x, shapeOf(x).toSpliced(d, 0, 1), stridesOf(x).toSpliced(d, 0, 1), offsetOf(x), (g) =>
    reshape(g, from),
  );
}

/** Dimensions `startDim` to `endDim` as one. */
export function flatten(x: Tensor, startDim = 0, endDim = -1): Tensor {
  expectTensor('flatten', x);
  const [a, b] = [resolveDim('flatten', startDim, ndimOf(x)), resolveDim('flatten', endDim, ndimOf(x))];
  if (a > b) throw new ShapeError('flatten', `startDim ${startDim} comes after endDim ${endDim}`);
  if (ndimOf(x) === 0) return reshape(x, [1]);
  return reshape(x, shapeOf(x).toSpliced(a, b - a + 1, sizeOf(shapeOf(x).slice(a, b + 1))));
}

/** One dimension as several; one of `sizes` may be -1. */
export function unflatten(x: Tensor, dim: number, sizes: Shape): Tensor {
  expectTensor('unflatten', x);
  if (ndimOf(x) === 0) throw new ShapeError('unflatten', 'a 0-d tensor has no dimension to split');
  const d = resolveDim('unflatten', dim, ndimOf(x));
  const n = shapeOf(x)[d] as number;
  const parts = resolveShape('unflatten', sizes, n);
  if (sizeOf(parts) !== n)
    throw new ShapeError('unflatten', `dimension ${d} of size ${n} does not split into ${formatShape(parts)}`);
  return reshape(x, shapeOf(x).toSpliced(d, 1, ...parts));
}

/** Pieces of `splitSize` elements along `dim` (the last may be shorter), or of the sizes listed. */
export function split(x: Tensor, splitSize: number | Shape, dim = 0): Tensor[] {
  expectTensor('split', x);
  if (ndimOf(x) === 0) throw new ShapeError('split', 'a 0-d tensor cannot be split');
  const d = resolveDim('split', dim, ndimOf(x));
  const n = shapeOf(x)[d] as number;
  let sizes: Shape;
  if (typeof splitSize === 'number') {
    if (!Number.isInteger(splitSize) || splitSize < 1)
      throw new ArgumentError('split', `the size of a piece is a positive whole number, got ${describe(splitSize)}`);
    const count = Math.max(1, Math.ceil(n / splitSize));
    sizes = Array.from({ length: count }, (_, i) => Math.min(splitSize, n - i * splitSize));
  } else {
    sizes = resolveShape('split', splitSize);
    if (sizes.reduce((a, b) => a + b, 0) !== n)
      throw new ShapeError(
        'split',
        `the sizes ${formatShape(sizes)} do not add up to ${n}, the size of dimension ${d}`,
      );
  }
  return pieces('split', x, sizes, d);
}

/**
 * All pieces of a dimension, without it if they have no `sizes` and are one element each. They share a node, so that their gradients
 * are put together in one go.
 */
function pieces(op: string, x: Tensor, sizes: Shape | null, dim: number): Tensor[] {
  const shape = shapeOf(x);
  const count = sizes === null ? (shape[dim] as number) : sizes.length;
  let start = 0;
  const parts = Array.from({ length: count }, (_, i) => {
    const part = pieceOf(x, sizes, dim, i, start);
    setBase(part, baseOf(x) ?? x);
    start += sizes?.[i] ?? 1;
    return part;
  });
  track(op, [x], parts, [], (grads) => [assembled(op, grads, sizes, shape, dim)]);
  return parts;
}

/** Piece number i of `pieces`, which begins at `start`; not recorded. */
function pieceOf(x: Tensor, sizes: Shape | null, dim: number, i: number, start: number): Tensor {
  const shape = shapeOf(x);
  const strides = stridesOf(x);
  const offset = offsetOf(x) + start * (strides[dim] as number);
  return sizes === null
    ? makeTensor(storageOf(x), dtypeOf(x), shape.toSpliced(dim, 1), strides.toSpliced(dim, 1), offset)
    : makeTensor(storageOf(x), dtypeOf(x), shape.with(dim, sizes[i] as number), strides, offset);
}

/** A tensor of the given pieces along a dimension, zeros in the place of those that are missing: the derivative of `pieces`. */
function assembled(
  op: string,
  parts: readonly (Tensor | null)[],
  sizes: Shape | null,
  shape: Shape,
  dim: number,
): Tensor {
  const like = parts.find((part) => part !== null) as Tensor;
  const whole = allocate(op, storageOf(like).heap, dtypeOf(like), shape);
  if (parts.includes(null)) fillWith(op, whole, 0);
  let start = 0;
  for (const [i, part] of parts.entries()) {
    if (part !== null) {
      const target = pieceOf(whole, sizes, dim, i, start);
      copyInto(op, target, part);
      target.dispose();
    }
    start += sizes?.[i] ?? 1;
  }
  track(op, parts, [whole], [], ([g]) => pieces(op, g as Tensor, sizes, dim));
  return whole;
}

const MAX_EMPTY_PIECES = 65536;

/** At most `chunks` pieces of equal size along `dim`, the last one shorter if need be. */
export function chunk(x: Tensor, chunks: number, dim = 0): Tensor[] {
  expectTensor('chunk', x);
  if (!Number.isInteger(chunks) || chunks < 1)
    throw new ArgumentError('chunk', `wants a positive number of chunks, got ${describe(chunks)}`);
  if (ndimOf(x) === 0) throw new ShapeError('chunk', 'a 0-d tensor cannot be split');
  const n = shapeOf(x)[resolveDim('chunk', dim, ndimOf(x))] as number;
  const size = Math.ceil(n / chunks);
  if (size > 0) return split(x, size, dim);
  // As in PyTorch, nothing still makes the number of pieces that was asked for; but not billions of them.
  if (chunks > MAX_EMPTY_PIECES)
    throw new ArgumentError(
      'chunk',
      `makes at most ${MAX_EMPTY_PIECES} pieces of a dimension without elements, got ${chunks}`,
    );
  return split(x, new Array<number>(chunks).fill(0), dim);
}

/** The parts at every index of `dim`. */
export function unbind(x: Tensor, dim = 0): Tensor[] {
  expectTensor('unbind', x);
  if (ndimOf(x) === 0) throw new ShapeError('unbind', 'a 0-d tensor has nothing to unbind');
  const d = resolveDim('unbind', dim, ndimOf(x));
  return pieces('unbind', x, null, d);
}

/** The elements (i, i + offset) of two dimensions, as a new last dimension. */
export function diagonal(x: Tensor, offset = 0, dim1 = 0, dim2 = 1): Tensor {
  expectTensor('diagonal', x);
  const [a, b] = [resolveDim('diagonal', dim1, ndimOf(x)), resolveDim('diagonal', dim2, ndimOf(x))];
  if (a === b || ndimOf(x) < 2)
    throw new ShapeError(
      'diagonal',
      `wants two different dimensions of a tensor of at least two, got ${dim1} and ${dim2}`,
    );
  if (!Number.isInteger(offset))
    throw new ArgumentError('diagonal', `offset is a whole number, got ${describe(offset)}`);
  const length = Math.max(
    0,
    Math.min((shapeOf(x)[a] as number) + Math.min(offset, 0), (shapeOf(x)[b] as number) - Math.max(offset, 0)),
  );
  const [sa, sb] = [stridesOf(x)[a] as number, stridesOf(x)[b] as number];
  const rest = (values: Shape) => values.filter((_, d) => d !== a && d !== b);
  const start = length === 0 ? 0 : offset >= 0 ? offset * sb : -offset * sa;
  const from = shapeOf(x);
  const part = (whole: Tensor) => diagonal(whole, offset, a, b);
  return viewOf(
    'diagonal',
    x,
    [...rest(shapeOf(x)), length],
    [...rest(stridesOf(x)), sa + sb],
    offsetOf(x) + start,
    (g) => embed('diagonal', g, from, part),
  );
}

/** @internal Some elements of a row-major tensor, given by strides; no two indices may lead to the same one. */
export function stridedPart(x: Tensor, part: { shape: Shape; strides: Shape; offset: number }): Tensor {
  const from = shapeOf(x);
  return viewOf('view', x, part.shape, part.strides, offsetOf(x) + part.offset, (g) =>
    embed('view', g, from, (whole) => stridedPart(contiguous(whole), part)),
  );
}
