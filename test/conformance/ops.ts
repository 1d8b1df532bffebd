/** Runs one sample of an op: the call, its results, and the gradients of everything that requires one. */
import { compile, grad, type Tensor } from 'cotangent';
import { callOp } from './adapter.ts';
import {
  compare,
  decode,
  floatingType,
  type Judgement,
  listOf,
  lookUp,
  Mismatch,
  magnitude,
  type OpSample,
  type Precision,
  tensorRecord,
  tensorsOf,
  toTensor,
} from './format.ts';

/** Sums of many terms, products and powers, whose float32 error is measured against the largest magnitude. */
const SCALED =
  /^(sum|mean|nansum|nanmean|prod|cumsum|cumprod|var|std|var_mean|std_mean|norm|trace|pow|addbmm|addmm|addmv|addr|baddbmm|bmm|dot|einsum|inner|matmul|mm|mv|tensordot|linalg\..*|nn\.functional\.(linear|bilinear|conv.*|scaled_dot_product_attention))$/;

/** How the results of a sample with these inputs are judged. */
export function judgementOf(name: string, sample: unknown, inputs: unknown, precision: Precision): Judgement {
  const scale = SCALED.test(name) ? magnitude(sample) : 1;
  return { precision, scale, floating: floatingType(inputs, precision) ?? 'float32' };
}

/** Backward from all outputs at once to the tensors given. */
export function gradients(
  output: unknown,
  cotangents: readonly unknown[],
  inputs: readonly Tensor[],
  dtype: Precision,
): (Tensor | null)[] {
  const outputs = tensorsOf(output).filter((tensor) => tensor.requiresGrad);
  if (outputs.length !== cotangents.length)
    throw new Mismatch(`${outputs.length} differentiable results instead of ${cotangents.length}`);
  const gradOutputs = cotangents.map((item, i) => {
    const record = tensorRecord(item);
    if (record === null) throw new Mismatch(`cotangent ${i} is not a tensor`);
    return toTensor({ ...record, requiresGrad: false }, dtype);
  });
  return grad(outputs, inputs, { gradOutputs, allowUnused: true });
}

/** Compares one gradient; where PyTorch has none, none and zeros are both right. */
export function compareGradient(got: Tensor | null, want: unknown, where: string, judgement: Judgement): void {
  if (want !== null) compare(got, want, where, judgement);
  else if (got?.data().some((element) => Number(element) !== 0))
    throw new Mismatch(`${where}: a gradient where there is none`);
}

/** How what a sample does is run: as it is, or recorded and replayed. */
export type Execution = 'eager' | 'compiled';

/** The result of `fn`; of its replay where it is to be compiled. */
export function execute<T>(execution: Execution, fn: () => T): T {
  if (execution === 'eager') return fn();
  const compiled = compile(fn);
  compiled();
  const result = compiled();
  compiled.dispose();
  return result;
}

/** @throws Mismatch where the library differs, or whatever the library throws. */
export function runOpSample(op: string, sample: OpSample, precision: Precision, execution: Execution): void {
  const { input, args, kwargs, cotangents, grads = [] } = sample;
  const call = decode({ input, args, kwargs }, precision) as OpSample;
  const judgement = judgementOf(op, sample, [input, args, kwargs], precision);
  const inputs = grads.map(({ path }) => lookUp(call, path) as Tensor);
  const { output, got } = execute(execution, () => {
    const result = callOp(op, call.input, call.args, call.kwargs);
    const values = Array.isArray(sample.output) ? listOf(result) : result;
    if (cotangents === undefined || sample.grads === undefined) return { output: values, got: [] };
    return { output: values, got: gradients(result, cotangents, inputs, judgement.floating) };
  });
  compare(output, sample.output, 'output', judgement);
  for (const [i, { path, grad: want }] of (sample.grads === undefined || cotangents === undefined
    ? []
    : grads
  ).entries())
    compareGradient(got[i] ?? null, want, `gradient of ${path.join('.')}`, judgement);
}
