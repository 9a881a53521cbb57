import { describe } from '../describe.js';
import { ShapeError, ValueError } from '../errors.js';
import { normalizeDim, removed } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { lookApart, lookAt } from '../tensor/windows.js';

// Parts of a tensor along one axis, in the name of whatever operation asks for them.

/** `length` elements along an axis from `start` on, `step` apart. All are there. */
export const takeSlice = (x: Tensor, axis: number, start: number, length: number, step: number): Tensor =>
  lookAt(x, 'Slice', ({ shape, strides, offset }) => ({
    shape: shape.with(axis, length),
    strides: strides.with(axis, strides[axis]! * step),
    offset: offset + start * strides[axis]!,
  }));

/** Neighbours along an axis, so many each: together they are all of it. */
export const takeParts = (x: Tensor, axis: number, sizes: readonly number[]): Tensor[] => {
  let end = 0;
  const starts = sizes.map((size) => {
    end += size;
    return end - size;
  });
  return lookApart(
    x,
    'Split',
    sizes.map((size, i) => ({ shape, strides, offset }) => ({
      shape: shape.with(axis, size),
      strides,
      offset: offset + starts[i]! * strides[axis]!,
    })),
  );
};

/** All slices along an axis, which is removed. */
export const takeAll = (x: Tensor, axis: number): Tensor[] =>
  lookApart(
    x,
    'Unbind',
    Array.from({ length: shapeOf(x)[axis]! }, (_, i) => ({ shape, strides, offset }) => ({
      shape: removed(shape, axis),
      strides: removed(strides, axis),
      offset: offset + i * strides[axis]!,
    })),
  );

/** The slice at `index` along an axis, which is removed. It is there. */
const takeOne = (x: Tensor, axis: number, index: number): Tensor =>
  lookAt(x, 'Select', ({ shape, strides, offset }) => ({
    shape: removed(shape, axis),
    strides: removed(strides, axis),
    offset: offset + index * strides[axis]!,
  }));

/** Every `step`-th element along `dim` from `start` up to `end` (null: to the end), as Python has it. */
export function slicedOf(op: string, x: Tensor, dim: number, start: number, end: number | null, step: number): Tensor {
  const axis = axisOf(op, x, dim);
  const size = shapeOf(x)[axis]!;
  const clip = (i: number) => Math.min(size, Math.max(0, i < 0 ? i + size : i));
  const first = clip(start);
  return takeSlice(x, axis, first, Math.max(0, Math.ceil((clip(end ?? size) - first) / step)), step);
}

/** The slice at `index` along `dim`, which is removed; negative ones count from the end. */
export function selectedOf(op: string, x: Tensor, dim: number, index: number): Tensor {
  const axis = axisOf(op, x, dim);
  const size = shapeOf(x)[axis]!;
  if (!Number.isInteger(index) || index < -size || index >= size) {
    throw new ValueError(`${op}: index ${describe(index)} is out of range for dim ${dim} of size ${size}`);
  }
  return takeOne(x, axis, index < 0 ? index + size : index);
}

/** The axis that `dim` names, of a tensor that has any. */
export function axisOf(op: string, x: Tensor, dim: number): number {
  if (x.ndim === 0) throw new ShapeError(`${op}: cannot be applied to a 0-d tensor`);
  return normalizeDim(op, dim, x.ndim);
}
