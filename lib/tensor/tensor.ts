import { inspect } from 'node:util';
import { define } from '../arguments/define.js';
import type { ArgumentsOf } from '../arguments/forms.js';
import * as kinds from '../arguments/kinds.js';
import { takeNoMore } from '../arguments/no-more.js';
import { signature } from '../arguments/signature.js';
import type { Hooks } from '../autograd/hooks.js';
import type { Node } from '../autograd/node.js';
import { type DType, isBool, isFloat, type TypedArray } from '../backend/dtype.js';
import { allocating } from '../backend/memory.js';
import { recording } from '../backend/recording.js';
import { letGo, release, Storage } from '../backend/storage.js';
import { contiguousStrides, isContiguous, sameShape, sizeOf, type View } from '../backend/view.js';
import { describe } from '../describe.js';
import { AutogradError, DTypeError, ShapeError, ValueError } from '../errors.js';
import { uncloneable } from '../uncloneable.js';
import { checkHeap } from './heap.js';
import { formatTensor } from './print.js';
import { checkNdim, type Shape, show } from './shape.js';

const CAPTURED_GRADIENT =
  'grad: this gradient was made and used up within a captured function, which keeps it in registers; ' +
  'return it from that function to see it, and call zeroGrad() before a backward pass outside';

const UNCLONEABLE = uncloneable(
  'Tensor',
  'send x.toTypedArray() and x.shape, and there call tensor(values).view(shape)',
);

/** Refuses what cannot be the gradient of `x`. */
function checkGradient(x: Tensor, value: unknown): void {
  if (!isTensor(value)) throw new ValueError(`grad: expected a Tensor or null, got ${describe(value)}`);
  if (value === x) throw new ValueError('grad: a tensor cannot be its own gradient; assign a clone()');
  const [own, given] = [viewOf(x), viewOf(value)];
  if (!sameShape(own.shape, given.shape)) {
    throw new ShapeError(
      `grad: a tensor of shape ${show(own.shape)} cannot have a gradient of shape ${show(given.shape)}`,
    );
  }
  if (own.dtype !== given.dtype) {
    throw new DTypeError(`grad: a ${own.dtype} tensor cannot have a ${given.dtype} gradient; convert it with .to()`);
  }
}

const measuring = signature('dim', { dim: kinds.dim.optional() });

const marking = signature('requiresGrad', {
  /** Whether gradients are accumulated for this tensor. Default: true. */
  requiresGrad: kinds.boolean.default(true),
});

/** Which dimension `size` is asked for; null where for all. */
const dimAsked = define('size', measuring, (dim) => dim);

const isMarking = define('requiresGrad_', marking, (requiresGrad) => requiresGrad);

const gradFnOf = ({ rule }: Node): string => rule.gradFn ?? `${rule.name}Backward0`;

/** How many tensors there have been. */
let made = 0;

/** What an array takes of V8's heap, and an element of one, about. */
const ARRAY_BYTES = 64;
const ELEMENT_BYTES = 8;
/** V8 ends the process where an array grows beyond some 110 million elements. */
const LONGEST_ARRAY = 2 ** 26;
/** V8 makes longer ones as a table of the elements they will get, which is slow and large. */
const LONGEST_MADE = 2 ** 25;

/** Refuses a tensor whose values as nested arrays would not fit V8's heap. */
function checkNesting(shape: Shape): void {
  let [arrays, bytes] = [1, 0];
  for (const size of shape) {
    if (size > LONGEST_ARRAY) {
      throw new ShapeError(
        `toArray: arrays have at most ${LONGEST_ARRAY} elements, not ${show(shape)}; use toTypedArray()`,
      );
    }
    bytes += arrays * (ARRAY_BYTES + size * ELEMENT_BYTES);
    arrays *= size;
  }
  // A row is copied when V8 learns that it holds floats, and again whenever it grows.
  const row = shape.at(-1) ?? 0;
  bytes += row * ELEMENT_BYTES * (row > LONGEST_MADE ? 2 : 1);
  checkHeap('toArray', `nested arrays of shape ${show(shape)}`, bytes);
}

// An array that is made where only arrays of floats are made holds the floats themselves, in 8 bytes; where others are made too, such as
// arrays of arrays, it holds pointers to boxes, in 26. Hence a function for each.

