import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { type Kind, kind } from '../../arguments/kind.js';
import { signature } from '../../arguments/signature.js';
import { dtypes, isFloat } from '../../backend/dtype.js';
import { describe } from '../../describe.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import * as kinds from '../../tensor/kinds.js';
import { normalizeDim, show } from '../../tensor/shape.js';
import type { Operand } from '../../tensor/promotion.js';
import { isTensor, type Tensor } from '../../tensor/tensor.js';
import { to } from '../conversion.js';
import { vectorNorm } from '../norms.js';
import { nuclearNorm } from '../nuclear-norm.js';
import { clamp, div, gt, mul, where } from '../pointwise.js';
import { amax, amin, sum } from '../reductions.js';
import { permute, reshape, unsqueeze } from '../views.js';
import { columnsOf, requireMatrices, rowsOf } from './factors.js';
import { inverted } from './solving.js';
import { eigenDecomposition, singularValueDecomposition, svdvals } from './svd.js';

const MATRIX_ORDERS = ['fro', 'nuc', 1, -1, 2, -2, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] as const;
type MatrixOrder = (typeof MATRIX_ORDERS)[number];

const isMatrixOrder = (value: unknown): value is MatrixOrder => MATRIX_ORDERS.includes(value as MatrixOrder);
const MATRIX_ORDER = "'fro', 'nuc', 1, -1, 2, -2, Infinity or -Infinity";
const matrixOrder: Kind<MatrixOrder> = kind(MATRIX_ORDER, isMatrixOrder);
const anyOrder: Kind<number | 'fro' | 'nuc'> = kind(
  "a number, 'fro' or 'nuc'",
  (value): value is number | 'fro' | 'nuc' => typeof value === 'number' || value === 'fro' || value === 'nuc',
);

const common = {
  /** Keep the reduced dimensions with size 1. Default: false. */
  keepdim: kinds.boolean.default(false),
  /** Convert to this element type first. Default: null, the tensor's own. */
  dtype: kinds.dtype.optional(),
};

interface Reduction {
  readonly dims: readonly [number, number];
  readonly keepdim: boolean;
}

function matrixNormOf(op: string, x: Tensor, ord: MatrixOrder, { dims, keepdim }: Reduction): Tensor {
  if (!isFloat(x.dtype)) throw new DTypeError(`${op}: expected a float tensor, got ${x.dtype}; convert with .float()`);
  const [rows, columns] = dims.map((dim) => normalizeDim(op, dim, x.ndim)) as [number, number];
  if (rows === columns) throw new ShapeError(`${op}: expected two different dims, got ${dims.join(' and ')}`);
  const size = (axis: number) => x.shape[axis]!;
  // Sums of nothing are 0, but there is no largest of nothing.
  const picksOf = Math.abs(ord as number) === 1 ? [columns] : Math.abs(ord as number) === 2 ? [rows, columns] : [rows];
  if (typeof ord === 'number' && picksOf.some((axis) => size(axis) === 0))
    throw new ShapeError(`${op}: nothing has no norm of order ${ord}, got shape ${show(x.shape)}`);
  if (ord === 'fro') return vectorNorm(x, 2, [rows, columns], keepdim);
  if (ord === 'nuc')
    return nuclearNorm(x, { shape: x.shape, axes: rows < columns ? [rows, columns] : [columns, rows], keepdim });
  const pick = ord > 0 ? amax : amin;
  if (Math.abs(ord) === 2) {
    const others = [...x.shape.keys()].filter((axis) => axis !== rows && axis !== columns);
    const values = pick(svdvals(permute(x, [...others, rows, columns])), -1);
    return keepdim
      ? reshape(
          values,
          x.shape.map((n, axis) => (others.includes(axis) ? n : 1)),
        )
      : values;
  }
  const [summed, left] = Math.abs(ord) === 1 ? [rows, columns] : [columns, rows];
  const sums = sum(x.abs(), [summed], true);
  return keepdim
    ? pick(sums, [left], true)
    : reshape(
        pick(sums, [left], true),
        x.shape.filter((_, i) => i !== rows && i !== columns),
      );
}

