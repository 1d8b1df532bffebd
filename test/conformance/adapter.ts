/**
 * From PyTorch's op names and arguments to calls of this library. By default `nn.functional.some_op.variant` is
 * `someOp`, arguments stay where they are and keyword arguments become the options object. `SIGNATURES` tells where
 * PyTorch's parameters go where that is not enough, `RENAMED` and `CALLS` list the few ops that are spelt differently.
 * Nothing is composed here: an op that the library lacks has no entry and fails.
 */
import * as cotangent from 'cotangent';
import { Mismatch } from './format.ts';

type AnyFunction = (...args: unknown[]) => unknown;
const library = cotangent as unknown as Readonly<Record<string, unknown>>;
const methods = cotangent.Tensor.prototype as unknown as Readonly<Record<string, unknown>>;

export type Keywords = Readonly<Record<string, unknown>>;

/**
 * Parameters after the input, in PyTorch's order and spelling: positional ones first, after the bar those that go
 * into the options object.
 */
const SIGNATURES: Readonly<Record<string, string>> = {
  add: 'other | alpha',
  addbmm: 'a b | beta alpha',
  addcdiv: 'a b | value',
  addcmul: 'a b | value',
  addmm: 'a b | beta alpha',
  addmv: 'a b | beta alpha',
  addr: 'a b | beta alpha',
  all: 'dim | keepdim',
  amax: 'dim | keepdim',
  amin: 'dim | keepdim',
  any: 'dim | keepdim',
  argmax: 'dim keepdim',
  argmin: 'dim keepdim',
  argsort: 'dim descending | stable',
  baddbmm: 'a b | beta alpha',
  cat: 'dim',
  chunk: 'chunks dim',
  clamp: 'min max',
  count_nonzero: 'dim',
  cumprod: 'dim | dtype',
  cumsum: 'dim | dtype',
  diagonal: 'offset dim1 dim2',
  expand: 'size',
  eye: 'm | dtype',
  flatten: 'start_dim end_dim',
  flip: 'dims',
  full: 'value | dtype',
  full_like: 'value | dtype',
  linspace: 'end steps | dtype',
  log_softmax: 'dim | dtype',
  logspace: 'end steps base | dtype',
  logsumexp: 'dim | keepdim',
  max: 'dim keepdim',
  mean: 'dim | keepdim dtype',
  min: 'dim keepdim',
  movedim: 'source destination',
  nan_to_num: 'nan posinf neginf',
  'nn.functional.avg_pool2d': 'kernel_size stride padding ceil_mode count_include_pad divisor_override',
  'nn.functional.batch_norm': 'running_mean running_var weight bias training momentum eps',
  'nn.functional.binary_cross_entropy': 'target | weight reduction',
  'nn.functional.binary_cross_entropy_with_logits': 'target | weight reduction pos_weight',
  'nn.functional.conv2d': 'weight bias stride padding dilation groups',
  'nn.functional.conv_transpose2d': 'weight bias stride padding output_padding groups dilation',
  'nn.functional.cross_entropy': 'target | weight ignore_index reduction label_smoothing',
  'nn.functional.layer_norm': 'shape weight bias eps',
  'nn.functional.linear': 'weight bias',
  'nn.functional.max_pool2d': 'kernel_size stride padding dilation ceil_mode return_indices',
  'nn.functional.nll_loss': 'target | weight ignore_index reduction',
  'nn.functional.rms_norm': 'shape weight eps',
  'nn.functional.scaled_dot_product_attention': 'key value | attn_mask dropout_p is_causal scale',
  norm: 'p dim | keepdim dtype',
  ones: '| dtype',
  prod: 'dim | keepdim dtype',
  softmax: 'dim | dtype',
  sort: 'dim descending | stable',
  split: 'size dim',
  squeeze: 'dim',
  stack: 'dim',
  sum: 'dim | keepdim dtype',
  topk: 'k dim largest sorted',
  tril: 'diagonal',
  triu: 'diagonal',
  zeros: '| dtype',
};

/** Ops that are another op under a second name. */
const RENAMED: Readonly<Record<string, string>> = { true_divide: 'div' };

