import { define } from '../arguments/define.js';
import type { FunctionOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { sameShape } from '../backend/view.js';
import { ShapeError } from '../errors.js';
import * as kinds from '../tensor/kinds.js';
import { owned } from '../tensor/layout.js';
import { show } from '../tensor/shape.js';
import { baseOf, shapeOf, type Tensor, viewOf } from '../tensor/tensor.js';
import { clone } from './conversion.js';
import { selectedOf, slicedOf } from './slices.js';
import { asStrided, diagonalOf, diagonals, reachOf, stridedOf, strides } from './strided.js';

// A copy of a tensor with another in the place of a view: the adjoints of views.

function scattered(op: string, x: Tensor, source: Tensor, look: (x: Tensor) => Tensor): Tensor {
  const place = look(x.detach());
  if (!sameShape(shapeOf(place), shapeOf(source))) {
    throw new ShapeError(`${op}: expected a source of shape ${show(place.shape)}, got ${show(source.shape)}`);
  }
  const result = clone(x);
  look(result).copy_(source);
  return result;
}

const selecting = signature('input, src, /, dim, index', {
  input: kinds.tensor,
  src: kinds.tensor,
  dim: kinds.dim,
  index: kinds.integer,
});
const slicing = signature('input, src, /, dim, start, end, step', {
  input: kinds.tensor,
  src: kinds.tensor,
  /** The dimension. Default: 0. */
  dim: kinds.dim.default(0),
  /** The first position. Default: 0. */
  start: kinds.integer.default(0),
  /** The position behind the last. Default: null, the size. */
  end: kinds.integer.optional(),
  /** How far apart they are. Default: 1. */
  step: kinds.integerFrom(1).default(1),
});
const settingDiagonals = signature('input, src, /, offset, dim1, dim2', {
  input: kinds.tensor,
  src: kinds.tensor,
  ...diagonals,
});

/**
 * A copy of `x` with `src` in the place of `x.select(dim, index)`.
 *
 * @throws ShapeError if the source has not that shape; ValueError if the index is out of range
 * @example
 * ```ts
 * selectScatter(zeros([2, 2]), tensor([1, 2]), 0, 1); // tensor([[0., 0.], [1., 2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.select_scatter.html
 */
export const selectScatter: FunctionOf<Tensor, typeof selecting> = define(
  'selectScatter',
  selecting,
  (x, src, dim, index) => scattered('selectScatter', x, src, (of) => selectedOf('selectScatter', of, dim, index)),
);

/**
 * A copy of `x` with `src` in the place of `x.slice(dim, start, end, step)`.
 *
 * @throws ShapeError if the source has not that shape
 * @example
 * ```ts
 * sliceScatter(zeros([4]), tensor([1, 2]), 0, 0, 4, 2); // tensor([1., 0., 2., 0.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.slice_scatter.html
 */
export const sliceScatter: FunctionOf<Tensor, typeof slicing> = define(
  'sliceScatter',
  slicing,
  (x, src, dim, start, end, step) =>
    scattered('sliceScatter', x, src, (of) => slicedOf('sliceScatter', of, dim, start, end, step)),
);

/**
 * A copy of `x` with `src` in the place of `x.diagonal(offset, dim1, dim2)`.
 *
 * @throws ShapeError if the source has not that shape
 * @example
 * ```ts
 * diagonalScatter(zeros([2, 2]), tensor([1, 2])); // tensor([[1., 0.], [0., 2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.diagonal_scatter.html
 */
export const diagonalScatter: FunctionOf<Tensor, typeof settingDiagonals> = define(
  'diagonalScatter',
  settingDiagonals,
  (x, src, offset, dim1, dim2) =>
    scattered('diagonalScatter', x, src, (of) => diagonalOf('diagonalScatter', of, offset, dim1, dim2)),
);

const striding = signature('input, src, /, size, stride, storageOffset', {
  input: kinds.tensor,
  src: kinds.tensor,
  ...strides,
});

/**
 * A copy of `x` with `src` in the place of `x.asStrided(size, stride, storageOffset)`: the strides of the copy are those of `x`.
 *
 * @throws ShapeError if the source has not that shape, or that reaches beyond the memory of the tensor
 * @example
 * ```ts
 * asStridedScatter(zeros([2, 3]), tensor([1, 2]), [2], [4], 1); // tensor([[0., 1., 0.], [0., 0., 2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.as_strided_scatter.html
 */
export const asStridedScatter: FunctionOf<Tensor, typeof striding> = define(
  'asStridedScatter',
  striding,
  (x, src, size, stride, storageOffset) => {
    // A copy of all the memory, in which strides and offsets mean what they mean in that of the tensor.
    const [first, last] = reachOf(viewOf(baseOf(x) ?? x));
    const memory = asStrided(x, [last - first + 1], [1], first);
    const offset = (storageOffset ?? x.offset) - first;
    const copy = scattered('asStridedScatter', memory, src, (of) =>
      stridedOf('asStridedScatter', of, size, stride, of.offset + offset),
    );
    return owned(asStrided(copy, shapeOf(x), viewOf(x).strides, copy.offset + x.offset - first));
  },
);
