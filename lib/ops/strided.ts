import { define } from '../arguments/define.js';
import type { FunctionOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import type { BackwardRule } from '../autograd/node.js';
import { isRepeated, type View } from '../backend/view.js';
import { ShapeError } from '../errors.js';
import * as kinds from '../tensor/kinds.js';
import { view } from '../tensor/layout.js';
import { checkNdim, normalizeDim, show } from '../tensor/shape.js';
import { baseOf, type Tensor, viewOf } from '../tensor/tensor.js';
import { adjointOf, lookAt, through, type Window } from '../tensor/windows.js';
import { full } from './creation.js';
import { div } from './pointwise.js';

// Views that show elements in an order of their own, some of them several times.

const unfolding = signature('input, /, dimension, size, step', {
  input: kinds.tensor,
  dimension: kinds.dim,
  size: kinds.integerFrom(0),
  step: kinds.integerFrom(1),
});

/**
 * Slices of `size` neighbours along `dim`, `step` apart, as a last dimension. Where `step` is less than `size` they overlap, and so do their
 * gradients.
 *
 * @returns a view: [..., (n - size) / step + 1, ..., size]
 * @throws ShapeError if `size` is more than the dimension has
 * @example
 * ```ts
 * arange(5).unfold(0, 3, 1); // tensor([[0, 1, 2], [1, 2, 3], [2, 3, 4]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.unfold.html
 */
export const unfold: FunctionOf<Tensor, typeof unfolding> = define('unfold', unfolding, (x, dimension, size, step) => {
  const axis = normalizeDim('unfold', dimension, x.ndim);
  checkNdim('unfold', x.ndim + 1);
  const length = viewOf(x).shape[axis] ?? 1;
  if (size > length) {
    throw new ShapeError(
      `unfold: size ${size} is more than the ${length} elements of dim ${dimension} in ${show(x.shape)}`,
    );
  }
  const count = Math.floor((length - size) / step) + 1;
  const places = (of: readonly number[], each: number, last: number) =>
    of.length === 0 ? [last] : [...of.with(axis, each), last];
  return lookAt(x, 'Unfold', ({ shape, strides, offset }) => {
    const apart = strides[axis] ?? 1;
    return { shape: places(shape, count, size), strides: places(strides, apart * step, apart), offset };
  });
});

/** Which diagonal of matrices, and which dimensions span these. */
export const diagonals = {
  /** 0 for the main diagonal, above it if positive, below if negative. Default: 0. */
  offset: kinds.integer.default(0),
  /** The rows. Default: 0. */
  dim1: kinds.dim.default(0),
  /** The columns. Default: 1. */
  dim2: kinds.dim.default(1),
};

const takingDiagonals = signature('input, /, offset, dim1, dim2', { input: kinds.tensor, ...diagonals });

/**
 * The diagonals of the matrices that two dimensions span, as a last dimension.
 *
 * @returns a view
 * @throws ShapeError if both dims are one
 * @example
 * ```ts
 * diagonal(tensor([[1, 2, 3], [4, 5, 6]])); // tensor([1., 5.])
 * diagonal(tensor([[1, 2, 3], [4, 5, 6]]), 1); // tensor([2., 6.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.diagonal.html
 */
export const diagonal: FunctionOf<Tensor, typeof takingDiagonals> = define(
  'diagonal',
  takingDiagonals,
  (x, offset, dim1, dim2) => diagonalOf('diagonal', x, offset, dim1, dim2),
);

/** `diagonal` in the name of `op`. */
export function diagonalOf(op: string, x: Tensor, offset: number, dim1: number, dim2: number): Tensor {
  const [rows, columns] = matrixAxes(op, x.ndim, dim1, dim2);
  return lookAt(x, 'Diagonal', ({ shape, strides, offset: start }) => {
    const [down, right] = [Math.max(0, -offset), Math.max(0, offset)];
    const length = Math.max(0, Math.min(shape[rows]! - down, shape[columns]! - right));
    const others = (of: readonly number[]) => of.filter((_, axis) => axis !== rows && axis !== columns);
    const skipped = length === 0 ? 0 : down * strides[rows]! + right * strides[columns]!;
    return {
      shape: [...others(shape), length],
      strides: [...others(strides), strides[rows]! + strides[columns]!],
      offset: start + skipped,
    };
  });
}

/** Two axes that span matrices. */
export function matrixAxes(op: string, ndim: number, dim1: number, dim2: number): [rows: number, columns: number] {
  const [rows, columns] = [normalizeDim(op, dim1, ndim), normalizeDim(op, dim2, ndim)];
  if (rows === columns) throw new ShapeError(`${op}: expected two different dims, got ${dim1} and ${dim2}`);
  return [rows, columns];
}

/** Which elements of a memory are shown, and which the tensor itself had of them. */
interface Stride {
  readonly shown: Window;
  readonly own: Window;
}

const asStridedRule: BackwardRule<Stride> = {
  name: 'AsStrided',
  backward: (g, _, { shown, own }) => {
    const all = adjointOf(g, shown);
    const gradient = asStrided(all, own.shape, own.strides, own.offset);
    if (!isRepeated(own)) return [gradient];
    // What the tensor has in several places gets its share in each of them.
    const ones = full(own.shape, 1, { dtype: g.dtype });
    return [div(gradient, through(adjointOf(ones, own), own))];
  },
};

/** The first and the last element that a view reaches. */
export function reachOf({ shape, strides, offset }: View): [first: number, last: number] {
  if (shape.includes(0)) return [offset, offset - 1];
  const ends = shape.map((size, axis) => (size - 1) * strides[axis]!);
  return [offset, ends.reduce((at, end) => at + end, offset)];
}

/** What says where in memory elements are. */
export const strides = {
  size: kinds.shape,
  stride: kinds.shape,
  /** Where in memory the first element is. Default: null, where that of the tensor is. */
  storageOffset: kinds.integerFrom(0).optional(),
};

const striding = signature('input, /, size, stride, storageOffset', { input: kinds.tensor, ...strides });

/**
 * The memory of a tensor (all of it, for a view) seen with any shape and strides, counted in elements. Elements may be shown several times;
 * the gradient adds up what each of them gets.
 *
 * @param size the shape
 * @param stride one for each dimension, not negative
 * @returns a view
 * @throws ShapeError if that reaches beyond the memory of the tensor
 * @example
 * ```ts
 * arange(6).asStrided([2, 2], [1, 2], 1); // tensor([[1, 3], [2, 4]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.as_strided.html
 */
export const asStrided: FunctionOf<Tensor, typeof striding> = define('asStrided', striding, (x, size, stride, offset) =>
  stridedOf('asStrided', x, size, stride, offset),
);

/** `asStrided` in the name of `op`. */
export function stridedOf(
  op: string,
  x: Tensor,
  size: readonly number[],
  stride: readonly number[],
  storageOffset: number | null,
): Tensor {
  if (stride.length !== size.length) {
    throw new ShapeError(`${op}: expected a stride for each of ${size.length} dimensions, got ${stride.length}`);
  }
  const offset = storageOffset ?? x.offset;
  const [first, last] = reachOf(viewOf(baseOf(x) ?? x));
  const [from, to] = reachOf({ ...viewOf(x), shape: size, strides: stride, offset });
  if (to >= from && (from < first || to > last)) {
    throw new ShapeError(
      `${op}: ${show(size)} with strides ${show(stride)} reaches elements ${from} to ${to}, but the tensor has ${first} to ${last}`,
    );
  }
  const whole = [Math.max(0, last - first + 1)];
  const shown = { whole, shape: [...size], strides: [...stride], offset: offset - first };
  const own = { whole, shape: viewOf(x).shape, strides: viewOf(x).strides, offset: x.offset - first };
  return view(x, shown.shape, shown.strides, offset, asStridedRule, { shown, own });
}
