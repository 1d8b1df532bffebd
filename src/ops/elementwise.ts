/**
 * Runs any elementwise op: promotion, broadcasting, the record, and the tape. The ops themselves are
 * rows of the table; `src/generated/elementwise.ts` holds one `ElementwiseSpec` for each.
 */
import { seriesRules } from '../autograd/mode.ts';
import { record, tracks } from '../autograd/track.ts';
import { ArgumentError, DTypeError, describe, formatShape, ShapeError } from '../errors.ts';
import { CHECK_NONZERO, NE } from '../generated/opcodes.ts';
import type { Heap } from '../memory/storage.ts';
import type { Operand } from '../program/encode.ts';
import { allocate, commonHeap, emit, emitFlat, type Instruction, immediate, operand } from '../tensor/create.ts';
import { type DType, isFloating, type Promoted, resultType, typeOfScalar } from '../tensor/dtype.ts';
import { broadcastShapes, broadcastStrides, coalesce, type Shape, sameShape } from '../tensor/layout.ts';
import { convertElement } from '../tensor/nested.ts';
import {
  dtypeOf,
  isRowMajor,
  isTensor,
  ndimOf,
  numelOf,
  shapeOf,
  storageOf,
  stridesOf,
  type Tensor,
  type TensorLike,
} from '../tensor/tensor.ts';
import { castTo, clone, filled, fillWith, sumTo } from './convert.ts';
import type { DTypeClass } from './formula.ts';
import { checkInPlace, overlaps, writeOver } from './inplace.ts';

/** The values that a derivative's formula may read. */
export interface Terms {
  x: TensorLike;
  y: TensorLike;
  z: TensorLike;
  /** The op's result. */
  r: Tensor;
  /** The cotangent of the result. */
  g: Tensor;
}

/** How one input's cotangent is computed. */
export interface DerivativeSpec {
  /** Which terms the formula reads, in the order in which the fused kernel takes them. */
  uses: readonly (keyof Terms)[];
  /** The kernel that computes it in one pass; -1 where composing is as good. */
  fused: number;
  /** The formula over tensors: differentiable again. */
  compose(terms: Terms, params: readonly number[]): TensorLike;
}

/** An elementwise op as the run time needs it; generated from its row. */
export interface ElementwiseSpec {
  name: string;
  opcode: number;
  dtypes: DTypeClass;
  test: boolean;
  divides: boolean;
  /** One for each input; empty when the derivative is zero; null when there is none. */
  vjp: readonly DerivativeSpec[] | null;
}

const TERMS = ['x', 'y', 'z'] as const;
const NO_PARAMS: readonly number[] = [];
const UNIT = [1] as const;

/** How an operand takes part in a promotion. */
export function promoted(input: TensorLike): Promoted {
  if (typeof input === 'number') return { dtype: typeOfScalar(input), priority: 0 };
  return { dtype: dtypeOf(input), priority: ndimOf(input) > 0 ? 2 : 1 };
}

/** The dtype that an op computes in. */
function computeType(op: string, spec: ElementwiseSpec, inputs: readonly TensorLike[]): DType {
  const first = inputs[0] as TensorLike;
  // Derivatives compute with plain numbers too, and must not lose digits.
  if (inputs.every((input) => typeof input === 'number')) return 'float64';
  const common = inputs.length === 1 ? dtypeOf(first as Tensor) : resultType(inputs.map(promoted));
  if (spec.dtypes === 'float') return isFloating(common) ? common : 'float32';
  if (common !== 'bool' || spec.dtypes === 'any') return common;
  throw new DTypeError(op, 'does not take bool tensors; convert with to({ dtype })');
}

function checkNumber(op: string, value: unknown): void {
  if (typeof value !== 'number') throw new ArgumentError(op, `wants a tensor or a number, got ${describe(value)}`);
}

/**
 * The float tensor whose shape, dtype and layout all tensors among the inputs share, so that one loop over memory does; null
 * where anything wants a closer look, errors included.
 */
function flatLead(inputs: readonly TensorLike[]): Tensor | null {
  let lead: Tensor | null = null;
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i] as TensorLike;
    if (typeof x === 'number') continue;
    if (!isTensor(x) || x.disposed || !isRowMajor(x)) return null;
    if (lead === null) lead = x;
    else if (
      storageOf(x).heap !== storageOf(lead).heap ||
      dtypeOf(x) !== dtypeOf(lead) ||
      !sameShape(shapeOf(x), shapeOf(lead))
    )
      return null;
  }
  return lead?.isFloatingPoint && numelOf(lead) > 0 ? lead : null;
}

/** Runs an elementwise op on tensors and numbers. */
export function apply(
  spec: ElementwiseSpec,
  inputs: readonly TensorLike[],
  params: readonly number[] = NO_PARAMS,
): Tensor {
  const lead = flatLead(inputs);
  const out = lead === null ? applyAny(spec, inputs, params) : computeFlat(spec.name, lead, spec, inputs, params);
  if (lead !== null) differentiable(spec, inputs, out, params);
  return out;
}

