import { define } from '../arguments/define.js';
import type { FunctionOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { ShapeError } from '../errors.js';
import * as kinds from '../tensor/kinds.js';
import { fitted, owned, repetition, viewAs as seenAs } from '../tensor/layout.js';
import { broadcastsTo, show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { sum } from './reductions.js';

// The shape of another tensor, or the one that a tensor was broadcast from.

const likening = signature('input, other, /', { input: kinds.tensor, other: kinds.tensor });
const summing = signature('input, /, size', { input: kinds.tensor, size: kinds.shape });

/** `view` in the shape of `other`. @example viewAs(arange(4), zeros([2, 2])); // tensor([[0, 1], [2, 3]]) */
export const viewAs: FunctionOf<Tensor, typeof likening> = define('viewAs', likening, (x, other) =>
  seenAs(x, shapeOf(other)),
);

/**
 * Σ x over the dimensions that broadcasting from `size` would add or repeat: the adjoint of `expand`.
 *
 * @throws ShapeError if `size` does not broadcast to the shape of the tensor
 * @example
 * ```ts
 * sumToSize(ones([2, 3]), [1, 3]); // tensor([[2., 2., 2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.sum_to_size.html
 */
export const sumToSize: FunctionOf<Tensor, typeof summing> = define('sumToSize', summing, (x, size) => {
  if (!broadcastsTo(size, shapeOf(x)))
    throw new ShapeError(`sumToSize: ${show(size)} does not broadcast to ${show(x.shape)}`);
  const { axes } = repetition(size, shapeOf(x));
  return axes.length === 0 ? fitted(x, size) : owned(fitted(sum(x, axes, { keepdim: true }), size));
});
