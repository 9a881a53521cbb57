import { checkDType, type DType, isBool, isFloat, isInteger, type TypedArray } from '../backend/dtype.js';
import { sizeOf } from '../backend/view.js';
import { describe } from '../describe.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { checkBoolean, checkOptions } from '../options.js';
import { typedArrayName } from '../realm.js';
import { checkOperand, checkTensor } from '../tensor/arguments.js';
import { requireInt32 } from '../tensor/check.js';
import { emptyOf, filledOf } from '../tensor/empty.js';
import { checkInteger, checkNdim, checkShape, type Shape, show } from '../tensor/shape.js';
import { type NestedArray, storageOf, type Tensor } from '../tensor/tensor.js';

export interface TensorOptions {
  /** Element type. Default: float32, or for `tensor` what the values need. */
  dtype?: DType;
  /** Whether gradients are accumulated for this tensor. Default: false. */
  requiresGrad?: boolean;
}

/** What `tensor` takes: a number, a boolean, nested arrays of them, or a typed array. */
export type TensorData =
  | NestedArray
  | readonly TensorData[]
  | TypedArray
  | Int8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Checks creation options, and applies `requiresGrad` to the finished tensor. */
function finish(op: string, options: TensorOptions, make: (dtype: DType | undefined) => Tensor): Tensor {
  checkOptions(op, options, ['dtype', 'requiresGrad']);
  const { dtype, requiresGrad = false } = options;
  if (dtype !== undefined) checkDType(op, dtype);
  checkBoolean(op, 'requiresGrad', requiresGrad);
  const result = make(dtype);
  if (requiresGrad) result.requiresGrad = true;
  return result;
}

/**
 * A tensor of the given values. Numbers that are all integers make int32 only when asked for: `tensor([1, 2])` is float32, as most tensors
 * in JavaScript programs are meant to be; booleans make bool, a Float64Array float64, Float32Array and Float16Array float32, and typed arrays of
 * integers, BigInts included, int32. A typed array makes one dimension.
 *
 * @throws ShapeError if nested arrays are ragged, or deeper than tensors have dimensions; DTypeError if a value does not fit the element type
 * @example
 * ```ts
 * tensor([[1, 2], [3, 4]]).shape; // [2, 2]
 * tensor([1, 2], { dtype: 'int32' }); // tensor([1, 2])
 * tensor(Float64Array.of(0.5)).dtype; // 'float64'
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.tensor.html
 */
export function tensor(data: TensorData, options: TensorOptions = {}): Tensor {
  return finish('tensor', options, (dtype) => {
    const name = typedArrayName(data);
    if (name !== undefined) return fromTypedArray(data as NumberArray, dtype ?? typeOfArray(name));
    const shape = shapeOf(data as NestedArray);
    const result = emptyOf(shape, dtype ?? (areBooleans(data as NestedArray, shape) ? 'bool' : 'float32'));
    new Filling(result, shape).fill(data as NestedArray, 0);
    return result;
  });
}

/** What all typed arrays are for a reader. */
type NumberArray = ArrayLike<number | bigint>;

function typeOfArray(name: string): DType {
  if (name === 'Float64Array') return 'float64';
  return name.startsWith('Float') ? 'float32' : 'int32';
}

function fromTypedArray(values: NumberArray, dtype: DType): Tensor {
  const result = emptyOf([values.length], dtype);
  const target = storageOf(result).array(dtype);
  const convert = converter(dtype);
  for (let i = 0; i < values.length; i++) target[i] = convert(Number(values[i]), i);
  return result;
}

/** What a number becomes in a tensor of a type; `at` is where it stands, for the error. */
function converter(dtype: DType): (value: number, at: number) => number {
  if (isBool(dtype)) return (value) => Number(value !== 0);
  return isInteger(dtype) ? integer : (value) => value;
}

function integer(value: number, at: number): number {
  if (value !== (value | 0)) throw new DTypeError(`tensor: ${value} (at ${at}) is not an int32; use another dtype`);
  return value;
}

const isValue = (value: unknown): value is number | boolean => typeof value === 'number' || typeof value === 'boolean';

/** The lengths of the first array at each depth. */
function shapeOf(data: NestedArray): number[] {
  const shape: number[] = [];
  let level: NestedArray | undefined = data;
  for (; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
    // An array may be very deep, or contain itself.
    checkNdim('tensor', shape.length);
  }
  if (!isValue(level) && !shape.includes(0)) throw notNumber(level);
  return shape;
}

const notNumber = (value: unknown): ValueError =>
  new ValueError(`tensor: expected numbers or booleans, got ${describe(value)}`);

