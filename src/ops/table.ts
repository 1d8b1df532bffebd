/**
 * The table: the one list of ops. A row of `table/elementwise.ts` is a whole op, kernels, derivative,
 * methods, tests and documentation included; a row below names a function in `src/ops` and the
 * kernels it brings. `npm run gen` derives everything else. The order numbers the opcodes.
 */
import type { LaneRule, OpRow, StructuredRow } from './formula.ts';
import { elementwise } from './table/elementwise.ts';

/** How the records of a family take the examples of a `vmap`; those of other families are repeated. Elementwise ones are `outer`. */
const LANES: Readonly<Record<string, LaneRule>> = {
  convert: 'outer',
  reduce: 'kept',
  matmul: 'outer',
  condition: 'outer',
  index: 'outer',
  scan: 'outer',
  sort: 'outer',
  softmax: 'outer',
  loss: 'fold',
  norm: 'fold',
  conv: 'fold',
  pool: 'fold',
  attention: 'outer',
  random: 'fold',
};

type Listed = Omit<StructuredRow, 'kind' | 'family' | 'lanes'>;
const family = (name: string, rows: readonly Listed[]): StructuredRow[] => {
  const lanes = LANES[name];
  return rows.map((row) => ({ kind: 'structured', family: name, ...(lanes ? { lanes } : {}), ...row }));
};

