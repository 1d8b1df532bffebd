/**
 * The shape of a row of the op table. Formulas are nested calls of the verbs listed in
 * `docs/formulas.md`, optionally preceded by bindings: `'e = exp(x); div(e, add(k(1), e))'`.
 * The text is legal C++, AssemblyScript and TypeScript alike, so `tools/gen` only pastes it.
 */

/** Which element types an op computes in. Inputs of other types are promoted first. */
export type DTypeClass =
  /** float32 and float64; integers and bools become float32. */
  | 'float'
  /** float32, float64, int32, int64, uint8. */
  | 'number'
  /** As `number`, and bool by way of uint8, converted back. */
  | 'any';

/** Values an input is drawn from in the generated tests. */
export interface Domain {
  /** Inclusive range for each input; the last one serves for all that follow. */
  ranges: readonly (readonly [number, number])[];
  /** Points where the op is not differentiable; gradient checks keep a distance. */
  kinks?: readonly number[];
}

interface Row {
  /** Public name in camelCase; the opcode is its snake_case form. */
  name: string;
  /** One line for the reference and the TSDoc. */
  doc: string;
  /** `false`: a function only, no tensor method. */
  method?: false;
  /** Also a method that overwrites the tensor, named with a trailing underscore, where `false` is absent. */
  inPlace?: false;
}

/** An op whose elements are computed independently of each other. */
export interface ElementwiseRow extends Row {
  kind: 'elementwise';
  /** Number of tensor inputs; formulas call them x, y, z. */
  arity: 1 | 2 | 3;
  dtypes: DTypeClass;
  /** The result; for a test (`test: true`) a mask. */
  f: string;
  /** The result for integers where the formula differs. */
  int?: string;
  /** The result is a bool tensor. */
  test?: true;
  /** Named scalar constants with their defaults (undefined: the argument is required). */
  params?: Readonly<Record<string, number | undefined>>;
  /**
   * Cotangent of each input in terms of x, y, z, the result r and its cotangent g.
   * 'zero': the derivative vanishes. Absent: not differentiable.
   */
  vjp?: readonly string[] | 'zero';
  /** An integer second operand of zero is an error. */
  divides?: true;
  domain: Domain;
  /** Largest error in units in the last place, float32 and float64, over the domain; 2 if not given, as two roundings make. */
  ulp?: readonly [number, number];
  /** The module in `src/ops` whose function of this name is the public one, where it takes more than tensors and params. */
  family?: string;
}

/** A hand-written kernel that does more than write its first operand and read the others. */
export interface KernelRow {
  name: string;
  /**
   * What becomes of each operand, a letter each: w overwritten, u read and changed in place, s scratch, r read; the
   * operands that follow are read.
   */
  roles: string;
}

/**
 * How a family's records take one more leading dimension, the examples of a `vmap` (`src/tensor/lanes.ts`). `outer`: their spaces may
 * have any number of leading dimensions; `kept`: they may too, and count those in their first param; `fold`: they have one for
 * independent parts (rows, images), which may grow. Where a record does not fit its rule, and for families without, it is repeated.
 */
export type LaneRule = 'outer' | 'kept' | 'fold';

/** An op with kernels of its own, or composed of other ops. */
export interface StructuredRow extends Row {
  kind: 'structured';
  /** How its kernels take the examples of a `vmap`; repeated without. */
  lanes?: LaneRule;
  /** The module in `src/ops` that exports the function. */
  family: string;
  /** Hand-written kernels it brings, in `native/kernels` and `assembly/kernels`. */
  kernels?: readonly (string | KernelRow)[];
  /** Hidden from users: an instruction only. */
  internal?: true;
}

export type OpRow = ElementwiseRow | StructuredRow;
