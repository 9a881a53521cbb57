import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { type BackwardRule, record } from '../../autograd/node.js';
import { ValueError } from '../../errors.js';
import { refuseIf } from '../../tensor/check.js';
import * as kinds from '../../tensor/kinds.js';
import { type Single, single } from '../../tensor/parameters.js';
import { type Results, results } from '../../tensor/results.js';
import type { Tensor } from '../../tensor/tensor.js';
import { clone, to } from '../conversion.js';
import { eye } from '../creation.js';
import { cat } from '../joining.js';
import { add, div, mul, square, sub, where } from '../pointwise.js';
import { matmul } from '../products.js';
import { amax, sum } from '../reductions.js';
import { diagonalOf } from '../strided.js';
import { tril, triu } from '../triangles.js';
import { narrow, unsqueeze } from '../views.js';
import {
  columnsOf,
  productOf,
  reflectionsOf,
  requireMatrices,
  requireSquare,
  rowsOf,
  singularOf,
  turned,
} from './factors.js';

/** Refuses NaN and infinities, of which there is no decomposition. */
export function requireFinite(op: string, a: Tensor): void {
  if (a.numel() === 0) return;
  const bad = sum(to(a.detach().isfinite().logicalNot(), 'float64'));
  refuseIf(bad, () => new ValueError(`${op}: the matrices have elements that are NaN or infinite`));
}

/** Columns that are orthonormal, and further such ones that complete them to `columns` where they are zeros or not there. */
function completed(u: Tensor, columns: number): Tensor {
  const [packed, taus] = reflectionsOf(u);
  const q = productOf(packed, taus, columns);
  const signs = where(diagonalOf('svd', packed, 0, -2, -1).lt(0), -1, 1).to(u.dtype);
  const own = mul(narrow(q, -1, 0, columnsOf(u)), unsqueeze(signs, -2));
  return columns === columnsOf(u) ? own : cat([own, narrow(q, -1, columnsOf(u), columns - columnsOf(u))], -1);
}

const skew = (x: Tensor): Tensor => sub(x, turned(x));
const inRows = (s: Tensor): Tensor => unsqueeze(s, -2);
const inColumns = (s: Tensor): Tensor => unsqueeze(s, -1);

/** sⱼ² - sᵢ², and 1 on the diagonal. */
function gaps(s: Tensor): Tensor {
  const squares = square(s);
  return where(eye(s.shape.at(-1)!, { dtype: 'bool' }), 1, sub(inRows(squares), inColumns(squares)));
}

/** x without its part within the columns of u. */
const outside = (u: Tensor, x: Tensor): Tensor => sub(x, matmul(u, matmul(turned(u), x)));

const uRule: BackwardRule<null> = {
  name: 'LinalgSvd',
  backward: (g, [u, s, v]) => {
    const inside = mul(div(skew(matmul(turned(u!), g)), gaps(s!)), inRows(s!));
    const within = matmul(u!, inside);
    const isTall = rowsOf(u!) > columnsOf(u!);
    return [matmul(isTall ? add(within, div(outside(u!, g), inRows(s!))) : within, turned(v!))];
  },
};
const sRule: BackwardRule<null> = {
  name: 'LinalgSvd',
  backward: (g, [u, v]) => [matmul(mul(u!, inRows(g)), turned(v!))],
};
const vRule: BackwardRule<null> = {
  name: 'LinalgSvd',
  backward: (g, [u, s, v]) => {
    const inside = mul(inColumns(s!), div(skew(matmul(turned(v!), g)), gaps(s!)));
    const within = matmul(inside, turned(v!));
    const isWide = rowsOf(v!) > columnsOf(v!);
    return [matmul(u!, isWide ? add(within, div(turned(outside(v!, g)), inColumns(s!))) : within)];
  },
};

export interface Decomposition {
  readonly u: Tensor;
  readonly s: Tensor;
  readonly v: Tensor;
}

/** U (…, m, k), S (…, k) and V (…, n, k) with gradients, k the smaller of m and n. */
export function singularValueDecomposition(op: string, a: Tensor): Decomposition {
  requireMatrices(op, a);
  requireFinite(op, a);
  const isWide = rowsOf(a) < columnsOf(a);
  const [zeroed, s, right] = singularOf(isWide ? turned(a.detach()) : a.detach());
  const left = completed(zeroed, columnsOf(zeroed));
  const [u, v] = isWide ? [right, left] : [left, right];
  record(u, uRule, [a], [u, s, v], null);
  record(s, sRule, [a], [u, v], null);
  record(v, vRule, [a], [u, s, v], null);
  return { u, s, v };
}

const decomposing = signature('A, /, fullMatrices', {
  A: kinds.tensor,
  /** U (…, m, m) and Vh (…, n, n), instead of min(m, n) columns and rows. Gradients come from these alone. Default: true. */
  fullMatrices: kinds.boolean.default(true),
});

export interface SvdOptions extends OptionsOf<typeof decomposing> {}

const whole = (x: Tensor): Tensor => {
  const missing = rowsOf(x) - columnsOf(x);
  if (missing <= 0) return x;
  return cat([x, narrow(completed(clone(x.detach()), rowsOf(x)), -1, columnsOf(x), missing)], -1);
};

