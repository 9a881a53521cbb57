import { checkDType, computeType, type DType, isFloat, isInteger } from '../backend/dtype.js';
import { isContiguous } from '../backend/view.js';
import { checkOperand, checkTensor } from '../tensor/arguments.js';
import { convert } from '../tensor/basics.js';
import { requireInt32 } from '../tensor/check.js';
import { writeInPlace } from '../tensor/elementwise.js';
import { copying } from '../tensor/formula.js';
import { type Operand, wider } from '../tensor/promotion.js';
import { Tensor } from '../tensor/tensor.js';

/** A contiguous copy; the gradient passes through. @example clone(tensor([1, 2])); // tensor([1., 2.]) */
export function clone(x: Tensor): Tensor {
  checkTensor('clone', 'the input', x);
  return convert(x, x.dtype);
}

/** The tensor itself if its elements are in row-major order, else such a copy. @example contiguous(ones([2, 3]).t()).isContiguous(); // true */
export function contiguous(x: Tensor): Tensor {
  checkTensor('contiguous', 'the input', x);
  return isContiguous(x) ? x : clone(x);
}

/**
 * The tensor as another element type (that of `target`, if it is a tensor); itself if it has that type already. Floats become integers
 * by truncation, and any number but 0 (NaN included) becomes true.
 *
 * @throws ValueError for NaN, infinities and numbers beyond int32 as int32, where PyTorch gives any value
 * @example
 * ```ts
 * tensor([1.9, -1.9]).to('int32'); // tensor([ 1, -1])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.to.html
 */
export function to(x: Tensor, target: DType | Tensor): Tensor {
  checkTensor('to', 'the input', x);
  const dtype = target instanceof Tensor ? target.dtype : target;
  checkDType('to', dtype);
  return dtype === x.dtype ? x : convert(x, dtype);
}

/** `to('float32')`. @example float(tensor([true, false])); // tensor([1., 0.]) */
export const float = (x: Tensor): Tensor => to(x, 'float32');
/** `to('float64')`. @example double(tensor([1, 2])).dtype; // 'float64' */
export const double = (x: Tensor): Tensor => to(x, 'float64');
/** `to('int32')`. @example int(tensor([1.9, -1.9])); // tensor([ 1, -1]) */
export const int = (x: Tensor): Tensor => to(x, 'int32');
/** `to('int32')`: int32 stands for PyTorch's int64. @example long(tensor([1.9, -1.9])); // tensor([ 1, -1]) */
export const long = (x: Tensor): Tensor => to(x, 'int32');
/** `to('bool')`. @example bool(tensor([0, 0.5])); // tensor([False,  True]) */
export const bool = (x: Tensor): Tensor => to(x, 'bool');

/** Writes the values of `source`, broadcast and converted, over those of `x`. @example zeros([2]).copy_(tensor(7)); // tensor([7., 7.]) */
export function copy_(x: Tensor, source: Operand): Tensor {
  checkTensor('copy_', 'the target', x);
  checkOperand('copy_', 'the source', source);
  const fitting = isInteger(x.dtype) ? asInt32('copy_', source) : source;
  return writeInPlace('copy_', copying, x, [fitting], wide(x, fitting));
}

const wide = (x: Tensor, source: Operand) => {
  return computeType(typeof source === 'number' ? x.dtype : wider(x.dtype, source.dtype));
};

/** What is about to be written over integers, refused before that if int32 does not hold it. */
function asInt32(op: string, source: Operand): Operand {
  if (typeof source === 'number') requireInt32(op, source);
  return source instanceof Tensor && isFloat(source.dtype) ? convert(source, 'int32') : source;
}

/** Writes `value` over every element of `x`. @example empty([2]).fill_(0.5); // tensor([0.5000, 0.5000]) */
export function fill_(x: Tensor, value: Operand | boolean): Tensor {
  checkTensor('fill_', 'the target', x);
  const operand = typeof value === 'boolean' ? Number(value) : value;
  checkOperand('fill_', 'the value', operand);
  return writeInPlace('fill_', copying, x, [isInteger(x.dtype) ? asInt32('fill_', operand) : operand]);
}

/** Writes 0 over every element of `x`. @example ones([2]).zero_(); // tensor([0., 0.]) */
export function zero_(x: Tensor): Tensor {
  checkTensor('zero_', 'the target', x);
  return writeInPlace('zero_', copying, x, [0]);
}
