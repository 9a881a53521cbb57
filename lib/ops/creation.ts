import { define, defineBounds } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { type DType, isBool, isFloat, isInteger, type TypedArray } from '../backend/dtype.js';
import { sizeOf } from '../backend/view.js';
import { describe } from '../describe.js';
import { DTypeError, ShapeError, ValueError } from '../errors.js';
import { isDetached, typedArrayLength, typedArrayName } from '../realm.js';
import { requireInt32 } from '../tensor/check.js';
import { emptyLikeOf, emptyOf } from '../tensor/empty.js';
import * as kinds from '../tensor/kinds.js';
import { making } from '../tensor/parameters.js';
import type { Operand } from '../tensor/promotion.js';
import { checkNdim, checkShape, type Shape, show } from '../tensor/shape.js';
import { type NestedArray, storageOf, type Tensor } from '../tensor/tensor.js';
import { aboutToRead } from '../tensor/values.js';

const ofSize = signature('size, *, dtype, requiresGrad', { size: kinds.shape, ...making });

export interface TensorOptions extends OptionsOf<typeof ofSize> {}

type OfSize = FunctionOf<Tensor, typeof ofSize, TensorOptions>;

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

const finished = (x: Tensor, requiresGrad: boolean): Tensor => (requiresGrad ? x.requiresGrad_() : x);

const isValue = (value: unknown): value is number | boolean => typeof value === 'number' || typeof value === 'boolean';

const value: Kind<number | boolean> = kind('a number or a boolean', isValue);

/** Values are looked at one by one when they are copied. */
const values: Kind<TensorData> = kind(
  'numbers or booleans, in arrays or not',
  (data): data is TensorData => data !== undefined && data !== null,
);

const ofData = signature('data, *, dtype, requiresGrad', { data: values, ...making });

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
export const tensor: FunctionOf<Tensor, typeof ofData, TensorOptions> = define(
  'tensor',
  ofData,
  (data, dtype, requiresGrad) => {
    const name = typedArrayName(data);
    if (name === undefined) return finished(fromArrays(data as NestedArray, dtype), requiresGrad);
    return finished(fromTypedArray(data as NumberArray, name, dtype ?? typeOfArray(name)), requiresGrad);
  },
);

function fromArrays(data: NestedArray, dtype: DType | null): Tensor {
  const shape = shapeIn(data);
  const result = emptyOf(shape, dtype ?? (areBooleans(data, shape) ? 'bool' : 'float32'));
  new Filling(result, shape).fill(data, 0);
  return result;
}

/** What all typed arrays are for a reader. */
type NumberArray = ArrayLike<number | bigint>;

function typeOfArray(name: string): DType {
  if (name === 'Float64Array') return 'float64';
  return name.startsWith('Float') ? 'float32' : 'int32';
}

function fromTypedArray(values: NumberArray, name: string, dtype: DType): Tensor {
  const length = typedArrayLength(values);
  if (length === 0 && isDetached(values)) {
    throw new ValueError(
      `tensor: the buffer of this ${name} was transferred, and its numbers with it; make the tensor before`,
    );
  }
  const result = emptyOf([length], dtype);
  const target = storageOf(result).array(dtype);
  if (storesAsItIs(name, dtype)) target.set(values as ArrayLike<number>);
  else {
    const convert = converter(dtype);
    for (let i = 0; i < length; i++) target[i] = convert(Number(values[i]), i);
  }
  return result;
}

/** Whether each element of a typed array becomes by itself what it is in a tensor: but for those that may not fit, or are no numbers. */
const storesAsItIs = (name: string, dtype: DType): boolean =>
  isFloat(dtype) ? !name.startsWith('Big') : isInteger(dtype) && /^(Int|Uint8|Uint16)/.test(name);

/** What a number becomes in a tensor of a type; `at` is where it stands, for the error. */
function converter(dtype: DType): (value: number, at: number) => number {
  if (isBool(dtype)) return (value) => Number(value !== 0);
  return isInteger(dtype) ? integer : (value) => value;
}

function integer(value: number, at: number): number {
  if (value !== (value | 0)) throw new DTypeError(`tensor: ${value} (at ${at}) is not an int32; use another dtype`);
  return value;
}

