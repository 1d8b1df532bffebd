/**
 * What a data set is to a loader: something with a length and items. Reading files is the
 * caller's business; start with `TensorDataset`.
 */
import { ArgumentError, describe, formatShape, IndexError, ShapeError } from '../errors.ts';
import { tensor } from '../ops/creation.ts';
import { indexSelect } from '../ops/index.ts';
import { select } from '../ops/view.ts';
import { expectTensor } from '../tensor/create.ts';
import { shapeOf, type Tensor } from '../tensor/tensor.ts';

/** One item or one batch: a tensor per field, e.g. an image and its label. */
export type Fields = readonly Tensor[];

/**
 * A data set with random access. `get` may be async (a file, a database), and the loader then has to be
 * iterated with `for await`. `getBatch` is there for sets that can fetch many items at once.
 */
export interface Dataset<F extends Fields = Fields> {
  readonly length: number;
  get(index: number): F | Promise<F>;
  getBatch?(indices: readonly number[]): F | Promise<F>;
}

/** Tensors with as many items along their first dimension: item i is the i-th slice of each. */
export class TensorDataset<F extends Tensor[]> implements Dataset<F> {
  readonly tensors: F;
  readonly length: number;

  /** @throws ShapeError when the tensors differ in their first dimension or one has none. */
  constructor(...tensors: F) {
    if (tensors.length === 0) throw new ArgumentError('TensorDataset', 'wants at least one tensor');
    for (const t of tensors) expectTensor('TensorDataset', t);
    const length = tensors[0]?.shape[0];
    if (length === undefined || tensors.some((t) => shapeOf(t)[0] !== length))
      throw new ShapeError(
        'TensorDataset',
        `wants tensors of one length, got shapes ${tensors.map((t) => formatShape(shapeOf(t))).join(', ')}`,
      );
    this.tensors = tensors;
    this.length = length;
  }

  /** Views of the i-th slices. */
  get(index: number): F {
    if (!Number.isInteger(index) || index < 0 || index >= this.length)
      throw new IndexError('TensorDataset', `item ${describe(index)} is out of range for ${this.length} items`);
    return this.tensors.map((t) => select(t, 0, index)) as F;
  }

  /** Copies of the slices listed, `[indices.length, …]` each. */
  getBatch(indices: readonly number[]): F {
    return this.tensors.map((t) => {
      const index = tensor(indices as number[], { dtype: 'int64', backend: t.backend });
      const batch = indexSelect(t, 0, index);
      index.dispose();
      return batch;
    }) as F;
  }
}
