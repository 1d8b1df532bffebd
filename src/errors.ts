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
/** Something that a function does which cannot be recorded and replayed, or that meets memory which a compiled function uses on another thread. */
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

/** Longer texts are cut off in messages. */
const MAX_TEXT = 40;
/** Writing out a bigint takes more than linear time. */
const MAX_BIGINT = 10n ** 40n;
/** Items of an array that are shown, and how deep. */
const MAX_ITEMS = 8;
const MAX_DEPTH = 3;

/**
 * A value as it is shown in a message: short, and never throwing. Runs none of the value's own code (getters, `toString`,
 * `toJSON`); only the traps of a proxy cannot be told from the language, and what they throw is caught.
 */
export const describe = (value: unknown): string => showSafely(value, 0);

function showSafely(value: unknown, depth: number): string {
  try {
    return show(value, depth);
  } catch {
    return 'a value that cannot be looked at';
  }
}

const shorten = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);

function show(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(shorten(value));
    case 'bigint':
      return value > -MAX_BIGINT && value < MAX_BIGINT ? `${value}n` : 'a bigint of more than 40 digits';
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'symbol':
      return value.description === undefined ? 'Symbol()' : `Symbol(${shorten(value.description)})`;
    case 'function':
      return showFunction(value);
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? showArray(value, depth) : showObject(value);
    default:
      return String(value);
  }
}

/** The value of an object's own property; undefined, too, where a getter stands. */
const ownValue = (object: object, name: PropertyKey): unknown => Object.getOwnPropertyDescriptor(object, name)?.value;

function showFunction(fn: object): string {
  const kind = Function.prototype.toString.call(fn).startsWith('class') ? 'class' : 'function';
  const name = ownValue(fn, 'name');
  return typeof name === 'string' && name !== '' ? `the ${kind} ${shorten(name)}` : `a ${kind}`;
}

function showArray(array: readonly unknown[], depth: number): string {
  const length = ownValue(array, 'length');
  if (typeof length !== 'number') return 'an array';
  if (length > MAX_ITEMS || depth > MAX_DEPTH) return `an array of ${length}`;
  const items = Array.from({ length }, (_, i) => {
    const property = Object.getOwnPropertyDescriptor(array, i);
    if (property === undefined) return 'a hole';
    return 'value' in property ? showSafely(property.value, depth + 1) : 'a getter';
  });
  return `[${items.join(', ')}]`;
}

function showObject(object: object): string {
  for (let level: object | null = object; level !== null; level = Object.getPrototypeOf(level)) {
    const made = ownValue(level, 'constructor');
    const name = typeof made === 'function' ? ownValue(made, 'name') : undefined;
    if (typeof name === 'string' && name !== '') return `a value of type ${shorten(name)}`;
  }
  return 'an object';
}