function computeFlat(
  op: string,
  lead: Tensor,
  spec: { opcode: number; test: boolean },
  inputs: readonly TensorLike[],
  params: readonly number[],
): Tensor {
  const { heap } = storageOf(lead);
  const out = allocate(op, heap, spec.test ? 'bool' : dtypeOf(lead), shapeOf(lead));
  emitFlat(op, heap, spec.opcode, out, dtypeOf(lead), inputs, params);
  return out;
}

function applyAny(spec: ElementwiseSpec, inputs: readonly TensorLike[], params: readonly number[]): Tensor {
  for (const input of inputs) if (!isTensor(input)) checkNumber(spec.name, input);
  const heap = commonHeap(spec.name, inputs);
  const dtype = computeType(spec.name, spec, inputs);
  const operands = inputs.map((input) => (typeof input === 'number' ? input : castTo(input, dtype)));
  const out = compute(spec.name, heap, spec, operands, dtype, params, null);
  differentiable(spec, operands, out, params);
  return out;
}

/** Makes the op part of whatever is to be differentiated. */
function differentiable(
  spec: ElementwiseSpec,
  inputs: readonly TensorLike[],
  out: Tensor,
  params: readonly number[],
): void {
  seriesRules()?.elementwise(spec, inputs, out, params);
  if (spec.vjp !== null && !spec.test && tracks(inputs)) trackElementwise(spec, inputs, out, params);
}

/** Runs an elementwise op and writes the result over its first input. */
export function applyInPlace(
  spec: ElementwiseSpec,
  inputs: readonly TensorLike[],
  params: readonly number[] = NO_PARAMS,
): Tensor {
  const op = `${spec.name}_`;
  const target = inputs[0];
  if (!isTensor(target)) throw new ArgumentError(op, `wants a tensor, got ${describe(target)}`);
  for (const input of inputs) if (!isTensor(input)) checkNumber(op, input);
  const heap = commonHeap(op, inputs);
  const dtype = computeType(op, spec, inputs);
  const result = spec.test ? 'bool' : dtype;
  if (
    result !== dtypeOf(target) &&
    (spec.test || isFloating(result) > isFloating(dtypeOf(target)) || dtypeOf(target) === 'bool')
  )
    throw new DTypeError(op, `the result is ${result} and cannot be stored in a ${dtypeOf(target)} tensor`);
  const shape = broadcastShapes(
    op,
    inputs.map((input) => (typeof input === 'number' ? [] : shapeOf(input))),
  );
  if (!sameShape(shape, shapeOf(target)))
    throw new ShapeError(
      op,
      `the result has shape ${formatShape(shape)} and cannot be stored in ${formatShape(shapeOf(target))}`,
    );
  checkInPlace(op, target);
  // Gradients are those of the op on the tensor's former value, which lives on in the graph only.
  const tracked = tracks(inputs) && spec.vjp !== null;
  const direct = dtypeOf(target) === dtype && !tracked && !overlaps(target, inputs);
  if (direct) {
    compute(
      op,
      heap,
      spec,
      inputs.map((input) => (typeof input === 'number' ? input : castTo(input, dtype))),
      dtype,
      params,
      target,
    );
    storageOf(target).version++;
    return target;
  }
  // A derivative that reads the former value needs a copy of it: the memory is about to change.
  const reads = tracked && spec.vjp?.some(({ uses }) => uses.includes('x'));
  const former = reads ? clone(target) : target;
  const operands = inputs.map((input) => (input === target ? former : input));
  writeOver(op, target, castTo(apply({ ...spec, name: op }, operands, params), dtypeOf(target)));
  return target;
}

/** @throws DTypeError unless integers of the record can hold its params: kernels convert them without a look. */
function checkParams(op: string, params: readonly number[], dtype: DType): void {
  for (const value of params)
    if (Number(convertElement(op, value, dtype)) !== value)
      throw new DTypeError(op, `the number ${value} does not fit ${dtype}`);
}

