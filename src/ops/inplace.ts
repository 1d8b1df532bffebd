/**
 * Changing tensors in place: who may be changed, and what becomes of the history. A tensor that was
 * overwritten has the history of what was written. Where it is a view, its base is from then on the old base with a part
 * replaced, and every view of that base follows (`nodeOf`).
 */
import { enableGrad, isGradEnabled, seriesRules } from '../autograd/mode.ts';
import { track, tracks } from '../autograd/track.ts';
import { ArgumentError, AutogradError, formatShape, ShapeError } from '../errors.ts';
import { allocate } from '../tensor/create.ts';
import { type Shape, sameShape } from '../tensor/layout.ts';
import {
  baseOf,
  dtypeOf,
  isRowMajor,
  isTensor,
  makeTensor,
  nodeOf,
  offsetOf,
  outputIndexOf,
  rebase,
  setViewHistory,
  shapeOf,
  storageOf,
  stridesOf,
  type Tensor,
  type TensorLike,
} from '../tensor/tensor.ts';
import { clone, contiguous, copyInto, fillWith } from './convert.ts';
import { expand, stridedPart } from './view.ts';

/** Throws when `target` may not be written to in place. */
export function checkInPlace(op: string, target: Tensor): void {
  if (repeats(target))
    throw new ShapeError(
      op,
      `several elements of the expanded tensor ${formatShape(shapeOf(target))} share memory; clone() it first`,
    );
  seriesRules()?.inPlace();
  if (storageOf(target).lent)
    throw new ArgumentError(op, 'an argument of the function inside vmap cannot be changed in place; clone() it first');
  if (!isGradEnabled()) return;
  const base = baseOf(target);
  if (target.isLeaf && target.requiresGrad)
    throw new AutogradError(
      op,
      'a leaf that requires grad cannot be changed in place while gradients are recorded; wrap it in noGrad(() => …)',
    );
  if (base?.isLeaf && base.requiresGrad)
    throw new AutogradError(
      op,
      'a view of a leaf that requires grad cannot be changed in place while gradients are recorded; wrap it in noGrad(() => …)',
    );
}

/** Whether several indices lead to the same element. */
const repeats = (x: Tensor): boolean => stridesOf(x).some((stride, d) => stride === 0 && (shapeOf(x)[d] as number) > 1);

/** Whether an input shares memory with the target in a different layout, so that writing would change what is still to be read. */
export function overlaps(target: Tensor, inputs: readonly TensorLike[]): boolean {
  return inputs.some(
    (input) =>
      isTensor(input) &&
      input !== target &&
      storageOf(input) === storageOf(target) &&
      !(
        offsetOf(input) === offsetOf(target) &&
        sameShape(shapeOf(input), shapeOf(target)) &&
        sameShape(stridesOf(input), stridesOf(target))
      ),
  );
}

/** Copies `value` over all of `target`, which takes over its history. */
export function writeOver(op: string, target: Tensor, value: Tensor): void {
  copyInto(op, target, value);
  overwritten(op, target, value);
}

/** Notes that all of `target` now holds `value`, or (null) something that no gradient flows to. */
export function overwritten(op: string, target: Tensor, value: Tensor | null): void {
  storageOf(target).version++;
  if (!isGradEnabled()) return;
  const base = baseOf(target);
  if (base === null) rebase(target, value && nodeOf(value), value === null ? 0 : outputIndexOf(value));
  else if (tracks([base, value])) replaceInBase(op, base, target, value);
}

/** Where a view lies in its base, in elements. */
interface Part {
  shape: Shape;
  strides: Shape;
  offset: number;
}

const partOf = (base: Tensor, view: Tensor): Part => ({
  shape: shapeOf(view),
  strides: stridesOf(view),
  offset: offsetOf(view) - offsetOf(base),
});

/** Gradients have row-major memory, so a part can be found in them only if the base has that as well. */
function expectRowMajor(op: string, base: Tensor): void {
  if (!isRowMajor(base))
    throw new AutogradError(
      op,
      `a view of a tensor with strides ${formatShape(stridesOf(base))} was changed in place where gradients flow; call contiguous() on that tensor first`,
    );
}

/** The base's new history: what it was, with the part that the view shows replaced by `value`. */
function replaceInBase(op: string, base: Tensor, view: Tensor, value: Tensor | null): void {
  expectRowMajor(op, base);
  const part = partOf(base, view);
  const after = makeTensor(storageOf(base), dtypeOf(base), shapeOf(base), stridesOf(base), offsetOf(base));
  track(op, [base, value], [after], [], ([g], _, [needsBase, needsValue]) => [
    needsBase ? withoutPart(op, g as Tensor, part) : null,
    needsValue ? clone(stridedPart(contiguous(g as Tensor), part)) : null,
  ]);
  rebase(base, nodeOf(after), 0);
  after.dispose();
}

/** A gradient with zeros where the part lies. */
function withoutPart(op: string, g: Tensor, part: Part): Tensor {
  const out = allocate(op, storageOf(g).heap, dtypeOf(g), shapeOf(g));
  copyInto(op, out, g);
  const hole = makeTensor(storageOf(out), dtypeOf(out), part.shape, part.strides, part.offset);
  fillWith(op, hole, 0);
  hole.dispose();
  track(op, [g], [out], [], ([gg]) => [withoutPart(op, gg as Tensor, part)]);
  return out;
}

/** What a view's history is once its base was changed in place: a part of the base, repeated where it repeats. */
setViewHistory((base, view) => {
  if (nodeOf(base) === null) return null;
  expectRowMajor('view', base);
  const { shape, strides, offset } = partOf(base, view);
  const once = shape.map((n, d) => (strides[d] === 0 ? Math.min(n, 1) : n));
  return enableGrad(() => {
    const shown = stridedPart(base, { shape: once, strides, offset });
    return sameShape(once, shape) ? nodeOf(shown) : nodeOf(expand(shown, shape));
  });
});
