import type { DType } from '../backend/dtype.js';
import { allocate } from '../backend/storage.js';
import { contiguousStrides, isContiguous, sizeOf } from '../backend/view.js';
import type { Shape } from './shape.js';
import { Tensor } from './tensor.js';

/** A new contiguous tensor with whatever its memory held. */
export function emptyOf(shape: Shape, dtype: DType): Tensor {
  return new Tensor(allocate(dtype, sizeOf(shape)), 0, shape, contiguousStrides(shape), dtype);
}

/** The same for the shape of a tensor, whose shape and strides are shared when they fit. */
export function emptyWithShapeOf(tensor: Tensor, dtype: DType): Tensor {
  const strides = isContiguous(tensor) ? tensor.strides : contiguousStrides(tensor.shape);
  return new Tensor(allocate(dtype, sizeOf(tensor.shape)), 0, tensor.shape, strides, dtype);
}
