import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { type BackwardRule, record } from '../../autograd/node.js';
import { recording } from '../../backend/recording.js';
import { ShapeError, ValueError } from '../../errors.js';
import { refuseIf, requireOneType } from '../../tensor/check.js';
import * as kinds from '../../tensor/kinds.js';
import { owned } from '../../tensor/layout.js';
import { type Single, single } from '../../tensor/parameters.js';
import { broadcastShapes, normalizeDim, show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { multipliedAll, requireChain } from '../chains.js';
import { crossed } from '../contractions.js';
import { to } from '../conversion.js';
import { eye, ones } from '../creation.js';
import { cat } from '../joining.js';
import { add, div, mul, pow, where } from '../pointwise.js';
import { matmul } from '../products.js';
import { flip } from '../rearranging.js';
import { amax, sum } from '../reductions.js';
import { cumprod } from '../scans.js';
import { diagonalOf } from '../strided.js';
import { expand, narrow, squeeze, unsqueeze } from '../views.js';
import { columnsOf, requireSquare, turned } from './factors.js';

/** Terms of the series of a matrix whose norm is at most a half: what is left out is less than float64 can tell. */
const TERMS = 16;
/** Doublings in a captured function, where nothing is known of the values. */
const MOST_DOUBLINGS = 24;

/** exp of matrices, outside the graph: the series of a 2ˢ-th part, squared s times. What rows do not need leaves them as they are. */
function exponential(a: Tensor): Tensor {
  const x = to(a, 'float64');
  if (x.numel() === 0) return to(mul(x, 1), a.dtype);
  const length = amax(sum(x.abs(), [-2], true), [-1], true);
  const doublings = length.mul(2).clamp(1, null).log2().ceil();
  refuseIf(
    sum(to(doublings.le(MOST_DOUBLINGS).logicalNot(), 'float64')),
    () => new ValueError(`matrixExp: expected finite matrices with sums of columns up to ${2 ** (MOST_DOUBLINGS - 1)}`),
  );
  const small = div(x, pow(2, doublings));
  const unit = expand(eye(columnsOf(x), { dtype: 'float64' }), shapeOf(x));
  let result: Tensor = unit;
  for (let term = TERMS; term > 0; term--) result = add(unit, div(matmul(small, result), term));
  const count = recording === null ? doublings.max().item() : MOST_DOUBLINGS;
  for (let i = 0; i < count; i++) result = where(doublings.gt(i), matmul(result, result), result);
  return to(result, a.dtype);
}

/** The derivative at Aᵀ, as a part of the exponential of a matrix of blocks. */
const rule: BackwardRule<null> = {
  name: 'LinalgMatrixExp',
  backward: (g, [a]) => {
    const n = columnsOf(a!);
    const [own, nothing] = [turned(a!), mul(g, 0)];
    const blocks = cat([cat([own, g], -1), cat([nothing, own], -1)], -2);
    return [narrow(narrow(exponentialOf(blocks), -2, 0, n), -1, n, n)];
  },
};

const exponentialOf = (a: Tensor): Tensor => record(exponential(a.detach()), rule, [a], [a], null);

/**
 * e to the power of square matrices: Σ Aᵏ / k!. Computed in float64, whatever the element type.
 *
 * @param A (…, n, n)
 * @throws ShapeError if matrices are not square; ValueError for NaN, infinities, or sums of columns above 2²³; DTypeError for integers
 * @example
 * ```ts
 * linalg.matrixExp(tensor([[0, 1], [0, 0]])); // tensor([[1., 1.], [0., 1.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.matrix_exp.html
 */
export const matrixExp: Single = define('matrixExp', single, (a) => {
  requireSquare('matrixExp', a);
  return exponentialOf(a);
});

const crossing = signature('input, other, /, dim', {
  input: kinds.tensor,
  other: kinds.tensor,
  /** The dimension of three elements. Default: -1. */
  dim: kinds.dim.default(-1),
});

export interface LinalgCrossOptions extends OptionsOf<typeof crossing> {}

/**
 * The cross product of vectors of three elements along `dim`.
 *
 * @throws ShapeError if that has not three elements, or shapes do not broadcast; DTypeError if element types differ
 * @example
 * ```ts
 * linalg.cross(tensor([1, 0, 0]), tensor([0, 1, 0])); // tensor([0., 0., 1.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.cross.html
 */
export const cross: FunctionOf<Tensor, typeof crossing, LinalgCrossOptions> = define('cross', crossing, (a, b, dim) =>
  crossed('cross', a, b, dim),
);

const taking = signature('A, /, *, offset, dim1, dim2', {
  A: kinds.tensor,
  /** Which diagonal: 0 the main one, above it if positive, below if negative. Default: 0. */
  offset: kinds.integer.default(0),
  /** The rows. Default: -2. */
  dim1: kinds.dim.default(-2),
  /** The columns. Default: -1. */
  dim2: kinds.dim.default(-1),
});

export interface LinalgDiagonalOptions extends OptionsOf<typeof taking> {}

/**
 * The diagonals of matrices, by default of the last two dimensions, as a last dimension.
 *
 * @returns a view
 * @throws ShapeError if both dims are one
 * @example
 * ```ts
 * linalg.diagonal(tensor([[1, 2], [3, 4]])); // tensor([1., 4.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.diagonal.html
 */
export const diagonal: FunctionOf<Tensor, typeof taking, LinalgDiagonalOptions> = define(
  'diagonal',
  taking,
  (a, offset, dim1, dim2) => diagonalOf('diagonal', a, offset, dim1, dim2),
);

const dotting = signature('x, y, /, dim', {
  x: kinds.tensor,
  y: kinds.tensor,
  /** The dimension of the vectors. Default: -1. */
  dim: kinds.dim.default(-1),
});

export interface VecdotOptions extends OptionsOf<typeof dotting> {}

/**
 * Σ xᵢ yᵢ of vectors along `dim`. The others are broadcast.
 *
 * @throws ShapeError if shapes do not broadcast; DTypeError if element types differ
 * @example
 * ```ts
 * linalg.vecdot(tensor([[1, 2], [3, 4]]), tensor([1, 1])); // tensor([3., 7.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.vecdot.html
 */
export const vecdot: FunctionOf<Tensor, typeof dotting, VecdotOptions> = define('vecdot', dotting, (x, y, dim) => {
  requireOneType('vecdot', x, y);
  const axis = normalizeDim('vecdot', dim, broadcastShapes('vecdot', shapeOf(x), shapeOf(y)).length);
  return to(sum(mul(x, y), [axis]), x.dtype);
});

const chaining = signature('tensors, /', { tensors: kinds.tensors });

/**
 * The product of matrices, in the order that takes the fewest multiplications. The first and the last may be vectors: a row, and a column.
 *
 * @throws ShapeError if there is only one, or inner sizes differ; DTypeError if element types differ
 * @example
 * ```ts
 * linalg.multiDot([ones([2, 5]), ones([5, 3]), ones([3])]).shape; // [2]
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.multi_dot.html
 */
export const multiDot: FunctionOf<Tensor, typeof chaining> = define('multiDot', chaining, (tensors) => {
  const [first, last] = [tensors[0]!, tensors.at(-1)!];
  if (tensors.length < 2) throw new ShapeError(`multiDot: expected two tensors or more, got ${tensors.length}`);
  const matrices = tensors.map((x, i) => {
    if (x.ndim !== 1) return x;
    return i === 0 ? unsqueeze(x, 0) : i === tensors.length - 1 ? unsqueeze(x, 1) : x;
  });
  requireChain('multiDot', matrices);
  const product = multipliedAll(matrices);
  const columns = first.ndim === 1 ? squeeze(product, 0) : product;
  return owned(last.ndim === 1 ? squeeze(columns, -1) : columns);
});

const powers = signature('x, /, *, N', {
  x: kinds.tensor,
  /** How many columns. Default: null, as many as elements. */
  N: kinds.integerFrom(0).optional(),
});

export interface LinalgVanderOptions extends OptionsOf<typeof powers> {}

function powersOf(x: Tensor, count: number): Tensor {
  const first = ones([...shapeOf(x), Math.min(count, 1)], { dtype: x.dtype });
  if (count < 2) return first;
  return cumprod(cat([first, expand(unsqueeze(x, -1), [...shapeOf(x), count - 1])], -1), -1);
}

/**
 * The powers xᵢ⁰, xᵢ¹, … of each element as a row (a Vandermonde matrix), of batches of vectors; a 0-d tensor is a vector of one.
 *
 * @example
 * ```ts
 * linalg.vander(tensor([2, 3]), { N: 3 }); // tensor([[1., 2., 4.], [1., 3., 9.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.vander.html
 */
export const vander: FunctionOf<Tensor, typeof powers, LinalgVanderOptions> = define('vander', powers, (x, count) => {
  const vectors = x.ndim === 0 ? unsqueeze(x, 0) : x;
  return powersOf(vectors, count ?? shapeOf(vectors).at(-1)!);
});

const ordered = signature('x, /, N, increasing', {
  x: kinds.tensor,
  /** How many columns. Default: null, as many as elements. */
  N: kinds.integerFrom(0).optional(),
  /** From the power 0 on, instead of down to it. Default: false. */
  increasing: kinds.boolean.default(false),
});

export interface VanderOptions extends OptionsOf<typeof ordered> {}

/**
 * The powers of each element of a vector as a row, from the highest down to 0: `linalg.vander` the other way round.
 *
 * @throws ShapeError for what is no vector
 * @example
 * ```ts
 * vander(tensor([2, 3])); // tensor([[2., 1.], [3., 1.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.vander.html
 */
export const plainVander: FunctionOf<Tensor, typeof ordered, VanderOptions> = define(
  'vander',
  ordered,
  (x, count, increasing) => {
    if (x.ndim !== 1) throw new ShapeError(`vander: expected a vector, got shape ${show(x.shape)}`);
    const columns = powersOf(x, count ?? shapeOf(x)[0]!);
    return increasing ? columns : flip(columns, 1);
  },
);
