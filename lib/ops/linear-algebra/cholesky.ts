import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { type BackwardRule, record } from '../../autograd/node.js';
import * as kinds from '../../tensor/kinds.js';
import { type Results, results } from '../../tensor/results.js';
import type { Tensor } from '../../tensor/tensor.js';
import { eye } from '../creation.js';
import { add, mul } from '../pointwise.js';
import { matmul } from '../products.js';
import { tril } from '../triangles.js';
import { expand } from '../views.js';
import {
  alike,
  batchOf,
  checking,
  choleskyOf,
  columnsOf,
  INDEFINITE,
  requireDone,
  requireSquare,
  turned,
} from './factors.js';
import { requireFit, triangularSolved } from './triangular.js';

/** The lower half of a symmetric matrix whose halves were added: the diagonal counts once. */
const lowerHalf = (x: Tensor): Tensor => mul(add(tril(x), tril(x, -1)), 0.5);

const rule: BackwardRule<null> = {
  name: 'LinalgCholesky',
  backward: (g, [l]) => {
    const middle = lowerHalf(matmul(turned(l!), g));
    const symmetric = mul(add(middle, turned(middle)), 0.5);
    const upper = { upper: true };
    const left = triangularSolved(turned(l!), symmetric, upper);
    return [turned(triangularSolved(turned(l!), turned(left), upper))];
  },
};

const definite = {
  A: kinds.tensor,
  /** The upper factor U with A = Uᵀ U, instead of the lower one. Default: false. */
  upper: kinds.boolean.default(false),
};
const factoring = signature('A, /, *, upper', definite);
const factoringEx = signature('A, /, *, upper, checkErrors', { ...definite, ...checking });

export interface CholeskyOptions extends OptionsOf<typeof factoring> {}
export interface CholeskyExOptions extends OptionsOf<typeof factoringEx> {}

function factored(op: string, a: Tensor, upper: boolean): [l: Tensor, info: Tensor] {
  requireSquare(op, a);
  const [l, info] = choleskyOf(a.detach());
  record(l, rule, [a], [l], null);
  return [upper ? turned(l) : l, info];
}

/**
 * The lower triangular L with A = L Lᵀ, of symmetric positive definite matrices. Only the lower half of A is looked at; the gradient is
 * symmetric.
 *
 * @param A (…, n, n)
 * @throws ValueError for a matrix that is not positive definite; ShapeError if matrices are not square; DTypeError for integers
 * @example
 * ```ts
 * linalg.cholesky(tensor([[4, 2], [2, 2]])); // tensor([[2., 0.], [1., 1.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.cholesky.html
 */
export const cholesky: FunctionOf<Tensor, typeof factoring, CholeskyOptions> = define(
  'cholesky',
  factoring,
  (a, upper) => {
    const [l, info] = factored('cholesky', a, upper);
    requireDone('cholesky', info, INDEFINITE);
    return l;
  },
);

/**
 * `cholesky` that says by `info` where it failed, instead of throwing: 0, or the number (from 1 on) of the pivot that is not above 0.
 *
 * @throws ValueError for a matrix that is not positive definite, if `checkErrors` is set; ShapeError and DTypeError as `linalg.cholesky`
 * @example
 * ```ts
 * linalg.choleskyEx(tensor([[1, 2], [2, 1]])).info; // tensor(2)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.cholesky_ex.html
 */
export const choleskyEx: FunctionOf<Results<['L', 'info']>, typeof factoringEx, CholeskyExOptions> = define(
  'choleskyEx',
  factoringEx,
  (a, upper, checkErrors) => {
    const [l, info] = factored('choleskyEx', a, upper);
    if (checkErrors) requireDone('choleskyEx', info, INDEFINITE);
    return results('choleskyEx', ['L', 'info'], [l, info]);
  },
);

const half = {
  /** Whether L is the upper factor. Default: false. */
  upper: kinds.boolean.default(false),
};

const solving = signature('B, L, /, upper', { B: kinds.tensor, L: kinds.tensor, ...half });
const inverting = signature('L, /, upper', { L: kinds.tensor, ...half });

function solved(op: string, b: Tensor, given: Tensor, upper: boolean): Tensor {
  requireFit(op, given, b);
  const [l, right] = alike(op, upper ? turned(given) : given, b);
  const middle = triangularSolved(l, right, { upper: false });
  return triangularSolved(turned(l), middle, { upper: true });
}

/**
 * X of A X = B, from the Cholesky factor L of A.
 *
 * @param B (…, n, k)
 * @param L (…, n, n)
 * @throws ShapeError if shapes do not fit; DTypeError for integers, or two element types
 * @example
 * ```ts
 * choleskySolve(tensor([[8], [6]]), tensor([[2, 0], [1, 1]])); // tensor([[1.], [2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.cholesky_solve.html
 */
export const choleskySolve: FunctionOf<Tensor, typeof solving> = define('choleskySolve', solving, (b, l, upper) =>
  solved('choleskySolve', b, l, upper),
);

/**
 * The inverse of A, from its Cholesky factor L.
 *
 * @param L (…, n, n)
 * @throws ShapeError if matrices are not square; DTypeError for integers
 * @example
 * ```ts
 * choleskyInverse(tensor([[2, 0], [0, 1]])); // tensor([[0.2500, 0.0000], [0.0000, 1.0000]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.cholesky_inverse.html
 */
export const choleskyInverse: FunctionOf<Tensor, typeof inverting> = define(
  'choleskyInverse',
  inverting,
  (l, upper) => {
    requireSquare('choleskyInverse', l);
    const n = columnsOf(l);
    return solved('choleskyInverse', expand(eye(n, { dtype: l.dtype }), [...batchOf(l), n, n]), l, upper);
  },
);