/** Whether there are values, all of them booleans. */
function areBooleans(data: NestedArray, shape: Shape): boolean {
  const all = (level: NestedArray, axis: number): boolean =>
    axis === shape.length
      ? typeof level === 'boolean'
      : Array.isArray(level) && level.every((item) => all(item, axis + 1));
  return sizeOf(shape) > 0 && all(data, 0);
}

/** Copies nested arrays, which must have exactly the shape, into a new tensor. */
class Filling {
  readonly #shape: Shape;
  readonly #target: TypedArray;
  readonly #convert: (value: number, at: number) => number;
  #filled = 0;

  constructor(result: Tensor, shape: Shape) {
    this.#shape = shape;
    this.#target = storageOf(result).array(result.dtype);
    this.#convert = converter(result.dtype);
  }

  fill(data: NestedArray, axis: number): void {
    if (axis === this.#shape.length) {
      this.#target[this.#filled] = this.#convert(this.#value(data, axis), this.#filled);
      this.#filled++;
      return;
    }
    if (!Array.isArray(data) || data.length !== this.#shape[axis]) {
      throw new ShapeError(
        `tensor: nested arrays are ragged: expected an array of ${this.#shape[axis]} at depth ${axis}, got ${describe(data)}`,
      );
    }
    for (const item of data) this.fill(item, axis + 1);
  }

  #value(data: NestedArray, axis: number): number {
    if (isValue(data)) return Number(data);
    if (!Array.isArray(data)) throw notNumber(data);
    throw new ShapeError(`tensor: nested arrays are ragged: expected a number at depth ${axis}, got ${describe(data)}`);
  }
}

/**
 * A tensor filled with one value: bool for a boolean, else float32 unless another element type is given.
 *
 * @example
 * ```ts
 * full([2], 0.5); // tensor([0.5000, 0.5000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.full.html
 */
export function full(shape: Shape, value: number | boolean, options: TensorOptions = {}): Tensor {
  return filled('full', shape, value, options, typeof value === 'boolean' ? 'bool' : 'float32');
}

function filled(
  op: string,
  shape: Shape,
  value: number | boolean,
  options: TensorOptions,
  fallback: DType = 'float32',
): Tensor {
  checkShape(op, shape);
  if (!isValue(value)) throw new ValueError(`${op}: the value must be a number or a boolean, got ${describe(value)}`);
  return finish(op, options, (dtype = fallback) => {
    if (isInteger(dtype)) requireInt32(op, Number(value));
    return filledOf(shape, isBool(dtype) ? Number(Number(value) !== 0) : Number(value), dtype);
  });
}

/** A tensor with whatever its memory held: for what is about to be overwritten. @example empty([2, 3]).shape; // [2, 3] */
export function empty(shape: Shape, options: TensorOptions = {}): Tensor {
  checkShape('empty', shape);
  return finish('empty', options, (dtype = 'float32') => emptyOf([...shape], dtype));
}

/**
 * A tensor of zeros.
 *
 * @example
 * ```ts
 * zeros([2]); // tensor([0., 0.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.zeros.html
 */
export const zeros = (shape: Shape, options: TensorOptions = {}): Tensor => filled('zeros', shape, 0, options);
/**
 * A tensor of ones.
 *
 * @example
 * ```ts
 * ones([2], { dtype: 'int32' }); // tensor([1, 1])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.ones.html
 */
export const ones = (shape: Shape, options: TensorOptions = {}): Tensor => filled('ones', shape, 1, options);

function like(op: string, x: Tensor, options: TensorOptions): TensorOptions {
  checkTensor(op, 'the input', x);
  checkOptions(op, options, ['dtype', 'requiresGrad']);
  return { dtype: x.dtype, ...options };
}

const filledLike = (op: string, x: Tensor, value: number | boolean, options: TensorOptions): Tensor => {
  const all = like(op, x, options);
  return filled(op, x.shape, value, all);
};

/** `empty` with the shape and, unless given, the element type of `x`. @example emptyLike(zeros([2, 3])).shape; // [2, 3] */
export function emptyLike(x: Tensor, options: TensorOptions = {}): Tensor {
  const all = like('emptyLike', x, options);
  return empty(x.shape, all);
}
/** `zeros` with the shape and, unless given, the element type of `x`. @example zerosLike(tensor([1, 2])); // tensor([0., 0.]) */
export const zerosLike = (x: Tensor, options: TensorOptions = {}): Tensor => filledLike('zerosLike', x, 0, options);
/** `ones` with the shape and, unless given, the element type of `x`. @example onesLike(tensor([1, 2])); // tensor([1., 1.]) */
export const onesLike = (x: Tensor, options: TensorOptions = {}): Tensor => filledLike('onesLike', x, 1, options);
/** `full` with the shape and, unless given, the element type of `x`. @example fullLike(tensor([1, 2]), 7); // tensor([7., 7.]) */
export const fullLike = (x: Tensor, value: number | boolean, options: TensorOptions = {}): Tensor =>
  filledLike('fullLike', x, value, options);

