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
import { enlist, keep } from '../memory/scope.ts';
import type { Storage } from '../memory/storage.ts';
import { observer } from '../program/observer.ts';
import { type DType, isFloating, type TypedArray } from './dtype.ts';
import { contiguousStrides, isContiguous, type Shape, sameShape, sizeOf } from './layout.ts';

/** Something an op accepts as an operand. */
export type TensorLike = Tensor | number;

/** Nested arrays of numbers, as `toArray` returns them: booleans for bool, bigints for int64 beyond 2⁵³. */
export type NestedArray = number | bigint | boolean | NestedArray[];

export class Tensor {
  readonly storage: Storage;
  readonly dtype: DType;
  readonly shape: Shape;
  /** Elements from one index to the next, per dimension. */
  readonly strides: Shape;
  /** First element, counted in elements from the start of the storage. */
  readonly offset: number;
  /** Number of elements. */
  readonly size: number;
  #contiguous: boolean | undefined;
  #disposed = false;
  #node: GraphNode | null = null;
  #outputIndex = 0;
  #leafNode: GraphNode | null = null;
  #requiresGrad = false;
  #grad: Tensor | null = null;
  #base: Tensor | null = null;
  /** How often this tensor got a new history by a change in place; a view that saw fewer makes its own anew. */
  #histories = 0;
  #seenHistories = 0;

  /** @internal Made by the functions in `create.ts` and by ops. */
  constructor(storage: Storage, dtype: DType, shape: Shape, strides?: Shape, offset = 0) {
    this.storage = storage;
    this.dtype = dtype;
    this.shape = shape;
    this.size = sizeOf(shape);
    if (strides === undefined) {
      this.strides = contiguousStrides(shape);
      this.#contiguous = true;
    } else this.strides = strides;
    this.offset = offset;
    storage.retain();
    enlist(this);
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.shape.length;
  }

  /** The backend that holds the data. */
  get backend(): Backend['name'] {
    return this.storage.heap.backend.name;
  }

  get isFloatingPoint(): boolean {
    return isFloating(this.dtype);
  }

  /** Whether the elements lie in row-major order without gaps. */
  get isContiguous(): boolean {
    this.#contiguous ??= isContiguous(this.shape, this.strides);
    return this.#contiguous;
  }

  /** How often the memory was changed in place, views included. */
  get version(): number {
    return this.storage.version;
  }

  // ---- memory ----

  /** Whether `dispose()` was called on this handle, or its scope ended. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** Gives up this handle. The memory is free once no view and no graph holds on to it. Safe to call twice. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.storage.release();
  }

  /** @internal A new handle on the same data and the same place in the graph, for a handle that was disposed of. */
  revive(): Tensor {
    const copy = new Tensor(this.storage, this.dtype, this.shape, this.strides, this.offset);
    copy.#node = this.node;
    copy.#outputIndex = this.#outputIndex;
    copy.#leafNode = this.#leafNode;
    copy.#requiresGrad = this.#requiresGrad;
    return copy;
  }