const structured: readonly StructuredRow[] = [
  ...family('convert', [
    { name: 'to', doc: 'The tensor in another dtype or on another backend.', kernels: ['copy'] },
    { name: 'clone', doc: 'A copy in fresh memory, through which gradients flow.' },
    { name: 'contiguous', doc: 'The tensor in row-major order, copied only if need be.' },
    { name: 'detach', doc: 'The same data without its history.' },
    { name: 'copy_', doc: 'Overwrites the tensor with another one, broadcast and converted.' },
    { name: 'fill_', doc: 'Sets every element to a value.' },
    { name: 'zero_', doc: 'Sets every element to 0.' },
    { name: 'elementSize', doc: 'Bytes of one element.' },
    {
      name: 'checkIndex',
      doc: 'Stops the program where an index is out of range.',
      kernels: [{ name: 'checkIndex', roles: 'r' }],
      internal: true,
    },
    {
      name: 'checkNonzero',
      doc: 'Stops the program where a divisor is zero.',
      kernels: [{ name: 'checkNonzero', roles: 'r' }],
      internal: true,
    },
    {
      name: 'checkWithin',
      doc: 'Stops the program where a number is outside of an interval.',
      kernels: [{ name: 'checkWithin', roles: 'r' }],
      internal: true,
    },
  ]),
  ...family('view', [
    { name: 'reshape', doc: 'The same elements in another shape; a view where the strides allow.' },
    { name: 'view', doc: 'The same elements in another shape, never copied.' },
    { name: 'permute', doc: 'The dimensions in another order.' },
    { name: 'transpose', doc: 'Two dimensions exchanged.' },
    { name: 't', doc: 'The transpose of a matrix.' },
    { name: 'movedim', doc: 'Dimensions moved to other places.' },
    { name: 'expand', doc: 'Repeated along dimensions of size 1 without copying.' },
    { name: 'expandAs', doc: 'Expanded to the shape of another tensor.' },
    { name: 'broadcastTo', doc: 'Another name for `expand`.' },
    { name: 'slice', doc: 'Elements from start to end in steps, along one dimension.' },
    { name: 'narrow', doc: 'Some elements along one dimension.' },
    { name: 'select', doc: 'The part at one index of a dimension.' },
    { name: 'squeeze', doc: 'Without dimensions of size 1.' },
    { name: 'unsqueeze', doc: 'With a new dimension of size 1.' },
    { name: 'flatten', doc: 'Several dimensions as one.' },
    { name: 'unflatten', doc: 'One dimension as several.' },
    { name: 'split', doc: 'Pieces of given sizes along a dimension.' },
    { name: 'chunk', doc: 'A number of pieces along a dimension.' },
    { name: 'unbind', doc: 'The parts at every index of a dimension.' },
    { name: 'diagonal', doc: 'Diagonals of two dimensions as a new last one.' },
  ]),
  ...family('join', [
    { name: 'cat', doc: 'Tensors joined along a dimension.', method: false },
    { name: 'stack', doc: 'Tensors joined along a new dimension.', method: false },
  ]),
  ...family('reduce', [
    { name: 'sum', doc: 'Sum over dimensions.', kernels: ['sum'] },
    { name: 'mean', doc: 'Mean over dimensions.', kernels: ['mean'] },
    { name: 'prod', doc: 'Product over dimensions.', kernels: ['prod'] },
    { name: 'amax', doc: 'Largest element over dimensions; equal ones share the gradient.', kernels: ['amax'] },
    { name: 'amin', doc: 'Smallest element over dimensions; equal ones share the gradient.', kernels: ['amin'] },
    { name: 'argmax', doc: 'Index of the largest element.', kernels: ['argmax'] },
    { name: 'argmin', doc: 'Index of the smallest element.', kernels: ['argmin'] },
    {
      name: 'max',
      doc: 'Largest element; with a dimension, values and indices; with a tensor, the elementwise maximum.',
    },
    {
      name: 'min',
      doc: 'Smallest element; with a dimension, values and indices; with a tensor, the elementwise minimum.',
    },
    { name: 'any', doc: 'Whether any element is non-zero.' },
    { name: 'all', doc: 'Whether all elements are non-zero.' },
    { name: 'countNonzero', doc: 'Number of elements that are not zero.' },
    { name: 'var', doc: 'Variance over dimensions.' },
    { name: 'std', doc: 'Standard deviation over dimensions.' },
    { name: 'varMean', doc: 'Variance and mean.' },
    { name: 'stdMean', doc: 'Standard deviation and mean.' },
    { name: 'logsumexp', doc: 'log Σ eˣ over dimensions, without overflow.' },
    { name: 'norm', doc: 'Vector norm over dimensions.' },
  ]),
  ...family('matmul', [
    { name: 'matmul', doc: 'Matrix product with batches.', kernels: ['matmul'] },
    { name: 'mm', doc: 'Product of two matrices.' },
    { name: 'bmm', doc: 'Products of two batches of matrices.' },
    { name: 'mv', doc: 'Matrix times vector.' },
    { name: 'dot', doc: 'Inner product of two vectors.' },
    { name: 'outer', doc: 'Outer product of two vectors.' },
    { name: 'addmm', doc: 'β · input + α · (a × b).' },
    { name: 'baddbmm', doc: 'β · input + α · (a × b) for batches.' },
    { name: 'addmv', doc: 'β · input + α · (matrix × vector).' },
    { name: 'addbmm', doc: 'β · input + α · the sum of a batch of products.' },
    { name: 'addr', doc: 'β · input + α · an outer product.' },
    { name: 'linear', doc: 'x · weightᵀ + bias.', method: false },
  ]),
  ...family('condition', [
    {
      name: 'where',
      doc: 'Elements of one tensor where a condition holds, of another elsewhere.',
      kernels: ['where'],
      method: false,
    },
    { name: 'maskedFill', doc: 'A value wherever a mask holds.' },
    { name: 'tril', doc: 'The lower triangle of matrices, zeros above.' },
    { name: 'triu', doc: 'The upper triangle of matrices, zeros below.' },
  ]),
  ...family('index', [
    { name: 'gather', doc: 'Elements picked along a dimension by a tensor of indices.', kernels: ['gather'] },
    {
      name: 'scatter',
      doc: 'Elements written along a dimension to places given by a tensor of indices.',
      kernels: [{ name: 'scatter', roles: 'u' }],
    },
    {
      name: 'scatterAdd',
      doc: 'Elements added along a dimension at places given by a tensor of indices.',
      kernels: [{ name: 'scatterAdd', roles: 'u' }],
    },
    { name: 'indexSelect', doc: 'Whole slices picked along a dimension.' },
    { name: 'indexAdd', doc: 'Whole slices added along a dimension.' },
    { name: 'takeAlongDim', doc: 'Elements picked along a dimension, with broadcasting.' },
    { name: 'embedding', doc: 'Rows of a table, picked by index.', method: false },
    { name: 'oneHot', doc: 'A vector of zeros with a one at each index.', method: false },
  ]),
  ...family('arithmetic', [
    { name: 'rsub', doc: 'The second operand minus the first.' },
    { name: 'nanToNum', doc: 'NaN and infinities replaced by numbers.' },
  ]),
  ...family('scan', [
    { name: 'cumsum', doc: 'Running sum along a dimension.', kernels: ['cumsum'] },
    { name: 'cumprod', doc: 'Running product along a dimension.', kernels: ['cumprod'] },
    { name: 'flip', doc: 'The order of elements reversed along dimensions.' },
  ]),
  ...family('sort', [
    {
      name: 'sort',
      doc: 'Values in order along a dimension, and where they came from.',
      kernels: [{ name: 'sort', roles: 'wwrs' }],
    },
    { name: 'argsort', doc: 'The indices that put a dimension in order.' },
    { name: 'topk', doc: 'The k largest or smallest elements along a dimension, and their indices.' },
  ]),
  ...family('softmax', [
    {
      name: 'softmax',
      doc: 'Exponentials divided by their sum along a dimension.',
      kernels: ['softmax', 'softmaxBackward'],
    },
    {
      name: 'logSoftmax',
      doc: 'Logarithm of softmax, computed stably.',
      kernels: ['logSoftmax', 'logSoftmaxBackward'],
    },
  ]),
  ...family('loss', [
    {
      name: 'crossEntropy',
      doc: 'Cross entropy of logits and classes or class probabilities.',
      kernels: [{ name: 'crossEntropy', roles: 'ww' }, 'crossEntropyBackward'],
      method: false,
    },
    { name: 'nllLoss', doc: 'Negative log likelihood of log probabilities and classes.', method: false },
    { name: 'mseLoss', doc: 'Mean squared error.', method: false },
    { name: 'l1Loss', doc: 'Mean absolute error.', method: false },
    { name: 'binaryCrossEntropy', doc: 'Binary cross entropy of probabilities.', method: false },
    { name: 'binaryCrossEntropyWithLogits', doc: 'Binary cross entropy of logits, computed stably.', method: false },
  ]),
  ...family('norm', [
    {
      name: 'layerNorm',
      doc: 'Features normalised to mean 0 and variance 1, then scaled and shifted.',
      kernels: [
        { name: 'layerNorm', roles: 'www' },
        'layerNormBackward',
        { name: 'layerNormBackwardAffine', roles: 'ww' },
      ],
      method: false,
    },
    {
      name: 'rmsNorm',
      doc: 'Features divided by their root mean square, then scaled.',
      kernels: [{ name: 'rmsNorm', roles: 'ww' }, 'rmsNormBackward', 'rmsNormBackwardAffine'],
      method: false,
    },
  ]),
  ...family('conv', [
    {
      name: 'conv2d',
      doc: 'Cross-correlation of images with filters.',
      kernels: ['conv2d', 'conv2dBackwardInput', 'conv2dBackwardWeight'],
      method: false,
    },
    { name: 'convTranspose2d', doc: 'The transpose of conv2d as a linear map: images grow.', method: false },
  ]),
  ...family('pool', [
    {
      name: 'maxPool2d',
      doc: 'Largest element of every window of images.',
      kernels: [{ name: 'maxPool2d', roles: 'ww' }, 'maxPool2dBackward'],
      method: false,
    },
    {
      name: 'avgPool2d',
      doc: 'Mean of every window of images.',
      kernels: ['avgPool2d', 'avgPool2dBackward'],
      method: false,
    },
  ]),
  ...family('batchnorm', [
    {
      name: 'batchNorm',
      doc: 'Channels normalised to mean 0 and variance 1 over the batch, then scaled and shifted.',
      kernels: [
        { name: 'batchNorm', roles: 'www' },
        { name: 'batchNormBackward', roles: 'www' },
      ],
      method: false,
    },
  ]),
  ...family('attention', [
    {
      name: 'scaledDotProductAttention',
      doc: 'softmax(q · kᵀ / √d) · v.',
      kernels: [
        { name: 'attention', roles: 'ww' },
        { name: 'attentionBackward', roles: 'www' },
      ],
      method: false,
    },
  ]),
  ...family('random', [
    { name: 'dropout', doc: 'Elements set to zero at random, the rest scaled up.', method: false },
    { name: 'multinomial', doc: 'Indices drawn with given weights.' },
    {
      name: 'bernoulli',
      doc: 'Ones with given probabilities, zeros otherwise.',
      kernels: [{ name: 'bernoulli', roles: 'wru' }],
    },
    { name: 'bernoulli_', doc: 'Filled with ones of a given probability, zeros otherwise.' },
    { name: 'uniform_', doc: 'Filled with uniform numbers.', kernels: [{ name: 'uniform', roles: 'wu' }] },
    {
      name: 'normal_',
      doc: 'Filled with normally distributed numbers.',
      kernels: [{ name: 'normal', roles: 'wu' }],
    },
    {
      name: 'randomIntegers',
      doc: 'Whole numbers drawn uniformly.',
      kernels: [{ name: 'randomIntegers', roles: 'wu' }],
      internal: true,
    },
  ]),
  ...family('creation', [{ name: 'arange', doc: 'Evenly spaced numbers.', kernels: ['arange'], internal: true }]),
  ...family('update', [
    {
      name: 'sgdStep',
      doc: 'One step of stochastic gradient descent.',
      kernels: [{ name: 'sgdStep', roles: 'uruu' }],
      internal: true,
    },
    {
      name: 'adamStep',
      doc: 'One step of Adam or AdamW.',
      kernels: [{ name: 'adamStep', roles: 'uruuu' }],
      internal: true,
    },
  ]),
];

/** Records that hold other records; only programs that are kept have them (`src/compile`). */
const containers: readonly StructuredRow[] = family('program', [
  { name: 'group', doc: 'Elementwise steps and sums that run tile by tile.', kernels: ['group'], internal: true },
  {
    name: 'matmulGroup',
    doc: 'A product, and a group over each finished tile.',
    kernels: ['matmulGroup'],
    internal: true,
  },
  {
    name: 'updateAll',
    doc: 'Optimizer steps of many parameters side by side.',
    kernels: ['updateAll'],
    internal: true,
  },
]);

export const table: readonly OpRow[] = [...elementwise, ...structured, ...containers];
