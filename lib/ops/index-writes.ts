import { define } from '../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { isFloat, isInteger } from '../backend/dtype.js';
import { sameShape } from '../backend/view.js';
import { DTypeError, ShapeError } from '../errors.js';
import { requireInt32 } from '../tensor/check.js';
import * as kinds from '../tensor/kinds.js';
import { owned } from '../tensor/layout.js';
import type { Operand } from '../tensor/promotion.js';
import { normalizeDim, type Shape, show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { acrossSlices, indexing, listPosition, outOfRange, overwrite, scattered } from './along.js';
import { to } from './conversion.js';
import { zeros } from './creation.js';
import { fittedFactor } from './factor.js';
import { located } from './places.js';
import { maskedFill, mul } from './pointwise.js';
import { reduceScattered, type ScatterReduction, scatterReductions } from './scatter-reductions.js';
import { reshape } from './views.js';

// Slices written to where a list of positions says, and elements reduced where an index per element says.

const withSource = { ...indexing, source: kinds.tensor };

const adding = signature('input, /, dim, index, source, *, alpha', {
  ...withSource,
  /** Multiplies the source. Default: 1. */
  alpha: kinds.number.default(1),
});
const copying = signature('input, /, dim, index, source', withSource);
const filling = signature('input, /, dim, index, value', { ...indexing, value: kinds.operand });

const includeSelf = {
  /** Whether what is there takes part. Default: true. */
  includeSelf: kinds.boolean.default(true),
};

const reducing = signature('input, /, dim, index, source, reduce, *, includeSelf', {
  ...withSource,
  reduce: kinds.choice('prod', 'mean', 'amax', 'amin'),
  ...includeSelf,
});
const scatterReducing = signature('input, /, dim, index, src, reduce, *, includeSelf', {
  ...indexing,
  src: kinds.tensor,
  reduce: kinds.choice(...scatterReductions),
  ...includeSelf,
});

export interface IndexAddOptions extends OptionsOf<typeof adding> {}
export interface IndexReduceOptions extends OptionsOf<typeof reducing> {}
export interface ScatterReduceOptions extends OptionsOf<typeof scatterReducing> {}

type Adding = FunctionOf<Tensor, typeof adding, IndexAddOptions>;
type Copying = FunctionOf<Tensor, typeof copying>;
type Filling = FunctionOf<Tensor, typeof filling>;
type Reducing = FunctionOf<Tensor, typeof reducing, IndexReduceOptions>;
type ScatterReducing = FunctionOf<Tensor, typeof scatterReducing, ScatterReduceOptions>;

/** What is written to slices: the tensor with at least one dimension, an index for each element of the source, and the source. */
interface Slices {
  readonly whole: Tensor;
  readonly axis: number;
  readonly index: Tensor;
  readonly source: Tensor;
  readonly refused: (at: number, size: number) => Error;
}

function slicesOf(op: string, x: Tensor, dim: number, index: Tensor, source: Tensor): Slices {
  if (index.ndim > 1) throw new ShapeError(`${op}: the index must be 1-d, got ${show(index.shape)}`);
  const axis = normalizeDim(op, dim, x.ndim);
  const whole = x.ndim === 0 ? reshape(x, [1]) : x;
  const shape = shapeOf(whole).with(axis, index.numel());
  const slices = source.ndim === 0 && shape.length === 1 ? reshape(source, [1]) : source;
  if (!sameShape(shapeOf(slices), shape)) {
    throw new ShapeError(`${op}: expected a source of shape ${show(shape)}, got ${show(source.shape)}`);
  }
  const refused = (at: number, size: number) =>
    outOfRange(op, index, listPosition(at, axis, shape, index.numel()), size);
  return { whole, axis, index: acrossSlices(index, axis, shapeOf(whole)), source: slices, refused };
}

const shapedAs = (x: Tensor, shape: Shape): Tensor => (x.ndim === shape.length ? x : owned(reshape(x, shape)));

function added(op: string, x: Tensor, dim: number, index: Tensor, source: Tensor, alpha: number): Tensor {
  const factor = fittedFactor(op, 'alpha', alpha, [x]);
  const slices = slicesOf(op, x, dim, index, source);
  if (source.dtype !== x.dtype)
    throw new DTypeError(`${op}: the source is ${source.dtype}, but the tensor ${x.dtype}; convert with .to()`);
  const scaled = factor === 1 ? slices.source : to(mul(slices.source, factor), x.dtype);
  return shapedAs(scattered(op, slices.whole, slices.axis, slices.index, scaled, 'add', slices.refused), shapeOf(x));
}

function copied(op: string, x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  const slices = slicesOf(op, x, dim, index, source);
  return shapedAs(
    scattered(op, slices.whole, slices.axis, slices.index, slices.source, 'set', slices.refused),
    shapeOf(x),
  );
}

/** The value of each element that is filled: of the type of `x`, which must hold it. */
function valueFor(op: string, x: Tensor, value: Operand): Operand {
  if (typeof value === 'number') {
    if (isInteger(x.dtype)) requireInt32(op, value);
    return value;
  }
  if (value.ndim > 0) throw new ShapeError(`${op}: value must be a number or a 0-d tensor, got ${show(value.shape)}`);
  if (isFloat(value.dtype) && !isFloat(x.dtype))
    throw new DTypeError(`${op}: the value is ${value.dtype}, but the tensor ${x.dtype}; convert with .to()`);
  return to(value, x.dtype);
}

/** The gradient of the value is that of every element which is filled, once. */
function filled(op: string, x: Tensor, dim: number, index: Tensor, value: Operand): Tensor {
  if (index.ndim > 1) throw new ShapeError(`${op}: the index must be 1-d, got ${show(index.shape)}`);
  const axis = normalizeDim(op, dim, x.ndim);
  const size = shapeOf(x)[axis] ?? 1;
  const list = reshape(located([index], [size]), [-1]);
  const refused = (at: number) => outOfRange(op, index, at, size);
  const chosen = scattered(op, zeros([size], { dtype: 'bool' }), 0, list, 1, 'set', refused);
  const mask = reshape(
    chosen,
    shapeOf(x).map((_, i) => (i === axis ? -1 : 1)),
  );
  return maskedFill(x, mask, valueFor(op, x, value));
}

function reducedSlices(
  op: string,
  x: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  reduce: ScatterReduction,
  includeSelf: boolean,
): Tensor {
  const slices = slicesOf(op, x, dim, index, source);
  const { whole, axis } = slices;
  return shapedAs(
    reduceScattered(op, whole, axis, slices.index, slices.source, reduce, includeSelf, slices.refused),
    shapeOf(x),
  );
}

/**
 * A copy of `x` with `alpha` times slices of `source` added where a list of positions along `dim` says; equal positions add up.
 *
 * @param index int32, 1-d: one position for each slice
 * @throws ValueError if an index is out of range; ShapeError if the source does not fit; DTypeError if types differ
 * @example
 * ```ts
 * indexAdd(zeros([2, 2]), 0, tensor([1, 1], { dtype: 'int32' }), ones([2, 2])); // tensor([[0., 0.], [2., 2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_add_.html
 */
export const indexAdd: Adding = define('indexAdd', adding, (...args) => added('indexAdd', ...args));

/** `indexAdd` in place. @example zeros([2]).indexAdd_(0, tensor([1, 1], { dtype: 'int32' }), ones([2])); // tensor([0., 2.]) */
export const indexAdd_: Adding = define('indexAdd_', adding, (x, ...rest) =>
  overwrite('indexAdd_', x, (old) => added('indexAdd_', old, ...rest)),
);

/**
 * A copy of `x` with slices of `source` where a list of positions along `dim` says. Of several to one place the last wins.
 *
 * @param index int32, 1-d: one position for each slice
 * @throws ValueError if an index is out of range; ShapeError if the source does not fit; DTypeError if types differ
 * @example
 * ```ts
 * indexCopy(zeros([2, 2]), 0, tensor([1], { dtype: 'int32' }), ones([1, 2])); // tensor([[0., 0.], [1., 1.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_copy_.html
 */
export const indexCopy: Copying = define('indexCopy', copying, (...args) => copied('indexCopy', ...args));

/** `indexCopy` in place. @example zeros([2]).indexCopy_(0, tensor([1], { dtype: 'int32' }), ones([1])); // tensor([0., 1.]) */
export const indexCopy_: Copying = define('indexCopy_', copying, (x, ...rest) =>
  overwrite('indexCopy_', x, (old) => copied('indexCopy_', old, ...rest)),
);

/**
 * A copy of `x` with one value in the slices that a list of positions along `dim` names; negative ones count from the end.
 *
 * @param index int32, 1-d
 * @param value a number, or a 0-d tensor, which gets a gradient
 * @throws ValueError if an index is out of range; ShapeError for a value of any dimensions
 * @example
 * ```ts
 * indexFill(zeros([2, 2]), 1, tensor([-1], { dtype: 'int32' }), 5); // tensor([[0., 5.], [0., 5.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_fill_.html
 */
export const indexFill: Filling = define('indexFill', filling, (...args) => filled('indexFill', ...args));

/** `indexFill` in place. @example zeros([2]).indexFill_(0, tensor([1], { dtype: 'int32' }), 5); // tensor([0., 5.]) */
export const indexFill_: Filling = define('indexFill_', filling, (x, ...rest) =>
  overwrite('indexFill_', x, (old) => filled('indexFill_', old, ...rest)),
);

/**
 * A copy of `x` in which slices of `source` are reduced to where a list of positions along `dim` says: to their product, mean, largest or
 * smallest elements, with what is there or without.
 *
 * @param index int32, 1-d: one position for each slice
 * @throws ValueError if an index is out of range; ShapeError if the source does not fit; DTypeError if types differ
 * @example
 * ```ts
 * indexReduce(ones([2]), 0, tensor([1, 1], { dtype: 'int32' }), tensor([3, 5]), 'amax'); // tensor([1., 5.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.index_reduce_.html
 */
export const indexReduce: Reducing = define('indexReduce', reducing, (...args) =>
  reducedSlices('indexReduce', ...args),
);

/** `indexReduce` in place. @example ones([2]).indexReduce_(0, tensor([1], { dtype: 'int32' }), tensor([3]), 'prod'); // tensor([1., 3.]) */
export const indexReduce_: Reducing = define('indexReduce_', reducing, (x, ...rest) =>
  overwrite('indexReduce_', x, (old) => reducedSlices('indexReduce_', old, ...rest)),
);

/**
 * A copy of `x` in which elements of `src` are reduced along `dim` to where an index per element says: to their sum, product, mean, largest
 * or smallest, with what is there or without. The mean of integers is rounded down. Equal largest (or smallest) elements share the gradient.
 *
 * @param index int32, with as many dimensions as `x`
 * @throws ValueError if an index is out of range, or an int32 result does not fit; DTypeError if types differ, or for means of bools
 * @example
 * ```ts
 * const index = tensor([0, 0, 1], { dtype: 'int32' });
 * scatterReduce(ones([3]), 0, index, tensor([2, 3, 5]), 'prod'); // tensor([6., 5., 1.])
 * scatterReduce(ones([3]), 0, index, tensor([2, 3, 5]), 'mean', { includeSelf: false }); // tensor([2.5000, 5.0000, 1.0000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.scatter_reduce_.html
 */
export const scatterReduce: ScatterReducing = define('scatterReduce', scatterReducing, (...args) =>
  reduceScattered('scatterReduce', ...args),
);

/** `scatterReduce` in place. @example ones([2]).scatterReduce_(0, tensor([1], { dtype: 'int32' }), tensor([3]), 'sum'); // tensor([1., 4.]) */
export const scatterReduce_: ScatterReducing = define('scatterReduce_', scatterReducing, (x, ...rest) =>
  overwrite('scatterReduce_', x, (old) => reduceScattered('scatterReduce_', old, ...rest)),
);
