import { define } from '../arguments/define.js';
import type { FunctionOf } from '../arguments/forms.js';
import { followRetained } from '../autograd/hooks.js';
import { recordsGradients, withGrad } from '../autograd/mode.js';
import { requireFresh } from '../autograd/node.js';
import { recording } from '../backend/recording.js';
import { type Single, single } from '../tensor/parameters.js';
import { becomeView, nodeOf, type Tensor } from '../tensor/tensor.js';
import { refuseLeaf } from '../tensor/windows.js';
import {
  exchangedOf,
  exchanging,
  inserting,
  squeezedOf,
  squeezing,
  swappingAxes,
  transposeOf,
  unsqueezedOf,
} from './dimensions.js';
import type { SqueezeOptions } from './views.js';

// In-place forms of views: the tensor itself gets the shape and the strides of its view. No value changes, so that other views of the same
// memory stay as they are.

/** Makes `x` what `look` sees of it. Its history goes on within noGrad too: what flows into another shape would not fit what made it. */
function become(op: string, x: Tensor, look: () => Tensor): Tensor {
  recording?.reshaped(x, op);
  if (recordsGradients()) {
    requireFresh(op, [x]);
    refuseLeaf(op, x);
  }
  const node = nodeOf(x);
  becomeView(x, node === null ? look() : withGrad(true, look));
  followRetained(x);
  return x;
}

/**
 * `squeeze` of the tensor itself: its dimensions of size 1 removed, all of them or those that `dim` names.
 *
 * @throws AutogradError for a leaf that requires a gradient, or a view of one, while gradients are recorded; CaptureError within a captured function, for a tensor from
 * outside
 * @example
 * ```ts
 * const x = zeros([1, 2, 1]);
 * x.squeeze_(0);
 * x.shape; // [2, 1]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.squeeze_.html
 */
export const squeeze_: FunctionOf<Tensor, typeof squeezing, SqueezeOptions> = define('squeeze_', squeezing, (x, dim) =>
  become('squeeze_', x, () => squeezedOf('squeeze_', x, dim)),
);

/**
 * `unsqueeze` of the tensor itself: a dimension of size 1 inserted at `dim`.
 *
 * @throws as `squeeze_`
 * @example
 * ```ts
 * const x = zeros([2, 3]);
 * x.unsqueeze_(0);
 * x.shape; // [1, 2, 3]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.unsqueeze_.html
 */
export const unsqueeze_: FunctionOf<Tensor, typeof inserting> = define('unsqueeze_', inserting, (x, dim) =>
  become('unsqueeze_', x, () => unsqueezedOf('unsqueeze_', x, dim)),
);

/**
 * `t` of the tensor itself: a matrix becomes its transpose.
 *
 * @throws ShapeError for more than two dimensions, and as `squeeze_`
 * @example
 * ```ts
 * const x = tensor([[1, 2], [3, 4]]);
 * x.t_(); // tensor([[1., 3.], [2., 4.]])
 * x.strides; // [1, 2]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.t_.html
 */
export const t_: Single = define('t_', single, (x) => become('t_', x, () => transposeOf('t_', x)));

/**
 * `transpose` of the tensor itself: two of its dimensions exchanged.
 *
 * @throws as `squeeze_`
 * @example
 * ```ts
 * const x = zeros([2, 3, 5]);
 * x.transpose_(0, -1);
 * x.shape; // [5, 3, 2]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.transpose_.html
 */
export const transpose_: FunctionOf<Tensor, typeof exchanging> = define('transpose_', exchanging, (x, dim0, dim1) =>
  become('transpose_', x, () => exchangedOf('transpose_', x, dim0, dim1)),
);

/** The same as `transpose_`. @example swapaxes_(zeros([2, 3, 5]), 0, -1).shape; // [5, 3, 2] */
export const swapaxes_: FunctionOf<Tensor, typeof swappingAxes> = define('swapaxes_', swappingAxes, (x, axis0, axis1) =>
  become('swapaxes_', x, () => exchangedOf('swapaxes_', x, axis0, axis1)),
);

/** The same as `transpose_`. @example swapdims_(zeros([2, 3, 5]), 0, -1).shape; // [5, 3, 2] */
export const swapdims_: FunctionOf<Tensor, typeof exchanging> = define('swapdims_', exchanging, (x, dim0, dim1) =>
  become('swapdims_', x, () => exchangedOf('swapdims_', x, dim0, dim1)),
);