/**
 * A = U diag(S) Vh, with orthonormal columns of U and rows of Vh, and the singular values from the largest to the smallest. Signs are of no
 * meaning; the gradient of U and Vh has one where singular values are different.
 *
 * @param A (…, m, n)
 * @throws ValueError for NaN and infinities; ShapeError for what is no matrix; DTypeError for integers
 * @example
 * ```ts
 * const { U, S, Vh } = linalg.svd(tensor([[0, 2], [1, 0]]), false);
 * S; // tensor([2., 1.])
 * U.mul(S).matmul(Vh); // tensor([[0., 2.], [1., 0.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.svd.html
 */
export const svd: FunctionOf<Results<['U', 'S', 'Vh']>, typeof decomposing, SvdOptions> = define(
  'svd',
  decomposing,
  (a, fullMatrices) => {
    const { u, s, v } = singularValueDecomposition('svd', a);
    const both = fullMatrices ? [whole(u), whole(v)] : [u, v];
    return results('svd', ['U', 'S', 'Vh'], [both[0]!, s, turned(both[1]!)]);
  },
);

/**
 * The singular values, from the largest to the smallest.
 *
 * @param A (…, m, n)
 * @throws ValueError for NaN and infinities; ShapeError for what is no matrix; DTypeError for integers
 * @example
 * ```ts
 * linalg.svdvals(tensor([[3, 0], [0, -4]])); // tensor([4., 3.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.svdvals.html
 */
export const svdvals: Single = define('svdvals', single, (a) => singularValueDecomposition('svdvals', a).s);

/** lⱼ - lᵢ, and 1 on the diagonal. */
const differences = (l: Tensor): Tensor =>
  where(eye(l.shape.at(-1)!, { dtype: 'bool' }), 1, sub(inRows(l), inColumns(l)));

const valuesRule: BackwardRule<null> = {
  name: 'LinalgEigh',
  backward: (g, [v]) => [matmul(mul(v!, inRows(g)), turned(v!))],
};
const vectorsRule: BackwardRule<null> = {
  name: 'LinalgEigh',
  backward: (g, [l, v]) => {
    const inside = matmul(turned(v!), g);
    const own = eye(columnsOf(v!), { dtype: 'bool' });
    return [matmul(v!, matmul(div(where(own, 0, inside), differences(l!)), turned(v!)))];
  },
};

/** Eigenvalues, from the smallest to the largest, and eigenvectors, with gradients. */
export function eigenDecomposition(op: string, a: Tensor, half: string): [values: Tensor, vectors: Tensor] {
  requireSquare(op, a);
  requireFinite(op, a);
  const x = a.detach().double();
  const symmetric = /l/i.test(half) ? add(tril(x), turned(tril(x, -1))) : add(triu(x), turned(triu(x, 1)));
  // Shifted by a bound of its eigenvalues a matrix has these, shifted, as singular values, the largest for the smallest.
  const bound = columnsOf(a) === 0 ? sum(x, [-1]) : amax(sum(symmetric.abs(), [-1], true), [-2], true);
  const unit = eye(columnsOf(a), { dtype: 'float64' });
  const [, , right] = singularOf(columnsOf(a) === 0 ? symmetric : sub(mul(unit, bound), symmetric));
  const values = to(sum(mul(right, matmul(symmetric, right)), [-2]), a.dtype);
  const vectors = to(right, a.dtype);
  record(values, valuesRule, [a], [vectors], null);
  record(vectors, vectorsRule, [a], [values, vectors], null);
  return [values, vectors];
}

const halving = signature('A, /, UPLO', {
  A: kinds.tensor,
  /** Which half of the matrices is looked at: 'L' or 'U'. Default: 'L'. */
  UPLO: kinds.choice('L', 'U', 'l', 'u').default('L'),
});

export interface EighOptions extends OptionsOf<typeof halving> {}

/**
 * The eigenvalues of symmetric matrices, from the smallest to the largest, and eigenvectors as columns: A = V diag(λ) Vᵀ. Signs of vectors are of
 * no meaning; their gradient has one where eigenvalues are different. That of A is as if both halves were looked at.
 *
 * @param A (…, n, n)
 * @throws ValueError for NaN and infinities; ShapeError if matrices are not square; DTypeError for integers
 * @example
 * ```ts
 * linalg.eigh(tensor([[2, 1], [1, 2]])).eigenvalues; // tensor([1., 3.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.eigh.html
 */
export const eigh: FunctionOf<Results<['eigenvalues', 'eigenvectors']>, typeof halving, EighOptions> = define(
  'eigh',
  halving,
  (a, half) => results('eigh', ['eigenvalues', 'eigenvectors'], eigenDecomposition('eigh', a, half)),
);

/**
 * The eigenvalues of symmetric matrices, from the smallest to the largest.
 *
 * @param A (…, n, n)
 * @throws ValueError for NaN and infinities; ShapeError if matrices are not square; DTypeError for integers
 * @example
 * ```ts
 * linalg.eigvalsh(tensor([[2, 1], [1, 2]])); // tensor([1., 3.])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.eigvalsh.html
 */
export const eigvalsh: FunctionOf<Tensor, typeof halving, EighOptions> = define(
  'eigvalsh',
  halving,
  (a, half) => eigenDecomposition('eigvalsh', a, half)[0],
);
