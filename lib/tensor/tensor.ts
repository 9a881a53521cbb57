import { inspect } from 'node:util';
import type { Node } from '../autograd/node.js';
import { type DType, isFloat, type TypedArray } from '../backend/dtype.js';
import { recording } from '../backend/recording.js';
import { letGo, release, type Storage } from '../backend/storage.js';
import { contiguousStrides, isContiguous, sizeOf, type View } from '../backend/view.js';
import { AutogradError, DTypeError, ShapeError, ValueError } from '../errors.js';
import { formatTensor } from './print.js';
import { describe, type Shape, show } from './shape.js';

const CAPTURED_GRADIENT =
  'grad: this gradient was made and used up within a captured function, which keeps it in registers; ' +
  'return it from that function to see it, and call zeroGrad() before a backward pass outside';

/** Values as nested arrays; a number or a boolean for a 0-d tensor. */
export type NestedArray = number | boolean | NestedArray[];

/**
 * A multi-dimensional array of one element type: a view (offset, shape, strides) of a storage, with its place in the graph
 * that `backward` walks. Made by `tensor`, `zeros`, `randn`, …; never by `new`.
 *
 * Every function whose first argument is a tensor is a method too.
 *
 * @example
 * ```ts
 * const x = tensor([[1, 2], [3, 4]]);
 * x.shape; // [2, 2]
 * x.dtype; // 'float32'
 * x.mul(2).sum(1); // tensor([ 6., 14.])
 * ```
 * @see https://pytorch.org/docs/stable/tensors.html
 */
export class Tensor implements View {
  storage: Storage;
  offset: number;
  shape: Shape;
  strides: readonly number[];
  dtype: DType;
  /** The operation that made this tensor; null for a leaf. */
  node: Node | null = null;
  #grad: Tensor | null = null;
  /** Whether `grad` is known to the library alone, so that its memory can be reused when it is dropped. */
  #gradIsPrivate = false;
  /** Whether the gradient exists only within a captured step. */
  #gradIsCaptured = false;
  /** The storage's version when this view was taken; -1 for what is not a view. */
  viewVersion = -1;
  /** @internal The tensor that a view is a view of, in the end; null for what is not a view. */
  base: Tensor | null = null;
  #requiresGrad = false;

