import { define } from '../arguments/define.js';
import type { FunctionOf } from '../arguments/forms.js';
import { signature } from '../arguments/signature.js';
import { ShapeError } from '../errors.js';
import * as kinds from '../tensor/kinds.js';
import { type Single, single } from '../tensor/parameters.js';
import { checkNdim, show } from '../tensor/shape.js';
import { shapeOf, type Tensor } from '../tensor/tensor.js';
import { clone, fill_ } from './conversion.js';
import { zeros } from './creation.js';
import { sum } from './reductions.js';
import { diagonalOf, matrixAxes } from './strided.js';
import { flatten, narrow } from './views.js';

// Matrices of diagonals, and diagonals of matrices. Those that are views are in `strided.ts`.

const embedding = signature('input, /, offset, dim1, dim2', {
  input: kinds.tensor,
  /** Which diagonal: 0 the main one, above it if positive, below if negative. Default: 0. */
  offset: kinds.integer.default(0),
  /** The rows of the result. Default: -2. */
  dim1: kinds.dim.default(-2),
  /** The columns of the result. Default: -1. */
  dim2: kinds.dim.default(-1),
});
const ofDiagonal = signature('input, /, diagonal', {
  input: kinds.tensor,
  /** Which one: 0 the main one, above it if positive, below if negative. Default: 0. */
  diagonal: kinds.integer.default(0),
});
const ofOffset = signature('input, /, offset', {
  input: kinds.tensor,
  /** Which diagonal: 0 the main one, above it if positive, below if negative. Default: 0. */
  offset: kinds.integer.default(0),
});

/** Matrices whose diagonals are the last dimension of `x`, in the name of `op`. */
function embedded(op: string, x: Tensor, offset: number, dim1: number, dim2: number): Tensor {
  checkNdim(op, x.ndim + 1);
  const [rows, columns] = matrixAxes(op, x.ndim + 1, dim1, dim2);
  const size = shapeOf(x).at(-1)! + Math.abs(offset);
  const [first, second] = [Math.min(rows, columns), Math.max(rows, columns)];
  const shape = shapeOf(x).slice(0, -1).toSpliced(first, 0, size).toSpliced(second, 0, size);
  const result = zeros(shape, { dtype: x.dtype });
  diagonalOf(op, result, offset, rows, columns).copy_(x);
  return result;
}

/**
 * Matrices with the last dimension of `x` on a diagonal, zeros elsewhere.
 *
 * @throws ShapeError for a 0-d tensor, or if both dims are one
 * @example
 * ```ts
 * diagEmbed(tensor([1, 2])); // tensor([[1., 0.], [0., 2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.diag_embed.html
 */
export const diagEmbed: FunctionOf<Tensor, typeof embedding> = define(
  'diagEmbed',
  embedding,
  (x, offset, dim1, dim2) => {
    if (x.ndim === 0) throw new ShapeError('diagEmbed: cannot be applied to a 0-d tensor');
    return embedded('diagEmbed', x, offset, dim1, dim2);
  },
);

/**
 * Of a vector, a matrix with it on a diagonal; of a matrix, a copy of a diagonal.
 *
 * @throws ShapeError for other than one or two dimensions
 * @example
 * ```ts
 * diag(tensor([1, 2])); // tensor([[1., 0.], [0., 2.]])
 * diag(tensor([[1, 2], [3, 4]]), 1); // tensor([2.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.diag.html
 */
export const diag: FunctionOf<Tensor, typeof ofDiagonal> = define('diag', ofDiagonal, (x, diagonal) => {
  if (x.ndim === 1) return embedded('diag', x, diagonal, -2, -1);
  if (x.ndim === 2) return clone(diagonalOf('diag', x, diagonal, 0, 1));
  throw new ShapeError(`diag: expected a vector or a matrix, got shape ${show(x.shape)}; use diagonal or diagEmbed`);
});

/**
 * A matrix with all elements of `x` on a diagonal, zeros elsewhere.
 *
 * @example
 * ```ts
 * diagflat(tensor([[1], [2]])); // tensor([[1., 0.], [0., 2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.diagflat.html
 */
export const diagflat: FunctionOf<Tensor, typeof ofOffset> = define('diagflat', ofOffset, (x, offset) =>
  embedded('diagflat', flatten(x), offset, -2, -1),
);

/**
 * Σᵢ xᵢᵢ of a matrix.
 *
 * @throws ShapeError for what is no matrix
 * @example
 * ```ts
 * trace(tensor([[1, 2], [3, 4]])); // tensor(5.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.trace.html
 */
export const trace: Single = define('trace', single, (x) => {
  if (x.ndim !== 2) throw new ShapeError(`trace: expected a matrix, got shape ${show(x.shape)}`);
  return sum(diagonalOf('trace', x, 0, 0, 1));
});

const fillingDiagonal = signature('input, /, fillValue, wrap', {
  input: kinds.tensor,
  fillValue: kinds.number,
  /** Begin again below a tall matrix's last column, after one row between. Default: false. */
  wrap: kinds.boolean.default(false),
});

/**
 * Writes a number to the main diagonal: the elements whose indices are all alike.
 *
 * @throws ShapeError for less than two dimensions, and for more than two of different sizes
 * @example
 * ```ts
 * ones([2, 2]).fillDiagonal_(0); // tensor([[0., 1.], [1., 0.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.Tensor.fill_diagonal_.html
 */
export const fillDiagonal_: FunctionOf<Tensor, typeof fillingDiagonal> = define(
  'fillDiagonal_',
  fillingDiagonal,
  (x, value, wrap) => {
    const shape = shapeOf(x);
    if (x.ndim < 2) throw new ShapeError(`fillDiagonal_: expected at least 2 dimensions, got shape ${show(shape)}`);
    if (x.ndim > 2 && shape.some((size) => size !== shape[0])) {
      throw new ShapeError(`fillDiagonal_: more than 2 dimensions must have one size, got shape ${show(shape)}`);
    }
    const period = shape[1]! + 1;
    const starts = wrap && x.ndim === 2 ? Math.ceil(shape[0]! / period) : 1;
    for (let i = 0; i < starts; i++) {
      const part = i === 0 ? x : narrow(x, 0, i * period, Math.min(period, shape[0]! - i * period));
      fill_(alikeIn(part), value);
    }
    return x;
  },
);

/** The elements whose indices are all alike, as a view. */
function alikeIn(x: Tensor): Tensor {
  return x.ndim === 1 ? x : alikeIn(diagonalOf('fillDiagonal_', x, 0, x.ndim - 2, x.ndim - 1));
}
