/**
 * Runs the records of a program one after the other. This is the only place where opcodes meet kernels;
 * opcodes without a case are elementwise and found in the generated rows.
 */
import {
  FAULT_NO_KERNEL,
  HEADER_DONE,
  HEADER_FAULT_RECORD,
  HEADER_FAULT_VALUE,
  HEADER_STATUS,
  HEADER_STOP,
  NESTED_COUNT,
  NESTED_START,
} from '../generated/abi';
import * as op from '../generated/opcodes';
import { arange } from '../kernels/arange';
import { argmax, argmin } from '../kernels/argreduce';
import { attention, attentionBackward } from '../kernels/attention';
import { avgPool2d, avgPool2dBackward } from '../kernels/avgpool';
import { batchNorm, batchNormBackward } from '../kernels/batchnorm';
import { checkIndex, checkNonzero, checkWithin, faultValue } from '../kernels/check';
import { conv2d, conv2dBackwardInput, conv2dBackwardWeight } from '../kernels/conv';
import { copy, where } from '../kernels/copy';
import { crossEntropy, crossEntropyBackward } from '../kernels/crossentropy';
import { elementwise } from '../kernels/elementwise';
import { group } from '../kernels/group';
import { gather, scatter, scatterAdd } from '../kernels/index';
import { matmul } from '../kernels/matmul';
import { maxPool2d, maxPool2dBackward } from '../kernels/maxpool';
import {
  layerNorm,
  layerNormBackward,
  layerNormBackwardAffine,
  rmsNorm,
  rmsNormBackward,
  rmsNormBackwardAffine,
} from '../kernels/norm';
import { adamStep, sgdStep } from '../kernels/optim';
import { bernoulli, normal, randomIntegers, uniform } from '../kernels/random';
import { amax, amin, mean, prod, sum } from '../kernels/reduce';
import { cumprod, cumsum } from '../kernels/scan';
import { logSoftmax, logSoftmaxBackward, softmax, softmaxBackward } from '../kernels/softmax';
import { sort } from '../kernels/sort';
import { lengthOf, opcodeOf } from './record';