function rowOfNumbers(flat: TypedArray, start: number, size: number): number[] {
  const row = new Array<number>(Math.min(size, LONGEST_MADE));
  for (let i = 0; i < size; i++) row[i] = flat[start + i]!;
  return row;
}

function rowOfBooleans(flat: TypedArray, start: number, size: number): boolean[] {
  const row = new Array<boolean>(Math.min(size, LONGEST_MADE));
  for (let i = 0; i < size; i++) row[i] = flat[start + i] !== 0;
  return row;
}

/** Values as nested arrays; a number or a boolean for a 0-d tensor. */
export type NestedArray = number | boolean | NestedArray[];

/** Frozen copies: reading a frozen array is several times slower, so that the library itself reads the others. */
interface Shown {
  readonly shape: Shape;
  readonly strides: readonly number[];
}

const shownOf = ({ shape, strides }: View): Shown => ({
  shape: Object.freeze(shape.slice()),
  strides: Object.freeze(strides.slice()),
});

/** What a leaf knows of its gradient, and a base of its views. Most tensors are neither, and do without. */
class State {
  grad: Tensor | null = null;
  /** Whether `grad` is known to the library alone, so that its memory can be reused when it is dropped. */
  gradIsPrivate = false;
  /** Whether the gradient exists only within a captured step. */
  gradIsCaptured = false;
  /** Counts the recorded writes in place: each gave this tensor another history, which views taken before do not know of. */
  histories = 0;
  requiresGrad = false;
  /** Of a leaf. */
  hooks: Hooks | null = null;
}

/** What a view knows of where it is from. */
interface Origin {
  /** The tensor that it is a view of, in the end. */
  readonly base: Tensor;
  /** How many histories that had when the view was taken. */
  readonly histories: number;
  /** Whether it was taken, within noGrad, of what has a history: it stands outside of that. */
  readonly isBlind: boolean;
}

// What the library knows of a tensor and a user cannot reach, neither by name nor by looking: with a storage or a shape in hand, one
// could write beyond the memory of a tensor.

/** @internal Whether a value is a tensor, and not a Proxy of one or an object of its prototype, which have nothing of what a tensor is. */
export let isTensor: (value: unknown) => value is Tensor;

/** @internal The same for operands alone: V8 keeps for each function what objects it has seen, and looks quickly while these are of few classes. */
export let isTensorOperand: (value: unknown) => value is Tensor;

/** @internal Where the elements of a tensor are. To be read only. For an instruction's operands see `operandOf`. */
export let viewOf: (x: Tensor) => View;

/** @internal The operation that made a tensor; null for a leaf. */
export let nodeOf: (x: Tensor) => Node | null;

/** @internal Gives a tensor the place and the history of a view of it, which is thrown away. */
export let becomeView: (x: Tensor, view: Tensor) => void;

/** @internal */
export let setNode: (x: Tensor, node: Node | null) => void;

/** Null for a tensor that needs none. */
let stateOf: (x: Tensor) => State | null;

/** The state of a tensor that is about to need one. */
let ownState: (x: Tensor) => State;

/** Null for what is not a view. */
let originOf: (x: Tensor) => Origin | null;

let setOrigin: (x: Tensor, origin: Origin | null) => void;

/** @internal The tensor that a view is a view of, in the end; null for what is not a view. */
export const baseOf = (x: Tensor): Tensor | null => originOf(x)?.base ?? null;

/** @internal The hooks of a leaf's gradient; null if there are none, unless they are to be made. */
export function leafHooksOf(x: Tensor, make = false): Hooks | null {
  if (!make) return stateOf(x)?.hooks ?? null;
  const state = ownState(x);
  state.hooks ??= { before: [], after: [] };
  return state.hooks;
}

/** @internal Whether it was asked of this very tensor that it have a gradient. */
export const isMarked = (x: Tensor): boolean => stateOf(x)?.requiresGrad ?? false;

/** @internal Whether a view knows nothing of the history of its base, because it was taken within noGrad. */
export const isBlind = (x: Tensor): boolean => originOf(x)?.isBlind ?? false;

/** @internal Makes a tensor a view of another as it is now, or (null) of none. */
export function setBase(x: Tensor, base: Tensor | null, blind = false): void {
  setOrigin(x, base === null ? null : { base, histories: stateOf(base)?.histories ?? 0, isBlind: blind });
}