/** Where the memory is and what tracks it: the first is always ours, the second comes with the case. */
const IGNORED = new Set(['device', 'layout', 'requires_grad', 'memory_format', 'pin_memory']);

/** `index_select` → `indexSelect`. A trailing underscore stays. */
export const camelCase = (name: string): string =>
  name.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const optionsOf = (kwargs: Keywords): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(kwargs)
      .filter(([key, value]) => !IGNORED.has(key) && value !== null)
      .map(([key, value]) => [camelCase(key), value]),
  );

const names = (part: string | undefined): string[] => (part ?? '').split(' ').filter((name) => name !== '');

/** Brings PyTorch's arguments into the places that a signature names. */
export function arrange(signature: string | undefined, args: readonly unknown[], kwargs: Keywords): unknown[] {
  const out: unknown[] = [...args];
  const rest: Record<string, unknown> = { ...kwargs };
  if (signature !== undefined) {
    const [positional, optional] = signature.split('|').map(names) as [string[], string[]?];
    for (const [i, name] of positional.entries()) {
      if (!(name in rest)) continue;
      while (out.length < i) out.push(undefined);
      out[i] = rest[name];
      delete rest[name];
    }
    // PyTorch takes positionally what we take in the options object.
    for (const [i, value] of out.splice(positional.length).entries()) {
      const name = optional?.[i];
      if (name === undefined)
        throw new Mismatch(`argument ${positional.length + i + 1} has no place in '${signature}'`);
      rest[name] = value;
    }
    if (Object.keys(optionsOf(rest)).length > 0) while (out.length < positional.length) out.push(undefined);
  }
  const options = optionsOf(rest);
  return Object.keys(options).length === 0 ? out : [...out, options];
}

type Call = (input: unknown, args: readonly unknown[], kwargs: Keywords) => unknown;

/** PyTorch's `unbiased` is Bessel's correction as a boolean, also as the only argument. */
const variance =
  (name: string): Call =>
  (input, args, { unbiased, ...kwargs }) => {
    const alone = typeof args[0] === 'boolean';
    const bessel = alone ? args[0] : unbiased;
    const correction = bessel === undefined || bessel === null ? {} : { correction: Number(bessel) };
    return find(name)(input, ...arrange('dim | correction keepdim', alone ? [] : args, { ...kwargs, ...correction }));
  };

/** Ops whose samples take their arguments in another order than the function does. */
const CALLS: Readonly<Record<string, Call>> = {
  // Ours tells its optional numbers and its options apart by their kind, and takes no gaps.
  arange: (start, args, kwargs) =>
    find('arange')(start, ...arrange('end step | dtype', args, kwargs).filter((value) => value !== undefined)),
  einsum: (operands, [equation]) => find('einsum')(equation, ...(operands as unknown[])),
  'nn.functional.embedding': (weight, [indices], kwargs) =>
    find('embedding')(indices, weight, ...arrange(undefined, [], kwargs)),
  std: variance('std'),
  std_mean: variance('stdMean'),
  var: variance('var'),
  var_mean: variance('varMean'),
  where: (input, [condition, other]) => find('where')(condition, input, other),
};

/** Where PyTorch keeps its functions; ours are all at the root. */
const NAMESPACE = /^(nn\.functional|linalg|special|fft)\./;

function find(name: string): AnyFunction {
  const own = library[camelCase(name)];
  if (typeof own === 'function') return own as AnyFunction;
  // Ops in place are methods only.
  const method = methods[camelCase(name)];
  if (typeof method === 'function') return (input, ...rest) => method.call(input, ...rest);
  throw new Mismatch(`no function ${camelCase(name)}`);
}

/** Calls the function that belongs to an op of PyTorch. */
export function callOp(op: string, input: unknown, args: readonly unknown[], kwargs: Keywords): unknown {
  const namespace = NAMESPACE.exec(op)?.[0] ?? '';
  // A suffix after the name is a variant of the same op.
  const name = op.slice(namespace.length).split('.')[0] as string;
  const call = CALLS[namespace + name];
  if (call !== undefined) return call(input, args, kwargs);
  return find(RENAMED[name] ?? name)(input, ...arrange(SIGNATURES[namespace + name], args, kwargs));
}
