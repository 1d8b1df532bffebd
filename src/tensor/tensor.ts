// Whoever compiles against the published types may have no `Disposable` yet.
/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The Tensor: a handle on a storage with a shape, strides and an offset, and its place on the
 * tape. What can be computed with it is in `src/ops`; `src/generated/methods.ts` puts
 * those functions on the prototype. Start reading there for any method not found here.
 */
import { type Edge, type GradHook, GraphNode } from '../autograd/node.ts';
import type { Backend } from '../backend/backend.ts';
import {
  ArgumentError,
  AutogradError,
  DisposedError,
  DTypeError,
  describe,
  formatShape,
  ShapeError,
} from '../errors.ts';
import { expectGradientsFree, expectReadable, inFlight } from '../memory/flight.ts';
import { enlist, outsideScopes } from '../memory/scope.ts';
import type { Storage } from '../memory/storage.ts';
import { observer } from '../program/observer.ts';
import { type DType, isFloating, type TypedArray } from './dtype.ts';
import { Gradient, type LookState } from './gradient.ts';
import { contiguousStrides, isContiguous, type Shape, sameShape, sizeOf } from './layout.ts';

/** Something an op accepts as an operand. */
export type TensorLike = Tensor | number;

/** Nested arrays of numbers, as `toArray` returns them: booleans for bool, bigints for int64 beyond 2⁵³. */
export type NestedArray = number | bigint | boolean | NestedArray[];

/** What only this library has, and without which no tensor is made. */
const KEY = Symbol('tensor');

// What ops know of a tensor, and user code must not: memory lies behind it. No entry of the package exports these; the class
// hands them out once, below. V8 inlines them.

/** @internal Whether a value is a tensor, and not merely an object with its prototype. */
export let isTensor: (value: unknown) => value is Tensor;
/** @internal Makes a handle on a part of a storage. */
export let makeTensor: (storage: Storage, dtype: DType, shape: Shape, strides?: Shape, offset?: number) => Tensor;
/** @internal The memory that a tensor shows. */
export let storageOf: (x: Tensor) => Storage;
/** @internal The shape as ops read it: an array that tensors share, and that never leaves the library. */
export let shapeOf: (x: Tensor) => Shape;
/** @internal The strides as ops read them, like the shape. */
export let stridesOf: (x: Tensor) => Shape;
/** @internal */
export let dtypeOf: (x: Tensor) => DType;
/** @internal Number of elements. */
export let numelOf: (x: Tensor) => number;
/** @internal Number of dimensions. */
export let ndimOf: (x: Tensor) => number;
/** @internal Whether the elements lie in row-major order without gaps. */
export let isRowMajor: (x: Tensor) => boolean;
/** @internal First element, counted in elements from the start of the storage. */
export let offsetOf: (x: Tensor) => number;
/** @internal The op that made a tensor; null for a leaf. */
export let nodeOf: (x: Tensor) => GraphNode | null;
/** @internal Which of its node's outputs a tensor is. */
export let outputIndexOf: (x: Tensor) => number;
/** @internal The node that accumulates a leaf's gradient. */
export let leafNodeOf: (x: Tensor) => GraphNode;
/** @internal The tensor whose memory this one is a view of; never itself a view. */
export let baseOf: (x: Tensor) => Tensor | null;
/** @internal Makes a tensor a view, whose history follows that of its base. */
export let setBase: (x: Tensor, base: Tensor) => void;
/** @internal Makes a tensor an output of a node. */
export let attach: (x: Tensor, node: GraphNode, index: number) => void;
/** @internal Gives a tensor that was changed in place its new history; null makes it a leaf. Views of it follow. */
export let rebase: (x: Tensor, node: GraphNode | null, index: number) => void;
/** @internal A new handle on the same data and the same place in the graph, for a handle that was disposed of. */
export let revive: (x: Tensor) => Tensor;
/** @internal The library's own handle on a tensor's gradient, of which user code knows nothing. */
export let gradientOf: (x: Tensor) => Tensor | null;
/** @internal A tensor's gradient with its place on the tape. */
export let trackedGradientOf: (x: Tensor) => Tensor | null;
/** @internal Makes a handle that nobody else has, and no scope, a tensor's gradient. What was there before is given up. */
export let setGradient: (x: Tensor, own: Tensor | null) => void;
/** @internal Makes a result on the tape a tensor's gradient. */
export let setTrackedGradient: (x: Tensor, grad: Tensor) => void;
/** @internal Frees a tensor's gradient and sets it to null, whoever looks at it. */
export let dropGrad: (x: Tensor) => void;
/** @internal How many handles on its memory go when a tensor's gradient is replaced; `drop`: even if user code looks at it. */
export let gradientHandles: (x: Tensor, drop: boolean) => number;
/** @internal The gradient's memory has other contents now: what user code may no longer hold does not show them. */
export let renewGradient: (x: Tensor, drop: boolean) => void;
/** @internal What is known of a tensor that is the gradient of others. */
export let lookStateOf: (x: Tensor) => LookState;
/** @internal Its scope has ended, or keeps it no longer: frees a tensor, unless it is a gradient, which then does. */
export let leaveScope: (x: Tensor) => void;
/** @internal From now on only user code frees a tensor. */
export let leaveToUser: (x: Tensor) => void;
/** @internal Throws unless a tensor can be used by `op`. */
export let assertAlive: <T extends Tensor>(x: T, op: string) => T;