/** The lengths of the first array at each depth. */
function shapeIn(data: NestedArray): number[] {
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
  /** Whether numbers become what they are. */
  readonly #isPlain: boolean;
  #filled = 0;

  constructor(result: Tensor, shape: Shape) {
    this.#shape = shape;
    this.#target = storageOf(result).array(result.dtype);
    this.#convert = converter(result.dtype);
    this.#isPlain = isFloat(result.dtype);
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
    if (axis === this.#shape.length - 1 && this.#fillRow(data)) return;
    for (const item of data) this.fill(item, axis + 1);
  }

  /** The quick way for what most rows are. False where this is none. */
  #fillRow(row: readonly NestedArray[]): boolean {
    if (!this.#isPlain) return false;
    const [target, start] = [this.#target, this.#filled];
    for (let i = 0; i < row.length; i++) {
      const value = row[i];
      if (typeof value !== 'number') return false;
      target[start + i] = value;
    }
    this.#filled += row.length;
    return true;
  }

  #value(data: NestedArray, axis: number): number {
    if (isValue(data)) return Number(data);
    if (!Array.isArray(data)) throw notNumber(data);
    throw new ShapeError(`tensor: nested arrays are ragged: expected a number at depth ${axis}, got ${describe(data)}`);
  }
}

const ofValue = signature('size, fillValue, *, dtype, requiresGrad', {
  size: kinds.shape,
  fillValue: value,
  ...making,
});

/**
 * A tensor filled with one value: bool for a boolean, else float32 unless another element type is given.
 *
 * @example
 * ```ts
 * full([2], 0.5); // tensor([0.5000, 0.5000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.full.html
 */
export const full: FunctionOf<Tensor, typeof ofValue, TensorOptions> = define(
  'full',
  ofValue,
  (size, fillValue, dtype, requiresGrad) =>
    filled(
      'full',
      emptyOf(size, dtype ?? (typeof fillValue === 'boolean' ? 'bool' : 'float32')),
      fillValue,
      requiresGrad,
    ),
);

/** Fills a tensor that is new. */
function filled(op: string, out: Tensor, value: number | boolean, requiresGrad: boolean): Tensor {
  const { dtype } = out;
  if (isInteger(dtype)) requireInt32(op, Number(value));
  storageOf(out)
    .array(dtype)
    .fill(isBool(dtype) ? Number(Number(value) !== 0) : Number(value));
  return finished(out, requiresGrad);
}

/** A tensor with whatever its memory held: for what is about to be overwritten. @example empty([2, 3]).shape; // [2, 3] */
export const empty: OfSize = define('empty', ofSize, (size, dtype, requiresGrad) =>
  finished(emptyOf(size, dtype ?? 'float32'), requiresGrad),
);

/**
 * A tensor of zeros.
 *
 * @example
 * ```ts
 * zeros([2]); // tensor([0., 0.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.zeros.html
 */
export const zeros: OfSize = define('zeros', ofSize, (size, dtype, requiresGrad) =>
  filled('zeros', emptyOf(size, dtype ?? 'float32'), 0, requiresGrad),
);

/**
 * A tensor of ones.
 *
 * @example
 * ```ts
 * ones([2], { dtype: 'int32' }); // tensor([1, 1])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.ones.html
 */
export const ones: OfSize = define('ones', ofSize, (size, dtype, requiresGrad) =>
  filled('ones', emptyOf(size, dtype ?? 'float32'), 1, requiresGrad),
);

const likening = signature('input, /, *, dtype, requiresGrad', {
  input: kinds.tensor,
  ...making,
});
const likeningValue = signature('input, /, fillValue, *, dtype, requiresGrad', {
  input: kinds.tensor,
  fillValue: value,
  ...making,
});

type Like = FunctionOf<Tensor, typeof likening, TensorOptions>;

/** `empty` with the shape and, unless given, the element type of `x`. @example emptyLike(zeros([2, 3])).shape; // [2, 3] */
export const emptyLike: Like = define('emptyLike', likening, (x, dtype, requiresGrad) =>
  finished(emptyLikeOf(x, dtype ?? x.dtype), requiresGrad),
);
/** `zeros` with the shape and, unless given, the element type of `x`. @example zerosLike(tensor([1, 2])); // tensor([0., 0.]) */
export const zerosLike: Like = define('zerosLike', likening, (x, dtype, requiresGrad) =>
  filled('zerosLike', emptyLikeOf(x, dtype ?? x.dtype), 0, requiresGrad),
);
/** `ones` with the shape and, unless given, the element type of `x`. @example onesLike(tensor([1, 2])); // tensor([1., 1.]) */
export const onesLike: Like = define('onesLike', likening, (x, dtype, requiresGrad) =>
  filled('onesLike', emptyLikeOf(x, dtype ?? x.dtype), 1, requiresGrad),
);
/** `full` with the shape and, unless given, the element type of `x`. @example fullLike(tensor([1, 2]), 7); // tensor([7., 7.]) */
export const fullLike: FunctionOf<Tensor, typeof likeningValue, TensorOptions> = define(
  'fullLike',
  likeningValue,
  (x, fillValue, dtype, requiresGrad) => filled('fullLike', emptyLikeOf(x, dtype ?? x.dtype), fillValue, requiresGrad),
);

const ofOwnType = signature('input, /, size, *, dtype, requiresGrad', {
  input: kinds.tensor,
  size: kinds.shape,
  ...making,
});
const ofOwnTypeAndValue = signature('input, /, size, fillValue, *, dtype, requiresGrad', {
  input: kinds.tensor,
  size: kinds.shape,
  fillValue: value,
  ...making,
});
const ofOwnTypeAndData = signature('input, /, data, *, dtype, requiresGrad', {
  input: kinds.tensor,
  data: values,
  ...making,
});

type New = FunctionOf<Tensor, typeof ofOwnType, TensorOptions>;

/** `zeros` of the element type of `x`, unless another is given. @example tensor([true]).newZeros([2]); // tensor([False, False]) */
export const newZeros: New = define('newZeros', ofOwnType, (x, size, dtype, requiresGrad) =>
  filled('newZeros', emptyOf(size, dtype ?? x.dtype), 0, requiresGrad),
);
/** `ones` of the element type of `x`, unless another is given. @example arange(3).newOnes([2]); // tensor([1, 1]) */
export const newOnes: New = define('newOnes', ofOwnType, (x, size, dtype, requiresGrad) =>
  filled('newOnes', emptyOf(size, dtype ?? x.dtype), 1, requiresGrad),
);
/** `empty` of the element type of `x`, unless another is given. @example arange(3).newEmpty([2]).dtype; // 'int32' */
export const newEmpty: New = define('newEmpty', ofOwnType, (x, size, dtype, requiresGrad) =>
  finished(emptyOf(size, dtype ?? x.dtype), requiresGrad),
);
/** `full` of the element type of `x`, unless another is given. @example arange(3).newFull([2], 7); // tensor([7, 7]) */
export const newFull: FunctionOf<Tensor, typeof ofOwnTypeAndValue, TensorOptions> = define(
  'newFull',
  ofOwnTypeAndValue,
  (x, size, fillValue, dtype, requiresGrad) =>
    filled('newFull', emptyOf(size, dtype ?? x.dtype), fillValue, requiresGrad),
);
/** `tensor` of the element type of `x`, unless another is given. @example arange(3).newTensor([4, 5]); // tensor([4, 5]) */
export const newTensor: FunctionOf<Tensor, typeof ofOwnTypeAndData, TensorOptions> = define(
  'newTensor',
  ofOwnTypeAndData,
  (x, data, dtype, requiresGrad) => tensor(data, { dtype: dtype ?? x.dtype, requiresGrad }),
);

const progression = signature('start, end, step, *, dtype, requiresGrad', {
  /** The first. Default: 0. */
  start: kinds.finite.default(0),
  end: kinds.finite,
  /** From each to the next. Default: 1. */
  step: kinds.finite.default(1),
  ...making,
});

/** By position the start can be left out. */
interface Progression {
  (end: number, options?: TensorOptions & { step?: number | undefined }): Tensor;
  (start: number, end: number, options?: TensorOptions & { step?: number | undefined }): Tensor;
  (start: number, end: number, step: number, options?: TensorOptions): Tensor;
  (options: TensorOptions & { start?: number | undefined; end: number; step?: number | undefined }): Tensor;
}

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
export const arange = defineBounds('arange', progression, 'end', (start, end, step, dtype, requiresGrad) => {
  if (step === 0) throw new ValueError('arange: the step must not be 0');
  if (Math.sign(end - start) === -Math.sign(step)) {
    throw new ValueError(`arange: a step of ${step} leads away from ${end}, starting at ${start}`);
  }
  const type = dtype ?? ([start, end, step].every(Number.isInteger) ? 'int32' : 'float32');
  // Integers go by the integer parts, as in PyTorch.
  const [first, last, by] = isFloat(type)
    ? [start, end, step]
    : ([start, end, step].map(Math.trunc) as [number, number, number]);
  if (by === 0) throw new ValueError(`arange: the step must not be 0, and ${step} is that of ${type}`);
  const count = Math.max(0, Math.ceil((last - first) / by));
  if (isInteger(type)) for (const i of [0, Math.max(0, count - 1)]) requireInt32('arange', first + i * by);
  return finished(
    generate([count], type, (i) => first + i * by),
    requiresGrad,
  );
}) as Progression;

function generate(shape: Shape, dtype: DType, value: (i: number) => number): Tensor {
  const result = emptyOf(shape, dtype);
  const target = storageOf(result).array(dtype);
  const size = sizeOf(shape);
  for (let i = 0; i < size; i++) target[i] = value(i);
  return result;
}

const spacing = signature('start, end, steps, *, dtype, requiresGrad', {
  start: kinds.operand,
  end: kinds.operand,
  steps: kinds.integerFrom(0),
  ...making,
});

/**
 * `steps` values from `start` to `end`, both included, evenly spaced.
 *
 * @example
 * ```ts
 * linspace(0, 1, 5); // tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linspace.html
 */
export const linspace: FunctionOf<Tensor, typeof spacing, TensorOptions> = define(
  'linspace',
  spacing,
  (start, end, steps, dtype, requiresGrad) => {
    const type = dtype ?? 'float32';
    const [a, b] = [bound('linspace', start, type), bound('linspace', end, type)];
    if (isInteger(type)) for (const end of [a, b]) requireInt32('linspace', end);
    const value = between(a, b, steps);
    return finished(generate([steps], type, isFloat(type) ? value : (i) => Math.trunc(value(i))), requiresGrad);
  },
);

/** The i-th of evenly spaced values: from both ends towards the middle, as PyTorch does, so that the last is exactly `b`. */
function between(a: number, b: number, steps: number): (i: number) => number {
  const step = steps > 1 ? (b - a) / (steps - 1) : 0;
  const half = Math.max(1, Math.floor(steps / 2));
  return (i) => (i < half ? a + i * step : b - (steps - 1 - i) * step);
}

/** Integers are spaced between the integer parts of their bounds, as in PyTorch. */
function bound(op: string, value: Operand, type: DType): number {
  if (typeof value !== 'number' && value.ndim > 0)
    throw new ShapeError(`${op}: bounds must be numbers or 0-d tensors, got shape ${show(value.shape)}`);
  if (typeof value !== 'number') aboutToRead(op, 'give the bounds as numbers');
  const number = typeof value === 'number' ? value : Number(value.item());
  return isInteger(type) ? Math.trunc(number) : number;
}

const raising = signature('start, end, steps, base, *, dtype, requiresGrad', {
  start: kinds.operand,
  end: kinds.operand,
  steps: kinds.integerFrom(0),
  /** What is raised to the exponents. Default: 10. */
  base: kinds.number.default(10),
  ...making,
});

export interface LogspaceOptions extends OptionsOf<typeof raising> {}

/**
 * `base` to the power of `steps` exponents from `start` to `end`, both included, evenly spaced.
 *
 * @example
 * ```ts
 * logspace(0, 2, 3); // tensor([  1.,  10., 100.])
 * logspace(0, 3, 4, 2); // tensor([1., 2., 4., 8.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.logspace.html
 */
export const logspace: FunctionOf<Tensor, typeof raising, LogspaceOptions> = define(
  'logspace',
  raising,
  (start, end, steps, base, dtype, requiresGrad) => {
    const type = dtype ?? 'float32';
    const exponent = between(bound('logspace', start, type), bound('logspace', end, type), steps);
    const value = (i: number): number => base ** exponent(i);
    if (isInteger(type)) for (let i = 0; i < steps; i++) requireInt32('logspace', value(i));
    return finished(generate([steps], type, isFloat(type) ? value : (i) => Math.trunc(value(i))), requiresGrad);
  },
);

const diagonal = signature('n, m, *, dtype, requiresGrad', {
  n: kinds.size,
  /** Columns. Default: null, as many as rows. */
  m: kinds.size.optional(),
  ...making,
});

interface EyeOptions extends OptionsOf<typeof diagonal> {}

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
export const eye: FunctionOf<Tensor, typeof diagonal, EyeOptions> = define(
  'eye',
  diagonal,
  (n, m, dtype, requiresGrad) => {
    const columns = m ?? n;
    checkShape('eye', [n, columns]);
    return finished(
      generate([n, columns], dtype ?? 'float32', (i) => Number(Math.floor(i / columns) === i % columns)),
      requiresGrad,
    );
  },
);