/** Emits the record; `into` is overwritten if given, otherwise a new tensor is the result. */
function compute(
  op: string,
  heap: Heap,
  spec: { opcode: number; test: boolean; divides: boolean },
  inputs: readonly TensorLike[],
  dtype: DType,
  params: readonly number[],
  into: Tensor | null,
): Tensor {
  // Bool arithmetic is done on the bytes and brought back to 0 and 1.
  const lanes: DType = dtype === 'bool' ? 'uint8' : dtype;
  if (!isFloating(dtype)) checkParams(op, params, lanes);
  let flat = into === null || isRowMajor(into);
  let common: Shape | null = null;
  for (let i = 0; flat && i < inputs.length; i++) {
    const input = inputs[i] as TensorLike;
    if (typeof input === 'number') continue;
    common ??= shapeOf(input);
    flat = isRowMajor(input) && sameShape(shapeOf(input), common);
  }
  let shape: Shape = common ?? [];
  if (!flat)
    shape = broadcastShapes(
      op,
      inputs.map((input) => (typeof input === 'number' ? [] : shapeOf(input))),
    );
  const out = into ?? allocate(op, heap, spec.test ? 'bool' : dtype, shape);
  let space: Shape;
  let operands: Operand[];
  if (flat) {
    space = [numelOf(out)];
    operands = [
      operand(out, UNIT),
      ...inputs.map((x) => (typeof x === 'number' ? immediate(x, lanes, 1) : operand(x, UNIT))),
    ];
  } else {
    const walked = coalesce(shape, [
      stridesOf(out),
      ...inputs.map((x) =>
        typeof x === 'number'
          ? new Array<number>(shape.length).fill(0)
          : broadcastStrides(shapeOf(x), stridesOf(x), shape),
      ),
    ]);
    space = walked.shape;
    operands = [out, ...inputs].map((x, i) =>
      typeof x === 'number' ? immediate(x, lanes, space.length) : operand(x, walked.strides[i] as Shape),
    );
  }
  const instructions: Instruction[] = [{ opcode: spec.opcode, dtype: lanes, shape: space, operands, params }];
  if (spec.divides && !isFloating(dtype))
    instructions.unshift({ opcode: CHECK_NONZERO, dtype: lanes, shape: space, operands: [operands[2] as Operand] });
  if (dtype === 'bool' && !spec.test) {
    const [bytes, zero] = [operands[0] as Operand, immediate(0, lanes, space.length)];
    instructions.push({ opcode: NE, dtype: lanes, shape: space, operands: [bytes, bytes, zero] });
  }
  emit(op, heap, ...instructions);
  return out;
}

function trackElementwise(
  spec: ElementwiseSpec,
  inputs: readonly TensorLike[],
  out: Tensor,
  params: readonly number[],
): void {
  const derivatives = spec.vjp as readonly DerivativeSpec[];
  // Save what the derivatives of the inputs that need one will read, and nothing else.
  const saved: Tensor[] = [];
  const places: Partial<Record<keyof Terms, number>> = {};
  for (let i = 0; i < derivatives.length; i++) {
    const input = inputs[i] as TensorLike;
    if (typeof input === 'number' || !input.requiresGrad) continue;
    for (const term of (derivatives[i] as DerivativeSpec).uses) {
      if (term === 'g' || places[term] !== undefined) continue;
      const value = term === 'r' ? out : (inputs[TERMS.indexOf(term)] as TensorLike);
      if (typeof value === 'number') continue;
      places[term] = saved.length;
      saved.push(value);
    }
  }
  const shapes = inputs.map((input) => (typeof input === 'number' ? null : shapeOf(input)));
  const numbers = inputs.map((input) => (typeof input === 'number' ? input : null));
  record(spec.name, inputs, [out], saved, ([g], kept, needs) => {
    const term = (name: keyof Terms): TensorLike => {
      if (name === 'g') return g as Tensor;
      const place = places[name];
      return place === undefined ? (numbers[TERMS.indexOf(name as 'x')] as number) : (kept[place] as Tensor);
    };
    return shapes.map((shape, i) => {
      if (!needs[i] || shape === null) return null;
      const derivative = derivatives[i];
      if (derivative === undefined) return filled(spec.name, shape, 0, g as Tensor);
      const values = derivative.uses.map(term);
      return sumTo(castTo(cotangent(spec, derivative, values, g as Tensor, params), dtypeOf(g as Tensor)), shape);
    });
  });
}

/**
 * @internal An operand as formulas of several verbs take it: a number becomes a tensor with all its digits on the backend of `like`,
 * because a verb that sees numbers alone would not know which that is.
 */
export function termOf(op: string, value: TensorLike, like: Tensor): Tensor {
  if (typeof value !== 'number') return value;
  const out = allocate(op, storageOf(like).heap, 'float64', []);
  fillWith(op, out, value);
  return out;
}

/** The cotangent of one input, before it is summed over what was broadcast. */
function cotangent(
  spec: ElementwiseSpec,
  { uses, fused, compose }: DerivativeSpec,
  values: readonly TensorLike[],
  g: Tensor,
  params: readonly number[],
): Tensor {
  if (fused < 0 || tracks(values)) {
    const terms: Partial<Record<keyof Terms, TensorLike>> = {};
    for (let u = 0; u < uses.length; u++) {
      const value = values[u] as TensorLike;
      terms[uses[u] as keyof Terms] = fused < 0 ? value : termOf(spec.name, value, g);
    }
    return compose(terms as Terms, params) as Tensor;
  }
  const kernel = { opcode: fused, test: false, divides: false };
  const lead = flatLead(values);
  if (lead !== null) return computeFlat(spec.name, lead, kernel, values, params);
  return compute(spec.name, storageOf(g).heap, kernel, values, dtypeOf(g), params, null);
}
