/**
 * `group`: elementwise steps run tile by tile, so that what passes from one to the next stays in the cache. A slot is
 * an operand or a tile buffer; each step is the ordinary row kernel of its opcode. The layout of a group
 * is in docs/program-format.md; sums are in groupsum.ts.
 */
import {
  GROUP_STEPS,
  GROUP_TAIL_WORDS,
  GROUP_TEMPS,
  STEP_DTYPE,
  STEP_IN,
  STEP_OPCODE,
  STEP_OUT,
  STEP_PARAMS,
  STEP_WORDS,
  TILE,
  itemBytes,
} from '../generated/abi';
import { OP_COPY, OP_MEAN, OP_SUM, OP_WHERE } from '../generated/opcodes';
import { innerSize, operandsOf, paramsAt, rankOf, stridesAt } from '../program/record';
import { begin, next } from '../program/walk';
import { chooseContiguous, move } from './copy';
import { applyRow } from './elementwise';
import * as sums from './groupsum';
import { deliver, forgetFilled, prepare, rowOf, useTile } from './tiles';

const STEP_BYTES: usize = STEP_WORDS << 2;

/** The steps, and the operands among the slots: bit i stands for operand i. */
let steps: usize = 0;
let stepsEnd: usize = 0;
let readFirst: i32 = 0;
let written: i32 = 0;

/** Finds the steps and what they do to each slot. */
function decode(r: usize): void {
  const operands = operandsOf(r);
  const tail = (stridesAt(r, operands) + 7) & ~7;
  steps = tail + (GROUP_TAIL_WORDS << 2);
  stepsEnd = steps + <usize>load<i32>(tail, GROUP_STEPS << 2) * STEP_BYTES;
  readFirst = 0;
  written = 0;
  sums.clear();
  for (let step = steps; step < stepsEnd; step += STEP_BYTES) {
    for (let i: usize = 0; i < 16; i += 4) {
      const slot = load<i32>(step + i, STEP_IN << 2);
      if (slot >= 0) readFirst |= (1 << slot) & ~written;
    }
    const out = load<i32>(step, STEP_OUT << 2);
    const op = load<i32>(step, STEP_OPCODE << 2);
    if (op == OP_SUM || op == OP_MEAN) sums.add(r, out, load<i32>(step, STEP_DTYPE << 2), op == OP_MEAN);
    else written |= 1 << out;
  }
  for (let i = operands, end = operands + load<i32>(tail, GROUP_TEMPS << 2); i < end; i++) useTile(i);
}

/** All steps over one tile of `count` elements, `start` elements into the present block of columns. */
function runSteps(r: usize, start: i32, count: i32): bool {
  const params = paramsAt(r);
  let sum = 0;
  for (let step = steps; step < stepsEnd; step += STEP_BYTES) {
    const op = load<i32>(step, STEP_OPCODE << 2);
    const dtype = load<i32>(step, STEP_DTYPE << 2);
    const x = rowOf(load<i32>(step, STEP_IN << 2));
    if (op == OP_SUM || op == OP_MEAN) {
      if (!sums.addTile(sum++, start, x, count)) return false;
      continue;
    }
    const out = rowOf(load<i32>(step, STEP_OUT << 2));
    const y = rowOf(load<i32>(step, (STEP_IN + 1) << 2));
    const z = rowOf(load<i32>(step, (STEP_IN + 2) << 2));
    if (op == OP_COPY) {
      move(itemBytes(dtype), count, out, 1, x, 1);
    } else if (op == OP_WHERE) {
      chooseContiguous(itemBytes(dtype), count, out, x, y, z);
    } else {
      const w = rowOf(load<i32>(step, (STEP_IN + 3) << 2));
      const own = params + ((<usize>load<i32>(step, STEP_PARAMS << 2)) << 3);
      if (!applyRow(op, dtype, count, out, x, y, z, w, own)) return false;
    }
  }
  return true;
}

/** The elements [from, to) of every row. */
function runBlock(r: usize, from: i32, to: i32, n: i32): bool {
  const operands = operandsOf(r);
  const outer = rankOf(r) - 1;
  const touched = readFirst | written;
  do {
    for (let start = from; start < to; start += TILE) {
      const count = min<i32>(to - start, TILE);
      for (let i = 0; i < operands; i++) {
        if ((touched >> i) & 1) prepare(r, i, start, count, n, ((readFirst >> i) & 1) != 0);
      }
      if (!runSteps(r, start - from, count)) return false;
      for (let i = 0; i < operands; i++) {
        if ((written >> i) & 1) deliver(r, i, start, count, n);
      }
    }
    sums.finishRow(from > 0);
  } while (next(r, outer));
  return true;
}

export function group(r: usize): bool {
  const n = innerSize(r);
  decode(r);
  forgetFilled(operandsOf(r));
  begin(r);
  const width = sums.blockWidth(n);
  for (let from = 0; from < n; from += width) {
    const to = min<i32>(n, from + width);
    sums.startBlock(to - from);
    if (!runBlock(r, from, to, n)) return false;
    sums.finishBlock(from, to - from);
  }
  sums.finish();
  return true;
}
