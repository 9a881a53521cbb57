import type { DType } from '../backend/dtype.js';
import { isBool, isFloat } from '../backend/dtype.js';
import { DTypeError, ShapeError } from '../errors.js';
import type { Frame } from '../tensor/kernel.js';
import type { Dims } from '../tensor/kinds.js';
import * as kinds from '../tensor/kinds.js';
import { normalizeDims, show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { to } from './conversion.js';

// What reductions have in common: their parameters, what they run over, and what they refuse.

export const dim = {
  /** Which dimensions to reduce: one, several, or null for all. Default: null. */
  dim: kinds.dims.default(null),
};

export const keepdim = {
  /** Keep the reduced dimensions with size 1. Default: false. */
  keepdim: kinds.boolean.default(false),
};

export const frameOf = (op: string, x: Tensor, dim: Dims, keepdim: boolean): Frame => ({
  shape: shapeOf(x),
  axes: normalizeDims(op, dim, x.ndim),
  keepdim,
});

/** How many elements each result is made of. */
export const foldedSize = ({ shape, axes }: Frame): number => axes.reduce((size, axis) => size * shape[axis]!, 1);

export function requireElements(op: string, frame: Frame): void {
  const empty = frame.axes.find((axis) => frame.shape[axis] === 0);
  if (empty !== undefined)
    throw new ShapeError(`${op}: dim ${empty} of ${show(frame.shape)} is empty, and nothing has no ${op}`);
}

export function requireFloat(op: string, dtype: DType): void {
  if (!isFloat(dtype)) throw new DTypeError(`${op}: expected a float tensor, got ${dtype}; convert with .float()`);
}

/** The operand in the type asked for. */
export const converted = (x: Tensor, dtype: DType | null): Tensor => (dtype === null ? x : to(x, dtype));

/** Integers and bools add up in int32. */
export const sumType = (x: Tensor, dtype: DType | null): DType => dtype ?? (isBool(x.dtype) ? 'int32' : x.dtype);
