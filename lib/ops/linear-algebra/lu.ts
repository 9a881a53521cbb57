import { define } from '../../arguments/define.js';
import type { FunctionOf, OptionsOf } from '../../arguments/forms.js';
import { signature } from '../../arguments/signature.js';
import { type BackwardRule, record } from '../../autograd/node.js';
import { isInteger } from '../../backend/dtype.js';
import { DTypeError, ShapeError, ValueError } from '../../errors.js';
import { refuseIf } from '../../tensor/check.js';
import * as kinds from '../../tensor/kinds.js';
import { type Results, results } from '../../tensor/results.js';
import { show } from '../../tensor/shape.js';
import { shapeOf, type Tensor } from '../../tensor/tensor.js';
import { clone, to } from '../conversion.js';
import { arange, eye } from '../creation.js';
import { cat } from '../joining.js';
import { add, eq, gt, logicalOr, lt } from '../pointwise.js';
import { matmul } from '../products.js';
import { tril, triu } from '../triangles.js';
import { expand, narrow, unsqueeze } from '../views.js';
import {
  alike,
  batchOf,
  checking,
  columnsOf,
  luOf,
  orderOf,
  placed,
  requireDone,
  requireMatrices,
  rowsOf,
  SINGULAR,
  turned,
} from './factors.js';
import { requireFit, triangularSolved } from './triangular.js';

/** L below U of a square matrix whose rows are in their places: d(L U) = dL U + L dU. */
const rule: BackwardRule<null> = {
  name: 'LinalgLuFactor',
  backward: (g, [packed]) => {
    const lower = add(
      tril(matmul(turned(unitLower(packed!)), tril(g, -1)), -1),
      triu(matmul(triu(g), turned(triu(packed!)))),
    );
    const right = turned(triangularSolved(triu(packed!), turned(lower), { upper: true }));
    return [triangularSolved(turned(unitLower(packed!)), right, { upper: true, unitriangular: true })];
  },
};

export const unitLower = (packed: Tensor): Tensor =>
  add(tril(packed, -1), eye(rowsOf(packed), columnsOf(packed), { dtype: packed.dtype }));

/** The permutation matrix P with A = P L U, from the rows that were exchanged one after the other. */
export function permutationOf(pivots: Tensor, rows: number, dtype: Tensor['dtype']): Tensor {
  const places = arange(rows, { dtype: 'int32' });
  const order = orderOf(pivots, rows);
  return to(eq(unsqueeze(order, -2), unsqueeze(places, -1)), dtype);
}

/** L below U with gradients, of matrices of any shape whose rows are in their places. */
function withGradient(a: Tensor, packed: Tensor): Tensor {
  const [m, n] = [rowsOf(a), columnsOf(a)];
  const k = Math.min(m, n);
  const corner = narrow(narrow(a, -2, 0, k), -1, 0, k);
  const known = clone(narrow(narrow(packed, -2, 0, k), -1, 0, k));
  record(known, rule, [corner], [known], null);
  if (m > n) {
    const below = triangularSolved(turned(triu(known)), turned(narrow(a, -2, k, m - k)), { upper: false });
    return cat([known, turned(below)], -2);
  }
  if (m === n) return known;
  const right = triangularSolved(unitLower(known), narrow(a, -1, k, n - k), { upper: false, unitriangular: true });
  return cat([known, right], -1);
}

/** L below U, the exchanged rows, the permutation and what failed. */
export function decomposed(a: Tensor): { packed: Tensor; pivots: Tensor; p: () => Tensor; info: Tensor } {
  const [packed, pivots, info] = luOf(a.detach());
  const p = () => permutationOf(pivots, rowsOf(a), a.dtype);
  if (!a.requiresGrad) return { packed, pivots, p, info };
  return { packed: withGradient(placed(pivots, a), packed), pivots, p, info };
}

const pivoted = {
  A: kinds.tensor,
  /** Exchange rows so that the largest element of a column is divided by. Default: true. */
  pivot: kinds.only(true, 'PyTorch has no other on a processor'),
};
const pivoting = signature('A, /, *, pivot', pivoted);
const pivotingEx = signature('A, /, *, pivot, checkErrors', { ...pivoted, ...checking });

export interface LuOptions extends OptionsOf<typeof pivoting> {}
export interface LuFactorExOptions extends OptionsOf<typeof pivotingEx> {}

/**
 * P, L and U with A = P L U: a permutation, a lower triangular matrix with ones on the diagonal, and an upper triangular one.
 *
 * @param A (…, m, n)
 * @throws ShapeError for what is no matrix; DTypeError for integers
 * @example
 * ```ts
 * const { L, U } = linalg.lu(tensor([[4, 2], [2, 2]]));
 * L; // tensor([[1.0000, 0.0000], [0.5000, 1.0000]])
 * U; // tensor([[4., 2.], [0., 1.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lu.html
 */
export const lu: FunctionOf<Results<['P', 'L', 'U']>, typeof pivoting, LuOptions> = define('lu', pivoting, (a) => {
  requireMatrices('lu', a);
  const { packed, p } = decomposed(a);
  const k = Math.min(rowsOf(a), columnsOf(a));
  return results('lu', ['P', 'L', 'U'], [p(), unitLower(narrow(packed, -1, 0, k)), triu(narrow(packed, -2, 0, k))]);
});