/** @internal Notes that a recorded write in place gave `x` another history. */
export function countHistory(x: Tensor): void {
  ownState(x).histories++;
}

/** @internal The sizes of a tensor, in an array that is faster to read than `x.shape`, and must not get out. */
export const shapeOf = (x: Tensor): Shape => viewOf(x).shape;

/** @internal */
export const storageOf = (x: Tensor): Storage => viewOf(x).storage;

/** @internal A tensor as an operand of an instruction, which a function under capture is told of. */
export function operandOf(x: Tensor): View {
  recording?.viewed(x);
  return viewOf(x);
}

/** @internal */
export function operandsOf(tensors: readonly Tensor[]): View[] {
  // Most instructions have one or two, and an array of known length costs a third.
  if (tensors.length === 1) return [operandOf(tensors[0]!)];
  if (tensors.length === 2) return [operandOf(tensors[0]!), operandOf(tensors[1]!)];
  const operands = new Array<View>(tensors.length);
  for (let i = 0; i < operands.length; i++) operands[i] = operandOf(tensors[i]!);
  return operands;
}

/** @internal Whether gradients flow to any of these. */
export function anyRequiresGrad(tensors: readonly Tensor[]): boolean {
  for (let i = 0; i < tensors.length; i++) if (tensors[i]!.requiresGrad) return true;
  return false;
}

/** @internal `grad`, for code that does not keep it. */
export function peekGrad(x: Tensor): Tensor | null {
  recording?.gradient(x, 'read');
  const state = stateOf(x);
  if (state === null) return null;
  if (state.gradIsCaptured) throw new AutogradError(CAPTURED_GRADIENT);
  return state.grad;
}

/** @internal Makes `value`, whose storage nobody else has seen, the gradient. */
export function takeGrad(x: Tensor, value: Tensor): void {
  checkGradient(x, value);
  setGrad(x, value);
  ownState(x).gradIsPrivate = true;
}

function setGrad(x: Tensor, value: Tensor | null): void {
  recording?.gradient(x, 'replace');
  if (value === null && stateOf(x) === null) return;
  const state = ownState(x);
  if (state.grad !== null && state.grad !== value) letGo(storageOf(state.grad));
  state.gradIsPrivate = false;
  state.gradIsCaptured = false;
  state.grad = value;
}

/** @internal Gives a tensor the identity that comparisons see. */
export function identify(x: Tensor, id: string): void {
  (x as { id: Tensor['id'] }).id = id;
}

/** @internal Forgets the gradient; its memory is reused if nobody has seen it. */
export function dropGrad(x: Tensor): void {
  const state = stateOf(x);
  const { grad = null, gradIsPrivate = false } = state ?? {};
  x.grad = null;
  if (gradIsPrivate && grad !== null) release(storageOf(grad));
}

/** @internal Whether `grad` is known to the library alone, so that dropping it gives its memory to others. */
export const ownsGrad = (x: Tensor): boolean => stateOf(x)?.gradIsPrivate ?? false;

/** @internal The gradient as it is, for captured functions: `captured` where only such a function knows it. */
export function gradState(x: Tensor): Tensor | null | 'captured' {
  const state = stateOf(x);
  if (state === null) return null;
  return state.gradIsCaptured ? 'captured' : state.grad;
}

/** @internal Says that the gradient exists only within a captured function. */
export function leaveGradCaptured(x: Tensor): void {
  dropGrad(x);
  ownState(x).gradIsCaptured = true;
}

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
export class Tensor {
  /** @internal All that `deepEqual` and the like see of a tensor: without it, any two would be taken for equal. */
  readonly id: number | string = ++made;
  /** @internal What `structuredClone` and `postMessage` stumble over: they would make an empty object of a tensor. */
  readonly uncloneable = UNCLONEABLE;
  #view: View;
  #node: Node | null = null;
  #state: State | null = null;
  #origin: Origin | null = null;
  /** What the user is shown of the view, made when first asked for. */
  #shown: Shown | null = null;

