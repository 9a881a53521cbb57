import { signature } from '../arguments/signature.js';
import type { BackwardRule } from '../autograd/node.js';
import { ShapeError } from '../errors.js';
import * as kinds from '../tensor/kinds.js';
import { reshapeRule, view } from '../tensor/layout.js';
import { checkNdim, inserted, normalizeDim, normalizeDims, show } from '../tensor/shape.js';
import { shapeOf, type Tensor, viewOf } from '../tensor/tensor.js';

// Views with dimensions exchanged, removed or added, in the name of whatever operation asks for them.

export const exchanging = signature('input, /, dim0, dim1', { input: kinds.tensor, dim0: kinds.dim, dim1: kinds.dim });

export const swappingAxes = signature('input, /, axis0, axis1', {
  input: kinds.tensor,
  axis0: kinds.dim,
  axis1: kinds.dim,
});

export const squeezing = signature('input, /, dim', {
  input: kinds.tensor,
  /** Which dimensions: one, several, or null for all. Default: null. */
  dim: kinds.dims.default(null),
});

export const inserting = signature('input, /, dim', { input: kinds.tensor, dim: kinds.dim });

const transposeRule: BackwardRule<{ readonly a: number; readonly b: number }> = {
  name: 'Transpose',
  backward: (g, _, { a, b }) => [turned(g, a, b)],
};

function turned(x: Tensor, a: number, b: number): Tensor {
  const { shape, strides, offset } = viewOf(x);
  return view(x, exchanged(shape, a, b), exchanged(strides, a, b), offset, transposeRule, { a, b });
}

function exchanged(values: readonly number[], a: number, b: number): number[] {
  const result = values.slice();
  result[a] = values[b]!;
  result[b] = values[a]!;
  return result;
}

const aliasRule: BackwardRule<null> = { name: 'Alias', backward: (g) => [g] };
const alias = (x: Tensor): Tensor => view(x, shapeOf(x), viewOf(x).strides, viewOf(x).offset, aliasRule, null);

/** Two dimensions exchanged. */
export function exchangedOf(op: string, x: Tensor, dim0: number, dim1: number): Tensor {
  const a = normalizeDim(op, dim0, x.ndim);
  const b = normalizeDim(op, dim1, x.ndim);
  return x.ndim === 0 ? alias(x) : turned(x, a, b);
}

/** The transpose of a matrix; a tensor of fewer than two dimensions as it is. */
export function transposeOf(op: string, x: Tensor): Tensor {
  if (x.ndim > 2)
    throw new ShapeError(`${op}: expected at most 2 dimensions, got ${show(x.shape)}; use transpose or permute`);
  return x.ndim < 2 ? alias(x) : turned(x, 0, 1);
}

/** Dimensions of size 1 removed. */
export function squeezedOf(op: string, x: Tensor, dim: kinds.Dims): Tensor {
  const named = Array.isArray(dim) && dim.length === 0 ? [] : normalizeDims(op, dim, x.ndim);
  const keep = (axis: number) => shapeOf(x)[axis] !== 1 || !named.includes(axis);
  const shape = shapeOf(x).filter((_, axis) => keep(axis));
  const strides = viewOf(x).strides.filter((_, axis) => keep(axis));
  return view(x, shape, strides, viewOf(x).offset, reshapeRule, shapeOf(x));
}

/** A dimension of size 1 inserted. */
export function unsqueezedOf(op: string, x: Tensor, dim: number): Tensor {
  const axis = normalizeDim(op, dim, x.ndim + 1);
  checkNdim(op, x.ndim + 1);
  const { shape, strides, offset } = viewOf(x);
  const step = axis < x.ndim ? shape[axis]! * strides[axis]! : 1;
  return view(x, inserted(shape, axis, 1), inserted(strides, axis, step), offset, reshapeRule, shape);
}
