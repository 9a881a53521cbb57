import { define } from '../arguments/define.js';
import type { FunctionOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { DEFAULT_FLOAT, type DType, dtypes, isFloat } from '../backend/dtype.js';
import * as kinds from './kinds.js';
import type { Tensor } from './tensor.js';

/** What elementwise operations take: a tensor, or a number that stands for a 0-d tensor. */
export type Operand = Tensor | number;

const pairing = signature('type1, type2, /', { type1: kinds.dtype, type2: kinds.dtype });

const mixing = signature('operands, /', {
  operands: kinds.listOf('an array of tensors and numbers', kinds.operand),
});

/** The wider of two element types: bool < int32 < float32 < float64. @example promoteTypes('int32', 'float32'); // 'float32' */
export const promoteTypes: FunctionOf<DType, typeof pairing> = define('promoteTypes', pairing, (a, b) => wider(a, b));

/** `promoteTypes` of what are element types for certain. */
export const wider = (a: DType, b: DType): DType => (a === b || dtypes[a].rank >= dtypes[b].rank ? a : b);

/** The type of what is computed of elements of a type, where that is not whole: float32 of integers and bools. */
export const floatOf = (dtype: DType): DType => (isFloat(dtype) ? dtype : DEFAULT_FLOAT);

const numberType = (value: number): DType => (Number.isInteger(value) ? 'int32' : DEFAULT_FLOAT);

/** Tensors with dimensions decide; 0-d tensors, then numbers, count only if their category (bool, integer, float) is higher. */
function outrank(higher: DType | undefined, lower: DType | undefined): DType | undefined {
  if (higher === undefined || lower === undefined) return higher ?? lower;
  return dtypes[lower].category > dtypes[higher].category ? lower : higher;
}

/**
 * The element type of a result, by PyTorch's rules: tensors with dimensions decide, then 0-d tensors, then numbers. Numbers are integers if
 * their value is one: JavaScript cannot tell 2 from 2.0.
 *
 * @example
 * ```ts
 * resultType([tensor([1], { dtype: 'int32' }), 2.5]); // 'float32'
 * resultType([tensor([1]), tensor(2, { dtype: 'float64' })]); // 'float32'
 * ```
 * @see https://pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc
 */
export const resultType: FunctionOf<DType, typeof mixing> = define('resultType', mixing, (operands) =>
  commonType(operands),
);

/** `resultType` of what are operands for certain, those from one number up to another. */
export function commonType(operands: readonly Operand[], from = 0, to = operands.length): DType {
  const first = operands[from];
  if (to - from === 1 && typeof first === 'object') return first.dtype;
  let tensors: DType | undefined;
  let scalars: DType | undefined;
  let numbers: DType | undefined;
  for (let i = from; i < to; i++) {
    const x = operands[i]!;
    if (typeof x === 'number') numbers = numbers === undefined ? numberType(x) : wider(numbers, numberType(x));
    else if (x.ndim > 0) tensors = tensors === undefined ? x.dtype : wider(tensors, x.dtype);
    else scalars = scalars === undefined ? x.dtype : wider(scalars, x.dtype);
  }
  if (tensors !== undefined && scalars === undefined && numbers === undefined) return tensors;
  return outrank(tensors, outrank(scalars, numbers)) ?? DEFAULT_FLOAT;
}
