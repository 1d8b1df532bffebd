/**
 * The errors that cotangent throws on purpose. The message starts with the op's name and
 * says what was given and what was expected; nothing has been changed when one is thrown.
 */

/** Base class of all errors of this library. */
export class CotangentError extends Error {
  /** The op or method that failed. */
  readonly op: string;

  constructor(op: string, message: string, options?: ErrorOptions) {
    super(`${op}: ${message}`, options);
    this.op = op;
    this.name = new.target.name;
  }
}

/** Shapes that do not fit together, or dimensions that do not exist. */
export class ShapeError extends CotangentError {}
/** An element type that the op does not take. */
export class DTypeError extends CotangentError {}
/** An index outside its dimension. */
export class IndexError extends CotangentError {}
/** An argument of the wrong kind or outside its range. */
export class ArgumentError extends CotangentError {}
/** Differentiation that cannot be done: no graph, a freed graph, a tensor changed since. */
export class AutogradError extends CotangentError {}
/** A tensor used after `dispose()`, or after the scope it belonged to ended. */
export class DisposedError extends CotangentError {}
/** Tensors of two backends in one op, or a backend that is not available. */
export class BackendError extends CotangentError {}
/** More memory than there is. */
export class OutOfMemoryError extends CotangentError {}
/** A saved state that does not fit the model or optimizer it is loaded into. */
export class StateError extends CotangentError {}
/** An optional package that is not installed. */
export class MissingDependencyError extends CotangentError {}
/** Something that a function does which cannot be recorded and replayed. */
export class CompileError extends CotangentError {}

/**
 * A limit, integral, root or minimum that was not reached. What was found until then is
 * in `best`; its type is that of the result, or of the point, as the function's page says.
 */
export class ConvergenceError extends CotangentError {
  /** The best point or value so far; undefined where there is none. */
  readonly best: unknown;
  /** How many steps were taken. */
  readonly iterations: number;

  constructor(op: string, message: string, found: { best: unknown; iterations: number }, options?: ErrorOptions) {
    super(op, message, options);
    this.best = found.best;
    this.iterations = found.iterations;
  }
}

/** `[2, 3]`, as shapes are written in messages. */
export const formatShape = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** A value as it is shown in a message: short, and never throwing. */
export function describe(value: unknown, depth = 0): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value))
    return value.length > 8 || depth > 3
      ? `an array of ${value.length}`
      : `[${value.map((item) => describe(item, depth + 1)).join(', ')}]`;
  if (value === null || typeof value !== 'object') return typeof value === 'symbol' ? 'a symbol' : String(value);
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === 'string' && name !== '' ? `a value of type ${name}` : 'an object';
}