  /** @internal Throws unless the tensor can be used by `op`. */
  assertAlive(op: string): this {
    if (this.#disposed)
      throw new DisposedError(
        op,
        `a tensor of shape ${formatShape(this.shape)} was used after dispose() or after its scope ended`,
      );
    return this;
  }

  /** @internal Throws unless the tensor has elements that JavaScript may look at. */
  assertReadable(op: string): void {
    this.assertAlive(op);
    observer()?.reading(op, this);
    if (this.storage.lanes !== null)
      throw new ArgumentError(
        op,
        `a tensor of shape ${formatShape(this.shape)} inside vmap stands for many examples and has no elements of its own: stay with tensor ops`,
      );
  }

  // ---- values ----

  /**
   * The elements in row-major order: a copy, of the typed array that belongs to the dtype
   * (BigInt64Array for int64, Uint8Array for uint8 and bool).
   */
  data(): TypedArray {
    this.assertReadable('data');
    if (this.isContiguous) return this.storage.view(this.dtype, this.offset, this.size).slice();
    const source = this.storage.view(this.dtype, this.offset, this.size === 0 ? 0 : this.#span());
    const out = new (source.constructor as new (n: number) => TypedArray)(this.size);
    const index = new Array<number>(this.ndim).fill(0);
    let at = 0;
    for (let i = 0; i < this.size; i++) {
      out[i] = source[at] as never;
      for (let d = this.ndim - 1; d >= 0; d--) {
        const stride = this.strides[d] as number;
        at += stride;
        if (++(index[d] as number) < (this.shape[d] as number)) break;
        at -= stride * (this.shape[d] as number);
        index[d] = 0;
      }
    }
    return out;
  }

  /** Elements between the first and the last in memory, both included. */
  #span(): number {
    let last = 0;
    for (let d = 0; d < this.ndim; d++) last += ((this.shape[d] as number) - 1) * (this.strides[d] as number);
    return last + 1;
  }

  /**
   * The only element, as a number (bool gives 0 or 1).
   * @throws ShapeError unless there is exactly one.
   */
  item(): number {
    this.assertReadable('item');
    if (this.size !== 1)
      throw new ShapeError('item', `wants a tensor of one element, got shape ${formatShape(this.shape)}`);
    return Number(this.storage.view(this.dtype, this.offset, 1)[0]);
  }

  /** The elements as nested arrays; a 0-d tensor gives the bare value. */
  toArray(): NestedArray {
    const flat = this.data();
    const value = (i: number): NestedArray => {
      const element = flat[i] as number | bigint;
      if (this.dtype === 'bool') return element !== 0;
      if (typeof element === 'bigint') return Number.isSafeInteger(Number(element)) ? Number(element) : element;
      return element;
    };
    const level = (dim: number, start: number, size: number): NestedArray => {
      if (dim === this.ndim) return value(start);
      const n = this.shape[dim] as number;
      return Array.from({ length: n }, (_, i) => level(dim + 1, start + (i * size) / n, size / n));
    };
    return level(0, 0, this.size);
  }

  toJSON(): NestedArray {
    return this.toArray();
  }

  // ---- autograd ----

  /** @internal The op that made this tensor; null for a leaf. */
  get node(): GraphNode | null {
    if (this.#base !== null && this.#base.#histories !== this.#seenHistories) this.#followBase(this.#base);
    return this.#node;
  }

  /** @internal The tensor whose memory this one is a view of; never itself a view. */
  get viewOf(): Tensor | null {
    return this.#base;
  }

  /** @internal Makes this tensor a view, whose history follows that of its base. */
  setBase(base: Tensor): void {
    this.#base = base;
    this.#seenHistories = base.#histories;
  }

  /** @internal Set by the module that knows how to take a strided part of a tensor. */
  static viewHistory: (base: Tensor, view: Tensor) => GraphNode | null = () => null;

  /** After a change of the base in place, this view is a part of what the base is now. */
  #followBase(base: Tensor): void {
    this.#seenHistories = base.#histories;
    this.#node = Tensor.viewHistory(base, this);
    this.#outputIndex = 0;
  }

  /** @internal Which of its node's outputs this tensor is. */
  get outputIndex(): number {
    return this.#outputIndex;
  }

  /** Whether gradients flow to this tensor. Set it on leaves only. */
  get requiresGrad(): boolean {
    return this.node !== null || this.#requiresGrad;
  }

  set requiresGrad(value: boolean) {
    this.requiresGrad_(value);
  }

  /** Starts or stops tracking gradients for a leaf; returns the tensor itself. */
  requiresGrad_(value = true): this {
    this.assertAlive('requiresGrad_');
    if (typeof value !== 'boolean') throw new ArgumentError('requiresGrad_', `wants a boolean, got ${describe(value)}`);
    if (value && !this.isFloatingPoint)
      throw new DTypeError(
        'requiresGrad_',
        `only float32 and float64 tensors can require grad, this one is ${this.dtype}`,
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
    return this.node === null;
  }

  /** The accumulated gradient of a leaf, or of a tensor that called `retainGrad()`; null before backward. */
  get grad(): Tensor | null {
    observer()?.gradRead(this, this.#grad);
    return this.#grad;
  }

  set grad(value: Tensor | null) {
    if (value !== null) {
      if (!(value instanceof Tensor)) throw new ArgumentError('grad', `wants a tensor or null, got ${describe(value)}`);
      value.assertAlive('grad');
      if (!sameShape(value.shape, this.shape) || value.dtype !== this.dtype)
        throw new ShapeError(
          'grad',
          `wants ${this.dtype} of shape ${formatShape(this.shape)}, got ${value.dtype} of shape ${formatShape(value.shape)}`,
        );
      keep(value);
    }
    observer()?.gradWritten(this, false);
    this.#grad = value;
  }

  /** @internal Frees the gradient and sets it to null, whatever it was. */
  dropGrad(): void {
    observer()?.gradWritten(this, true);
    this.#grad?.dispose();
    this.#grad = null;
  }

  /** @internal The node that accumulates a leaf's gradient. */
  leafNode(): GraphNode {
    this.#leafNode ??= new GraphNode('leaf', [], [], null, 1, this);
    return this.#leafNode;
  }

  /** @internal Makes this tensor an output of a node. */
  attach(node: GraphNode, index: number): void {
    this.#node = node;
    this.#outputIndex = index;
    node.shapes[index] = this.shape;
  }

  /** @internal Gives a tensor that was changed in place its new history; null makes it a leaf. Views of it follow. */
  rebase(node: GraphNode | null, index: number): void {
    if (node !== null) node.rebased = true;
    this.#node = node;
    this.#outputIndex = index;
    this.#histories++;
  }

  #gradEdge(op: string): Edge {
    if (!this.requiresGrad) throw new AutogradError(op, 'the tensor does not require grad');
    const { node } = this;
    return node ? { node, index: this.#outputIndex } : { node: this.leafNode(), index: 0 };
  }

  /** Keeps the gradient of a tensor that is not a leaf in `.grad`. */
  retainGrad(): void {
    const { node, index } = this.#gradEdge('retainGrad');
    if (node.leaf !== null) return;
    node.retained ??= new Map();
    node.retained.set(index, this);
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
