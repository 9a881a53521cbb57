import { checkDType, DEFAULT_FLOAT, type DType, dtypes } from '../backend/dtype.js';
import { describe } from '../describe.js';
import { ValueError } from '../errors.js';
import { checkOperand } from './arguments.js';
import type { Tensor } from './tensor.js';

/** What elementwise operations take: a tensor, or a number that stands for a 0-d tensor. */
export type Operand = Tensor | number;

/** The wider of two element types: bool < int32 < float32 < float64. @example promoteTypes('int32', 'float32'); // 'float32' */
export function promoteTypes(a: DType, b: DType): DType {
  checkDType('promoteTypes', a);
  checkDType('promoteTypes', b);
  return wider(a, b);
}

/** `promoteTypes` of what are element types for certain. */
export const wider = (a: DType, b: DType): DType => (dtypes[a].rank >= dtypes[b].rank ? a : b);

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
export function resultType(operands: readonly Operand[]): DType {
  if (!Array.isArray(operands)) throw new ValueError(`resultType: expected an array, got ${describe(operands)}`);
  for (let i = 0; i < operands.length; i++) checkOperand('resultType', `operand ${i}`, operands[i]);
  return commonType(operands);
}

/** `resultType` of what are operands for certain. */
export function commonType(operands: readonly Operand[]): DType {
  let tensors: DType | undefined;
  let scalars: DType | undefined;
  let numbers: DType | undefined;
  for (const x of operands) {
    if (typeof x === 'number') numbers = numbers === undefined ? numberType(x) : wider(numbers, numberType(x));
    else if (x.ndim > 0) tensors = tensors === undefined ? x.dtype : wider(tensors, x.dtype);
    else scalars = scalars === undefined ? x.dtype : wider(scalars, x.dtype);
  }
  return outrank(tensors, outrank(scalars, numbers)) ?? DEFAULT_FLOAT;
}
