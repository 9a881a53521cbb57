import { define } from '../arguments/define.js';
import type { FunctionOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { ShapeError } from '../errors.js';
import * as kinds from '../tensor/kinds.js';
import { type Single, single } from '../tensor/parameters.js';
import { normalizeDim, show } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { exchanging, swappingAxes } from './dimensions.js';
import { tensorsOf } from './operands.js';
import { permute, transpose, unsqueeze } from './views.js';

// Views with the axes in another order, or with more of them.

const moving = signature('input, /, source, destination', {
  input: kinds.tensor,
  source: kinds.dimOrList,
  destination: kinds.dimOrList,
});

const moved =
  (op: string) =>
  (x: Tensor, source: number | readonly number[], destination: number | readonly number[]): Tensor => {
    const [from, to] = [axesOf(op, source, x.ndim), axesOf(op, destination, x.ndim)];
    if (from.length !== to.length) {
      throw new ShapeError(`${op}: expected a destination for each of ${from.length} source dims, got ${to.length}`);
    }
    const all = [...x.shape.keys()];
    const others = all.filter((axis) => !from.includes(axis));
    return permute(
      x,
      all.map((axis) => (to.includes(axis) ? from[to.indexOf(axis)]! : others.shift()!)),
    );
  };

/** The axes that dims name, in the order given. */
function axesOf(op: string, dims: number | readonly number[], ndim: number): number[] {
  const list = typeof dims === 'number' ? [dims] : dims;
  const axes = Array.from(list, (dim) => normalizeDim(op, dim, ndim));
  if (new Set(axes).size !== axes.length) throw new ShapeError(`${op}: a dim appears twice in ${show(list)}`);
  return axes;
}

/**
 * Dimensions moved to other places; the others keep their order.
 *
 * @param source one dim, or several
 * @param destination where each of them goes
 * @throws ShapeError if there are not as many of both, or one appears twice
 * @example
 * ```ts
 * zeros([2, 3, 5]).movedim(0, -1).shape; // [3, 5, 2]
 * zeros([2, 3, 5]).movedim([0, 1], [1, 2]).shape; // [5, 2, 3]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.movedim.html
 */
export const movedim: FunctionOf<Tensor, typeof moving> = define('movedim', moving, moved('movedim'));
/** The same as `movedim`. @example moveaxis(zeros([2, 3, 5]), 0, -1).shape; // [3, 5, 2] */
export const moveaxis: FunctionOf<Tensor, typeof moving> = define('moveaxis', moving, moved('moveaxis'));

/** The same as `transpose`. @example swapaxes(zeros([2, 3, 5]), 0, -1).shape; // [5, 3, 2] */
export const swapaxes: FunctionOf<Tensor, typeof swappingAxes> = define('swapaxes', swappingAxes, transpose);
/** The same as `transpose`. @example swapdims(zeros([2, 3, 5]), 0, -1).shape; // [5, 3, 2] */
export const swapdims: FunctionOf<Tensor, typeof exchanging> = define('swapdims', exchanging, transpose);

/** The last two dimensions exchanged, as `x.mT`. @example adjoint(zeros([2, 3, 5])).shape; // [2, 5, 3] */
export const adjoint: Single = define('adjoint', single, (x) => {
  if (x.ndim === 1) throw new ShapeError(`adjoint: expected matrices, or a 0-d tensor, got shape ${show(x.shape)}`);
  return x.ndim === 0 ? transpose(x, 0, 0) : transpose(x, -2, -1);
});

/** Views with at least so many dimensions. */
const upTo1d = (x: Tensor): Tensor => (x.ndim === 0 ? unsqueeze(x, 0) : x);
const upTo2d = (x: Tensor): Tensor => (x.ndim < 2 ? unsqueeze(upTo1d(x), 0) : x);
const upTo3d = (x: Tensor): Tensor => (x.ndim < 3 ? unsqueeze(upTo2d(x), -1) : x);

/** One tensor for one; for several, one by one or as an array, an array. */
function each(op: string, given: readonly unknown[], raise: (x: Tensor) => Tensor): Tensor | Tensor[] {
  const tensors = tensorsOf(op, given);
  return given.length === 1 && given[0] === tensors[0] ? raise(tensors[0]!) : tensors.map(raise);
}

export function atleast1d(input: Tensor): Tensor;
export function atleast1d(tensors: readonly Tensor[]): Tensor[];
/**
 * A 0-d tensor seen as one of shape [1], others as they are. Several tensors, or an array of them, give an array.
 *
 * @example
 * ```ts
 * atleast1d(tensor(5)); // tensor([5.])
 * atleast1d(tensor(5), tensor([1, 2])); // [tensor([5.]), tensor([1., 2.])]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.atleast_1d.html
 */
export function atleast1d(...tensors: readonly Tensor[]): Tensor[];
export function atleast1d(...given: readonly unknown[]): Tensor | Tensor[] {
  return each('atleast1d', given, upTo1d);
}

export function atleast2d(input: Tensor): Tensor;
export function atleast2d(tensors: readonly Tensor[]): Tensor[];
/**
 * A view with at least two dimensions: of a vector of n elements [1, n]. Several tensors, or an array of them, give an array.
 *
 * @example
 * ```ts
 * atleast2d(tensor([1, 2])); // tensor([[1., 2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.atleast_2d.html
 */
export function atleast2d(...tensors: readonly Tensor[]): Tensor[];
export function atleast2d(...given: readonly unknown[]): Tensor | Tensor[] {
  return each('atleast2d', given, upTo2d);
}

export function atleast3d(input: Tensor): Tensor;
export function atleast3d(tensors: readonly Tensor[]): Tensor[];
/**
 * A view with at least three dimensions: of a vector of n elements [1, n, 1], of a matrix [m, n, 1]. Several tensors, or an array of them,
 * give an array.
 *
 * @example
 * ```ts
 * atleast3d(ones([4])).shape; // [1, 4, 1]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.atleast_3d.html
 */
export function atleast3d(...tensors: readonly Tensor[]): Tensor[];
export function atleast3d(...given: readonly unknown[]): Tensor | Tensor[] {
  return each('atleast3d', given, upTo3d);
}