const isPair = (dims: readonly number[]): dims is readonly [number, number] => dims.length === 2;

const measuringMatrices = signature('A, /, ord, dim, keepdim, *, dtype', {
  A: kinds.tensor,
  /** Which norm: 'fro', 'nuc', 1, -1, 2, -2, Infinity or -Infinity. Default: 'fro'. */
  ord: matrixOrder.default('fro'),
  /** The dimensions of rows and columns. Default: [-2, -1]. */
  dim: kinds.dimList.default([-2, -1]),
  ...common,
});

export interface MatrixNormOptions extends OptionsOf<typeof measuringMatrices> {}

/**
 * Norms of matrices: the root of the sum of squares ('fro'), the sum of the singular values ('nuc'), the largest or (negative) smallest of
 * these (±2), of the sums of columns (±1) or rows (±Infinity) of absolute values.
 *
 * @throws ValueError for another order; ShapeError if there are not two dims, or nothing to choose from; DTypeError for integers
 * @example
 * ```ts
 * linalg.matrixNorm(tensor([[3, 0], [0, -4]])); // tensor(5.)
 * linalg.matrixNorm(tensor([[3, 0], [0, -4]]), 'nuc'); // tensor(7.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.matrix_norm.html
 */
export const matrixNorm: FunctionOf<Tensor, typeof measuringMatrices, MatrixNormOptions> = define(
  'matrixNorm',
  measuringMatrices,
  (A, ord, dim, keepdim, dtype) => {
    if (!isPair(dim)) throw new ShapeError(`matrixNorm: expected two dims, got ${show(dim)}`);
    return matrixNormOf('matrixNorm', dtype === null ? A : to(A, dtype), ord, { dims: dim, keepdim });
  },
);

const measuring = signature('A, /, ord, dim, keepdim, *, dtype', {
  A: kinds.tensor,
  /** Which norm. Default: null, that of all elements as one vector (or of the vectors or matrices of `dim`). */
  ord: anyOrder.optional(),
  /** One dimension of vectors, or two of matrices. Default: null, all there are. */
  dim: kinds.dims.default(null),
  ...common,
});

export interface LinalgNormOptions extends OptionsOf<typeof measuring> {}

/**
 * A vector or matrix norm: of vectors along one dim (`linalg.vectorNorm`), of matrices along two (`linalg.matrixNorm`); without `dim` of a tensor
 * with one dimension or two, or (without `ord` too) of all elements.
 *
 * @throws ValueError for an order that there is not; ShapeError if dims do not fit it; DTypeError for integers
 * @example
 * ```ts
 * linalg.norm(tensor([3, -4])); // tensor(5.)
 * linalg.norm(tensor([[1, 2], [3, 4]]), Infinity); // tensor(7.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.norm.html
 */
export const norm: FunctionOf<Tensor, typeof measuring, LinalgNormOptions> = define(
  'norm',
  measuring,
  (A, ord, dim, keepdim, dtype) => {
    const x = dtype === null ? A : to(A, dtype);
    const dims = typeof dim === 'number' ? [dim] : dim;
    if (ord === null) return vectorNorm(x, 2, dims, keepdim);
    const axes = dims ?? (x.ndim === 1 || x.ndim === 2 ? [...x.shape.keys()] : []);
    if (axes.length === 1 && typeof ord === 'number') return vectorNorm(x, ord, axes, keepdim);
    if (!isPair(axes)) {
      const what = typeof ord === 'number' ? 'one dim or two' : 'two dims';
      throw new ShapeError(`norm: an order of ${describe(ord)} takes ${what}, got ${show(axes)} of ${show(x.shape)}`);
    }
    if (!isMatrixOrder(ord))
      throw new ValueError(`norm: ord of matrices must be ${MATRIX_ORDER}, got ${describe(ord)}`);
    return matrixNormOf('norm', x, ord, { dims: axes, keepdim });
  },
);