  /** @internal */
  constructor(storage: Storage, offset: number, shape: Shape, strides: readonly number[], dtype: DType) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
    this.dtype = dtype;
  }

  /** What `backward` has accumulated; null before the first pass, and after `zeroGrad`. Leaves only. */
  get grad(): Tensor | null {
    const value = this.peekGrad();
    this.#gradIsPrivate = false;
    return value;
  }

  set grad(value: Tensor | null) {
    recording?.gradient(this, 'replace');
    if (this.#grad !== null && this.#grad !== value) letGo(this.#grad.storage);
    this.#gradIsPrivate = false;
    this.#gradIsCaptured = false;
    this.#grad = value;
  }

  /** @internal `grad`, for code that does not keep it. */
  peekGrad(): Tensor | null {
    recording?.gradient(this, 'read');
    if (this.#gradIsCaptured) throw new AutogradError(CAPTURED_GRADIENT);
    return this.#grad;
  }

  /** @internal Makes `value`, whose storage nobody else has seen, the gradient. */
  takeGrad(value: Tensor): void {
    this.grad = value;
    this.#gradIsPrivate = true;
  }

  /** @internal Forgets the gradient; its memory is reused if nobody has seen it. */
  dropGrad(): void {
    const released = this.#gradIsPrivate ? this.#grad : null;
    this.grad = null;
    if (released !== null) release(released.storage);
  }

  /** @internal Whether `grad` is known to the library alone, so that dropping it gives its memory to others. */
  get ownsGrad(): boolean {
    return this.#gradIsPrivate;
  }

  /** @internal The gradient as it is, for captured functions: `captured` where only such a function knows it. */
  gradState(): Tensor | null | 'captured' {
    return this.#gradIsCaptured ? 'captured' : this.#grad;
  }

  /** @internal Says that the gradient exists only within a captured function. */
  leaveGradCaptured(): void {
    this.dropGrad();
    this.#gradIsCaptured = true;
  }

  /** Whether this is a view of another tensor, so that what is recorded of writes through it would have to reach that one. */
  get isView(): boolean {
    return this.viewVersion >= 0;
  }

  /** Whether the tensor this is a view of was since given another history, by a recorded write in place. */
  get isStale(): boolean {
    return this.isView && this.viewVersion < this.storage.recordedVersion;
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  numel(): number {
    return sizeOf(this.shape);
  }

  /** Whether the user made this tensor, rather than an operation on tensors that require gradients. */
  get isLeaf(): boolean {
    return this.node === null;
  }

  /**
   * Whether gradients flow to this tensor: it was asked for, or an operation on such tensors made it.
   *
   * @throws AutogradError when it is switched off for the result of an operation; DTypeError for integers and bools
   */
  get requiresGrad(): boolean {
    return this.#requiresGrad || this.node !== null || this.isStale;
  }

  set requiresGrad(value: boolean) {
    recording?.flag(this);
    if (this.node !== null && !value) {
      throw new AutogradError(
        'requiresGrad: an operation made this tensor, so it cannot be switched off; use detach()',
      );
    }
    if (value && !isFloat(this.dtype)) {
      throw new DTypeError(`requiresGrad: only float32 and float64 tensors can require gradients, got ${this.dtype}`);
    }
    this.#requiresGrad = value;
  }

  /** Sets `requiresGrad` and returns this tensor. */
  requiresGrad_(value = true): this {
    this.requiresGrad = value;
    return this;
  }

  /**
   * A detached tensor over the same storage. Assigning replaces the values (and may replace the shape), leaving `grad` and the
   * tensor's identity alone.
   *
   * @example
   * ```ts
   * const layer = new nn.Linear(4, 3);
   * layer.bias.data = tensor(5.5); // a 0-d bias, broadcast
   * ```
   */
  get data(): Tensor {
    return this.detach();
  }

  set data(value: Tensor) {
    if (!(value instanceof Tensor)) throw new ValueError(`data: expected a Tensor, got ${describe(value)}`);
    if (this.requiresGrad && !isFloat(value.dtype)) {
      throw new DTypeError(`data: a tensor that requires a gradient cannot become ${value.dtype}`);
    }
    recording?.replaced(this);
    this.storage = value.storage;
    this.offset = value.offset;
    this.shape = value.shape;
    this.strides = value.strides;
    this.dtype = value.dtype;
  }

  /** The same values over the same storage, outside the graph. */
  detach(): Tensor {
    const detached = new Tensor(this.storage, this.offset, this.shape, this.strides, this.dtype);
    recording?.viewed(this, detached);
    return detached;
  }

  /** Size of a dimension, or all sizes. */
  size(): number[];
  size(dim: number): number;
  size(dim?: number): number | number[] {
    if (dim === undefined) return [...this.shape];
    const size = this.shape.at(dim);
    if (size === undefined) throw new ShapeError(`size: no dim ${dim} in ${show(this.shape)}`);
    return size;
  }

  /** Whether the elements are in row-major order, one after the other. */
  isContiguous(): boolean {
    return isContiguous(this);
  }

  /**
   * The value of a tensor of one element: a number, or of a bool tensor a boolean.
   *
   * @example
   * ```ts
   * tensor([2]).item(); // 2
   * tensor(true).item<boolean>(); // true
   * ```
   */
  item<T extends number | boolean = number>(): T {
    if (this.numel() !== 1) {
      throw new ShapeError(`item: expected a tensor of one element, got shape ${show(this.shape)}; use toArray()`);
    }
    const value = this.storage.array(this.dtype, 'item')[this.offset]!;
    return (this.dtype === 'bool' ? value !== 0 : value) as T;
  }

  /** A copy of the values as nested arrays. */
  toArray(): NestedArray {
    const flat = this.#values('toArray');
    const strides = contiguousStrides(this.shape);
    const value = (i: number) => (this.dtype === 'bool' ? flat[i] !== 0 : flat[i]!);
    const nest = (axis: number, start: number): NestedArray =>
      axis === this.ndim
        ? value(start)
        : Array.from({ length: this.shape[axis]! }, (_, i) => nest(axis + 1, start + i * strides[axis]!));
    return nest(0, 0);
  }

  /** A copy of the values in row-major order: Float32Array, Float64Array, Int32Array, or Uint8Array (of 0 and 1) for bool. */
  toTypedArray(): TypedArray {
    return this.#values('toTypedArray');
  }

  /** @param reader the operation that wants them */
  #values(reader: string): TypedArray {
    const { storage, offset, dtype } = this.isContiguous() ? this : this.detach().contiguous();
    return storage.array(dtype, reader).slice(offset, offset + this.numel());
  }

  /** The text that PyTorch prints. */
  toString(): string {
    const gradFn = this.node === null ? {} : { gradFn: `${this.node.rule.name}Backward0` };
    return formatTensor(this.#values('toString'), this.shape, this.dtype, {
      requiresGrad: this.requiresGrad,
      ...gradFn,
    });
  }

  /** `console.log(t)` prints what PyTorch prints. */
  [inspect.custom](): string {
    return this.toString();
  }

  /** @internal Called after every write in place, so that a backward pass can tell. */
  bumpVersion(op: string): void {
    this.storage.version++;
    this.storage.changedBy = op;
  }
}
