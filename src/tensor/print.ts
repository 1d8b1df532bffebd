/**
 * How tensors print: PyTorch's layout and number format (`torch/_tensor_str.py` is the reference for the rules),
 * with JavaScript's spelling of names and booleans. Importing this file makes `toString()`, template
 * strings and Node's `console.log` use it.
 */
import { formatShape } from '../errors.ts';
import { expectReadable, inFlight } from '../memory/flight.ts';
import { observer } from '../program/observer.ts';
import type { TypedArray } from './dtype.ts';
import { dtypeOf, ndimOf, nodeOf, numelOf, offsetOf, shapeOf, storageOf, stridesOf, Tensor } from './tensor.ts';

const PRECISION = 4;
/** Tensors of more elements show only the ends of each dimension. */
const THRESHOLD = 1000;
const EDGE_ITEMS = 3;
const LINE_WIDTH = 80;
const PREFIX = 'tensor(';

type Element = number | bigint;

/** `rounded`, unless `exact` lies halfway between two numbers of four digits after the point: then the even one, as in Python. */
function halfEven(exact: string, rounded: string): string {
  const cut = exact.indexOf('.') + 1 + PRECISION;
  const tie = /^50*$/.test(exact.slice(cut));
  return tie && Number(exact[cut - 1]) % 2 === 0 ? exact.slice(0, cut) : rounded;
}

/** Longer than the expansion of any number that can lie halfway. */
const DIGITS = 60;

const signOf = (x: number): string => (x < 0 || Object.is(x, -0) ? '-' : '');

function fixed(x: number): string {
  const size = Math.abs(x);
  const rounded = size.toFixed(PRECISION);
  // A number that lies halfway is an odd multiple of half a unit; few others need the costly exact expansion.
  const exact = Number.isInteger(size * 2 * 10 ** PRECISION);
  return signOf(x) + (exact ? halfEven(size.toFixed(DIGITS), rounded) : rounded);
}

