/** Joining tensors: strided copies into the parts of one result. */
import { track } from '../autograd/track.ts';
import { ArgumentError, describe, formatShape, ShapeError } from '../errors.ts';
import { allocate, commonHeap, expectTensor } from '../tensor/create.ts';
import { type DType, promoteTypes } from '../tensor/dtype.ts';
import { resolveDim, sameShape } from '../tensor/layout.ts';
import { listOf } from '../tensor/lists.ts';
import { dtypeOf, makeTensor, ndimOf, shapeOf, storageOf, stridesOf, type Tensor } from '../tensor/tensor.ts';
import { castTo, copyInto, filled } from './convert.ts';
import { narrow, unsqueeze } from './view.ts';

function expectList(op: string, tensors: unknown): readonly Tensor[] {
  const list = listOf(op, tensors);
  if (list === null || list.length === 0)
    throw new ArgumentError(op, `wants a non-empty array of tensors, got ${describe(tensors)}`);
  return list.map((tensor) => expectTensor(op, tensor, 'an array of tensors'));
}

/**
 * Tensors joined along `dim`; all other sizes must agree. Dtypes are promoted.
 * @throws ShapeError when the shapes do not fit.
 */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  const all = expectList('cat', tensors);
  const heap = commonHeap('cat', all);
  // PyTorch lets empty vectors pass whatever the others' rank.
  const list =
    all.length > 1 && all.some((x) => !sameShape(shapeOf(x), [0]))
      ? all.filter((x) => !sameShape(shapeOf(x), [0]))
      : all;
  const first = list[0] as Tensor;
  if (ndimOf(first) === 0) throw new ShapeError('cat', '0-d tensors cannot be joined; use stack');
  const d = resolveDim('cat', dim, ndimOf(first));
  for (const x of list)
    if (ndimOf(x) !== ndimOf(first) || !sameShape(shapeOf(x).with(d, 0), shapeOf(first).with(d, 0)))
      throw new ShapeError(
        'cat',
        `shapes ${formatShape(shapeOf(first))} and ${formatShape(shapeOf(x))} differ in more than dimension ${d}`,
      );
  const dtype = all.map((x) => dtypeOf(x)).reduce<DType>(promoteTypes, dtypeOf(first));
  const parts = list.map((x) => castTo(x, dtype));
  const sizes = parts.map((x) => shapeOf(x)[d] as number);
  const out = allocate(
    'cat',
    heap,
    dtype,
    shapeOf(first).with(
      d,
      sizes.reduce((a, b) => a + b, 0),
    ),
  );
  const strideOfDim = stridesOf(out)[d] as number;
  let start = 0;
  for (const [i, part] of parts.entries()) {
    const place = makeTensor(storageOf(out), dtype, shapeOf(part), stridesOf(out), start * strideOfDim);
    copyInto('cat', place, part);
    place.dispose();
    start += sizes[i] as number;
  }
  // An empty vector that was let pass is a part of the result all the same: its gradient is empty, and not missing.
  const passed = list === all ? [] : all.filter((x) => !list.includes(x)).map((x) => castTo(x, dtype));
  track('cat', [...parts, ...passed], [out], [], ([g], _, needs) => {
    let from = 0;
    const grads = sizes.map((size, i) => {
      from += size;
      return needs[i] ? narrow(g as Tensor, d, from - size, size) : null;
    });
    return [
      ...grads,
      ...passed.map((x, i) => (needs[sizes.length + i] ? filled('cat', shapeOf(x), 0, g as Tensor) : null)),
    ];
  });
  return out;
}

/** Tensors of one shape joined along a new dimension `dim`. */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  const list = expectList('stack', tensors);
  const first = list[0] as Tensor;
  for (const x of list)
    if (!sameShape(shapeOf(x), shapeOf(first)))
      throw new ShapeError(
        'stack',
        `wants equal shapes, got ${formatShape(shapeOf(first))} and ${formatShape(shapeOf(x))}`,
      );
  const d = resolveDim('stack', dim, ndimOf(first) + 1);
  return cat(
    list.map((x) => unsqueeze(x, d)),
    d,
  );
}