  static {
    isTensor = (value): value is Tensor => typeof value === 'object' && value !== null && #view in value;
    isTensorOperand = (value): value is Tensor => typeof value === 'object' && value !== null && #view in value;
    viewOf = (x) => x.#view;
    nodeOf = (x) => x.#node;
    setNode = (x, node) => {
      x.#node = node;
    };
    becomeView = (x, view) => {
      x.#view = view.#view;
      x.#shown = null;
      x.#node = view.#node;
    };
    stateOf = (x) => x.#state;
    ownState = (x) => {
      x.#state ??= new State();
      return x.#state;
    };
    originOf = (x) => x.#origin;
    setOrigin = (x, origin) => {
      x.#origin = origin;
    };
    takeNoMore(Tensor, 'dim', 'numel', 'detach', 'isContiguous', 'item', 'toArray', 'toTypedArray');
  }

  /** @internal @param view must not change any more, nor its arrays. Only the library has a storage to put into one. */
  constructor(view: View) {
    if (!(view?.storage instanceof Storage)) {
      throw new ValueError('Tensor: tensors are made by tensor(), zeros(), randn() and the like, not by new');
    }
    // Operations look before; this is for one that has forgotten to, as the core looks no more.
    checkNdim('Tensor', view.shape.length);
    this.#view = view;
  }

  /** The size of each dimension; frozen. */
  get shape(): Shape {
    this.#shown ??= shownOf(this.#view);
    return this.#shown.shape;
  }

  /** How far apart in memory neighbours along each dimension are, in elements; frozen. */
  get strides(): readonly number[] {
    this.#shown ??= shownOf(this.#view);
    return this.#shown.strides;
  }

  /** Where in its memory the first element is, in elements. */
  get offset(): number {
    return this.#view.offset;
  }

  /** The type of the elements. */
  get dtype(): DType {
    return this.#view.dtype;
  }

