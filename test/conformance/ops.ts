/** Runs one sample of an op: the call, its results, and the gradients of everything that requires one. */
import { grad, type Tensor } from 'cotangent';
import { callOp } from './adapter.ts';
import {
  compare,
  decode,
  floatingType,
  type GradRecord,
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

/** Compares the gradients of the arguments. */
function compareGradients(
  output: unknown,
  call: unknown,
  cotangents: unknown[],
  grads: GradRecord[],
  judgement: Judgement,
): void {
  const inputs = grads.map(({ path }) => lookUp(call, path) as Tensor);
  const got = gradients(output, cotangents, inputs, judgement.floating);
  for (const [i, { path, grad: want }] of grads.entries())
    compareGradient(got[i] ?? null, want, `gradient of ${path.join('.')}`, judgement);
}

/** @throws Mismatch where the library differs, or whatever the library throws. */
export function runOpSample(op: string, sample: OpSample, precision: Precision): void {
  const { input, args, kwargs } = sample;
  const call = decode({ input, args, kwargs }, precision) as OpSample;
  const output = callOp(op, call.input, call.args, call.kwargs);
  const judgement = judgementOf(op, sample, [input, args, kwargs], precision);
  compare(Array.isArray(sample.output) ? listOf(output) : output, sample.output, 'output', judgement);
  const { cotangents, grads } = sample;
  if (cotangents !== undefined && grads !== undefined) compareGradients(output, call, cotangents, grads, judgement);
}