const conditioning = signature('A, /, p', {
  A: kinds.tensor,
  /** Which matrix norm. Default: null, 2: the largest singular value by the smallest. */
  p: matrixOrder.optional(),
});

export interface CondOptions extends OptionsOf<typeof conditioning> {}

/**
 * The condition number ‖A‖ ‖A⁻¹‖ of matrices; by singular values also of such as are not square.
 *
 * @param A (…, m, n)
 * @throws ValueError for a singular matrix, unless `p` is 2 or -2; ShapeError for what is no matrix; DTypeError for integers
 * @example
 * ```ts
 * linalg.cond(tensor([[2, 0], [0, 1]])); // tensor(2.)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.cond.html
 */
export const cond: FunctionOf<Tensor, typeof conditioning, CondOptions> = define('cond', conditioning, (a, p) => {
  requireMatrices('cond', a);
  if (p !== null && Math.abs(p as number) !== 2) return mul(matrixNorm(a, p), matrixNorm(inverted('cond', a), p));
  const s = svdvals(a);
  return p === -2 ? div(amin(s, -1), amax(s, -1)) : div(amax(s, -1), amin(s, -1));
});

/** One for all matrices, or one for each of a batch. */
export const tolerance: Kind<Operand> = kind(
  'at least 0, or a Tensor',
  (value): value is Operand => isTensor(value) || (typeof value === 'number' && value >= 0),
);

export const tolerances = {
  /** The least singular value that counts, of the largest. Default: null, max(m, n) times the element type's epsilon, or 0 beside an `atol`. */
  rtol: tolerance.optional(),
  /** The least singular value that counts. Default: null, 0. */
  atol: tolerance.optional(),
  /** Take the matrices as symmetric, and only the lower half of them. Default: false. */
  hermitian: kinds.boolean.default(false),
};

export interface Tolerances {
  readonly rtol: Operand | null;
  readonly atol: Operand | null;
}

/** Beside the singular values of each matrix. */
const ofEach = (value: Operand): Operand => (isTensor(value) ? unsqueeze(to(value.detach(), 'float64'), -1) : value);

/** What counts beside an `atol` without an `rtol`. */
const relativeBeside = (atol: Operand | null, epsilon: number): Operand =>
  isTensor(atol) ? where(gt(atol, 0), 0, epsilon) : (atol ?? 0) > 0 ? 0 : epsilon;

/** Which singular values count. */
export function counting(a: Tensor, s: Tensor, { rtol, atol }: Tolerances): Tensor {
  const epsilon = (dtypes[a.dtype].size === 8 ? 2 ** -52 : 2 ** -23) * Math.max(rowsOf(a), columnsOf(a));
  if (s.shape.at(-1) === 0) return s.gt(0);
  const relative = mul(amax(s, [-1], true), ofEach(rtol ?? relativeBeside(atol, epsilon)));
  return gt(s, clamp(relative, ofEach(atol ?? 0)));
}

/** Singular values, or the absolute values of eigenvalues. */
export const magnitudes = (op: string, a: Tensor, hermitian: boolean): Tensor =>
  hermitian ? eigenDecomposition(op, a, 'L')[0].abs() : singularValueDecomposition(op, a).s;

const ranking = signature('A, /, *, rtol, atol, hermitian', { A: kinds.tensor, ...tolerances });

export interface MatrixRankOptions extends OptionsOf<typeof ranking> {}

/**
 * How many singular values are not 0, as far as can be told (int32).
 *
 * @param A (…, m, n)
 * @throws ValueError for NaN and infinities; ShapeError for what is no matrix; DTypeError for integers
 * @example
 * ```ts
 * linalg.matrixRank(tensor([[1, 2], [2, 4]])); // tensor(1)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.matrix_rank.html
 */
export const matrixRank: FunctionOf<Tensor, typeof ranking, MatrixRankOptions> = define(
  'matrixRank',
  ranking,
  (A, rtol, atol, hermitian) => {
    const a = A.detach();
    requireMatrices('matrixRank', a);
    return sum(counting(a, magnitudes('matrixRank', a, hermitian), { rtol, atol }), [-1]);
  },
);