  /**
   * What `backward` has accumulated; null before the first pass, and after `zeroGrad`. Leaves only. What is assigned must be of this
   * tensor's shape and type.
   *
   * @throws ShapeError or DTypeError for a tensor of another shape or type; ValueError for anything else but null
   */
  get grad(): Tensor | null {
    const value = peekGrad(this);
    if (this.#state !== null) this.#state.gradIsPrivate = false;
    return value;
  }

  set grad(value: Tensor | null) {
    if (value !== null) checkGradient(this, value);
    setGrad(this, value);
  }

  /** Whether this is a view of another tensor, so that what is recorded of writes through it would have to reach that one. */
  get isView(): boolean {
    return baseOf(this) !== null;
  }

  /** Whether the tensor this is a view of was since given another history, by a recorded write in place. */
  get isStale(): boolean {
    const origin = this.#origin;
    return origin !== null && origin.histories < (origin.base.#state?.histories ?? 0);
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.#view.shape.length;
  }

  /** The same as `ndim`. */
  dim(): number {
    return this.ndim;
  }

  /** Number of elements. */
  numel(): number {
    return sizeOf(this.#view.shape);
  }

  /** Whether the user made this tensor, rather than an operation on tensors that require gradients. */
  get isLeaf(): boolean {
    return this.#node === null;
  }

  /**
   * Whether gradients flow to this tensor: it was asked for, or an operation on such tensors made it.
   *
   * @throws AutogradError when it is switched off for the result of an operation; DTypeError for integers and bools
   */
  get requiresGrad(): boolean {
    recording?.flag(this);
    return this.#node !== null || this.#state?.requiresGrad === true || this.isStale;
  }

  set requiresGrad(value: boolean) {
    kinds.boolean.take('Tensor', 'requiresGrad', value);
    recording?.flag(this);
    if (this.#node !== null && !value) {
      throw new AutogradError(
        'requiresGrad: an operation made this tensor, so it cannot be switched off; use detach()',
      );
    }
    if (value && !isFloat(this.dtype)) {
      throw new DTypeError(`requiresGrad: only float32 and float64 tensors can require gradients, got ${this.dtype}`);
    }
    ownState(this).requiresGrad = value;
  }

  /** Sets `requiresGrad` and returns this tensor. */
  requiresGrad_(...args: ArgumentsOf<typeof marking>): this {
    this.requiresGrad = isMarking(...args);
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
    if (!isTensor(value)) throw new ValueError(`data: expected a Tensor, got ${describe(value)}`);
    if (this.requiresGrad && !isFloat(value.dtype)) {
      throw new DTypeError(`data: a tensor that requires a gradient cannot become ${value.dtype}`);
    }
    recording?.replaced(this);
    this.#view = value.#view;
    this.#shown = null;
  }

  /** The same values over the same storage, outside the graph. */
  detach(): Tensor {
    const detached = new Tensor(this.#view);
    recording?.viewed(this, detached);
    return detached;
  }

  /**
   * Takes this tensor out of the graph that made it, and returns it: from now on it is a leaf without a gradient.
   *
   * @throws AutogradError for a view in the graph
   * @example
   * ```ts
   * const x = ones([2], { requiresGrad: true }).mul(3);
   * x.detach_().requiresGrad; // false
   * ```
   * @see https://pytorch.org/docs/stable/generated/torch.Tensor.detach_.html
   */
  detach_(): this {
    if (this.isView && this.requiresGrad) {
      throw new AutogradError('detach_: a view goes by the tensor that it is of; use detach()');
    }
    this.#node = null;
    this.requiresGrad = false;
    return this;
  }

  /** Size of a dimension, or all sizes. */
  size(): number[];
  size(dim: number | { dim: number }): number;
  size(...args: ArgumentsOf<typeof measuring>): number | number[] {
    const dim = dimAsked(...args);
    if (dim === null) return [...this.shape];
    const size = Number.isInteger(dim) ? this.shape.at(dim) : undefined;
    if (size === undefined) throw new ShapeError(`size: no dim ${describe(dim)} in ${show(this.shape)}`);
    return size;
  }

  /** Whether the elements are in row-major order, one after the other. */
  isContiguous(): boolean {
    return isContiguous(this.#view);
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
    const { storage, offset } = this.#view;
    const value = storage.array(this.dtype, 'item')[offset]!;
    return (isBool(this.dtype) ? value !== 0 : value) as T;
  }

  /** A copy of the values as nested arrays. */
  toArray(): NestedArray {
    const { shape, dtype } = this.#view;
    checkNesting(shape);
    const flat = this.#values('toArray');
    if (shape.length === 0) return isBool(dtype) ? flat[0] !== 0 : flat[0]!;
    const strides = contiguousStrides(shape);
    const rowOf = isBool(dtype) ? rowOfBooleans : rowOfNumbers;
    const arrayAt = (axis: number, start: number): NestedArray[] => {
      const size = shape[axis]!;
      if (axis === shape.length - 1) return rowOf(flat, start, size);
      const items = new Array<NestedArray>(Math.min(size, LONGEST_MADE));
      for (let i = 0; i < size; i++) items[i] = arrayAt(axis + 1, start + i * strides[axis]!);
      return items;
    };
    return arrayAt(0, 0);
  }

  /** A copy of the values in row-major order: Float32Array, Float64Array, Int32Array, or Uint8Array (of 0 and 1) for bool. */
  toTypedArray(): TypedArray {
    return this.#values('toTypedArray');
  }

  /**
   * What `JSON.stringify` writes: the values as nested arrays. Neither type nor gradient goes with them; for files see `nabla/io`.
   *
   * @throws ValueError for NaN and infinities, for which JSON has no words
   * @example
   * ```ts
   * JSON.stringify({ x: tensor([[1, 2.5]]) }); // '{"x":[[1,2.5]]}'
   * ```
   */
  toJSON(): NestedArray {
    const bad = this.#values('toJSON').find((value) => !Number.isFinite(value));
    if (bad === undefined) return this.toArray();
    throw new ValueError(
      `toJSON: JSON has no word for ${bad}; write String(x), save with saveSafetensors, or replace it first: where(isfinite(x), x, 0)`,
    );
  }

  /** @param reader the operation that wants them */
  #values(reader: string): TypedArray {
    const { storage, offset, dtype } = viewOf(this.isContiguous() ? this : this.detach().contiguous());
    const values = storage.array(dtype, reader);
    return allocating(`a copy of ${this.numel()} values`, () => values.slice(offset, offset + this.numel()));
  }

  /** The text that PyTorch prints. */
  toString(): string {
    const gradFn = this.#node === null ? {} : { gradFn: gradFnOf(this.#node) };
    return formatTensor(this.#values('toString'), this.shape, this.dtype, {
      requiresGrad: this.requiresGrad,
      ...gradFn,
    });
  }

  /** `console.log(t)` prints what PyTorch prints. @internal */
  [inspect.custom](): string {
    return this.toString();
  }

  /** @internal Called after every write in place, so that a backward pass can tell. */
  bumpVersion(op: string): void {
    const { storage } = this.#view;
    storage.version++;
    storage.changedBy = op;
  }
}
