import { record } from '../autograd/node.js';
import { backend } from '../backend/index.js';
import { ShapeError } from '../errors.js';
import { emptyOf } from '../tensor/empty.js';
import { show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { lineOf } from './lines.js';
import { pickedRule } from './picking.js';

// What operations on the order of elements are made of.

const sortRule = pickedRule('Sort');

/** The first `count` elements along an axis in their order, and where each was. */
export function sortAlong(
  x: Tensor,
  axis: number,
  descending = false,
  count = lengthAlong(x, axis),
  rule = sortRule,
): [values: Tensor, indices: Tensor] {
  const shape = x.ndim === 0 ? [] : shapeOf(x).with(axis, count);
  const [values, indices] = [emptyOf(shape, x.dtype), emptyOf(shape, 'int32')];
  backend.sort(lineOf(values), lineOf(indices), lineOf(x), axis, descending ? 'descending' : 'ascending');
  return [record(values, rule, [x], [indices], { shape: shapeOf(x), axis }), indices];
}

/** How many elements a line along an axis has. */
export const lengthAlong = (x: Tensor, axis: number): number => shapeOf(x)[axis] ?? 1;

/** Refuses to choose from nothing. */
export function requireLength(op: string, x: Tensor, axis: number): void {
  if (lengthAlong(x, axis) > 0) return;
  throw new ShapeError(`${op}: dim ${axis} of ${show(x.shape)} is empty, and nothing has no ${op}`);
}