function scientific(x: number): string {
  const size = Math.abs(x);
  const [mantissa, exponent] = size.toExponential(PRECISION).split('e') as [string, string];
  // Likewise one that lies halfway has exactly one digit more.
  const [exact, exactExponent] = size.toExponential(PRECISION + 1).split('e') as [string, string];
  const short = Number(`${exact}e${exactExponent}`) === size && exponent === exactExponent;
  const digits = short ? halfEven((size.toExponential(DIGITS).split('e') as [string, string])[0], mantissa) : mantissa;
  return `${signOf(x)}${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}

const nonFinite = (x: number): string => (Number.isNaN(x) ? 'nan' : x > 0 ? 'inf' : '-inf');

/** Floating point numbers in their common format, padded to the width of the finite ones that are not zero. */
function formatFloats(shown: readonly number[]): string[] {
  const counts = (value: number) => Number.isFinite(value) && value !== 0;
  let [smallest, largest, whole] = [Number.POSITIVE_INFINITY, 0, true];
  for (const value of shown) {
    if (!counts(value)) continue;
    smallest = Math.min(smallest, Math.abs(value));
    largest = Math.max(largest, Math.abs(value));
    whole &&= Number.isInteger(value);
  }
  const sci = largest > 0 && (largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4);
  const finite = sci ? scientific : whole ? (value: number) => `${signOf(value)}${Math.abs(value)}.` : fixed;
  return pad(
    shown.map((value) => (Number.isFinite(value) ? finite(value) : nonFinite(value))),
    (i) => counts(shown[i] as number),
  );
}

/** Texts of equal width, that of the longest which counts. */
function pad(texts: readonly string[], counts: (i: number) => boolean): string[] {
  const width = texts.reduce((most, text, i) => (counts(i) ? Math.max(most, text.length) : most), 1);
  return texts.map((text) => text.padStart(width));
}

function formatElements(x: Tensor, shown: readonly Element[]): string[] {
  if (x.isFloatingPoint) return formatFloats(shown as readonly number[]);
  const plain = dtypeOf(x) === 'bool' ? (value: Element) => String(value !== 0) : String;
  return pad(shown.map(plain), () => true);
}

/** The places along a dimension that are shown; null stands for those left out. */
function places(n: number, summarize: boolean): (number | null)[] {
  if (!summarize || n <= 2 * EDGE_ITEMS) return Array.from({ length: n }, (_, i) => i);
  const run = (from: number) => Array.from({ length: EDGE_ITEMS }, (_, i) => from + i);
  return [...run(0), null, ...run(n - EDGE_ITEMS)];
}

function body(x: Tensor): string {
  const summarize = numelOf(x) > THRESHOLD;
  let span = 1;
  for (let d = 0; d < ndimOf(x); d++) span += ((shapeOf(x)[d] as number) - 1) * (stridesOf(x)[d] as number);
  // Read where the elements lie, rather than copy a large tensor to show its corners.
  observer()?.reading('toString', x);
  if (inFlight()) expectReadable('toString', storageOf(x));
  const elements: TypedArray = storageOf(x).view(dtypeOf(x), offsetOf(x), span);
  const shown: Element[] = [];
  const gather = (dim: number, at: number): void => {
    if (dim === ndimOf(x)) shown.push(elements[at] as Element);
    else
      for (const i of places(shapeOf(x)[dim] as number, summarize))
        if (i !== null) gather(dim + 1, at + i * (stridesOf(x)[dim] as number));
  };
  gather(0, 0);
  const texts = formatElements(x, shown);
  // Zeros and the like may be wider than their column, as in PyTorch.
  const width = texts.reduce((least, text) => Math.min(least, text.length), Number.POSITIVE_INFINITY);
  let next = 0;
  const value = () => texts[next++] as string;
  const level = (dim: number, indent: number): string => {
    if (dim === ndimOf(x)) return value();
    const along = places(shapeOf(x)[dim] as number, summarize);
    if (dim < ndimOf(x) - 1) {
      const slices = along.map((i) => (i === null ? '...' : level(dim + 1, indent + 1)));
      return `[${slices.join(`,${'\n'.repeat(ndimOf(x) - dim - 1)}${' '.repeat(indent + 1)}`)}]`;
    }
    const items = along.map((i) => (i === null ? ' ...' : value()));
    const perLine = Math.max(1, Math.floor((LINE_WIDTH - indent) / (width + 2)));
    const lines: string[] = [];
    for (let i = 0; i < items.length; i += perLine) lines.push(items.slice(i, i + perLine).join(', '));
    return `[${lines.join(`,\n${' '.repeat(indent + 1)}`)}]`;
  };
  return level(0, PREFIX.length);
}

function suffixesOf(x: Tensor): string[] {
  const suffixes: string[] = [];
  if (numelOf(x) === 0 && ndimOf(x) !== 1) suffixes.push(`size=(${shapeOf(x).join(', ')})`);
  // Without elements nothing shows the type, unless it is the default one.
  const shows: readonly string[] = numelOf(x) === 0 ? ['float32'] : ['float32', 'int64', 'bool'];
  if (!shows.includes(dtypeOf(x))) suffixes.push(`dtype=${dtypeOf(x)}`);
  const node = nodeOf(x);
  if (node !== null) suffixes.push(`gradFn=<${node.name}>`);
  else if (x.requiresGrad) suffixes.push('requiresGrad=true');
  return suffixes;
}

/** The text of a tensor, as `toString()` returns it. */
export function format(x: Tensor): string {
  if (x.disposed) return `${PREFIX}<disposed>, shape=${formatShape(shapeOf(x))}, dtype=${dtypeOf(x)})`;
  if (storageOf(x).lanes !== null)
    return `${PREFIX}<one of many in vmap>, shape=${formatShape(shapeOf(x))}, dtype=${dtypeOf(x)})`;
  let text = PREFIX + (numelOf(x) === 0 ? '[]' : body(x));
  // PyTorch counts two too many here; so do we, for lines to break in the same places.
  let lineLength = text.length - text.lastIndexOf('\n') + 1;
  for (const suffix of suffixesOf(x)) {
    if (lineLength + suffix.length + 2 > LINE_WIDTH) {
      text += `,\n${' '.repeat(PREFIX.length)}${suffix}`;
      lineLength = PREFIX.length + suffix.length;
    } else {
      text += `, ${suffix}`;
      lineLength += suffix.length + 2;
    }
  }
  return `${text})`;
}

const methods = {
  toString(this: Tensor): string {
    return format(this);
  },
  // Through toString, which a subclass may have its own of.
  [Symbol.for('nodejs.util.inspect.custom')](this: Tensor): string {
    return this.toString();
  },
};
for (const name of Reflect.ownKeys(methods))
  Object.defineProperty(Tensor.prototype, name, {
    value: Reflect.get(methods, name),
    configurable: true,
    writable: true,
  });