/**
 * `start`, `start + step`, … up to, not including, `end`. With one argument it is the end, and start is 0.
 *
 * int32 if all three are integers, else float32.
 *
 * @throws ValueError for a step of 0, or one that leads away from the end
 * @example
 * ```ts
 * arange(3); // tensor([0, 1, 2])
 * arange(1, 2, 0.25); // tensor([1.0000, 1.2500, 1.5000, 1.7500])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.arange.html
 */
export function arange(end: number, options?: TensorOptions): Tensor;
export function arange(start: number, end: number, options?: TensorOptions): Tensor;
export function arange(start: number, end: number, step: number, options?: TensorOptions): Tensor;
export function arange(...args: readonly (number | TensorOptions | undefined)[]): Tensor {
  const last = args.at(-1);
  const options = typeof last === 'object' ? last : {};
  const given = typeof last === 'object' ? args.slice(0, -1) : args;
  const numbers = given.filter((arg) => arg !== undefined) as number[];
  if (numbers.length === 0 || numbers.length > 3)
    throw new ValueError(`arange: expected an end, or a start, an end and a step, got ${numbers.length} numbers`);
  if (!numbers.every(Number.isFinite))
    throw new ValueError(`arange: bounds and step must be finite, got ${numbers.map(describe).join(', ')}`);
  const [start, end, step = 1] = numbers.length === 1 ? [0, numbers[0]!] : (numbers as [number, number, number?]);
  if (step === 0) throw new ValueError('arange: the step must not be 0');
  if (Math.sign(end - start) === -Math.sign(step)) {
    throw new ValueError(`arange: a step of ${step} leads away from ${end}, starting at ${start}`);
  }
  const fallback = numbers.every(Number.isInteger) ? 'int32' : 'float32';
  return finish('arange', options, (dtype = fallback) => {
    const count = Math.max(0, Math.ceil((end - start) / step));
    // Integers step by the integer parts, as in PyTorch.
    const [first, by] = isFloat(dtype) ? [start, step] : [Math.trunc(start), Math.trunc(step)];
    if (isInteger(dtype)) for (const i of [0, Math.max(0, count - 1)]) requireInt32('arange', first + i * by);
    return generate([count], dtype, (i) => first + i * by);
  });
}

function generate(shape: Shape, dtype: DType, value: (i: number) => number): Tensor {
  const result = emptyOf(shape, dtype);
  const target = storageOf(result).array(dtype);
  const size = sizeOf(shape);
  for (let i = 0; i < size; i++) target[i] = value(i);
  return result;
}

/**
 * `steps` values from `start` to `end`, both included, evenly spaced.
 *
 * @example
 * ```ts
 * linspace(0, 1, 5); // tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linspace.html
 */
export function linspace(
  start: number | Tensor,
  end: number | Tensor,
  steps: number,
  options: TensorOptions = {},
): Tensor {
  const [a, b] = [bound(start), bound(end)];
  checkInteger('linspace', 'steps', steps);
  return finish('linspace', options, (dtype = 'float32') => {
    if (isInteger(dtype)) for (const end of [a, b]) requireInt32('linspace', end);
    const step = steps > 1 ? (b - a) / (steps - 1) : 0;
    // From both ends towards the middle, as PyTorch does, so that the last value is exactly `end`.
    const value = (i: number) => (i < steps / 2 ? a + i * step : b - (steps - 1 - i) * step);
    return generate([steps], dtype, isFloat(dtype) ? value : (i) => Math.trunc(value(i)));
  });
}

function bound(value: number | Tensor): number {
  checkOperand('linspace', 'each bound', value);
  if (typeof value === 'number') return value;
  if (value.ndim > 0)
    throw new ShapeError(`linspace: bounds must be numbers or 0-d tensors, got shape ${show(value.shape)}`);
  return Number(value.item());
}

/**
 * A matrix with ones on the diagonal.
 *
 * @param n rows
 * @param m columns; default `n`
 * @example
 * ```ts
 * eye(2); // tensor([[1., 0.], [0., 1.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.eye.html
 */
export function eye(n: number, m?: number | TensorOptions, options: TensorOptions = {}): Tensor {
  checkShape('eye', [n, n]);
  if (typeof m === 'object') return eye(n, n, m);
  const columns = m ?? n;
  checkShape('eye', [n, columns]);
  return finish('eye', options, (dtype = 'float32') => {
    return generate([n, columns], dtype, (i) => Number(Math.floor(i / columns) === i % columns));
  });
}
