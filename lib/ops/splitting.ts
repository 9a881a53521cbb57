import { define } from '../arguments/define.js';
import { allAre } from '../arguments/elements.js';
import type { FunctionOf } from '../arguments/forms.js';
import { type Kind, kind } from '../arguments/kind.js';
import { signature } from '../arguments/signature.js';
import { isInteger } from '../backend/dtype.js';
import { DTypeError, ShapeError } from '../errors.js';
import { checkViews } from '../tensor/heap.js';
import * as kinds from '../tensor/kinds.js';
import { normalizeDim, show } from '../tensor/shape.js';
import { isTensor, shapeOf, type Tensor } from '../tensor/tensor.js';
import { aboutToRead } from '../tensor/values.js';
import { slice } from './views.js';

const isCuts = (value: unknown): value is number | readonly number[] =>
  Number.isSafeInteger(value) || (Array.isArray(value) && allAre(value, kinds.integer.accepts));

/** How to split: into so many parts, or before each of these indices. There can be as many as memory holds. */
const cutting: Kind<number | readonly number[]> = kind('how many parts, or an array of indices', isCuts);

const cuttingByTensor: Kind<number | readonly number[] | Tensor> = kind(
  `${cutting.expected}, or a Tensor of either`,
  (value): value is number | readonly number[] | Tensor => isCuts(value) || isTensor(value),
);

const splitting = signature('input, /, indicesOrSections', { input: kinds.tensor, indicesOrSections: cutting });
const splittingAlong = signature('input, /, indicesOrSections, dim', {
  input: kinds.tensor,
  indicesOrSections: cuttingByTensor,
  /** The dimension to split. Default: 0. */
  dim: kinds.dim.default(0),
});

type Splitting = FunctionOf<Tensor[], typeof splitting>;

/**
 * Views of parts along `dim`: so many of them, the first larger by one where the size does not divide; or those between the indices given,
 * which are as in `slice`.
 *
 * @param cuts how many parts, or the indices; as an int32 tensor too (0-d or 1-d)
 * @param dim default 0
 * @example
 * ```ts
 * tensorSplit(arange(5), 2); // [tensor([0, 1, 2]), tensor([3, 4])]
 * tensorSplit(arange(5), [1, 3]); // [tensor([0]), tensor([1, 2]), tensor([3, 4])]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.tensor_split.html
 */
export const tensorSplit: FunctionOf<Tensor[], typeof splittingAlong> = define(
  'tensorSplit',
  splittingAlong,
  (x, cuts, dim) => {
    if (x.ndim === 0) throw new ShapeError('tensorSplit: cannot be applied to a 0-d tensor');
    const given = isTensor(cuts) ? numbersOf('tensorSplit', cuts) : cuts;
    return parts('tensorSplit', x, given, normalizeDim('tensorSplit', dim, x.ndim));
  },
);

function parts(op: string, x: Tensor, cuts: number | readonly number[], axis: number): Tensor[] {
  const size = shapeOf(x)[axis]!;
  checkViews(op, typeof cuts === 'number' ? cuts : cuts.length);
  const starts = typeof cuts === 'number' ? evenStarts(op, size, cuts) : cuts;
  return [0, ...starts].map((start, i) => slice(x, axis, start, starts[i] ?? size));
}

function numbersOf(op: string, cuts: Tensor): number | number[] {
  if (!isInteger(cuts.dtype)) throw new DTypeError(`${op}: a tensor of indices must be int32, got ${cuts.dtype}`);
  if (cuts.ndim > 1) throw new ShapeError(`${op}: a tensor of indices must be 0-d or 1-d, got ${show(cuts.shape)}`);
  aboutToRead(op, 'give the indices as an array of numbers');
  return cuts.toArray() as number | number[];
}

const positive = kinds.integerFrom(1);

/** Where all parts but the first begin. */
function evenStarts(op: string, size: number, count: number): number[] {
  positive.take(op, 'the number of parts', count);
  const [least, larger] = [Math.floor(size / count), size % count];
  return Array.from({ length: count - 1 }, (_, i) => (i + 1) * least + Math.min(i + 1, larger));
}

/**
 * Views of parts side by side: along dim 1, or of a vector along dim 0. So many of equal size, or those between the indices given.
 *
 * @throws ShapeError if the size does not divide by the number of parts
 * @example
 * ```ts
 * hsplit(tensor([[1, 2], [3, 4]]), 2); // [tensor([[1.], [3.]]), tensor([[2.], [4.]])]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.hsplit.html
 */
export const hsplit: Splitting = define('hsplit', splitting, (x, cuts) => evenly('hsplit', x, cuts, 1, 1));

/**
 * Views of parts one below the other: along dim 0 of a tensor of at least two dimensions. So many of equal size, or those between the indices
 * given.
 *
 * @throws ShapeError if the size does not divide by the number of parts
 * @example
 * ```ts
 * vsplit(tensor([[1, 2], [3, 4]]), 2); // [tensor([[1., 2.]]), tensor([[3., 4.]])]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.vsplit.html
 */
export const vsplit: Splitting = define('vsplit', splitting, (x, cuts) => evenly('vsplit', x, cuts, 2, 0));

/**
 * Views of parts along dim 2 of a tensor of at least three dimensions. So many of equal size, or those between the indices given.
 *
 * @throws ShapeError if the size does not divide by the number of parts
 * @example
 * ```ts
 * dsplit(ones([1, 2, 4]), [1]).map((x) => x.shape); // [[1, 2, 1], [1, 2, 3]]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.dsplit.html
 */
export const dsplit: Splitting = define('dsplit', splitting, (x, cuts) => evenly('dsplit', x, cuts, 3, 2));

/** Parts along a dim, or along the last where there are not so many; a number of them has to divide the size. */
function evenly(op: string, x: Tensor, cuts: number | readonly number[], leastDims: number, dim: number): Tensor[] {
  if (x.ndim < leastDims) {
    throw new ShapeError(`${op}: expected at least ${leastDims} dimensions, got ${show(x.shape)}`);
  }
  const axis = Math.min(dim, x.ndim - 1);
  const size = shapeOf(x)[axis]!;
  if (typeof cuts === 'number' && cuts > 0 && size % cuts !== 0) {
    throw new ShapeError(`${op}: ${size}, the size of dim ${axis}, does not divide into ${cuts} equal parts`);
  }
  return parts(op, x, cuts, axis);
}
