/**
 * Functions of one example turned into functions of many. The function runs once; what it makes has lanes for all examples
 * (`src/memory/lanes.ts`), and every record that it emits runs over them. It sees shapes of one example throughout, so any function of
 * tensors will do, derivatives included: `vmap(grad(f))` is a gradient per example.
 */
import { ArgumentError, describe, formatShape, ShapeError } from '../errors.ts';
import { activeLevels, Level, withLevels } from '../memory/lanes.ts';
import { expectTensor } from '../tensor/create.ts';
import { resolveDim } from '../tensor/layout.ts';
import { listOf } from '../tensor/lists.ts';
import { checkOptions } from '../tensor/options.ts';
import { ndimOf, shapeOf, type Tensor } from '../tensor/tensor.ts';
import { enterLevel, leaveLevel } from './lanes.ts';

/** Options of `vmap`. */
export interface VmapOptions {
  /** Along which dimension the examples lie in each argument, or in all of them; null: all examples share it. 0 by default. */
  inDims?: number | null | readonly (number | null)[];
  /** Along which dimension the examples lie in each result, or in all of them; 0 by default. */
  outDims?: number | readonly number[];
}

const isDim = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value);

function listed<T>(option: T | readonly T[], count: number, name: string): readonly T[] {
  if (!Array.isArray(option)) return new Array<T>(count).fill(option as T);
  if (option.length !== count)
    throw new ArgumentError('vmap', `${name} has ${option.length} entries for ${count} of them`);
  return option;
}

const copied = <T>(option: T): T => (listOf('vmap', option) ?? option) as T;

/** Arguments of one example, and the level that tells examples apart. */
function enter(args: readonly unknown[], inDims: readonly (number | null)[]): { level: Level; entered: unknown[] } {
  let level: Level | null = null;
  const dims = args.map((arg, i) => {
    const dim = inDims[i] as number | null;
    if (dim === null || typeof arg !== 'object') return null;
    const x = expectTensor('vmap', arg, `a tensor as argument ${i}, or null for it in inDims`);
    if (ndimOf(x) === 0) throw new ShapeError('vmap', `argument ${i} is 0-d and has no dimension of examples`);
    const d = resolveDim('vmap', dim, ndimOf(x));
    const size = shapeOf(x)[d] as number;
    level ??= new Level(size);
    if (level.size !== size)
      throw new ShapeError(
        'vmap',
        `argument ${i} of shape ${formatShape(shapeOf(x))} has ${size} examples along dimension ${d}, those before it ${level.size}`,
      );
    return d;
  });
  if (level === null)
    throw new ArgumentError('vmap', 'wants at least one tensor with a dimension of examples (inDims that is not null)');
  const own: Level = level;
  return {
    level,
    entered: args.map((arg, i) => (dims[i] === null ? arg : enterLevel(arg as Tensor, own, dims[i] as number))),
  };
}

/**
 * The function that applies `f` to every example of a batch, without a loop: each tensor argument has a dimension of examples
 * that `f` does not see, and so has each result. Nests, and composes with `grad`, `jvp`, `compile` and the rest; random numbers
 * differ between examples.
 *
 * Inside, `f` cannot read elements (`item`, `data`), because there are those of every example, and it cannot change its
 * arguments or tensors from outside in place. Numbers and other plain values are passed on as they are.
 * @param f takes tensors and plain values, returns a tensor or an array of them
 * @throws ArgumentError for what is no function, for unknown options, and where no argument has examples; ShapeError where the numbers of
 * examples differ; IndexError for dimensions that are not there.
 * @example
 * const perExample = vmap(grad(loss), { inDims: [null, 0, 0] }); // one gradient of the weights for each pair x, y
 */
export function vmap<A extends unknown[], R extends Tensor | readonly Tensor[]>(
  f: (...args: A) => R,
  options?: VmapOptions,
): (...args: A) => R {
  if (typeof f !== 'function') throw new ArgumentError('vmap', `wants a function, got ${describe(f)}`);
  const given = checkOptions('vmap', options, ['inDims', 'outDims']) as VmapOptions;
  const { inDims = 0, outDims = 0 } = { inDims: copied(given.inDims), outDims: copied(given.outDims) };
  for (const dim of Array.isArray(inDims) ? inDims : [inDims])
    if (dim !== null && !isDim(dim))
      throw new ArgumentError('vmap', `inDims holds dimensions or null, got ${describe(dim)}`);
  for (const dim of Array.isArray(outDims) ? outDims : [outDims])
    if (!isDim(dim)) throw new ArgumentError('vmap', `outDims holds dimensions, got ${describe(dim)}`);
  return (...args) => {
    const { level, entered } = enter(args, listed<number | null>(inDims, args.length, 'inDims'));
    const result: unknown = withLevels([...activeLevels(), level], () => f(...(entered as A)));
    const several = listOf('vmap', result);
    const list: readonly unknown[] = several ?? [result];
    const places = listed<number>(outDims, list.length, 'outDims');
    const left = list.map((item, i) => {
      const y = expectTensor('vmap', item, 'the function to return a tensor or an array of them');
      return leaveLevel(y, level, resolveDim('vmap', places[i] as number, ndimOf(y) + 1));
    });
    return (several === null ? left[0] : left) as R;
  };
}
