import { type DType, isFloat, type TypedArray } from '../backend/dtype.js';
import { sizeOf } from '../backend/view.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { checkDType, checkOptions } from '../options.js';
import { requireInt32 } from './check.js';
import { emptyOf } from './empty.js';
import { checkInteger, checkNdim, checkShape, describe, type Shape, show } from './shape.js';
import { type NestedArray, storageOf, Tensor } from './tensor.js';

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
  | Int16Array
  | Uint16Array
  | Uint32Array;

/** Checks creation options, and applies `requiresGrad` to the finished tensor. */
function finish(op: string, options: TensorOptions, make: (dtype: DType | undefined) => Tensor): Tensor {
  checkOptions(op, options, ['dtype', 'requiresGrad']);
  if (options.dtype !== undefined) checkDType(op, options.dtype);
  const result = make(options.dtype);
  if (options.requiresGrad === true) result.requiresGrad = true;
  return result;
}

/**
 * A tensor of the given values. Numbers that are all integers make int32 only when asked for: `tensor([1, 2])` is float32, as most tensors
 * in JavaScript programs are meant to be; booleans make bool, an Int32Array int32, a Float64Array float64. A typed array makes one dimension.
 *
 * @throws ShapeError if nested arrays are ragged; DTypeError if a value does not fit the element type
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
    if (ArrayBuffer.isView(data)) return fromFlat(data as ArrayLike<number> & TensorData, dtype ?? typeOfArray(data));
    const shape = shapeOf(data as NestedArray);
    const flat = new Array<number | boolean>(sizeOf(shape));
    flatten(data as NestedArray, shape, 0, flat, 0);
    return fromFlat(flat, dtype ?? typeOfValues(flat), shape);
  });
}

function typeOfArray(data: TensorData): DType {
  if (data instanceof Float64Array) return 'float64';
  return data instanceof Float32Array ? 'float32' : 'int32';
}

const typeOfValues = (flat: readonly (number | boolean)[]): DType =>
  flat.length > 0 && flat.every((value) => typeof value === 'boolean') ? 'bool' : 'float32';

function shapeOf(data: NestedArray): number[] {
  const shape: number[] = [];
  for (let level: NestedArray | undefined = data; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
    checkNdim('tensor', shape.length);
  }
  return shape;
}

/** Copies `data`, which must have exactly `shape` from `axis` on, to `flat`; returns where it ended. */
function flatten(data: NestedArray, shape: Shape, axis: number, flat: (number | boolean)[], at: number): number {
  if (axis === shape.length) {
    if (typeof data !== 'number' && typeof data !== 'boolean') {
      if (Array.isArray(data))
        throw new ShapeError(
          `tensor: nested arrays are ragged: expected a number at depth ${axis}, got ${describe(data)}`,
        );
      throw new ValueError(`tensor: expected numbers or booleans, got ${describe(data)}`);
    }
    flat[at] = data;
    return at + 1;
  }
  if (!Array.isArray(data) || data.length !== shape[axis]) {
    throw new ShapeError(
      `tensor: nested arrays are ragged: expected an array of ${shape[axis]} at depth ${axis}, got ${describe(data)}`,
    );
  }
  let end = at;
  for (const item of data) end = flatten(item, shape, axis + 1, flat, end);
  return end;
}

function fromFlat(values: ArrayLike<number | boolean>, dtype: DType, shape: Shape = [values.length]): Tensor {
  if (dtype === 'int32') checkIntegers(values);
  const result = emptyOf(shape, dtype);
  const target = storageOf(result).array(dtype);
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    target[i] = dtype === 'bool' ? Number(value !== 0) : value;
  }
  return result;
}

function checkIntegers(values: ArrayLike<number | boolean>): void {
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (value !== (value | 0)) throw new DTypeError(`tensor: ${value} (at ${i}) is not an int32; use another dtype`);
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
  return finish(op, options, (dtype = fallback) => {
    if (dtype === 'int32') requireInt32(op, Number(value));
    const result = emptyOf([...shape], dtype);
    storageOf(result)
      .array(dtype)
      .fill(dtype === 'bool' ? Number(Number(value) !== 0) : Number(value));
    return result;
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

const like = (x: Tensor, options: TensorOptions): TensorOptions => ({ dtype: x.dtype, ...options });

/** `empty` with the shape and, unless given, the element type of `x`. @example emptyLike(zeros([2, 3])).shape; // [2, 3] */
export const emptyLike = (x: Tensor, options: TensorOptions = {}): Tensor => empty(x.shape, like(x, options));
/** `zeros` with the shape and, unless given, the element type of `x`. @example zerosLike(tensor([1, 2])); // tensor([0., 0.]) */
export const zerosLike = (x: Tensor, options: TensorOptions = {}): Tensor => zeros(x.shape, like(x, options));
/** `ones` with the shape and, unless given, the element type of `x`. @example onesLike(tensor([1, 2])); // tensor([1., 1.]) */
export const onesLike = (x: Tensor, options: TensorOptions = {}): Tensor => ones(x.shape, like(x, options));
/** `full` with the shape and, unless given, the element type of `x`. @example fullLike(tensor([1, 2]), 7); // tensor([7., 7.]) */
export const fullLike = (x: Tensor, value: number | boolean, options: TensorOptions = {}): Tensor =>
  full(x.shape, value, like(x, options));

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
  const numbers = args.filter((arg): arg is number => typeof arg === 'number');
  const options = args.find((arg): arg is TensorOptions => typeof arg === 'object') ?? {};
  const [start, end, step = 1] = numbers.length === 1 ? [0, numbers[0]!] : (numbers as [number, number, number?]);
  if (![start, end, step].every(Number.isFinite))
    throw new ValueError(`arange: bounds and step must be finite, got ${numbers.join(', ')}`);
  if (step === 0) throw new ValueError('arange: the step must not be 0');
  if (Math.sign(end - start) === -Math.sign(step)) {
    throw new ValueError(`arange: a step of ${step} leads away from ${end}, starting at ${start}`);
  }
  const fallback = numbers.every(Number.isInteger) ? 'int32' : 'float32';
  return finish('arange', options, (dtype = fallback) => {
    const count = Math.max(0, Math.ceil((end - start) / step));
    // Integers step by the integer parts, as in PyTorch.
    const [first, by] = isFloat(dtype) ? [start, step] : [Math.trunc(start), Math.trunc(step)];
    if (dtype === 'int32') for (const i of [0, Math.max(0, count - 1)]) requireInt32('arange', first + i * by);
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
    if (dtype === 'int32') for (const end of [a, b]) requireInt32('linspace', end);
    const step = steps > 1 ? (b - a) / (steps - 1) : 0;
    // From both ends towards the middle, as PyTorch does, so that the last value is exactly `end`.
    const value = (i: number) => (i < steps / 2 ? a + i * step : b - (steps - 1 - i) * step);
    return generate([steps], dtype, isFloat(dtype) ? value : (i) => Math.trunc(value(i)));
  });
}

function bound(value: number | Tensor): number {
  if (!(value instanceof Tensor)) return value;
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
  if (typeof m === 'object') return eye(n, n, m);
  const columns = m ?? n;
  checkShape('eye', [n, columns]);
  return finish('eye', options, (dtype = 'float32') => {
    return generate([n, columns], dtype, (i) => Number(Math.floor(i / columns) === i % columns));
  });
}
