import type { DType } from '../backend/dtype.js';
import { allocate } from '../backend/storage.js';
import { contiguousStrides, copyOf, isContiguous, keptStrides, sizeOf, type View } from '../backend/view.js';
import type { Shape } from './shape.js';
import { storageOf, Tensor, viewOf } from './tensor.js';

/** A new contiguous tensor with whatever its memory held. The shape is copied: it may be an array of the user's. */
export function emptyOf(shape: Shape, dtype: DType): Tensor {
  const sizes = copyOf(shape);
  return new Tensor({
    storage: allocate(dtype, sizeOf(sizes)),
    offset: 0,
    shape: sizes,
    strides: contiguousStrides(sizes),
    dtype,
  });
}

/** A new contiguous tensor that holds one value, which its element type can. */
export function filledOf(shape: Shape, value: number, dtype: DType): Tensor {
  const x = emptyOf(shape, dtype);
  storageOf(x).array(dtype).fill(value);
  return x;
}

/** The same for the shape of a tensor, whose shape and strides are shared when they fit. */
export function emptyWithShapeOf(tensor: Tensor, dtype: DType): Tensor {
  const view = viewOf(tensor);
  return emptyBy(view.shape, isContiguous(view) ? view.strides : contiguousStrides(view.shape), dtype);
}

/** The same in the order of memory of the tensor. */
export function emptyLikeOf(tensor: Tensor, dtype: DType): Tensor {
  const view = viewOf(tensor);
  return emptyBy(view.shape, isContiguous(view) ? view.strides : keptStrides(view.shape, [view]), dtype);
}

/** A new tensor in the order of memory of others, which are broadcast to its shape. */
export function emptyInOrderOf(views: readonly View[], shape: Shape, dtype: DType): Tensor {
  return emptyBy(shape, views.every(isContiguous) ? contiguousStrides(shape) : keptStrides(shape, views), dtype);
}

function emptyBy(shape: Shape, strides: readonly number[], dtype: DType): Tensor {
  return new Tensor({ storage: allocate(dtype, sizeOf(shape)), offset: 0, shape, strides, dtype });
}
