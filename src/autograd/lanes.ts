/**
 * In and out of a level: a dimension of a tensor becomes the examples of a `vmap`, and the examples become a dimension.
 * Neither moves an element, and each is the other's derivative.
 */
import { activeLevels, type Level, union, withLevels } from '../memory/lanes.ts';
import { sum } from '../ops/reduce.ts';
import { dtypeInfo } from '../tensor/dtype.ts';
import { dtypeOf, makeTensor, offsetOf, shapeOf, storageOf, stridesOf, type Tensor } from '../tensor/tensor.ts';
import { type GraphNode, levelsOf } from './node.ts';
import { track } from './track.ts';

/** One example: the tensor without dimension `dim`, along which its examples lie. */
export function enterLevel(x: Tensor, level: Level, dim: number): Tensor {
  const lanes = new Map(storageOf(x).lanes ?? []).set(
    level,
    (stridesOf(x)[dim] as number) * dtypeInfo[dtypeOf(x)].bytes,
  );
  const out = makeTensor(
    storageOf(x).withLanes(lanes, true),
    dtypeOf(x),
    shapeOf(x).toSpliced(dim, 1),
    stridesOf(x).toSpliced(dim, 1),
    offsetOf(x),
  );
  track('vmap', [x], [out], [], ([g]) => [leaveLevel(g as Tensor, level, dim)]);
  return out;
}

/** All examples, along a new dimension `dim`; what is the same for all is repeated without copying. */
export function leaveLevel(x: Tensor, level: Level, dim: number): Tensor {
  const lanes = new Map(storageOf(x).lanes ?? []);
  const bytes = lanes.get(level) ?? 0;
  lanes.delete(level);
  const { root } = storageOf(x);
  const out = makeTensor(
    root.withLanes(lanes),
    dtypeOf(x),
    shapeOf(x).toSpliced(dim, 0, level.size),
    stridesOf(x).toSpliced(dim, 0, bytes / dtypeInfo[dtypeOf(x)].bytes),
    offsetOf(x),
  );
  track('vmap', [x], [out], [], ([g]) => [enterLevel(g as Tensor, level, dim)]);
  return out;
}

/**
 * A gradient on its way to a node: summed over the examples of levels that neither the node's outputs nor the present computation
 * tell apart, because the examples share what it is the gradient of.
 */
export function settle(grad: Tensor, node: GraphNode): Tensor {
  let settled = grad;
  for (const level of levelsOf(grad)) {
    if (node.levels.includes(level) || activeLevels().includes(level)) continue;
    const rest = union(
      activeLevels(),
      levelsOf(settled).filter((other) => other !== level),
    );
    const before = settled;
    settled = withLevels(rest, () => sum(leaveLevel(before, level, 0), 0));
  }
  return settled;
}