/**
 * L below U as one matrix, and the rows (from 1 on, int32) that were exchanged: what `linalg.luSolve` takes.
 *
 * @param A (…, m, n)
 * @throws ShapeError for what is no matrix; DTypeError for integers
 * @example
 * ```ts
 * const { LU, pivots } = linalg.luFactor(tensor([[1, 1], [2, 4]]));
 * LU; // tensor([[ 2.0000,  4.0000], [ 0.5000, -1.0000]])
 * pivots; // tensor([2, 2])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lu_factor.html
 */
export const luFactor: FunctionOf<Results<['LU', 'pivots']>, typeof pivoting, LuOptions> = define(
  'luFactor',
  pivoting,
  (a) => {
    requireMatrices('luFactor', a);
    const { packed, pivots } = decomposed(a);
    return results('luFactor', ['LU', 'pivots'], [packed, pivots]);
  },
);

/**
 * `linalg.luFactor`, and by `info` whether U can be divided by: 0, or the number (from 1 on) of the first pivot that is 0.
 *
 * @throws ValueError for a pivot of 0, if `checkErrors` is set; ShapeError and DTypeError as `linalg.luFactor`
 * @example
 * ```ts
 * linalg.luFactorEx(tensor([[1, 2], [2, 4]])).info; // tensor(2)
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lu_factor_ex.html
 */
export const luFactorEx: FunctionOf<Results<['LU', 'pivots', 'info']>, typeof pivotingEx, LuFactorExOptions> = define(
  'luFactorEx',
  pivotingEx,
  (a, _, checkErrors) => {
    requireMatrices('luFactorEx', a);
    const { packed, pivots, info } = decomposed(a);
    if (checkErrors) requireDone('luFactorEx', info, SINGULAR);
    return results('luFactorEx', ['LU', 'pivots', 'info'], [packed, pivots, info]);
  },
);

const solving = signature('LU, pivots, B, /, *, left, adjoint', {
  LU: kinds.tensor,
  pivots: kinds.tensor,
  B: kinds.tensor,
  /** Whether A stands on the left: A X = B, or else X A = B. Default: true. */
  left: kinds.boolean.default(true),
  /** Solve with Aᵀ. Default: false. */
  adjoint: kinds.boolean.default(false),
});

export interface LuSolveOptions extends OptionsOf<typeof solving> {}

/**
 * X of A X = B, from what `linalg.luFactor` made of A. Batches are broadcast.
 *
 * @param B (…, n, k)
 * @throws ShapeError if shapes do not fit; DTypeError if element types do not; ValueError for pivots that are no rows, in replays too
 * @example
 * ```ts
 * const { LU, pivots } = linalg.luFactor(tensor([[1, 1], [2, 4]]));
 * linalg.luSolve(LU, pivots, tensor([[3], [10]])); // tensor([[1.], [2.]])
 * ```
 * @see https://pytorch.org/docs/stable/generated/torch.linalg.lu_solve.html
 */
export const luSolve: FunctionOf<Tensor, typeof solving, LuSolveOptions> = define(
  'luSolve',
  solving,
  (packed, pivots, B, left, adjoint) => {
    requireFit('luSolve', packed, B, left);
    if (!isInteger(pivots.dtype)) throw new DTypeError(`luSolve: pivots must be int32, got ${pivots.dtype}`);
    const expected = shapeOf(packed).slice(0, -1);
    if (show(pivots.shape) !== show(expected))
      throw new ShapeError(`luSolve: expected pivots of shape ${show(expected)}, got ${show(pivots.shape)}`);
    requirePivots(pivots, rowsOf(packed));
    const isTurned = left === adjoint;
    const [l, b] = alike('luSolve', packed, left ? B : turned(B));
    const x = isTurned ? solvedTurned(l, pivots, b) : solvedPlain(l, pivots, b);
    return left ? x : turned(x);
  },
);

/** What is no row would exchange nothing. */
function requirePivots(pivots: Tensor, rows: number): void {
  const isBad = logicalOr(lt(pivots, 1), gt(pivots, rows));
  const rule = `luSolve: pivots must be between 1 and ${rows}, as luFactor gives them`;
  refuseIf(
    to(isBad.any(), 'float64'),
    () => new ValueError(`${rule}, got ${pivots.toString()}`),
    () => new ValueError(rule),
  );
}

/** The pivots of each matrix of a batch that `b` may have more of. */
const ofBatch = (pivots: Tensor, b: Tensor): Tensor => expand(pivots, [...batchOf(b), shapeOf(pivots).at(-1)!]);

const solvedPlain = (packed: Tensor, pivots: Tensor, b: Tensor): Tensor => {
  const middle = triangularSolved(packed, placed(ofBatch(pivots, b), b), { upper: false, unitriangular: true });
  return triangularSolved(packed, middle, { upper: true });
};

const solvedTurned = (packed: Tensor, pivots: Tensor, b: Tensor): Tensor => {
  const middle = triangularSolved(turned(packed), b, { upper: false });
  return matmul(
    permutationOf(pivots, rowsOf(packed), packed.dtype),
    triangularSolved(turned(packed), middle, { upper: true, unitriangular: true }),
  );
};
