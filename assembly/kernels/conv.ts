/**
 * `conv2d` and its two backward passes: group by group, records become descriptions (convrecord.ts), which convrun.ts
 * runs. Their terms are explained in convolution.ts.
 */
import { FLOAT32, FLOAT64 } from '../generated/abi';
import { address, dtypeOf, size } from '../program/record';
import { runPhases } from './convphases';
import { GROUPS, N, O, STRIDE, describe, filterGroup, imageGroup, places, resultGroup } from './convrecord';
import { runConvolution, runTransposed } from './convrun';

function forward<T>(r: usize): bool {
  let out = address(r, 0);
  let x = address(r, 1);
  let weight = address(r, 2);
  let bias = address(r, 3);
  for (let group = size(r, GROUPS); group > 0; group--) {
    describe<T>(r, x, weight, bias, out);
    runConvolution<T>();
    x += imageGroup<T>(r);
    weight += filterGroup<T>(r);
    out += resultGroup<T>(r);
    if (bias != 0) bias += <usize>size(r, O) * sizeof<T>();
  }
  return true;
}

function backwardWeight<T>(r: usize): bool {
  let dweight = address(r, 0);
  let g = address(r, 1);
  let x = address(r, 2);
  memory.fill(dweight, 0, <usize>size(r, GROUPS) * filterGroup<T>(r));
  for (let group = size(r, GROUPS); group > 0; group--) {
    describe<T>(r, x, dweight, 0, g);
    runTransposed<T>();
    x += imageGroup<T>(r);
    dweight += filterGroup<T>(r);
    g += resultGroup<T>(r);
  }
  return true;
}

function backwardInput<T>(r: usize): bool {
  let dx = address(r, 0);
  let g = address(r, 1);
  let weight = address(r, 2);
  // Between the steps of a stride may lie places that no window reaches.
  if (places(r, STRIDE) != 1 || places(r, STRIDE + 1) != 1) {
    memory.fill(dx, 0, <usize>(size(r, N) * size(r, GROUPS)) * imageGroup<T>(r));
  }
  for (let group = size(r, GROUPS); group > 0; group--) {
    runPhases<T>(r, dx, weight, g);
    dx += imageGroup<T>(r);
    weight += filterGroup<T>(r);
    g += resultGroup<T>(r);
  }
  return true;
}

export function conv2d(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return forward<f32>(r);
  return dtypeOf(r) == FLOAT64 && forward<f64>(r);
}

export function conv2dBackwardInput(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return backwardInput<f32>(r);
  return dtypeOf(r) == FLOAT64 && backwardInput<f64>(r);
}

export function conv2dBackwardWeight(r: usize): bool {
  if (dtypeOf(r) == FLOAT32) return backwardWeight<f32>(r);
  return dtypeOf(r) == FLOAT64 && backwardWeight<f64>(r);
}