/** Zero or the fault. A kernel answers false when it has no code for the record's dtype. */
function run(r: usize): i32 {
  switch (opcodeOf(r)) {
    case op.OP_COPY:
      return status(copy(r));
    case op.OP_WHERE:
      return status(where(r));
    case op.OP_SUM:
      return status(sum(r));
    case op.OP_MEAN:
      return status(mean(r));
    case op.OP_PROD:
      return status(prod(r));
    case op.OP_AMAX:
      return status(amax(r));
    case op.OP_AMIN:
      return status(amin(r));
    case op.OP_ARGMAX:
      return status(argmax(r));
    case op.OP_ARGMIN:
      return status(argmin(r));
    case op.OP_CUMSUM:
      return status(cumsum(r));
    case op.OP_CUMPROD:
      return status(cumprod(r));
    case op.OP_SOFTMAX:
      return status(softmax(r));
    case op.OP_LOG_SOFTMAX:
      return status(logSoftmax(r));
    case op.OP_SOFTMAX_BACKWARD:
      return status(softmaxBackward(r));
    case op.OP_LOG_SOFTMAX_BACKWARD:
      return status(logSoftmaxBackward(r));
    case op.OP_CROSS_ENTROPY:
      return status(crossEntropy(r));
    case op.OP_CROSS_ENTROPY_BACKWARD:
      return status(crossEntropyBackward(r));
    case op.OP_LAYER_NORM:
      return status(layerNorm(r));
    case op.OP_LAYER_NORM_BACKWARD:
      return status(layerNormBackward(r));
    case op.OP_LAYER_NORM_BACKWARD_AFFINE:
      return status(layerNormBackwardAffine(r));
    case op.OP_RMS_NORM:
      return status(rmsNorm(r));
    case op.OP_RMS_NORM_BACKWARD:
      return status(rmsNormBackward(r));
    case op.OP_RMS_NORM_BACKWARD_AFFINE:
      return status(rmsNormBackwardAffine(r));
    case op.OP_MATMUL:
      return status(matmul(r));
    case op.OP_CONV2D:
      return status(conv2d(r));
    case op.OP_CONV2D_BACKWARD_INPUT:
      return status(conv2dBackwardInput(r));
    case op.OP_CONV2D_BACKWARD_WEIGHT:
      return status(conv2dBackwardWeight(r));
    case op.OP_MAX_POOL2D:
      return status(maxPool2d(r));
    case op.OP_MAX_POOL2D_BACKWARD:
      return status(maxPool2dBackward(r));
    case op.OP_AVG_POOL2D:
      return status(avgPool2d(r));
    case op.OP_AVG_POOL2D_BACKWARD:
      return status(avgPool2dBackward(r));
    case op.OP_BATCH_NORM:
      return status(batchNorm(r));
    case op.OP_BATCH_NORM_BACKWARD:
      return status(batchNormBackward(r));
    case op.OP_ATTENTION:
      return status(attention(r));
    case op.OP_ATTENTION_BACKWARD:
      return status(attentionBackward(r));
    case op.OP_GATHER:
      return status(gather(r));
    case op.OP_SCATTER:
      return status(scatter(r));
    case op.OP_SCATTER_ADD:
      return status(scatterAdd(r));
    case op.OP_SORT:
      return status(sort(r));
    case op.OP_UNIFORM:
      return status(uniform(r));
    case op.OP_NORMAL:
      return status(normal(r));
    case op.OP_BERNOULLI:
      return status(bernoulli(r));
    case op.OP_RANDOM_INTEGERS:
      return status(randomIntegers(r));
    case op.OP_ARANGE:
      return status(arange(r));
    case op.OP_SGD_STEP:
      return status(sgdStep(r));
    case op.OP_ADAM_STEP:
      return status(adamStep(r));
    case op.OP_GROUP:
      return status(group(r));
    case op.OP_MATMUL_GROUP:
    case op.OP_UPDATE_ALL:
      return runNested(r);
    case op.OP_CHECK_INDEX:
      return checkIndex(r);
    case op.OP_CHECK_NONZERO:
      return checkNonzero(r);
    case op.OP_CHECK_WITHIN:
      return checkWithin(r);
    default:
      return status(elementwise(r));
  }
}

// @ts-ignore: decorator
@inline
function status(known: bool): i32 {
  return known ? 0 : FAULT_NO_KERNEL;
}

/** Runs the records inside a record one after the other: here there is one thread. */
function runNested(r: usize): i32 {
  let inner = r + (NESTED_START << 2);
  for (let left = load<i32>(r, NESTED_COUNT << 2); left > 0; left--) {
    const fault = run(inner);
    if (fault != 0) return fault;
    inner += (<usize>lengthOf(inner)) << 2;
  }
  return 0;
}

/** Runs the records from word `begin` to before `end` once; a fault is left in the header. */
function pass(program: usize, begin: i32, end: i32): i32 {
  for (let at = begin; at < end; ) {
    const r = program + ((<usize>at) << 2);
    const fault = run(r);
    if (fault != 0) {
      store<i32>(program + (HEADER_FAULT_RECORD << 2), at);
      store<f64>(program + (HEADER_FAULT_VALUE << 2), fault == FAULT_NO_KERNEL ? opcodeOf(r) : faultValue());
      return fault;
    }
    at += lengthOf(r);
  }
  return 0;
}

/**
 * Runs the records from word `begin` to before `end` of `program` up to `repeat` times: until there is a fault,
 * or the header asks to stop. Returns the status, which is in the header as well.
 */
export function executeProgram(program: usize, begin: i32, end: i32, repeat: i32): i32 {
  let fault = 0;
  let done = 0;
  while (done < repeat && load<i32>(program + (HEADER_STOP << 2)) == 0) {
    fault = pass(program, begin, end);
    if (fault != 0) break;
    done++;
  }
  store<i32>(program + (HEADER_DONE << 2), done);
  store<i32>(program + (HEADER_STATUS << 2), fault);
  return fault;
}