/** How a view gets its history from that of its base. */
let viewHistory: (base: Tensor, view: Tensor) => GraphNode | null = () => null;

/** @internal Called by the module that knows how to take a strided part of a tensor. */
export function setViewHistory(make: (base: Tensor, view: Tensor) => GraphNode | null): void {
  viewHistory = make;
}

/** @internal What the constructor of a subclass passes on. */
export type TensorParts = [storage: Storage, dtype: DType, shape: Shape, strides?: Shape, offset?: number];

/** @internal The constructor's arguments, for subclasses. */
export const partsOf = (x: Tensor): [typeof KEY, ...TensorParts] => [
  KEY,
  storageOf(x),
  dtypeOf(x),
  shapeOf(x),
  stridesOf(x),
  offsetOf(x),
];

export class Tensor {
  readonly #storage: Storage;
  readonly #dtype: DType;
  readonly #shape: Shape;
  readonly #strides: Shape;
  readonly #offset: number;
  readonly #size: number;
  #contiguous: boolean | undefined;
  /** What user code sees of the shape and the strides, once it has looked. */
  #shown: { readonly shape: Shape; readonly strides: Shape } | null = null;
  #disposed = false;
  #node: GraphNode | null = null;
  #outputIndex = 0;
  #leafNode: GraphNode | null = null;
  #requiresGrad = false;
  #gradient: Gradient | null = null;
  /** Only of a tensor that is the gradient of another. */
  #lookState: LookState | null = null;
  #base: Tensor | null = null;
  /** How often this tensor got a new history by a change in place; a view that saw fewer makes its own anew. */
  #histories = 0;
  /** Whether the gradient of what it holds is to be kept, though it is no leaf. */
  #retains = false;
  #seenHistories = 0;

