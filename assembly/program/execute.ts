/**
 * Runs the records of a program one after the other. This is the only place where opcodes meet kernels;
 * opcodes without a case are elementwise and found in the generated rows.
 */
import {
  FAULT_NO_KERNEL,
  HEADER_FAULT_RECORD,
  HEADER_FAULT_VALUE,
  HEADER_STATUS,
  HEADER_WORDS,
} from '../generated/abi';
import * as op from '../generated/opcodes';
import { arange } from '../kernels/arange';
import { argmax, argmin } from '../kernels/argreduce';
import { checkIndex, checkNonzero, faultValue } from '../kernels/check';
import { copy, where } from '../kernels/copy';
import { elementwise } from '../kernels/elementwise';
import { gather, scatter, scatterAdd } from '../kernels/index';
import { matmul } from '../kernels/matmul';
import { layerNorm, layerNormBackward, layerNormBackwardAffine } from '../kernels/norm';
import { adamStep, sgdStep } from '../kernels/optim';
import { bernoulli, normal, randomIntegers, uniform } from '../kernels/random';
import { amax, amin, prod, sum } from '../kernels/reduce';
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
    case op.OP_LAYER_NORM:
      return status(layerNorm(r));
    case op.OP_LAYER_NORM_BACKWARD:
      return status(layerNormBackward(r));
    case op.OP_LAYER_NORM_BACKWARD_AFFINE:
      return status(layerNormBackwardAffine(r));
    case op.OP_MATMUL:
      return status(matmul(r));
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
    case op.OP_CHECK_INDEX:
      return checkIndex(r);
    case op.OP_CHECK_NONZERO:
      return checkNonzero(r);
    default:
      return status(elementwise(r));
  }
}

// @ts-ignore: decorator
@inline
function status(known: bool): i32 {
  return known ? 0 : FAULT_NO_KERNEL;
}

/** Runs the records up to word `end` of `program`; returns the status, which is in the header as well. */
export function executeProgram(program: usize, end: i32): i32 {
  let fault = 0;
  for (let at = HEADER_WORDS; at < end; ) {
    const r = program + ((<usize>at) << 2);
    fault = run(r);
    if (fault != 0) {
      store<i32>(program + (HEADER_FAULT_RECORD << 2), at);
      store<f64>(program + (HEADER_FAULT_VALUE << 2), fault == FAULT_NO_KERNEL ? opcodeOf(r) : faultValue());
      break;
    }
    at += lengthOf(r);
  }
  store<i32>(program + (HEADER_STATUS << 2), fault);
  return fault;
}
