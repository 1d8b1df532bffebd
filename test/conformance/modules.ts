/** Runs one sample of a module: built, filled with the recorded state, called, differentiated, and its state compared. */
import { Tensor } from 'cotangent';
import * as nn from 'cotangent/nn';
import { arrange, camelCase, type Keywords } from './adapter.ts';
import { compare, decode, lookUp, Mismatch, type ModuleSample, type Precision } from './format.ts';
import { compareGradient, type Execution, execute, gradients, judgementOf } from './ops.ts';

/** Constructor parameters, written like the signatures of `adapter.ts`. Losses and most activations take options only. */
const CONSTRUCTORS: Readonly<Record<string, string>> = {
  AvgPool2d: 'kernel_size stride padding ceil_mode count_include_pad divisor_override',
  BatchNorm1d: 'num_features eps momentum affine track_running_stats',
  BatchNorm2d: 'num_features eps momentum affine track_running_stats',
  Conv2d: 'in_channels out_channels kernel_size stride padding dilation groups bias',
  ConvTranspose2d: 'in_channels out_channels kernel_size stride padding output_padding groups bias dilation',
  Embedding: 'num_embeddings embedding_dim | padding_idx',
  LayerNorm: 'normalized_shape | eps elementwise_affine bias',
  Linear: 'in_features out_features | bias',
  MaxPool2d: 'kernel_size stride padding dilation return_indices ceil_mode',
  MultiheadAttention: 'embed_dim num_heads | dropout bias add_bias_kv add_zero_attn kdim vdim batch_first',
  RMSNorm: 'normalized_shape | eps elementwise_affine',
};

/** Parameters of `forward` by PyTorch's names, where a sample uses keywords. */
const FORWARDS: Readonly<Record<string, string>> = {
  Linear: 'input',
  MultiheadAttention: 'query key value | key_padding_mask need_weights attn_mask average_attn_weights is_causal',
};

/** What a module must have for its sample to run. */
interface Runnable {
  forward(...args: unknown[]): unknown;
  train(mode?: boolean): unknown;
  stateDict(): Readonly<Record<string, Tensor>>;
  loadStateDict(state: Readonly<Record<string, Tensor>>): unknown;
  namedParameters(): Iterable<readonly [string, Tensor]>;
  to(options: { dtype: Precision }): unknown;
}

function construct(name: string, args: readonly unknown[], kwargs: Keywords): Runnable {
  const Module = (nn as unknown as Readonly<Record<string, unknown>>)[name];
  if (typeof Module !== 'function') throw new Mismatch(`no module ${name}`);
  return new (Module as new (...args: unknown[]) => Runnable)(...arrange(CONSTRUCTORS[name], args, kwargs));
}

/** `layers.0.in_proj_weight` as the module spells it. */
const ownName = (name: string, known: ReadonlySet<string>): string =>
  known.has(name) ? name : name.split('.').map(camelCase).join('.');

/** @throws Mismatch where the library differs, or whatever the library throws. */
export function runModuleSample(
  module: string,
  sample: ModuleSample,
  precision: Precision,
  execution: Execution,
): void {
  const name = module.replace(/^nn\./, '');
  const built = decode(sample.constructor, precision) as ModuleSample['constructor'];
  const model = construct(name, built.args, built.kwargs);
  model.to({ dtype: precision });
  const known = new Set(Object.keys(model.stateDict()));
  const state = decode(sample.state, precision) as Record<string, Tensor>;
  model.loadStateDict(Object.fromEntries(Object.entries(state).map(([key, value]) => [ownName(key, known), value])));
  model.train(sample.training);

  const call = decode({ args: sample.args, kwargs: sample.kwargs }, precision) as { args: unknown[]; kwargs: Keywords };
  const judgement = judgementOf(module, sample, [sample.args, sample.kwargs, sample.state], precision);
  const parameters = new Map(model.namedParameters());
  const wanted =
    sample.cotangents === undefined
      ? []
      : [
          ...(sample.grads ?? []).map(({ path, grad }) => ({
            where: path.join('.'),
            tensor: lookUp(call, path),
            grad,
          })),
          ...Object.entries(sample.paramGrads ?? {}).map(([key, grad]) => ({
            where: key,
            tensor: parameters.get(ownName(key, known)),
            grad,
          })),
        ];
  const tensors = wanted.map(({ where, tensor }) => {
    if (!(tensor instanceof Tensor)) throw new Mismatch(`no parameter ${where}`);
    return tensor;
  });
  const { output, got } = execute(execution, () => {
    const result = model.forward(...arrange(FORWARDS[name], call.args, call.kwargs));
    return {
      output: result,
      got: sample.cotangents === undefined ? [] : gradients(result, sample.cotangents, tensors, judgement.floating),
    };
  });
  compare(output, sample.output, 'output', judgement);
  for (const [i, { where, grad }] of wanted.entries())
    compareGradient(got[i] ?? null, grad, `gradient of ${where}`, judgement);

  const after = model.stateDict();
  for (const [key, want] of Object.entries(sample.stateAfter ?? {}))
    compare(after[ownName(key, known)], want, `state ${key}`, judgement);
}