  static {
    isTensor = (value): value is Tensor => typeof value === 'object' && value !== null && #storage in value;
    makeTensor = (storage, dtype, shape, strides, offset) => new Tensor(KEY, storage, dtype, shape, strides, offset);
    storageOf = (x) => x.#storage;
    offsetOf = (x) => x.#offset;
    shapeOf = (x) => x.#shape;
    stridesOf = (x) => x.#strides;
    dtypeOf = (x) => x.#dtype;
    numelOf = (x) => x.#size;
    ndimOf = (x) => x.#shape.length;
    isRowMajor = (x) => {
      x.#contiguous ??= isContiguous(x.#shape, x.#strides);
      return x.#contiguous;
    };
    nodeOf = (x) => x.#history();
    outputIndexOf = (x) => x.#outputIndex;
    leafNodeOf = (x) => x.#ownLeafNode();
    baseOf = (x) => x.#base;
    setBase = (x, base) => {
      x.#base = base;
      x.#seenHistories = base.#histories;
    };
    attach = (x, node, index) => {
      x.#node = node;
      x.#outputIndex = index;
      node.shapes[index] = x.#shape;
    };
    rebase = (x, node, index) => {
      if (node !== null) node.rebased = true;
      x.#moveTo(node, index);
      x.#histories++;
    };
    revive = (x) => {
      const copy = new Tensor(KEY, x.#storage, x.#dtype, x.#shape, x.#strides, x.#offset);
      copy.#node = x.#history();
      copy.#outputIndex = x.#outputIndex;
      copy.#leafNode = x.#leafNode;
      copy.#requiresGrad = x.#requiresGrad;
      return copy;
    };
    gradientOf = (x) => {
      const own = x.#gradient?.own ?? null;
      observer()?.gradRead(x, own);
      return own;
    };
    trackedGradientOf = (x) => {
      observer()?.gradRead(x, x.#gradient?.own ?? null);
      return x.#gradient?.tracked() ?? null;
    };
    setGradient = (x, own) => x.#replaceGradient(own === null ? null : new Gradient(own), false);
    setTrackedGradient = (x, grad) => {
      x.#replaceGradient(
        Gradient.of(
          outsideScopes(() => revive(grad)),
          false,
        ),
        false,
      );
    };
    dropGrad = (x) => x.#replaceGradient(null, true);
    gradientHandles = (x, drop) => x.#gradient?.handles(drop) ?? 0;
    renewGradient = (x, drop) => x.#gradient?.forget(drop);
    lookStateOf = (x) => {
      x.#lookState ??= { uses: 0, out: false };
      return x.#lookState;
    };
    leaveScope = (x) => {
      if (x.#lookState !== null && x.#lookState.uses > 0) x.#lookState.out = false;
      else x.dispose();
    };
    leaveToUser = (x) => {
      if (x.#lookState !== null) x.#lookState.out = true;
    };
    assertAlive = (x, op) => {
      if (x.#disposed)
        throw new DisposedError(
          op,
          `a tensor of shape ${formatShape(x.#shape)} was used after dispose() or after its scope ended`,
        );
      return x;
    };
  }

  /**
   * Tensors are made by `tensor`, `zeros` and their like.
   * @throws ArgumentError when user code calls it.
   */
  protected constructor(key: never);
  /** @internal */
  protected constructor(key: typeof KEY, ...parts: TensorParts);
  protected constructor(
    key: typeof KEY,
    storage?: Storage,
    dtype: DType = 'float32',
    shape: Shape = [],
    strides?: Shape,
    offset = 0,
  ) {
    if (key !== KEY || storage === undefined)
      throw new ArgumentError('Tensor', 'cannot be constructed; make one with tensor(), fromArray(), zeros() …');
    this.#storage = storage;
    this.#dtype = dtype;
    this.#shape = shape;
    this.#size = sizeOf(shape);
    if (strides === undefined) {
      this.#strides = contiguousStrides(shape);
      this.#contiguous = true;
    } else this.#strides = strides;
    this.#offset = offset;
    storage.retain();
    enlist(this);
  }

  get dtype(): DType {
    return this.#dtype;
  }

  get shape(): Shape {
    return this.#show().shape;
  }

  /** Elements from one index to the next, per dimension. */
  get strides(): Shape {
    return this.#show().strides;
  }

  /** Frozen copies: tensors share the arrays themselves, and frozen ones would be slower to read for ops. */
  #show(): { readonly shape: Shape; readonly strides: Shape } {
    this.#shown ??= { shape: Object.freeze([...this.#shape]), strides: Object.freeze([...this.#strides]) };
    return this.#shown;
  }

  /** First element, counted in elements from the start of the memory that the tensor shares with its views. */
  get offset(): number {
    return this.#offset;
  }

  /** Number of elements. */
  get size(): number {
    return this.#size;
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.#shape.length;
  }

  /** The backend that holds the data. */
  get backend(): Backend['name'] {
    return this.#storage.heap.backend.name;
  }

  get isFloatingPoint(): boolean {
    return isFloating(this.#dtype);
  }

  /** Whether the elements lie in row-major order without gaps. */
  get isContiguous(): boolean {
    return isRowMajor(this);
  }

  /** How often the memory was changed in place, views included. */
  get version(): number {
    return this.#storage.version;
  }

  // ---- memory ----

  /** Whether `dispose()` was called on this handle, or its scope ended. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** Gives up this handle, and its gradient. The memory is free once no view and no graph holds on to it. Safe to call twice. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#storage.release();
    this.#gradient?.release(false);
  }

  /** Throws unless the tensor has elements that JavaScript may look at. */
  #assertReadable(op: string): void {
    assertAlive(this, op);
    observer()?.reading(op, this);
    if (inFlight()) expectReadable(op, this.#storage);
    if (this.#storage.lanes !== null)
      throw new ArgumentError(
        op,
        `a tensor of shape ${formatShape(this.#shape)} inside vmap stands for many examples and has no elements of its own: stay with tensor ops`,
      );
  }

  // ---- values ----

  /**
   * The elements in row-major order: a copy, of the typed array that belongs to the dtype
   * (BigInt64Array for int64, Uint8Array for uint8 and bool).
   */
  data(): TypedArray {
    this.#assertReadable('data');
    if (isRowMajor(this)) return this.#storage.view(this.#dtype, this.#offset, this.#size).slice();
    const source = this.#storage.view(this.#dtype, this.#offset, this.#size === 0 ? 0 : this.#span());
    const out = new (source.constructor as new (n: number) => TypedArray)(this.#size);
    const index = new Array<number>(this.#shape.length).fill(0);
    let at = 0;
    for (let i = 0; i < this.#size; i++) {
      out[i] = source[at] as never;
      for (let d = this.#shape.length - 1; d >= 0; d--) {
        const stride = this.#strides[d] as number;
        at += stride;
        if (++(index[d] as number) < (this.#shape[d] as number)) break;
        at -= stride * (this.#shape[d] as number);
        index[d] = 0;
      }
    }
    return out;
  }

  /** Elements between the first and the last in memory, both included. */
  #span(): number {
    let last = 0;
    for (let d = 0; d < this.#shape.length; d++)
      last += ((this.#shape[d] as number) - 1) * (this.#strides[d] as number);
    return last + 1;
  }

  /**
   * The only element, as a number (bool gives 0 or 1).
   * @throws ShapeError unless there is exactly one.
   */
  item(): number {
    this.#assertReadable('item');
    if (this.#size !== 1)
      throw new ShapeError('item', `wants a tensor of one element, got shape ${formatShape(this.#shape)}`);
    return Number(this.#storage.view(this.#dtype, this.#offset, 1)[0]);
  }

  /** The elements as nested arrays; a 0-d tensor gives the bare value. */
  toArray(): NestedArray {
    const flat = this.data();
    const value = (i: number): NestedArray => {
      const element = flat[i] as number | bigint;
      if (this.#dtype === 'bool') return element !== 0;
      if (typeof element === 'bigint') return Number.isSafeInteger(Number(element)) ? Number(element) : element;
      return element;
    };
    const level = (dim: number, start: number, size: number): NestedArray => {
      if (dim === this.#shape.length) return value(start);
      const n = this.#shape[dim] as number;
      return Array.from({ length: n }, (_, i) => level(dim + 1, start + (i * size) / n, size / n));
    };
    return level(0, 0, this.#size);
  }

  toJSON(): NestedArray {
    return this.toArray();
  }

  // ---- autograd ----

  /** The op that made this tensor; null for a leaf. */
  #history(): GraphNode | null {
    if (this.#base !== null && this.#base.#histories !== this.#seenHistories) this.#followBase(this.#base);
    return this.#node;
  }

  /** After a change of the base in place, this view is a part of what the base is now. */
  #followBase(base: Tensor): void {
    this.#seenHistories = base.#histories;
    this.#moveTo(viewHistory(base, this), 0);
  }

  /** What the tensor holds from now on is output `index` of `node`; if its gradient is to be kept, it is that one's. */
  #moveTo(node: GraphNode | null, index: number): void {
    this.#node = node;
    this.#outputIndex = index;
    if (node !== null && this.#retains) node.retain(index, this);
  }

  /** Whether gradients flow to this tensor. Set it on leaves only. */
  get requiresGrad(): boolean {
    return this.#history() !== null || this.#requiresGrad;
  }

  set requiresGrad(value: boolean) {
    this.requiresGrad_(value);
  }

  /** Starts or stops tracking gradients for a leaf; returns the tensor itself. */
  requiresGrad_(value = true): this {
    assertAlive(this, 'requiresGrad_');
    if (typeof value !== 'boolean') throw new ArgumentError('requiresGrad_', `wants a boolean, got ${describe(value)}`);
    if (value && !isFloating(this.#dtype))
      throw new DTypeError(
        'requiresGrad_',
        `only float32 and float64 tensors can require grad, this one is ${this.#dtype}`,
      );
    if (!value && this.#node !== null)
      throw new AutogradError(
        'requiresGrad_',
        `a result of '${this.#node.name}' cannot stop requiring grad; use detach()`,
      );
    this.#requiresGrad = value;
    return this;
  }

  /** Whether the tensor was made by the user and not by a recorded op. */
  get isLeaf(): boolean {
    return this.#history() === null;
  }

  /**
   * The accumulated gradient of a leaf, or of a tensor that called `retainGrad()`; null before backward.
   *
   * Set it to null, or to another tensor, and the memory of what was there is free for the next backward, unless you may still
   * look at it: a gradient that was read outside every scope, or assigned, is yours until you `dispose()` of it or the collector
   * takes it. What is read inside a `scope` belongs to that scope, and then to the gradient as long as it is one; so read
   * gradients inside the step's scope, and return or `keep` the ones that are to outlive it.
   */
  get grad(): Tensor | null {
    const gradient = this.#gradient;
    observer()?.gradRead(this, gradient?.own ?? null);
    return gradient === null ? null : gradient.handOut();
  }

  set grad(value: Tensor | null) {
    if (value !== null) {
      if (!isTensor(value)) throw new ArgumentError('grad', `wants a tensor or null, got ${describe(value)}`);
      assertAlive(value, 'grad');
      if (!sameShape(value.#shape, this.#shape) || value.#dtype !== this.#dtype)
        throw new ShapeError(
          'grad',
          `wants ${this.#dtype} of shape ${formatShape(this.#shape)}, got ${value.#dtype} of shape ${formatShape(value.#shape)}`,
        );
      if (this.#gradient?.shows(value)) return;
    }
    this.#replaceGradient(value === null ? null : Gradient.of(value, true), false);
  }

  #replaceGradient(gradient: Gradient | null, drop: boolean): void {
    if (inFlight()) expectGradientsFree('grad', [this]);
    observer()?.gradWritten(this, drop);
    const before = this.#gradient;
    this.#gradient = gradient;
    before?.release(drop);
  }

  /** The node that accumulates a leaf's gradient. */
  #ownLeafNode(): GraphNode {
    this.#leafNode ??= new GraphNode('leaf', [], [], null, 1, this);
    return this.#leafNode;
  }

  #gradEdge(op: string): Edge {
    if (!this.requiresGrad) throw new AutogradError(op, 'the tensor does not require grad');
    const node = this.#history();
    return node ? { node, index: this.#outputIndex } : { node: this.#ownLeafNode(), index: 0 };
  }

  /**
   * Keeps the gradient of a tensor that is not a leaf in `.grad`. As in PyTorch it follows the tensor: where the tensor is changed in
   * place afterwards, what is kept is the gradient of what it holds then. A hook stays with the value that it was registered for.
   */
  retainGrad(): void {
    const { node, index } = this.#gradEdge('retainGrad');
    if (node.leaf !== null) return;
    this.#retains = true;
    node.retain(index, this);
  }

  /**
   * Calls `hook` with the gradient of this tensor whenever one is computed; what it returns
   * (a tensor of the same shape, if anything) takes the gradient's place. Returns a function that removes the hook.
   */
  registerHook(hook: GradHook): () => void {
    if (typeof hook !== 'function') throw new ArgumentError('registerHook', `wants a function, got ${describe(hook)}`);
    const { node, index } = this.#gradEdge('registerHook');
    node.hooks ??= new Map();
    const hooks = node.hooks.get(index) ?? new Set();
    node.hooks.set(index, hooks.add(hook));
    return () => hooks.delete(hook);
  }
}

/** `using x = …` disposes of x at the end of the block. */
export interface Tensor extends Disposable {}

// Defined only where the engine knows the symbol; Node 20 and current browsers do.
if (typeof Symbol.dispose === 'symbol')
  Object.defineProperty(Tensor.prototype, Symbol.dispose, {
    value(this: Tensor) {
      this.dispose();
    },
    configurable: true,
    writable: true,
  });
