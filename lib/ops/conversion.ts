import { define } from '../arguments/define.js';
import type { FunctionOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { checkDType, computeType, type DType, isFloat, isInteger } from '../backend/dtype.js';
import { isContiguous } from '../backend/view.js';
import { DTypeError, ShapeError } from '../errors.js';
import { convert } from '../tensor/basics.js';
import { requireInt32 } from '../tensor/check.js';
import { writeInPlace } from '../tensor/elementwise.js';
import { emptyOf } from '../tensor/empty.js';
import { cloneAs, copying } from '../tensor/formula.js';
import * as kinds from '../tensor/kinds.js';
import { expandTo } from '../tensor/layout.js';
import { type Single, single } from '../tensor/parameters.js';
import { type Operand, wider } from '../tensor/promotion.js';
import { show } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';

const dtypeOrTensor: Kind<DType | Tensor> = kind(
  `${kinds.dtype.expected}, or a Tensor`,
  (value): value is DType | Tensor => kinds.dtype.accepts(value) || isTensor(value),
  { error: DTypeError, explain: (op, _, value) => checkDType(op, value) },
);

const valueOrBoolean: Kind<Operand | boolean> = kind(
  'a Tensor, a number or a boolean',
  (value): value is Operand | boolean => typeof value === 'boolean' || kinds.operand.accepts(value),
);

const converting = signature('input, /, dtype', { input: kinds.tensor, dtype: dtypeOrTensor });
const writing = signature('input, src, /', { input: kinds.tensor, src: kinds.operand });
const filling = signature('input, value, /', { input: kinds.tensor, value: valueOrBoolean });

/** A copy in the order of memory of the tensor; the gradient passes through. @example clone(tensor([1, 2])); // tensor([1., 2.]) */
export const clone: Single = define('clone', single, (x) => cloneAs(x, x.dtype));

/** The tensor itself if its elements are in row-major order, else such a copy. @example contiguous(ones([2, 3]).t()).isContiguous(); // true */
export const contiguous: Single = define('contiguous', single, (x) => (isContiguous(x) ? x : convert(x, x.dtype)));

const matching = signature('input, other', { input: kinds.tensor, other: kinds.tensor });

const as = (x: Tensor, dtype: DType): Tensor => (dtype === x.dtype ? x : cloneAs(x, dtype));

/**
 * The tensor as another element type (that of `dtype`, if it is a tensor); itself if it has that type already. Floats become integers
 * by truncation, and any number but 0 (NaN included) becomes true.
 *
 * @throws ValueError for NaN, infinities and numbers beyond int32 as int32, where PyTorch gives any value
 * @example
 * ```ts
 * tensor([1.9, -1.9]).to('int32'); // tensor([ 1, -1])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.to.html
 */
export const to: FunctionOf<Tensor, typeof converting> = define('to', converting, (x, dtype) =>
  as(x, typeof dtype === 'string' ? dtype : dtype.dtype),
);

/** The tensor as the element type of another. @example typeAs(tensor([1, 2]), tensor(true)); // tensor([True, True]) */
export const typeAs: FunctionOf<Tensor, typeof matching> = define('typeAs', matching, (x, other) => as(x, other.dtype));

/** `to('float32')`. @example float(tensor([true, false])); // tensor([1., 0.]) */
export const float: Single = define('float', single, (x) => as(x, 'float32'));
/** `to('float64')`. @example double(tensor([1, 2])).dtype; // 'float64' */
export const double: Single = define('double', single, (x) => as(x, 'float64'));
/** `to('int32')`. @example int(tensor([1.9, -1.9])); // tensor([ 1, -1]) */
export const int: Single = define('int', single, (x) => as(x, 'int32'));
/** `to('int32')`: int32 stands for PyTorch's int64. @example long(tensor([1.9, -1.9])); // tensor([ 1, -1]) */
export const long: Single = define('long', single, (x) => as(x, 'int32'));
/** `to('bool')`. @example bool(tensor([0, 0.5])); // tensor([False,  True]) */
export const bool: Single = define('bool', single, (x) => as(x, 'bool'));

/** Writes the values of `src`, broadcast and converted, over those of `x`. @example zeros([2]).copy_(tensor(7)); // tensor([7., 7.]) */
export const copy_: FunctionOf<Tensor, typeof writing> = define('copy_', writing, (x, src) => {
  const fitting = isInteger(x.dtype) ? asInt32('copy_', src) : src;
  return writeInPlace('copy_', copying, x, [fitting], wide(x, fitting));
});

const wide = (x: Tensor, source: Operand) => {
  return computeType(typeof source === 'number' ? x.dtype : wider(x.dtype, source.dtype));
};

/** What is about to be written over integers, refused before that if int32 does not hold it. */
function asInt32(op: string, source: Operand): Operand {
  if (typeof source !== 'number') return isFloat(source.dtype) ? convert(source, 'int32') : source;
  requireInt32(op, source);
  return source;
}

/** Writes `value` over every element of `x`. @example empty([2]).fill_(0.5); // tensor([0.5000, 0.5000]) */
export const fill_: FunctionOf<Tensor, typeof filling> = define('fill_', filling, (x, value) => {
  const operand = typeof value === 'boolean' ? Number(value) : value;
  return writeInPlace('fill_', copying, x, [isInteger(x.dtype) ? asInt32('fill_', operand) : operand]);
});

/**
 * A tensor of the shape and type of `x` with one value in every element; a gradient flows to that of a 0-d tensor.
 *
 * @throws ShapeError for a value of any dimensions
 * @example
 * ```ts
 * fill(tensor([1, 2]), 0.5); // tensor([0.5000, 0.5000])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.fill.html
 */
export const fill: FunctionOf<Tensor, typeof filling> = define('fill', filling, (x, value) => {
  if (typeof value === 'number' || typeof value === 'boolean') return fill_(emptyOf(shapeOf(x), x.dtype), value);
  if (value.ndim > 0)
    throw new ShapeError(`fill: value must be a number or a 0-d tensor, got shape ${show(value.shape)}`);
  return convert(expandTo(convert(value, x.dtype), shapeOf(x)), x.dtype);
});

/** Writes 0 over every element of `x`. @example ones([2]).zero_(); // tensor([0., 0.]) */
export const zero_: Single = define('zero_', single, (x) => writeInPlace('zero_', copying, x, [0]));
